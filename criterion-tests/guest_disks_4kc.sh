#!/bin/bash
# criterion-tests/guest_disks_4kc.sh: ext4 on virtio and IDE disks under Debian's 4kc kernel: cow, ro, persist.
# SPDX-License-Identifier: Apache-2.0
guest=debian-4kc
# shellcheck source-path=SCRIPTDIR source=guest_disks.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest_disks.bash"
