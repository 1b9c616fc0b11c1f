#!/bin/bash
# criterion-tests/run_coverage.sh: --coverage on programs of a few instructions: exact counts by function and by line, the
# same in every tier; nothing of it shows in the run; damaged debug information is one line.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=runs.bash
source "$(dirname "${BASH_SOURCE[0]}")/runs.bash"

# start: sp; again: jal outer; nop; b again; nop. outer: a frame, jal leaf; leaf: counts to 8; never: is not run.
text='3c1d8020 0c040008 00000000 1000fffd 00000000 00000000 00000000 00000000
  27bdffe8 afbf0014 0c040010 00000000 8fbf0014 03e00008 27bd0018 00000000
  24080008 1500ffff 2508ffff 03e00008 00000000 03e00008 00000000'
printf '80100000 T start\n80100020 T outer\n80100040 T leaf\n80100054 T never\n' >map
for order in little big; do
  # shellcheck disable=SC2086
  elf $order 32 $text >calls
  # 1 + 100 rounds of 4, 7 and 21 instructions; leaf's loop goes round 9 times
  for tier in eval auto stencil; do
    run --kernel calls --symbols=map --until insns:3201 --tier $tier --coverage c.$tier.txt --coverage c.$tier.json --stats stats.$tier
    code=$?
    has_tier || continue
    check "$order, $tier: exit code 6, not $code: $(cat err)" $((code != 6))
    cmp -s c.eval.txt c.$tier.txt && cmp -s c.eval.json c.$tier.json
    held=$?
    check "$order, $tier: the counts are those of eval" $held
  done
  run --kernel calls --symbols=map --until insns:3201 --stats stats.plain
  check "$order: the run is the one without counting" "$(same_run stats.plain stats.auto)"
  rows=$(sed -n '4,$s/  */ /gp' c.eval.txt)
  want=' 65.60% 2100 100 5 5 leaf
 21.87% 700 100 7 8 outer
 12.53% 401 1 5 8 start'
  check "$order: by function: $rows" "$([[ $rows == "$want" ]]; echo $?)"
  json=$(tr -d ' \n' <c.eval.json)
  check "$order: as JSON: $json" "$(grep -q '"instructions":3201,.*"name":"outer","address":"0xffffffff80100020","instructions":700,"executed":7,"size":8,"entered":100}' <<<"$json"; echo $?)"
done
run --kernel calls --until insns:3201 --coverage c.txt
check "pages stand in for symbols" "$(grep -qE ' 3201 .* kernel 0xffffffff80100000$' c.txt; echo $?)"
run --kernel calls --until insns:3201 --coverage c.info
code=$?
check "a kernel without DWARF is refused: exit code $code, $(cat err)" \
  "$([[ $code == 2 && $(wc -l <err) == 1 && ! -e c.info ]] && grep -q 'has no DWARF' err; echo $?)"

compiler=mipsel-linux-gnu-gcc
command -v $compiler >/dev/null || { echo "no $compiler: lines are not tested"; finish; }

# The counts stand behind the lines.
cat >lines.c <<'EOF'
static volatile int v[2];
static int twice(int n) {
  return n + v[0];             /* 10 */
}
static void never(void) {
  v[0] = 1;                    /* 0 */
}
void start(void);
void start(void) {
  for (int i = 0; i < 10; i++) /* 11 */
    if (i & 1)                 /* 10 */
      v[1] += 3;               /* 5 */
    else
      v[1] -= twice(i);        /* 5 */
  for (int i = 0; i < 5; i++)  /* 6 */
    v[1] += twice(i);          /* 5 */
  if (!v[1]) never();          /* 1 */
  *(volatile unsigned *)0xbf000a00 = 0x4d420000; /* 1 */
  for (;;)                     /* 0 */
    ;                          /* 0 */
}
EOF
build() { $compiler -march=mips32r2 -EL -g -O0 -ffreestanding -fno-pic -mno-abicalls -nostdlib -static -Wl,--build-id=none \
  -Wl,-z,max-page-size=4096 -Wl,-Ttext="$1" -Wl,-e,begin -Wl,--defsym=_text="$1" boot.S lines.c -o "$2"; }
cat >boot.S <<'EOF'
  .globl begin
begin:
  .set noreorder
  lui $29, 0x8020
  j start
  nop
