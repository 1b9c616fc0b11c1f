#!/bin/bash
# criterion-tests/run_place.sh: pages placed and moved under small guests, and cpus shared: right, the same in each tier.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
guests=${MB_BUILD:?}/guests
[[ -d $guests ]] || { echo "skipped: guests/build has not run (no cross compilers?)"; exit 77; }
cd "$folder" || exit 1

run() { # words options: into out, err, stats; sets code
  local words=$1
  shift
  "$program" run --board disco --kernel "$guests/mips32r2eb/splash-radix" --vcpus 4 --mem 32M --append "$words" \
    --stats stats --code-store none --timeout 600 "$@" >out 2>err </dev/null
  code=$?
}
number() { # PYTHON expression of s, and of p, its placement
  python3 -c "import json; s=json.load(open('stats')); p=s.get('placement'); print($1)"
}
small='splash radix n=50000 radix=256'
eager=(--policy-set trigger=4 --policy-set sharing=2 --policy-set reset=5)

# The same in each tier, with the same log; and all pages are accounted for.
for policy in both regret; do
  first=
  for tier in eval stencil llvm auto; do
    run "$small" --numa tlb --policy $policy "${eager[@]}" --tier $tier --page-log log
    ((code == 2)) && continue # a build without this tier
    check "$policy, --tier $tier: exit code $code: $(tail -1 out) $(cat err)" $code
    result="$(number '[s["instructions"], s["state_hash"], p]') $(cksum <log)"
    [[ $result == "${first:=$result}" ]]
    held=$?
    check "$policy: $first; with --tier $tier: $result" $held
  done
  moving='p["migrations"] > 0 and p["replications"] > 0 and p["collapses"] > 0'
  [[ $policy == regret ]] && moving='p["migrations"] > 0'
  [[ $(number "$moving") == True ]]
  held=$?
  check "$policy moves pages: $(number p)" $held
  # What the log says of moves is what was counted.
  [[ $(number '[p["migrations"], p["replications"]]') == "[$(grep -c '^m ' log), $(grep -c '^r ' log)]" ]]
  held=$?
  check "$policy: the log has each move: $(number p), $(cut -c1 log | sort | uniq -c | tr -d '\n')" $held
done
run "$small" --numa tlb --policy both "${eager[@]}" --page-log log
run "$small" --numa tlb --policy both "${eager[@]}" --page-log log.gz
zcat log.gz | cmp -s - log
check "a packed log says the same" $?

# Where moving and refills cost nothing no policy changes what the guest does: time is frozen.
"$program" run --numa-machine help:flash >free.machine
sed -i 's/tlb_refill = .*/tlb_refill = 0;/; s/^move = .*/move = { copy = 0; shootdown = 0; bookkeeping = 0; };/' free.machine
first=
for options in '--policy none' '--policy both' '--policy regret' '--policy migrate --place round-robin' \
  '--policy replicate --place node:3'; do
  # shellcheck disable=SC2086
  run "$small" --numa tlb --numa-machine free.machine $options "${eager[@]}"
  result=$(number '[s["instructions"], s["virtual_ns"], s["state_hash"]]')
  [[ $code == 0 && $result == "${first:=$result}" ]]
  held=$?
  check "frozen, $options: $first; $result: $(cat err)" $held
done

# Where pages are at first.
run "$small" --numa tlb --place node:2
check "node:2 has all pages: $(number 'p["nodes"]')" "$(number 'int(sum(n["pages"] for n in p["nodes"]) != p["nodes"][2]["pages"])')"
run "$small" --numa tlb --place round-robin
check "round-robin spreads them: $(number 'p["nodes"]')" \
  "$(number 'int(max(n["pages"] for n in p["nodes"]) - min(n["pages"] for n in p["nodes"]) > 1)')"

# A policy of one's own: it moves pages; one that talks nonsense ends the run.
cc=${CC:-cc}
"$cc" -shared -fPIC -I "$MB_SOURCE/include" -o own.so "$MB_SOURCE/docs/policy-example.c" 2>err
check "the example compiles: $(cat err)" $?
run "$small" --numa tlb --policy ./own.so "${eager[@]}"
[[ $code == 0 && $(number 'p["migrations"] + p["replications"] > 0') == True ]]
held=$?
check "the example moves pages: $code $(number p) $(cat err)" $held
sed 's/v.node = page->node;/return (struct mb_page_verdict){.move = MB_PAGE_MIGRATE, .node = 99};/' \
  "$MB_SOURCE/docs/policy-example.c" >bad.c
"$cc" -shared -fPIC -I "$MB_SOURCE/include" -o bad.so bad.c 2>err
check "the bad example compiles: $(cat err)" $?
run "$small" --numa tlb --policy ./bad.so "${eager[@]}"
[[ $code == 2 && $(wc -l <err) == 1 ]] && grep -qE 'policy \./bad\.so: .*migrate to node 99 of 8; home [0-9].*misses by node' err
held=$?
check "nonsense is named: $code $(cat err)" $held
refused() { # message options
  local message=$1
  shift
  run "$small" "$@"
  [[ $code == 2 && $(wc -l <err) == 1 ]] && grep -qF -- "$message" err
  held=$?
  check "$*: $code, $(cat err)" $held
}
echo 'int other;' | "$cc" -shared -fPIC -x c -o other.so - 2>err
check "an object without a policy compiles: $(cat err)" $?
refused 'no function mb_page_policy' --numa tlb --policy ./other.so
refused 'did you mean both?' --numa tlb --policy bot
refused 'trigger is a number from 1' --numa tlb --policy-set trigger=0
refused 'there is no setting "color"' --numa tlb --policy-set color=1
refused 'nodes 0 to 7' --numa tlb --place node:8
refused 'modelled machine' --policy both
refused 'cpus 0 to 3' --pin 0=4
refused 'which only a scheduler can share' --cpus 2
refused 'take turns' --sched gang --parallel

# Cpus shared. With one for each vcpu it is the run without a scheduler; with fewer it takes longer, the same in each tier.
run "$small"
alone=$(number '[s["instructions"], s["virtual_ns"], s["state_hash"]]') alone_ns=$(number 's["virtual_ns"]')
for sched in fixed affinity least-loaded gang; do
  run "$small" --sched $sched
  [[ $code == 0 && $(number '[s["instructions"], s["virtual_ns"], s["state_hash"]]') == "$alone" ]]
  held=$?
  check "--sched $sched with cpus for all: $alone; $(number '[s["instructions"], s["virtual_ns"]]')" $held
  first=
  for tier in eval auto; do
    run "$small" --sched $sched --cpus 2 --tier $tier
    result=$(number '[s["instructions"], s["virtual_ns"], s["state_hash"], s["scheduled"]]')
    [[ $code == 0 && $result == "${first:=$result}" ]]
    held=$?
    check "--sched $sched --cpus 2 --tier $tier: $code, $first; $result: $(cat err)" $held
  done
  [[ $(number "s['virtual_ns'] > 1.5 * $alone_ns") == True ]]
  held=$?
  check "--sched $sched: two cpus are slower than four: $(number 's["virtual_ns"]') and $alone_ns ns" $held
done
finish
