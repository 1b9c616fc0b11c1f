/* numa-model/sample.c: intervals in time, what is between them, and how sure one can be. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "numa-model/sample.h"
#include "numa-model/model.h"
#include <math.h>

/* --- when --- */

/* splitmix64's. */
static uint64_t scattered(uint64_t x) {
  x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
  return x ^ x >> 31;
}

/* Where the interval of a period begins. It may end in the next one, so that all times are as likely to be in one. */
static uint64_t begin_of(const struct numa_sampling *s, uint64_t period) {
  return period * s->every + (period ? scattered(period * UINT64_C(0x9e3779b97f4a7c15)) % s->every : s->warm);
}

enum numa_phase numa_sampling_phase(const struct numa_sampling *s, uint64_t ms, uint64_t *interval) {
  *interval = 0;
  if (!s->every) return NUMA_PHASE_MEASURE;
  uint64_t now = ms / s->every, before = now ? now - 1 : 0;
  for (*interval = before; *interval <= now; ++*interval) {
    uint64_t begin = begin_of(s, *interval);
    if (ms >= begin && ms < begin + s->cache) return NUMA_PHASE_MEASURE;
  }
  for (uint64_t k = now; k <= now + 1; k++) { /* warm + cache is a period at most */
    uint64_t begin = begin_of(s, k);
    if (ms < begin && ms + s->warm >= begin) return NUMA_PHASE_WARM;
  }
  return NUMA_PHASE_BETWEEN;
}

/* --- how sure --- */

void numa_ratio_add(struct numa_ratio *r, double x, double y) {
  r->n++;
  r->x += x;
  r->y += y;
  r->xx += x * x;
  r->xy += x * y;
  r->yy += y * y;
}

double numa_ratio_mean(const struct numa_ratio *r) {
  return r->x > 0 ? r->y / r->x : 0;
}

/* Student's t, so that 95 % lie within, by degrees of freedom. */
static double students(uint64_t degrees) {
  static const double t[] = {0,     12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                             2.262, 2.228,  2.201, 2.179, 2.160, 2.145, 2.131, 2.120};
  return degrees < sizeof t / sizeof *t ? t[degrees] : 1.96 + 2.6 / (double)degrees;
}

/* The variance of a ratio's estimator (Cochran, Sampling Techniques, 6.4): that of y - mean * x. */
double numa_ratio_near(const struct numa_ratio *r) {
  if (r->n < 2 || r->x <= 0) return -1;
  double mean = numa_ratio_mean(r), n = (double)r->n;
  double squares = r->yy - 2 * mean * r->xy + mean * mean * r->xx;
  double variance = squares > 0 ? squares / (n - 1) : 0; /* rounding may make it less than nothing */
  return students(r->n - 1) * sqrt(variance / n) / (r->x / n);
}

/* --- a vcpu --- */

enum { FIELDS = sizeof(struct numa_stats) / sizeof(uint64_t) };
_Static_assert(FIELDS * sizeof(uint64_t) == sizeof(struct numa_stats), "all are counts");

static uint64_t times(uint64_t count, uint64_t by, uint64_t of) {
  return (uint64_t)((unsigned __int128)count * by / of);
}

/* to += n * by / of */
static void add_part(struct numa_stats *to, const struct numa_stats *n, uint64_t by, uint64_t of) {
  uint64_t *t = (uint64_t *)to;
  const uint64_t *f = (const uint64_t *)n;
  for (int i = 0; i < FIELDS; i++) t[i] += times(f[i], by, of);
}

void numa_stats_add(struct numa_stats *to, const struct numa_stats *n) {
  add_part(to, n, 1, 1);
}

static struct numa_stats since(const struct numa_stats *n, const struct numa_stats *before) {
  struct numa_stats d = *n;
  uint64_t *to = (uint64_t *)&d;
  for (int i = 0; i < FIELDS; i++) to[i] -= ((const uint64_t *)before)[i];
  return d;
}

/* What was charged is known already. */
static void add_owed(struct numa_stats *to, const struct numa_sampled *s) {
  uint64_t stall_ns = to->stall_ns;
  if (s->instructions) add_part(to, &s->recent, s->owed, s->instructions);
  to->stall_ns = stall_ns;
}

static void begin(struct numa_vcpu *v, uint64_t instructions) {
  v->sampled.at = v->n;
  v->sampled.at_instructions = instructions;
}

static bool end_measured(struct numa_vcpu *v, uint64_t instructions, uint64_t *x, struct numa_stats *y) {
  struct numa_sampled *s = &v->sampled;
  *x = instructions - s->at_instructions;
  *y = since(&v->n, &s->at);
  y->stall_ns = y->memory_ns + y->tlb_refills * v->model->machine.tlb_refill; /* no moved pages */
  numa_stats_add(&s->all, y);
  s->all_instructions += *x;
  add_owed(&v->n, s);
  s->owed = s->rest = 0;
  struct numa_stats before = s->recent;
  s->recent = *y;
  add_part(&s->recent, &before, 1, 2);
  s->instructions = *x + s->instructions / 2;
  return true;
}

bool numa_vcpu_phase(struct numa_vcpu *v, enum numa_phase to, uint64_t instructions, uint64_t *x,
                     struct numa_stats *y) {
  bool measured = false;
  switch (v->model->phase) {
  case NUMA_PHASE_BETWEEN: break;
  case NUMA_PHASE_WARM: {
    uint64_t stall_ns = v->n.stall_ns; /* moved pages */
    v->n = v->sampled.at;
    v->n.stall_ns = stall_ns;
    break;
  }
  case NUMA_PHASE_MEASURE: measured = end_measured(v, instructions, x, y); break;
  }
  if (to != NUMA_PHASE_BETWEEN) begin(v, instructions);
  return measured;
}

uint64_t numa_extrapolate(struct numa_vcpu *v, uint64_t instructions) {
  struct numa_sampled *s = &v->sampled;
  if (v->model->phase != NUMA_PHASE_MEASURE) s->owed += instructions;
  if (!s->instructions) return 0;
  unsigned __int128 parts = (unsigned __int128)instructions * s->recent.stall_ns + s->rest;
  s->rest = (uint64_t)(parts % s->instructions);
  return (uint64_t)(parts / s->instructions);
}

struct numa_stats numa_estimated(const struct numa_vcpu *v) {
  struct numa_stats n = v->n;
  if (v->model->phase == NUMA_PHASE_WARM) {
    n = v->sampled.at;
    n.stall_ns = v->n.stall_ns;
  }
  add_owed(&n, &v->sampled);
  return n;
}
