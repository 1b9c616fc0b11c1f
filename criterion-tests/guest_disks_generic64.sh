#!/bin/bash
# criterion-tests/guest_disks_generic64.sh: ext4 on virtio disks under Debian's 64-bit generic kernel: cow, ro, persist.
# SPDX-License-Identifier: Apache-2.0
guest=debian-generic64
# shellcheck source-path=SCRIPTDIR source=guest_disks.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest_disks.bash"
