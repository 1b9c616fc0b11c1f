/* jit/ir_build.c: appending to a block of IR, folding constants and forwarding slots on the way. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "jit/ir.h"
#include <assert.h>
#include <string.h>

const struct ir_opinfo ir_opinfo[IR_OPCODES] = {
#define OP(name, form, class, meaning) [IR_##name] = {#name, IR_FORM_##form, IR_CLASS_##class},
#include "jit/ir_ops.def"
};

uint64_t ir_eval(enum ir_opcode op, uint64_t a, uint64_t b, uint64_t c) {
  (void)b, (void)c;
  switch (op) {
/* clang-format off */
#define OP(name, form, class, meaning) case IR_##name: return meaning;
#include "jit/ir_ops.def"
    /* clang-format on */
  case IR_OPCODES: break;
  }
  assert(!"not an IR operation");
  return 0;
}

static void forget_slots(struct ir_block *b) {
  memset(b->current, 0xff, sizeof b->current);
}

void ir_reset(struct ir_block *b) {
  b->n = 0;
  b->at = 0;
  b->overflow = false;
  forget_slots(b);
}

static ir_ref append(struct ir_block *b, struct ir_op op) {
  if (b->n && b->op[b->n - 1].op == IR_RAISE) return (ir_ref)(b->n - 1); /* never reached: left out */
  if (b->n == IR_MAX_OPS) {
    b->overflow = true;
    b->n = 0; /* keep refs in range; the caller throws the block away */
    forget_slots(b);
  }
  op.at = b->at;
  b->op[b->n] = op;
  return (ir_ref)b->n++;
}

static ir_ref append3(struct ir_block *b, enum ir_opcode op, ir_ref a, ir_ref v, ir_ref c, int64_t imm) {
  return append(b, (struct ir_op){.op = op, .a = a, .b = v, .c = c, .imm = imm});
}

ir_ref ir_const(struct ir_block *b, uint64_t v) {
  for (unsigned i = b->n, seen = 0; i-- > 0 && seen < 8; seen++)
    if (b->op[i].op == IR_CONST && b->op[i].imm == (int64_t)v) return (ir_ref)i;
  return append3(b, IR_CONST, IR_NONE, IR_NONE, IR_NONE, (int64_t)v);
}

ir_ref ir_pc(struct ir_block *b, uint64_t v) {
  return append3(b, IR_PC, IR_NONE, IR_NONE, IR_NONE, (int64_t)v);
}

bool ir_is_const(const struct ir_block *b, ir_ref v, uint64_t *value) {
  if (v >= b->n || b->op[v].op != IR_CONST) return false;
  if (value) *value = (uint64_t)b->op[v].imm;
  return true;
}

ir_ref ir_op1(struct ir_block *b, enum ir_opcode op, ir_ref a) {
  uint64_t x;
  if (ir_is_const(b, a, &x)) return ir_const(b, ir_eval(op, x, 0, 0));
  return append3(b, op, a, IR_NONE, IR_NONE, 0);
}

static bool commutes(enum ir_opcode op) {
  switch ((int)op) {
  case IR_ADD:
  case IR_AND:
  case IR_OR:
  case IR_XOR:
  case IR_NOR:
  case IR_MUL:
  case IR_MULHS:
  case IR_MULHU:
  case IR_ADD32:
  case IR_MUL32:
  case IR_MULS3264:
  case IR_MULU3264:
  case IR_EQ:
  case IR_NE:
  case IR_ADDV:
  case IR_ADDV32: return true;
  default: return false;
  }
}

/* x op 0 == x, in all 64 bits. */
static bool zero_is_neutral(enum ir_opcode op) {
  return op == IR_ADD || op == IR_SUB || op == IR_OR || op == IR_XOR || op == IR_SHL || op == IR_SHR || op == IR_SAR ||
         op == IR_ROTR;
}

ir_ref ir_op2(struct ir_block *b, enum ir_opcode op, ir_ref a, ir_ref v) {
  uint64_t x, y;
  bool ca = ir_is_const(b, a, &x), cb = ir_is_const(b, v, &y);
  if (ca && cb) return ir_const(b, ir_eval(op, x, y, 0));
  if (ca && commutes(op)) {
    ir_ref t = a;
    a = v, v = t, y = x, cb = true;
  }
  if (cb && y == 0 && zero_is_neutral(op)) return a;
  if (cb && y == 0 && op == IR_AND) return v;
  return append3(b, op, a, v, IR_NONE, 0);
}

