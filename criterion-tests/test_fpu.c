/* criterion-tests/test_fpu.c: every FPU operation, NaN rule, flag, trap and rounding mode, by hand. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Each row is one operation worked out on paper: FCSR before, operands, result, FCSR after. The exhaustive
   comparison with qemu-user was done once while writing frontend/fpu.c; these rows keep it done. */
#include "frontend/fpu.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

typedef uint64_t op_fn(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c);

enum { RN, RZ, RP, RM, FS = MIPS_FCSR_FS, N8 = MIPS_FCSR_NAN2008, A8 = MIPS_FCSR_ABS2008 };
enum { I = MIPS_FPU_I, U = MIPS_FPU_U, O = MIPS_FPU_O, Z = MIPS_FPU_Z, V = MIPS_FPU_V };

/* FCSR pieces: exception bits x raised and accumulated, raised only, enabled, already sticky. */
#define CF(x) ((x) << 12 | (x) << 2)
#define C(x)  ((x) << 12)
#define E(x)  ((x) << 7)
#define F(x)  ((x) << 2)

enum { TRAP = 1 << 30 }; /* in a row's fcsr-after: the operation traps, the result is not compared */

struct row {
  const char *name;
  op_fn *fn;
  uint32_t before;
  uint64_t a, b, c, result;
  uint32_t after; /* bits that differ from before: exceptions raised, TRAP */
};
#define R(op, before, a, b, c, result, after) {#op, mips_fpu_##op, before, a, b, c, result, after},

/* clang-format off */
#define S1    0x3f800000
#define S2    0x40000000
#define S3    0x40400000
#define SINF  0x7f800000
#define SMAX  0x7f7fffff
#define SMIN  0x00800000
#define SNAN  0x7fbfffff /* legacy default NaN; signalling in 2008 mode */
#define SNAN8 0x7fc00000 /* 2008 default NaN; signalling in legacy mode */
#define SNEG  0x80000000
#define D1    0x3ff0000000000000
#define D2    0x4000000000000000
#define D3    0x4008000000000000
#define DINF  0x7ff0000000000000
#define DMAX  0x7fefffffffffffff
#define DMIN  0x0010000000000000
#define DNAN  0x7ff7ffffffffffff
#define DNAN8 0x7ff8000000000000
#define DNEG  0x8000000000000000
#define PS(hi, lo) ((uint64_t)(hi) << 32 | (lo))

