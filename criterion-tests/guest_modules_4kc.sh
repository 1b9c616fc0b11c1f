#!/bin/bash
# criterion-tests/guest_modules_4kc.sh: names and lines of the modules of Debian's 4kc kernel.
# SPDX-License-Identifier: Apache-2.0
guest=debian-4kc
# shellcheck source-path=SCRIPTDIR source=guest_modules.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest_modules.bash"
