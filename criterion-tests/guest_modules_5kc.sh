#!/bin/bash
# criterion-tests/guest_modules_5kc.sh: names and lines of the modules of Debian's 5kc kernel.
# SPDX-License-Identifier: Apache-2.0
guest=debian-5kc
# shellcheck source-path=SCRIPTDIR source=guest_modules.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest_modules.bash"
