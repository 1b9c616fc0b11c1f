/* frontend/lift_rows.h: the lifters of insns.def, and what they share. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FRONTEND_LIFT_ROWS_H
#define FRONTEND_LIFT_ROWS_H
#include "frontend/lift.h"

#define INSN(name, pattern, form, isa, fn) void fn(struct lift *l, const struct insn *i);
#include "frontend/insns.def"

enum cpu_slot {
#define SLOT(name, member, label, flags) SLOT_##name,
#define STATE(member, label)
#define STATES(member, label)
#include "frontend/cpu_slots.def"
};

/* Short names for building values. */
static inline ir_ref op1(struct lift *l, enum ir_opcode op, ir_ref a) {
  return ir_op1(l->ir, op, a);
}
static inline ir_ref op2(struct lift *l, enum ir_opcode op, ir_ref a, ir_ref b) {
  return ir_op2(l->ir, op, a, b);
}
static inline ir_ref op3(struct lift *l, enum ir_opcode op, ir_ref a, ir_ref b, ir_ref c) {
  return ir_op3(l->ir, op, a, b, c);
}
static inline ir_ref not(struct lift * l, ir_ref a) {
  return op2(l, IR_NOR, a, imm(l, 0));
}

/* base + offset, wrapped to 32 bits on 32-bit cpus. For helpers; the memory operations leave
 * the wrapping to their slow path, which every address that is not canonical reaches. */
ir_ref lift_va(struct lift *l, ir_ref base, ir_ref offset);
/* An access that an operation makes: where, of how many bytes, and whether it is made at all. The stores of unaligned
 * parts may touch fewer bytes than those of the aligned unit they lie in. */
struct lift_access {
  ir_ref va, made;
  unsigned bytes;
  bool store, part;
};
/* False: it makes none. */
bool lift_access_of(struct lift *l, const struct ir_op *o, struct lift_access *out);
/* The operation for the guest's byte order: the _X one where that is not the host's. */
enum ir_opcode lift_order(const struct lift *l, enum ir_opcode op);
/* A branch to i's 16-bit offset when cond is not 0. */
void lift_branch_if(struct lift *l, const struct insn *i, enum lift_flow flow, ir_ref cond);
/* Call with as many arguments as it takes; the others are 0. Or trap, if the instruction is one that does. */
ir_ref lift_help(struct lift *l, unsigned helper, ir_ref a, ir_ref b, ir_ref c);
#endif
