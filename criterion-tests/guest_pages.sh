#!/bin/bash
# criterion-tests/guest_pages.sh: a module in Debian's unmodified kernel tells the monitor of free pages: the same run in each tier.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
need_guest debian-4kc
cd "$folder" || exit 1
if ! "${MB_SOURCE:?}/guests/linux/build" debian-4kc pages.ko 2>build.log; then
  grep -q -e 'cannot be fetched' -e 'apt-get install' build.log && { echo "skipped: $(cat build.log)"; exit 77; }
  check "the module builds: $(cat build.log)" 1
  finish
fi

# An initramfs behind the guest's own, with the module.
entry() { # name mode size
  printf '070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x' 1 "$2" 0 0 1 0 "$3" 0 0 0 0 $((${#1} + 1)) 0
  printf '%s\0' "$1"
  head -c $(((4 - (110 + ${#1} + 1) % 4) % 4)) /dev/zero
}
size=$(stat -c %s pages.ko)
pad() { head -c $(((4 - $(stat -c %s "$1") % 4) % 4)) /dev/zero; }
{
  cat "$initrd"
  pad "$initrd"
  entry pages.ko $((8#100644)) "$size"
  cat pages.ko
  pad pages.ko
  entry 'TRAILER!!!' 0 0
} >initrd

parameters=/sys/module/mirrorball_pages/parameters
first=
for tier in auto stencil; do
  "$program" run debian-4kc --initrd initrd --tier $tier --code-store none --timeout 600 --stats stats \
    --type "debian:/root# =>insmod /pages.ko; sleep 5; cat $parameters/pages; echo 50 >$parameters/scrub\n" \
    --type "debian:/root# =>cat $parameters/zeroed; head -c 60000000 /dev/zero | tee /tmp/x | md5sum; md5sum </tmp/x\n" \
    --type 'debian:/root# =>rm /tmp/x; sleep 5; rmmod mirrorball_pages; echo "removed: $?"; exit\n' </dev/null 2>err | tr -d '\r' >out
  code=${PIPESTATUS[0]}
  check "$tier: the guest ends well: $code $(tail -5 err)" "$code"
  pages=$(grep -xE '[0-9]+' out | sed -n 1p)
  check "$tier: most of the memory is told to be free: $pages pages; $(tail -30 out)" $((${pages:-0} < 40000))
  check "$tier: pages are zeroed" "$([[ $(grep -xE '[0-9]+' out | sed -n 2p) == 50 ]]; echo $?)"
  check "$tier: what is made of them is right" "$(($(grep -c '^69a4609e44d2a5c940a9cd3ac301bc8c' out) != 2))"
  resident=$(sed -n '/"memory_use"/,/}/s/^ *"resident": \([0-9]*\),/\1/p' stats | head -1)
  check "$tier: the memory of the file goes back: $resident bytes" $((${resident:-1000000000} > 64000000))
  check "$tier: the module goes" "$(grep -q '^removed: 0' out; echo $?)"
  this=$(stat_of stats state_hash)$(stat_of stats instructions)
  check "$tier: the same run: $first, $this" "$([[ -z $first || $first == "$this" ]]; echo $?)"
  first=$this
done
finish
