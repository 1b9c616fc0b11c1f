#!/bin/bash
# criterion-tests/cli_compare.sh: mirrorball compare on programs of a few instructions: exact counts, the same in every
# tier, both reports, bad input; on the project's own kernel where that has been built.
# SPDX-License-Identifier: Apache-2.0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=images.bash
source "$here/images.bash"
# shellcheck source-path=SCRIPTDIR source=check.bash
source "$here/check.bash"
cd "$folder" || exit 1
compare() {
  timeout 600 "$program" compare "$@" >out 2>err </dev/null
  local code=$?
  sed -i '/^mirrorball: compare: [0-9]* % /d' err # what it says while a slow host lets it wait
  return $code
}
bad() { # fragment words...
  local text=$1
  shift
  compare "$@"
  local code=$?
  check "compare $*: exit 2 and one line with \"$text\", not $code: $(cat err)" \
    "$([[ $code == 2 && $(wc -l <err) == 1 && ! -s out ]] && grep -qF -- "$text" err; echo $?)"
}
# The count of an event in a document: the name comes first in its object.
count() { tr -d '\n' <"$1" | grep -oE "\"name\": \"$2\",[^}]*" | grep -oE '"count": [0-9]+' | head -1 | tr -dc 0-9; }

# Ten times: mfc0 Status, a load and a store in kseg0, mtc0 EPC. Then power off: one store to a device.
text='2409000a 3c0a8020 40086000 8d480000 ad480004 40887000 2529ffff 1520fffa 00000000
  3c08bf00 3c0b4d42 ad0b0a00 1000ffff 00000000'
for order in little big; do
  # shellcheck disable=SC2086
  elf $order 32 $text >ten
  first=
  for tier in eval stencil llvm auto; do
    compare --modes bare,translate --repeat 1 --l2tlb 0,64 --json doc.json -- --kernel ten --tier $tier
    code=$?
    [[ $code == 2 ]] && grep -q 'left out of this build' err && continue
    check "$order, $tier: exit 0, not $code: $(cat err)" $code
    check "$order, $tier: it is the same run" "$(grep -q '"same": true' doc.json; echo $?)"
    for e in 'mfc0 Status' 'mtc0 EPC' 'kseg0 load' 'kseg0 store' 'moved base'; do
      check "$order, $tier: ten times $e, not $(count doc.json "$e")" $(($(count doc.json "$e") != 10))
    done
    check "$order, $tier: one device store" $(($(count doc.json 'device store') != 1))
    grep -v -e '"median"' -e '"m[ia][nx]"' -e ratio -e '"when"' -e '^ *[0-9.e-]*$' doc.json >doc
    : "${first:=$(cat doc)}"
    check "$order, $tier: all that is counted is the same in each tier" "$([[ $first == "$(cat doc)" ]]; echo $?)"
  done
done
check "the text has the table of events" "$(grep -qE '^mfc0 Status +10 ' out; echo $?)"
check "... bars for both sizes and modes" $(($(grep -cE '^l2tlb (0|64) +(bare|translate) ' out) != 12))

# Cycles of one's own.
printf '{"mfc0 Status": {"translate": 1000}}' >costs
compare --modes translate --repeat 1 --costs costs --json doc.json -- --kernel ten
check "costs can be given: $(cat err)" "$(grep -qE '^mfc0 Status +10 .* 1e\+03 ' out; echo $?)"

# The page.
if [[ -r /usr/share/javascript/chart.js/chart.min.js || -r /usr/share/javascript/chart.js/Chart.min.js ]]; then
  compare --modes bare,translate --repeat 1 --html page.html -- --kernel ten
  code=$?
  check "a page is written: $(cat err)" $code
  check "it is whole, and fetches nothing" \
    "$(tail -1 page.html | grep -q '</html>' && ! grep -qE '(src|href)=.https?:' page.html; echo $?)"
else
  bad 'libjs-chart.js' --html page.html -- --kernel ten
fi

