#!/bin/bash
# criterion-tests/oracle_system.sh: bare-metal programs print the same under mirrorball and under QEMU.
# SPDX-License-Identifier: Apache-2.0
# TLB, segments, exceptions in delay slots, unaligned access, LL/SC, FPU, interrupts, user mode, caches: guests/bare.
# Each line of output is one case. What differs on purpose stands in expected_difference with the manual's reason.
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
guests=${MB_BUILD:?}/guests
[[ -d $guests ]] || { echo "skipped: guests/build has not run (no cross compilers?)"; exit 77; }

# Drop the lines of one case from both sides.
expected_difference() {
  case $1 in
    # MIPS64 vol. II-A, ABS.fmt, NEG.fmt: with ABS2008 clear these are arithmetic: a signalling NaN operand is Invalid,
    # a NaN result is the default NaN. QEMU 7.2 flips the sign bit alone. (The digests cover all operands.)
    *-fpu) sed -E '/^fpu (abs|neg)_s .*(7fbfffff|7fffffff|digest)/d' ;;
    # Config3.VInt: no 64-bit core of QEMU's has vectored interrupts; the 32-bit build compares these cases.
    mips64*-irq) sed -E '/^irq (vint|iv-|vs-)/d' ;;
    *) cat ;;
  esac
}

for target in mips32r2el mips32r2eb mips64r2el mips64r2eb; do
  case $target in
    mips32r2el) qemu=qemu-system-mipsel ours=24Kf ;;
    mips32r2eb) qemu=qemu-system-mips ours=24Kf ;;
    mips64r2el) qemu=qemu-system-mips64el ours=MIPS64R2-generic ;;
    mips64r2eb) qemu=qemu-system-mips64 ours=MIPS64R2-generic ;;
  esac
  for path in "$guests/$target"/*; do
    name=${path##*/} theirs=$ours mine=$ours
    case $name in kernel | splash-* | calls | hostile) continue ;; esac # QEMU has no monitor; the last one never ends
    case $target-$name in
      mips32*-irq) theirs=34Kf mine=34Kf ;; # vectored interrupts
      mips32*-rixi | mips32*-user | mips32*-watch) theirs=P5600 mine=MIPS32R2-full ;; # RI/XI, UserLocal
    esac
    timeout 600 "$qemu" -M malta -cpu "$theirs" -m 64 -nic none -vga none -nographic -kernel "$path" \
      </dev/null 2>/dev/null | expected_difference "$target-$name" >"$folder/theirs"
    "$program" run --kernel "$path" --cpu "$mine" --mem 64M --timeout 600 </dev/null 2>"$folder/err" >"$folder/all"
    code=$?
    expected_difference "$target-$name" <"$folder/all" >"$folder/ours"
    check "$target $name ends with code $code: $(cat "$folder/err")" "$code"
    lines=$(wc -l <"$folder/theirs")
    check "$target $name says something under QEMU" $((lines == 0))
    diff "$folder/theirs" "$folder/ours" >"$folder/diff"
    code=$?
    check "$target $name agrees with QEMU in $lines lines: $(head -10 "$folder/diff")" "$code"
  done
  "$program" run --kernel "$guests/$target/kernel" --cpu "$ours" --append run=test --timeout 600 </dev/null >"$folder/all" 2>&1
  check "$target: the own kernel powers off" $?
  grep -q '^test: passed' "$folder/all"
  code=$?
  check "$target: the own kernel passes its own test: $(tail -3 "$folder/all")" "$code"
done
finish
