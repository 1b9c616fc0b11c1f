#!/bin/bash
# criterion-tests/guest_debian_4kc.sh: Debian's unmodified 4kc kernel: shell, power-off, determinism, QEMU's console.
# SPDX-License-Identifier: Apache-2.0
guest=debian-4kc
# shellcheck source-path=SCRIPTDIR source=guest_debian.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest_debian.bash"
