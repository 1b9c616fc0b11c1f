/* frontend/fpu.h: MIPS floating-point arithmetic as functions of one FPU's control state. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Owns FCSR's meaning: rounding modes, the five IEEE exceptions, NaN rules (legacy and 2008), FS.
   Knows nothing of registers, Status.FR or Coprocessor Unusable: the lifter passes raw bits in and
   writes the result back only while f->trap is 0.
   Invariants: every call expects and leaves the host rounding to nearest with traps masked and no
   FTZ/DAZ (x86-64: MXCSR 0x1f80 but for its sticky flags, which mean nothing between calls); an
   operation depends on its operands and f->fcsr alone. Denormal operands are computed with, never
   flushed and never Unimplemented.
   Not for MIPS-3D, nor Release 6 (fused MADDF, MIN/MAX, CLASS, RINT). */
#ifndef FRONTEND_FPU_H
#define FRONTEND_FPU_H

#include <stdint.h>

/* FCSR fields (MIPS64 Vol. I 6.x "Floating Point Control and Status Register", FCR31). */
enum mips_fcsr {
  MIPS_FCSR_RM = 0x00000003,      /* 0 nearest, 1 to zero, 2 to +inf, 3 to -inf */
  MIPS_FCSR_FLAGS = 0x0000007c,   /* V Z O U I, sticky */
  MIPS_FCSR_ENABLES = 0x00000f80, /* V Z O U I */
  MIPS_FCSR_CAUSE = 0x0003f000,   /* E V Z O U I of the last operation */
  MIPS_FCSR_NAN2008 = 1 << 18,
  MIPS_FCSR_ABS2008 = 1 << 19,
  MIPS_FCSR_FCC0 = 1 << 23,
  MIPS_FCSR_FS = 1 << 24,
  MIPS_FCSR_FLAGS_SHIFT = 2,
  MIPS_FCSR_ENABLES_SHIFT = 7,
  MIPS_FCSR_CAUSE_SHIFT = 12,
};

/* The exception bits, as they stand in Flags, Enables and Cause (E in Cause only). */
enum mips_fpu_exc {
  MIPS_FPU_I = 1,
  MIPS_FPU_U = 2,
  MIPS_FPU_O = 4,
  MIPS_FPU_Z = 8,
  MIPS_FPU_V = 16,
  MIPS_FPU_E = 32,
};

enum { MIPS_FPU_CODES = 8 };

struct mips_fpu {
  uint32_t fcsr;    /* as CFC1 $31 shows it */
  uint32_t fcsr_rw; /* the bits CTC1 can write in this cpu model */
  uint32_t fir;     /* FIR, read-only to the guest */
  uint32_t trap;    /* 1: the last call raised an enabled exception (or E): take FPE, write no result */
};

/* clang-format off */
/* The 16 conditions of C.cond.fmt with their encoding (MIPS64 Vol. II, C.cond.fmt): bit 0 true when
   unordered, bit 1 when equal, bit 2 when less, bit 3 signals Invalid on a quiet NaN too. */
#define MIPS_FPU_CONDS(X) \
  X(f, 0)  X(un, 1)   X(eq, 2)   X(ueq, 3)  X(olt, 4) X(ult, 5)  X(ole, 6) X(ule, 7) \
  X(sf, 8) X(ngle, 9) X(seq, 10) X(ngl, 11) X(lt, 12) X(nge, 13) X(le, 14) X(ngt, 15)

/* Every other operation, as X(NAME, FMT) for mips_fpu_NAME_FMT. For cvt and the roundings FMT is
   the source format: cvt_s_d is CVT.S.D, trunc_w_d is TRUNC.W.D. */
#define MIPS_FPU_OPS(X) MIPS_FPU_ARITHMETIC(X) MIPS_FPU_SIGNS(X) MIPS_FPU_MOVES(X)
/* Those that leave FCSR alone: while ABS2008 is set; always. */
#define MIPS_FPU_SIGNS(X) \
  X(abs, s)     X(abs, d)     X(abs, ps)    X(neg, s)     X(neg, d)     X(neg, ps)
