/* frontend/fpu.c: MIPS floating-point arithmetic, done on the host's FPU. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the arithmetic behind frontend/fpu.h. add sub mul div sqrt and the conversions to floating
   point run on the host's FPU; float to integer, compare, abs and neg are integer code. Host and MIPS
   agree on all but NaNs and tiny results: a NaN the host makes becomes the mode's default NaN, and NaN
   operands are settled by nan_result().
   Invariants: the host rounds to nearest with all traps masked and no FTZ/DAZ between calls; a guest
   operation calls finish() once; exc holds enum mips_fpu_exc bits.
   The ordinary case (nearest, no enables, result well inside the normal range) does not touch MXCSR:
   fast_arith() finds its one possible exception, Inexact, by exact arithmetic.
   A host that detects tininess before rounding (Arm) would also report Underflow for an inexact result
   that rounds up to the smallest normal number; x86-64 and MIPS detect it after (R4000 UM 7.4). */
#include "frontend/fpu.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

__extension__ typedef unsigned __int128 u128;

enum fmt { FMT_S, FMT_D };
enum op { OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_SQRT };
enum rounding { ROUND_NEAREST, ROUND_ZERO, ROUND_UP, ROUND_DOWN };

static inline unsigned frac_bits(enum fmt fmt) {
  return fmt == FMT_D ? 52 : 23;
}
static inline unsigned exp_max(enum fmt fmt) {
  return fmt == FMT_D ? 0x7ff : 0xff;
}
static inline uint64_t sign_bit(enum fmt fmt) {
  return fmt == FMT_D ? 1ull << 63 : 1ull << 31;
}
static inline uint64_t min_normal(enum fmt fmt) {
  return 1ull << frac_bits(fmt);
}
static inline uint64_t infinity(enum fmt fmt) {
  return (uint64_t)exp_max(fmt) << frac_bits(fmt);
}
static inline uint64_t one(enum fmt fmt) {
  return (uint64_t)(exp_max(fmt) >> 1) << frac_bits(fmt);
}
static inline uint64_t magnitude(enum fmt fmt, uint64_t v) {
  return v & (sign_bit(fmt) - 1);
}

static inline unsigned exponent(enum fmt fmt, uint64_t v) {
  return (v >> frac_bits(fmt)) & exp_max(fmt);
}

/* The significand of a normal number, with its leading one. */
static inline uint64_t mantissa(enum fmt fmt, uint64_t v) {
  return (v & (min_normal(fmt) - 1)) | min_normal(fmt);
}

static inline bool is_nan(enum fmt fmt, uint64_t v) {
  return magnitude(fmt, v) > infinity(fmt);
}

static inline float float_of(uint64_t v) {
  float x;
  uint32_t w = (uint32_t)v;
  memcpy(&x, &w, sizeof x);
  return x;
}

static inline double double_of(uint64_t v) {
  double x;
  memcpy(&x, &v, sizeof x);
  return x;
}

static inline uint64_t bits_s(float x) {
  uint32_t w;
  memcpy(&w, &x, sizeof w);
  return w;
}

static inline uint64_t bits_d(double x) {
  uint64_t v;
  memcpy(&v, &x, sizeof v);
  return v;
}

/* The host's rounding and flags around one operation. host_end() gives the flags raised since
   host_begin() as MIPS bits and puts the defaults back. MXCSR writes are slow, hence the compares.
   The square roots are here because the compiler's own would call libm to set errno. */
#if defined(__x86_64__)
#include <emmintrin.h>
enum { MXCSR_DEFAULT = 0x1f80 };

static inline void host_begin(enum rounding rm) {
  static const uint16_t rc[4] = {0x0000, 0x6000, 0x4000, 0x2000};
  unsigned want = MXCSR_DEFAULT | rc[rm];
  if (_mm_getcsr() != want) _mm_setcsr(want);
}

static inline unsigned host_end(void) {
  unsigned csr = _mm_getcsr();
  if (csr != MXCSR_DEFAULT) _mm_setcsr(MXCSR_DEFAULT);
  return (csr & 1) << 4 | (csr & 4) << 1 | (csr & 8) >> 1 | (csr & 16) >> 3 | (csr & 32) >> 5;
}

