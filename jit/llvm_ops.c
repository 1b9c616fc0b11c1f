/* jit/llvm_ops.c: what each pure operation means in LLVM's IR; held against ir_ops.def by criterion-tests/test_llvm.c.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "jit/llvm_emit.h"
#include <assert.h>

typedef LLVMValueRef value;

static value low(struct emitter *e, value v) {
  return LLVMBuildTrunc(e->b, v, e->i32, "");
}
static value sx(struct emitter *e, value v) {
  return LLVMBuildSExt(e->b, v, e->i64, "");
}
static value zx(struct emitter *e, value v) {
  return LLVMBuildZExt(e->b, v, e->i64, "");
}
static value number(value like, uint64_t v) {
  return LLVMConstInt(LLVMTypeOf(like), v, 0);
}

static value intrinsic(struct emitter *e, const char *name, size_t length, value *args, unsigned n) {
  LLVMTypeRef t = LLVMTypeOf(args[0]);
  unsigned id = LLVMLookupIntrinsicID(name, length);
  LLVMValueRef f = LLVMGetIntrinsicDeclaration(e->module, id, &t, 1);
  return LLVMBuildCall2(e->b, LLVMIntrinsicGetType(e->context, id, &t, 1), f, args, n, "");
}
#define INTRINSIC(e, name, n, ...) intrinsic(e, name, sizeof name - 1, (value[]){__VA_ARGS__}, n)

/* Division by zero, and of the least number by -1, divides by 1. */
static value divisor(struct emitter *e, value a, value b, bool is_signed, unsigned bits) {
  LLVMBuilderRef u = e->b;
  value bad = LLVMBuildICmp(u, LLVMIntEQ, b, number(b, 0), "");
  if (is_signed) {
    value least = LLVMBuildICmp(u, LLVMIntEQ, a, number(a, UINT64_C(1) << (bits - 1)), "");
    value minus = LLVMBuildICmp(u, LLVMIntEQ, b, number(b, UINT64_MAX), "");
    bad = LLVMBuildOr(u, bad, LLVMBuildAnd(u, least, minus, ""), "");
  }
  return LLVMBuildSelect(u, bad, number(b, 1), b, "");
}

static value divide(struct emitter *e, LLVMOpcode op, value a, value b, unsigned bits) {
  bool is_signed = op == LLVMSDiv || op == LLVMSRem;
  return LLVMBuildBinOp(e->b, op, a, divisor(e, a, b, is_signed, bits), "");
}

static value shift(struct emitter *e, LLVMOpcode op, value a, value count, unsigned bits) {
  return LLVMBuildBinOp(e->b, op, a, LLVMBuildAnd(e->b, count, number(count, bits - 1), ""), "");
}

static value rotate(struct emitter *e, value a, value count) {
  return INTRINSIC(e, "llvm.fshr", 3, a, a, count);
}

static value high_product(struct emitter *e, value a, value b, bool is_signed) {
  LLVMTypeRef wide = LLVMIntTypeInContext(e->context, 128);
  LLVMOpcode extend = is_signed ? LLVMSExt : LLVMZExt;
  value x = LLVMBuildCast(e->b, extend, a, wide, ""), y = LLVMBuildCast(e->b, extend, b, wide, "");
  value p = LLVMBuildLShr(e->b, LLVMBuildMul(e->b, x, y, ""), LLVMConstInt(wide, 64, 0), "");
  return LLVMBuildTrunc(e->b, p, e->i64, "");
}

static value overflows(struct emitter *e, value a, value b, bool subtract) {
  LLVMBuilderRef u = e->b;
  value r = subtract ? LLVMBuildSub(u, a, b, "") : LLVMBuildAdd(u, a, b, "");
  value x = LLVMBuildXor(u, a, subtract ? b : r, ""), y = LLVMBuildXor(u, subtract ? a : b, r, "");
  value negative = LLVMBuildICmp(u, LLVMIntSLT, LLVMBuildAnd(u, x, y, ""), number(a, 0), "");
  return zx(e, negative);
}

