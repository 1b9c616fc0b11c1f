# criterion-tests/check.bash: shared by the scripts that check things one by one: a folder, counting, the verdict.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced. Sets `folder` (removed at the end) and `program`. Exit code 77 tells ctest that a test was skipped.
set -u
program=${MIRRORBALL:?the program to test}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failed=0 ran=0

# With a $(...) in the message take the result before (held=$?): $? would be that of the $(...).
check() { # what condition-result
  ran=$((ran + 1))
  (($2 == 0)) && return
  failed=$((failed + 1))
  echo "FAILED: $1"
}

# wait_for PID COMMAND...: until the command succeeds, or the process has ended.
wait_for() {
  local pid=$1
  shift
  until "$@" 2>/dev/null; do
    kill -0 "$pid" 2>/dev/null || return
    sleep 0.1
  done
}

# finish: the verdict as exit code, with a line for people.
finish() {
  echo "$((ran - failed)) checks passed, $failed failed"
  exit $((failed != 0))
}
