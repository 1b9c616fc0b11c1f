#!/bin/bash
# criterion-tests/run_gdb_back.sh: gdb goes back in a guest: steps, the last breakpoint, who wrote a variable last, also in
# a replay and with keys typed meanwhile; and the run is the one it is without.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
guests=${MB_BUILD:?}/guests
[[ -d $guests ]] || { echo "skipped: guests/build has not run (no cross compilers?)"; exit 77; }
command -v gdb-multiarch >/dev/null || { echo "skipped: gdb-multiarch is not installed"; exit 77; }
cd "$folder" || exit 1

same_run() { echo "$(stat_of "$1" instructions) $(stat_of "$1" state_hash) $(stat_of "$1" console_digest)"; }

# debug KERNEL SCRIPT OPTIONS...: run under gdb with stdin from `keys`; the session is in `session`, the run's exit code $end.
debug() {
  local kernel=$1 script=$2
  shift 2
  rm -f sock stats
  timeout 200 "$program" run --code-store none --stats stats --gdb ./sock "$@" <keys >out 2>err &
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

finish
