#!/bin/bash
# criterion-tests/run_replay.sh: sessions with a guest recorded and replayed: in other tiers and modes, from checkpoints, up
# to some instruction; killed ones; and what is refused.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
guests=${MB_BUILD:?}/guests
[[ -d $guests ]] || { echo "skipped: guests/build has not run (no cross compilers?)"; exit 77; }
cd "$folder" || exit 1

outcome() { # STATS: what the run was
  echo "$(stat_of "$1" instructions) instructions, state $(stat_of "$1" state_hash), console $(stat_of "$1" console_digest)"
}
# typed WORDS...: each after a pause, as people do.
typed() {
  local word
  for word; do
    sleep 0.2
    printf '%b' "$word"
  done
}
# run_it WORDS...: out, err, its exit code
run_it() { timeout 300 "$program" run "$@" --code-store none >out 2>err; }

# same NAME RECORD WORDS...: its replay is the run in `stats`.
same() {
  local name=$1 record=$2 code
  shift 2
  run_it --replay "$record" --stats again "$@" </dev/null
  code=$?
  ((code == 0)) && grep -q 'the same run, to the state it ended in' err && [[ $(outcome again) == "$(outcome stats)" ]]
  local held=$?
  check "$name, replayed $*: exit $code, $(outcome again), not $(outcome stats): $(cat err)" $held
}

for target in mips32r2el mips64r2eb; do
  own=(--kernel "$guests/$target/kernel" --mem 64M)
  [[ $target == mips64* ]] && own+=(--cpu MIPS64R2-generic)

  # --- typed through a pipe ---
  typed hel 'p\n' 'hello bob\n' 'primes 100\n' 'exit\n' | run_it "${own[@]}" --record typed.mbr --rtc host --stats stats
  check "$target is recorded: $(cat err)" $((${PIPESTATUS[1]} != 0))
  for way in '--tier eval --mode trap' '--tier stencil --mode translate'; do
    # shellcheck disable=SC2086
    same "$target typed to" typed.mbr $way
  done
  (($(stat -c %s typed.mbr) < 20000))
  check "$target: the record is small: $(stat -c %s typed.mbr) bytes" $?

  # --- up to somewhere; saved there; and on from there ---
  half=$(($(stat_of stats instructions) / 2))
  run_it --replay typed.mbr --replay-to insns:$half --checkpoint half.mb --stats to </dev/null
  code=$? at=$(stat_of to instructions)
  ((code == 6 && (at == half || at == half + 1))) && grep -q 'before its end' err
  held=$?
  check "$target: --replay-to insns:$half stops at $at: exit $code, $(cat err)" $held
  typed 'hello again\n' 'exit\n' | run_it --from half.mb --record on.mbr --stats stats
  check "$target: live from there: $(cat err)" $((${PIPESTATUS[1]} != 0))
  grep -q 'hello, again' out
  check "$target: what is typed then counts" $?
  same "$target from a checkpoint" on.mbr --tier eval
  run_it --replay typed.mbr --replay-to time:0.01 --stats to </dev/null
  code=$? ns=$(stat_of to virtual_ns)
  ((code == 6 && ns >= 10000000 && ns < 12000000))
  check "$target: --replay-to time:0.01 stops at $ns ns: exit $code" $?

  # --- stopped by a signal, in the middle of waiting ---
  mkfifo keys
  "$program" run "${own[@]}" --record stopped.mbr --pace real --stats stats --code-store none <keys >out 2>err &
  pid=$!
  exec 3>keys
  sleep 0.5
  printf 'hello eve\n' >&3
  sleep 1
  kill -TERM $pid
  wait $pid
  code=$?
  check "$target is stopped by a signal: exit $code, $(cat err)" $((code != 8))
  exec 3>&-
  rm keys
  same "$target stopped by a signal" stopped.mbr --tier eval
done

# --- scripted typing goes with it; several VMs, side by side ---
run_it "${own[@]}" --type 'own> =>hello tim\nexit\n' --record scripted.mbr --stats stats </dev/null
check "scripted typing is recorded: $(cat err)" $?
same "scripted typing" scripted.mbr
cat >two.machine <<M
vms = ( { name = "a"; kernel = "$guests/mips32r2el/kernel"; mem = "64M"; type = "own> =>primes 50\\nexit\\n"; console = "file:a"; },
        { name = "b"; kernel = "$guests/mips32r2el/kernel"; mem = "64M"; } );
M
typed 'hello bob\n' 'exit\n' | run_it --machine two.machine --record two.mbr --stats stats
check "two VMs are recorded: $(cat err)" $((${PIPESTATUS[1]} != 0))
same "two VMs" two.mbr --jobs 1 --tier eval --console none

