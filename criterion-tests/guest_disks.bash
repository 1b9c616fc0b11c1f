# criterion-tests/guest_disks.bash: a file system on a disk, under one of Debian's kernels; sourced with `guest` set.
# On each bus the board has; what a disk forgets, refuses and keeps; the same run in every tier. With $MB_QUICK one bus is all.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
need_guest "${guest:?}"
need_e2fsprogs
cd "$folder" || exit 1

mkdir files
head -c 300000 "$kernel" >files/given
ext4_image base 16M -d files
cp base kept
given=$(sha256sum <files/given) twice=$(cat files/given files/given | sha256sum)
given=${given%% *} twice=${twice%% *}

# The guest reads what is there, writes, and reads it back from the disk.
writing='sha256sum /mnt/given; cat /mnt/given /mnt/given >/mnt/twice; sync; echo 3 >/proc/sys/vm/drop_caches;
sha256sum /mnt/twice; umount /mnt && echo unmounted'
# A disk that is read only: the file system is read, and the disk itself cannot be written to.
# shellcheck disable=SC2016 # the guest's shell is to expand it
reading='sha256sum /mnt/given; dd if=/dev/zero of=$disk bs=4k count=1 conv=fsync 2>/dev/null || echo refused;
umount /mnt && echo unmounted'

session() { # bus mode tier commands: into console.TIER and stats.TIER
  local disk=/dev/vda how=rw
  [[ $1 == ide ]] && disk=/dev/sda
  [[ $2 == *,ro ]] && how=ro
  "$program" run "$guest" --disk "$2,$1" --tier "$3" --stats "stats.$3" --timeout 600 --code-store store \
    --append "console=ttyS0 mb.run=\"disk=$disk; mount -t ext4 -o $how $disk /mnt; ${4//$'\n'/ }\"" \
    >"console.$3" 2>"err.$3" </dev/null
}

[[ ${MB_QUICK-} ]] && buses=(virtio)
for bus in "${buses[@]}"; do
  first=
  for tier in auto stencil eval; do
    session "$bus" base,cow $tier "$writing"
    code=$?
    ((code == 2)) && continue # a build without this tier
    check "$bus, $tier: $guest powers off (exit code $code, $(cat "err.$tier"))" "$code"
    grep -q "$given" "console.$tier" && grep -q "$twice" "console.$tier" && grep -q '^unmounted' "console.$tier"
    result=$?
    check "$bus, $tier: reads and writes: $(tail -4 "console.$tier")" $result
    outcome="$(stat_of "stats.$tier" instructions) instructions, state $(stat_of "stats.$tier" state_hash)"
    [[ $outcome == "${first:=$outcome}" ]]
    check "$bus: the same run: $first, with --tier $tier $outcome" $?
    [[ ${MB_QUICK-} ]] && finish
  done
  cmp base kept
  check "$bus: a cow disk leaves its file alone" $?

  cp base mine
  session "$bus" mine,persist auto "$writing"
  code=$?
  grep -q '^unmounted' console.auto
  result=$?
  check "$bus, persist: reads and writes (exit code $code, $(cat err.auto)): $(tail -4 console.auto)" $result
  outcome="$(stat_of stats.auto instructions) instructions, state $(stat_of stats.auto state_hash)"
  [[ $outcome == "$first" ]]
  check "$bus, persist: to the guest it is the disk that cow is" $?
  grep -q '"flushes": [1-9]' stats.auto
  check "$bus, persist: sync reaches the disk" $?
  e2fsck -fn mine >fsck 2>&1
  result=$?
  check "$bus, persist: the file system is clean: $(cat fsck)" $result
  [[ $(debugfs -R 'cat /twice' mine 2>/dev/null | sha256sum) == "$twice"* ]]
  check "$bus, persist: what was written is in the file" $?

  session "$bus" base,ro auto "$reading"
  code=$?
  grep -q "$given" console.auto && grep -q '^refused' console.auto && grep -q '^unmounted' console.auto
  result=$?
  check "$bus, ro: is read and refuses (exit code $code, $(cat err.auto)): $(tail -4 console.auto)" $result
  cmp base kept
  check "$bus, ro: the file is what it was" $?
done
finish