static value leading_zeros(struct emitter *e, value a) {
  value n = INTRINSIC(e, "llvm.ctlz", 2, a, LLVMConstInt(e->i1, 0, 0));
  return LLVMTypeOf(n) == e->i64 ? n : zx(e, n);
}

/* Exchange neighbouring groups of `bits` bits. */
static value swap_groups(struct emitter *e, value a, unsigned bits, uint64_t mask) {
  value n = emit_i64(e, bits), m = emit_i64(e, mask);
  value up = LLVMBuildShl(e->b, LLVMBuildAnd(e->b, a, m, ""), n, "");
  value down = LLVMBuildAnd(e->b, LLVMBuildLShr(e->b, a, n, ""), m, "");
  return LLVMBuildOr(e->b, up, down, "");
}

static value extend(struct emitter *e, value a, LLVMTypeRef type, bool is_signed) {
  value v = LLVMBuildTrunc(e->b, a, type, "");
  return is_signed ? sx(e, v) : zx(e, v);
}

static int predicate(enum ir_opcode op) {
  switch ((int)op) {
  case IR_EQ: return LLVMIntEQ;
  case IR_NE: return LLVMIntNE;
  case IR_LT: return LLVMIntSLT;
  case IR_GE: return LLVMIntSGE;
  case IR_LE: return LLVMIntSLE;
  case IR_GT: return LLVMIntSGT;
  case IR_LTU: return LLVMIntULT;
  case IR_GEU: return LLVMIntUGE;
  default: return -1;
  }
}

value emit_condition(struct emitter *e, enum ir_opcode op, value a, value b) {
  int p = predicate(op);
  assert(p >= 0);
  return LLVMBuildICmp(e->b, (LLVMIntPredicate)p, a, b, "");
}

/* The 32-bit operations, which work on the low halves. */
static value emit_pure32(struct emitter *e, enum ir_opcode op, value wide_a, value wide_b) {
  LLVMBuilderRef u = e->b;
  value a = low(e, wide_a), b = wide_b ? low(e, wide_b) : NULL;
  switch ((int)op) {
  case IR_ADD32: return sx(e, LLVMBuildAdd(u, a, b, ""));
  case IR_SUB32: return sx(e, LLVMBuildSub(u, a, b, ""));
  case IR_MUL32: return sx(e, LLVMBuildMul(u, a, b, ""));
  case IR_DIVS32: return sx(e, divide(e, LLVMSDiv, a, b, 32));
  case IR_REMS32: return sx(e, divide(e, LLVMSRem, a, b, 32));
  case IR_DIVU32: return sx(e, divide(e, LLVMUDiv, a, b, 32));
  case IR_REMU32: return sx(e, divide(e, LLVMURem, a, b, 32));
  case IR_SHL32: return sx(e, shift(e, LLVMShl, a, b, 32));
  case IR_SHR32: return sx(e, shift(e, LLVMLShr, a, b, 32));
  case IR_SAR32: return sx(e, shift(e, LLVMAShr, a, b, 32));
  case IR_ROTR32: return sx(e, rotate(e, a, b));
  case IR_MULS3264: return LLVMBuildMul(u, sx(e, a), sx(e, b), "");
  case IR_MULU3264: return LLVMBuildMul(u, zx(e, a), zx(e, b), "");
  case IR_ADDV32: return overflows(e, a, b, false);
  case IR_SUBV32: return overflows(e, a, b, true);
  case IR_SX32: return sx(e, a);
  case IR_ZX32: return zx(e, a);
  case IR_CLZ32: return leading_zeros(e, a);
  default: return NULL;
  }
}

