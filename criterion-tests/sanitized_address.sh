#!/bin/bash
# criterion-tests/sanitized_address.sh: the whole suite again, guest boots included, under ASan and UBSan.
# SPDX-License-Identifier: Apache-2.0
preset=dev
# The installers are left to the plain build here, for time; ctest --test-dir build-dev runs them too.
exclude='^(sanitized_|guest_installer)'
# shellcheck source-path=SCRIPTDIR source=sanitized.bash
source "$(dirname "${BASH_SOURCE[0]}")/sanitized.bash"
