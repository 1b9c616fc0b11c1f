/* criterion-tests/oracle/values.c: the values random blocks start from. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Uniform numbers hardly ever overflow, carry or round in an interesting way: most values here sit at an edge. */
#include "criterion-tests/harness.h"
#include "criterion-tests/oracle/oracle.h"
#include <string.h>

uint64_t oracle_value(uint64_t *seed) {
  static const uint64_t edge[] = {
      0,
      1,
      2,
      UINT64_MAX,
      0x7f,
      0x80,
      0x7fff,
      0x8000,
      0xffff,
      0x7fffffff,
      0xffffffff80000000,
      0xffffffff80000001,
      0x80000000,
      0xffffffff,
      0x100000000,
      0x7fffffffffffffff,
      0x8000000000000000,
      0x8000000000000001,
  };
  uint64_t r = rig_random(seed);
  switch (rig_below(seed, 6)) {
  case 0:
  case 1: return edge[r % (sizeof edge / sizeof edge[0])];
  case 2: return (uint64_t)((int64_t)r >> rig_below(seed, 64)); /* any length, either sign */
  case 3: return UINT64_C(1) << (r & 63);
  case 4: return (uint64_t)(int64_t)(int32_t)r;
  default: return r;
  }
}

/* A number of a format with so many exponent and fraction bits. */
static uint64_t floating(uint64_t *seed, unsigned exp_bits, unsigned frac_bits) {
  uint64_t top = (UINT64_C(1) << exp_bits) - 1, bias = top / 2, frac = (UINT64_C(1) << frac_bits) - 1;
  uint64_t r = rig_random(seed), e, f = r & frac;
  switch (rig_below(seed, 12)) {
  case 0: e = 0, f = 0; break; /* zero */
  case 1: e = 0; break;        /* denormal */
  case 2: e = 0, f >>= rig_below(seed, frac_bits); break;
  case 3: e = top, f = 0; break;                       /* infinity */
  case 4: e = top; break;                              /* NaN, quiet or signalling */
  case 5: e = 1 + rig_below(seed, 3); break;           /* about to underflow */
  case 6: e = top - 1 - rig_below(seed, 3); break;     /* about to overflow */
  case 7: e = bias + rig_below(seed, 4), f = 0; break; /* 1, 2, 4, 8 */
  case 8: e = bias + 28 + rig_below(seed, 8); break;   /* about 2^31 */
  case 9: e = bias + (exp_bits > 8 ? 60 : 50) + rig_below(seed, 8); break;
  case 10: e = bias - 2 + rig_below(seed, 5); break; /* about 1 */
  default: e = rig_random(seed) & top; break;
  }
  switch (rig_below(seed, 4)) {
  case 0: f &= frac << rig_below(seed, frac_bits); break; /* few bits: exact results */
  case 1: f |= frac >> rig_below(seed, frac_bits); break;
  default: break;
  }
  return (r >> 63) << (exp_bits + frac_bits) | e << frac_bits | (f & frac);
}

uint32_t oracle_single(uint64_t *seed) {
  return (uint32_t)floating(seed, 8, 23);
}
uint64_t oracle_double(uint64_t *seed) {
  return floating(seed, 11, 52);
}

static uint64_t any64(uint64_t *seed) {
  switch (rig_below(seed, 3)) {
  case 0: return oracle_value(seed);
  case 1: return oracle_double(seed);
  default: return (uint64_t)oracle_single(seed) << 32 | oracle_single(seed);
  }
}

void oracle_initial(const struct oracle_config *cfg, uint64_t *seed, uint32_t va, struct oracle_state *s) {
  memset(s, 0, sizeof *s);
  for (int i = 1; i < 32; i++) s->gpr[i] = oracle_value(seed);
  s->gpr[31] = va;
  s->hi = oracle_value(seed);
  s->lo = oracle_value(seed);
  for (int i = 0; i < ORACLE_SCRATCH_SIZE; i += 8) {
    uint64_t v = any64(seed);
    memcpy(s->scratch + i, &v, 8);
  }
  if (!cfg->bits64) {
    for (int i = 0; i < 32; i++) s->gpr[i] = (uint64_t)(int64_t)(int32_t)s->gpr[i];
    s->hi = (uint64_t)(int64_t)(int32_t)s->hi;
    s->lo = (uint64_t)(int64_t)(int32_t)s->lo;
  }
  if (!cfg->fpu) return;
  for (int i = 0; i < 32; i += cfg->fr ? 1 : 2) s->fpr[i] = any64(seed);
  /* Rounding mode, sticky flags, condition codes; Enables and FS stay clear (see the known differences). */
  if (cfg->fs) s->fcsr = MIPS_FCSR_FS;
  s->fcsr |= (uint32_t)rig_random(seed) & 0xfe80007f & cpu_model_find(cfg->model)->fcsr_rw;
}
