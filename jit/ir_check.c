/* jit/ir_check.c: is a block of IR well-formed? */
/* SPDX-License-Identifier: Apache-2.0 */
#include "jit/ir.h"

static bool yields(const struct ir_op *o) {
  switch (ir_opinfo[o->op].class) {
  case IR_CLASS_CONST:
  case IR_CLASS_GET:
  case IR_CLASS_PURE:
  case IR_CLASS_CMP:
  case IR_CLASS_FPU:
  case IR_CLASS_CALL: return true;
  case IR_CLASS_MEM: return ir_opinfo[o->op].form == IR_FORM_V; /* loads */
  case IR_CLASS_SET:
  case IR_CLASS_TALLY:
  case IR_CLASS_TRAP:
  case IR_CLASS_EXIT: return false;
  }
  return false;
}

static bool ends(const struct ir_op *o) {
  return (ir_opinfo[o->op].class == IR_CLASS_EXIT && o->op != IR_EXIT_IF) || o->op == IR_RAISE;
}

static const char *check_operand(const struct ir_block *b, unsigned i, ir_ref r, bool wanted) {
  if (!wanted) return r == IR_NONE ? NULL : "an operand the operation does not take";
  if (r >= i) return "an operand that is not defined yet";
  return yields(&b->op[r]) ? NULL : "an operand that is not a value";
}

const char *ir_check(const struct ir_block *b) {
  if (b->overflow) return "too many operations";
  if (!b->n) return "empty";
  for (unsigned i = 0; i < b->n; i++) {
    const struct ir_op *o = &b->op[i];
    enum ir_form f = ir_opinfo[o->op].form;
    bool call = ir_opinfo[o->op].class == IR_CLASS_CALL; /* may leave operands out */
    const char *e = NULL;
    if (!call || o->a != IR_NONE) e = check_operand(b, i, o->a, f >= IR_FORM_V);
    if (!e && (!call || o->b != IR_NONE)) e = check_operand(b, i, o->b, f >= IR_FORM_VV);
    if (!e && (!call || o->c != IR_NONE)) e = check_operand(b, i, o->c, f >= IR_FORM_VVV);
    if (e) return e;
    if (i && o->at < b->op[i - 1].at) return "guest instructions out of order";
    if (ends(o) != (i == b->n - 1)) return ends(o) ? "operations after the end" : "no exit at the end";
    if ((o->op == IR_GET || o->op == IR_SET) && (uint64_t)o->imm >= IR_MAX_SLOTS) return "no such slot";
    if ((o->op == IR_GET32 || o->op == IR_SET32) && (uint64_t)o->imm >= 2 * IR_MAX_SLOTS) return "no such half slot";
  }
  return NULL;
}
