# criterion-tests/runs.bash: shared by the tests of what watches a run: small images, a run, the same run.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash source-path=SCRIPTDIR
# Sourced; leaves the shell in the test's own folder.
# shellcheck source=images.bash
source "$(dirname "${BASH_SOURCE[0]}")/images.bash"
# shellcheck source=check.bash
source "$(dirname "${BASH_SOURCE[0]}")/check.bash"
cd "$folder" || exit 1
same_run() { cmp -s <(grep -e state_hash -e '"instructions' "$1") <(grep -e state_hash -e '"instructions' "$2"); echo $?; }
run() { timeout 600 "$program" run "$@" >out 2>err </dev/null; }
has_tier() { [[ $code != 2 ]] || ! grep -q 'left out of this build' err; }
