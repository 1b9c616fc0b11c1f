#!/bin/bash
# criterion-tests/guest_checkpoints.sh: each of Debian's kernels saved at random instructions goes on, in another tier and mode,
# as the run that was not stopped. run_checkpoints.sh does the same with small guests, many times.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
cd "$folder" || exit 1
RANDOM=12 # a seed
append='console=ttyS0 mb.run="ls -lR /proc/sys >/dev/null & find / -xdev | sha256sum; wait; echo done"'
outcome() {
  echo "$(stat_of stats instructions) instructions, state $(stat_of stats state_hash), console $(stat_of stats console_digest)"
}
goes() { timeout 900 "$program" "$@" --code-store store </dev/null >out 2>err; }

while read -r guest vcpus ways; do
  need_guest "$guest"
  goes run "$guest" --vcpus "$vcpus" --append "$append" --boot-store none --stats stats
  code=$? whole=$(outcome) total=$(stat_of stats instructions)
  check "$guest ends: exit code $code, $(cat err)" $code
  for way in ${ways//,/ }; do
    at=$((RANDOM * 32768 + RANDOM))
    at=$((total / 10 + at % (total * 8 / 10)))
    goes checkpoint half.mb "$guest" --vcpus "$vcpus" --append "$append" --at "insns:$at"
    held=$?
    check "$guest is saved at $at: $(cat err)" $held
    goes run --from half.mb --tier "${way%/*}" --mode "${way#*/}" --stats stats
    code=$?
    [[ $code == 0 && $(outcome) == "$whole" ]]
    held=$?
    check "$guest, saved at $at, goes on ($way): exit code $code, $(outcome), not $whole: $(cat err)" $held
  done
done <<'GUESTS'
debian-4kc 1 eval/translate,stencil/trap
debian-5kc 1 auto/bare,stencil/translate
debian-generic32 2 stencil/translate,eval/bare
debian-generic64 3 auto/translate,stencil/bare
GUESTS
finish
