#!/bin/bash
# criterion-tests/guest_nfs.sh: NFS between two of Debian's kernels on a subnet: files are what they are on the server's disk.
# SPDX-License-Identifier: Apache-2.0
# The server is the kernel's, and needs no daemon: what mountd would tell it is written into its caches beforehand. Version
# 4 needs nothing else. The client reads, writes, and reads back; then the server's disk is looked at.
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
need_guest debian-nfs
need_e2fsprogs
cd "$folder" || exit 1

mkdir files
head -c 3000000 "$kernel" >files/given
ext4_image base 16M -d files
given=$(sha256sum <files/given) given=${given%% *}

# Flags of the export: reserved ports not wanted, root is root, no subtree check, a number for the file system (0).
serve='mkdir /srv; mount -t ext4 /dev/vda /srv; ip addr add 10.9.0.1/24 dev eth0; ip link set eth0 mtu 65535 up;
modprobe nfsd; mount -t nfsd nfsd /proc/fs/nfsd; cd /proc/net/rpc; echo nfsd 10.9.0.2 2147483647 client >auth.unix.ip/channel;
echo client /srv 2147483647 9218 65534 65534 0 >nfsd.export/channel;
echo client 1 0x00000000 2147483647 /srv | sed s/0x/\\\\x/ >nfsd.fh/channel; echo -2 -3 +4 >/proc/fs/nfsd/versions;
echo 1 >/proc/fs/nfsd/nfsv4gracetime; echo 2 >/proc/fs/nfsd/threads; echo serving; nc -l -p 7; echo 0 >/proc/fs/nfsd/threads;
cd /; umount /srv && echo unmounted'
ask='ip addr add 10.9.0.2/24 dev eth0; ip link set eth0 mtu 65535 up; modprobe nfsv4; sleep 10;
mount -t nfs4 -o addr=10.9.0.1,clientaddr=10.9.0.2,vers=4.2 10.9.0.1:/ /mnt; cd /mnt; sha256sum given;
head -c 1000000 given | tee copy | wc -c; sync; echo 3 >/proc/sys/vm/drop_caches; sha256sum copy; cd /; umount /mnt;
echo end | nc 10.9.0.1 7'

quoted() { # a command as text in a machine file
  local s=${1//$'\n'/ }
  s=${s//\\/\\\\}
  echo "\"console=ttyS0 quiet mb.run=\\\"$s\\\"\""
}
cat >pair <<END
vms = (
  { name = "server"; guest = "debian-nfs"; net = "subnet=x"; disk = "disk,persist"; append = $(quoted "$serve"); },
  { name = "client"; guest = "debian-nfs"; net = "subnet=x"; append = $(quoted "$ask"); }
);
END

copy=$(head -c 1000000 files/given | sha256sum) copy=${copy%% *}
first=
for tier in auto stencil; do
  cp base disk
  "$program" run --machine pair --tier $tier --stats stats --timeout 600 --code-store store >out 2>err </dev/null
  code=$?
  ((code == 2)) && continue # a build without this tier
  check "$tier: both power off (exit code $code): $(cat err)" "$code"
  grep -q "^client| $given  given" out && grep -q "^client| $copy  copy" out
  result=$?
  check "$tier: the client reads what the server has, and what it has written: $(grep -A 8 serving out)" $result
  grep -q '^server| unmounted' out
  result=$?
  check "$tier: the server's disk is let go: $(tail -4 out)" $result
  e2fsck -fn disk >fsck 2>&1
  result=$?
  check "$tier: it is clean: $(cat fsck)" $result
  [[ $(debugfs -R 'cat /copy' disk 2>/dev/null | sha256sum) == "$copy"* ]]
  check "$tier: and holds what the client wrote" $?
  outcome=$(grep -E '"(instructions|state_hash)"' stats | tr -d ' \n')
  [[ $outcome == "${first:=$outcome}" ]]
  check "the same pair of runs: $first, with --tier $tier $outcome" $?
done
# The server's pages go out as they lie in its memory; where they come to lie is the client's choice.
pages=$(stat_of stats pages_sent)
check "whole pages of the file were sent: $pages of $((3000000 / 4096)), $(stat_of stats pages_aligned) aligned" $((pages < 600))
finish
