/* frontend/helpers_fpu.c: floating-point helpers: fpu.c called from generated code. */
/* SPDX-License-Identifier: Apache-2.0 */
/* What is added to fpu.c here: exceptions, an enabled one or Unimplemented, are raised, and the result of a helper that
 * raised is never used; and FCSR is in pieces. Ordinary operations are done by generated code (jit/fpu_ops.def), which
 * only notes them in j.fp, so that FCSR.Cause in fpu.fcsr is out of date while j.fp.last is not 0; and the condition
 * codes are slots of their own, always. mips_fcsr() puts the pieces together. */
#include "frontend/cpu.h"
#include "frontend/helpers.h"
#include <assert.h>

typedef uint64_t fpu_fn(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c);
/* The operation that a note stands for. */
static fpu_fn *const noted[HELPERS] = {
#define X(name, fmt) [HELPER_FPU_##name##_##fmt] = mips_fpu_##name##_##fmt,
    MIPS_FPU_ARITHMETIC(X)
#undef X
};
_Static_assert(HELPER_FPU_C_PS > 0, "0 is no note");

uint32_t mips_fcsr(const struct cpu *c) {
  struct mips_fpu f = c->fpu;
  const struct jit_fp *fp = &c->j.fp;
  if (fp->last == JIT_FP_EXACT)
    f.fcsr &= ~(uint32_t)MIPS_FCSR_CAUSE;
  else if (fp->last)
    noted[fp->last](&f, fp->a, fp->b, fp->c);
  for (unsigned n = 0; n < MIPS_FPU_CODES; n++) mips_fpu_set_cc(&f, n, (unsigned)c->fcc[n]);
  return f.fcsr;
}

/* Generated code knows when an operation is ordinary if rounding is to nearest, and need not know whether it was exact
 * if Inexact neither traps nor changes Flags. */
static void changed(struct cpu *c) {
  uint32_t enable = MIPS_FPU_I << MIPS_FCSR_ENABLES_SHIFT, flag = MIPS_FPU_I << MIPS_FCSR_FLAGS_SHIFT;
  c->j.fp.ready = (c->fpu.fcsr & (MIPS_FCSR_RM | enable | flag)) == flag;
  c->j.fp.last = 0;
}

void mips_set_fcsr(struct cpu *c, uint32_t fcsr) {
  c->fpu.fcsr = fcsr;
  for (unsigned n = 0; n < MIPS_FPU_CODES; n++) c->fcc[n] = mips_fpu_cc(&c->fpu, n);
  changed(c);
}

static uint64_t checked(struct cpu *c, uint64_t v) {
  changed(c);
  if (c->fpu.trap) mips_raise(c, EXC_FPE);
  return v;
}

/* Whoever leaves FCSR.Cause alone needs it right first. An operation of the IR never does, and there it is too late. */
#define HELP(name, fmt, leaves_fcsr)                                                                                   \
  uint64_t mips_help_FPU_##name##_##fmt(void *cpu, uint64_t a, uint64_t b, uint64_t v) {                               \
    struct cpu *c = cpu;                                                                                               \
    if (leaves_fcsr) c->fpu.fcsr = mips_fcsr(c);                                                                       \
    return checked(c, mips_fpu_##name##_##fmt(&c->fpu, a, b, v));                                                      \
  }
#define X(name, fmt) HELP(name, fmt, false)
MIPS_FPU_ARITHMETIC(X)
#undef X
#define X(name, fmt) HELP(name, fmt, c->fpu.fcsr &MIPS_FCSR_ABS2008)
MIPS_FPU_SIGNS(X)
#undef X
#define X(name, fmt) HELP(name, fmt, true)
MIPS_FPU_MOVES(X)
#undef X
#define X(cond, code)                                                                                                  \
  uint64_t mips_help_FPU_c_##cond##_s(void *cpu, uint64_t a, uint64_t b, uint64_t v) {                                 \
    struct cpu *c = cpu;                                                                                               \
    return checked(c, mips_fpu_c_##cond##_s(&c->fpu, a, b, v));                                                        \
  }                                                                                                                    \
  uint64_t mips_help_FPU_c_##cond##_d(void *cpu, uint64_t a, uint64_t b, uint64_t v) {                                 \
    struct cpu *c = cpu;                                                                                               \
    return checked(c, mips_fpu_c_##cond##_d(&c->fpu, a, b, v));                                                        \
  }
MIPS_FPU_CONDS(X)
#undef X

static uint64_t compare_ps(struct mips_fpu *f, uint64_t a, uint64_t b, unsigned cond) {
  switch (cond & 15) {
#define X(cond, code)                                                                                                  \
  case code: return mips_fpu_c_##cond##_ps(f, a, b, 0);
    MIPS_FPU_CONDS(X)
#undef X
  }
  return 0;
}

/* cc must be even; an odd one counts as the even one below. */
uint64_t mips_help_FPU_C_PS(void *cpu, uint64_t a, uint64_t b, uint64_t v) {
  struct cpu *c = cpu;
  uint64_t bits = compare_ps(&c->fpu, a, b, (unsigned)v >> 3);
  if (!c->fpu.trap) {
    c->fcc[v & 6] = bits & 1;
    c->fcc[(v & 7) | 1] = bits >> 1 & 1;
  }
  return checked(c, 0);
}

uint64_t mips_help_CFC1(void *cpu, uint64_t a, uint64_t b, uint64_t v) {
  struct cpu *c = cpu;
  (void)b;
  (void)v;
  c->fpu.fcsr = mips_fcsr(c);
  changed(c);
  return (uint64_t)(int64_t)(int32_t)mips_fpu_cfc1(&c->fpu, (unsigned)a);
}

/* Unlike the others this one has changed the register when it raises (MIPS64 vol. II, CTC1). */
uint64_t mips_help_CTC1(void *cpu, uint64_t a, uint64_t b, uint64_t v) {
  struct cpu *c = cpu;
  (void)v;
  c->fpu.fcsr = mips_fcsr(c);
  mips_fpu_ctc1(&c->fpu, (unsigned)a, (uint32_t)b);
  mips_set_fcsr(c, c->fpu.fcsr);
  return checked(c, 0);
}
