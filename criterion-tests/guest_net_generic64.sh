#!/bin/bash
# criterion-tests/guest_net_generic64.sh: DHCP, pings, HTTP, a port forward and a subnet under Debian's 64-bit generic kernel.
# SPDX-License-Identifier: Apache-2.0
guest=debian-generic64
# shellcheck source-path=SCRIPTDIR source=guest_net.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest_net.bash"