static inline float host_sqrtf(float x) {
  return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x)));
}

static inline double host_sqrt(double x) {
  return _mm_cvtsd_f64(_mm_sqrt_sd(_mm_setzero_pd(), _mm_set_sd(x)));
}
#else
#include <fenv.h>
#include <math.h>

static inline float host_sqrtf(float x) {
  return sqrtf(x);
}
static inline double host_sqrt(double x) {
  return sqrt(x);
}

static inline void host_begin(enum rounding rm) {
  static const int mode[4] = {FE_TONEAREST, FE_TOWARDZERO, FE_UPWARD, FE_DOWNWARD};
  feclearexcept(FE_ALL_EXCEPT);
  fesetround(mode[rm]);
}

static inline unsigned host_end(void) {
  int e = fetestexcept(FE_ALL_EXCEPT);
  feclearexcept(FE_ALL_EXCEPT);
  fesetround(FE_TONEAREST);
  return (e & FE_INVALID ? MIPS_FPU_V : 0) | (e & FE_DIVBYZERO ? MIPS_FPU_Z : 0) | (e & FE_OVERFLOW ? MIPS_FPU_O : 0) |
         (e & FE_UNDERFLOW ? MIPS_FPU_U : 0) | (e & FE_INEXACT ? MIPS_FPU_I : 0);
}
#endif

static inline enum rounding rounding_of(const struct mips_fpu *f) {
  return (enum rounding)(f->fcsr & MIPS_FCSR_RM);
}

static inline unsigned enables_of(const struct mips_fpu *f) {
  return (f->fcsr & MIPS_FCSR_ENABLES) >> MIPS_FCSR_ENABLES_SHIFT;
}

/* Set Cause to exc; then trap, or accumulate Flags (MIPS64 Vol. I, "FPU Exceptions"). */
static inline uint64_t finish(struct mips_fpu *f, unsigned exc, uint64_t result) {
  uint32_t fcsr = (f->fcsr & ~(uint32_t)MIPS_FCSR_CAUSE) | exc << MIPS_FCSR_CAUSE_SHIFT;
  f->trap = (exc & enables_of(f)) != 0;
  f->fcsr = f->trap ? fcsr : fcsr | exc << MIPS_FCSR_FLAGS_SHIFT;
  return result;
}

/* NaNs. */

/* The top fraction bit marks a quiet NaN in 2008 mode, a signalling one in legacy mode
   (MIPS64 Vol. I, "Not a Number"). */
static inline bool is_snan(const struct mips_fpu *f, enum fmt fmt, uint64_t v) {
  bool top = v >> (frac_bits(fmt) - 1) & 1;
  return is_nan(fmt, v) && top != ((f->fcsr & MIPS_FCSR_NAN2008) != 0);
}

static uint64_t default_nan(const struct mips_fpu *f, enum fmt fmt) {
  uint64_t quiet = min_normal(fmt) >> 1;
  return infinity(fmt) | (f->fcsr & MIPS_FCSR_NAN2008 ? quiet : quiet - 1);
}

/* The result of an operation with at least one NaN operand. Legacy: the default NaN always; the
   manual's "when possible, one of the operand QNaN values" is not binding, and this is what QEMU
   does. 2008: the first signalling NaN made quiet, else the first quiet one. Unary operations pass
   a twice. */
static uint64_t nan_result(const struct mips_fpu *f, enum fmt fmt, uint64_t a, uint64_t b, unsigned *exc) {
  bool sa = is_snan(f, fmt, a), sb = is_snan(f, fmt, b);
  if (sa || sb) *exc |= MIPS_FPU_V;
  if (!(f->fcsr & MIPS_FCSR_NAN2008)) return default_nan(f, fmt);
  uint64_t pick = sa ? a : sb ? b : is_nan(fmt, a) ? a : b;
  return pick | min_normal(fmt) >> 1;
}

