#!/bin/bash
# criterion-tests/run_profile_exact.sh: --profile-exact: exact counts by call path, the same in every tier and mode; by
# function they are those of --coverage; nothing of it shows in the run.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=runs.bash
source "$(dirname "${BASH_SOURCE[0]}")/runs.bash"
# folded stacks against a coverage in JSON: each function, and all of it
agree() {
  python3 - "$1" "$2" <<'END'
import collections, json, sys
paths, functions = collections.Counter(), collections.Counter()
for line in open(sys.argv[1]):
    stack, n = line.rsplit(" ", 1)
    paths[stack.rsplit(";", 1)[1]] += int(n)
c = json.load(open(sys.argv[2]))
for f in c["functions"] + c["elsewhere"]: functions[f["name"].replace(" ", "_")] += f["instructions"]
if c["unfetched"]: functions["[could_not_be_fetched]"] = c["unfetched"]
wrong = [f"{k}: {paths[k]}, not {functions[k]}" for k in paths | functions if paths[k] != functions[k]]
if sum(paths.values()) != c["instructions"]: wrong.append("in all: %d" % sum(paths.values()))
print(*wrong[:5], sep="; ")
sys.exit(bool(wrong))
END
}
# label, options...: in each tier and mode what eval has counted, and the run as it is without
trap=yes
in_each() {
  local label=$1 how
  shift
  run "$@" --stats plain.stats
  for how in 'eval translate' 'stencil translate' 'auto translate' 'auto bare' ${trap:+'auto trap'}; do
    read -r tier mode <<<"$how"
    run "$@" --tier "$tier" --mode "$mode" --profile-exact "$tier.$mode.folded" --coverage c.json --stats on.stats
    code=$?
    has_tier || continue
    check "$label, $how: exit code 6, not $code: $(cat err)" $((code != 6))
    cmp -s eval.translate.folded "$tier.$mode.folded"
    held=$?
    check "$label, $how: the paths are those of eval" $held
    check "$label, $how: the run is the one without" "$(same_run plain.stats on.stats)"
    said=$(agree "$tier.$mode.folded" c.json 2>&1)
    held=$?
    check "$label, $how: by function as coverage has it: $said" $held
  done
}

# start: sp; again: jal outer; nop; b again; nop. outer: a frame, jal leaf; leaf: counts to 8.
elf little 32 3c1d8020 0c040008 00000000 1000fffd 00000000 00000000 00000000 00000000 \
  27bdffe8 afbf0014 0c040010 00000000 8fbf0014 03e00008 27bd0018 00000000 \
  24080008 1500ffff 2508ffff 03e00008 00000000 >calls
printf '80100000 T start\n80100020 T outer\n80100040 T leaf\n' >map
in_each calls --kernel calls --symbols=map --until insns:3201
check "of 100 rounds: $(cat auto.translate.folded)" "$(cmp -s auto.translate.folded - <<'EOT'
kernel;start 401
kernel;start;outer 700
kernel;start;outer;leaf 2100
EOT
echo $?)"
run --kernel calls --symbols=map --until insns:3201 --profile-exact p.txt --profile-exact p.json --profile-exact p.html
check "the table: $(cat err)" "$(grep -q '^3201 instructions, each of them counted, 0.0% in user mode' p.txt &&
  grep -qE '^  65.60%   65.6%   65.60%            2100            2100               0  leaf$' p.txt; echo $?)"
check "JSON" "$(tr -d ' \n' <p.json | grep -q '"exact":true,"returns_unmatched":0,.*"samples":3201,.*"stack":"kernel;start;outer;leaf","samples":2100'; echo $?)"
check "a page" "$(grep -q '"names":\["all","kernel","start","outer","leaf"\]' p.html; echo $?)"
run --kernel calls --vcpus 2 --board disco --parallel --profile-exact p.txt
code=$?
check "not with --parallel: exit code $code, $(cat err)" "$([[ $code == 2 && $(wc -l <err) == 1 ]]; echo $?)"
run --kernel calls --profile-exact none/p.txt
code=$?
check "a folder that is not there: exit code $code, $(cat err)" "$([[ $code == 2 && $(wc -l <err) == 1 ]]; echo $?)"

