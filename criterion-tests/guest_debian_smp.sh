#!/bin/bash
# criterion-tests/guest_debian_smp.sh: Debian's generic kernels with 2 to 16 vcpus: all come up and work, each tier the same.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
cd "$folder" || exit 1

# Twice as many processes as vcpus, which compute, fork and exit; then all of it comes to an end.
work='seq $((2*$(nproc))) | xargs -P 99 -n 1 sh -c '\''sha256sum </bin/busybox; for i in 1 2 3 4; do /bin/true; done'\'' | uniq -c'

boot() { # GUEST VCPUS TIER OUT
  "$program" run "$1" --vcpus "$2" --tier "$3" --timeout 500 --type '# =>'"$work"'; grep IPI /proc/interrupts\n' \
    --type 'resched=>\n' --type '# =>exit\n' --stats "$4.stats" --code-store none >"$4" 2>"$4.err" </dev/null
  code=$?
}

while read -r guest vcpus tiers; do
  need_guest "$guest"
  first=
  for tier in $tiers; do
    boot "$guest" "$vcpus" "$tier" out
    ((code == 2)) && continue # a build without this tier
    check "$guest with $vcpus vcpus halts (--tier $tier, exit code $code, $(cat out.err))" "$code"
    grep -q "Brought up 1 node, $vcpus CPUs" out
    check "$guest brings up $vcpus cpus: $(grep 'Brought up' out)" $?
    grep -qE "^ +$((2 * vcpus)) [0-9a-f]{64}" out
    check "all processes on $vcpus cpus compute the same: $(grep -E '^ +[0-9]+ [0-9a-f]{64}' out)" $?
    state="$(stat_of out.stats instructions) $(stat_of out.stats state_hash)"
    : "${first:=$state}"
    check "--tier $tier is the same run: $state, not $first" "$([[ $state == "$first" ]]; echo $?)"
  done
done <<'END'
debian-generic32 2 auto auto
debian-generic32 4 eval stencil auto
debian-generic64 8 auto stencil
debian-generic64 16 auto
END
finish
