#!/bin/bash
# criterion-tests/cli_test_vms.sh: scenarios of several machines: steps on each, verdicts about each, one wire between them.
# SPDX-License-Identifier: Apache-2.0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=images.bash
source "$here/images.bash"
# shellcheck source-path=SCRIPTDIR source=check.bash
source "$here/check.bash"
# shellcheck source-path=SCRIPTDIR source=scenarios.bash
source "$here/scenarios.bash"
guests=${MB_BUILD:?}/guests
cd "$folder" || exit 1
export MIRRORBALL_CACHE=$folder/cache

waits='25290001 1000fffe 00000000' # it counts, without end
kernel hi 'hi there'
kernel ho 'ho there' "$waits"
kernel bug 'BUG: all is lost' "$waits"

scenario() { # name text
  printf '%b\n' "$2" >"$1.test"
}
vms='machine = { mem = "8M"; };\nvms = ( { name = "a"; kernel = "hi"; }, { name = "b"; kernel = "ho"; } );\n'

# --- verdicts ---
scenario both "${vms}steps = ({ vm = \"b\"; expect = \"ho\"; }, { vm = \"b\"; wait = \"1ms\"; });"
judged 1 'a: the guest came to its end: guest asked to end with code 0' both.test
judged 1 'a: the console'"'"'s last lines:' both.test
judged 1 'both.test:3: step' both.test
judged 1 ' on b' both.test
judged 1 'again: mirrorball test both.test' both.test
judged 0 '1 both.test a+b' --list both.test
ends='machine = { mem = "8M"; };\nvms = ( { name = "a"; kernel = "hi"; end = "guest-exit"; console = ["hi th"]; instructions = (1, 100); },\n'
scenario ends "$ends { name = \"b\"; kernel = \"ho\"; } );\nsteps = ({ vm = \"b\"; expect = \"there\"; }, { vm = \"b\"; wait = \"5ms\"; }, { vm = \"a\"; expect = \"hi\"; });"
judged 0 '1 good' ends.test
scenario order "$ends { name = \"b\"; kernel = \"ho\"; } );\nsteps = ({ vm = \"b\"; expect = \"hi\"; limit = \"20ms\"; });"
judged 1 'b: the console did not show "hi" within 0.02 s of virtual time' order.test
scenario shows "$ends { name = \"b\"; kernel = \"ho\"; console = [\"hi\"]; } );\nsteps = ({ vm = \"b\"; wait = \"1ms\"; });"
judged 1 'b: the console never showed "hi" (line 3)' shows.test
scenario bounds "$ends { name = \"b\"; kernel = \"ho\"; instructions = (1, 2); } );\nsteps = ({ vm = \"b\"; wait = \"1ms\"; });"
judged 1 'b: ' bounds.test
judged 1 'instructions, more than 2' bounds.test
# What one complains about spoils what is done on another, and is allowed where it is said.
scenario bug "$ends { name = \"b\"; kernel = \"bug\"; } );\nend = \"guest-exit\";"
judged 1 'b: the console shows "BUG: all is lost"' bug.test
scenario loud "$ends { name = \"b\"; kernel = \"bug\"; quiet = false; } );"
judged 0 '1 good' loud.test
scenario ended "$ends { name = \"b\"; kernel = \"ho\"; } );\nsteps = ({ vm = \"b\"; wait = \"5ms\"; }, { send = \"x\"; }, { expect = \"x\"; });"
judged 1 'step 3: expect x on a' ended.test

# --- guests: those of whom nothing else is said ---
matrix='machine = { mem = "8M"; };\nguests = ( { name = "one"; kernel = "hi"; }, { name = "other"; kernel = "ho"; } );\n'
scenario matrix "${matrix}vms = ( { name = \"a\"; }, { name = \"b\"; kernel = \"ho\"; } );\nsteps = ({ vm = \"b\"; expect = \"ho\"; }, { expect = \"h\"; });\n"
judged 0 '2 matrix.test other' --list matrix.test
judged 0 '1 good' --guest other matrix.test
judged 1 'again: mirrorball test matrix.test --guest one' --keep-going matrix.test
judged 0 '2 good' --kernel ho matrix.test

same_verdicts 21 both.test ends.test order.test shows.test bug.test matrix.test

# --- a wire ---
if [[ -d $guests ]]; then
  pair() { # name steps: one sends pages, the other sends them back
    printf 'machine = { board = "disco"; mem = "32M"; net = "subnet=x"; };\nlimit = "1s";\n' >"$1.test"
    printf 'vms = ( { name = "asks"; append = "sends=1 rounds=3"; }, { name = "answers"; append = "sends=0 rounds=3"; } );\n' >>"$1.test"
    printf '%s\n' "$2" >>"$1.test"
  }
  exchange=(--kernel "$guests/mips64r2el/splash-exchange")
  pair whole 'end = "guest-exit"; console = ["3 rounds of 8 pages: right"]; instructions = ("10K", "100M");'
  judged 0 '1 good' "${exchange[@]}" whole.test
  cp out first
  for way in 'tier=eval' 'tier=stencil' 'mode=translate'; do
    judged 0 '1 good' "${exchange[@]}" --set $way whole.test
    diff first out >different
    held=$?
    check "with $way it is the same run: $(cat different)" $held
  done
  for card in 'vm = "answers";' ''; do
    pair cut "steps = ({ $card net = \"cut\"; }); end = \"guest-exit\";"
    judged 1 'the guest did not end by guest-exit' "${exchange[@]}" cut.test
    ! grep -q 'rounds of 8 pages' out
    held=$?
    check "nothing comes through a cut cable ($card): $(cat out)" $held
  done
  pair mended 'steps = ({ net = "cut"; }, { wait = "0s"; }, { net = "mend"; }); end = "guest-exit";'
  judged 0 '1 good' "${exchange[@]}" mended.test
fi

# --- what is no such scenario ---
bad 'bad.test:1: vms: is no list' 'vms = "a"; steps = ({ wait = "1s"; });'
bad 'bad.test:1: vms: is a list of 1 to 64 VMs' 'vms = (); steps = ({ wait = "1s"; });'
bad 'bad.test:1: vms: a VM is written as' 'vms = ("a"); steps = ({ wait = "1s"; });'
bad 'bad.test:1: name: each VM wants one' 'vms = ({ kernel = "hi"; }); steps = ({ wait = "1s"; });'
bad 'bad.test:2: two VMs are called "a"' 'vms = ({ name = "a"; kernel = "hi"; },\n{ name = "a"; kernel = "hi"; }); steps = ({ wait = "1s"; });'
bad 'bad.test:4: vm: there is no VM "c"' "${vms}\nsteps = ({ vm = \"c\"; expect = \"x\"; });"
bad 'bad.test:1: vm: there is no VM "c"' 'machine = { kernel = "hi"; }; steps = ({ vm = "c"; expect = "x"; });'
bad 'bad.test:1: there is no key "kernal"; did you mean "kernel"?' 'vms = ({ name = "a"; kernal = "hi"; }); steps = ({ wait = "1s"; });'
bad 'bad.test:1: end: "off" is none of' 'vms = ({ name = "a"; kernel = "hi"; end = "off"; }); steps = ({ wait = "1s"; });'
bad 'bad.test:1: quiet: neither true nor false' 'quiet = 1; vms = ({ name = "a"; kernel = "hi"; quiet = true; }); steps = ({ wait = "1s"; });'
bad 'bad.test:1: which guest?' 'vms = ({ name = "a"; }); steps = ({ wait = "1s"; });'
judged 2 '--record takes scenarios with one VM: both.test has 2' --record r both.test

finish