/* A NaN moved between formats: as nan_result, keeping the sign and the payload's top bits. */
static uint64_t nan_convert(const struct mips_fpu *f, enum fmt to, uint64_t v, unsigned *exc) {
  enum fmt from = to == FMT_D ? FMT_S : FMT_D;
  uint64_t quieted = nan_result(f, from, v, v, exc);
  if (!(f->fcsr & MIPS_FCSR_NAN2008)) return default_nan(f, to);
  uint64_t sign = quieted & sign_bit(from) ? sign_bit(to) : 0;
  uint64_t frac = quieted & (min_normal(from) - 1);
  return sign | infinity(to) | (to == FMT_D ? frac << 29 : frac >> 29);
}

/* The five IEEE operations. */

static inline uint64_t host_op_s(enum op op, uint64_t a, uint64_t b) {
  float x = float_of(a), y = float_of(b), r = 0;
  switch (op) {
  case OP_ADD: r = x + y; break;
  case OP_SUB: r = x - y; break;
  case OP_MUL: r = x * y; break;
  case OP_DIV: r = x / y; break;
  case OP_SQRT: r = host_sqrtf(x); break;
  }
  return bits_s(r);
}

static inline uint64_t host_op_d(enum op op, uint64_t a, uint64_t b) {
  double x = double_of(a), y = double_of(b), r = 0;
  switch (op) {
  case OP_ADD: r = x + y; break;
  case OP_SUB: r = x - y; break;
  case OP_MUL: r = x * y; break;
  case OP_DIV: r = x / y; break;
  case OP_SQRT: r = host_sqrt(x); break;
  }
  return bits_d(r);
}

static inline uint64_t host_op(enum op op, enum fmt fmt, uint64_t a, uint64_t b) {
  return fmt == FMT_D ? host_op_d(op, a, b) : host_op_s(op, a, b);
}

/* One host operation under rounding mode rm, its exceptions in *exc. The volatiles hold the operation
   between the two: the compiler orders them with the MXCSR accesses, and the arithmetic with them. */
static inline uint64_t host_run(enum op op, enum fmt fmt, enum rounding rm, uint64_t a, uint64_t b, unsigned *exc) {
  volatile uint64_t x = a, y = b, r;
  host_begin(rm);
  r = host_op(op, fmt, x, y);
  *exc = host_end();
  return r;
}

/* What becomes of r, a non-zero denormal, or an inexact zero or smallest normal, raising e on the
   host; toward_zero is the same operation's result rounded to zero. FS=0: the host has judged an
   inexact r; an exact denormal underflows only when that would trap (MIPS64 Vol. I, "Underflow
   Exception"). FS=1: flushed when the exact value is below the smallest normal. */
static uint64_t tiny_result(const struct mips_fpu *f, enum fmt fmt, uint64_t r, uint64_t toward_zero, unsigned *e) {
  if (f->fcsr & MIPS_FCSR_FS) {
    if (magnitude(fmt, toward_zero) >= min_normal(fmt)) return r;
    *e |= MIPS_FPU_U | MIPS_FPU_I;
    return r & sign_bit(fmt);
  }
  if (magnitude(fmt, r) < min_normal(fmt) && (enables_of(f) & MIPS_FPU_U)) *e |= MIPS_FPU_U;
  return r;
}

/* Can r, having raised e, be tiny before rounding? */
static inline bool maybe_tiny(enum fmt fmt, uint64_t r, unsigned e) {
  uint64_t m = magnitude(fmt, r);
  return (m != 0 && m < min_normal(fmt)) || (m <= min_normal(fmt) && (e & MIPS_FPU_I));
}

/* x * y == z up to a power of two, for significands: z's product with 2^n or 2^(n+1). */
static inline bool product_is(enum fmt fmt, uint64_t x, uint64_t y, uint64_t z) {
  u128 p = (u128)mantissa(fmt, x) * mantissa(fmt, y);
  u128 q = (u128)mantissa(fmt, z) << frac_bits(fmt);
  return p == q || p == q << 1;
}

