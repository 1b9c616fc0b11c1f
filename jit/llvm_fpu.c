/* jit/llvm_fpu.c: the ordinary cases of fpu_ops.def in LLVM's IR; held against the other tiers by the tests. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is not ordinary, rare zeros included, goes out of line, where rebuild.c has the table's own expressions. */
#include "jit/llvm_emit.h"
#include <assert.h>

typedef LLVMValueRef value;
enum { SIGN_D = 63, SIGN_S = 31 };

static const struct {
  uint8_t form, to, from; /* sizes in bytes */
  bool noted, floats_in, floats_out;
} info[IR_OPCODES] = {
#define KIND_NOTED     true
#define KIND_EXACT     false
#define IS_FLOAT(type) _Generic((type)0, float : true, double : true, default : false)
#define FPU(name, form, to, from, kind, ...)                                                                           \
  [IR_##name] = {IR_FORM_##form, sizeof(to), sizeof(from), KIND_##kind, IS_FLOAT(from), IS_FLOAT(to)},
#include "jit/fpu_ops.def"
};

static LLVMTypeRef type_of(struct emitter *e, unsigned bytes, bool floating) {
  if (floating) return bytes == 4 ? LLVMFloatTypeInContext(e->context) : LLVMDoubleTypeInContext(e->context);
  return bytes == 4 ? e->i32 : e->i64;
}
static value bits(struct emitter *e, value x, unsigned bytes) {
  return LLVMBuildBitCast(e->b, x, bytes == 4 ? e->i32 : e->i64, "");
}
static value number(value like, uint64_t v) {
  return LLVMConstInt(LLVMTypeOf(like), v, 0);
}

/* FP_NORMAL and FP_EXPONENT of fp.h. */
static value exponent(struct emitter *e, value x, unsigned bytes) {
  value v = bits(e, x, bytes);
  v = LLVMBuildLShr(e->b, v, number(v, bytes == 4 ? 23 : 52), "");
  return LLVMBuildAnd(e->b, v, number(v, bytes == 4 ? 0xff : 0x7ff), "");
}
static value normal(struct emitter *e, value x, unsigned bytes) {
  value v = bits(e, x, bytes);
  v = LLVMBuildLShr(e->b, v, number(v, bytes == 4 ? 23 : 52), "");
  v = LLVMBuildAdd(e->b, v, number(v, 2), "");
  v = LLVMBuildAnd(e->b, v, number(v, bytes == 4 ? 0xfc : 0x7fc), "");
  return LLVMBuildICmp(e->b, LLVMIntNE, v, number(v, 0), "");
}
static value fits(struct emitter *e, value x, unsigned bytes) {
  value v = exponent(e, x, bytes);
  return LLVMBuildICmp(e->b, LLVMIntULT, v, number(v, (bytes == 4 ? 127 : 1023) + 31), "");
}

struct fp {
  value a, b, c, good;
  unsigned from, to;
};

static value product(struct emitter *e, struct fp *f, bool subtract, bool negate) {
  LLVMBuilderRef u = e->b;
  value p = LLVMBuildFMul(u, f->a, f->b, "");
  value r = subtract ? LLVMBuildFSub(u, p, f->c, "") : LLVMBuildFAdd(u, p, f->c, "");
  if (negate) r = LLVMBuildFSub(u, LLVMConstReal(LLVMTypeOf(r), 0), r, "");
  f->good = LLVMBuildAnd(u, normal(e, p, f->from), normal(e, r, f->from), "");
  return r;
}

static value arithmetic(struct emitter *e, struct fp *f, LLVMOpcode op) {
  value r = LLVMBuildBinOp(e->b, op, f->a, f->b, "");
  f->good = normal(e, r, f->from);
  return r;
}

static value square_root(struct emitter *e, struct fp *f) {
  LLVMTypeRef t = LLVMTypeOf(f->a);
  unsigned id = LLVMLookupIntrinsicID("llvm.sqrt", 9);
  value fn = LLVMGetIntrinsicDeclaration(e->module, id, &t, 1);
  value r = LLVMBuildCall2(e->b, LLVMIntrinsicGetType(e->context, id, &t, 1), fn, &f->a, 1, "");
  f->good = normal(e, r, f->from);
  return r;
}

static value compare(struct emitter *e, struct fp *f, LLVMRealPredicate p) {
  f->good = LLVMBuildFCmp(e->b, LLVMRealORD, f->a, f->b, "");
  return LLVMBuildZExt(e->b, LLVMBuildFCmp(e->b, p, f->a, f->b, ""), e->i64, "");
}

static value sign(struct emitter *e, struct fp *f, bool flip) {
  unsigned bit = f->from == 4 ? SIGN_S : SIGN_D;
  value mask = number(f->a, UINT64_C(1) << bit);
  value magnitude = LLVMBuildAnd(e->b, f->a, LLVMConstNot(mask), "");
  uint64_t infinity = f->from == 4 ? UINT64_C(0xff) << 23 : UINT64_C(0x7ff) << 52;
  f->good = LLVMBuildICmp(e->b, LLVMIntULE, magnitude, number(magnitude, infinity), "");
  return flip ? LLVMBuildXor(e->b, f->a, mask, "") : magnitude;
}

static value convert(struct emitter *e, enum ir_opcode op, struct fp *f) {
  LLVMTypeRef to = type_of(e, f->to, info[op].floats_out);
  switch ((int)op) {
  case IR_FCVT_DS: {
    value r = LLVMBuildFPExt(e->b, f->a, to, "");
    f->good = LLVMBuildFCmp(e->b, LLVMRealORD, r, r, "");
    return r;
  }
  case IR_FCVT_DW:
  case IR_FCVT_SW: f->good = LLVMConstInt(e->i1, 1, 0); return LLVMBuildSIToFP(e->b, f->a, to, "");
  case IR_FCVT_SD: {
    value r = LLVMBuildFPTrunc(e->b, f->a, to, "");
    f->good = normal(e, r, f->to);
    return r;
  }
  default: /* FTRUNC_Wx; poison where it does not fit and nobody looks */
    f->good = fits(e, f->a, f->from);
    return LLVMBuildFPToSI(e->b, f->a, to, "");
  }
}

static value ordinary(struct emitter *e, enum ir_opcode op, struct fp *f) {
  switch ((int)op) {
  case IR_FADD_D:
  case IR_FADD_S: return arithmetic(e, f, LLVMFAdd);
  case IR_FSUB_D:
  case IR_FSUB_S: return arithmetic(e, f, LLVMFSub);
  case IR_FMUL_D:
  case IR_FMUL_S: return arithmetic(e, f, LLVMFMul);
  case IR_FDIV_D:
  case IR_FDIV_S: return arithmetic(e, f, LLVMFDiv);
  case IR_FSQRT_D:
  case IR_FSQRT_S: return square_root(e, f);
  case IR_FMADD_D:
  case IR_FMADD_S: return product(e, f, false, false);
  case IR_FMSUB_D:
  case IR_FMSUB_S: return product(e, f, true, false);
  case IR_FNMADD_D:
  case IR_FNMADD_S: return product(e, f, false, true);
  case IR_FNMSUB_D:
  case IR_FNMSUB_S: return product(e, f, true, true);
  case IR_FABS_D:
  case IR_FABS_S: return sign(e, f, false);
  case IR_FNEG_D:
  case IR_FNEG_S: return sign(e, f, true);
  case IR_FUN_D:
  case IR_FUN_S: compare(e, f, LLVMRealOEQ); return emit_i64(e, 0);
  case IR_FEQ_D:
  case IR_FEQ_S: return compare(e, f, LLVMRealOEQ);
  case IR_FLT_D:
  case IR_FLT_S: return compare(e, f, LLVMRealOLT);
  case IR_FLE_D:
  case IR_FLE_S: return compare(e, f, LLVMRealOLE);
  default: return convert(e, op, f);
  }
}

static value operand(struct emitter *e, enum ir_opcode op, value v) {
  if (info[op].from == 4) v = LLVMBuildTrunc(e->b, v, e->i32, "");
  return info[op].floats_in ? LLVMBuildBitCast(e->b, v, type_of(e, info[op].from, true), "") : v;
}

value emit_floating(struct emitter *e, enum ir_opcode op, const value *raw, value *good, unsigned *bytes) {
  struct fp f = {.a = operand(e, op, raw[0]), .from = info[op].from, .to = info[op].to};
  if (info[op].form >= IR_FORM_VV) f.b = operand(e, op, raw[1]);
  if (info[op].form == IR_FORM_VVV) f.c = operand(e, op, raw[2]);
  value r = ordinary(e, op, &f);
  *good = f.good;
  *bytes = info[op].to;
  if (info[op].floats_out) r = bits(e, r, info[op].to);
  return r;
}

bool emit_is_noted(enum ir_opcode op) {
  return info[op].noted;
}
unsigned emit_fpu_result_bytes(enum ir_opcode op) {
  return info[op].to;
}
