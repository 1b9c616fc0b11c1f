#!/bin/bash
# criterion-tests/run_small_guests.sh: a few instructions each: every way a run can end has its exit code, and is the
# same run each time.
# SPDX-License-Identifier: Apache-2.0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=images.bash
source "$here/images.bash"
# shellcheck source-path=SCRIPTDIR source=check.bash
source "$here/check.bash"
cd "$folder" || exit 1

ends() { # exit fragment words...: run, compare exit code and stderr ('' for none)
  local want=$1 text=$2 code
  shift 2
  timeout 600 "$program" run "$@" >out 2>err </dev/null
  code=$?
  if [[ -z $text ]]; then [[ ! -s err ]]; else grep -qF -- "$text" err && (($(wc -l <err) == 1)); fi
  local said=$?
  check "mirrorball run $*: exit $code, expected $want; said: $(cat err)" $((code != want || said != 0))
}

store='3c08bf00 3c094d42' # lui t0,0xbf00; lui t1,0x4d42
commit='ad090a00 1000ffff 00000000' # sw t1,0xa00(t0); b .; nop
declare -A code=(
  [exit0]="$store $commit"
  [exit7]="$store 35290007 $commit"
  [exit300]="$store 3529012c $commit"
  [reset]="3c08bf00 24090042 ad090500 1000ffff 00000000" # SOFTRES <- 0x42: reset
  [firmware]="3c08bfc0 01000008 00000000" # jr to the reset vector
  [void]="3c081234 01000008 00000000" # lui t0,0x1234; jr t0
  [reserved]="0000000e 0000000e"      # no such SPECIAL function
  [wait]="40806000 42000020 1000fffe 00000000" # Status <- 0; wait; b
  [spin]="40806000 1000ffff 00000000"
  # 'hi\n' on the first serial port, then end with code 0
  [hello]="3c08b800 24090068 a10903f8 24090069 a10903f8 2409000a a10903f8 $store $commit"
)
for order in little big; do
  for class in 32 64; do
    for name in "${!code[@]}"; do
      # shellcheck disable=SC2086
      elf $order $class ${code[$name]} >"$name.$order$class"
    done
    cpu=24Kf
    ((class == 64)) && cpu=MIPS64R2-generic
    k="$order$class --cpu $cpu"
    # shellcheck disable=SC2086
    {
      ends 0 '' --kernel exit0.$k
      ends 71 'code 7' --kernel exit7.$k
      ends 127 'code 300' --kernel exit300.$k
      ends 3 'reset' --kernel reset.$k
      ends 3 'reset' --kernel firmware.$k --timeout 600
      ends 5 'TLBL' --kernel void.$k --timeout 600
      ends 5 'RI' --kernel reserved.$k --timeout 600
      ends 0 '' --kernel wait.$k --timeout 600
      ends 4 'stuck' --kernel spin.$k --timeout 600
      ends 0 '' --kernel hello.$k
      check "hello.$k shows hi, not $(cat out)" "$([[ $(cat out) == hi ]]; echo $?)"
      ends 6 'awaited' --kernel hello.$k --until console:h
      check "only h is shown until it is" "$([[ $(cat out) == h ]]; echo $?)"
      ends 6 'instruction 4' --kernel hello.$k --until insns:4
    }
  done
done

ends 0 '' --kernel exit0.big64

# 32-bit code on 64-bit cpus, and by other wrappings
ends 0 '' --kernel exit0.little32 --cpu 5Kc
gzip -c exit0.big32 >exit0.gz
ends 0 '' --kernel exit0.gz
for w in ${code[exit7]}; do word big "$w"; done >raw
ends 71 'code 7' --kernel raw --endian big
ends 71 'code 7' --kernel raw --endian big --load-addr 0xa0200000
ends 71 'code 7' --kernel <(cat exit7.little32)

# a name for the place where it died
printf '80100000 T start\n80100004 T middle\n' >map
ends 5 '(start)' --kernel reserved.little32 --symbols=map
printf '7ffffff8 T elsewhere\n12340000 T nowhere\n' >map2
ends 5 '(nowhere)' --kernel void.little32 --symbols=map2
cp map System.map
ends 5 '(start)' --kernel reserved.little32 --symbols

# the same command is the same run
stats() { # name words...: statistics without what is the host's
  local name=$1
  shift
  "$program" run "$@" --stats "$name.json" >/dev/null 2>&1 </dev/null
  grep -v -e wall_seconds -e max_rss "$name.json" >"$name"
}
stats one --kernel hello.big64 --cpu MIPS64R2-generic
stats two --kernel hello.big64 --cpu MIPS64R2-generic
stats three --kernel hello.big64 --cpu MIPS64R2-generic --mem 512M
check "two runs of a command give the same statistics" "$(cmp -s one two; echo $?)"
check "another machine has another state hash" "$(! diff <(grep state_hash one) <(grep state_hash three) >/dev/null; echo $?)"
for key in instructions cycles virtual_ns interrupts tlb_refills blocks_made tiers exceptions console_digest state_hash \
  exit pc; do
  check "--stats has $key" "$(grep -q "\"$key\"" one; echo $?)"
done
check "a finished run leaves no half statistics" "$(! ls ./*.new >/dev/null 2>&1; echo $?)"

# traces
ends 5 'died' --kernel void.little32 --trace exc,insn,dev,tlb=trace
check "the trace shows instructions and exceptions" "$(grep -q '^insn .*lui' trace && grep -q '^exc .*TLBL' trace; echo $?)"
ends 0 '' --kernel hello.little32 --trace dev=trace
check "the trace shows the device" "$(grep -q '^dev .*uart' trace; echo $?)"
ends 0 '' --kernel hello.little32 --timestamps
check "time stamps" "$(grep -qE '^\[ +[0-9]+\.[0-9]{6} +[0-9]+\] hi$' out; echo $?)"

ends 6 'instruction 0' --kernel hello.little32 --until insns:0

# wall time and signals
elf little 32 25080001 1000fffe 00000000 >busy # addiu t0,t0,1; b back; nop
ends 7 'wall time' --kernel busy --timeout 0.2
"$program" run --kernel busy --stats s.json >out 2>err </dev/null &
pid=$!
catches_term() { ((16#$(awk '/^SigCgt/ { print $2 }' /proc/$pid/status) >> 14 & 1)); }
wait_for $pid catches_term
kill -TERM $pid
wait $pid
status=$?
check "SIGTERM ends a run with exit 8, not $status" $((status != 8))
check "... and with statistics" "$(grep -q '"exit": "interrupted"' s.json; echo $?)"

finish