# --- modelled machines and schedulers: what comes goes by their time ---
while read -r what options; do
  # shellcheck disable=SC2086
  typed 'hello bob\n' 'primes 50\n' 'exit\n' | run_it "${own[@]}" $options --record modelled.mbr --stats stats
  check "$what is recorded: $(cat err)" $((${PIPESTATUS[1]} != 0))
  same "$what" modelled.mbr --tier eval
done <<'EOF'
tlb --numa tlb --policy both
cache --numa cache --numa-machine origin2000 --policy regret --policy-set trigger=3
intervals --numa sample --numa-sample every=20
sampled_policies --numa cache --policy both --policy-feed sample
pinned --pin 0=0 --numa tlb
EOF
typed 'hello bob\n' 'exit\n' | run_it --machine two.machine --sched gang --cpus 1 --numa cache --record two.mbr --stats stats
check "two VMs on one modelled cpu are recorded: $(cat err)" $((${PIPESTATUS[1]} != 0))
same "two VMs on one modelled cpu" two.mbr --tier eval --console none

# --- killed ---
mkfifo keys
"$program" run "${own[@]}" --record killed.mbr --code-store none <keys >out 2>err &
pid=$!
exec 3>keys
printf 'hello eve\n' >&3
wait_for $pid grep -q 'hello, eve' out
sleep 0.7
kill -9 $pid
wait $pid 2>/dev/null
exec 3>&-
run_it --replay killed.mbr </dev/null
code=$?
((code == 0)) && grep -q 'hello, eve' out && grep -q 'the record has no end' err
held=$?
check "a record whose run was killed: exit $code, $(cat err)" $held

# --- another run is told; damaged and foreign files are refused ---
refused() { # what text words...
  local what=$1 text=$2
  shift 2
  run_it "$@" </dev/null
  local code=$?
  ((code == 2 && $(wc -l <err) == 1)) && grep -qF -- "$text" err
  local held=$?
  check "$what is refused: exit $code, $(cat err)" $held
}
refused "a kernel" "is no record" --replay "$guests/mips32r2el/kernel"
refused "nothing" "No such file" --replay nothing.mbr
refused "a checkpoint" "is no record" --replay half.mb
head -c 100 typed.mbr >short.mbr
refused "a beginning" "is cut off before the run began" --replay short.mbr
RANDOM=3
size=$(stat -c %s typed.mbr)
rounds=10
[[ ${MB_QUICK-} ]] && rounds=4
for ((i = 0; i < rounds; i++)); do
  at=$((RANDOM % size))
  cp typed.mbr bad.mbr
  byte=$(od -An -tu1 -j$at -N1 bad.mbr)
  # shellcheck disable=SC2059
  printf "\\x$(printf %x $((byte ^ 1 << RANDOM % 8)))" | dd of=bad.mbr bs=1 seek=$at conv=notrunc status=none
  refused "a record with byte $at changed" "record bad.mbr: " --replay bad.mbr
done
cp "$guests/mips32r2el/kernel" mine
run_it --kernel mine --mem 64M --type 'own> =>exit\n' --record mine.mbr </dev/null
echo >>mine
refused "a record whose kernel has changed" "is another file than it was then" --replay mine.mbr
run_it --from half.mb --record later.mbr --until insns:$((half + 1000)) </dev/null
cp mine half.mb
refused "a record whose checkpoint has changed" "is no checkpoint" --replay later.mbr
refused "--parallel" "--parallel cannot be recorded" --kernel "$guests/mips64r2el/splash-radix" --board disco --vcpus 2 \
  --parallel --record no.mbr
cc -shared -fPIC -I "${MB_SOURCE:?}/include" -o own.so "$MB_SOURCE/docs/policy-example.c" 2>err &&
  refused "a policy of one's own" "cannot be recorded" "${own[@]}" --numa tlb --policy ./own.so --record no.mbr
refused "gdb for several VMs" "has several VMs" --replay two.mbr --gdb 0
refused "--record beside --replay" "neither with" --replay typed.mbr --record no.mbr
refused "--replay-to alone" "goes with --replay" "${own[@]}" --replay-to insns:5
refused "--replay-to nowhere" "neither insns:N nor time" --replay typed.mbr --replay-to 5
for word in '--cpu 24Kf' '--mem 64M' '--append x' '--kernel x' '--disk x' '--seed 1' '--type x=>y' own-mips32el; do
  # shellcheck disable=SC2086
  run_it --replay typed.mbr $word </dev/null
  code=$?
  check "beside --replay $word is refused: exit $code" $((code != 2))
done
refused "a record into nowhere" "No such file" "${own[@]}" --record nowhere/at/all
finish
