/* guests/bare/fpu.c: IEEE flags, rounding modes, traps, compares, conversions, register models (FR). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

#define HARD ".set push\n\t.set hardfloat\n\t.set noat\n\t"
static uint32_t fcsr(void) {
  uint32_t v;
  __asm__ volatile(HARD "cfc1 %0, $31\n\t.set pop" : "=r"(v));
  return v;
}
static void set_fcsr(uint32_t v) {
  __asm__ volatile(HARD TRY("ctc1 %0, $31\n\tnop") ".set pop" : : "r"(v) : "$8", "memory");
}

/* Operations: bits in memory, through $f2, $f4, result $f6; every one may trap. */
#define SINGLE(id, insn)                                                                                               \
  static void id(void *a, void *b, void *r) {                                                                          \
    __asm__ volatile(HARD "lwc1 $f2, 0(%0)\n\tlwc1 $f4, 0(%1)\n\t" TRY(insn) "swc1 $f6, 0(%2)\n\t.set pop"             \
                     :                                                                                                 \
                     : "r"(a), "r"(b), "r"(r)                                                                          \
                     : "$8", "memory");                                                                                \
  }
#define DOUBLE(id, insn)                                                                                               \
  static void id(void *a, void *b, void *r) {                                                                          \
    __asm__ volatile(HARD "ldc1 $f2, 0(%0)\n\tldc1 $f4, 0(%1)\n\t" TRY(insn) "sdc1 $f6, 0(%2)\n\t.set pop"             \
                     :                                                                                                 \
                     : "r"(a), "r"(b), "r"(r)                                                                          \
                     : "$8", "memory");                                                                                \
  }
#define SINGLES(X)                                                                                                     \
  X(add_s, "add.s $f6, $f2, $f4")                                                                                      \
  X(sub_s, "sub.s $f6, $f2, $f4")                                                                                      \
  X(mul_s, "mul.s $f6, $f2, $f4")                                                                                      \
  X(div_s, "div.s $f6, $f2, $f4")                                                                                      \
  X(sqrt_s, "sqrt.s $f6, $f2")                                                                                         \
  X(cvt_w_s, "cvt.w.s $f6, $f2")                                                                                       \
  X(trunc_w_s, "trunc.w.s $f6, $f2") X(floor_w_s, "floor.w.s $f6, $f2") X(ceil_w_s, "ceil.w.s $f6, $f2")               \
      X(round_w_s, "round.w.s $f6, $f2") X(cvt_s_w, "cvt.s.w $f6, $f2") X(neg_s, "neg.s $f6, $f2")                     \
          X(abs_s, "abs.s $f6, $f2")
#define DOUBLES(X)                                                                                                     \
  X(add_d, "add.d $f6, $f2, $f4")                                                                                      \
  X(sub_d, "sub.d $f6, $f2, $f4")                                                                                      \
  X(mul_d, "mul.d $f6, $f2, $f4") X(div_d, "div.d $f6, $f2, $f4") X(sqrt_d, "sqrt.d $f6, $f2")
SINGLES(SINGLE)
DOUBLES(DOUBLE)

#define ROW(id, insn) {#id, id},
static const struct {
  const char *name;
  void (*run)(void *, void *, void *);
} singles[] = {SINGLES(ROW)}, doubles[] = {DOUBLES(ROW)};

/* Bits: 1, 3, 0.1, -2.5, max, min normal, denormal, 0, -0, inf, -inf; then quiet and signalling NaN (legacy MIPS). */
static uint32_t values32[] = {0x3f800000, 0x40400000, 0x3dcccccd, 0xc0200000, 0x7f7fffff, 0x00800000, 0x00000001,
                              0x00000000, 0x80000000, 0x7f800000, 0xff800000, 0x4f000000, 0x7fbfffff, 0x7fffffff};
static uint64_t values64[] = {0x3ff0000000000000, 0x4008000000000000, 0x3fb999999999999a, 0xc004000000000000,
                              0x7fefffffffffffff, 0x0010000000000000, 0x0000000000000001, 0x0000000000000000,
                              0x8000000000000000, 0x7ff0000000000000, 0xfff0000000000000, 0x41e0000000000000,
                              0x7ff7ffffffffffff, 0x7fffffffffffffff};
enum { VALUES = sizeof values32 / sizeof *values32 };

static uint32_t mix(uint32_t h, uint32_t v) {
  return (h ^ v) * 16777619u + 1;
}

/* All pairs in one rounding mode: a digest per operation, and in nearest mode some results in full. */
static void arithmetic(unsigned mode) {
  for (unsigned op = 0; op < sizeof singles / sizeof *singles; op++) {
    uint32_t h = mode, r;
    for (unsigned i = 0; i < VALUES; i++)
      for (unsigned k = 0; k < VALUES; k++) {
        set_fcsr(mode);
        r = 0;
        singles[op].run(&values32[i], &values32[k], &r);
        h = mix(mix(h, r), fcsr() & 0x1f07f);
        if (!mode && k == 1)
          REPORT(singles[op].name, "%08x %08x = %08x flags %x", values32[i], values32[k], r, fcsr() >> 2 & 31);
      }
    REPORT(singles[op].name, "mode %u digest %08x", mode, h);
  }
  for (unsigned op = 0; op < sizeof doubles / sizeof *doubles; op++) {
    uint32_t h = mode;
    uint64_t r;
    for (unsigned i = 0; i < VALUES; i++)
      for (unsigned k = 0; k < VALUES; k++) {
        set_fcsr(mode);
        r = 0;
        doubles[op].run(&values64[i], &values64[k], &r);
        h = mix(mix(mix(h, (uint32_t)r), (uint32_t)(r >> 32)), fcsr() & 0x1f07f);
      }
    REPORT(doubles[op].name, "mode %u digest %08x", mode, h);
  }
}

