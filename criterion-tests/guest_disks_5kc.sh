#!/bin/bash
# criterion-tests/guest_disks_5kc.sh: ext4 on virtio and IDE disks under Debian's 5kc kernel: cow, ro, persist.
# SPDX-License-Identifier: Apache-2.0
guest=debian-5kc
# shellcheck source-path=SCRIPTDIR source=guest_disks.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest_disks.bash"
