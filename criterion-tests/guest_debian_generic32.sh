#!/bin/bash
# criterion-tests/guest_debian_generic32.sh: Debian's unmodified 32-bit kernel for any board, on disco: shell, halt, determinism.
# SPDX-License-Identifier: Apache-2.0
guest=debian-generic32
# shellcheck source-path=SCRIPTDIR source=guest_debian.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest_debian.bash"
