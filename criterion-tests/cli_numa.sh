#!/bin/bash
# criterion-tests/cli_numa.sh: mirrorball numa and report on programs of a few instructions: the matrix, its results, going
# on after kill -9, what is run again and what is not, bad input.
# SPDX-License-Identifier: Apache-2.0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=images.bash
source "$here/images.bash"
# shellcheck source-path=SCRIPTDIR source=check.bash
source "$here/check.bash"
cd "$folder" || exit 1
numa() { timeout 300 "$program" numa "$@" >out 2>err </dev/null; }
report() { timeout 60 "$program" report "$@" >out 2>err </dev/null; }
bad() { # fragment: what numa says about the experiment in stdin
  cat >bad.experiment
  numa bad.experiment --db bad.db
  local code=$?
  check "exit 2 and one line with \"$1\", not $code: $(cat err)" \
    "$([[ $code == 2 && $(wc -l <err) == 1 ]] && grep -qF -- "$1" err; echo $?)"
}
refused() { # fragment words...
  local text=$1
  shift
  timeout 60 "$program" "$@" >out 2>err </dev/null
  local code=$?
  check "$*: exit 2 and one line with \"$text\", not $code: $(cat err)" \
    "$([[ $code == 2 && $(wc -l <err) == 1 && ! -s out ]] && grep -qF -- "$text" err; echo $?)"
}

# A loop of three instructions, a thousand times or two thousand; then power off: one store to a device.
thousand='240903e8 00000000 2529ffff 1520fffd 00000000 3c08bf00 3c0b4d42 ad0b0a00 1000ffff 00000000'
# shellcheck disable=SC2086
elf little 32 $thousand >one
# shellcheck disable=SC2086
elf little 32 ${thousand/03e8/07d0} >two

cat >a.experiment <<'EOT'
name = "loops";
title = "Loops of two lengths";
all = { mem = "16M"; cpu = "24Kf"; };
workloads = ( { name = "one"; kernel = "one"; }, { name = "two"; kernel = "two"; mhz = 100; } );
vms = ( 1, { name = "three"; count = 3; append = "vm={vm}/{vms}"; } );
fidelities = ( { name = "plain"; }, { name = "slow"; mhz = 50; l2tlb = 0; } );
EOT
numa a.experiment --list
held=$?
check "--list: exit 0: $(cat err)" $held
check "... eight runs, none of them done" "$([[ $(grep -c '^to do ' out) == 8 ]]; echo $?)"
check "... and nothing is written" "$([[ ! -e a.db ]]; echo $?)"
numa a.experiment --json a.json
held=$?
check "exit 0: $(cat err)" $held
check "eight rows" "$([[ $(grep -cE '^(one|two), (1 VM|three), (plain|slow) ' out) == 8 ]]; echo $?)"
# 4 instructions a turn: what the axes say holds, and the later axis wins.
row() { grep -E "^$1 " out | awk -v n="$2" '{ print $(NF - n) }'; }
check "as many instructions in each fidelity" "$([[ $(row 'one, 1 VM, plain' 1) == "$(row 'one, 1 VM, slow' 1)" ]]; echo $?)"
check "three VMs run three times as many: $(cat out)" \
  $(($(row 'one, three, plain' 1) != 3 * $(row 'one, 1 VM, plain' 1)))
check "the first of a workload is 100 %" "$([[ $(row 'two, 1 VM, plain' 2) == 100.0 ]]; echo $?)"
check "a later axis wins: 50 MHz is four times as slow as 200, twice as 100" \
  "$([[ $(row 'one, 1 VM, slow' 2) == 400.0 && $(row 'two, 1 VM, slow' 2) == 200.0 ]]; echo $?)"
check "each VM has its number" "$(grep -q 'vm=2/3' a.json; echo $?)"

