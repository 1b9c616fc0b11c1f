#!/bin/bash
# criterion-tests/guest_net_4kc.sh: DHCP, pings, HTTP, a port forward and a subnet under Debian's 4kc kernel.
# SPDX-License-Identifier: Apache-2.0
guest=debian-4kc
# shellcheck source-path=SCRIPTDIR source=guest_net.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest_net.bash"
