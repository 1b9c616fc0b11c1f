#!/bin/bash
# criterion-tests/guest_replay.sh: a Debian guest that talks to this host through NAT, recorded; and replayed when nobody is
# there to answer.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
need_guest debian-4kc
cd "$folder" || exit 1
serve_big 1M
fetch="udhcpc -n -q >/dev/null; wget -q -O big http://10.0.2.2:$port/big; sha256sum big; exit\n"

{ sleep 1; printf '%b' "$fetch"; } | timeout 600 "$program" run debian-4kc --net nat --rtc host --record it.mbr \
  --stats stats --code-store store >console 2>err
code=${PIPESTATUS[1]}
grep -q "^$big" console
held=$?
check "fetched and recorded: exit $code, $(cat err): $(tail -3 console)" $held
kill $server
(($(stat_of stats frames_from_outside) > 10))
check "it came from outside" $?
for tier in auto stencil; do
  timeout 600 "$program" run --replay it.mbr --tier $tier --stats again --code-store store </dev/null >again.console 2>err
  code=$?
  ((code == 0)) && cmp -s console again.console && [[ $(stat_of again state_hash) == "$(stat_of stats state_hash)" &&
    $(stat_of again instructions) == "$(stat_of stats instructions)" &&
    $(stat_of again frames_from_outside) == "$(stat_of stats frames_from_outside)" ]]
  held=$?
  check "replayed, $tier: exit $code, $(stat_of again instructions) of $(stat_of stats instructions): $(cat err)" $held
  [[ ${MB_QUICK-} ]] && break
done
finish
