#!/bin/bash
# criterion-tests/guest_debian_smp.sh: Debian's generic kernels with 2 to 16 vcpus: all come up and work, each tier the same.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
cd "$folder" || exit 1

# Twice as many processes as vcpus, which compute, fork and exit; then all of it comes to an end.
work='seq $((2*$(nproc))) | xargs -P 99 -n 1 sh -c '\''sha256sum </bin/busybox; for i in 1 2 3 4; do /bin/true; done'\'' | uniq -c'

boot() { # GUEST VCPUS TIER OUT OPTIONS
  "$program" run "$1" --vcpus "$2" --tier "$3" "${@:5}" --timeout 600 --type '# =>'"$work"'; grep IPI /proc/interrupts\n' \
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
    code=$?
    check "$guest brings up $vcpus cpus: $(grep 'Brought up' out)" "$code"
    grep -qE "^ +$((2 * vcpus)) [0-9a-f]{64}" out
    code=$?
    check "all processes on $vcpus cpus compute the same: $(grep -E '^ +[0-9]+ [0-9a-f]{64}' out)" "$code"
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

# At the same time, on threads of the host: no two runs are alike, but each is right.
while read -r guest vcpus tier; do
  boot "$guest" "$vcpus" "$tier" out --parallel
  check "$guest with $vcpus vcpus in parallel halts (--tier $tier, exit code $code, $(cat out.err))" "$code"
  grep -qE "^ +$((2 * vcpus)) [0-9a-f]{64}" out
  code=$?
  check "all processes on $vcpus parallel cpus compute the same: $(grep -E '^ +[0-9]+ [0-9a-f]{64}' out)" "$code"
  ! grep -qE 'rcu:.*stall|soft lockup|BUG:|Oops|WARNING:' out
  code=$?
  check "its kernel has nothing to complain about: $(grep -E 'stall|lockup|BUG|Oops|WARNING' out)" "$code"
done <<'END'
debian-generic32 2 auto
debian-generic32 4 stencil
debian-generic64 8 auto
END
finish
