# criterion-tests/guest_net.bash: networks under one of Debian's kernels, over each card its board has; sourced with `guest` set.
# DHCP and pings, the same run in every tier; HTTP from this host and to the guest through a port forward; a subnet.
# With $MB_QUICK one card is all.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
need_guest "${guest:?}"
cd "$folder" || exit 1
serve_big 20M

session() { # tier commands options...: into console.TIER, err.TIER and stats.TIER
  local tier=$1 commands=$2
  shift 2
  "$program" run "$guest" "$@" --tier "$tier" --stats "stats.$tier" --timeout 600 --code-store store \
    --append "console=ttyS0 mb.run=\"${commands//$'\n'/ }\"" >"console.$tier" 2>"err.$tier" </dev/null
}

# Nobody but libslirp answers: nothing may differ.
local_talk='udhcpc -n -q; ip addr show eth0; ping -c 3 10.0.2.2; ping -c 1 -W 2 10.0.2.99; cat /etc/resolv.conf'
transfer="udhcpc -n -q >/dev/null; wget -q -O big http://10.0.2.2:$port/big && sha256sum big;
wget -q -O - http://10.0.2.2:1/ || echo refused"
serve='udhcpc -n -q >/dev/null; head -c 300000 /dev/urandom >given; sha256sum given; echo serving;
nc -l -p 8080 <given; nc -l -p 8080 | sha256sum'

[[ ${MB_QUICK-} ]] && cards=(virtio)
for card in "${cards[@]}"; do
  first=
  for tier in auto stencil eval; do
    session $tier "$local_talk" --net "nat,$card"
    code=$?
    ((code == 2)) && continue # a build without this tier
    check "$card, $tier: $guest powers off (exit code $code, $(cat "err.$tier"))" "$code"
    grep -q '3 packets received' "console.$tier" && grep -q 'inet 10.0.2.15/24' "console.$tier" &&
      grep -q '1 packets transmitted, 0 packets received' "console.$tier" && grep -q '10.0.2.3' "console.$tier"
    result=$?
    check "$card, $tier: an address, pings, a name server: $(tail -20 "console.$tier")" $result
    outcome="$(stat_of "stats.$tier" instructions) instructions, state $(stat_of "stats.$tier" state_hash)"
    [[ $outcome == "${first:=$outcome}" && $(stat_of "stats.$tier" frames_from_outside) == 0 ]]
    check "$card: the same run: $first, with --tier $tier $outcome" $?
    [[ ${MB_QUICK-} ]] && break
  done
  [[ $(grep -c 'may differ in each run' err.auto) == 1 && $(wc -l <err.auto) == 1 ]]
  held=$?
  check "$card: it is said once that runs may differ: $(cat err.auto)" "$held"

  session auto "$transfer" --net "nat,$card"
  code=$?
  grep -q "^$big" console.auto && grep -q '^refused' console.auto
  result=$?
  check "$card: 20 MB over HTTP (exit code $code, $(cat err.auto)): $(tail -4 console.auto)" $result
  (($(stat_of stats.auto frames_from_outside) > 100))
  check "$card: they came from outside" $?

  # Somebody on this host comes in, twice: to fetch, and to bring. Nothing else wakes the guest meanwhile.
  free=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  session auto "$serve" --net "nat,$card,restrict,forward=tcp:$free:8080" &
  pid=$!
  wait_for $pid grep -q '^serving' console.auto
  fetched=$(timeout 600 cat <"/dev/tcp/127.0.0.1/$free" | sha256sum)
  given=$(sed -n 's/^\([0-9a-f]*\)  given.*/\1/p' console.auto)
  [[ -n $given && ${fetched%% *} == "$given" ]]
  check "$card: fetched through a port forward: $fetched, the guest gave $given" $?
  sleep 0.5 # until the guest listens again
  timeout 600 bash -c "cat big >/dev/tcp/127.0.0.1/$free"
  wait $pid
  code=$?
  grep -q "^$big" console.auto
  result=$?
  check "$card: 20 MB brought through it (exit code $code, $(cat err.auto)): $(tail -4 console.auto)" $result
  [[ ${MB_QUICK-} ]] && finish
done

# Two cards of one machine on one subnet, the second in a network namespace of its own; packets of 60000 bytes go as one
# frame between those that agree on it. It is as deterministic as anything inside.
# shellcheck disable=SC2016 # the guest's shell is to expand it
subnet='set -- /sys/bus/virtio/drivers/virtio_net/*/net/*; a=${1##*/} b=${2##*/};
unshare -n sleep 1000 & p=$!; far() { nsenter -t $p -n $*; }; sleep 1; ip link set $b netns $p;
ip addr add 10.9.0.1/24 dev $a; ip link set $a up mtu 65535;
far ip addr add 10.9.0.2/24 dev $b; far ip link set $b up mtu 65535; ping -c 3 -s 60000 10.9.0.2'
first= others=()
[[ " ${cards[*]} " == *' pcnet '* ]] && others=(--net subnet=b,pcnet)
for tier in auto eval; do
  session $tier "$subnet" --net subnet=a --net subnet=a "${others[@]}"
  code=$?
  ((code == 2)) && continue
  check "subnet, $tier: $guest powers off (exit code $code, $(cat "err.$tier"))" "$code"
  outcome="$(stat_of "stats.$tier" instructions) instructions, state $(stat_of "stats.$tier" state_hash)"
  [[ $outcome == "${first:=$outcome}" && ! -s err.$tier ]]
  held=$?
  check "subnet: the same run: $first, with --tier $tier $outcome $(cat err.$tier)" "$held"
done
grep -q '3 packets received' console.auto && (($(stat_of stats.auto frames_sent) < 20))
held=$?
check "subnet: large packets in few frames ($(stat_of stats.auto frames_sent)): $(tail -4 console.auto)" "$held"
finish