/* a + b == r for a finite r that is the rounded-to-nearest sum (Knuth's TwoSum). */
static inline bool sum_is(enum fmt fmt, uint64_t a, uint64_t b, uint64_t r) {
  if (fmt == FMT_D) {
    double x = double_of(a), y = double_of(b), s = double_of(r), t = s - x;
    return (x - (s - t)) + (y - t) == 0;
  }
  float x = float_of(a), y = float_of(b), s = float_of(r), t = s - x;
  return (x - (s - t)) + (y - t) == 0;
}

/* The operation without MXCSR: true when *r is the result and *exc (Inexact or not) is settled. The
   result's exponent rules out NaN and infinite operands, overflow, and tininess with a margin. */
static inline bool fast_arith(const struct mips_fpu *f, enum op op, enum fmt fmt, uint64_t a, uint64_t b, uint64_t *r,
                              unsigned *exc) {
  if (f->fcsr & (MIPS_FCSR_RM | MIPS_FCSR_ENABLES)) return false;
  uint64_t v = host_op(op, fmt, a, b);
  if (exponent(fmt, v) - 2 > exp_max(fmt) - 4) return false;
  bool sum = op == OP_ADD || op == OP_SUB, exact;
  if (!sum && (exponent(fmt, a) == 0 || exponent(fmt, b) == 0)) return false;
  switch (op) {
  case OP_ADD: exact = sum_is(fmt, a, b, v); break;
  case OP_SUB: exact = sum_is(fmt, a, b ^ sign_bit(fmt), v); break;
  case OP_MUL: exact = product_is(fmt, a, b, v); break;
  case OP_DIV: exact = product_is(fmt, v, b, a); break;
  default: exact = product_is(fmt, v, v, a); break;
  }
  *r = v;
  *exc |= exact ? 0 : MIPS_FPU_I;
  return true;
}

/* One IEEE operation under f's modes; ORs its exceptions into *exc. OP_SQRT takes a twice. */
static uint64_t slow_arith(const struct mips_fpu *f, enum op op, enum fmt fmt, uint64_t a, uint64_t b, unsigned *exc) {
  unsigned e, ignored;
  if (is_nan(fmt, a) || is_nan(fmt, b)) return nan_result(f, fmt, a, b, exc);
  uint64_t r = host_run(op, fmt, rounding_of(f), a, b, &e);
  if (is_nan(fmt, r)) r = default_nan(f, fmt);
  if (maybe_tiny(fmt, r, e)) r = tiny_result(f, fmt, r, host_run(op, fmt, ROUND_ZERO, a, b, &ignored), &e);
  *exc |= e;
  return r;
}

static inline uint64_t arith(const struct mips_fpu *f, enum op op, enum fmt fmt, uint64_t a, uint64_t b,
                             unsigned *exc) {
  uint64_t r;
  return fast_arith(f, op, fmt, a, b, &r, exc) ? r : slow_arith(f, op, fmt, a, b, exc);
}

/* Operations on one scalar format; each ORs into *exc. */

typedef uint64_t scalar_fn(const struct mips_fpu *f, enum fmt fmt, uint64_t a, uint64_t b, uint64_t c, unsigned *exc);
#define SCALAR(name)                                                                                                   \
  static inline uint64_t name(const struct mips_fpu *f, enum fmt fmt, uint64_t a, uint64_t b, uint64_t c, unsigned *exc)

SCALAR(do_add) {
  return (void)c, arith(f, OP_ADD, fmt, a, b, exc);
}
SCALAR(do_sub) {
  return (void)c, arith(f, OP_SUB, fmt, a, b, exc);
}
SCALAR(do_mul) {
  return (void)c, arith(f, OP_MUL, fmt, a, b, exc);
}
SCALAR(do_div) {
  return (void)c, arith(f, OP_DIV, fmt, a, b, exc);
}
SCALAR(do_sqrt) {
  return (void)b, (void)c, arith(f, OP_SQRT, fmt, a, a, exc);
}
SCALAR(do_recip) {
  return (void)b, (void)c, arith(f, OP_DIV, fmt, one(fmt), a, exc);
}