static const struct row rows[] = {
  /* ordinary values, exact and inexact, in each format */
  R(add_s, RN, S1, S2, 0, S3, 0)
  R(add_s, C(V | I) | F(Z), S1, S2, 0, S3, 0) /* Cause cleared, Flags kept */
  R(add_d, RN, D1, D2, 0, D3, 0)
  R(add_d, RN, D1, 0x3ca0000000000000, 0, D1, CF(I)) /* 1 + 2^-53: tie to even */
  R(add_ps, RN, PS(S1, S2), PS(S2, S1), 0, PS(S3, S3), 0)
  R(add_ps, RN, PS(SINF, S1), PS(0xff800000, 0x33800000), 0, PS(SNAN, S1), CF(V | I))
  R(sub_s, RN, S3, S2, 0, S1, 0)
  R(sub_d, RN, D3, D1, 0, D2, 0)
  R(sub_ps, RN, PS(S3, S1), PS(S1, S1), 0, PS(S2, 0), 0)
  R(mul_s, RN, S2, 0x3fc00000, 0, S3, 0)
  R(mul_d, RN, D2, 0x3ff8000000000000, 0, D3, 0)
  R(mul_d, RN, 0x3ff0000000000001, 0x3ff0000000000001, 0, 0x3ff0000000000002, CF(I))
  R(mul_ps, RN, PS(S2, S1), PS(S1, S3), 0, PS(S2, S3), 0)
  R(mul_ps, RN, PS(SMAX, S1), PS(S2, S1), 0, PS(SINF, S1), CF(O | I))
  R(div_s, RN, S3, S2, 0, 0x3fc00000, 0)
  R(div_s, RN, S1, S3, 0, 0x3eaaaaab, CF(I))
  R(div_d, RN, D1, D3, 0, 0x3fd5555555555555, CF(I))
  R(sqrt_s, RN, 0x40800000, 0, 0, S2, 0)
  R(sqrt_s, RN, S2, 0, 0, 0x3fb504f3, CF(I))
  R(sqrt_d, RN, 0x4010000000000000, 0, 0, D2, 0)
  R(sqrt_d, RN, D2, 0, 0, 0x3ff6a09e667f3bcd, CF(I))
  R(sqrt_d, RN, DNEG, 0, 0, DNEG, 0)
  R(recip_s, RN, S2, 0, 0, 0x3f000000, 0)
  R(recip_d, RN, D3, 0, 0, 0x3fd5555555555555, CF(I))
  R(rsqrt_s, RN, 0x40800000, 0, 0, 0x3f000000, 0)
  R(rsqrt_d, RN, 0x4010000000000000, 0, 0, 0x3fe0000000000000, 0)
  R(rsqrt_d, RN, DNEG, 0, 0, 0xfff0000000000000, CF(Z)) /* 1 / -0 */
  R(madd_s, RN, S2, S3, S1, 0x40e00000, 0)
  R(madd_d, RN, D2, D3, D1, 0x401c000000000000, 0)
  R(madd_ps, RN, PS(S1, S2), PS(S1, S3), PS(S1, S1), PS(S2, 0x40e00000), 0)
  R(msub_s, RN, S2, S3, S1, 0x40a00000, 0)
  R(msub_d, RN, D2, D3, D1, 0x4014000000000000, 0)
  R(msub_ps, RN, PS(S2, S2), PS(S1, S3), PS(S1, S1), PS(S1, 0x40a00000), 0)
  R(nmadd_s, RN, S2, S3, S1, 0xc0e00000, 0)
  R(nmadd_d, RN, D2, D3, D1, 0xc01c000000000000, 0)
  R(nmadd_ps, RN, PS(S1, S2), PS(S1, S3), PS(S1, S1), PS(0xc0000000, 0xc0e00000), 0)
  R(nmsub_s, RN, S2, S3, S1, 0xc0a00000, 0)
  R(nmsub_d, RN, D2, D3, D1, 0xc014000000000000, 0)
  R(nmsub_ps, RN, PS(S2, S2), PS(S1, S3), PS(S1, S1), PS(0xbf800000, 0xc0a00000), 0)
  /* (1+ulp)^2 - (1+2ulp): ulp^2 if fused, 0 when rounded twice */
  R(msub_d, RN, 0x3ff0000000000001, 0x3ff0000000000001, 0x3ff0000000000002, 0, CF(I))
  R(nmadd_s, RN, SNAN, S1, S1, 0xffbfffff, 0) /* the sign change reaches a NaN */

  /* the four rounding modes */
  R(div_s, RZ, S1, S3, 0, 0x3eaaaaaa, CF(I))
  R(div_s, RP, S1, S3, 0, 0x3eaaaaab, CF(I))
  R(div_s, RM, S1, S3, 0, 0x3eaaaaaa, CF(I))
  R(div_d, RZ, D1 | DNEG, D3, 0, 0xbfd5555555555555, CF(I))
  R(div_d, RP, D1 | DNEG, D3, 0, 0xbfd5555555555555, CF(I))
  R(div_d, RM, D1 | DNEG, D3, 0, 0xbfd5555555555556, CF(I))
  R(sub_d, RN, D1, D1, 0, 0, 0)
  R(sub_d, RM, D1, D1, 0, DNEG, 0)
  R(mul_d, RN, DMAX, D2, 0, DINF, CF(O | I))
  R(mul_d, RZ, DMAX, D2, 0, DMAX, CF(O | I))
  R(mul_d, RP, DMAX | DNEG, D2, 0, DMAX | DNEG, CF(O | I))
  R(mul_d, RM, DMAX | DNEG, D2, 0, 0xfff0000000000000, CF(O | I))

  /* Divide by zero, Invalid */
  R(div_s, RN, S1, SNEG, 0, 0xff800000, CF(Z))
  R(div_d, RN, 0, 0, 0, DNAN, CF(V))
  R(div_d, N8, 0, 0, 0, DNAN8, CF(V))
  R(recip_s, RN, 0, 0, 0, SINF, CF(Z))
  R(rsqrt_s, RN, 0xbf800000, 0, 0, SNAN, CF(V))
  R(sqrt_d, N8, D1 | DNEG, 0, 0, DNAN8, CF(V))
  R(mul_s, RN, SINF, 0, 0, SNAN, CF(V))
  R(sub_s, N8, SINF, SINF, 0, SNAN8, CF(V))

  /* NaN operands, legacy: always the default NaN */
  R(add_s, RN, SNAN, S1, 0, SNAN, 0)
  R(add_s, RN, 0x7f800001, S1, 0, SNAN, 0)
  R(add_s, RN, S1, 0xffc00000, 0, SNAN, CF(V))
  R(mul_d, RN, 0x7ff8000000000001, DNAN, 0, DNAN, CF(V))
  R(cvt_d_s, RN, 0x7f800001, 0, 0, DNAN, 0)
  R(cvt_d_s, RN, SNAN8, 0, 0, DNAN, CF(V))
  R(cvt_s_d, RN, DNAN8, 0, 0, SNAN, CF(V))
  /* 2008: signalling first, then quiet, a before b; made quiet, payload kept */
  R(add_s, N8, 0x7fc12345, 0xffc54321, 0, 0x7fc12345, 0)
  R(add_s, N8, 0x7fc12345, 0xff812345, 0, 0xffc12345, CF(V))
  R(add_d, N8, 0x7ff0000000000001, 0x7ff0000000000002, 0, 0x7ff8000000000001, CF(V))
  R(sqrt_d, N8, 0xfff0000000000001, 0, 0, 0xfff8000000000001, CF(V))
  R(cvt_d_s, N8, 0xff800001, 0, 0, 0xfff8000020000000, CF(V))
  R(cvt_s_d, N8, 0x7ff8000020000001, 0, 0, 0x7fc00001, 0)

  /* Underflow, detected after rounding */
  R(mul_s, RN, SMIN, 0x3f000000, 0, 0x00400000, 0) /* exact: no exception */
  R(mul_s, E(U), SMIN, 0x3f000000, 0, 0, C(U) | TRAP) /* but a trap if one is wanted */
  R(mul_s, RN, 0x00800001, 0x3f000000, 0, 0x00400000, CF(U | I))
  R(mul_s, RP, 0x00800001, 0x3f000000, 0, 0x00400001, CF(U | I))
  R(cvt_s_d, RN, 0x380ffffff0000000, 0, 0, SMIN, CF(I))    /* 24 bits would round to 2^-126: not tiny */
  R(cvt_s_d, RN, 0x380fffffe0000000, 0, 0, SMIN, CF(U | I)) /* 24 bits hold it: tiny */
  R(cvt_s_d, RM, 0x380ffffff0000000, 0, 0, 0x007fffff, CF(U | I))
  R(mul_d, RN, 1, 0x3fe0000000000000, 0, 0, CF(U | I))
  R(add_d, RN, 1, 1, 0, 2, 0) /* denormal operands are just numbers */
  /* FS: a result tiny before rounding becomes zero */
  R(mul_s, FS, SMIN, 0x3f000000, 0, 0, CF(U | I))
  R(mul_s, FS | RP, SMIN, 0x3f000000, 0, 0, CF(U | I))
  R(mul_s, FS, SMIN | SNEG, 0x3f000000, 0, SNEG, CF(U | I))
  R(cvt_s_d, FS, 0x380ffffff0000000, 0, 0, 0, CF(U | I))
  R(cvt_s_d, FS, 0x3810000000000001, 0, 0, SMIN, CF(I))
  R(sub_d, FS, 0x0010000000000001, DMIN, 0, 0, CF(U | I))
  R(madd_d, FS, DMIN, 0x3fe0000000000000, DMIN, DMIN, CF(U | I)) /* the product is flushed too */
  R(sub_d, FS, 1, 1, 0, 0, 0)
  R(mul_d, FS, 1, 0x4330000000000000, 0, DMIN, 0) /* 2^-1074 * 2^52: FS leaves operands alone */
  R(mul_s, FS | E(U), SMIN, 0x3f000000, 0, 0, C(U | I) | TRAP)

  /* traps: Cause shows, Flags do not */
  R(div_s, E(Z), S1, 0, 0, 0, C(Z) | TRAP)
  R(div_s, E(Z) | F(V), S1, 0, 0, 0, C(Z) | TRAP)
  R(div_d, E(I), D1, D3, 0, 0, C(I) | TRAP)
  R(div_d, E(V | Z | O | U), D1, D3, 0, 0x3fd5555555555555, CF(I))
  R(mul_d, E(O), DMAX, D2, 0, 0, C(O | I) | TRAP)
  R(add_s, E(V), SNAN8, S1, 0, 0, C(V) | TRAP)
  R(add_ps, E(V), PS(S1, SINF), PS(S1, 0xff800000), 0, 0, C(V) | TRAP)
  R(cvt_w_s, E(V), SINF, 0, 0, 0, C(V) | TRAP)
  R(c_lt_d, E(V), DNAN, D1, 0, 0, C(V) | TRAP)

  /* abs, neg: arithmetic, or sign moves with ABS2008 */
  R(abs_s, C(I), 0xbf800000, 0, 0, S1, 0)
  R(abs_d, RN, D1 | DNEG, 0, 0, D1, 0)
  R(abs_ps, RN, PS(0xbf800000, S2), 0, 0, PS(S1, S2), 0)
  R(abs_s, RN, SNAN8, 0, 0, SNAN, CF(V))
  R(abs_s, RN, SNAN, 0, 0, SNAN, 0)
  R(abs_s, N8 | A8, 0xff812345, 0, 0, 0x7f812345, 0)
  R(neg_s, RN, S1, 0, 0, 0xbf800000, 0)
  R(neg_s, RN, 0, 0, 0, SNEG, 0)
  R(neg_d, RN, D1, 0, 0, D1 | DNEG, 0)
  R(neg_d, E(V), DNAN8, 0, 0, 0, C(V) | TRAP)
  R(neg_d, N8, 0x7ff0000000000001, 0, 0, 0x7ff8000000000001, CF(V))
  R(neg_ps, RN, PS(S1, SNAN8), 0, 0, PS(0xbf800000, SNAN), CF(V))
  R(neg_ps, A8, PS(S1, SNAN8), 0, 0, PS(0xbf800000, 0xffc00000), 0)

  /* to integer: 2.5, -2.5, 3.5 */
  R(round_w_s, RZ, 0x40200000, 0, 0, 2, CF(I))
  R(round_w_d, RP, 0x400c000000000000, 0, 0, 4, CF(I))
  R(round_l_s, RN, 0xc0200000, 0, 0, -2ull, CF(I))
  R(round_l_d, RN, 0x4004000000000000, 0, 0, 2, CF(I))
  R(trunc_w_s, RP, 0xc0200000, 0, 0, 0xfffffffe, CF(I))
  R(trunc_w_d, RN, 0x400c000000000000, 0, 0, 3, CF(I))
  R(trunc_l_s, RN, 0x40200000, 0, 0, 2, CF(I))
  R(trunc_l_d, RN, 0xc004000000000000, 0, 0, -2ull, CF(I))
  R(ceil_w_s, RM, 0x40200000, 0, 0, 3, CF(I))
  R(ceil_w_d, RN, 0xc004000000000000, 0, 0, 0xfffffffe, CF(I))
  R(ceil_l_s, RN, 1, 0, 0, 1, CF(I))
  R(ceil_l_d, FS, 1, 0, 0, 1, CF(I))
  R(floor_w_s, RN, 0xc0200000, 0, 0, 0xfffffffd, CF(I))
  R(floor_w_d, RN, 0x4004000000000000, 0, 0, 2, CF(I))
  R(floor_l_s, RP, 0x80000001, 0, 0, -1ull, CF(I))
  R(floor_l_d, RN, 0xc004000000000000, 0, 0, -3ull, CF(I))
  R(cvt_w_s, RN, 0x40200000, 0, 0, 2, CF(I))
  R(cvt_w_s, RP, 0x40200000, 0, 0, 3, CF(I))
  R(cvt_w_d, RM, 0xc004000000000000, 0, 0, 0xfffffffd, CF(I))
  R(cvt_w_d, RZ, 0xc004000000000000, 0, 0, 0xfffffffe, CF(I))
  R(cvt_l_s, RN, 0x5effffff, 0, 0, 0x7fffff8000000000, 0)
  R(cvt_l_d, RN, 0x43dfffffffffffff, 0, 0, 0x7ffffffffffffc00, 0)
  R(cvt_l_d, RN, DNEG, 0, 0, 0, 0)
  /* the ends of the range, and Invalid beyond them */
  R(cvt_w_d, RN, 0xc1e0000000000000, 0, 0, 0x80000000, 0)
  R(cvt_w_d, RN, 0x41dfffffffe00000, 0, 0, 0x7fffffff, CF(V))
  R(trunc_w_d, RN, 0x41dfffffffe00000, 0, 0, 0x7fffffff, CF(I))
  R(cvt_w_s, RN, 0xcf000001, 0, 0, 0x7fffffff, CF(V))
  R(cvt_w_s, N8, 0xcf000001, 0, 0, 0x80000000, CF(V))
  R(cvt_w_s, N8, 0x4f000000, 0, 0, 0x7fffffff, CF(V))
  R(cvt_l_d, RN, 0xc3e0000000000000, 0, 0, DNEG, 0)
  R(cvt_l_s, RN, 0x5f000000, 0, 0, 0x7fffffffffffffff, CF(V))
  R(cvt_l_d, N8, 0xfff0000000000000, 0, 0, DNEG, CF(V))
  R(cvt_l_d, RN, DNAN, 0, 0, 0x7fffffffffffffff, CF(V))
  R(cvt_l_d, N8, DNAN8, 0, 0, 0, CF(V))

  /* to floating point */
  R(cvt_s_w, RN, 0xffffffff, 0, 0, 0xbf800000, 0)
  R(cvt_s_w, RN, 16777217, 0, 0, 0x4b800000, CF(I))
  R(cvt_s_w, RP, 16777217, 0, 0, 0x4b800001, CF(I))
  R(cvt_s_l, RN, -16777216ull, 0, 0, 0xcb800000, 0)
  R(cvt_s_l, RZ, 0x7fffffffffffffff, 0, 0, 0x5effffff, CF(I))
  R(cvt_d_w, RN, 0x80000000, 0, 0, 0xc1e0000000000000, 0)
  R(cvt_d_l, RN, 0x20000000000001, 0, 0, 0x4340000000000000, CF(I))
  R(cvt_d_l, RP, 0x20000000000001, 0, 0, 0x4340000000000001, CF(I))
  R(cvt_d_s, RN, 1, 0, 0, 0x36a0000000000000, 0)
  R(cvt_s_d, RN, D3, 0, 0, S3, 0)
  R(cvt_s_d, RN, DMAX, 0, 0, SINF, CF(O | I))
  R(cvt_s_d, RZ, DMAX, 0, 0, SMAX, CF(O | I))
  R(cvt_s_pu, C(I), PS(SNAN8, S1), 0, 0, SNAN8, 0)
  R(cvt_s_pl, C(I), PS(SNAN8, S1), 0, 0, S1, 0)
  R(cvt_ps_s, RN, SNAN8, S1, 0, PS(SNAN8, S1), 0)
};
/* clang-format on */
enum { ROWS = sizeof rows / sizeof *rows };

