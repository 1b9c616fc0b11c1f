#!/bin/bash
# criterion-tests/guest_clones.sh: a hundred clones of one checkpoint of Debian's kernel have its memory once; how soon one
# goes on; a scenario from a kept boot is judged in a second, twenty times alike, on a host with other work.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
clones=100 times=20
[[ ${MB_QUICK-} ]] && clones=10 times=4
need_guest debian-4kc
cd "$folder" || exit 1
started=() # to be ended with us
stop() {
  ((${#started[@]})) && kill -9 "${started[@]}" 2>/dev/null
  wait 2>/dev/null
  rm -rf "$folder"
}
trap stop EXIT

"$program" checkpoint booted.mb debian-4kc --at 'console:# ' </dev/null >out 2>err
held=$?
check "the guest is saved at its prompt: $(cat err)" $held
((failed)) && finish
saved=$(stat -c %s booted.mb)

# --- how long it takes: time of the host's cpu, for others may be using it ---
best() { sort -n | head -1; }
took=$(for _ in 1 2 3 4 5; do
  "$program" run --from booted.mb --until insns:1 --console none --stats stats </dev/null >out 2>err
  stat_of stats cpu_seconds
done | best)
echo "restored in $took s"
check "256 MiB are restored in 50 ms, not $took s" "$(awk -v t="$took" 'BEGIN { print !(t > 0 && t <= 0.05) }')"

# --- a hundred of them: each does something of its own, and is held when it has, for it would go on in real time ---
hold() { # clone...
  local i
  for i; do wait_for "${started[i]}" grep -q "^clone $((i * 7))" $i.out; done
  for i; do kill -STOP "${started[i]}"; done
}
for ((i = 0; i < clones; i++)); do
  "$program" run --from booted.mb --pace real --console "file:$i.out" --code-store none \
    --type "=>seq $((1000 + i)) | md5sum; echo clone \$(($i * 7))\n" </dev/null >/dev/null 2>"$i.err" &
  started+=($!)
  ((i % 5 < 4)) || hold $((i - 4)) $((i - 3)) $((i - 2)) $((i - 1)) $i # five at a time
done
held=0
for ((i = 0; i < clones; i++)); do grep -q "^clone $((i * 7))" $i.out && held=$((held + 1)); done
check "$held of $clones clones have done what they were told" $((held != clones))
# What the host has of the file in memory is one set of pages; /proc shares their size out among those that map them.
sum() { # key: of the mappings of the file, in all clones, in KiB
  for pid in "${started[@]}"; do cat "/proc/$pid/smaps"; done 2>/dev/null |
    awk -v key="$1:" '/^[0-9a-f]+-/ { in_file = /booted[.]mb/ } in_file && $1 == key { n += $2 } END { print n + 0 }'
}
mapped=$(sum Rss) part=$(sum Pss)
all=$(for pid in "${started[@]}"; do cat "/proc/$pid/smaps_rollup"; done 2>/dev/null | awk '$1 == "Pss:" { n += $2 } END { print n + 0 }')
echo "$clones clones look at $((mapped >> 10)) MiB of the checkpoint, which are $((part >> 10)) MiB of the host's memory;" \
  "each takes $((all / clones >> 10)) MiB of the host in all, mirrorball itself included"
check "they look at what the checkpoint has: $mapped KiB" $((mapped < 1000 * clones))
check "it is in the host's memory once: $part KiB, of $saved bytes" $((part * 1024 > saved || part * clones > 3 * mapped))
check "a clone takes at most 64 MiB of the host, not $((all / clones)) KiB" $((all / clones > 64 << 10))
kill -9 "${started[@]}"
wait "${started[@]}" 2>/dev/null
started=()
"$program" run --from booted.mb --until 'console:clone 700' --console none --stats stats --type '=>echo clone $((7 * 100))\n' \
  </dev/null >out 2>err
own=$(($(stat_of stats resident) - $(stat_of stats in_checkpoint)))
echo "a clone has $((own >> 10)) KiB of memory of its own, of $(($(stat_of stats resident) >> 10))"
check "most of its memory is in the checkpoint: $own of $(stat_of stats resident) bytes are not" \
  $((own <= 0 || own * 10 > $(stat_of stats resident)))

# --- a verdict in a second, twenty times the same, with the host at work ---
export MIRRORBALL_CACHE=$folder/cache
mkdir cache && cp -as "$(dirname "$kernel")" cache/
cat >short.test <<'END'
guests = ["debian-4kc"];
steps = ( { run = "seq 3000 | sort -rn | head -n 1"; output = "3000"; }, { run = "usleep 20000; cat /proc/uptime"; matches = "^[0-9]"; } );
END
"$program" test short.test >out 2>&1
held=$?
check "the scenario is good from power-on, and the boot is kept: $(cat out)" $held
for ((i = 0; i < 2; i++)); do
  (while :; do :; done) &
  started+=($!)
done
TIMEFORMAT='%U %S'
for ((i = 0; i < times; i++)); do
  { time "$program" test --results results.json short.test >"again.$i" 2>&1; } 2>>times.txt
  grep -q '"from": "checkpoint"' results.json || echo "began at power-on" >>"again.$i"
done
kill "${started[@]}"
wait "${started[@]}" 2>/dev/null
started=()
for ((i = 1; i < times; i++)); do cmp -s again.0 "again.$i" || break; done
check "$times runs are the same, to the instruction and the last bit: $(cat again.0), then $(cat "again.$i" 2>/dev/null)" $((i != times))
grep -q '^good .* instructions, state [0-9a-f]' again.0
held=$?
check "they are good, and say what they were: $(cat again.0)" $held
took=$(awk '{ print $1 + $2 }' times.txt | best)
echo "judged in $took s of the host's cpu"
check "a verdict takes less than a second, not $took" "$(awk -v t="$took" 'BEGIN { print !(t < 1) }')"
finish
