#!/bin/bash
# criterion-tests/run_gdb_back.sh: gdb goes back in a guest: steps, the last breakpoint, who wrote a variable last, also in
# a replay, with keys typed meanwhile, with disks and with other VMs; and the run is the one it is without.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
guests=${MB_BUILD:?}/guests
[[ -d $guests ]] || { echo "skipped: guests/build has not run (no cross compilers?)"; exit 77; }
command -v gdb-multiarch >/dev/null || { echo "skipped: gdb-multiarch is not installed"; exit 77; }
cd "$folder" || exit 1

same_run() { echo "$(stat_of "$1" instructions) $(stat_of "$1" state_hash) $(stat_of "$1" console_digest)"; }

# debug KERNEL SCRIPT OPTIONS...: run under gdb at ./sock with stdin from `keys`; the session is in `session`, the run's
# exit code $end.
at=(--gdb ./sock) # or a machine file says so
debug() {
  local kernel=$1 script=$2
  shift 2
  rm -f sock stats
  timeout 200 "$program" run --code-store none --stats stats "${at[@]}" "$@" <keys >out 2>err &
  local pid=$!
  while [[ ! -S sock ]] && kill -0 $pid 2>/dev/null; do sleep 0.05; done
  timeout 200 gdb-multiarch -nx -batch -ex 'set height 0' -ex 'set width 0' -ex 'set confirm off' \
    -ex 'target remote ./sock' -x "$script" "$kernel" >session 2>&1
  wait $pid
  end=$?
}
# says WHAT TEXT: in the session, as a whole line.
says() {
  grep -qxF -- "$2" session
  local held=$?
  check "$1: $(cat session)" $held
}

cat >back.gdb <<'G'
break process_init
continue
stepi
set $here = $pc
info registers
reverse-stepi
echo before:
monitor insns
stepi
printf "there again: %d\n", $pc == $here
delete
watch ticks
continue
continue
delete
break schedule
continue
echo forward:
monitor insns
continue
reverse-continue
echo back:
monitor insns
delete
watch ticks
reverse-continue
printf "ticks %d\n", ticks
delete
reverse-continue
echo begin:
monitor insns
break process_init
continue
echo before:
monitor insns
delete
continue
G
: >keys
for target in mips32r2el mips64r2eb; do
  own=(--kernel "$guests/$target/kernel" --mem 64M --type 'own> =>primes 300\nexit\n')
  [[ $target == mips64* ]] && own+=(--cpu MIPS64R2-generic)
  timeout 200 "$program" run "${own[@]}" --stats plain --code-store none </dev/null >plain.out
  check "$target runs" $?
  for tier in eval stencil; do
    debug "$guests/$target/kernel" back.gdb "${own[@]}" --tier $tier
    check "$target, $tier: exit $end: $(cat err)" "$end"
    says "$target, $tier: a step back and forward" "there again: 1"
    says "$target, $tier: at the beginning" "No more reverse-execution history."
    says "$target, $tier: there no instruction has been run" "begin:0 instructions, 0 virtual ns"
    [[ $(grep '^before:' session | sort -u | wc -l) == 1 && $(grep -c '^before:' session) == 2 ]]
    check "$target, $tier: a breakpoint is met again at the same instruction" $?
    [[ $(sed -n 's/^forward://p' session) == "$(sed -n 's/^back://p' session)" ]]
    check "$target, $tier: reverse-continue comes to the breakpoint before" $?
    says "$target, $tier: before the last store" "ticks 1"
    grep -q 'in tick ()' session
    held=$?
    check "$target, $tier: who wrote last: $(cat session)" $held
    [[ $(same_run stats) == "$(same_run plain)" ]] && cmp -s out plain.out
    held=$?
    check "$target, $tier: the same run: $(same_run stats), not $(same_run plain)" $held
  done
done

# --- keys that came meanwhile come again; so they do in a record of it, and when gdb looks at its replay ---
cat >typed.gdb <<'G'
break call_exit
continue
echo there:
monitor insns
delete
watch ticks
reverse-continue
reverse-continue
delete
break call_exit
continue
echo there:
monitor insns
reverse-stepi
stepi
echo there:
monitor insns
delete
continue
G
printf 'hello bob\nexit\n' >keys
own=(--kernel "$guests/mips32r2el/kernel" --mem 64M)
debug "$guests/mips32r2el/kernel" typed.gdb "${own[@]}" --record it.mbr
check "typed to: exit $end: $(cat err)" "$end"
[[ $(grep '^there:' session | sort -u | wc -l) == 1 && $(grep -c '^there:' session) == 3 && $(grep -c 'hello, bob' out) == 1 ]]
held=$?
check "keys come again: $(cat session out)" $held
cp stats plain
timeout 200 "$program" run --replay it.mbr --stats stats --code-store none --tier eval </dev/null >out 2>err
code=$?
[[ $code == 0 && $(same_run stats) == "$(same_run plain)" ]]
held=$?
check "the record of a run that went back: exit $code, $(cat err)" $held
: >keys
debug "$guests/mips32r2el/kernel" typed.gdb --replay it.mbr
grep -q 'the same run, to the state it ended in' err && [[ $(grep '^there:' session | sort -u | wc -l) == 1 ]]
held=$?
check "back and forward in a replay: $(cat err session)" $held