/* Rounded twice, as 1.0 / sqrt(a) written out; the manual allows an error of two units. */
SCALAR(do_rsqrt) {
  return do_recip(f, fmt, do_sqrt(f, fmt, a, b, c, exc), b, c, exc);
}

SCALAR(do_madd) {
  return arith(f, OP_ADD, fmt, arith(f, OP_MUL, fmt, a, b, exc), c, exc);
}
SCALAR(do_msub) {
  return arith(f, OP_SUB, fmt, arith(f, OP_MUL, fmt, a, b, exc), c, exc);
}

/* "negated by changing the sign bit" (MIPS64 Vol. II, NMADD.fmt): a NaN too. */
SCALAR(do_nmadd) {
  return do_madd(f, fmt, a, b, c, exc) ^ sign_bit(fmt);
}
SCALAR(do_nmsub) {
  return do_msub(f, fmt, a, b, c, exc) ^ sign_bit(fmt);
}

SCALAR(do_abs) {
  (void)b, (void)c;
  if (is_nan(fmt, a) && !(f->fcsr & MIPS_FCSR_ABS2008)) return nan_result(f, fmt, a, a, exc);
  return magnitude(fmt, a);
}

SCALAR(do_neg) {
  (void)b, (void)c;
  if (is_nan(fmt, a) && !(f->fcsr & MIPS_FCSR_ABS2008)) return nan_result(f, fmt, a, a, exc);
  return a ^ sign_bit(fmt);
}

/* Numbers in the order of their values, both zeros at 0. */
static inline int64_t order_key(enum fmt fmt, uint64_t v) {
  int64_t m = (int64_t)magnitude(fmt, v);
  return v & sign_bit(fmt) ? -m : m;
}

/* c is the condition's code (MIPS_FPU_CONDS). */
SCALAR(do_compare) {
  bool unordered = is_nan(fmt, a) || is_nan(fmt, b);
  if (unordered) {
    if ((c & 8) || is_snan(f, fmt, a) || is_snan(f, fmt, b)) *exc |= MIPS_FPU_V;
    return c & 1;
  }
  int64_t x = order_key(fmt, a), y = order_key(fmt, b);
  return ((c & 2) && x == y) || ((c & 4) && x < y);
}

/* The formats. */

/* ABS2008 makes abs and neg sign-bit moves that leave FCSR alone (MIPS64 Vol. I, FCSR.ABS2008). */
static inline uint64_t finish_sign(struct mips_fpu *f, unsigned exc, uint64_t result) {
  if (!(f->fcsr & MIPS_FCSR_ABS2008)) return finish(f, exc, result);
  f->trap = 0;
  return result;
}

static inline uint64_t run_s(struct mips_fpu *f, scalar_fn *fn, uint64_t a, uint64_t b, uint64_t c, unsigned *exc) {
  return fn(f, FMT_S, (uint32_t)a, (uint32_t)b, (uint32_t)c, exc);
}

static inline uint64_t run_d(struct mips_fpu *f, scalar_fn *fn, uint64_t a, uint64_t b, uint64_t c, unsigned *exc) {
  return fn(f, FMT_D, a, b, c, exc);
}

static inline uint64_t run_ps(struct mips_fpu *f, scalar_fn *fn, uint64_t a, uint64_t b, uint64_t c, unsigned *exc) {
  uint64_t lower = run_s(f, fn, a, b, c, exc);
  return run_s(f, fn, a >> 32, b >> 32, c >> 32, exc) << 32 | lower;
}

#define DEFINE(name, fmt, fn, done)                                                                                    \
  uint64_t mips_fpu_##name##_##fmt(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c) {                           \
    unsigned exc = 0;                                                                                                  \
    uint64_t r = run_##fmt(f, fn, a, b, c, &exc);                                                                      \
    return done(f, exc, r);                                                                                            \
  }
