#!/bin/bash
# criterion-tests/run_checkpoints.sh: small guests saved at random instructions, on each board, in each mode and tier, go
# on as if nothing had been; files that are damaged, foreign or half written are refused.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
guests=${MB_BUILD:?}/guests
[[ -d $guests ]] || { echo "skipped: guests/build has not run (no cross compilers?)"; exit 77; }
cd "$folder" || exit 1
RANDOM=6 # a seed
points=4
[[ ${MB_QUICK-} ]] && points=2

# What was modelled, but for how often the model was told.
modelled() {
  python3 -c '
import json, zlib
s = json.load(open("stats"))
def known(o):
    return {k: known(v) for k, v in o.items() if k != "told"} if isinstance(o, dict) else [*map(known, o)] if isinstance(o, list) else o
print(zlib.crc32(json.dumps([[known(v.get(k)) for k in ("numa", "scheduled", "nets")] + [v["instructions"], v["virtual_ns"], v["state_hash"]]
                             for v in s.get("vms", [s])] + [s.get("placement")]).encode()))'
}
outcome() { # exit code, and what the run was
  echo "exit $1, $(stat_of stats instructions) instructions, state $(stat_of stats state_hash)," \
    "$(stat_of stats interrupts) interrupts, $(stat_of stats tlbwr) tlbwr, console $(stat_of stats console_digest)," \
    "models $(modelled)"
}
pick() { echo "${@:1 + RANDOM % $#:1}"; }
goes() { timeout 600 "$program" "$@" --code-store none </dev/null >out 2>err; }

modes=(bare trap translate) tiers=(eval stencil llvm auto)
ways() { way=(--mode "$(pick "${modes[@]}")" --tier "$(pick "${tiers[@]}")"); }

# saved NAME WORDS...: the run without a break, and runs that are saved at a random instruction in one mode and tier and
# go on in others, some of them twice.
saved() {
  local name=$1 whole total at
  shift
  goes run "$@" --stats stats
  whole=$(outcome $?) total=$(stat_of stats instructions)
  for ((i = 0; i < points; i++)); do
    at=$(((RANDOM << 15 | RANDOM) % total)) then=''
    ways
    goes checkpoint saved.mb --at insns:$at "$@" "${way[@]}"
    held=$?
    check "$name: saved at $at, ${way[*]}: $(cat err)" $held
    if ((i % 2)); then
      at=$((at + (total - at) / 2)) then=", then at $at"
      goes run --from saved.mb --checkpoint again.mb --until insns:$at --tier "$(pick eval auto)"
      held=$(($? != 6))
      check "$name: saved again at $at: $(cat err)" $held
      mv again.mb saved.mb
    fi
    ways
    goes run --from saved.mb --stats stats "${way[@]}"
    this=$(outcome $?)
    [[ $this == "$whole" ]]
    check "$name: saved at $at$then, then ${way[*]}: $this, not $whole" $?
  done
}

for target in mips32r2el mips64r2eb; do
  cpu=24Kf
  [[ $target == mips64* ]] && cpu=MIPS64R2-generic
  saved "$target, the own kernel" --kernel "$guests/$target/kernel" --cpu $cpu --append run=test --mem 64M
  saved "$target, tlb" --kernel "$guests/$target/tlb" --cpu $cpu --mem 64M
  saved "$target, fpu" --kernel "$guests/$target/fpu" --cpu $cpu --mem 64M
  saved "$target, radix on 3 vcpus" --board disco --vcpus 3 --kernel "$guests/$target/splash-radix" \
    --append 'splash radix keys=20000 threads=3' --seed 5
done

# --- disks, as images that are only read, and one that is written; a NAT that nobody uses ---
head -c 1048576 /dev/urandom >disk
saved "a cow disk and a NAT" --kernel "$guests/mips64r2el/kernel" --cpu MIPS64R2-generic --append run=test --mem 64M \
  --disk disk,cow --disk disk,ro,ide --net nat,restrict
cp disk written
saved "a disk that is there to stay" --kernel "$guests/mips32r2el/kernel" --append run=test --mem 64M --disk written,persist

# --- machines with near and far memory, and vcpus that share cpus ---
modes=(bare translate)
m=(--board disco --vcpus 3 --seed 5 --mem 64M --kernel "$guests/mips64r2el/splash-radix" --append 'splash radix n=8000 threads=3')
for numa in tlb cache; do
  saved "numa $numa" "${m[@]}" --numa $numa --policy both --policy-set trigger=8
  saved "numa $numa, two cpus" "${m[@]}" --numa $numa --policy regret --place round-robin --sched affinity --cpus 2
done
saved "a scheduler" "${m[@]}" --sched gang --cpus 2
modes=(bare trap translate)

# From a machine without a model: the same run each time, in each tier.
goes checkpoint off.mb --at insns:1000000 "${m[@]}"
for numa in tlb cache; do
  first=
  for tier in auto eval; do
    goes run --from off.mb --numa $numa --policy both --policy-set trigger=8 --tier $tier --stats stats
    this=$(outcome $?) other=$(stat_of stats stall_ns)
    [[ $this == "${first:=$this}" && $other -gt 0 ]]
    check "numa $numa from off, --tier $tier: $this, not $first; stalls $other" $?
  done
