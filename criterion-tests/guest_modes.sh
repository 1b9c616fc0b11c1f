#!/bin/bash
# criterion-tests/guest_modes.sh: Debian's kernels bare, translated and by traps: the same run, and how long each takes.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
need_guest debian-4kc
need_guest debian-generic32
cd "$folder" || exit 1
session=(--type '# =>uname -m; ls /proc/self/exe\n' --type 'exe\r\n=>exit\n' --timeout 600 --code-store none)

# modes GUEST OPTION...: a boot to a shell and back in each mode.
modes() {
  local guest=$1 mode
  shift
  for mode in bare translate trap; do
    "$program" run "$guest" "$@" "${session[@]}" --mode $mode --stats "stats.$mode" >"console.$mode" 2>err </dev/null
    code=$?
    check "$guest $* ends well by $mode: $code, $(cat err)" $code
    for key in instructions state_hash console_digest; do
      [[ $(stat_of "stats.$mode" $key) == "$(stat_of stats.bare $key)" ]]
      check "$guest $* by $mode has the $key of bare" $?
    done
    echo "$guest $* by $mode: $(stat_of "stats.$mode" wall_seconds) s"
  done
  for kind in privileged kseg0 mapped device reflected; do
    traps=$(sed -n "/\"$kind\": {/,/}/p" stats.trap)
    check "$guest $*: $kind traps: $traps" "$([[ $traps == *'"count": '[1-9]* ]]; echo $?)"
  done
}

modes debian-4kc
modes debian-generic32 --vcpus 2
finish