#define DEFINE_SD(name)  DEFINE(name, s, do_##name, finish) DEFINE(name, d, do_##name, finish)
#define DEFINE_SDP(name) DEFINE_SD(name) DEFINE(name, ps, do_##name, finish)
#define DEFINE_SIGN(name)                                                                                              \
  DEFINE(name, s, do_##name, finish_sign)                                                                              \
  DEFINE(name, d, do_##name, finish_sign)                                                                              \
  DEFINE(name, ps, do_##name, finish_sign)

DEFINE_SDP(add)
DEFINE_SDP(sub)
DEFINE_SDP(mul)
DEFINE_SD(div)
DEFINE_SD(sqrt)
DEFINE_SD(recip)
DEFINE_SD(rsqrt)
DEFINE_SDP(madd)
DEFINE_SDP(msub)
DEFINE_SDP(nmadd)
DEFINE_SDP(nmsub)
DEFINE_SIGN(abs)
DEFINE_SIGN(neg)

#define DEFINE_COND(cond, code)                                                                                        \
  uint64_t mips_fpu_c_##cond##_s(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c) {                             \
    unsigned exc = 0;                                                                                                  \
    uint64_t r = do_compare(f, FMT_S, (uint32_t)a, (uint32_t)b, code, &exc);                                           \
    return (void)c, finish(f, exc, r);                                                                                 \
  }                                                                                                                    \
  uint64_t mips_fpu_c_##cond##_d(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c) {                             \
    unsigned exc = 0;                                                                                                  \
    uint64_t r = do_compare(f, FMT_D, a, b, code, &exc);                                                               \
    return (void)c, finish(f, exc, r);                                                                                 \
  }                                                                                                                    \
  uint64_t mips_fpu_c_##cond##_ps(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c) {                            \
    unsigned exc = 0;                                                                                                  \
    uint64_t r = do_compare(f, FMT_S, (uint32_t)a, (uint32_t)b, code, &exc);                                           \
    r |= do_compare(f, FMT_S, a >> 32, b >> 32, code, &exc) << 1;                                                      \
    return (void)c, finish(f, exc, r);                                                                                 \
  }
MIPS_FPU_CONDS(DEFINE_COND)

/* Float to integer. */

/* Invalid's result: legacy the largest integer; 2008 zero for a NaN, else the nearer end of the
   range (MIPS64 Vol. II, CVT.L.fmt and FCSR.NAN2008). */
static uint64_t int_invalid(const struct mips_fpu *f, bool nan, bool negative, uint64_t max) {
  if (!(f->fcsr & MIPS_FCSR_NAN2008)) return max;
  return nan ? 0 : negative ? max + 1 : max;
}

/* q + rem/unit rounded: does it go up in magnitude? 2 * rem fits for every caller. */
static inline bool rounds_up(enum rounding rm, bool negative, uint64_t q, uint64_t rem, uint64_t unit) {
  switch (rm) {
  case ROUND_NEAREST: return 2 * rem > unit || (2 * rem == unit && (q & 1));
  case ROUND_UP: return rem && !negative;
  case ROUND_DOWN: return rem && negative;
  default: return false;
  }
}

/* v to a signed integer of the given width (32 or 64), zero-extended from it. */
static inline uint64_t to_int(struct mips_fpu *f, enum fmt fmt, enum rounding rm, unsigned width, uint64_t v) {
  uint64_t max = (1ull << (width - 1)) - 1, mask = max * 2 + 1, q = 0, rem = 0;
  bool negative = (v & sign_bit(fmt)) != 0;
  /* v = m * 2^shift; a denormal's wrong leading one is as tiny as the truth, a zero is not tiny. */
  int shift = (int)exponent(fmt, v) - (int)(exp_max(fmt) >> 1) - (int)frac_bits(fmt);
  uint64_t m = magnitude(fmt, v) ? mantissa(fmt, v) : 0;
  if (shift >= 0) {
    q = shift > 63 - (int)frac_bits(fmt) ? UINT64_MAX : m << shift;
  } else {
    unsigned right = shift < -55 ? 55 : (unsigned)-shift;
    q = m >> right;
    rem = m - (q << right);
    q += rounds_up(rm, negative, q, rem, 1ull << right);
  }
  if (q > max + negative) return finish(f, MIPS_FPU_V, int_invalid(f, is_nan(fmt, v), negative, max) & mask);
  return finish(f, rem ? MIPS_FPU_I : 0, (negative ? -q : q) & mask);
}

