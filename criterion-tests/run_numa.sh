#!/bin/bash
# criterion-tests/run_numa.sh: a modelled machine under small guests: right, the same counts in each tier, seen by guests.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
guests=${MB_BUILD:?}/guests
[[ -d $guests ]] || { echo "skipped: guests/build has not run (no cross compilers?)"; exit 77; }
cd "$folder" || exit 1

run() { # program vcpus words options: into out, err, stats; sets code
  local program_=$1 vcpus=$2 words=$3
  shift 3
  "$program" run --board disco --kernel "$guests/$program_" --vcpus "$vcpus" --append "$words" --stats stats \
    --code-store none --timeout 600 "$@" >out 2>err </dev/null
  code=$?
}
# What was modelled, and how the run ended. How many references the model was told of is nobody's business.
outcome() {
  python3 -c 'import json; s=json.load(open("stats")); n=s.get("numa")
[v.pop("told", None) for v in n["vcpus"] + [v.get("measured", {}) for v in n["vcpus"]]]; n["fidelity"]=n["fidelity"][:5]
print(json.dumps([n, s["instructions"], s["virtual_ns"], s["state_hash"]]))'
}
number() { # PYTHON expression of s
  python3 -c "import json; s=json.load(open('stats')); print($1)"
}

declare -A words=([radix]='n=20011 radix=64 seed=7' [raytrace]='size=20 balls=1')
# cache-all tells the model of every reference: what generated code leaves out must make no difference.
for numa in tlb cache; do
  for name in radix raytrace; do
    for target in mips32r2eb mips64r2el; do
      first=
      if [[ $numa == cache ]]; then
        run $target/splash-$name 5 "splash $name ${words[$name]}" --tier eval --numa cache-all
        check "$target $name, --numa cache-all: exit code $code: $(tail -1 out) $(cat err)" $code
        first=$(outcome)
        held=$(number 'int(not all(v["told"]["load"] > v["l1_misses"]["load"] > 0 and sum(v["l1_misses"].values()) ==
          v["l2_hits"] + sum(v["misses"].values()) - v["misses"]["upgrade"] and
          sum(v["misses"].values()) == sum(v["misses_by_home"]) for v in s["numa"]["vcpus"]))')
        check "every reference is a hit or a miss somewhere: $first" "$held"
      fi
      for tier in eval stencil llvm auto; do
        run $target/splash-$name 5 "splash $name ${words[$name]}" --tier $tier --numa $numa
        ((code == 2)) && continue # a build without this tier
        check "$target $name, --numa $numa --tier $tier: exit code $code: $(tail -1 out) $(cat err)" $code
        result=$(outcome)
        check "$target $name, --numa $numa: $first; with --tier $tier: $result" \
          "$([[ $result == "${first:=$result}" ]]; echo $?)"
      done
    done
  done
done

# By intervals: in them what is counted is what a model that is told of everything counts, in each tier, and the time
# between is the same time.
conserved='int(not all(v["l1_misses"]["load"] > 0 and sum(v["l1_misses"].values()) ==
  v["l2_hits"] + sum(v["misses"].values()) - v["misses"]["upgrade"] and
  sum(v["misses"].values()) == sum(v["misses_by_home"]) for v in [v["measured"] for v in s["numa"]["vcpus"]]))'