# --- VMs that hear of each other all the time, and remember on cow disks: all go back, and so do the disks, to the
# beginning and to a moment at which something had been written ---
cat >vms.gdb <<'G'
break remember
ignore 1 160
continue
echo there:
monitor insns
reverse-stepi
stepi
echo there:
monitor insns
continue
echo forward:
monitor insns
reverse-continue
echo there:
monitor insns
delete
watch heard
continue
continue
continue
reverse-continue
reverse-continue
echo heard:
monitor insns
continue
reverse-continue
echo heard:
monitor insns
delete
break remember
reverse-continue
continue
reverse-continue
reverse-continue
delete
reverse-continue
echo begin:
monitor insns
delete
break remember
ignore $bpnum 161
continue
echo forward:
monitor insns
delete
continue
G
: >keys
at=()
chatter=$guests/mips32r2eb/splash-chatter
head -c 65536 /dev/urandom >disk
same_runs() {
  python3 -c '
import json, sys
for v in json.load(open(sys.argv[1]))["vms"]:
    print(v["name"], v["instructions"], v["state_hash"], v["console_digest"], v["nets"], [d["own_blocks"] for d in v["disks"]])' "$1"
}
vms() { # machine file: TIER MODE OF THE DISKS VM WITH GDB...
  local v
  echo 'vms = ('
  for v in a b c; do
    echo "{ name = \"$v\"; kernel = \"$chatter\"; board = \"disco\"; mem = \"16M\"; net = \"subnet=x\"; tier = \"$1\";"
    echo "  append = \"seed=$((16#$v)) frames=200 disk=1\"; disk = \"disk,$2\"; mhz = $((100 + 3 * 16#$v));"
    [[ " ${*:3} " == *" $v "* ]] && echo "  gdb = \"./sock${late[$v]-}\";"
    [[ $v == c ]] && echo '}' || echo '},'
  done
  echo ');'
}
declare -A late
vms auto cow >vms.machine
timeout 200 "$program" run --machine vms.machine --stats plain --code-store none </dev/null | sort >plain.out
[[ $(same_runs plain | wc -l) == 3 ]]
check "three VMs run" $?
for tier in eval stencil; do
  for v in a b c; do
    vms $tier cow $v >vms.machine
    debug "$chatter" vms.gdb --machine vms.machine
    check "VM $v, $tier: exit $end: $(cat err)" "$end"
    for word in there:3 heard:2 forward:2; do
      [[ $(grep -c "^${word%:*}:" session) == "${word#*:}" && $(grep "^${word%:*}:" session | sort -u | wc -l) == 1 ]]
      held=$?
      check "VM $v, $tier: ${word%:*} is met again at the same instruction: $(cat session)" $held
    done
    says "VM $v, $tier: at the beginning" "No more reverse-execution history."
    says "VM $v, $tier: there no instruction has been run" "begin:0 instructions, 0 virtual ns"
    [[ $(same_runs stats) == "$(same_runs plain)" ]] && sort out | cmp -s - plain.out
    held=$?
    check "VM $v, $tier: the same run: $(same_runs stats; cat out), not $(same_runs plain)" $held
  done
done

# --- keys that came to another VM meanwhile come again, and once; in a record of it, too ---
cat >typed.gdb <<'G'
break remember
ignore 1 30
continue
echo there:
monitor insns
reverse-continue
reverse-continue
delete
reverse-continue
break remember
ignore $bpnum 30
continue
echo there:
monitor insns
delete
continue
G
vms auto cow a >vms.machine
sed -i "s|^);|, { name = \"k\"; kernel = \"$guests/mips32r2el/kernel\"; mem = \"64M\"; console = \"socket:./k\"; } );|" vms.machine
python3 - >k.out <<'EOF' &
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
for i in range(200):
    try:
        s.connect("./k")
        break
    except OSError:
        time.sleep(0.05)
s.sendall(b"hello bob\nexit\n")
s.settimeout(100)
while (b := s.recv(4096)):
    sys.stdout.buffer.write(b)
EOF
typist=$!
debug "$chatter" typed.gdb --machine vms.machine --record it.mbr
wait $typist
[[ $(grep '^there:' session | sort -u | wc -l) == 1 && $(grep -c '^there:' session) == 2 && $(grep -c 'hello, bob' k.out) == 1 ]]
held=$?
check "keys come again to another VM: exit $end, $(cat session k.out err)" $((held || end))
cp stats plain
: >keys
goes_on() { sed -n 's/^  *"\(instructions\|state_hash\|console_digest\)": //p' "$1"; }
timeout 200 "$program" run --replay it.mbr --stats stats --code-store none --tier eval </dev/null >out 2>err
code=$?
[[ $code == 0 && $(goes_on stats) == "$(goes_on plain)" ]]
held=$?
check "the record of VMs that went back: exit $code, $(cat err)" $held

# --- what cannot go back says why, and what to do ---
cat >refused.gdb <<'G'
break remember
continue
reverse-continue
delete
continue
G
cp disk disk.kept
for v in a b c; do cp disk.kept disk.$v; done
vms auto persist b | sed 's/name = "\(.\)"\(.*\)/name = "\1"\2/' >vms.machine
awk '/name = /{match($0, /name = "."/); v = substr($0, RSTART + 8, 1)} {sub(/disk,persist/, "disk." v ",persist"); print}' vms.machine >own.machine
debug "$chatter" refused.gdb --machine own.machine
grep -q 'going back would undo what is in the file disk.a: make it a cow disk' session
held=$?
check "a persist disk: $(cat session err)" $((held || end))
late[c]='2,later'
vms auto cow b c >vms.machine
debug "$chatter" refused.gdb --machine vms.machine
grep -q 'have one gdb' session
held=$?
check "two that are debugged: $(cat session err)" $((held || end))

finish