# The same again: nothing is run, and all is told.
cp out first
numa a.experiment --list
check "all are done" "$([[ $(grep -c '^done ' out) == 8 ]]; echo $?)"
numa a.experiment
held=$?
check "again: $(cat err)" $held
check "the same results" "$(cmp -s out first; echo $?)"
report a.db
held=$?
check "report: $(cat err)" $held
check "... says the same" "$(cmp -s out first; echo $?)"

# What decides a run makes it another: what the kernel holds does, the name of the experiment does not.
sed 's/"loops"/"again"/' a.experiment >b.experiment
numa b.experiment --db a.db --list
check "another experiment has the same runs" "$([[ $(grep -c '^done ' out) == 8 ]]; echo $?)"
# shellcheck disable=SC2086
elf little 32 ${thousand/03e8/03e9} >one
numa a.experiment --list
check "another kernel makes other runs" "$([[ $(grep -c '^done ' out) == 4 && $(grep -c '^to do ' out) == 4 ]]; echo $?)"

# kill -9 at any point: what is finished stays. Until all is done each turn must get further, or end.
cat >c.experiment <<'EOT'
name = "many";
all = { mem = "16M"; kernel = "one"; };
workloads = ( { name = "a"; append = "a"; }, { name = "b"; append = "b"; }, { name = "c"; append = "c"; } );
machines = ( { name = "m1"; mhz = 1; }, { name = "m2"; mhz = 2; }, { name = "m3"; mhz = 3; } );
policies = ( { name = "p1"; l2tlb = 0; }, { name = "p2"; l2tlb = 64; } );
EOT
# When 3, 6, 9 ... runs are there; and at once, while the runs are being checked. Prints what is kept each time.
cat >kills.py <<'EOT'
import sqlite3, subprocess, sys, time
def kept():
    try:
        return sqlite3.connect("file:c.db?mode=ro", uri=True, timeout=60).execute("SELECT count(*) FROM run").fetchone()[0]
    except sqlite3.OperationalError:
        return 0