ir_ref ir_op3(struct ir_block *b, enum ir_opcode op, ir_ref a, ir_ref v, ir_ref c) {
  uint64_t x;
  if (op == IR_SELECT && ir_is_const(b, a, &x)) return x ? v : c;
  if (op == IR_SELECT && v == c) return v;
  return append3(b, op, a, v, c, 0);
}

ir_ref ir_get(struct ir_block *b, unsigned slot) {
  assert(slot < IR_MAX_SLOTS);
  if (b->current[slot] == IR_NONE) {
    ir_ref v = append3(b, IR_GET, IR_NONE, IR_NONE, IR_NONE, slot);
    b->current[slot] = v;
  }
  return b->current[slot];
}

void ir_set(struct ir_block *b, unsigned slot, ir_ref v) {
  assert(slot < IR_MAX_SLOTS);
  if (b->current[slot] == v) return;
  append3(b, IR_SET, v, IR_NONE, IR_NONE, slot);
  b->current[slot] = v;
}

ir_ref ir_get32(struct ir_block *b, unsigned slot, unsigned high) {
  assert(slot < IR_MAX_SLOTS && high < 2);
  return append3(b, IR_GET32, IR_NONE, IR_NONE, IR_NONE, 2 * slot + high);
}

void ir_set32(struct ir_block *b, unsigned slot, unsigned high, ir_ref v) {
  assert(slot < IR_MAX_SLOTS && high < 2);
  append3(b, IR_SET32, v, IR_NONE, IR_NONE, 2 * slot + high);
  b->current[slot] = IR_NONE;
}

ir_ref ir_load(struct ir_block *b, enum ir_opcode op, ir_ref base, int32_t offset) {
  return append3(b, op, base, IR_NONE, IR_NONE, offset);
}

void ir_store(struct ir_block *b, enum ir_opcode op, ir_ref base, int32_t offset, ir_ref v) {
  append3(b, op, base, v, IR_NONE, offset);
}

void ir_store_if(struct ir_block *b, enum ir_opcode op, ir_ref base, int32_t offset, ir_ref v, ir_ref cond) {
  append3(b, op, base, v, cond, offset);
}

ir_ref ir_fpu(struct ir_block *b, enum ir_opcode op, unsigned helper, ir_ref a, ir_ref v, ir_ref c) {
  return append3(b, op, a, v, c, helper);
}

static ir_ref call(struct ir_block *b, enum ir_opcode how, unsigned helper, const ir_ref arg[3]) {
  ir_ref r = append3(b, how, arg[0], arg[1], arg[2], helper);
  forget_slots(b);
  return r;
}

ir_ref ir_call(struct ir_block *b, unsigned helper, ir_ref a, ir_ref v, ir_ref c) {
  return call(b, IR_CALL, helper, (ir_ref[]){a, v, c});
}

ir_ref ir_call_by_trap(struct ir_block *b, unsigned helper, ir_ref a, ir_ref v, ir_ref c) {
  return call(b, IR_CALL_BY_TRAP, helper, (ir_ref[]){a, v, c});
}

void ir_tally(struct ir_block *b, uint32_t index) {
  append3(b, IR_TALLY, IR_NONE, IR_NONE, IR_NONE, index);
}

void ir_raise(struct ir_block *b, unsigned exception) {
  append3(b, IR_RAISE, IR_NONE, IR_NONE, IR_NONE, exception);
}

void ir_raise_if(struct ir_block *b, ir_ref cond, unsigned exception) {
  uint64_t x;
  if (!ir_is_const(b, cond, &x))
    append3(b, IR_RAISE_IF, cond, IR_NONE, IR_NONE, exception);
  else if (x)
    ir_raise(b, exception);
}

void ir_exit(struct ir_block *b, enum ir_opcode op, uint64_t pc) {
  append3(b, op, IR_NONE, IR_NONE, IR_NONE, (int64_t)pc);
}

void ir_exit_if(struct ir_block *b, ir_ref cond, uint64_t pc, unsigned refund) {
  append(b,
         (struct ir_op){
             .op = IR_EXIT_IF, .a = cond, .b = IR_NONE, .c = IR_NONE, .imm = (int64_t)pc, .refund = (uint8_t)refund});
}

void ir_exit_reg(struct ir_block *b, enum ir_opcode op, ir_ref pc) {
  append3(b, op, pc, IR_NONE, IR_NONE, 0);
}
