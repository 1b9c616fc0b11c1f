#!/bin/bash
# criterion-tests/page_report.sh: the pages of mirrorball report, compare and of profiles in headless Chromium: they draw, without errors,
# and answer to hovering, wheel, keys and clicks. MB_PICTURES=FOLDER keeps what they look like.
# SPDX-License-Identifier: Apache-2.0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=images.bash
source "$here/images.bash"
# shellcheck source-path=SCRIPTDIR source=check.bash
source "$here/check.bash"
modules=${MB_BUILD:?}/page
lacking=
for what in chromium node python3; do command -v "$what" >/dev/null || lacking+=" $what"; done
[[ -d $modules/node_modules/playwright-core ]] || lacking+=" playwright-core (criterion-tests/run fetches it)"
if [[ $lacking ]]; then
  echo "skipped, as these are missing:$lacking"
  exit 77
fi
cd "$folder" || exit 1
pictures=${MB_PICTURES:-$folder}

# A loop, then power off; run by an experiment of two, and compared in two modes.
elf little 32 240903e8 00000000 2529ffff 1520fffd 00000000 3c08bf00 3c0b4d42 ad0b0a00 1000ffff 00000000 >loop
cat >loops.experiment <<'EOT'
name = "loops"; title = "Loops";
all = { kernel = "loop"; mem = "16M"; };
workloads = ( { name = "fast"; }, { name = "slow"; mhz = 50; } );
EOT
"$program" numa loops.experiment --html loops.html >out 2>err </dev/null
held=$?
check "numa --html: $(cat err)" $held
"$program" compare --modes bare,translate --repeat 1 --html compare.html -- --kernel loop >out 2>err </dev/null
held=$?
check "compare --html: $(cat err)" $held

# What a modelled machine tells, page log and all, in results made up for the purpose.
cp loops.db made.db
python3 "$here/page/results.py" made.db
held=$?
check "results are made up" $held
"$program" report made.db --experiment 'made up' --html report.html >out 2>err </dev/null
held=$?
check "report --html: $(cat err)" $held

# A function that calls another, which calls a third, by exact counts and by samples.
elf little 32 3c1d8020 0c040008 00000000 1000fffd 00000000 00000000 00000000 00000000 \
  27bdffe8 afbf0014 0c040010 00000000 8fbf0014 03e00008 27bd0018 00000000 \
  24080008 1500ffff 2508ffff 03e00008 00000000 >calls
printf '80100000 T start\n80100020 T outer\n80100040 T leaf\n' >map
"$program" run --kernel calls --symbols=map --until insns:100000 --profile-exact exact.html --profile sampled.html \
  --profile-every 997 >out 2>err </dev/null
held=$?
check "run --profile-exact FILE.html: $(cat err)" $((held != 6))

said=$(timeout 300 node "$here/page/look.mjs" "$modules" "$(command -v chromium)" "$pictures" \
  report.html report loops.html table compare.html compare exact.html flame sampled.html sampled 2>&1)
held=$?
check "in Chromium: $said" $held
finish
