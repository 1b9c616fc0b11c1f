/* numa-model/sample.h: caches modelled for intervals of time only: when, and what that says about all of it. */
/* SPDX-License-Identifier: Apache-2.0 */
/* In each period of `every` ms there is one interval of `cache` ms that is measured, behind `warm` ms in which caches
 * are modelled, too, so that they hold what they would, but nothing is counted. Where in its period it lies is
 * pseudo-random, so that what a guest does each 4 ms is neither always in it nor never; the first is at the very
 * beginning. */
#ifndef NUMA_MODEL_SAMPLE_H
#define NUMA_MODEL_SAMPLE_H
#include <stdbool.h>
#include <stdint.h>

enum numa_phase { NUMA_PHASE_BETWEEN, NUMA_PHASE_WARM, NUMA_PHASE_MEASURE };

struct numa_sampling {
  uint32_t every, warm, cache; /* ms; warm + cache <= every, cache > 0. every: 0: all the time is measured */
};
/* At a time in ms. *interval: while one is measured its number. */
enum numa_phase numa_sampling_phase(const struct numa_sampling *s, uint64_t ms, uint64_t *interval);
/* For how many misses one in an interval stands. */
static inline unsigned numa_sampling_weight(const struct numa_sampling *s) {
  return s->every ? (s->every + s->cache / 2) / s->cache : 1;
}

/* y for each x, both of which are known for some intervals. */
struct numa_ratio {
  uint64_t n;
  double x, y, xx, xy, yy; /* sums */
};
void numa_ratio_add(struct numa_ratio *r, double x, double y);
/* 0 without any x. */
double numa_ratio_mean(const struct numa_ratio *r);
/* With 95 % confidence the mean of all is as near to that of those known; -1: fewer than two are. */
double numa_ratio_near(const struct numa_ratio *r);
#endif