done
goes checkpoint on.mb --at insns:1000000 "${m[@]}" --numa cache
goes run --from on.mb --numa off --stats stats
check "a model can be left behind: $(cat err)" $?
[[ -z $(stat_of stats fidelity) ]]
check "and is then not there" $?
refused_as() { # text words...
  timeout 600 "$program" run "${@:2}" </dev/null >out 2>err
  local code=$? held
  grep -qF -- "$1" err
  held=$?
  check "${*:2}: exit $code and \"$1\": $(cat err)" $((code != 2 || held || $(wc -l <err) != 1))
}
refused_as 'in mode bare or translate' --from on.mb --mode trap
refused_as 'give numa, too' --from on.mb --policy both
refused_as 'the machine flash has 8 cpus' --from off.mb --numa cache --sched fixed --cpus 9

# --- three VMs on a subnet that hear of each other all the time: one comes to where it is to be saved, all are ---
vms=(a b c)
chatter() { # machine file: VM to be saved, insns
  echo 'vms = ('
  for ((v = 0; v < 3; v++)); do
    echo "{ name = \"${vms[v]}\"; kernel = \"$guests/mips32r2eb/splash-chatter\"; board = \"disco\"; mem = \"16M\";"
    echo "  net = \"subnet=x\"; append = \"seed=$v frames=100\"; mhz = $((100 + 30 * v));"
    [[ ${1-} == "$v" ]] && echo "  until = \"insns:$2\";"
    ((v < 2)) && echo '},' || echo '}'
  done
  echo ');'
}
chatter >whole.machine
for model in '' '--numa cache --sched affinity --cpus 2'; do
  how=() modes=(bare trap translate)
  # shellcheck disable=SC2206
  [[ $model ]] && how=($model) modes=(bare translate)
  goes run --machine whole.machine "${how[@]}" --stats stats
  whole=$(outcome $?) total=$(stat_of stats instructions)
  for ((i = 0; i < 3 * points; i++)); do
    at=$(((RANDOM << 15 | RANDOM) % (total / 4)))
    chatter $((i % 3)) $at >at.machine
    ways
    goes checkpoint chatter.mb --machine at.machine "${how[@]}" --jobs "$(pick 1 2)" "${way[@]}"
    held=$?
    check "chatter $model: saved when VM $((i % 3)) is at $at, ${way[*]}: $(cat err)" $held
    ways
    goes run --from chatter.mb --console none --jobs "$(pick 1 2)" --stats stats "${way[@]}"
    this=$(outcome $?)
    [[ $this == "$whole" ]]
    check "chatter $model: saved when VM $((i % 3)) is at $at, then ${way[*]}: $this, not $whole" $?
  done
done

# --- what is refused: one line, exit 2 ---
refused() { # what text file
  timeout 600 "$program" run --from "$3" --console none </dev/null >out 2>err
  local code=$?
  ((code == 2 && $(wc -l <err) == 1)) && grep -qF -- "$2" err
  local held=$?
  check "$1 is refused: exit $code, $(cat err)" $held
}
k=(--kernel "$guests/mips32r2el/kernel" --append run=test --mem 64M --console none)
goes checkpoint good.mb --at insns:100000 "${k[@]}"
held=$?
check "a checkpoint is written: $(cat err)" $held
shows() { "$program" checkpoint --show "$1" >out 2>err; }
shows good.mb
check "--show takes it" $?
grep -q 'at instruction 10000[01]' out
check "--show says where it was" $?
refused "a kernel" "is no checkpoint" "$guests/mips32r2el/kernel"
refused "nothing" "No such file" nothing.mb
head -c 5000 good.mb >short.mb
refused "a half" "is truncated" short.mb
size=$(stat -c %s good.mb)
for at in 30 70 4100 $((size / 2)) $((size - 10)); do
  cp good.mb bad.mb
  byte=$(od -An -tu1 -j$at -N1 bad.mb)
  # shellcheck disable=SC2059
  printf "\\x$(printf %x $((byte ^ 32)))" | dd of=bad.mb bs=1 seek=$at conv=notrunc status=none
  refused "a file with byte $at changed" "checkpoint bad.mb: " bad.mb
done
for word in '--cpu 24Kf' '--mem 64M' '--append x' '--kernel x' '--disk x' '--seed 1' own-mips32el; do
  # shellcheck disable=SC2086
  timeout 600 "$program" run --from good.mb $word </dev/null >out 2>err
  code=$?
  check "beside --from $word is refused: exit $code" $((code != 2))
done

# --- disks: what was written to a cow disk goes with it; an image that has changed does not pass ---
head -c 1048576 /dev/zero >disk
goes checkpoint disk.mb --at insns:100000 "${k[@]}" --disk disk
goes run --from disk.mb --until insns:200000
check "a checkpoint with a disk goes on" $(($? != 6))
touch disk
refused "a checkpoint whose disk has changed" "has changed since" disk.mb

# --- a file is the old one or the new one, whenever its writer is killed ---
cp good.mb kept.mb
for wait in 0.02 0.05 0.1 0.2; do
  "$program" checkpoint kept.mb --at insns:300000 "${k[@]}" </dev/null >out 2>err &
  sleep $wait
  kill -9 $! 2>/dev/null
  wait $! 2>/dev/null
  shows kept.mb
  check "killed after $wait s: the file is whole" $?
done
finish
