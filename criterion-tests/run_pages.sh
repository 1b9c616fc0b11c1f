#!/bin/bash
# criterion-tests/run_pages.sh: whole pages on a subnet: two machines of the library OS send them back and forth, and write.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
guests=${MB_BUILD:?}/guests
[[ -d $guests ]] || { echo "skipped: guests/build has not run (no cross compilers?)"; exit 77; }
cd "$folder" || exit 1

for target in mips32r2eb mips64r2el; do
  for name in asks answers; do
    echo "{ name = \"$name\"; kernel = \"$guests/$target/splash-exchange\"; board = \"disco\"; mem = \"32M\";"
    echo "  net = \"subnet=x\"; append = \"sends=$([[ $name == asks ]] && echo 1 || echo 0) rounds=5 pages=15\"; }"
  done | sed '1i vms = (' | sed '$a );' | sed 's/^  net\(.*sends=1.*\)/  net\1,/' >pair
  first=
  for tier in auto stencil eval; do
    "$program" run --machine pair --tier $tier --stats stats --timeout 600 --code-store none >out 2>err </dev/null
    code=$?
    ((code == 2)) && continue # a build without this tier
    [[ $code == 0 && $(grep -c '5 rounds of 15 pages: right' out) == 2 ]]
    held=$?
    check "$target, $tier: all pages are right (exit code $code): $(cat out err)" "$held"
    outcome=$(grep -E '"(instructions|state_hash)"' stats | tr -d ' \n')
    [[ $outcome == "${first:=$outcome}" ]]
    check "$target: the same runs: $first, with --tier $tier $outcome" $?
    for key in pages_sent pages_aligned pages_shared; do
      [[ $(grep -c "\"$key\": 75" stats) == 2 ]]
      held=$?
      check "$target, $tier: all are $key: $(grep pages_ stats | tr -d '\n')" "$held"
    done
  done
done
finish