#define DEFINE_TO_INT(name, rm)                                                                                        \
  uint64_t mips_fpu_##name##_w_s(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c) {                             \
    return (void)b, (void)c, to_int(f, FMT_S, rm, 32, (uint32_t)a);                                                    \
  }                                                                                                                    \
  uint64_t mips_fpu_##name##_w_d(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c) {                             \
    return (void)b, (void)c, to_int(f, FMT_D, rm, 32, a);                                                              \
  }                                                                                                                    \
  uint64_t mips_fpu_##name##_l_s(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c) {                             \
    return (void)b, (void)c, to_int(f, FMT_S, rm, 64, (uint32_t)a);                                                    \
  }                                                                                                                    \
  uint64_t mips_fpu_##name##_l_d(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c) {                             \
    return (void)b, (void)c, to_int(f, FMT_D, rm, 64, a);                                                              \
  }

DEFINE_TO_INT(round, ROUND_NEAREST)
DEFINE_TO_INT(trunc, ROUND_ZERO)
DEFINE_TO_INT(ceil, ROUND_UP)
DEFINE_TO_INT(floor, ROUND_DOWN)
DEFINE_TO_INT(cvt, rounding_of(f))

/* To floating point. */

/* An integer to format fmt: only Inexact is possible. */
static inline uint64_t from_int(struct mips_fpu *f, enum fmt fmt, int64_t n) {
  volatile int64_t v = n;
  volatile float s = 0;
  volatile double d = 0;
  int64_t exact = (int64_t)min_normal(fmt) * 2; /* 2^24 or 2^53: all integers up to it are representable */
  if (n >= -exact && n <= exact) return finish(f, 0, fmt == FMT_D ? bits_d((double)n) : bits_s((float)n));
  host_begin(rounding_of(f));
  if (fmt == FMT_D) d = (double)v;
  if (fmt == FMT_S) s = (float)v;
  unsigned exc = host_end();
  return finish(f, exc, fmt == FMT_D ? bits_d(d) : bits_s(s));
}

uint64_t mips_fpu_cvt_s_w(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c) {
  return (void)b, (void)c, from_int(f, FMT_S, (int32_t)a);
}

uint64_t mips_fpu_cvt_s_l(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c) {
  return (void)b, (void)c, from_int(f, FMT_S, (int64_t)a);
}

uint64_t mips_fpu_cvt_d_w(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c) {
  return (void)b, (void)c, finish(f, 0, bits_d((double)(int32_t)a));
}

uint64_t mips_fpu_cvt_d_l(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c) {
  return (void)b, (void)c, from_int(f, FMT_D, (int64_t)a);
}

/* Every single is exactly a double, and a normal one or zero: no exception but a NaN's. */
uint64_t mips_fpu_cvt_d_s(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c) {
  unsigned exc = 0;
  uint64_t v = (uint32_t)a;
  uint64_t r = is_nan(FMT_S, v) ? nan_convert(f, FMT_D, v, &exc) : bits_d((double)float_of(v));
  return (void)b, (void)c, finish(f, exc, r);
}

/* As fast_arith: a result well inside the normal range is Inexact or nothing. */
static inline bool fast_narrow(const struct mips_fpu *f, uint64_t v, uint64_t *r, unsigned *exc) {
  if (f->fcsr & (MIPS_FCSR_RM | MIPS_FCSR_ENABLES)) return false;
  float narrow = (float)double_of(v);
  *r = bits_s(narrow);
  if (exponent(FMT_S, *r) - 2 > exp_max(FMT_S) - 4) return false;
  *exc = (double)narrow == double_of(v) ? 0 : MIPS_FPU_I;
  return true;
}

