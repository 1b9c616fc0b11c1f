#!/bin/bash
# criterion-tests/guest_linux_bugs.sh: Debian's linux-source, built for the malta, passes the suite; with each seeded bug it fails.
# SPDX-License-Identifier: Apache-2.0
# The sources and what is built stay in the build folder: minutes the first time, little when nothing has changed.
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
need_guest debian-4kc
for tool in flex bison bc make patch xz mipsel-linux-gnu-gcc; do
  command -v $tool >/dev/null || { echo "skipped: $tool is not installed (.ci/packages has the group linux)"; exit 77; }
done
"${MB_SOURCE:?}/guests/suites/seeded/linux/run" "${MB_BUILD:?}/linux" >"$folder/out" 2>&1
code=$?
cat "$folder/out"
((code == 77)) && { echo "skipped: Debian's sources of Linux cannot be fetched"; exit 77; }
check "the sound kernel is good and each bug is caught, not exit $code" $code
# Each for its reason, not for any.
for text in 'the command did not end' 'step .*: run /root/naps' 'inconsistent lock state'; do
  grep -qE -- "$text" "$folder/out"
  held=$?
  check "it is told: $text" $held
done
finish
