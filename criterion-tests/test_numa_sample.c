/* criterion-tests/test_numa_sample.c: when caches are modelled, how sure one can be of what is seen then, and that
 * nothing is counted twice or lost. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "numa-model/model.h"
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const struct numa_sampling usual = {.every = 20, .warm = 2, .cache = 3};

Test(numa_sample, each_period_has_one_interval_behind_its_warming) {
  enum { PERIODS = 500 };
  unsigned measured[PERIODS + 1] = {0}, warm = 0, at[20] = {0};
  enum numa_phase before = NUMA_PHASE_BETWEEN;
  for (uint64_t ms = 0; ms < PERIODS * 20; ms++) {
    uint64_t interval;
    enum numa_phase phase = numa_sampling_phase(&usual, ms, &interval);
    warm += phase == NUMA_PHASE_WARM;
    cr_expect(phase != NUMA_PHASE_MEASURE || before != NUMA_PHASE_BETWEEN, "not warmed at %u", (unsigned)ms);
    if (phase == NUMA_PHASE_MEASURE) measured[interval]++, at[ms % 20]++;
    before = phase;
  }
  for (unsigned i = 0; i < PERIODS - 1; i++) cr_expect(measured[i] > 0 && measured[i] <= 3, "%u: %u", i, measured[i]);
  cr_expect(warm > PERIODS && warm <= 2 * PERIODS, "those right behind another are warm: %u", warm);
  /* What a guest does at round times is neither always seen nor never. */
  for (unsigned i = 0; i < 20; i++) cr_expect(at[i] > 40 && at[i] < 110, "%u ms into a period: %u", i, at[i]);
}

Test(numa_sample, the_first_interval_is_at_the_beginning) {
  static const enum numa_phase phase[] = {NUMA_PHASE_WARM, NUMA_PHASE_WARM, NUMA_PHASE_MEASURE, NUMA_PHASE_MEASURE,
                                          NUMA_PHASE_MEASURE};
  uint64_t interval;
  for (unsigned ms = 0; ms < 5; ms++) cr_expect_eq(numa_sampling_phase(&usual, ms, &interval), phase[ms], "%u", ms);
}

Test(numa_sample, without_warming_and_without_a_rest) {
  const struct numa_sampling all = {.every = 4, .cache = 4}, none = {0};
  uint64_t interval;
  unsigned between = 0;
  for (uint64_t ms = 0; ms < 4000; ms++) {
    enum numa_phase phase = numa_sampling_phase(&all, ms, &interval);
    cr_expect_neq(phase, NUMA_PHASE_WARM);
    between += phase == NUMA_PHASE_BETWEEN;
    cr_expect_eq(numa_sampling_phase(&none, ms, &interval), NUMA_PHASE_MEASURE);
  }
  cr_expect(between < 2000, "%u", between);
}

Test(numa_sample, a_ratio_and_how_near_it_is) {
  struct numa_ratio r = {0};
  cr_expect_eq(numa_ratio_mean(&r), 0);
  numa_ratio_add(&r, 100, 10);
  cr_expect_eq(numa_ratio_near(&r), -1, "of one nothing is known");
  numa_ratio_add(&r, 300, 60);
  numa_ratio_add(&r, 200, 20);
  /* 90 / 600; what is left of y: -5, 15, -10; variance 350 / 2; t(2) = 4.303; mean of x 200. */
  cr_expect_float_eq(numa_ratio_mean(&r), 0.15, 1e-12);
  cr_expect_float_eq(numa_ratio_near(&r), 4.303 * sqrt(175.0 / 3) / 200, 1e-9);
  struct numa_ratio same = {0};
  for (int i = 1; i < 50; i++) numa_ratio_add(&same, i, 3 * i);
  cr_expect_float_eq(numa_ratio_near(&same), 0, 1e-6, "all say the same");
}

/* --- a vcpu that goes through phases --- */

static struct numa_model model;
static struct numa_vcpu v;

static bool go(enum numa_phase to, uint64_t instructions, uint64_t *x, struct numa_stats *y) {
  bool measured = numa_vcpu_phase(&v, to, instructions, x, y);
  model.phase = to;
  return measured;
}

static void begin(void) {
  model = (struct numa_model){.phase = NUMA_PHASE_WARM, .sampling = usual, .machine.tlb_refill = 70};
  v = (struct numa_vcpu){.model = &model, .mhz = 100};
}
TestSuite(numa_sample_vcpu, .init = begin);

Test(numa_sample_vcpu, warming_counts_nothing) {
  uint64_t x;
  struct numa_stats y;
  v.n.misses[NUMA_MISS_LOCAL] = 500;
  v.n.stall_ns = 40; /* of a page that was moved */
  cr_expect_eq(numa_estimated(&v).misses[NUMA_MISS_LOCAL], 0);
  cr_expect_not(go(NUMA_PHASE_MEASURE, 1000, &x, &y));
  cr_expect_eq(v.n.misses[NUMA_MISS_LOCAL], 0);
  cr_expect_eq(v.n.stall_ns, 40);
}

Test(numa_sample_vcpu, the_rest_is_as_what_was_seen) {
  uint64_t x;
  struct numa_stats y;
  go(NUMA_PHASE_MEASURE, 1000, &x, &y);
  v.n.misses[NUMA_MISS_REMOTE] += 30;
  v.n.memory_ns += 900;
  v.n.tlb_refills += 2;
  v.n.stall_ns += 77; /* moved pages: no instruction's fault */
  cr_expect(go(NUMA_PHASE_BETWEEN, 4000, &x, &y));
  cr_expect_eq(x, 3000);
  cr_expect_eq(y.misses[NUMA_MISS_REMOTE], 30);
  cr_expect_eq(y.stall_ns, 900 + 2 * 70);
  cr_expect_eq(v.sampled.all_instructions, 3000);
  /* 1040 ns in 3000 instructions: the parts of a ns are not lost. */
  uint64_t ns = 0;
  for (int i = 0; i < 9000; i++) ns += numa_extrapolate(&v, 1);
  cr_expect_eq(ns, 3 * 1040);
  cr_expect_eq(numa_estimated(&v).misses[NUMA_MISS_REMOTE], 30 + 90);
  cr_expect_eq(numa_estimated(&v).memory_ns, 900 + 2700);
  cr_expect_eq(numa_estimated(&v).stall_ns, 77, "charged by who has asked");
  /* The next interval has none in 1000: recent ones count by their length, older ones half. */
  go(NUMA_PHASE_MEASURE, 13000, &x, &y);
  cr_expect_eq(numa_extrapolate(&v, 300), 104, "charged in intervals, too,");
  cr_expect_eq(numa_estimated(&v).misses[NUMA_MISS_REMOTE], 120, "where what is counted is no guess");
  cr_expect(go(NUMA_PHASE_BETWEEN, 14000, &x, &y));
  cr_expect_eq(v.n.misses[NUMA_MISS_REMOTE], 120);
  cr_expect_eq(v.sampled.recent.misses[NUMA_MISS_REMOTE], 15);
  cr_expect_eq(v.sampled.instructions, 2500);
  cr_expect_eq(numa_extrapolate(&v, 2500), 520);
}

Test(numa_sample_vcpu, before_the_first_interval_nothing_is_known) {
  cr_expect_eq(numa_extrapolate(&v, 1000000), 0);
  cr_expect_eq(numa_estimated(&v).misses[NUMA_MISS_LOCAL], 0);
}
