#!/bin/bash
# criterion-tests/run_profile.sh: --profile on programs of a few instructions: exact counts, all formats, the same in
# every tier, and nothing of it shows in the run.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=runs.bash
source "$(dirname "${BASH_SOURCE[0]}")/runs.bash"

# start: sp; again: jal outer; nop; b again; nop. outer: a frame, jal leaf; leaf: counts to 8.
text='3c1d8020 0c040008 00000000 1000fffd 00000000 00000000 00000000 00000000
  27bdffe8 afbf0014 0c040010 00000000 8fbf0014 03e00008 27bd0018 00000000
  24080008 1500ffff 2508ffff 03e00008 00000000'
printf '80100000 T start\n80100020 T outer\n80100040 T leaf\n' >map
for order in little big; do
  # shellcheck disable=SC2086
  elf $order 32 $text >calls
  for tier in eval auto stencil; do
    run --kernel calls --symbols=map --until insns:1000000 --tier $tier --profile-every 1000 \
      --profile p.$tier.txt --profile p.$tier.folded --profile p.$tier.json --stats stats.$tier
    code=$?
    [[ $tier == stencil && $code == 2 ]] && grep -q 'left out of this build' err && continue
    check "$order, $tier: exit code 6, not $code: $(cat err)" $((code != 6))
    check "$order, $tier: a sample each 1000 instructions: $(sed -n 2p p.$tier.txt)" \
      "$(grep -q '^100000[01] instructions, a sample each 1000: 1000 samples' p.$tier.txt; echo $?)"
    check "$order, $tier: the stacks are those of eval" "$(cmp -s p.eval.folded p.$tier.folded; echo $?)"
    check "$order, $tier: so is the table" \
      "$(cmp -s <(sed -n '/^Hottest code/,/^Where/p' p.eval.txt) <(sed -n '/^Hottest code/,/^Where/p' p.$tier.txt); echo $?)"
  done
  sum=$(awk '{ n += $NF } END { print n }' p.eval.folded)
  check "$order: the folded stacks add up to all samples, not $sum" $((sum != 1000))
  check "$order: who called leaf is known: $(cat p.eval.folded)" "$(grep -q '^kernel;start;outer;leaf [0-9]*$' p.eval.folded; echo $?)"
  check "$order: and nothing else is on a stack" "$(! grep -qvE '^kernel;start(;outer(;leaf)?)? [0-9]+$' p.eval.folded; echo $?)"
  check "$order: everything is start's, with what it called" "$(grep -qE '^ *100.00% +1000 .* start$' p.eval.txt; echo $?)"
  shares=$(tr -d ' \n' <p.auto.json | sed 's/.*"tiers":{"eval":\([0-9.e-]*\),"stencil":\([0-9.e-]*\).*/\1 \2/')
  check "$order: the tiers' shares are shares: $shares" "$(awk '{ exit !($1 >= 0 && $2 >= 0 && $1 + $2 < 1.001) }' <<<"$shares"; echo $?)"
  check "$order: JSON says the same" "$(tr -d ' \n' <p.eval.json | grep -q '"samples":1000,'; echo $?)"
  run --kernel calls --until insns:1000000 --stats stats.plain
  check "$order: the run is the one without a profile" "$(same_run stats.plain stats.auto)"
done

# Without symbols, and without instructions.
run --kernel calls --until insns:1000000 --profile p.txt --profile-every 10000
check "pages stand in for symbols" "$(grep -qE 'kernel 0xffffffff80100000$' p.txt && grep -q '^no symbols' p.txt; echo $?)"
run --kernel calls --until insns:0 --profile p.txt --profile p.folded --profile p.json
check "no samples: $(cat err)" "$(grep -q ' 0 samples' p.txt && [[ ! -s p.folded ]]; echo $?)"
# A guest that stops by itself stops where it would have.
elf little 32 40806000 1000ffff 00000000 >spin
run --kernel spin --stats stats.plain
run --kernel spin --profile p.txt --profile-every 7 --stats stats.profile
check "a guest that halts does so at the same instruction" "$(same_run stats.plain stats.profile)"
: >target && ln -s target link
run --kernel calls --until insns:20000 --profile link
check "a link is written through" "$([[ -L link ]] && grep -q '^Hottest code' target; echo $?)"

finish
