#!/bin/bash
# criterion-tests/guest_debian_5kc.sh: Debian's unmodified 5kc kernel: shell, power-off, determinism, QEMU's console.
# SPDX-License-Identifier: Apache-2.0
guest=debian-5kc
# shellcheck source-path=SCRIPTDIR source=guest_debian.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest_debian.bash"