/* FCSR after a row: Cause replaced, Flags added, the rest as before. */
static uint32_t row_fcsr(const struct row *r) {
  return (r->before & ~(uint32_t)MIPS_FCSR_CAUSE) | (r->after & ~(uint32_t)TRAP);
}

Test(fpu, rows) {
  for (const struct row *r = rows; r < rows + ROWS; r++) {
    struct mips_fpu f = {.fcsr = r->before, .trap = 7};
    uint64_t got = r->fn(&f, r->a, r->b, r->c);
    bool trap = (r->after & TRAP) != 0;
    cr_expect(f.trap == trap && f.fcsr == row_fcsr(r) && (trap || got == r->result),
              "row %d %s %" PRIx64 " %" PRIx64 " %" PRIx64 " fcsr %x: got %" PRIx64 " fcsr %x trap %u, want %" PRIx64
              " fcsr %x trap %d",
              (int)(r - rows), r->name, r->a, r->b, r->c, r->before, got, f.fcsr, f.trap, r->result, row_fcsr(r), trap);
  }
}

/* A row for every operation of the header. */
Test(fpu, every_operation_has_a_row) {
#define NAME(name, fmt) #name "_" #fmt,
  static const char *const names[] = {MIPS_FPU_OPS(NAME)};
  for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
    bool found = false;
    for (size_t i = 0; i < ROWS; i++) found |= !strcmp(rows[i].name, names[n]);
    cr_expect(found, "%s", names[n]);
  }
}