#define MIPS_FPU_MOVES(X) X(cvt_ps, s)
#define MIPS_FPU_ARITHMETIC(X) \
  X(add, s)     X(add, d)     X(add, ps)    X(sub, s)     X(sub, d)     X(sub, ps)   \
  X(mul, s)     X(mul, d)     X(mul, ps)    X(div, s)     X(div, d)                  \
  X(sqrt, s)    X(sqrt, d)    X(recip, s)   X(recip, d)   X(rsqrt, s)   X(rsqrt, d)  \
  X(madd, s)    X(madd, d)    X(madd, ps)   X(msub, s)    X(msub, d)    X(msub, ps)  \
  X(nmadd, s)   X(nmadd, d)   X(nmadd, ps)  X(nmsub, s)   X(nmsub, d)   X(nmsub, ps) \
  X(round_w, s) X(round_w, d) X(trunc_w, s) X(trunc_w, d) X(ceil_w, s)  X(ceil_w, d) \
  X(floor_w, s) X(floor_w, d) X(round_l, s) X(round_l, d) X(trunc_l, s) X(trunc_l, d) \
  X(ceil_l, s)  X(ceil_l, d)  X(floor_l, s) X(floor_l, d) X(cvt_w, s)   X(cvt_w, d)  \
  X(cvt_l, s)   X(cvt_l, d)   X(cvt_s, d)   X(cvt_s, w)   X(cvt_s, l)   X(cvt_d, s)  \
  X(cvt_d, w)   X(cvt_d, l)   X(cvt_s, pu)  X(cvt_s, pl)
/* clang-format on */

/* One operation: a is fs, b is ft, c is fr (madd and kin: a * b + c, rounded twice); unused
   operands are ignored. S and W values are the low 32 bits (results zero-extended), PS has the
   upper single in bits 63..32. Clears Cause, computes, sets Cause; on Cause & Enables sets f->trap
   and leaves Flags (the value returned is then meaningless), else clears f->trap and ORs Cause into
   Flags (MIPS64 Vol. I, "FPU Exceptions"). Touches nothing but *f; any thread.
   Not arithmetic, leaving FCSR alone (trap is cleared): cvt_ps_s, and abs/neg with ABS2008 set.
   FS=1 flushes a tiny result to a zero of its sign in every rounding mode, with Underflow and Inexact.
   c_COND_FMT returns the condition: bit 0, and for PS bit 0 the lower and bit 1 the upper half; the
   caller stores it with mips_fpu_set_cc() unless f->trap. */
#define MIPS_FPU_DECLARE(name, fmt)                                                                                    \
  uint64_t mips_fpu_##name##_##fmt(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c);
#define MIPS_FPU_DECLARE_COND(cond, code)                                                                              \
  MIPS_FPU_DECLARE(c_##cond, s) MIPS_FPU_DECLARE(c_##cond, d) MIPS_FPU_DECLARE(c_##cond, ps)
MIPS_FPU_OPS(MIPS_FPU_DECLARE)
MIPS_FPU_CONDS(MIPS_FPU_DECLARE_COND)

/* CTC1 to FCR reg: 25 FCCR, 26 FEXR, 28 FENR, 31 FCSR; others (FIR too) are ignored. Only fcsr_rw
   bits change. FCCR, FEXR and FENR values with bits the manual calls UNPREDICTABLE are ignored as
   QEMU does. Sets f->trap when the new Cause & Enables, or Cause.E, is non-zero, and clears it
   otherwise (MIPS64 Vol. II, CTC1). */
void mips_fpu_ctc1(struct mips_fpu *f, unsigned reg, uint32_t v);

/* CFC1 from FCR reg: 0 FIR, 25, 26, 28, 31 as above; 0 for the others. */
uint32_t mips_fpu_cfc1(const struct mips_fpu *f, unsigned reg);

/* Condition code n (0..7): FCC0 is FCSR bit 23, FCC1..7 are bits 25..31. */
unsigned mips_fpu_cc(const struct mips_fpu *f, unsigned n);

/* Set condition code n (0..7) to bit (0 or 1). */
void mips_fpu_set_cc(struct mips_fpu *f, unsigned n, unsigned bit);

#endif
