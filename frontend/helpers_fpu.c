/* frontend/helpers_fpu.c: floating-point helpers: fpu.c called from generated code. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The only addition to fpu.c is the exception: an enabled one, or Unimplemented, is raised here, and the result of a
 * helper that raised is never used. */
#include "frontend/cpu.h"
#include "frontend/helpers.h"

static uint64_t checked(struct cpu *c, uint64_t v) {
  if (c->fpu.trap) mips_raise(c, EXC_FPE);
  return v;
}

#define X(name, fmt)                                                                                                   \
  uint64_t mips_help_FPU_##name##_##fmt(void *cpu, uint64_t a, uint64_t b, uint64_t v) {                               \
    struct cpu *c = cpu;                                                                                               \
    return checked(c, mips_fpu_##name##_##fmt(&c->fpu, a, b, v));                                                      \
  }
MIPS_FPU_OPS(X)
#undef X

/* clang-format off */
/* c: cond << 3 | cc */
#define COMPARE(NAME, fmt)                                                                                             \
  static uint64_t compare_##fmt(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t cond) {                           \
    switch (cond & 15) { MIPS_FPU_CONDS(CASE_##fmt) }                                                                  \
    return 0;                                                                                                          \
  }                                                                                                                    \
  uint64_t mips_help_FPU_C_##NAME(void *cpu, uint64_t a, uint64_t b, uint64_t v) {                                     \
    struct cpu *c = cpu;                                                                                               \
    uint64_t bits = compare_##fmt(&c->fpu, a, b, v >> 3);                                                              \
    if (!c->fpu.trap) set_codes_##fmt(&c->fpu, (unsigned)v & 7, bits);                                                 \
    return checked(c, 0);                                                                                              \
  }
#define CASE_s(cond, code) case code: return mips_fpu_c_##cond##_s(f, a, b, 0);
#define CASE_d(cond, code) case code: return mips_fpu_c_##cond##_d(f, a, b, 0);
#define CASE_ps(cond, code) case code: return mips_fpu_c_##cond##_ps(f, a, b, 0);
/* clang-format on */

static void set_codes_s(struct mips_fpu *f, unsigned cc, uint64_t bits) {
  mips_fpu_set_cc(f, cc, bits & 1);
}
static void set_codes_d(struct mips_fpu *f, unsigned cc, uint64_t bits) {
  mips_fpu_set_cc(f, cc, bits & 1);
}
/* cc must be even; an odd one counts as the even one below. */
static void set_codes_ps(struct mips_fpu *f, unsigned cc, uint64_t bits) {
  mips_fpu_set_cc(f, cc & 6, bits & 1);
  mips_fpu_set_cc(f, cc | 1, bits >> 1 & 1);
}
COMPARE(S, s)
COMPARE(D, d)
COMPARE(PS, ps)

uint64_t mips_help_CFC1(void *cpu, uint64_t a, uint64_t b, uint64_t v) {
  const struct cpu *c = cpu;
  (void)b;
  (void)v;
  return (uint64_t)(int64_t)(int32_t)mips_fpu_cfc1(&c->fpu, (unsigned)a);
}

/* Unlike the others this one has changed the register when it raises (MIPS64 vol. II, CTC1). */
uint64_t mips_help_CTC1(void *cpu, uint64_t a, uint64_t b, uint64_t v) {
  struct cpu *c = cpu;
  (void)v;
  mips_fpu_ctc1(&c->fpu, (unsigned)a, (uint32_t)b);
  return checked(c, 0);
}
