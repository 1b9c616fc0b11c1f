/* criterion-tests/test_fpu_inline.c: floating point as generated code does it is fpu.c's, to the last bit of FCSR. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Each operation on all pairs of edge values, in all rounding modes, with and without enables, FS and Flags; and random
 * programs, against a machine on which no ordinary case is ever taken. */
#include "criterion-tests/encode.h"
#include "criterion-tests/harness.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

enum { CODE_AT = 0x10000, DATA = 0x20000, DATA_SIZE = 0x400, S = 16, D = 17, W = 20 };
enum { FD = 2, FS = 4, FT = 6, FR = 8 };
/* Constant expressions. */
#define FIELDS(op, rs, rt, rd, sa, funct)                                                                              \
  ((unsigned)(op) << 26 | (unsigned)(rs) << 21 | (unsigned)(rt) << 16 | (unsigned)(rd) << 11 | (unsigned)(sa) << 6 |   \
   (unsigned)(funct))
#define COP1(fmt, ft, fs, fd, funct)  FIELDS(0x11, fmt, ft, fs, fd, funct)
#define COP1X(fr, ft, fs, fd, funct)  FIELDS(0x13, fr, ft, fs, fd, funct)
#define C_COND(fmt, ft, fs, cc, cond) COP1(fmt, ft, fs, (unsigned)(cc) << 2, 0x30 | (cond))

/* --- one operation --- */

