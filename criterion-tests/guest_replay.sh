#!/bin/bash
# criterion-tests/guest_replay.sh: a Debian guest that talks to this host through NAT, recorded; and replayed when nobody is
# there to answer.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
need_guest debian-4kc
command -v python3 >/dev/null || { echo "skipped: python3, which serves HTTP, is not installed"; exit 77; }
cd "$folder" || exit 1

head -c 1M /dev/urandom >big
big=$(sha256sum <big) big=${big%% *}
python3 - >port 2>/dev/null <<'P' &
import http.server
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
print(s.server_port, flush=True)
s.serve_forever()
P
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$folder"' EXIT
until [[ -s port ]]; do sleep 0.05; done
fetch="udhcpc -n -q >/dev/null; wget -q -O big http://10.0.2.2:$(<port)/big; sha256sum big; exit\n"

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
