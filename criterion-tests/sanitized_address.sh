#!/bin/bash
# criterion-tests/sanitized_address.sh: the whole suite again, guest boots included, under ASan and UBSan.
# SPDX-License-Identifier: Apache-2.0
# The installers are left to the plain build: they take minutes here and add no code of ours.
preset=dev
exclude='^(sanitized_|guest_installer)'
# shellcheck source-path=SCRIPTDIR source=sanitized.bash
source "$(dirname "${BASH_SOURCE[0]}")/sanitized.bash"
