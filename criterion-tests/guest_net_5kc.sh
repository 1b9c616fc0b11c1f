#!/bin/bash
# criterion-tests/guest_net_5kc.sh: DHCP, pings, HTTP, a port forward and a subnet under Debian's 5kc kernel.
# SPDX-License-Identifier: Apache-2.0
guest=debian-5kc
# shellcheck source-path=SCRIPTDIR source=guest_net.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest_net.bash"