before = 0
for wanted in 0, 3, 6, 9, 12, 15:
    numa = subprocess.Popen([sys.argv[1], "numa", "c.experiment", "--jobs", "2"], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while kept() < wanted and numa.poll() is None:
        time.sleep(0.01)
    numa.kill()
    numa.wait()
    now = kept()
    print(now, end=" ")
    if now < before or now < wanted:
        sys.exit("killed, runs are lost")
    before = now
EOT
killed=$(python3 kills.py "$program" 2>&1)
held=$?
check "what is finished is kept: $killed" $held
numa c.experiment
held=$?
check "it ends in the end: $(cat err)" $held
cp out killed
numa c.experiment --db fresh.db --jobs 1
sed -E 's/ [0-9.]+$//' out >fresh.out
sed -E 's/ [0-9.]+$//' killed >killed.out
check "and has found what one that nobody kills does" "$(cmp -s fresh.out killed.out; echo $?)"

# What a console says behind "@" is kept, with its time; from "begin" to "done" is what a run is measured by.
say() { # TEXT: instructions that write it to the first serial port; $8 leads there
  local i
  for ((i = 0; i < ${#1}; i++)); do printf '2409%04x a1090000 ' "'${1:i:1}"; done
  echo '2409000a a1090000'
}
# shellcheck disable=SC2046
elf little 32 3c08b800 350803f8 $(say '@begin it') 240a4e20 254affff 1540fffe 00000000 $(say '@done it') \
  3c08bf00 3c0b4d42 ad0b0a00 1000ffff 00000000 >says
cat >e.experiment <<'EOT'
name = "marks";
workloads = ( { name = "says"; kernel = "says"; } );
vms = ( 1, 2 );
EOT
numa e.experiment --json e.json
held=$?
check "marks: $(cat err)" $held
python3 - <<'EOT' >said 2>&1
import json
one, two = (c["stats"]["marks"] for c in json.load(open("e.json"))["experiments"][0]["cells"])
assert [m["mark"] for m in one] == ["begin it", "done it"], one
assert [(m["vm"], m["mark"]) for m in two] == [(1, "begin it"), (1, "done it"), (2, "begin it"), (2, "done it")], two
loop = one[1]["instructions"] - one[0]["instructions"]
assert 60000 < loop < 60100, loop
EOT
held=$?
check "marks are kept: $(tail -1 said)" $held
check "... and measured by: $(cat out)" "$(awk '/^1 VM/ { exit !($3 > 0.0003 && $3 < 0.00032) }' out; echo $?)"

# Runs that fail: the others are made, and it says which.
elf little 32 40806000 1000ffff 00000000 >spin
cat >d.experiment <<'EOT'
name = "fails";
workloads = ( { name = "spin"; kernel = "spin"; }, { name = "two"; kernel = "two"; } );
EOT
numa d.experiment
held=$?
check "exit 1, not $held" $((held != 1))
check "it says which and why: $(cat err)" "$(grep -q 'spin: ended with exit code 4' err && grep -q '1 of 2 runs failed' err; echo $?)"
check "the other was made" "$(grep -q '^two ' out && grep -q '1 runs\? .*missing' out; echo $?)"

# Bad input: file, line, key.
bad 'bad.experiment:1: there is no key "workload"; did you mean "workloads"?' <<<'workload = ( );'
bad 'bad.experiment: name = "..."; is missing' <<<'workloads = ( { name = "x"; kernel = "one"; } );'
bad 'bad.experiment: workloads' <<<'name = "x";'
bad 'bad.experiment:1: workloads: at least one' <<<'name = "x"; workloads = ( );'
bad 'bad.experiment:1: workloads: each wants a name' <<<'name = "x"; workloads = ( { kernel = "one"; } );'
bad 'bad.experiment:2: mem 3M: the board takes' <<'EOT'
name = "x"; workloads = ( { name = "x"; kernel = "one";
  mem = "3M"; } );
EOT
bad 'bad.experiment:2: there is no key "memory"' <<'EOT'
name = "x"; workloads = ( { name = "x"; kernel = "one";
  memory = "32M"; } );
EOT
bad 'bad.experiment:2: stats: is not for an experiment to say' <<'EOT'
name = "x";
all = { stats = "x.json"; };
EOT
bad 'bad.experiment:1: there is no guest "debian-4k"; did you mean' <<<'name = "x"; workloads = ( "debian-4k" );'
bad 'bad.experiment:2: vms: two are called "1" (the other in line 2)' <<'EOT'
name = "x"; workloads = ( { name = "x"; kernel = "one"; } );
vms = ( 1, 1 );
EOT
bad 'count 65: not a number from 1 to 64' <<<'name = "x"; workloads = ( { name = "x"; kernel = "one"; } ); vms = ( 65 );'
bad 'count: is for vms' <<<'name = "x"; workloads = ( { name = "x"; kernel = "one"; count = 2; } );'
bad 'bad.experiment:2: x: ' <<'EOT'
name = "x";
workloads = ( { name = "x"; kernel = "nothing"; } );
EOT
bad 'bad.experiment:2: x: VM vm1: the board malta has at most' <<'EOT'
name = "x"; workloads = ( { name = "x"; kernel = "one";
  board = "malta";
  vcpus = 17; } );
EOT
runs=$(python3 -c 'import sqlite3; print(sqlite3.connect("bad.db").execute("SELECT count(*) FROM run").fetchone()[0])')
check "nothing is kept of them, not $runs" "$([[ $runs == 0 ]]; echo $?)"
bad 'syntax error' <<<'name = '
bad 'includes no others' <<<'@include "a.experiment"'
refused 'nothing' numa nothing
refused 'which experiment' numa
refused 'not a number from 1' numa a.experiment --jobs 0
refused 'one experiment at a time' numa a b
refused 'which results' report
refused 'nothing.db' report nothing.db
refused 'holds no results' report a.experiment
refused 'there is no experiment "x"' report a.db --experiment x
printf x >text.db
refused 'holds no results' numa a.experiment --db text.db
finish
