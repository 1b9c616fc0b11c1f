#!/bin/bash
# criterion-tests/run_small_vms.sh: a few instructions in several VMs: each is the run it would be alone; ends; machine files.
# SPDX-License-Identifier: Apache-2.0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=images.bash
source "$here/images.bash"
# shellcheck source-path=SCRIPTDIR source=check.bash
source "$here/check.bash"
cd "$folder" || exit 1

# Counts down from $2 << 16, then ends with code $1.
counter() { echo "3c10$2 2610ffff 1600fffe 00000000 3c08bf00 3c094d42 352900$1 ad090a00 1000ffff 00000000"; }
# shellcheck disable=SC2046
{
  elf little 32 $(counter 00 0060) >short
  elf big 64 $(counter 00 0300) >long
  elf little 32 $(counter 05 0100) >five
  elf big 32 3c10000f 2610ffff 1600fffe 00000000 8c000001 00000000 >dead   # no handlers: it faults for ever
  elf little 32 3c10000f 2610ffff 1600fffe 00000000 1000ffff 00000000 >spin # goes on for ever, interrupts off
  elf little 32 40806000 42000020 1000fffe 00000000 >halt                  # Status <- 0; wait; b
}

# Stores the same to 128 pages, counts down from $1 << 16, and stores something else to each.
writer() {
  echo "3c108040 3c118048 ae110000 26101000 1611fffd 00000000 3c12$1 2652ffff 1640fffe 00000000" \
    "3c108040 ae100000 26101000 1611fffd 00000000 3c08bf00 3c094d42 35290000 ad090a00 1000ffff 00000000"
}
# shellcheck disable=SC2046
elf little 32 $(writer 0100) >writes
# shellcheck disable=SC2046
elf little 32 $(writer 0200) >writes-later

run() { timeout 600 "$program" run "$@" --code-store none >out 2>err </dev/null; }
# The counts and hash of each object in a file of statistics, a line for each: "name instructions hash".
states() {
  awk -F'[:,] *' '/"name"/ {name = $2} /"instructions"/ {n = $2} /"state_hash"/ {print name, n, $2}' "$1" | tr -d '"'
}
# vm NAME OPTIONS-AS-KEYS: a VM, and the state of its run alone in alone.NAME (without the name).
vms='' names=''
vm() {
  local words=() key
  for key in "${@:2}"; do words+=("--${key%%=*}" "${key#*=}"); done
  run "${words[@]}" --stats "alone.$1"
  alone[$1]=$(states "alone.$1" | tr -s ' ' | sed 's/^ //')
  for key in "${@:2}"; do words+=("${key%%=*} = \"${key#*=}\";"); done
  vms+="${vms:+,
  }{ name = \"$1\"; ${words[*]:2*($#-1)} }"
}
declare -A alone

vm a kernel=short
vm b kernel=long mem=64M
vm c kernel=five board=disco vcpus=4
vm d kernel=dead mhz=50
vm e kernel=halt mem=32M
vm f kernel=spin
printf 'vms = (%s);\n' "$vms" >six
for tier in eval stencil auto llvm; do
  run --machine six --stats stats --tier $tier
  code=$?
  ((code == 2)) && continue # a build without this tier
  check "the code is that of the first that did not end well, c: $code, $(cat err)" $((code != 69))
  check "a line for each that did not end well: $(cat err)" "$([[ $(cut -d: -f 2 err | tr -d '\n ') == cdf ]]; echo $?)"
  for name in a b c d e f; do
    together=$(states stats | sed -n "s/^$name //p")
    check "--tier $tier: $name is the run it is alone: $together, not ${alone[$name]}" \
      "$([[ -n $together && $together == "${alone[$name]}" ]]; echo $?)"
  done
done
grep -q '"exit": "guest-exit"' stats && grep -q '"exit": "dead"' stats && grep -q '"exit": "halted"' stats &&
  grep -q '"exit": "stuck"' stats
held=$?
check "each has its own end: $(grep '"exit"' stats | tr -d '\n')" "$held"
sum=$(sed -n 's/^  "instructions": \([0-9]*\),/\1/p' stats)
check "the totals add up: $sum" $((sum != $(states stats | awk '{n += $2} END {print n}')))

