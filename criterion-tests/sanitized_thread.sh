#!/bin/bash
# criterion-tests/sanitized_thread.sh: the script tests, the own kernel's boot among them, again under TSan.
# SPDX-License-Identifier: Apache-2.0
preset=tsan
exclude='^(sanitized_|guest_|test_|oracle_|run_modes|run_hostile)' # Criterion aborts under TSan; Debian's boots are the plain build's
# shellcheck source-path=SCRIPTDIR source=sanitized.bash
source "$(dirname "${BASH_SOURCE[0]}")/sanitized.bash"
