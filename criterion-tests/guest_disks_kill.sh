#!/bin/bash
# criterion-tests/guest_disks_kill.sh: what a guest was told is stable on a persist disk survives kill -9 at any moment.
# SPDX-License-Identifier: Apache-2.0
# The guest appends a record to a log, waits for fsync, and says so on the console. It is killed, and booted again on the
# same disk, so that it recovers its journal itself; after each kill a copy of the file must recover, too, be a clean
# file system, and hold every record that was told. $MB_KILLS: how often; $MB_SEED: when.
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
systems=('debian-4kc virtio /dev/vda' 'debian-4kc ide /dev/sda' 'debian-generic32 virtio /dev/vda') # they take turns
need_guest debian-4kc
need_guest debian-generic32
need_e2fsprogs
cd "$folder" || exit 1
kills=${MB_KILLS:-8}
[[ ${MB_QUICK-} ]] && kills=3
RANDOM=${MB_SEED:-$$}
echo "MB_SEED=${MB_SEED:-$$}"
ext4_image disk 16M

# shellcheck disable=SC2016 # the guest's shell is to expand it
loop='mount -t ext4 $disk /mnt; touch /mnt/log; n=$(wc -l </mnt/log); echo mounted; while :; do n=$((n+1));
echo record $n | dd of=/mnt/log oflag=append conv=notrunc,fsync 2>/dev/null && echo told $n; done'

told=0 most=0
for ((kill = 1; kill <= kills; kill++)); do
  read -r guest bus disk <<<"${systems[kill % 3]}"
  "$program" run "$guest" --disk "disk,persist,$bus" --code-store store --timeout 600 \
    --append "console=ttyS0 mb.run=\"disk=$disk; ${loop//$'\n'/ }\"" >console 2>err </dev/null &
  pid=$!
  # Any moment once there is something to lose: while the journal is recovered, at the first records, later.
  wait_for $pid grep -q 'init on' console
  sleep "$(printf '%d.%03d' $((RANDOM % 3)) $((RANDOM % 1000)))"
  kill -9 $pid
  wait $pid 2>/dev/null
  code=$?
  check "kill $kill: it ran until then (exit code $code): $(cat err; tail -1 console)" $((code != 137))
  now=$(sed -n 's/^told \([0-9]*\)\r*$/\1/p' console | tail -1)
  told=${now:-$told}
  cp disk copy
  e2fsck -p copy >fsck 2>&1
  code=$?
  check "kill $kill: the journal is recovered (exit code $code, told $told): $(cat fsck)" $((code > 1))
  e2fsck -fn copy >fsck 2>&1
  code=$?
  check "kill $kill: the file system is clean (told $told): $(cat fsck)" $code
  debugfs -R 'cat /log' copy >log 2>/dev/null
  records=$(wc -l <log)
  [[ $(awk '$0 != "record " NR' log | wc -l) == 0 ]] && ((records >= told))
  check "kill $kill: of $told records told all are in the log of $records" $?
  ((records > most)) && most=$records
done
[[ ${MB_QUICK-} ]] || check "there was something to lose: $most records" $((most < 20))
finish