# What a run complains about is what is told; a run that does not end well is no comparison.
bad 'no guest is called "debian-4k"' debian-4k
bad 'what? Name a guest'
bad '"quick" is none of bare, trap, translate' --modes bare,quick own-mips32el
bad '"7" is neither 0 nor a power of two' --l2tlb 7 own-mips32el
bad '0 is there twice' --l2tlb 0,0 own-mips32el
bad 'not a number from 1 to' --repeat 0 own-mips32el
bad 'runs no command' --workload ls debian-installer-4kc
bad 'runs no command' --workload ls -- --kernel ten
bad 'quotation marks' --workload 'echo "a"' debian-4kc
bad 'cannot be read' --costs nothing own-mips32el
printf '{"mfc0 Statis": {"trap": 1}}' >costs
bad 'there is no event "mfc0 Statis"' --costs costs own-mips32el
printf '{"mfc0 Status": 3}' >costs
bad 'wants {"trap": CYCLES' --costs costs own-mips32el
bad 'cannot be written' --json no/such/folder -- --kernel ten
bad 'kernel nothing' -- --kernel nothing
bad 'no/such' --from no/such
bad 'are the checkpoint' --from no/such --workload ls
bad 'are the checkpoint' --from no/such --l2tlb 64
bad 'are the checkpoint' --from no/such own-mips32el
bad 'one guest at a time' own-mips32el own-mips32eb
elf little 32 40806000 1000ffff 00000000 >spin
compare --modes bare --repeat 1 -- --kernel spin
code=$?
check "a run that is stuck: exit 1, not $code: $(cat err)" "$([[ $code == 1 ]] && grep -q 'exit code 4' err; echo $?)"
compare --help
check "--help teaches" "$(grep -q 'Try it' out; echo $?)"

# What is counted is what traps: two mechanisms that know nothing of each other.
traps_agree() { # document: privileged instructions, device accesses, and exceptions but interrupts
  python3 - "$1" <<'EOF'
import json, sys
for s in json.load(open(sys.argv[1]))["settings"]:
    traps = next(m for m in s["modes"] if m["mode"] == "trap")["traps"]
    count = lambda *groups: sum(e["count"] for e in s["events"] if e["group"] in groups
                                and e["name"] not in ("interrupt", "TLB refill, second level"))
    pairs = [(count("privileged", "tlb-write"), traps["privileged"]["count"]),
             (count("device"), traps["device"]["count"]),
             (count("reflected", "refill"), traps["reflected"]["count"] + traps["forwarded"]["count"])]
    print(pairs)
    sys.exit(any(a != b for a, b in pairs))
EOF
}
compare --repeat 1 --json doc.json -- --kernel ten
code=$?
check "all three modes: $(cat err)" $code
if command -v python3 >/dev/null; then
  said=$(traps_agree doc.json)
  code=$?
  check "as many traps as events: $said" "$code"
fi

guests=${MB_BUILD:?}/guests
if [[ -x $guests/mips32r2el/kernel ]]; then
  compare own-mips32el --workload 'private' --repeat 1 --json own.json
  code=$?
  check "the own kernel: $(cat err)" $code
  check "it is the same run" "$(grep -q '"same": true' own.json; echo $?)"
  # From a checkpoint: what was before is not compared.
  "$program" checkpoint half.mb own-mips32el --append run=exit --at insns:200000 >out 2>err </dev/null
  code=$?
  check "a checkpoint: $(cat err)" $code
  compare --from half.mb --modes bare,translate --repeat 1 --json half.json
  code=$?
  check "from a checkpoint: $(cat err)" $code
  if command -v python3 >/dev/null; then
    said=$(python3 -c 'import json; s = json.load(open("half.json"))["settings"][0]
print(s["instructions"] - sum(s["cycles"].values()), s["l2tlb"])')
    check "200001 instructions are not compared, and l2tlb is known: $said" "$([[ $said == '200001.0 1024' ]]; echo $?)"
  fi
  for service in 'page fault, zeroed' 'TLB refill' 'kernel threads, boot' 'system call [0-9]*'; do
    check "its services have $service" "$(grep -qE "\"name\": \"$service\"" own.json; echo $?)"
  done
  if command -v python3 >/dev/null; then
    said=$(traps_agree own.json)
    code=$?
    check "as many traps as events in the own kernel: $said" "$code"
  fi
fi
finish
