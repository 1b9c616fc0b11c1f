/* frontend/lift_fpu.c: floating point: registers, moves, branches, loads and stores, calls of the arithmetic. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic is in fpu.c, called through helpers_fpu.c; a helper that raises leaves the block before the result is set.
 * The frequent operations are operations of the IR, which calls the helper only where they are not ordinary.
 * Registers (MIPS64 vol. I, "Floating Point Registers"): with Status.FR register n is slot n. Without, a double is the
 * slot of its even number and a single is one half of that: the low half when its number is even. Writing a single
 * leaves the other half of its slot alone. */
#include "frontend/cpu.h"
#include "frontend/helpers.h"
#include "frontend/lift_rows.h"

/* One-line lifters are rows of a table. */
/* clang-format off */
#define LIFT(name) void lift_##name(struct lift *l, const struct insn *i)

/* Operand formats. W is held as S, L as D. */
enum fmt { FMT_S, FMT_W, FMT_D, FMT_L, FMT_PS };

static unsigned slot_of(const struct lift *l, unsigned n) {
  return SLOT_F0 + (l->mode & MODE_FR ? n : n & ~1u);
}
static unsigned half_of(const struct lift *l, unsigned n) {
  return l->mode & MODE_FR ? 0 : n & 1;
}

static ir_ref fpr(struct lift *l, enum fmt f, unsigned n) {
  return f <= FMT_W ? ir_get32(l->ir, slot_of(l, n), half_of(l, n)) : ir_get(l->ir, slot_of(l, n));
}
static void set_fpr(struct lift *l, enum fmt f, unsigned n, ir_ref v) {
  if (f <= FMT_W)
    ir_set32(l->ir, slot_of(l, n), half_of(l, n), v);
  else
    ir_set(l->ir, slot_of(l, n), v);
}

/* L and PS need 64-bit registers. The R4000 and R10000 take pairs; later cpus reserve the codes. */
static bool refused(struct lift *l, enum fmt a, enum fmt b) {
  bool wide = a >= FMT_L || b >= FMT_L;
  if (!wide || l->mode & MODE_FR || !(l->model->isa & ISA_MIPS32)) return false;
  ir_raise(l->ir, EXC_RI);
  return true;
}

/* Condition codes other than 0 came with MIPS IV. */
static bool no_such_cc(struct lift *l, const struct insn *i) {
  if (!i->cc || l->model->isa & IN_MIPS4_32) return false;
  ir_raise(l->ir, EXC_RI);
  return true;
}

static ir_ref condition(struct lift *l, unsigned n) {
  return ir_get(l->ir, SLOT_FCC0 + n);
}

/* --- arithmetic --- */

struct shape {
  enum fmt to, from;
  uint8_t operands;
  uint8_t op; /* enum ir_opcode; IR_CALL: rare, always calls the helper */
};

static void arith(struct lift *l, const struct insn *i, unsigned helper, struct shape s) {
  if (refused(l, s.to, s.from)) return;
  ir_ref none = s.op == IR_CALL ? imm(l, 0) : IR_NONE;
  ir_ref a = fpr(l, s.from, i->fs);
  ir_ref b = s.operands > 1 ? fpr(l, s.from, i->ft) : none;
  ir_ref c = s.operands > 2 ? fpr(l, s.from, i->fr) : none;
  ir_ref r = s.op == IR_CALL ? lift_help(l, helper, a, b, c) : ir_fpu(l->ir, s.op, helper, a, b, c);
  set_fpr(l, s.to, i->fd, r);
}

