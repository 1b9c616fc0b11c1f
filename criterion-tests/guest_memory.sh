#!/bin/bash
# criterion-tests/guest_memory.sh: Debian's kernels on one disk image, sharing memory: each the run it is alone, for less.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
need_guest debian-4kc
need_e2fsprogs
cd "$folder" || exit 1

mkdir files
head -c 3000000 "$kernel" >files/given
ext4_image base 16M -b 4096 -d files # blocks of the size of pages
given=$(sha256sum <files/given)
given=${given%% *}

# What a VM does: read a disk that all have, write a little to it, then idle. With /dev/vda or /dev/sda.
work() { echo "console=ttyS0 mb.run=\\\"mount -t ext4 $1 /mnt; sha256sum /mnt/given; head -c 9999 /mnt/given >/mnt/own; sync; sleep 20\\\""; }
vm() { # name bus disk
  echo "  { name = \"$1\"; guest = \"debian-4kc\"; disk = \"base,cow,$2\"; append = \"$(work "$3")\"; console = \"file:$1.out\"; }"
}
machine() { # FILE VM...
  local file=$1 comma=
  shift
  echo 'vms = ('
  for name; do
    echo "$comma"
    if [[ $name == ide* ]]; then vm "$name" ide /dev/sda; else vm "$name" virtio /dev/vda; fi
    comma=,
  done
  echo ');'
} >"$1"
run() { # FILE OPTION...
  "$program" run --machine "$1" --stats "$1.stats" --status "$1.status" --timeout 600 --code-store none "${@:2}" \
    >out 2>err </dev/null
  held=$?
  check "$1 ends well: $(cat err)" "$held"
}
# state FILE VM: what there is of a VM's run. amount FILE KEY: of the memory of all VMs together.
state() { awk -F'[:,] *' -v name="$2" '/"name"/ {own = $2 == "\"" name "\""} own && /"(instructions|state_hash)"/ {print $2}' \
  "$1.stats" | tr -d '"\n'; }
amount() { awk -F'[:,] *' -v key="\"$2\"" '/"memory_use"/ {on = 1} on && $1 ~ key {print $2; exit}' "$1.stats"; }

for name in a ide; do
  machine "alone.$name" "$name"
  run "alone.$name"
  grep -q "$given" $name.out
  check "$name has read the file" $?
done
one=$(amount alone.a part)

machine three a b ide
run three --merge
for name in a b ide; do
  want=$(state "alone.${name/b/a}" "${name/b/a}") is=$(state three $name)
  check "$name is the run it is alone: $is, not $want" "$([[ ${#want} -gt 20 && $is == "$want" ]]; echo $?)"
done
hits=$(sed -n 's/.*"cache_hits": \([0-9]*\).*/\1/p' three.stats | awk '{n += $1} END {print n}')
check "blocks were found in memory: $hits" $((hits < 1200)) # of the 732 that the file has, by two of three

machine eight a b c d e f g h
run eight --merge
all=$(amount eight part) further=$(((all - one) / 7))
want=$(state alone.a a) is=$(state eight h)
check "the eighth is the run it is alone: $is, not $want" "$([[ ${#want} -gt 20 && $is == "$want" ]]; echo $?)"
echo "one VM: $((one >> 10)) KiB, eight: $((all >> 10)) KiB, each further one: $((further >> 10)) KiB"
cat eight.status
check "eight take at most twice the memory of one" $((all > 2 * one))
check "a further one takes less than 30 % of the first, and than 12 MiB" $((further * 10 > one * 3 || further > 12 << 20))
finish