EOF
build 0x80100000 lines 2>err || { cat err; check "the program builds" 1; finish; }
for tier in eval stencil auto; do
  run --kernel lines --tier $tier --coverage l.$tier.info --coverage l.$tier.json --stats stats.$tier
  code=$?
  has_tier || continue
  check "$tier: exit code 0, not $code: $(cat err)" $code
  cmp -s l.eval.info l.$tier.info
  held=$?
  check "$tier: the lines are those of eval" $held
done
sed -n '/^SF:.*lines.c$/,/^end_of_record/s/^DA://p' l.eval.info | tr , ' ' | sort -n >got
awk -F'/[*] ' '/[/][*] [0-9]+ [*][/]$/ { split($NF, n, " "); print NR, n[1] }' lines.c >want
wrong=$(awk 'NR == FNR { got[$1] = $2; next } got[$1] != $2 { print "line " $1 ": " got[$1] ", not " $2 }' got want)
check "each of $(wc -l <want) lines has its count: $wrong" $((${#wrong} != 0 || $(wc -l <want) != 12))
check "functions: $(grep ^FN l.eval.info | tr '\n' ' ')" \
  "$(grep -qx FNDA:10,twice l.eval.info && grep -qx FNDA:0,never l.eval.info && grep -qx FNDA:1,start l.eval.info; echo $?)"
run --kernel lines --stats stats.plain
check "the run is the one without counting" "$(same_run stats.plain stats.auto)"
if command -v genhtml >/dev/null; then
  genhtml -q l.eval.info -o html >out 2>&1
  code=$?
  check "genhtml takes it: $(cat out)" $((code != 0 || $(find html -name 'lines.c.gcov.html' | wc -l) != 1))
fi
run --kernel calls --until insns:99 --debug-info lines --coverage other.info
check "the DWARF of another file is taken: $(cat err)" "$(grep -q 'SF:.*/lines.c' other.info; echo $?)"

# Backtraces have lines: of what checks find, and where a test has failed.
cat >reads.c <<'END'
static int deep(const volatile int *p) {
  return *p; /* nobody has written it */
}
void start(void);
void start(void) {
  deep((const volatile int *)0x80300000);
  *(volatile unsigned *)0xbf000a00 = 0x4d420000;
  for (;;)
    ;
}
END
mv lines.c lines.kept && cp reads.c lines.c && build 0x80100000 reads 2>err && mv lines.kept lines.c
held=$?
check "the program that reads builds: $(cat err)" $held
run --kernel reads --symbols --check uninit --debug-info reads
check "a finding has its line: $(cat err)" "$(grep -q ' deep+0x[0-9a-f]* (.*/lines.c:2), 1 time' err && grep -q 'called by start+0x[0-9a-f]* (.*/lines.c:6)' err; echo $?)"
printf 'machine = { kernel = "reads"; mem = "16M"; symbols = "reads"; debug-info = "reads"; };\nsteps = ({ expect = "never"; });\n' >lines.test
timeout 600 "$program" test lines.test >out 2>err </dev/null
code=$?
check "a failed test tells lines, exit code $code: $(cat out err)" "$([[ $code == 1 ]] && grep -q '(.*/lines.c:[0-9]*)' out; echo $?)"

# Damaged files: one line, exit code 2; or, when what is damaged is not looked at, a run as ever.
size=$(stat -c %s lines)
for at in 4 18 32 40 200 $((size / 4)) $((size / 3)) $((size / 2)) $((size * 2 / 3)) $((size * 9 / 10)); do
  head -c "$at" lines >short
  run --kernel calls --until insns:99 --debug-info short --coverage cut.info
  code=$?
  check "cut at $at: exit code $code, $(cat err)" "$([[ $code == 2 && $(wc -l <err) == 1 ]]; echo $?)"
done
seeds=20
[[ ${MB_QUICK:-} ]] && seeds=5
for ((seed = 1; seed <= seeds; seed++)); do
  python3 - $seed <<'EOF'
import random, sys
random.seed(int(sys.argv[1]))
b = bytearray(open("lines", "rb").read())
for _ in range(1 << random.randrange(8)): b[random.randrange(len(b))] = random.randrange(256)
open("bad", "wb").write(b)
EOF
  timeout 60 "$program" run --kernel calls --until insns:99 --debug-info bad --coverage bad.info >out 2>err </dev/null
  code=$?
  check "damage $seed: exit code $code, $(cat err)" "$([[ ($code == 2 || $code == 6) && $(wc -l <err) == 1 ]]; echo $?)"
done

finish