static inline uint64_t host_narrow(enum rounding rm, uint64_t v, unsigned *exc) {
  volatile double x = double_of(v);
  volatile float r;
  host_begin(rm);
  r = (float)x;
  *exc = host_end();
  return bits_s(r);
}

uint64_t mips_fpu_cvt_s_d(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c) {
  unsigned exc = 0, ignored;
  uint64_t r;
  (void)b, (void)c;
  if (fast_narrow(f, a, &r, &exc)) return finish(f, exc, r);
  if (is_nan(FMT_D, a)) {
    r = nan_convert(f, FMT_S, a, &exc);
  } else {
    r = host_narrow(rounding_of(f), a, &exc);
    if (maybe_tiny(FMT_S, r, exc)) r = tiny_result(f, FMT_S, r, host_narrow(ROUND_ZERO, a, &ignored), &exc);
  }
  return finish(f, exc, r);
}

uint64_t mips_fpu_cvt_s_pl(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c) {
  return (void)b, (void)c, finish(f, 0, (uint32_t)a);
}

uint64_t mips_fpu_cvt_s_pu(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c) {
  return (void)b, (void)c, finish(f, 0, a >> 32);
}

/* fs goes to the upper half, ft to the lower; a move, not arithmetic (MIPS64 Vol. II, CVT.PS.S). */
uint64_t mips_fpu_cvt_ps_s(struct mips_fpu *f, uint64_t a, uint64_t b, uint64_t c) {
  f->trap = 0;
  return (void)c, a << 32 | (uint32_t)b;
}

/* Control registers. */

enum { FEXR_MASK = MIPS_FCSR_CAUSE | MIPS_FCSR_FLAGS, FENR_MASK = MIPS_FCSR_ENABLES | MIPS_FCSR_RM };

uint32_t mips_fpu_cfc1(const struct mips_fpu *f, unsigned reg) {
  switch (reg) {
  case 0: return f->fir;
  case 25: return (f->fcsr >> 24 & 0xfe) | (f->fcsr >> 23 & 1);
  case 26: return f->fcsr & FEXR_MASK;
  case 28: return (f->fcsr & FENR_MASK) | (f->fcsr & MIPS_FCSR_FS ? 4 : 0);
  case 31: return f->fcsr;
  default: return 0;
  }
}

/* The FCSR bits that CTC1 to reg aims at, 0 when the write is to be ignored; *v is moved into
 * place. */
static uint32_t ctc1_aim(unsigned reg, uint32_t *v) {
  enum { UNPREDICTABLE = 0x007c0000 };
  uint32_t n = *v;
  switch (reg) {
  case 25: *v = (n & 0xfe) << 24 | (n & 1) << 23; return n > 0xff ? 0 : 0xfe800000;
  case 26: return n & UNPREDICTABLE ? 0 : FEXR_MASK;
  case 28: *v = (n & FENR_MASK) | (n & 4 ? MIPS_FCSR_FS : 0); return n & UNPREDICTABLE ? 0 : FENR_MASK | MIPS_FCSR_FS;
  case 31: return UINT32_MAX;
  default: return 0;
  }
}

void mips_fpu_ctc1(struct mips_fpu *f, unsigned reg, uint32_t v) {
  uint32_t mask = ctc1_aim(reg, &v) & f->fcsr_rw;
  f->fcsr = (f->fcsr & ~mask) | (v & mask);
  unsigned cause = (f->fcsr & MIPS_FCSR_CAUSE) >> MIPS_FCSR_CAUSE_SHIFT;
  f->trap = (cause & (enables_of(f) | MIPS_FPU_E)) != 0;
}

static inline unsigned cc_position(unsigned n) {
  assert(n < 8);
  return n ? 24 + n : 23;
}

unsigned mips_fpu_cc(const struct mips_fpu *f, unsigned n) {
  return f->fcsr >> cc_position(n) & 1;
}

void mips_fpu_set_cc(struct mips_fpu *f, unsigned n, unsigned bit) {
  uint32_t mask = (uint32_t)1 << cc_position(n);
  f->fcsr = bit ? f->fcsr | mask : f->fcsr & ~mask;
}
