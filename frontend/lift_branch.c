/* frontend/lift_branch.c: jumps and branches. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A lifter says where control goes and when; the block builder lifts the delay slot and writes the exits. Operands are
 * read, and the link register is written, before the slot. A branch in a delay slot is UNPREDICTABLE (MIPS64 vol. II):
 * it raises Reserved Instruction and does nothing else. */
#include "frontend/cpu.h"
#include "frontend/lift_rows.h"

/* One-line lifters are rows of a table. */
/* clang-format off */
#define LIFT(name) void lift_##name(struct lift *l, const struct insn *i)

static bool refused(struct lift *l) {
  if (l->in_slot) ir_raise(l->ir, EXC_RI);
  return l->in_slot;
}

/* Addresses are kept as a register holds them: sign-extended where they are 32 bits wide. */
static uint64_t wrap(struct lift *l, uint64_t pc) {
  uint64_t kept = l->mode & MODE_ADDR64 ? pc : (uint64_t)(int64_t)(int32_t)pc;
  l->fixed |= kept != pc;
  return kept;
}

static void link(struct lift *l, unsigned n) {
  set_gpr(l, n, ir_pc(l->ir, wrap(l, l->pc + 8)));
  l->ends = n ? MIPS_PATH_CALL : MIPS_PATH_JUMP;
}

void lift_branch_if(struct lift *l, const struct insn *i, enum lift_flow flow, ir_ref cond) {
  if (refused(l)) return;
  l->flow = flow;
  l->cond = cond;
  l->target = wrap(l, l->pc + 4 + (uint64_t)((int64_t)i->imm * 4));
}

#define BRANCH(name, flow, op, other)                                                                                  \
  LIFT(name) {                                                                                                         \
    lift_branch_if(l, i, LIFT_##flow, op2(l, IR_##op, gpr(l, i->rs), other));                                          \
  }
/* Linking comes first: where the branch reads its own link (UNPREDICTABLE in the manual), it can so be run again when its
 * slot faults or has to be run alone, and says the same. */
#define BRANCH_LINK(name, flow, op)                                                                                    \
  LIFT(name) {                                                                                                         \
    if (refused(l)) return;                                                                                            \
    link(l, 31);                                                                                                       \
    lift_branch_if(l, i, LIFT_##flow, op2(l, IR_##op, gpr(l, i->rs), imm(l, 0)));                                      \
  }

BRANCH(BEQ, BRANCH, EQ, gpr(l, i->rt))
BRANCH(BNE, BRANCH, NE, gpr(l, i->rt))
BRANCH(BLEZ, BRANCH, LE, imm(l, 0))
BRANCH(BGTZ, BRANCH, GT, imm(l, 0))
BRANCH(BLTZ, BRANCH, LT, imm(l, 0))
BRANCH(BGEZ, BRANCH, GE, imm(l, 0))
BRANCH(BEQL, LIKELY, EQ, gpr(l, i->rt))
BRANCH(BNEL, LIKELY, NE, gpr(l, i->rt))
BRANCH(BLEZL, LIKELY, LE, imm(l, 0))
BRANCH(BGTZL, LIKELY, GT, imm(l, 0))
BRANCH(BLTZL, LIKELY, LT, imm(l, 0))
BRANCH(BGEZL, LIKELY, GE, imm(l, 0))
BRANCH_LINK(BLTZAL, BRANCH, LT)
BRANCH_LINK(BGEZAL, BRANCH, GE)
BRANCH_LINK(BLTZALL, LIKELY, LT)
BRANCH_LINK(BGEZALL, LIKELY, GE)

/* The 256 MB region is that of the delay slot. */
static void jump(struct lift *l, const struct insn *i) {
  l->flow = LIFT_BRANCH;
  l->cond = IR_NONE;
  l->fixed = true;
  l->target = wrap(l, ((l->pc + 4) & ~UINT64_C(0x0fffffff)) | (uint64_t)i->target << 2);
}
LIFT(J) { if (!refused(l)) jump(l, i); }
LIFT(JAL) {
  if (refused(l)) return;
  jump(l, i);
  link(l, 31);
}

static void jump_reg(struct lift *l, const struct insn *i) {
  l->flow = LIFT_JUMP_REG;
  l->target_reg = gpr(l, i->rs);
}
LIFT(JR) {
  if (refused(l)) return;
  jump_reg(l, i);
  l->ends = i->rs == 31 ? MIPS_PATH_RETURN : MIPS_PATH_JUMP;
}
LIFT(JALR) {
  if (refused(l)) return;
  link(l, i->rd);
  jump_reg(l, i);
}
/* clang-format on */
