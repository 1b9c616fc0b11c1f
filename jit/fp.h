/* jit/fp.h: what the floating-point operations of fpu_ops.def are written with. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JIT_FP_H
#define JIT_FP_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <emmintrin.h>
#else
#include <math.h>
#endif

#define FP_SIGN_D     (UINT64_C(1) << 63)
#define FP_SIGN_S     (UINT32_C(1) << 31)
#define FP_INFINITY_D (UINT64_C(0x7ff) << 52)
#define FP_INFINITY_S (UINT32_C(0xff) << 23)

static inline unsigned fp_exponent_d(double x) {
  uint64_t v;
  memcpy(&v, &x, sizeof v);
  return (unsigned)(v >> 52) & 0x7ff;
}
static inline unsigned fp_exponent_s(float x) {
  uint32_t v;
  memcpy(&v, &x, sizeof v);
  return v >> 23 & 0xff;
}
#define FP_EXPONENT(x) _Generic((x), double : fp_exponent_d, float : fp_exponent_s)(x)
/* Finite, and so far from the ends of the range that nothing but Inexact can have come up. */
static inline bool fp_normal_d(double x) {
  return (fp_exponent_d(x) + 2) & 0x7fc; /* the exponent is neither of the two lowest, nor of the two highest */
}
static inline bool fp_normal_s(float x) {
  return (fp_exponent_s(x) + 2) & 0xfc;
}
#define FP_NORMAL(x) _Generic((x), double : fp_normal_d, float : fp_normal_s)(x)
/* |x| < 2^31 */
#define FP_FITS(x)         (FP_EXPONENT(x) < _Generic((x), double : 1023, float : 127) + 31)
#define FP_UNORDERED(x, y) __builtin_isunordered(x, y)
/* r = a * b +- c: an exact zero, or c because a * b is one. */
#define FP_ZERO_OK(a, b, c, r) ((FP_NORMAL((a) * (b)) || (a) == 0 || (b) == 0) && (FP_NORMAL(r) || (r) == 0))

/* Not sqrt(): that may call the library to set errno. */
#if defined(__x86_64__)
static inline double fp_sqrt(double x) {
  return _mm_cvtsd_f64(_mm_sqrt_sd(_mm_setzero_pd(), _mm_set_sd(x)));
}
static inline float fp_sqrtf(float x) {
  return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x)));
}
#else
static inline double fp_sqrt(double x) {
  return sqrt(x);
}
static inline float fp_sqrtf(float x) {
  return sqrtf(x);
}
#endif
#endif