/* One condition over the four relations and both NaN kinds, in the given format. */
static void check_condition(op_fn *fn, unsigned code, bool dbl) {
  const uint64_t one = dbl ? D1 : S1, two = dbl ? D2 : S2, zero = dbl ? DNEG : SNEG;
  const uint64_t nan = dbl ? DNAN : SNAN, nan8 = dbl ? DNAN8 : SNAN8;
  const struct {
    uint64_t a, b;
    unsigned relation;
    bool signalling; /* in legacy mode; the other way round in 2008 mode */
  } cases[] = {{one, two, 4, 0}, {two, two, 2, 0}, {0, zero, 2, 0},
               {two, one, 0, 0}, {nan, one, 1, 0}, {one, nan8, 1, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (unsigned mode = 0; mode <= 1; mode++) {
      bool invalid = (cases[i].relation & 1) && ((code & 8) || cases[i].signalling != mode);
      struct mips_fpu f = {.fcsr = (mode ? N8 : 0) | C(I)};
      uint64_t got = fn(&f, cases[i].a, cases[i].b, 0);
      cr_expect_eq(got, (code & cases[i].relation) != 0, "cond %u double %d case %zu", code, dbl, i);
      cr_expect_eq(f.fcsr, (mode ? N8 : 0) | (invalid ? CF(V) : 0), "cond %u double %d case %zu", code, dbl, i);
    }
  }
}

Test(fpu, conditions) {
#define COND(cond, code) {mips_fpu_c_##cond##_s, mips_fpu_c_##cond##_d, mips_fpu_c_##cond##_ps},
  static op_fn *const conds[16][3] = {MIPS_FPU_CONDS(COND)};
  for (unsigned code = 0; code < 16; code++) {
    check_condition(conds[code][0], code, false);
    check_condition(conds[code][1], code, true);
    struct mips_fpu f = {0}; /* upper: less; lower: equal */
    uint64_t want = (code & 4 ? 2 : 0) | (code & 2 ? 1 : 0);
    cr_expect_eq(conds[code][2](&f, PS(S1, S1), PS(S2, S1), 0), want, "cond %u ps", code);
    conds[code][2](&f, PS(SNAN, S1), PS(S2, S1), 0);
    cr_expect_eq(f.fcsr, code & 8 ? CF(V) : 0, "cond %u ps", code);
  }
}

/* Enabling Invalid turns the fast path off and changes nothing else for these operands: random
   significands with exponents around one, and whole numbers, which often give exact results. */
Test(fpu, fast_path_equals_slow_path) {
  static op_fn *const ops[] = {mips_fpu_add_d,  mips_fpu_sub_d,  mips_fpu_mul_d,  mips_fpu_div_d,  mips_fpu_sqrt_d,
                               mips_fpu_madd_d, mips_fpu_add_s,  mips_fpu_sub_s,  mips_fpu_mul_s,  mips_fpu_div_s,
                               mips_fpu_sqrt_s, mips_fpu_madd_s, mips_fpu_mul_ps, mips_fpu_cvt_s_d};
  uint64_t x = 88172645463325252;
  for (int i = 0; i < 100000; i++) {
    uint64_t v[3];
    for (int k = 0; k < 3; k++) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      v[k] = (x & 0x83ffffff83ffffff) | 0x3c0000003c000000;
      if (i & 1) v[k] &= 0xffff0000fff00000;
    }
    for (size_t n = 0; n < sizeof ops / sizeof *ops; n++) {
      struct mips_fpu fast = {.fcsr = 0}, slow = {.fcsr = E(V)};
      uint64_t q = ops[n](&fast, v[0], v[1], v[2]), s = ops[n](&slow, v[0], v[1], v[2]);
      bool trapped = slow.trap && (fast.fcsr & CF(V)) == CF(V);
      cr_assert(trapped || (q == s && (fast.fcsr | E(V)) == slow.fcsr), "op %zu %" PRIx64 " %" PRIx64 " %" PRIx64, n,
                v[0], v[1], v[2]);
    }
  }
}

