#!/bin/bash
# criterion-tests/run_litmus.sh: what vcpus see of each other's stores, by turns and at the same time, in each tier.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
guests=${MB_BUILD:?}/guests
[[ -d $guests ]] || { echo "skipped: guests/build has not run (no cross compilers?)"; exit 77; }
cd "$folder" || exit 1

# Target, vcpus, rounds of each test: each target in each tier, many vcpus for a short time.
on='mips32r2el 2 100
mips64r2eb 3 60
mips32r2eb 8 15'
[[ ${MB_QUICK-} ]] && on='mips32r2eb 3 15'
run() { # target vcpus tier options: into out, err, stats; sets code
  "$program" run --board disco --kernel "$guests/$1/$program_of" --vcpus "$2" --tier "$3" "${@:4}" --stats stats \
    --code-store none --timeout 600 >out 2>err </dev/null
  code=$?
}
program_of=splash-litmus
while read -r target vcpus n; do
  first=
  for tier in eval stencil auto llvm; do
    for how in turns parallel; do
      options=(--append "n=$n")
      [[ $how == parallel ]] && options+=(--parallel)
      run "$target" "$vcpus" $tier "${options[@]}"
      ((code == 2)) && continue # a build without this tier
      check "litmus on $target, $vcpus vcpus, $how, $tier: exit code $code: $(grep WRONG out; cat err)" \
        $((code || $(tr -d '\r' <out | grep -c ': fine$') != 6))
      [[ $how == turns ]] || continue
      outcome="$(stat_of stats instructions) $(stat_of stats state_hash)"
      check "... by turns it is the same run: $outcome, not ${first:=$outcome}" "$([[ $outcome == "$first" ]]; echo $?)"
    done
  done
done <<<"$on"

# De-privileged: what a vcpu may not do is a host trap, on its own thread.
for tier in eval auto; do
  run mips32r2eb 3 $tier --parallel --mode trap --append n=15
  ((code == 2)) && continue
  check "litmus in mode trap, parallel, $tier: exit code $code: $(grep WRONG out; cat err)" \
    $((code || $(tr -d '\r' <out | grep -c ': fine$') != 6))
  trapped=$(grep -A 1 '"privileged": {' stats | sed -n 's/.*"count": \([0-9]*\),/\1/p')
  check "... by host traps: $trapped" $((trapped < 15))
done

# The library OS's own threads, which sleep and wake each other, and its answers: any way the same.
program_of=splash-radix
answer=
for how in turns parallel parallel; do
  options=(--append 'n=20011 radix=64 seed=7 threads=5')
  [[ $how == parallel ]] && options+=(--parallel)
  run mips32r2eb 3 auto "${options[@]}"
  digest=$(tr -d '\r' <out | grep digest)
  check "radix, $how: exit code $code, ${digest:-no answer}, not ${answer:=$digest}: $(cat err)" \
    "$([[ $code == 0 && $digest && $digest == "$answer" ]]; echo $?)"
done

# Ends of all kinds, with no thread left behind: the process is gone.
program_of=splash-litmus
run mips32r2el 4 auto --parallel --append n=1000000 --until insns:20000000
check "--until insns: exit code $code, $(stat_of stats instructions)" "$([[ $code == 6 && $(stat_of stats instructions) -ge 20000000 ]]; echo $?)"
endless=(run --board disco --kernel "$guests/mips32r2el/splash-litmus" --vcpus 4 --parallel --append n=1000000)
"$program" "${endless[@]}" --timeout 1 >out 2>err </dev/null
code=$?
check "--timeout: exit code $code" $((code != 7))
rm out # which tells when this one has begun
"$program" "${endless[@]}" >out 2>err </dev/null &
pid=$!
wait_for $pid grep -q 'threads on 4 vcpus' out
kill -INT $pid
wait $pid
code=$?
check "SIGINT: exit code $code: $(cat err)" "$([[ $code == 8 && $(cat err) == *interrupted* ]]; echo $?)"
check "it says that no two runs are alike" "$(grep -q 'no two runs are alike' err; echo $?)"
"$program" run --board disco --kernel "$guests/mips32r2el/splash-litmus" --vcpus 4 --parallel --until 'console:LL and SC' \
  >out 2>err </dev/null
code=$?
check "--until console: exit code $code" $((code != 6))
"$program" run --board disco --kernel "$guests/mips32r2el/splash-litmus" --parallel --profile p >out 2>err </dev/null
code=$?
check "a profile wants turns: exit code $code, $(cat err)" "$([[ $code == 2 && $(wc -l <err) == 1 ]]; echo $?)"
finish
