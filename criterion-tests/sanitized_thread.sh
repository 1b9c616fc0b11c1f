#!/bin/bash
# criterion-tests/sanitized_thread.sh: unit and script tests again under TSan.
# SPDX-License-Identifier: Apache-2.0
preset=tsan
exclude='^(sanitized_|guest_|test_oracle)' # one thread each: long, and nothing to race with
# shellcheck source-path=SCRIPTDIR source=sanitized.bash
source "$(dirname "${BASH_SOURCE[0]}")/sanitized.bash"