typedef uint64_t op_fn(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c);
static const struct row {
  const char *name;
  uint32_t word;
  op_fn *fn;
  uint8_t from; /* S, D, W */
  uint8_t to;   /* bytes of the result; 0: condition code 3 */
} rows[] = {
#define ROW_SD(name, funct)                                                                                            \
  {#name "_s", COP1(S, FT, FS, FD, funct), mips_fpu_##name##_s, S, 4},                                                 \
      {#name "_d", COP1(D, FT, FS, FD, funct), mips_fpu_##name##_d, D, 8},
#define ROW_4(name, funct)                                                                                             \
  {#name "_s", COP1X(FR, FT, FS, FD, funct), mips_fpu_##name##_s, S, 4},                                               \
      {#name "_d", COP1X(FR, FT, FS, FD, (funct) + 1), mips_fpu_##name##_d, D, 8},
#define X(cond, code)                                                                                                  \
  {"c_" #cond "_s", C_COND(S, FT, FS, 3, code), mips_fpu_c_##cond##_s, S, 0},                                          \
      {"c_" #cond "_d", C_COND(D, FT, FS, 3, code), mips_fpu_c_##cond##_d, D, 0},
    ROW_SD(add, 0) ROW_SD(sub, 1) ROW_SD(mul, 2) ROW_SD(div, 3) ROW_4(madd, 0x20) ROW_4(msub, 0x28) ROW_4(nmadd, 0x30)
        ROW_4(nmsub, 0x38) MIPS_FPU_CONDS(X)
#undef X
};
static const struct row unary[] = {
#define UNARY(name, fmt, to, funct) {#name, COP1(fmt, 0, FS, FD, funct), mips_fpu_##name, fmt, to},
    UNARY(sqrt_s, S, 4, 4) UNARY(sqrt_d, D, 8, 4) UNARY(abs_s, S, 4, 5) UNARY(abs_d, D, 8, 5) UNARY(neg_s, S, 4, 7)
        UNARY(neg_d, D, 8, 7) UNARY(trunc_w_s, S, 4, 0x0d) UNARY(trunc_w_d, D, 4, 0x0d) UNARY(cvt_s_d, D, 4, 0x20)
            UNARY(cvt_s_w, W, 4, 0x20) UNARY(cvt_d_s, S, 8, 0x21) UNARY(cvt_d_w, W, 8, 0x21) UNARY(cvt_w_s, S, 4, 0x24)
                UNARY(cvt_w_d, D, 4, 0x24)};

static const uint64_t doubles[] = {
    0,
    UINT64_C(0x8000000000000000), /* -0 */
    UINT64_C(0x3ff0000000000000), /* 1 */
    UINT64_C(0xbff0000000000000),
    UINT64_C(0x3ff8000000000000), /* 1.5 */
    UINT64_C(0x4010000000000000), /* 4 */
    UINT64_C(0x3fefffffffffffff), /* just below 1: times the smallest normal is tiny, and rounds up to it */
    UINT64_C(0x3fd5555555555555), /* 1/3 */
    UINT64_C(0xc00921fb54442d18), /* -pi */
    UINT64_C(0x4340000000000001), /* 2^53 + 2 */
    UINT64_C(0x41dfffffffe00000), /* 2^31 - 0.5 */
    UINT64_C(0xc1e0000000000000), /* -2^31 */
    UINT64_C(0x41e0000000000000), /* 2^31 */
    UINT64_C(0x0000000000000001), /* smallest denormal */
    UINT64_C(0x800fffffffffffff), /* largest denormal, negative */
    UINT64_C(0x0010000000000000), /* smallest normal */
    UINT64_C(0x8010000000000001),
    UINT64_C(0x0020000000000000),
    UINT64_C(0x0030000000000000),
    UINT64_C(0x1ff5555555555555), /* squares to something small */
    UINT64_C(0x7fefffffffffffff), /* largest */
    UINT64_C(0xffdfffffffffffff),
    UINT64_C(0x5fe6a09e667f3bcd), /* squares to about the largest */
    UINT64_C(0x7ff0000000000000), /* infinity */
    UINT64_C(0xfff0000000000000),
    UINT64_C(0x7ff7ffffffffffff), /* a quiet NaN, then a signalling one; in 2008 mode the other way round */
    UINT64_C(0xfff8000000000001),
    UINT64_C(0x47efffffe0000000), /* the largest single */
    UINT64_C(0x47effffff0000000), /* rounds to infinity as a single */
    UINT64_C(0x3810000000000000), /* the smallest normal single */
    UINT64_C(0x380fffffffffffff),
    UINT64_C(0x36a0000000000000), /* the smallest denormal single */
};
static const uint64_t singles[] = {
    0,          0x80000000, 0x3f800000, 0xbf800000, 0x3fc00000, 0x3f7fffff, 0x40800000,
    0x3eaaaaab, 0xc0490fdb, 0x4b800001, 0x4effffff, 0xcf000000, 0x4f000000, 0x00000001,
    0x807fffff, 0x00800000, 0x80800001, 0x01000000, 0x01800000, 0x1faaaaaa, 0x7f7fffff,
    0xfeffffff, 0x5f3504f3, 0x7f800000, 0xff800000, 0x7fbfffff, 0xffc00001, 0x42c80000,
};
static const uint64_t words[] = {0,         1,          0xffffffff, 16777216,   16777217,
                                 123456789, 0x7fffffff, 0x80000000, 0x80000001, 0xff000001};

struct edges {
  const uint64_t *value;
  unsigned n;
};
static struct edges edges(unsigned fmt) {
  if (fmt == D) return (struct edges){doubles, sizeof doubles / sizeof *doubles};
  if (fmt == S) return (struct edges){singles, sizeof singles / sizeof *singles};
  return (struct edges){words, sizeof words / sizeof *words};
}

static struct rig *rig;
static uint32_t status;

static void begin(const char *model) {
  rig = rig_new(model, false);
  status = rig->cpu->cp0.status | ST_CU1 | ST_FR;
  rig_status(rig, status);
}
static void end(void) {
  rig_free(rig);
  rig = NULL;
}

static const uint64_t OLD = UINT64_C(0x1122334455667788);

/* Run the operation, whose block is at `at`, and hold it against fpu.c. */
static void check(const struct row *r, uint64_t at, uint32_t fcsr, const uint64_t v[3]) {
  struct cpu *c = rig->cpu;
  struct mips_fpu f = c->fpu;
  f.fcsr = fcsr;
  uint64_t want = r->fn(&f, v[0], v[1], v[2]);
  if (!r->to && !f.trap) mips_fpu_set_cc(&f, 3, want & 1);
  if (!r->to || f.trap) want = OLD;
  if (r->to == 4 && !f.trap) want = (OLD & ~UINT64_C(0xffffffff)) | (uint32_t)want;
  c->fpr[FD] = OLD, c->fpr[FS] = v[0], c->fpr[FT] = v[1], c->fpr[FR] = v[2];
  if (r->from != D) c->fpr[FS] |= OLD << 32, c->fpr[FT] |= OLD << 32, c->fpr[FR] |= OLD << 32;
  mips_set_fcsr(c, fcsr);
  rig_go(rig, KSEG0(at));
  rig_run(rig, 3);
  int exception = rig_exception(rig);
  cr_assert(exception == (f.trap ? EXC_FPE : -1) && c->fpr[FD] == want && mips_fcsr(c) == f.fcsr,
            "%s %#" PRIx64 " %#" PRIx64 " %#" PRIx64 " fcsr %#x: got %#" PRIx64 " fcsr %#x exception %d, want %#" PRIx64
            " fcsr %#x trap %u",
            r->name, v[0], v[1], v[2], fcsr, c->fpr[FD], mips_fcsr(c), exception, want, f.fcsr, f.trap);
  if (exception >= 0) rig_status(rig, status);
}

/* All that FCSR can say: rounding, FS, enables, Flags; Cause and a condition code are to be replaced and kept. */
static unsigned modes(uint32_t fcsr[], uint32_t fixed) {
  static const uint8_t enables[] = {0, 1, 2, 4, 8, 16, 31};
  unsigned n = 0;
  for (unsigned i = 0; i < 4 * 2 * 2 * sizeof enables; i++) {
    uint32_t flags = i & 1 ? 4 : i & 2 ? 0x78 : 0;
    fcsr[n++] = fixed | (i >> 1 & 3) | flags | (i >> 3 & 1 ? MIPS_FCSR_FS : 0) |
                (uint32_t)enables[(i >> 4) % sizeof enables] << MIPS_FCSR_ENABLES_SHIFT | 1u << (12 + i % 5) |
                MIPS_FCSR_FCC0 | (i & 1 ? 0 : 1u << 27);
  }
  return n;
}

static uint64_t place(const struct row *r, unsigned i) {
  uint64_t at = CODE_AT + 16 * i;
  RIG_CODE_AT(rig, at, r->word, B(-1), NOP);
  return at;
}

static void all_edges(const char *model) {
  uint32_t mode[256];
  begin(model);
  unsigned n_modes = modes(mode, rig->cpu->fpu.fcsr & (MIPS_FCSR_NAN2008 | MIPS_FCSR_ABS2008));
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint64_t at = place(&rows[i], i);
    struct edges e = edges(rows[i].from);
    for (unsigned a = 0; a < e.n; a++)
      for (unsigned b = 0; b < e.n; b++)
        for (unsigned m = (a + b) % 3; m < n_modes; m += m % 16 == 1 ? 1 : 3) /* all of those with the fast path */
          check(&rows[i], at, mode[m], (uint64_t[]){e.value[a], e.value[b], e.value[(a + 5 * b + m) % e.n]});
  }
  end();
}

Test(fpu_inline, all_pairs_of_edges_in_all_modes) {
  all_edges("MIPS64R2-full");
}

Test(fpu_inline, all_edges_of_operations_with_one_operand) {
  uint32_t mode[256];
  begin("MIPS64R2-full");
  unsigned n_modes = modes(mode, 0);
  for (unsigned i = 0; i < sizeof unary / sizeof *unary; i++) {
    uint64_t at = place(&unary[i], i);
    struct edges e = edges(unary[i].from);
    for (unsigned a = 0; a < e.n; a++)
      for (unsigned m = 0; m < n_modes; m++) check(&unary[i], at, mode[m], (uint64_t[]){e.value[a], 0, 0});
  }
  end();
}

/* Ordinary numbers, whose results are exact now and then. */
Test(fpu_inline, ordinary_numbers) {
  uint64_t seed = rig_setting("MB_SEED", 3);
  begin("MIPS64R2-full");
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint64_t at = place(&rows[i], i);
    for (unsigned n = 0; n < 3000; n++) {
      uint64_t v[3];
      for (int k = 0; k < 3; k++) {
        v[k] = rig_random(&seed);
        v[k] = rows[i].from == D ? (v[k] & UINT64_C(0x80ffffffffffffff)) | UINT64_C(0x3f80000000000000)
                                 : (v[k] & 0x87ffffff) | 0x3c000000;
        if (n & 1) v[k] &= rows[i].from == D ? UINT64_C(0xffffff0000000000) : 0xfff00000;
      }
      check(&rows[i], at, n & 2 ? 0x14 : 4, v);
    }
  }
  end();
}

/* --- random programs --- */

static struct rig *machine[3]; /* eval, stencil, and one in which nothing is ordinary */

/* For so long, or until it has raised and stays at the vector. */
static void slowly(struct rig *r, uint64_t cycles) {
  uint64_t until = rig_now(r) + cycles;
  while (rig_now(r) < until && rig_exception(r) < 0) {
    r->cpu->j.fp.ready = 0;
    rig_run(r, 1);
  }
}

static void same(int round, const char *what) {
  static uint8_t memory[2][DATA_SIZE];
  const struct cpu *a = machine[0]->cpu;
  rig_read(machine[0], DATA, memory[0], DATA_SIZE);
  for (int m = 1; m < 3; m++) {
    const struct cpu *b = machine[m]->cpu;
    rig_read(machine[m], DATA, memory[1], DATA_SIZE);
    cr_assert(a->j.pc == b->j.pc && a->cp0.epc == b->cp0.epc && mips_fcsr(a) == mips_fcsr(b) &&
                  !memcmp(a->fpr, b->fpr, sizeof a->fpr) && !memcmp(a->gpr, b->gpr, sizeof a->gpr) &&
                  !memcmp(memory[0], memory[1], DATA_SIZE),
              "%s, round %d: machine %d differs: pc %#" PRIx64 " %#" PRIx64 ", fcsr %#x %#x", what, round, m, a->j.pc,
              b->j.pc, mips_fcsr(a), mips_fcsr(b));
  }
}

static uint32_t random_insn(uint64_t *seed, bool wide) {
  unsigned d = rig_below(seed, 12), s = rig_below(seed, 12), t = rig_below(seed, 12), fmt = D - rig_below(seed, 2);
  unsigned gpr = 8 + rig_below(seed, 4);
  int offset = 8 * (int)rig_below(seed, 64);
  static const uint8_t two[] = {0, 1, 2, 3, 0, 2}, four[] = {0x20, 0x28, 0x30, 0x38}, one[] = {4, 5, 6, 7, 0x0d, 0x24};
  switch (rig_below(seed, wide ? 25 : 23)) {
  case 0:
  case 1:
  case 2:
  case 3:
  case 4: return COP1(fmt, t, s, d, two[rig_below(seed, sizeof two)]);
  case 5:
  case 6: return COP1X(rig_below(seed, 12), t, s, d, four[rig_below(seed, sizeof four)] + (fmt == D));
  case 7: return COP1(fmt, 0, s, d, one[rig_below(seed, sizeof one)]);
  case 8: return COP1(S, 0, s, d, 0x21);                       /* cvt.d.s */
  case 9: return COP1(D, 0, s, d, 0x20);                       /* cvt.s.d */
  case 10: return COP1(W, 0, s, d, 0x20 + rig_below(seed, 2)); /* cvt.s.w, cvt.d.w */
  case 11: return C_COND(fmt, t, s, rig_below(seed, 8), rig_below(seed, 16));
  case 12: return COP1(fmt, rig_below(seed, 8) << 2 | rig_below(seed, 2), s, d, 0x11); /* movf, movt */
  case 13: return COP1(fmt, gpr, s, d, 0x12 + rig_below(seed, 2));                     /* movz, movn */
  case 14: return LDC1(d, rig_below(seed, 20) ? offset : offset + 4, 30);              /* some raise */
  case 15: return LWC1(d, offset + 4, 30);
  case 16: return SDC1(s, offset, 30);
  case 17: return enc_i(0x39, 30, s, offset + 4 * (int)rig_below(seed, 2)); /* swc1 */
  case 18: return MTC1(gpr, d);
  case 19: return MTHC1(gpr, d);
  case 20: return COP1(0, gpr, s, 0, 0); /* mfc1 */
  case 21: return CFC1(gpr, 31);
  case 22: return rig_below(seed, 4) ? NOP : CTC1(12 + rig_below(seed, 5), 31); /* registers with suitable values */
  case 23: return COP1(S, t, s, d, 0x26);                                       /* cvt.ps.s */
  default: return ADDIU(gpr, gpr, offset - 200);
  }
}

static void random_program(uint64_t *seed, uint64_t at, bool wide) {
  uint32_t word[100];
  unsigned n = 0;
  while (n < 90) {
    if (rig_below(seed, 10) == 0)
      word[n++] = 0x45000000u | rig_below(seed, 32) << 16 | (1 + rig_below(seed, 4)); /* bc1 */
    word[n++] = random_insn(seed, wide);
  }
  for (int i = 0; i < 6; i++) word[n++] = NOP;
  word[n++] = J(KSEG0(at));
  word[n++] = NOP;
  for (int m = 0; m < 3; m++) rig_code(machine[m], at, word, n);
}

static void random_state(uint64_t *seed, bool fr) {
  struct cpu *a = machine[0]->cpu;
  for (int i = 0; i < 32; i++) {
    bool single = rig_below(seed, 2);
    struct edges e = edges(single ? S : D);
    uint64_t v = e.value[rig_below(seed, e.n)];
    if (rig_below(seed, 3))
      v = single ? 0x3f800000 + (rig_random(seed) & 0x80ffffff)
                 : UINT64_C(0x3ff0000000000000) + (rig_random(seed) >> 12);
    a->fpr[i] = single ? v << 32 | e.value[rig_below(seed, e.n)] : v;
  }
  a->gpr[12] = 0, a->gpr[13] = 4, a->gpr[14] = 4 + (uint64_t)rig_below(seed, 4), a->gpr[15] = MIPS_FCSR_FS | 4;
  a->gpr[16] = 4 | (rig_random(seed) & MIPS_FCSR_ENABLES);
  for (int m = 0; m < 3; m++) {
    struct cpu *c = machine[m]->cpu;
    rig_status(machine[m], fr ? status | ST_FR : status & ~(uint32_t)ST_FR);
    memcpy(c->fpr, a->fpr, sizeof c->fpr);
    memcpy(c->gpr, a->gpr, sizeof c->gpr);
    c->gpr[30] = KSEG0(DATA);
    mips_set_fcsr(c, rig_below(&(uint64_t){*seed}, 4) ? 4 : 0);
    rig_go(machine[m], RIG_CODE);
  }
}

static void random_programs(const char *model, bool fr) {
  uint64_t seed = rig_setting("MB_SEED", 11);
  static const enum jit_tier tier[3] = {JIT_EVAL, JIT_STENCIL, JIT_EVAL};
  if (!jit_has_tier(JIT_STENCIL)) cr_skip("this build has no stencil tier");
  for (int m = 0; m < 3; m++) machine[m] = rig_new_in(model, false, tier[m]);
  status = machine[0]->cpu->cp0.status | ST_CU1;
  int raised = 0;
  for (int round = 0; round < 300; round++) {
    random_program(&seed, CODE_AT, fr);
    random_state(&seed, fr);
    for (int slice = 0; slice < 12 && rig_exception(machine[0]) < 0; slice++) {
      unsigned cycles = 1 + rig_below(&seed, 60);
      uint64_t begun = rig_now(machine[0]);
      rig_run(machine[0], cycles);
      rig_run(machine[1], cycles);
      slowly(machine[2], rig_now(machine[0]) - begun);
      same(round, model);
    }
    raised += rig_exception(machine[0]) >= 0;
  }
  cr_assert(raised > 50 && raised < 250, "%d of 300 programs raised", raised);
  for (int m = 0; m < 3; m++) rig_free(machine[m]);
}

Test(fpu_inline, random_programs_with_64_bit_registers) {
  random_programs("MIPS64R2-full", true);
}
Test(fpu_inline, random_programs_with_pairs_of_registers) {
  random_programs("24Kf", false);
}
