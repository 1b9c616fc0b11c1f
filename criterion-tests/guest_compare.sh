#!/bin/bash
# criterion-tests/guest_compare.sh: mirrorball compare on one of Debian's kernels: the same run in each mode, its services
# under their names, all instructions accounted for.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
need_guest debian-4kc
cd "$folder" || exit 1
"$program" compare debian-4kc --modes bare,translate --repeat 1 --json doc.json \
  --workload 'ls -l /proc/1 | md5sum; cat /proc/kallsyms | wc -c' >out 2>err </dev/null
code=$?
check "compare ends with exit code $code: $(cat err)" "$code"
check "it is the same run" "$(grep -q '"same": true' doc.json; echo $?)"
for name in 'page fault, quick' 'page fault, zeroed' 'page fault, filled' 'TLB refill' interrupt read write openat clone execve exit_group wait4; do
  check "$name is among the services" "$(grep -qE "\"name\": \"$name\"" doc.json; echo $?)"
done
check "every system call has a name: $(grep -o '"system call [^"]*"' doc.json | head -3)" \
  "$(! grep -q '"system call' doc.json; echo $?)"
# user + kernel + idle of the bare machine are 100 %.
check "the bare bar is whole" "$(grep -qE '^l2tlb 1024 +bare .* 100\.0$' out; echo $?)"

# Counting does not show in the run, and is exact in another tier.
for tier in auto stencil; do
  "$program" run debian-4kc --append 'console=ttyS0 mb.run=/bin/true' --events --tier $tier --stats "s.$tier" \
    --code-store none >/dev/null 2>err </dev/null
  code=$?
  ((code == 2)) && finish
  check "--tier $tier: exit code $code: $(cat err)" "$code"
done
# How often the second-level TLB is asked is not the guest's doing.
events() {
  sed -n '/"events": \[/,/"services_complete"/p' "$1" |
    awk '/"name": "TLB refill, second level"/ { skip = 3 } skip { skip--; next } !/second level/'
}
diff <(events s.auto) <(events s.stencil) >diff
code=$?
check "events and services are the same in both tiers: $(head -5 diff)" "$code"
"$program" run debian-4kc --append 'console=ttyS0 mb.run=/bin/true' --stats s.plain --code-store none >/dev/null 2>&1 </dev/null
check "the run is the one without counting" "$([[ $(stat_of s.plain state_hash) == $(stat_of s.auto state_hash) ]]; echo $?)"
finish
