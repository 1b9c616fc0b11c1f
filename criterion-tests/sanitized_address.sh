#!/bin/bash
# criterion-tests/sanitized_address.sh: the whole suite again, guest boots included, under ASan and UBSan.
# SPDX-License-Identifier: Apache-2.0
preset=dev
exclude='^sanitized_'
# shellcheck source-path=SCRIPTDIR source=sanitized.bash
source "$(dirname "${BASH_SOURCE[0]}")/sanitized.bash"