# Memory shared, and split again, while they run.
vms=''
vm p kernel=writes
vm q kernel=writes-later
vm r kernel=writes-later mem=64M
printf 'vms = (%s);\n' "$vms" >writers
for tier in eval stencil auto llvm; do
  run --machine writers --merge --stats stats --status status --tier $tier
  code=$?
  ((code == 2)) && continue
  check "--merge: all end well: $code, $(cat err)" $code
  for name in p q r; do
    together=$(states stats | sed -n "s/^$name //p")
    check "--merge --tier $tier: $name is the run it is alone: $together, not ${alone[$name]}" \
      "$([[ -n $together && $together == "${alone[$name]}" ]]; echo $?)"
  done
  merged=$(sed -n 's/^ *"merged": \([0-9]*\),/\1/p' stats) splits=$(sed -n 's/^ *"splits": \([0-9]*\),/\1/p' stats)
  check "--merge: pages were merged, $merged, and split, $splits" $((merged < 256 || splits < 128))
done
grep -q '^machine memory in use: [0-9.]* MiB; without sharing' status
held=$?
check "--status writes a table: $(head -1 status)" "$held"

# On one thread or several.
for jobs in 1 3; do
  run --machine six --stats "stats.$jobs" --jobs $jobs
  states "stats.$jobs" >"states.$jobs"
done
cmp states.1 states.3
check "--jobs 1 and 3 are the same runs" $?

# In another order, in other company: the same.
printf 'vms = ({ name = "b"; kernel = "long"; mem = "64M"; },\n{ name = "c"; kernel = "five"; board = "disco"; vcpus = 4; }, %s);\n' \
  '{ name = "a"; kernel = "short"; until = "insns:1000001"; }' >three
run --machine three --stats stats
code=$?
check "c ends with code 5: $code, $(cat err)" $((code != 69))
for name in b c; do
  check "$name is the same in other company" "$([[ $(states stats | sed -n "s/^$name //p") == "${alone[$name]}" ]]; echo $?)"
done
check "a stops at its own instruction: $(states stats)" "$(states stats | grep -q '^a 1000001 '; echo $?)"

# All end well.
printf 'vms = ({ name = "a"; kernel = "short"; }, { name = "e"; kernel = "halt"; });\n' >two
run --machine two
code=$?
check "all end well: $code, $(cat err)" "$([[ $code == 0 && ! -s err ]]; echo $?)"
# The time-out is everybody's.
printf 'vms = ({ name = "a"; kernel = "short"; }, { name = "w"; kernel = "wait"; });\n' >two
elf little 32 3c10000f 1000fffe 2610ffff >wait # for ever
run --machine two --timeout 2
code=$?
check "the time-out ends the rest: $code, $(cat err)" "$([[ $code == 7 && $(wc -l <err) == 1 ]]; echo $?)"

# Who waits for an interrupt of nobody is stuck; on a subnet, when all there wait for each other.
elf little 32 34080401 40886000 42000020 1000fffe 00000000 >ears # Status <- IM2, IE; wait; b
for net in '' 'net = "subnet=x";'; do
  printf 'vms = ({ name = "a"; kernel = "ears"; %s }, { name = "b"; kernel = "ears"; %s }, { name = "c"; kernel = "short"; });\n' \
    "$net" "$net" >three
  run --machine three --stats stats
  code=$?
  check "a and b are stuck: $code, $(cat err)" "$([[ $code == 4 && $(grep -c 'is stuck' err) == 2 ]]; echo $?)"
done

# The machine that options describe, written and read back: the same run. Also what a file describes.
options=(--kernel five --board disco --vcpus 3 --mem 48M --mhz 100 --seed 7 --append 'a "b" \c' --type 'x=>y\n' --type '=>z'
  --timestamps --endian little --until insns:3000001)
run "${options[@]}" --stats alone
"$program" run "${options[@]}" --print-machine >printed 2>err
held=$?
check "--print-machine: $(cat err)" "$held"
run --machine printed --stats stats
[[ $(states stats) == "vm1 $(states alone | tr -s ' ' | sed 's/^ //')" ]]
held=$?
check "read back it is the same run: $(states stats) and $(states alone); $(cat err)" "$held"
for file in printed six; do
  "$program" run --machine $file --print-machine >again 2>err
  "$program" run --machine again --print-machine >again2 2>>err
  cmp again again2
  held=$?
  check "$file written, read and written again is the same: $(cat err)" "$held"
done
check "each key has its comment" $(($(grep -c '^    # ' printed) < 20))
finish
