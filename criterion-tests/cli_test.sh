#!/bin/bash
# criterion-tests/cli_test.sh: mirrorball test: verdicts, reports, golden runs, shards, bisecting; and scenarios that are none.
# SPDX-License-Identifier: Apache-2.0
# On kernels of a few instructions; guest_test.sh has the steps that want a real one.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=images.bash
source "$here/images.bash"
# shellcheck source-path=SCRIPTDIR source=check.bash
source "$here/check.bash"
# shellcheck source-path=SCRIPTDIR source=scenarios.bash
source "$here/scenarios.bash"
cd "$folder" || exit 1

kernel hi 'hi there'
kernel ho 'ho there'
kernel bug 'BUG: all is lost'
elf little 32 40806000 1000ffff 00000000 >spin # Status <- 0; b .

# --- verdicts ---
scenario good hi 'about = "says hi"; steps = ({ expect = "hi"; }, { match = "^hi t.*e$"; }); end = "guest-exit";'
judged 0 '1 good, 0 bad' good.test
scenario text hi 'steps = ({ expect = "hello"; });'
judged 1 'text.test:2: step 1: expect hello' text.test
judged 1 'the guest came to its end' text.test
judged 1 '| hi there' text.test
judged 1 'again: mirrorball test text.test' text.test
scenario end hi 'end = "reset";'
judged 1 'ended otherwise than by reset' end.test
scenario never hi 'never = ["^h[aeiou] "]; end = "guest-exit";'
judged 1 'which matches "^h[aeiou] "' never.test
scenario shows hi 'console = ["hi", "ho"]; end = "guest-exit";'
judged 1 'the console never showed "ho" (line 2)' shows.test
scenario bounds hi 'instructions = (100, 200); end = "guest-exit";'
judged 1 'instructions, less than 100' bounds.test
scenario bounds hi 'instructions = (1, 5); end = "guest-exit";'
judged 1 'instructions, more than 5' bounds.test
scenario bug bug 'end = "guest-exit";'
judged 1 'the console shows "BUG: all is lost", which matches "BUG: "' bug.test
scenario allowed bug 'allow = ["all is lost"]; end = "guest-exit";'
judged 0 '1 good' allowed.test
scenario loud bug 'quiet = false; end = "guest-exit";'
judged 0 '1 good' loud.test
# shellcheck disable=SC2046
elf little 32 3c08a040 8d090000 3c08b800 $(says 'hi there') 3c08bf00 3c094d42 ad090a00 1000ffff 00000000 >careless # loads what nobody wrote
keys='kernel = "careless"; mem = "8M"; check = "tlb,uninit";'
printf 'machine = { %s };\nend = "guest-exit";\n' "$keys" >careful.test
judged 1 'checks found 1 place: uninit at 0xffffffff80100004' careful.test
judged 1 'loads from 0xffffffffa0400000, bytes that nobody' careful.test
judged 1 '1 bad' --kernel careless --set check=uninit good.test
judged 0 '1 good' --kernel careless --set check=tlb good.test
echo 'uninit:*' >accepted
printf 'machine = { %s check-allow = "accepted"; };\nend = "guest-exit";\n' "$keys" >allows.test
judged 0 '1 good' allows.test
scenario slow spin 'steps = ({ wait = "1s"; }, { expect = "never"; limit = "10ms"; });'
judged 1 'the guest came to its end' slow.test
scenario none absent 'end = "guest-exit";'
judged 125 'not judged' none.test
judged 125 'kernel absent: No such file' none.test
judged 1 '1 good, 1 bad' --jobs 1 good.test bug.test good.test
judged 1 '2 good, 1 bad' --keep-going good.test bug.test good.test
judged 1 'not ok 2 - bug.test on kernel' --tap --keep-going good.test bug.test
judged 0 '1 good' --kernel ho --set tier=eval loud.test
judged 1 'again: mirrorball test good.test --kernel ho --set tier=eval' --kernel ho --set tier=eval good.test