words=([radix]='n=150000 seed=7' [raytrace]='size=64 balls=2')
for which in mips32r2eb/radix mips64r2el/raytrace; do
  name=${which#*/} first=
  for how in 'stencil sample-all' 'eval sample' 'stencil sample' 'auto sample'; do
    read -r tier numa <<<"$how"
    run ${which%/*}/splash-$name 5 "splash $name ${words[$name]}" --tier $tier --numa $numa --numa-sample every=3,warm=1,cache=1
    ((code == 2)) && continue
    check "$which, --numa $numa --tier $tier: exit code $code: $(tail -1 out) $(cat err)" $code
    check "... every reference measured is a hit or a miss somewhere" "$(number "$conserved")"
    result=$(outcome)
    check "$which, by intervals: $first; with $how: $result" "$([[ $result == "${first:=$result}" ]]; echo $?)"
  done
  held=$(number 'int(not (s["numa"]["sampled"]["intervals"] > 2 and s["numa"]["sampled"]["misses_per_1000_instructions"]["ci95"] > 0 and
    all(v["tlb_refills"] > v["measured"]["tlb_refills"] for v in s["numa"]["vcpus"])))')
  check "... and say how sure they are: $(number 's["numa"]["sampled"]')" "$held"
done
# Guests see far memory between intervals, too.
sed 's/latency = .*/latency = { local = 3000; remote = 9000; };/' <("$program" run --numa-machine help:flash) >slow.machine
for which in flash slow.machine; do
  run mips32r2el/splash-radix 4 'splash radix n=100000' --numa sample --numa-sample every=10,warm=1,cache=1 --numa-machine $which
  declare "${which%.*}=$(sed -n 's/radix: sort \([0-9]*\) us.*/\1/p' out | tr -d '\r')"
done
check "the guest sorts in ${flash:-} us, on a slow machine in ${slow:-}" $((${slow:-0} < 2 * ${flash:-1}))

# A machine that costs nothing is the run without one, but for the clock.
"$program" run --numa-machine help:flash >free.machine
sed -i 's/tlb_refill = .*/tlb_refill = 0;/' free.machine
run mips32r2el/splash-radix 2 'splash radix n=5000' --mhz 400
without=$(number '[s["instructions"], s["virtual_ns"], s["state_hash"]]')
run mips32r2el/splash-radix 2 'splash radix n=5000' --numa tlb --numa-machine free.machine
held=$([[ $without == "$(number '[s["instructions"], s["virtual_ns"], s["state_hash"]]')" ]]; echo $?)
check "without costs it is the same run: $without; $(outcome)" "$held"
# Far memory is slow, and the guest's own clock says so.
"$program" run --numa-machine help:uma >near.machine
sed 's/latency = .*/latency = { local = 300; remote = 3000; };/; s/memory_per_node = .*/memory_per_node = "32M";/; s/dirty = 0/dirty = 2700/' \
  near.machine >far.machine
for which in near far; do
  run mips32r2el/splash-radix 4 'splash radix n=20000' --numa cache --numa-machine $which.machine
  declare "$which=$(sed -n 's/radix: sort \([0-9]*\) us.*/\1/p' out | tr -d '\r')"
done
check "the guest sorts in ${near:-} us where memory is near, ${far:-} where it is far" $((${far:-0} < 2 * ${near:-1}))
# A dear one takes longer, by the guest's own clock.
sed -i 's/tlb_refill = .*/tlb_refill = 100000;/' free.machine
run mips32r2el/splash-radix 2 'splash radix n=5000' --numa tlb --numa-machine free.machine
held=$(number 'int(not s["numa"]["vcpus"][0]["stall_ns"] == 100000 * s["numa"]["vcpus"][0]["tlb_refills"] < s["virtual_ns"])')
check "refills are charged: $(outcome)" "$held"

# What does not go, in a line.
bad() { # text options...
  local text=$1
  shift
  run mips32r2el/splash-radix 2 'n=5000' "$@"
  [[ $code == 2 && $(wc -l <err) == 1 ]] && grep -qF -- "$text" err
  held=$?
  check "$*: exit code $code, expected 2 and: $text; $(cat err)" "$held"
}
sed 's/nodes = 8/nodes = 0/' free.machine >none.machine
bad 'none.machine:8: nodes: 0 is not from 1 to 64' --numa tlb --numa-machine none.machine
bad 'there is no machine flush; did you mean flash?' --numa tlb --numa-machine help:flush
bad 'nothing.machine' --numa tlb --numa-machine nothing.machine
bad '--numa-machine goes with --numa' --numa-machine uma
bad '--numa on: none of off, tlb, cache, sample' --numa on
bad '--numa-sample goes with --numa sample' --numa cache --numa-sample every=10
bad '"often" is none of every, warm, cache' --numa sample --numa-sample every=10,often=3
bad 'every is not a number of ms from 1 to' --numa sample --numa-sample every=
bad 'cache is not a number of ms from 1 to' --numa sample --numa-sample cache=0
bad 'warm is not a number of ms from 0 to' --numa sample --numa-sample every=9,warm=1ms
bad 'is none of every, warm, cache' --numa sample --numa-sample ''
bad 'of each 10 ms 5 cannot be measured behind 6 of warming' --numa sample --numa-sample every=10,warm=6,cache=5
bad 'the machine flash has 8 cpus' --numa tlb --vcpus 9
bad 'not for parallel ones' --numa tlb --parallel
bad 'in mode bare or translate' --numa tlb --mode trap
finish
