#!/bin/bash
# criterion-tests/run_hostile.sh: a guest that writes anything to every device and page it can reach harms itself alone: its
# neighbour is the run it is without it, and files stay as they are.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
guests=${MB_BUILD:?}/guests
[[ -d $guests ]] || { echo "skipped: guests/build has not run (no cross compilers?)"; exit 77; }
cd "$folder" || exit 1
insns=${MB_QUICK:+3000000}
insns=${insns:-30000000}

head -c 1M /dev/urandom >shared
cksum shared >before
neighbour='kernel = "neighbour"; append = "run=test"; mem = "32M"; disk = ["shared,cow"];'
state_of() { # file: instructions, hash and end of the VM called neighbour
  awk -F'[:,] *' '/"name"/ {mine = $2 ~ /neighbour/}
    mine && /"(instructions|state_hash|exit|console_digest)"/ {printf "%s ", $2}' "$1"
}

for target in mips32r2el mips64r2eb; do
  cpu=24Kf multi=MIPS32R2-multi
  [[ $target == mips64* ]] && cpu=MIPS64R2-generic multi=MIPS64R2-multi
  ln -sf "$guests/$target/kernel" neighbour
  ln -sf "$guests/$target/hostile" hostile
  printf 'vms = ({ name = "neighbour"; cpu = "%s"; %s });\n' $cpu "$neighbour" >one
  timeout 600 "$program" run --machine one --stats alone --code-store none >out 2>err </dev/null
  code=$?
  check "$target: the neighbour ends well by itself: $code, $(cat err)" $code
  alone=$(state_of alone)
  check "$target: ... and has a state: $alone" "$([[ $alone == *guest-exit* ]]; echo $?)"
  for board in malta disco; do
    model=$cpu buses='"own,persist,virtio", "shared,cow,ide"' nets='"subnet=x", "subnet=y,pcnet"'
    [[ $board == disco ]] && model=$multi buses='"own,persist", "shared,cow"' nets='"subnet=x"'
    for tier in eval stencil auto; do
      head -c 1M /dev/zero >own
      printf 'vms = ({ name = "hostile"; kernel = "hostile"; board = "%s"; cpu = "%s"; mem = "64M"; disk = [%s]; net = [%s]; until = "insns:%s"; },
        { name = "neighbour"; cpu = "%s"; %s });\n' $board $model "$buses" "$nets" "$insns" $cpu "$neighbour" >two
      timeout 600 "$program" run --machine two --merge --tier $tier --stats stats --code-store none >out 2>err </dev/null
      code=$?
      ((code == 2)) && ! grep -q 'not the\|key' err && continue # a build without this tier
      check "$target $board --tier $tier: the process lives on: $code, $(head -3 err)" $((code == 2 || code >= 124))
      together=$(state_of stats)
      check "$target $board --tier $tier: the neighbour is the run it is alone: $together, not $alone" \
        "$([[ $together == "$alone" ]]; echo $?)"
      accesses=$(stat_of stats device_accesses)
      check "$target $board --tier $tier: there was something to withstand: $accesses accesses" $((accesses < insns / 200))
    done
  done
done
cksum shared | cmp -s - before
check "the image that both copy on write is as it was" $?
finish
