#!/bin/bash
# criterion-tests/cli_disasm.sh: mirrorball disasm shows a block at each step of its translation, each time the same.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=check.bash disable=SC2016 # $4 is a register of MIPS, not of the shell
source "$(dirname "${BASH_SOURCE[0]}")/check.bash"
cd "$folder" || exit 1
shows() { # pattern: is in the last output
  check "the output has: $1" "$(grep -qE -- "$1" out; echo $?)"
}

block=(0x00221821 0x8c440010 0x1480fffd 0x24420004) # addu $3,$1,$2; lw $4,16($2); bne $4,$0,.-8; addiu $2,$2,4
"$program" disasm "${block[@]}" >out
check "MIPS alone" $(($(wc -l <out) != 4))
shows '^ffffffff80100004  8c440010  lw \$4, 16\(\$2\)$'
shows '\(delay slot\)$'
for endian in little big; do
  "$program" disasm --ir --code --host --endian $endian "${block[@]}" >out
  check "exit code" $?
  shows '^  1  v4 +=.* LD32S(_X)? +v0 \+16$'
  shows '^  LD32S(_X)? +\$4 +<- \$2 +\$0  \+16$'
  shows '^  EXIT_NE .* to 0xffffffff80100000$'
  grep -q 'no tier that compiles' out && continue
  shows '^host code: [0-9]+ bytes; [a-z0-9]+ is the cpu, [a-z0-9]+ the budget$'
  shows '^    [0-9a-f]{5}  [0-9a-f]+ +mov .* ; \$4$'
  shows ' ; read TLB$'
  shows ' ; slow LD32S(_X)?$'
  shows ' ; exit to 0xffffffff80100010$'
  shows ' ; this block, instruction 1$'
  if ! grep -q '^host code by LLVM: this build has no such tier$' out; then
    shows '^host code by LLVM, a region of this block alone: [0-9]+ bytes; on entry [a-z0-9]+ is the cpu, [a-z0-9]+ the budget$'
    sed -n '/^host code by LLVM/,$p' out >llvm
    check "LLVM has the loop: a jump back, one load of \$1 for all rounds: $(cat llvm)" \
      "$(awk '$3 ~ /^j/ && $4 ~ /^[0-9a-f]+$/ && $4 < $1 { back = 1 } / ; \$1$/ { loads++ } END { exit !(back && loads == 1) }' llvm
      echo $?)"
    for name in '\$4' 'read TLB' 'slow load' 'exit to 0xffffffff80100010' 'this region' 'leave the region'; do
      check "LLVM's code has: $name" "$(grep -qE " ; (.*, )?$name\$" llvm; echo $?)"
    done
  fi
  check "every byte is understood" "$(! grep -qE '^    [0-9a-f]{5}  [0-9a-f]{2}$' out; echo $?)"
  cp out first
  "$program" disasm --ir --code --host --endian $endian "${block[@]}" >out
  check "again it is the same" "$(cmp -s first out; echo $?)"
done
"$program" disasm --code --host --cpu MIPS64R2-generic 0x40086000 0x42000006 >out # mfc0 $8,status; tlbwr
shows '^  CALL .*  TLBWR$'
shows 'status'
"$program" disasm --host 0x1480ffff 0x24420004 >out # bne $4,$0,.; addiu $2,$2,4
check "a loop of one branch: exit code" $?
"$program" disasm --host --pc 0xffffffff80100ffc 0x1480fffd 0x24420004 >out # the delay slot is on the next page
check "a block that ends on the next page: exit code" $?
"$program" disasm --host >out 2>err
check "no words: exit code 2" $(($? != 2))

finish