Test(fpu, control_registers) {
  struct mips_fpu f = {.fcsr_rw = 0xff83ffff, .fir = 0x00f30000};
  mips_fpu_ctc1(&f, 31, 0xffffffff & ~(uint32_t)(MIPS_FCSR_CAUSE));
  cr_expect_eq(f.fcsr, 0xff800fff);
  cr_expect_eq(mips_fpu_cfc1(&f, 0), 0x00f30000);
  cr_expect_eq(mips_fpu_cfc1(&f, 25), 0xff);
  cr_expect_eq(mips_fpu_cfc1(&f, 26), 0x7c);
  cr_expect_eq(mips_fpu_cfc1(&f, 28), 0xf87);
  cr_expect_eq(mips_fpu_cfc1(&f, 31), 0xff800fff);
  cr_expect_eq(mips_fpu_cfc1(&f, 7), 0);
  mips_fpu_ctc1(&f, 0, 0);
  cr_expect_eq(f.fir, 0x00f30000);
  mips_fpu_ctc1(&f, 25, 0x81); /* FCC7 and FCC0 */
  cr_expect_eq(f.fcsr, 0x81800fff);
  mips_fpu_ctc1(&f, 28, 0x001); /* no enables, FS off, RZ */
  cr_expect_eq(f.fcsr, 0x8080007d);
  mips_fpu_ctc1(&f, 26, 0x0001f000 | F(I));
  cr_expect_eq(f.fcsr, 0x8081f005);
  cr_expect_eq(f.trap, 0);
  mips_fpu_ctc1(&f, 28, E(O));
  cr_expect_eq(f.trap, 1, "Cause.O and its enable");
  mips_fpu_ctc1(&f, 31, 0);
  cr_expect_eq(f.trap, 0);
  mips_fpu_ctc1(&f, 26, MIPS_FPU_E << 12);
  cr_expect_eq(f.trap, 1, "Cause.E needs no enable");
}

Test(fpu, condition_codes) {
  for (unsigned n = 0; n < 8; n++) {
    struct mips_fpu f = {.fcsr = MIPS_FCSR_FS};
    mips_fpu_set_cc(&f, n, 1);
    cr_expect_eq(f.fcsr, MIPS_FCSR_FS | (n ? 1u << (24 + n) : 1u << 23));
    cr_expect_eq(mips_fpu_cc(&f, n), 1);
    cr_expect_eq(mips_fpu_cfc1(&f, 25), 1u << n);
    mips_fpu_set_cc(&f, n, 0);
    cr_expect_eq(f.fcsr, MIPS_FCSR_FS);
  }
}
