#!/bin/bash
# criterion-tests/run_small_smp.sh: a few instructions on several vcpus of disco: started, counting together, halting.
# SPDX-License-Identifier: Apache-2.0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=images.bash
source "$here/images.bash"
# shellcheck source-path=SCRIPTDIR source=check.bash
source "$here/check.bash"
cd "$folder" || exit 1

# All enter at the same place. Vcpu 0 starts vcpu 1 there, through GCRs and CPC; both then add 20000 to one word with LL
# and SC, tell so in another, and vcpu 1 waits with interrupts off. When both have told, vcpu 0 ends with code 7 if the
# sum is right; else it waits, too.
count=(
  400b7801 316b03ff 1560000a 00000000          # CPUNum; who is not 0 goes to the work
  3c08b610 3c090001 ad092018 3c0a8010 ad0a4020 # GCR: other core 1, its RESET_BASE
  3c0cb620 ad892010 240d0004 ad8d4000          # CPC: other core 1, reset it
  3c108000 34114e20                            # the work: at 0x80000000, 20000 times
  c2020100 24420001 e2020100 1040fffc 00000000 # ll, add, sc, again if it fails
  2631ffff 1620fff9 00000000                   # next
  c2020104 24420001 e2020104 1040fffc 00000000 # told
  400b7801 316b03ff 1560000d 00000000          # who is not 0 goes to the end
  8e030104 2463fffe 1460fffd 00000000          # wait for the other
  8e030100 34049c40 14640005 00000000          # 40000?
  3c08bf00 3c094d42 35290007 ad090a00          # code 7
  40806000 42000020 1000fffe 00000000          # Status <- 0; wait; b
)
# The same, but both only halt; or spin and halt.
halt=("${count[@]:0:13}" 40806000 42000020 1000fffe 00000000)
spin=("${count[@]:0:13}" 40806000 400b7801 316b03ff 11600003 00000000 1000ffff 00000000 42000020 1000fffe 00000000)

hash_of() { sed -n 's/.*"\(state_hash\|instructions\)": //p' "$1" | tr -d '\n'; }
for order in little big; do
  for class in 32 64; do
    first=
    elf $order $class "${count[@]}" >"count.$order$class"
    for tier in eval stencil llvm auto; do
      timeout 600 "$program" run --board disco --vcpus 2 --kernel count.$order$class --tier $tier --code-store none \
        --stats stats >out 2>err </dev/null
      code=$?
      ((code == 2)) && continue # a build without this tier
      check "count.$order$class, --tier $tier: exit $code, expected 71; $(cat err)" $((code != 71))
      : "${first:=$(hash_of stats)}"
      check "count.$order$class is the same run with --tier $tier" "$([[ $(hash_of stats) == "$first" ]]; echo $?)"
    done
    # Stopped on the way, and with more vcpus that nobody starts.
    timeout 600 "$program" run --board disco --vcpus 16 --kernel count.$order$class --until insns:77777 --stats stats \
      >out 2>err </dev/null
    code=$?
    check "stops at instruction 77777: exit $code, $(hash_of stats)" \
      "$([[ $code == 6 && $(hash_of stats) == 77777,* ]]; echo $?)"
    for name in halt spin; do
      declare -n words=$name
      elf $order $class "${words[@]}" >"$name.$order$class"
      timeout 600 "$program" run --board disco --vcpus 2 --kernel $name.$order$class >out 2>err </dev/null
      code=$?
      check "$name.$order$class: when all have come to an end the machine has: exit $code; $(cat err)" "$code"
    done
  done
done
# As events: a vcpu that runs where another ran is a switch; the turns are the same in each tier, and counted or not.
for tier in eval stencil; do
  timeout 600 "$program" run --board disco --vcpus 2 --kernel count.little32 --tier $tier --events --code-store none \
    --stats "events.$tier" >out 2>err </dev/null
  code=$?
  ((code == 2)) && continue
  switches=$(grep -A 2 '"name": "vcpu switch"' "events.$tier" | sed -n 's/.*"count": \([0-9]*\),/\1/p')
  check "--tier $tier counts switches, always as many: $switches, not ${before:=$switches}" \
    $((switches < 2 || switches != before))
  timeout 600 "$program" run --board disco --vcpus 2 --kernel count.little32 --stats plain >out 2>err </dev/null
  check "... and is the run without counting" "$([[ $(grep state_hash "events.$tier") == "$(grep state_hash plain)" ]]; echo $?)"
done
# A core that is not there is not started.
timeout 600 "$program" run --board disco --kernel count.little32 --until insns:1000000 >out 2>err </dev/null
code=$?
check "vcpu 0 alone waits for vcpu 1: exit $code" $((code != 6))
finish