# --- the same verdict, however many at a time, in each tier ---
all=(good.test text.test never.test bug.test loud.test bounds.test)
same_verdicts 6 "${all[@]}"

# --- reports ---
"$program" test --keep-going --junit report.xml good.test text.test none.test >/dev/null
held=$(python3 -c '
import xml.etree.ElementTree as t
s = t.parse("report.xml").getroot()
print(s.get("tests"), s.get("failures"), s.get("errors"), len(s.findall("testcase/failure")), len(s.findall("testcase/error")))')
[[ $held == '3 1 1 1 1' ]]
check "the JUnit report has 3 tests, a failure, an error: $held" $?

# --- golden runs ---
judged 0 '1 good' --update good.test
cp good.test.golden kept
judged 0 '1 good' good.test
! grep -q golden out
check "the same run is not told from the golden one: $(cat out)" $?
scenario good ho 'steps = ({ match = "^h. t.*e$"; }); end = "guest-exit";'
judged 0 'as many instructions as the golden run, another console' good.test
kernel longer 'hi there and here'
scenario good longer 'end = "guest-exit";'
judged 0 'golden 22 instructions: +18, +81.82 %' good.test
judged 0 '1 good' --update good.test
! cmp -s kept good.test.golden
check "--update writes another golden run" $?

# --- shards ---
judged 0 "mirrorball test good.test text.test bug.test --keep-going --shard 2/2 --results shard-2.json" --list-shards=2 good.test text.test bug.test
judged 0 '2 text.test kernel' --list good.test text.test
"$program" test --keep-going --results whole.json "${all[@]}" >/dev/null
for i in 1 2 3; do "$program" test --keep-going --shard $i/3 --results part$i.json "${all[@]}" >/dev/null; done
judged 1 '2 good, 4 bad' --merge part1.json part3.json part2.json
judged 1 '2 good, 4 bad' --merge whole.json
judged 1 'results of 1 of 3 shards are missing' --merge part1.json part3.json
judged 2 'shard 1 comes twice' --merge part1.json part1.json
judged 2 'is of 1 shards, the others are of 3' --merge part1.json whole.json
judged 2 'are no results' --merge good.test
judged 2 'are no results' --merge good.test.golden

# GNU parallel, where it is. (cli_slurm.sh has Slurm.)
if command -v parallel >/dev/null; then
  PATH=$(dirname "$program"):$PATH
  rm -f shard-*.json
  "$program" test --list-shards=3 "${all[@]}" | parallel --will-cite >/dev/null
  judged 1 '2 good, 4 bad' --merge shard-*.json
fi

# --- bisecting ---
if command -v git >/dev/null; then
  scenario hi kernel 'steps = ({ expect = "hi"; });'
  mkdir tree
  export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a
  (
    cd tree && git init -q . && for k in hi hi hi absent hi ho ho; do
      echo $k >which
      echo >>lines
      git add . && git commit -qm "$(wc -l <lines): $k"
    done
  ) >/dev/null 2>&1
  (cd tree && "$program" test --bisect HEAD~6 HEAD --build "cp ../\$(cat which) ../kernel" --kernel ../kernel ../hi.test) >out 2>&1
  code=$? first=$(sed -n '/is the first bad commit/,$s/^    //p' out | head -1)
  check "bisecting ends with code $code, names '$first': $(tail -5 out)" $((code != 0 || ${first%%:*}0 != 60))
  [[ -z $(git -C tree bisect log 2>/dev/null) && $(cat tree/which) == ho ]]
  check "the working tree is as it was" $?
fi

# --- what is no scenario ---
m='machine = { kernel = "hi"; };'
bad 'bad.test:1: there is no key "step"; did you mean "steps"?' 'step = ();'
bad 'does nothing' "$m"
bad 'bad.test:1: steps: is no list' 'steps = "x";'
bad 'bad.test:2: there is no key "expct" of a step; did you mean "expect"?' "$m\nsteps = ({ expct = \"x\"; });"
bad 'bad.test:2: a step does one thing, either expect or send' "$m\nsteps = ({ expect = \"x\"; send = \"y\"; });"
bad 'bad.test:2: a step that does nothing' "$m\nsteps = ({ limit = \"1s\"; });"
bad 'bad.test:2: a step is written as' "$m\nsteps = (1);"
bad 'bad.test:3: code: does not go with expect' "$m\nsteps = ({ expect = \"x\";\ncode = 1; });"
bad 'no time such as 2s' "$m\nsteps = ({ wait = \"5 min\"; });"
bad 'no time such as 2s' "$m\nsteps = ({ wait = \"99999999999s\"; });"
bad 'nor insns:N' "$m\nsteps = ({ expect = \"x\"; limit = \"insns:x\"; });"
bad 'is no regular expression: Unmatched' "$m\nsteps = ({ match = \"(\"; });"
bad 'expect: is empty' "$m\nsteps = ({ expect = \"\"; });"
bad 'expect: is no "text"' "$m\nsteps = ({ expect = 5; });"
bad 'interrupt: is no whole number' "$m\nsteps = ({ interrupt = \"two\"; });"
bad 'memory-error: "parity" is none of bus, cache' "$m\nsteps = ({ memory-error = \"parity\"; });"
bad 'bytes: 1, 2, 4 or 8' "$m\nsteps = ({ read = \"x\"; bytes = 3; });"
bad 'args: more than 8' "$m\nsteps = ({ call = \"x\"; args = (1,2,3,4,5,6,7,8,9); });"
bad 'end: "off" is none of' "$m\nend = \"off\";"
bad 'instructions: is written as' "$m end = \"guest-exit\";\ninstructions = (5, 1);"
bad 'from: absent cannot be read' "$m end = \"guest-exit\"; files = ({ to = \"/x\"; from = \"absent\"; });"
bad 'either "from" or "text"' "$m end = \"guest-exit\"; files = ({ to = \"/x\"; });"
bad 'to: no place' "$m end = \"guest-exit\"; files = ({ to = \"../x\"; text = \"y\"; });"
bad 'mode: is not written as' "$m end = \"guest-exit\"; files = ({ to = \"x\"; text = \"y\"; mode = \"rwx\"; });"
bad 'a disk wants a size, or files' "$m end = \"guest-exit\"; disks = ({});"
bad 'size: is no size' "$m end = \"guest-exit\"; disks = ({ size = 7; });"
bad 'disks: more than 2' "$m end = \"guest-exit\"; disks = ({ size = 512; }, { size = 512; }, { size = 512; });"
bad 'bad.test:1: which guest?' 'machine = { mem = "8M"; }; end = "guest-exit";'
bad 'bad.test:1: mem lots: not a size' 'machine = { kernel = "hi"; mem = "lots"; }; end = "guest-exit";'
bad 'bad.test:1: there is no key "kernal"; did you mean "kernel"?' 'machine = { kernal = "hi"; }; end = "guest-exit";'
bad 'bad.test:1: timestamps:' 'machine = { kernel = "hi"; timestamps = true; }; end = "guest-exit";'
bad 'bad.test:1: syntax error' 'steps = (;'
bad 'is empty' ' \n'
judged 2 'No such file' absent.test
judged 2 'which FILE?'
judged 2 'not I/N' --shard 3/2 good.test
judged 2 'not I/N' --shard 1 good.test
judged 2 'not a number from 1 to 64' --jobs 0 good.test
judged 2 'there is no option --frob' --set frob=1 good.test
judged 2 'wants GOOD BAD FILE' --bisect a b
judged 2 'cannot be read' --kernel absent good.test
judged 2 'no scenario here is for the guest' --guest debian-5kc good.test

finish