static void trapping(void) {
  static const struct {
    const char *name;
    unsigned op, a, b, enable;
  } cases[] = {{"divide-by-zero", 3, 0, 7, 8}, {"invalid", 3, 7, 7, 16}, {"overflow", 2, 4, 1, 4},
               {"inexact", 3, 0, 1, 1},        {"exact", 0, 0, 1, 31},   {"sqrt-negative", 4, 3, 0, 16},
               {"other-enabled", 3, 0, 7, 16}};
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint32_t r = 0x5a5a5a5a;
    unsigned before = traps;
    set_fcsr(cases[i].enable << 7);
    __asm__ volatile(HARD "mtc1 %0, $f6\n\t.set pop" : : "r"(r));
    singles[cases[i].op].run(&values32[cases[i].a], &values32[cases[i].b], &r);
    trap_resume = 0;
    REPORT(cases[i].name, "trapped %u code %u result %08x cause %x flags %x", traps - before,
           traps == before ? 0 : trap_code(&caught), r, fcsr() >> 12 & 63, fcsr() >> 2 & 31);
  }
  unsigned before = traps;
  set_fcsr(16u << 12 | 16u << 7); /* writing a cause bit that is enabled traps at once */
  trap_resume = 0;
  REPORT("ctc1", "trapped %u code %u fcsr %x", traps - before, trap_code(&caught), fcsr() & 0x3f000);
  set_fcsr(0);
}

static void compares(void) {
#define COMPARE(cond)                                                                                                  \
  {                                                                                                                    \
    char line[VALUES + 1] = "";                                                                                        \
    uint32_t flags = 0;                                                                                                \
    for (unsigned i = 0; i < VALUES; i++) {                                                                            \
      uint32_t taken = 0;                                                                                              \
      set_fcsr(0);                                                                                                     \
      __asm__ volatile(HARD "lwc1 $f2, 0(%1)\n\tlwc1 $f4, 0(%2)\n\tc." cond ".s $fcc1, $f2, $f4\n\t"                   \
                            "li %0, 1\n\tmovf %0, $0, $fcc1\n\t.set pop"                                               \
                       : "=&r"(taken)                                                                                  \
                       : "r"(&values32[i]), "r"(&values32[0])                                                          \
                       : "memory");                                                                                    \
      line[i] = (char)('0' + taken);                                                                                   \
      flags = flags << 1 | (fcsr() >> 6 & 1);                                                                          \
    }                                                                                                                  \
    REPORT("compare", cond " %s invalid %x", line, flags);                                                             \
  }
  COMPARE("f")
  COMPARE("un")
  COMPARE("eq")
  COMPARE("ueq")
  COMPARE("olt")
  COMPARE("ult")
  COMPARE("ole") COMPARE("ule") COMPARE("sf") COMPARE("ngle") COMPARE("seq") COMPARE("ngl") COMPARE("lt") COMPARE("nge")
      COMPARE("le") COMPARE("ngt")
}

static void registers(void) {
  uint32_t fir, low, high;
  __asm__ volatile(HARD "cfc1 %0, $0\n\t.set pop" : "=r"(fir));
  REPORT("fir", "S %u D %u W %u L %u F64 %u", fir >> 16 & 1, fir >> 17 & 1, fir >> 20 & 1, fir >> 21 & 1,
         fir >> 22 & 1);
  /* FR = 0: an odd register is the upper half of the even one below it. */
  __asm__ volatile(HARD "mtc1 %2, $f0\n\tmtc1 %3, $f1\n\tmov.d $f2, $f0\n\tmfc1 %0, $f2\n\tmfc1 %1, $f3\n\t.set pop"
                   : "=r"(low), "=r"(high)
                   : "r"(0x11111111), "r"(0x22222222));
  REPORT("fr0", "%08x %08x", low, high);
  if (!(fir >> 22 & 1)) return;
  status_change(0, STATUS_FR);
  __asm__ volatile(HARD ".set fp=64\n\tmtc1 %2, $f0\n\tmthc1 %3, $f0\n\tmtc1 $0, $f1\n\tmov.d $f3, $f0\n\t"
                        "mfc1 %0, $f3\n\tmfhc1 %1, $f3\n\t.set pop"
                   : "=r"(low), "=r"(high)
                   : "r"(0x33333333), "r"(0x44444444));
  REPORT("fr1", "%08x %08x", low, high);
  status_change(STATUS_FR, 0);
}

void program(void) {
  if (!(get32(CP0_CONFIG1) & 1)) {
    REPORT("fpu", "absent");
    return;
  }
  status_change(STATUS_FR, STATUS_CU1);
  registers();
  for (unsigned mode = 0; mode < 4; mode++) arithmetic(mode);
  trapping();
  compares();
}
