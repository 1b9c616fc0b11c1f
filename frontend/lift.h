/* frontend/lift.h: how a lifter sees one instruction and writes IR for it. */
/* SPDX-License-Identifier: Apache-2.0 */
/* One function per row of insns.def, `lift_NAME(l, i)`. gpr()/set_gpr() alone know that $0 is zero. Branches tell the
 * block builder (lift.c) where they go; it lifts the delay slot and writes the exits, so that no lifter and no IR
 * operation has heard of delay slots. A rare or long instruction is a call to a helper (helpers.h). */
#ifndef FRONTEND_LIFT_H
#define FRONTEND_LIFT_H
#include "frontend/decode.h"
#include "frontend/paths.h"
#include "jit/ir.h"

/* How control leaves the instruction being lifted. */
enum lift_flow {
  LIFT_NEXT,     /* falls through */
  LIFT_BRANCH,   /* to `target` when `cond` (IR_NONE: always), after the delay slot */
  LIFT_LIKELY,   /* the same, but the delay slot is executed only when it is taken */
  LIFT_JUMP_REG, /* to value `target_reg`, after the delay slot */
  LIFT_STOP,     /* falls through, but the block ends: interrupts, mode or translation may have changed */
  LIFT_PC,       /* a helper has set the pc (ERET, DERET); the block ends, no delay slot */
};

struct lift {
  struct ir_block *ir;
  const struct cpu_model *model;
  uint32_t mode;    /* MODE_* bits of cpu.h: privilege, 64-bit addressing/ops, FR, CU0..CU3, byte order */
  uint64_t pc;      /* of this instruction; sign-extended in 32-bit address spaces */
  bool in_slot;     /* this instruction is in a delay slot */
  uint32_t trap;    /* not 0: this instruction, which is privileged and becomes a host trap */
  bool fpu;         /* an instruction so far belongs to coprocessor 1 */
  bool counting;    /* events are counted (events.h) */
  unsigned check;   /* MIPS_CHECK_*: what is checked (check.h) */
  bool gang;        /* other cpus run at the same time */
  bool fixed;       /* what an instruction so far does depends on where it is */
  uint32_t written; /* general registers that this instruction has set */
  /* set by the lifter */
  enum lift_flow flow;
  ir_ref cond;
  uint64_t target;
  ir_ref target_reg;
  enum mips_path_end ends; /* what that is for call paths */
};

typedef void (*lift_fn)(struct lift *l, const struct insn *i);

/* General registers: reads of $0 are the constant 0, writes to it vanish. */
ir_ref gpr(struct lift *l, unsigned n);
void set_gpr(struct lift *l, unsigned n, ir_ref v);
static inline ir_ref imm(struct lift *l, int64_t v) {
  return ir_const(l->ir, (uint64_t)v);
}
#endif
