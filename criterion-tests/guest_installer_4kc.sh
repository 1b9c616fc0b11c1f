#!/bin/bash
# criterion-tests/guest_installer_4kc.sh: Debian's unmodified 4kc installer reaches its first screen.
# SPDX-License-Identifier: Apache-2.0
guest=debian-installer-4kc
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
need_guest "$guest"
cd "$folder" || exit 1
"$program" run "$guest" --until 'console:Select a language' --timeout 600 >console 2>err </dev/null
code=$?
check "the first dialog is shown (exit code $code, expected 6; $(cat err))" $((code != 6))
finish
