# criterion-tests/images.bash: small kernel images made by the shell alone, for tests that have no cross compiler.
# SPDX-License-Identifier: Apache-2.0

word() { # little|big hexdigits: bytes in that order
  local i out=
  for ((i = ${#2} - 2; i >= 0; i -= 2)); do
    if [[ $1 == little ]]; then out+="\\x${2:i:2}"; else out="\\x${2:i:2}$out"; fi
  done
  printf '%b' "$out"
}

# little|big 32|64 WORD...: an executable whose code is the hex words, loaded and entered at 0x80100000. It is as
# a linker makes it: ELF header, one program header, the code, one section header.
elf() {
  local order=$1 class=$2 a w n
  shift 2
  n=$(($# * 4))
  local ehdr=52 phdr=32 shdr=40 at=80100000
  ((class == 64)) && ehdr=64 phdr=56 shdr=64 at=ffffffff80100000
  a=$((class / 4))
  half() { word "$order" "$(printf '%04x' "$1")"; }
  full() { word "$order" "$(printf '%08x' "$1")"; }
  long() { word "$order" "$(printf '%0*x' "$a" "$1")"; }
  printf '\x7fELF%b%b\x01' "\\x0$((class / 32))" "$([[ $order == big ]] && printf '\\x02' || printf '\\x01')"
  printf '\0\0\0\0\0\0\0\0\0'
  half 2; half 8; full 1
  word "$order" "$at"; long "$ehdr"; long $((ehdr + phdr + n))
  if ((class == 64)); then full 0x80000000; else full 0x70000000; fi
  half "$ehdr"; half "$phdr"; half 1; half "$shdr"; half 1; half 0
  full 1
  ((class == 64)) && full 7
  long $((ehdr + phdr)); word "$order" "$at"; word "$order" "$at"; long "$n"; long "$n"
  ((class == 32)) && full 7
  long 4096
  for w; do word "$order" "$w"; done
  for ((w = 0; w < shdr; w++)); do printf '\0'; done
}

# What the machine code of talkative kernels consists of: a text and a newline shown on the first serial port, whose
# address is in t0; the byte is in t1.
says() { # text
  local i
  for ((i = 0; i < ${#1}; i++)); do printf ' 240900%02x a10903f8' "'${1:i:1}"; done
  echo ' 2409000a a10903f8'
}