# With user programs, system calls, interrupts and TLB refills; and on several vcpus.
if [[ -d ${MB_BUILD:?}/guests/mips32r2el ]]; then
  trap= in_each own-mips32el --kernel "$MB_BUILD/guests/mips32r2el/kernel" --until insns:900000
  check "interrupts have a root of their own" "$(grep -q '^kernel;\[interrupt\];.*;kernel_trap ' eval.translate.folded; echo $?)"
  check "system calls have, too" "$(grep -q '^kernel;\[syscall\];.*;kernel_trap;call_write;board_put ' eval.translate.folded; echo $?)"
  trap= in_each splash-radix --board disco --cpu MIPS64R2-multi --vcpus 3 --kernel "$MB_BUILD/guests/mips64r2el/splash-radix" \
    --append 'n=3001 radix=64 seed=7' --until insns:250000
fi

command -v mipsel-linux-gnu-gcc >/dev/null || { echo "no mipsel-linux-gnu-gcc: odd calls are not tested"; finish; }
# Calls of all kinds: recursion, a tail call, through a pointer, conditional (both ways), out of an exception that happens
# in a slot, a function left for its caller's caller, and two threads that take turns.
cat >odd.S <<'END'
  .set noreorder
  .globl begin
begin: lui $29, 0x8020
  la $8, 0x80000180
  la $9, handler
  li $10, 12
1: lw $11, 0($9)
  sw $11, 0($8)
  cache 0x15, 0($8)
  cache 0x10, 0($8)
  addiu $8, $8, 4
  addiu $10, $10, -1
  bne $10, $0, 1b
  addiu $9, $9, 4
  mfc0 $8, $12
  li $9, 0x400000
  nor $9, $9, $0
  and $8, $8, $9
  mtc0 $8, $12
  ehb
  lui $28, 0x8010 /* the first thread */
again: jal recursive
  li $4, 3
  jal tail
  nop
  la $25, leaf
  jalr $25
  nop
  bltzal $0, leaf /* never */
  nop
  bgezal $0, leaf
  nop
  jal faults
  nop
  jal leaves
  nop
  jal switches
  nop
  b again
  nop
recursive: addiu $29, $29, -32
  sw $31, 20($29)
  beq $4, $0, 1f
  nop
  jal recursive
  addiu $4, $4, -1
1: lw $31, 20($29)
  jr $31
  addiu $29, $29, 32
tail: j leaf
  nop
leaf: jr $31
  nop
faults: move $16, $31
  jal leaf
  teq $0, $0 /* in a slot: the handler goes on behind it */
behind: jr $16
  nop
leaves: move $16, $31
  addiu $29, $29, -16
  jal left
  nop
left: addiu $29, $29, 16
  jr $16
  nop
switches: addiu $29, $29, -24
  sw $31, 20($29)
  jal resume
  nop
  lw $31, 20($29)
  jr $31
  addiu $29, $29, 24
resume: lui $8, 0x8010 /* to the other thread, where it was left or at its beginning */
  la $9, saved
  bne $28, $8, 1f
  nop
  sw $29, 0($9)
  sw $31, 4($9)
  lw $29, 8($9)
  lw $31, 12($9)
  lui $28, 0x8011
  jr $31
  nop
1: sw $29, 8($9)
  sw $31, 12($9)
  lw $29, 0($9)
  lw $31, 4($9)
  lui $28, 0x8010
  jr $31
  nop
second: jal switches
  nop
  jal leaf
  nop
  b second
  nop
handler: jal work
  nop
  la $27, behind
  mtc0 $27, $14
  eret
  nop
work: jr $31
  nop
  .data
saved: .word 0, 0, 0x80280000, second
END
mipsel-linux-gnu-gcc -march=mips32r2 -EL -fno-pic -mno-abicalls -nostdlib -static -Wl,--build-id=none \
  -Wl,-z,max-page-size=4096 -Wl,-Ttext=0x80100000 -Wl,-e,begin odd.S -o odd 2>err
held=$?
check "the program builds: $(cat err)" $held
in_each odd --kernel odd --symbols --until insns:20000
cat >want <<'EOT'
kernel;[kernel_thread];second;leaf
kernel;[kernel_thread];second;switches;resume
kernel;again;faults;[other_exceptions];[exception_vector];work
kernel;again;leaf
kernel;again;leaves;left
kernel;again;recursive;recursive;recursive;recursive
kernel;again;switches;resume
EOT
wrong=$(comm -23 want <(sed 's/ [0-9]*$//' eval.translate.folded))
check "every kind of call: $wrong in $(cat eval.translate.folded)" $((${#wrong} != 0))
deep=$(awk -F';' 'NF > 6' eval.translate.folded)
check "nothing is left on a stack: $deep" $((${#deep} != 0))

finish
