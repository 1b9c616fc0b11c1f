#!/bin/bash
# criterion-tests/guest_replay.sh: a Debian guest that talks to this host through NAT, recorded; and replayed when nobody is
# there to answer.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
need_guest debian-4kc
need_e2fsprogs
cd "$folder" || exit 1
serve_big 1M
fetch="udhcpc -n -q >/dev/null; wget -q -O big http://10.0.2.2:$port/big; sha256sum big; exit\n"

{ sleep 1; printf '%b' "$fetch"; } | timeout 600 "$program" run debian-4kc --net nat --rtc host --record it.mbr \
  --stats stats --code-store store >console 2>err
code=${PIPESTATUS[1]}
grep -q "^$big" console
held=$?
check "fetched and recorded: exit $code, $(cat err): $(tail -3 console)" $held
kill $server
(($(stat_of stats frames_from_outside) > 10))
check "it came from outside" $?
for tier in auto stencil; do
  timeout 600 "$program" run --replay it.mbr --tier $tier --stats again --code-store store </dev/null >again.console 2>err
  code=$?
  ((code == 0)) && cmp -s console again.console && [[ $(stat_of again state_hash) == "$(stat_of stats state_hash)" &&
    $(stat_of again instructions) == "$(stat_of stats instructions)" &&
    $(stat_of again frames_from_outside) == "$(stat_of stats frames_from_outside)" ]]
  held=$?
  check "replayed, $tier: exit $code, $(stat_of again instructions) of $(stat_of stats instructions): $(cat err)" $held
  [[ ${MB_QUICK-} ]] && break
done

# A disk that persists: the replay reads it as it was, and leaves it as it is.
mkdir files
head -c 300000 "$kernel" >files/given
ext4_image disk 16M -d files
cp disk fresh
# shellcheck disable=SC2016 # the guest's shell is to expand it
on_disk='mount -t ext4 /dev/vda /mnt; sha256sum /mnt/given; cat /mnt/given /mnt/given >/mnt/twice; rm /mnt/given; sync;
echo synced; umount /mnt'
{ sleep 1; printf '%s\nexit\n' "${on_disk//$'\n'/ }"; } | timeout 600 "$program" run debian-4kc --disk disk,persist \
  --record it.mbr --stats stats --code-store store >console 2>err
code=${PIPESTATUS[1]}
check "a disk that persists is recorded: exit $code, $(cat err)" "$code"
! cmp -s disk fresh
check "it was written to" $?
cp -p disk kept
for tier in auto stencil; do
  timeout 600 "$program" run --replay it.mbr --tier $tier --stats again --code-store store </dev/null >again.console 2>err
  code=$?
  ((code == 0)) && cmp -s console again.console && [[ $(stat_of again state_hash) == "$(stat_of stats state_hash)" ]]
  held=$?
  check "replayed, $tier: exit $code: $(cat err)" $held
  [[ ${MB_QUICK-} ]] && break
done
cmp -s disk kept
check "the replay has left the disk as it was" $?
touch disk
timeout 600 "$program" run --replay it.mbr </dev/null >/dev/null 2>err
code=$?
((code == 2)) && grep -q 'a disk that persists is another by now' err
held=$?
check "a disk that has changed is refused: exit $code, $(cat err)" $held

# Killed in the middle of writing: its disk and its record belong together all the same.
mkfifo keys
"$program" run debian-4kc --disk fresh,persist --record it.mbr --code-store store <keys >console 2>err &
pid=$!
exec 3>keys
printf '%s\n' "${on_disk//$'\n'/ } ; dd if=/dev/urandom of=/dev/vda bs=64k 2>/dev/null" >&3
wait_for $pid grep -q '^synced' console
sleep 0.7
kill -9 $pid
wait $pid 2>/dev/null
exec 3>&-
timeout 600 "$program" run --replay it.mbr --code-store store </dev/null >again.console 2>err
code=$?
((code == 0)) && grep -q 'the record has no end' err && grep -q '^synced' again.console
held=$?
check "a record whose run was killed while it wrote: exit $code, $(cat err), $(tail -3 again.console)" $held
finish
