#!/bin/bash
# criterion-tests/run_check.sh: --check on whole programs: what races is found, what is ordered is not, and entries of the
# TLB that have outlived the page table; the same in every tier, and the run is the one without.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
guests=${MB_BUILD:?}/guests
[[ -d $guests ]] || { echo "skipped: guests/build has not run (no cross compilers?)"; exit 77; }
cd "$folder" || exit 1

run() { # target program vcpus options: into out, err, stats; sets code
  "$program" run --board disco --kernel "$guests/$1/$2" --vcpus "$3" "${@:4}" --stats stats --code-store none \
    --timeout 600 >out 2>err </dev/null
  code=$?
}
found() { sed -nE 's/^(mirrorball: check: )?([a-z-]+): [0-9]+ places, .*/\2/p' err | tr '\n' ' '; }
outcome() { echo "$(stat_of stats instructions) $(stat_of stats state_hash)"; }

# How words are shared, the kinds of findings that must come of it, and what must be said about it.
hows='0|race-update |add_one
1||nothing found
2||nothing found
3||nothing found
4|race-update |hand_over
5|race-write |store_own
6||nothing found
7||nothing found'
for target in mips32r2el mips64r2eb; do
  tiers=auto
  [[ $target == mips32r2el ]] && tiers="eval stencil auto"
  while IFS='|' read -r how kinds says; do
    options=(--append "how=$how n=100")
    run $target splash-race 2 "${options[@]}"
    plain=$(outcome)
    report=
    for tier in $tiers; do
      run $target splash-race 2 "${options[@]}" --check race --tier $tier
      ((code == 2)) && continue # a build without this tier
      check "$target, how=$how, $tier: exit code $code, found $(found)instead of $kinds: $(cat err)" \
        "$([[ $code == 0 && $(found) == "$kinds" ]] && grep -q "$says" err; echo $?)"
      check "... is the run without checks: $(outcome), not $plain" "$([[ $(outcome) == "$plain" ]]; echo $?)"
      check "... and the report that of every tier" "$([[ $(cat err) == "${report:=$(cat err)}" ]]; echo $?)"
    done
  done <<<"$hows"
done
run mips32r2el splash-race 2 --append how=0 --check race
check "both sides are told: $(cat err)" \
  "$(grep -q 'add_one.* on vcpu [01] after' err && grep -q 'the other: .*add_one.*, on vcpu [01]' err &&
    [[ $(grep -c 'called by work.* < live' err) == 2 ]]; echo $?)"
run mips32r2el splash-race 2 --append how=5 --check race
check "... and in --stats" "$(tr -d ' \n' <stats | grep -q '"race-write":{.*"other_symbol":"store_own.*"other_calls":\["work'; echo $?)"
run mips32r2el splash-race 4 --append how=3 --check race
check "four vcpus hand over: $(cat err)" "$(grep -q 'nothing found' err; echo $?)"
run mips32r2el splash-race 2 --append how=4 --check race-read
check "loads are told when asked for: $(found)" "$([[ $(found) == *race-read* ]]; echo $?)"
run mips32r2el splash-race 2 --append how=0 --check race --parallel
check "not for --parallel: exit code $code, $(cat err)" \
  "$([[ $code == 2 && $(wc -l <err) == 1 ]] && grep -q 'checks are for vcpus that take turns' err; echo $?)"

# Entries of the TLB that the page table no longer says: of the cases those that forget the flush.
for target in mips32r2el mips64r2eb; do
  "$program" run --kernel "$guests/$target/stale" --stats stats >out 2>err </dev/null
  plain=$(outcome) report=
  for tier in eval stencil auto; do
    "$program" run --kernel "$guests/$target/stale" --check tlb --tier $tier --code-store none --stats stats >out 2>err </dev/null
    code=$?
    ((code == 2)) && continue
    check "stale on $target, $tier: exit code $code, found $(found): $(cat err)" \
      "$([[ $code == 0 && $(found) == 'tlb-stale-frame tlb-stale-valid tlb-stale-dirty ' &&
        $(grep -c ' 1 time, first' err) == 3 && $(grep -c ' by 0x.* change' err) == 3 ]]; echo $?)"
    check "... is the run without checks: $(outcome), not $plain" "$([[ $(outcome) == "$plain" ]]; echo $?)"
    check "... and the report that of every tier" "$([[ $(cat err) == "${report:=$(cat err)}" ]]; echo $?)"
    check "... all page tables are known: $(tail -1 err)" "$(grep -q 'known for 4 of 5 entries' err; echo $?)"
  done
done
"$program" run --kernel "$guests/mips32r2el/kernel" --append run=test --check tlb >out 2>err </dev/null
check "the own kernel flushes: $(cat err)" "$(grep -q 'nothing found' err; echo $?)"

# What is allowed is counted.
on=(mips32r2el splash-race 2 --append how=0 --check race)
printf '# counters\nrace-*:nobody\n\n  add_*  # no need\n' >allowed
sed -i 's/^race-\*:/race-write:/' allowed
run "${on[@]}" --check-allow allowed
check "all is allowed: $(cat err)" "$(grep -q 'nothing else found' err && grep -q 'allowed: 1 places' err; echo $?)"
echo race-write:add_one >allowed
run "${on[@]}" --check-allow allowed
check "another kind is not: $(cat err)" "$([[ $(found) == 'race-update ' ]]; echo $?)"
bad_list() { # text words of the complaint
  printf '%b' "$1" >allowed
  run "${on[@]}" --check-allow allowed
  check "allowed '$1': exit code $code, $(cat err)" "$([[ $code == 2 && $(wc -l <err) == 1 && $(cat err) == *"$2"* ]]; echo $?)"
}
bad_list 'add_one\nraces:add_one\n' 'allowed:2: no check finds "races"'
bad_list 'add one\n' 'allowed:1: is no line'
bad_list 'race-write:\n' 'allowed:1: is no line'
bad_list '' 'is empty'
bad_list 'a\0b' 'is no text'
head -c 3000 /dev/urandom >allowed
run "${on[@]}" --check-allow allowed
check "a list of anything: exit code $code" $((code != 2 || $(wc -l <err) != 1))

# Programs that are as they should be.
run mips32r2eb splash-litmus 3 --append n=15 --check race,tlb,uninit
check "litmus: exit code $code, $(cat err)" "$([[ $code == 0 ]] && grep -q "nothing found" err; echo $?)"
run mips64r2el splash-radix 3 --append 'n=5000 radix=64 seed=7' --check race,tlb
check "radix: exit code $code, $(cat err)" "$([[ $code == 0 ]] && grep -q 'nothing found' err; echo $?)"
finish
