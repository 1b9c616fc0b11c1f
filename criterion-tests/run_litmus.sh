#!/bin/bash
# criterion-tests/run_litmus.sh: what vcpus see of each other's stores, by turns and at the same time, in each tier.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
guests=${MB_BUILD:?}/guests
[[ -d $guests ]] || { echo "skipped: guests/build has not run (no cross compilers?)"; exit 77; }
cd "$folder" || exit 1

targets='mips32r2el mips64r2eb' n=200
[[ ${MB_QUICK-} ]] && targets=mips32r2eb n=20
run() { # target vcpus tier options: into out, err, stats; sets code
  "$program" run --board disco --kernel "$guests/$1/$program_of" --vcpus "$2" --tier "$3" "${@:4}" --stats stats \
    --code-store none --timeout 200 >out 2>err </dev/null
  code=$?
}
for target in $targets; do
  for vcpus in 2 3 8; do
    first=
    for tier in eval stencil auto llvm; do
      for how in turns parallel; do
        options=(--append "n=$n")
        [[ $how == parallel ]] && options+=(--parallel)
        program_of=splash-litmus
        run "$target" $vcpus $tier "${options[@]}"
        ((code == 2)) && continue # a build without this tier
        check "litmus on $target, $vcpus vcpus, $how, $tier: exit code $code: $(grep WRONG out; cat err)" \
          $((code || $(tr -d '\r' <out | grep -c ': fine$') != 5))
        [[ $how == turns ]] || continue
        outcome="$(stat_of stats instructions) $(stat_of stats state_hash)"
        check "... by turns it is the same run: $outcome, not ${first:=$outcome}" "$([[ $outcome == "$first" ]]; echo $?)"
      done
    done
  done
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
timeout 60 "$program" run --board disco --kernel "$guests/mips32r2el/splash-litmus" --vcpus 4 --parallel --append n=1000000 \
  --timeout 1 >out 2>err </dev/null
code=$?
check "--timeout: exit code $code" $((code != 7))
timeout -s INT 2 "$program" run --board disco --kernel "$guests/mips32r2el/splash-litmus" --vcpus 4 --parallel \
  --append n=1000000 >out 2>err </dev/null
code=$?
check "SIGINT: exit code $code: $(cat err)" "$([[ $code == 124 && $(cat err) == *quit* || $(cat err) == *interrupt* ]]; echo $?)"
check "it says that no two runs are alike" "$(grep -q 'no two runs are alike' err; echo $?)"
timeout 60 "$program" run --board disco --kernel "$guests/mips32r2el/splash-litmus" --vcpus 4 --parallel --until 'console:LL and SC' \
  >out 2>err </dev/null
code=$?
check "--until console: exit code $code" $((code != 6))
"$program" run --board disco --kernel "$guests/mips32r2el/splash-litmus" --parallel --profile p >out 2>err </dev/null
code=$?
check "a profile wants turns: exit code $code, $(cat err)" "$([[ $code == 2 && $(wc -l <err) == 1 ]]; echo $?)"
finish
