#!/bin/bash
# criterion-tests/run_status.sh: runs that go on are asked how they are, and remain the runs they are.
# SPDX-License-Identifier: Apache-2.0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=images.bash
source "$here/images.bash"
# shellcheck source-path=SCRIPTDIR source=check.bash
source "$here/check.bash"
cd "$folder" || exit 1
export XDG_RUNTIME_DIR=$folder

elf little 32 3c10000f 1000fffe 2610ffff >spin # for ever
elf little 32 3c106000 2610ffff 1600fffe 00000000 3c08bf00 3c094d42 35290000 ad090a00 1000ffff 00000000 >long
# Compare <- Count + 2^29; at 0x80000180: mtc0 $9, Compare; eret; Status <- IM7, IE; wait; b: for ever.
elf little 32 3c0a2000 40094800 012a4821 40895800 3c088000 3c0b4089 356b5800 ad0b0180 3c0b4200 356b0018 ad0b0184 \
  34088001 40886000 42000020 1000fffe 00000000 >waits
printf 'vms = ({ name = "a"; kernel = "long"; }, { name = "b"; kernel = "long"; mhz = 100; }, %s);\n' \
  '{ name = "p"; kernel = "spin"; board = "disco"; vcpus = 2; parallel = true; until = "insns:90000000"; }' >three

start() { # options: in the background; sets pid
  "$program" run "$@" --code-store none >out 2>err </dev/null &
  pid=$!
}
# Until it can be asked, or has ended.
await() {
  local i
  for ((i = 0; i < 600; i++)); do
    "$program" status "$pid" --json >status.json 2>status.err && return 0
    kill -0 "$pid" 2>kill.err || return 1
    sleep 0.1
  done
  return 1
}
field() { sed -n "s/^ *\"$1\": \"*\([^\"]*[^\",]\)\"*,*\$/\1/p" status.json; } # each line with that key

"$program" status >out 2>err
held=$?
check "nothing runs: $held, $(cat out err)" "$([[ $held == 0 && $(<out) == 'nothing runs' ]]; echo $?)"
"$program" status 1 >out 2>err
held=$?
check "there is no such run: $held, $(cat err)" "$([[ $held == 2 && ! -s out && $(wc -l <err) == 1 ]]; echo $?)"
"$program" status --all 1 >out 2>err
held=$?
check "all, or one: $held, $(cat err)" "$([[ $held == 2 && $(wc -l <err) == 1 ]]; echo $?)"

# One that runs for ever, one that is at rest between two sleeps, one killed: its socket goes with the next question.
start --kernel spin
await
held=$?
check "it answers: $(cat status.err)" $held
check "... of itself: $(tr -d '\n' <status.json)" \
  "$([[ $(field pid) == "$pid" && $(field running) == 1 && $(field state) == *runs* && $(field resident | head -1) -gt 0 ]]; echo $?)"
before=$(field instructions | sort -n | tail -1)
for ((i = 0; i < 600; i++)); do # a busy host may take its time
  await && (($(field instructions | sort -n | tail -1) > before)) && break
done
check "... and goes on: $before, $(field instructions | tr '\n' ' ')" "$((i == 600))"
"$program" status "mirrorball/$pid.sock" --all >out 2>err
held=$?
check "a path and --all do not go together: $(cat err)" $((held != 2))
"$program" status "mirrorball/$pid.sock" >out 2>err
held=$?
check "asked by path, as a table: $(cat out err)" "$([[ $held == 0 && $(head -1 out) == "process $pid: 1 of 1 VMs run"* ]]; echo $?)"
kill -9 "$pid"
wait "$pid" 2>wait.err
[[ -S mirrorball/$pid.sock ]]
check "a killed run leaves its socket behind" $?
"$program" status >out 2>err
check "the next question removes it: $(cat out err)" "$([[ $(<out) == 'nothing runs' && ! -e mirrorball/$pid.sock ]]; echo $?)"
start --kernel waits --pace real
for ((i = 0; i < 600; i++)); do
  await && [[ $(field state) == *'waits for a timer'*'in real time'* ]] && break
done
check "it waits: $(field state | tr '\n' ' ')" $((i == 600))
kill "$pid"
wait "$pid"
check "the socket goes with the run: $(ls mirrorball)" "$([[ ! -e mirrorball/$pid.sock ]]; echo $?)"

# Several, asked all the time: each is the run it is alone.
for jobs in 1 2; do
  asked=0
  start --machine three --stats stats --jobs $jobs
  while kill -0 "$pid" 2>kill.err; do
    "$program" status --json >status.json 2>status.err && grep -q '"parallel": true' status.json && asked=$((asked + 1))
  done
  wait "$pid"
  code=$?
  check "--jobs $jobs: all end: $code, $(cat err)" $((code != 6))
  check "--jobs $jobs: they were asked on the way: $asked times: $(cat status.err)" $((asked < 1))
  grep -E '"(name|instructions|state_hash|exit)"' stats | sed '/"p"/,$d' >"states.$jobs"
done
"$program" run --machine three --stats stats --code-store none >out 2>err </dev/null
grep -E '"(name|instructions|state_hash|exit)"' stats | sed '/"p"/,$d' >states.alone
cmp states.1 states.alone && cmp states.2 states.alone
check "... and are the runs that nobody asks: $(cat states.alone)" $?
check "... with states to compare" "$([[ $(grep -c state_hash states.alone) == 2 ]]; echo $?)"

# A folder that others may write to is not for us; the run itself is as good.
chmod 777 mirrorball
"$program" status >out 2>err
held=$?
check "an unsafe folder: $held, $(cat err)" "$([[ $held == 2 && $(wc -l <err) == 1 ]]; echo $?)"
"$program" run --kernel long --code-store none >out 2>err </dev/null
held=$?
check "a run without a place to be asked at says so, and runs: $held, $(cat err)" \
  "$([[ $held == 0 && $(wc -l <err) == 1 && $(<err) == *'will not find'* ]]; echo $?)"
finish