#define ARITH_BY(NAME, name, to, from, operands, op)                                                                   \
  LIFT(NAME) {                                                                                                         \
    arith(l, i, HELPER_FPU_##name, (struct shape){FMT_##to, FMT_##from, operands, IR_##op});                           \
  }
#define ARITH(NAME, name, to, from, operands) ARITH_BY(NAME, name, to, from, operands, CALL)
#define ARITH_SD(NAME, name, operands)                                                                                 \
  ARITH(NAME##_S, name##_s, S, S, operands)                                                                            \
  ARITH(NAME##_D, name##_d, D, D, operands)
#define ARITH_FAST(NAME, name, operands)                                                                               \
  ARITH_BY(NAME##_S, name##_s, S, S, operands, F##NAME##_S)                                                            \
  ARITH_BY(NAME##_D, name##_d, D, D, operands, F##NAME##_D)
#define ARITH_PS(NAME, name, operands) ARITH(NAME##_PS, name##_ps, PS, PS, operands)
#define TO_INTEGER(NAME, name)                                                                                         \
  ARITH(NAME##_W_S, name##_w_s, W, S, 1)                                                                               \
  ARITH(NAME##_W_D, name##_w_d, W, D, 1)                                                                               \
  ARITH(NAME##_L_S, name##_l_s, L, S, 1)                                                                               \
  ARITH(NAME##_L_D, name##_l_d, L, D, 1)

ARITH_FAST(ADD, add, 2)
ARITH_FAST(SUB, sub, 2)
ARITH_FAST(MUL, mul, 2)
ARITH_FAST(DIV, div, 2)
ARITH_FAST(SQRT, sqrt, 1)
ARITH_FAST(MADD, madd, 3)
ARITH_FAST(MSUB, msub, 3)
ARITH_FAST(NMADD, nmadd, 3)
ARITH_FAST(NMSUB, nmsub, 3)
ARITH_PS(ADD, add, 2)
ARITH_PS(SUB, sub, 2)
ARITH_PS(MUL, mul, 2)
ARITH_PS(MADD, madd, 3)
ARITH_PS(MSUB, msub, 3)
ARITH_PS(NMADD, nmadd, 3)
ARITH_PS(NMSUB, nmsub, 3)
ARITH_SD(RECIP, recip, 1)
ARITH_SD(RSQRT, rsqrt, 1)
TO_INTEGER(ROUND, round)
ARITH_BY(TRUNC_W_S, trunc_w_s, W, S, 1, FTRUNC_WS)
ARITH_BY(TRUNC_W_D, trunc_w_d, W, D, 1, FTRUNC_WD)
ARITH(TRUNC_L_S, trunc_l_s, L, S, 1)
ARITH(TRUNC_L_D, trunc_l_d, L, D, 1)
TO_INTEGER(CEIL, ceil)
TO_INTEGER(FLOOR, floor)
TO_INTEGER(CVT, cvt)
ARITH_BY(CVT_S_D, cvt_s_d, S, D, 1, FCVT_SD)
ARITH_BY(CVT_S_W, cvt_s_w, S, W, 1, FCVT_SW)
ARITH(CVT_S_L, cvt_s_l, S, L, 1)
ARITH_BY(CVT_D_S, cvt_d_s, D, S, 1, FCVT_DS)
ARITH_BY(CVT_D_W, cvt_d_w, D, W, 1, FCVT_DW)
ARITH(CVT_D_L, cvt_d_l, D, L, 1)
ARITH(CVT_S_PU, cvt_s_pu, S, PS, 1)
ARITH(CVT_S_PL, cvt_s_pl, S, PS, 1)
ARITH(CVT_PS_S, cvt_ps_s, PS, S, 2)

/* Sign operations are arithmetic unless FCSR.ABS2008 is set, which they look at, unless the model has it fixed. */
struct sign {
  enum fmt f;
  uint8_t op, move; /* enum ir_opcode: as arithmetic with ABS2008 clear, as a move with it set */
  uint64_t bits;    /* for the move */
};
static void sign(struct lift *l, const struct insn *i, unsigned helper, struct sign s) {
  bool varies = l->model->fcsr_rw & MIPS_FCSR_ABS2008, set = l->model->fcsr_reset & MIPS_FCSR_ABS2008;
  if (varies || !set)
    arith(l, i, helper, (struct shape){s.f, s.f, 1, varies ? IR_CALL : s.op});
  else if (!refused(l, s.f, s.f))
    set_fpr(l, s.f, i->fd, op2(l, s.move, fpr(l, s.f, i->fs), imm(l, (int64_t)(s.move == IR_AND ? ~s.bits : s.bits))));
}
#define SIGN(NAME, name, move)                                                                                         \
  LIFT(NAME##_S) {                                                                                                     \
    sign(l, i, HELPER_FPU_##name##_s, (struct sign){FMT_S, IR_F##NAME##_S, move, UINT64_C(1) << 31});                  \
  }                                                                                                                    \
  LIFT(NAME##_D) {                                                                                                     \
    sign(l, i, HELPER_FPU_##name##_d, (struct sign){FMT_D, IR_F##NAME##_D, move, UINT64_C(1) << 63});                  \
  }                                                                                                                    \
  LIFT(NAME##_PS) {                                                                                                    \
    uint64_t bits = UINT64_C(1) << 63 | UINT64_C(1) << 31;                                                             \
    sign(l, i, HELPER_FPU_##name##_ps, (struct sign){FMT_PS, IR_CALL, move, bits});                                    \
  }
SIGN(ABS, abs, IR_AND)
SIGN(NEG, neg, IR_XOR)

/* Bit 3 of a condition makes a difference for NaNs only, bit 0 for them alone; what is left is bits 1 and 2. */
static void compare(struct lift *l, const struct insn *i, const uint8_t helper[16], const uint8_t op[4], enum fmt f) {
  if (refused(l, f, f) || no_such_cc(l, i)) return;
  ir_ref a = fpr(l, f, i->fs), b = fpr(l, f, i->ft);
  ir_set(l->ir, SLOT_FCC0 + i->cc, ir_fpu(l->ir, op[i->cond >> 1 & 3], helper[i->cond & 15], a, b, IR_NONE));
}
_Static_assert(HELPERS <= UINT8_MAX, "helpers are numbered in bytes");
#define COMPARE(NAME, fmt)                                                                                             \
  LIFT(C_##NAME) {                                                                                                     \
    static const uint8_t helper[16] = {MIPS_FPU_CONDS(COND_##fmt)};                                                    \
    static const uint8_t op[4] = {IR_FUN_##NAME, IR_FEQ_##NAME, IR_FLT_##NAME, IR_FLE_##NAME};                         \
    compare(l, i, helper, op, FMT_##NAME);                                                                             \
  }
#define COND_s(cond, code) [code] = HELPER_FPU_c_##cond##_s,
#define COND_d(cond, code) [code] = HELPER_FPU_c_##cond##_d,
COMPARE(S, s)
COMPARE(D, d)
LIFT(C_PS) {
  if (refused(l, FMT_PS, FMT_PS) || no_such_cc(l, i)) return;
  lift_help(l, HELPER_FPU_C_PS, fpr(l, FMT_PS, i->fs), fpr(l, FMT_PS, i->ft), imm(l, i->cond << 3 | i->cc));
}

/* --- moves --- */

static void move(struct lift *l, const struct insn *i, enum fmt f) {
  if (!refused(l, f, f)) set_fpr(l, f, i->fd, fpr(l, f, i->fs));
}
LIFT(MOV_S) { move(l, i, FMT_S); }
LIFT(MOV_D) { move(l, i, FMT_D); }
LIFT(MOV_PS) { move(l, i, FMT_PS); }

/* fd = cond is `when` ? fs : fd */
static void move_if(struct lift *l, const struct insn *i, enum fmt f, ir_ref cond, bool when) {
  if (refused(l, f, f)) return;
  ir_ref new = fpr(l, f, i->fs), old = fpr(l, f, i->fd);
  set_fpr(l, f, i->fd, op3(l, IR_SELECT, cond, when ? new : old, when ? old : new));
}
#define MOVE_CC(name, f, when)                                                                                         \
  LIFT(name) {                                                                                                         \
    move_if(l, i, f, condition(l, i->cc), when);                                                                       \
  }
#define MOVE_GPR(name, f, when)                                                                                        \
  LIFT(name) {                                                                                                         \
    move_if(l, i, f, op2(l, IR_NE, gpr(l, i->rt), imm(l, 0)), when);                                                   \
  }
MOVE_CC(MOVF_S, FMT_S, false)
MOVE_CC(MOVF_D, FMT_D, false)
MOVE_CC(MOVT_S, FMT_S, true)
MOVE_CC(MOVT_D, FMT_D, true)
MOVE_GPR(MOVZ_S, FMT_S, false)
MOVE_GPR(MOVZ_D, FMT_D, false)
MOVE_GPR(MOVZ_PS, FMT_PS, false)
MOVE_GPR(MOVN_S, FMT_S, true)
MOVE_GPR(MOVN_D, FMT_D, true)
MOVE_GPR(MOVN_PS, FMT_PS, true)

/* Each half has its own condition: cc the lower, cc + 1 the upper (cc must be even; an odd one counts as that). */
static void move_halves_if(struct lift *l, const struct insn *i, bool when) {
  if (refused(l, FMT_PS, FMT_PS)) return;
  ir_ref zero = imm(l, 0);
  ir_ref low = op1(l, IR_ZX32, op2(l, IR_SUB, zero, condition(l, i->cc & 6u)));
  ir_ref high = op2(l, IR_SHL, op2(l, IR_SUB, zero, condition(l, i->cc | 1u)), imm(l, 32));
  ir_ref set = op2(l, IR_OR, low, high);
  ir_ref moved = when ? set : not(l, set), kept = when ? not(l, set) : set;
  ir_ref a = op2(l, IR_AND, fpr(l, FMT_PS, i->fs), moved), b = op2(l, IR_AND, fpr(l, FMT_PS, i->fd), kept);
  set_fpr(l, FMT_PS, i->fd, op2(l, IR_OR, a, b));
}
LIFT(MOVF_PS) { move_halves_if(l, i, false); }
LIFT(MOVT_PS) { move_halves_if(l, i, true); }
LIFT(MOVF) { set_gpr(l, i->rd, op3(l, IR_SELECT, condition(l, i->cc), gpr(l, i->rd), gpr(l, i->rs))); }
LIFT(MOVT) { set_gpr(l, i->rd, op3(l, IR_SELECT, condition(l, i->cc), gpr(l, i->rs), gpr(l, i->rd))); }

/* upper:lower of fd from one half each of fs and ft */
static void pair(struct lift *l, const struct insn *i, bool fs_upper, bool ft_upper) {
  if (refused(l, FMT_PS, FMT_PS)) return;
  ir_ref s = fpr(l, FMT_PS, i->fs), t = fpr(l, FMT_PS, i->ft);
  ir_ref high = fs_upper ? op2(l, IR_AND, s, imm(l, -(INT64_C(1) << 32))) : op2(l, IR_SHL, s, imm(l, 32));
  ir_ref low = ft_upper ? op2(l, IR_SHR, t, imm(l, 32)) : op1(l, IR_ZX32, t);
  set_fpr(l, FMT_PS, i->fd, op2(l, IR_OR, high, low));
}
LIFT(PLL_PS) { pair(l, i, false, false); }
LIFT(PLU_PS) { pair(l, i, false, true); }
LIFT(PUL_PS) { pair(l, i, true, false); }
LIFT(PUU_PS) { pair(l, i, true, true); }

/* MIPS64 vol. II, ALNV.PS: rs is 0 or 4 modulo 8, else UNPREDICTABLE (here: as 4). */
LIFT(ALNV_PS) {
  if (refused(l, FMT_PS, FMT_PS)) return;
  ir_ref s = fpr(l, FMT_PS, i->fs), t = fpr(l, FMT_PS, i->ft);
  bool big = l->mode & MODE_BIG;
  ir_ref high = op2(l, IR_SHL, big ? s : t, imm(l, 32)), low = op2(l, IR_SHR, big ? t : s, imm(l, 32));
  ir_ref aligned = op2(l, IR_EQ, op2(l, IR_AND, gpr(l, i->rs), imm(l, 7)), imm(l, 0));
  set_fpr(l, FMT_PS, i->fd, op3(l, IR_SELECT, aligned, s, op2(l, IR_OR, high, low)));
}

/* --- between the register files --- */

LIFT(MFC1) { set_gpr(l, i->rt, op1(l, IR_SX32, fpr(l, FMT_W, i->fs))); }
LIFT(MTC1) { set_fpr(l, FMT_W, i->fs, gpr(l, i->rt)); }
LIFT(DMFC1) { set_gpr(l, i->rt, fpr(l, FMT_D, i->fs)); }
LIFT(DMTC1) { set_fpr(l, FMT_D, i->fs, gpr(l, i->rt)); }
LIFT(MFHC1) { set_gpr(l, i->rt, op1(l, IR_SX32, ir_get32(l->ir, slot_of(l, i->fs), 1))); }
LIFT(MTHC1) { ir_set32(l->ir, slot_of(l, i->fs), 1, gpr(l, i->rt)); }
LIFT(CFC1) { set_gpr(l, i->rt, lift_help(l, HELPER_CFC1, imm(l, i->rd), imm(l, 0), imm(l, 0))); }
LIFT(CTC1) { lift_help(l, HELPER_CTC1, imm(l, i->rd), gpr(l, i->rt), imm(l, 0)); }

/* --- branches --- */

#define BRANCH(name, flow, op)                                                                                         \
  LIFT(name) {                                                                                                         \
    if (!no_such_cc(l, i)) lift_branch_if(l, i, LIFT_##flow, op2(l, IR_##op, condition(l, i->cc), imm(l, 0)));         \
  }
BRANCH(BC1F, BRANCH, EQ)
BRANCH(BC1T, BRANCH, NE)
BRANCH(BC1FL, LIKELY, EQ)
BRANCH(BC1TL, LIKELY, NE)

/* --- loads and stores --- */

static void load(struct lift *l, enum fmt f, unsigned n, ir_ref base, int32_t offset) {
  set_fpr(l, f, n, ir_load(l->ir, lift_order(l, f <= FMT_W ? IR_LD32U : IR_LD64), base, offset));
}
static void store(struct lift *l, enum fmt f, unsigned n, ir_ref base, int32_t offset) {
  ir_store(l->ir, lift_order(l, f <= FMT_W ? IR_ST32 : IR_ST64), base, offset, fpr(l, f, n));
}
LIFT(LWC1) { load(l, FMT_W, i->ft, gpr(l, i->rs), i->imm); }
LIFT(LDC1) { load(l, FMT_D, i->ft, gpr(l, i->rs), i->imm); }
LIFT(SWC1) { store(l, FMT_W, i->ft, gpr(l, i->rs), i->imm); }
LIFT(SDC1) { store(l, FMT_D, i->ft, gpr(l, i->rs), i->imm); }

static ir_ref indexed(struct lift *l, const struct insn *i) {
  return op2(l, IR_ADD, gpr(l, i->rs), gpr(l, i->rt));
}
/* LUXC1 and SUXC1 ignore the low bits of the address. */
static ir_ref rounded(struct lift *l, const struct insn *i) {
  return op2(l, IR_AND, indexed(l, i), imm(l, -8));
}
LIFT(LWXC1) { load(l, FMT_W, i->fd, indexed(l, i), 0); }
LIFT(LDXC1) { load(l, FMT_D, i->fd, indexed(l, i), 0); }
LIFT(SWXC1) { store(l, FMT_W, i->fs, indexed(l, i), 0); }
LIFT(SDXC1) { store(l, FMT_D, i->fs, indexed(l, i), 0); }
LIFT(LUXC1) { if (!refused(l, FMT_L, FMT_L)) load(l, FMT_L, i->fd, rounded(l, i), 0); }
LIFT(SUXC1) { if (!refused(l, FMT_L, FMT_L)) store(l, FMT_L, i->fs, rounded(l, i), 0); }
/* clang-format on */