static value emit_pure64(struct emitter *e, enum ir_opcode op, value a, value b) {
  LLVMBuilderRef u = e->b;
  switch ((int)op) {
  case IR_ADD: return LLVMBuildAdd(u, a, b, "");
  case IR_SUB: return LLVMBuildSub(u, a, b, "");
  case IR_AND: return LLVMBuildAnd(u, a, b, "");
  case IR_OR: return LLVMBuildOr(u, a, b, "");
  case IR_XOR: return LLVMBuildXor(u, a, b, "");
  case IR_NOR: return LLVMBuildNot(u, LLVMBuildOr(u, a, b, ""), "");
  case IR_MUL: return LLVMBuildMul(u, a, b, "");
  case IR_MULHS: return high_product(e, a, b, true);
  case IR_MULHU: return high_product(e, a, b, false);
  case IR_DIVS: return divide(e, LLVMSDiv, a, b, 64);
  case IR_REMS: return divide(e, LLVMSRem, a, b, 64);
  case IR_DIVU: return divide(e, LLVMUDiv, a, b, 64);
  case IR_REMU: return divide(e, LLVMURem, a, b, 64);
  case IR_SHL: return shift(e, LLVMShl, a, b, 64);
  case IR_SHR: return shift(e, LLVMLShr, a, b, 64);
  case IR_SAR: return shift(e, LLVMAShr, a, b, 64);
  case IR_ROTR: return rotate(e, a, b);
  case IR_ADDV: return overflows(e, a, b, false);
  case IR_SUBV: return overflows(e, a, b, true);
  case IR_SX8: return extend(e, a, e->i8, true);
  case IR_SX16: return extend(e, a, e->i16, true);
  case IR_ZX8: return extend(e, a, e->i8, false);
  case IR_ZX16: return extend(e, a, e->i16, false);
  case IR_CLZ: return leading_zeros(e, a);
  case IR_SWAP16: return swap_groups(e, a, 8, UINT64_C(0x00ff00ff00ff00ff));
  case IR_SWAPHALF: return swap_groups(e, a, 16, UINT64_C(0x0000ffff0000ffff));
  case IR_SWAPWORD: return rotate(e, a, emit_i64(e, 32));
  default: return NULL;
  }
}

value emit_pure(struct emitter *e, enum ir_opcode op, value a, value b, value c) {
  if (predicate(op) >= 0) return zx(e, emit_condition(e, op, a, b));
  if (op == IR_SELECT) return LLVMBuildSelect(e->b, emit_condition(e, IR_NE, a, emit_i64(e, 0)), b, c, "");
  value v = emit_pure64(e, op, a, b);
  if (!v) v = emit_pure32(e, op, a, b);
  assert(v && "every pure operation has a case");
  return v;
}

enum ir_opcode emit_meaning(unsigned jit_opcode, enum emit_form *form) {
  static const struct {
    uint8_t op_plus_1, form;
  } meaning[JIT_OPCODES] = {
#define MEANS_V(name)          [J_##name] = {IR_##name + 1, EMIT_PLAIN},
#define MEANS_VVV(name)        MEANS_V(name)
#define MEANS_VV(name)         MEANS_V(name)[J_##name##_I] = {IR_##name + 1, EMIT_IMMEDIATE},
#define CLASS_PURE(name, form) MEANS_##form(name)
#define CLASS_CMP(name, form)  MEANS_##form(name)[J_EXIT_##name] = {IR_##name + 1, EMIT_BRANCH},
#define CLASS_FPU(name, form)  [J_##name] = {IR_##name + 1, EMIT_PLAIN},
#define CLASS_MEM(name, form)  [J_##name] = {IR_##name + 1, EMIT_PLAIN},
#define CLASS_CONST(name, form)
#define CLASS_GET(name, form)
#define CLASS_SET(name, form)
#define CLASS_CALL(name, form)
#define CLASS_TALLY(name, form)
#define CLASS_TRAP(name, form)
#define CLASS_EXIT(name, form)
#define OP(name, form, class, meaning) CLASS_##class(name, form)
#include "jit/ir_ops.def"
  };
  if (!meaning[jit_opcode].op_plus_1) return IR_OPCODES;
  *form = (enum emit_form)meaning[jit_opcode].form;
  return (enum ir_opcode)(meaning[jit_opcode].op_plus_1 - 1);
}
