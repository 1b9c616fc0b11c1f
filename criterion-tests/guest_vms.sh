#!/bin/bash
# criterion-tests/guest_vms.sh: three of Debian's kernels side by side: each the run it is alone; one panics, the others go on.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
cd "$folder" || exit 1
for guest in debian-4kc debian-5kc debian-generic32; do need_guest $guest; done

work='seq 4 | xargs -P 4 -n 1 sh -c '\''sha256sum </bin/busybox'\'' | uniq -c'
vms=("a debian-4kc" "b debian-5kc" "c debian-generic32")
a=(--type "# =>$work\\n" --type '# =>exit\n')
b=(--append 'console=ttyS0 panic=1' --type '# =>echo c >/proc/sysrq-trigger\n')
c=(--vcpus 2 --type "# =>$work; nproc\\n" --type '# =>exit\n')

state() { awk -F'[:,] *' -v name="$2" '/"name"/ {own = $2 == "\"" name "\""} (own || name == "") &&
  /"(instructions|console_digest|state_hash)"/ {print $2}' "$1" | tail -3 | tr -d '"\n'; }

# Each alone, and as a VM of a machine file, by way of what --print-machine makes of it.
echo 'vms = (' >three
for vm in "${vms[@]}"; do
  read -r name guest <<<"$vm"
  declare -n options=$name
  want=$([[ $name == b ]] && echo 3 || echo 0)
  "$program" run "$guest" "${options[@]}" --stats "alone.$name" --timeout 600 --code-store none \
    >"alone.$name.out" 2>err </dev/null
  code=$?
  check "$guest alone ends with $code: $(cat err)" $((code != want))
  [[ $name == a ]] || echo ','
  "$program" run "$guest" "${options[@]}" --print-machine |
    sed -n '/^vms = (/,/^);/p' | sed '1d; $d' | sed "s/^    name = .*/    name = \"$name\";/"
done >>three
echo ');' >>three

for tier in auto stencil; do
  "$program" run --machine three --tier $tier --stats stats --timeout 600 --code-store none >out 2>err </dev/null
  code=$?
  ((code == 2)) && [[ $tier == stencil ]] && continue # a build without this tier
  check "the exit code is that of the one that panicked: $code, $(cat err)" $((code != 3))
  check "it alone is told of: $(cat err)" "$([[ $(wc -l <err) == 1 && $(cat err) == *' b: guest asked for a reset'* ]]; echo $?)"
  for name in a b c; do
    alone=$(state "alone.$name" '') together=$(state stats $name)
    check "--tier $tier: $name is the run it is alone: $together, not $alone" \
      "$([[ ${#alone} -gt 30 && $alone == "$together" ]]; echo $?)"
  done
  [[ ${MB_QUICK-} ]] && break
done
grep -q 'Kernel panic - not syncing: sysrq triggered crash' alone.b.out
check "b did panic" $?
grep -qE '^ +4 [0-9a-f]{64}' alone.a.out && grep -qE '^ +4 [0-9a-f]{64}' alone.c.out
check "a and c did work" $?

# Two on one subnet, which hear from each other: the same pair of runs in each tier.
cat >pair <<'END'
vms = (
  { name = "a"; guest = "debian-4kc"; net = "subnet=x";
    type = ["# =>ip addr add 10.9.0.1/24 dev eth0; ip link set eth0 up; nc -l -p 7 | sha256sum; echo do''ne\\n",
            "done\r\n=>exit\\n"]; },
  { name = "b"; guest = "debian-5kc"; net = "subnet=x";
    type = ["# =>ip addr add 10.9.0.2/24 dev eth0; ip link set eth0 up; sleep 20; ping -c 3 10.9.0.1\\n",
            "packet loss=>seq 100000 | tee f | nc 10.9.0.1 7; sha256sum <f; echo do''ne\\n", "done\r\n=>exit\\n"]; }
);
END
first=
for tier in auto stencil; do
  "$program" run --machine pair --tier $tier --stats stats --timeout 600 --code-store none >out 2>err </dev/null
  code=$?
  ((code == 2)) && continue
  check "both power off: $code, $(cat err)" "$code"
  outcome="$(state stats a) and $(state stats b)"
  check "--tier $tier is the same pair of runs: $outcome, not ${first:=$outcome}" "$([[ $outcome == "$first" ]]; echo $?)"
  [[ ${MB_QUICK-} ]] && break
done
grep -q '^b| 3 packets transmitted, 3 packets received' out
held=$?
check "a answers b: $(grep packets out)" "$held"
sums=$(grep -oE '^[ab]\| [0-9a-f]{64}' out | cut -c4- | sort | uniq -c)
check "what b sends arrives at a: $sums" "$([[ $sums =~ ^\ +2\ [0-9a-f]{64}$ ]]; echo $?)"
finish
