/* monitor/sampling.c: caches modelled by intervals: phases begin and end, the rest of the time is charged, what is
 * known. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Phases change between two rounds of the machine, so they follow from virtual time alone, for all VMs at once: no
 * generated code is in the middle of anything then. Outside of intervals guests run as without a modelled machine. All
 * the time they pay, round by round of theirs, what instructions have cost in recent intervals: what one costs just now
 * must not decide how much of it fits into an interval, or what is dear would be measured too seldom. */
#include "monitor/monitor.h"
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

const struct mb_numa_sampling mb_sampling_usual = {.every = 25, .warm = 1, .cache = 1};

bool mon_is_sampled(const struct mb_machine *m) {
  return m->config.numa >= MB_NUMA_SAMPLE;
}

/* All references are modelled; only page counters are fed by intervals. */
static bool feeds_by_intervals(const struct mb_machine *m) {
  return m->config.placement.feed == MB_FEED_SAMPLE;
}

int mon_sampling_choose(struct mb_machine *m) {
  struct mb_numa_sampling *s = &m->config.sampling;
  bool all = m->config.numa == MB_NUMA_CACHE || m->config.numa == MB_NUMA_ALL;
  if (m->config.placement.feed && !all)
    return mon_fail(&m->error, MB_ERR_ARGUMENT, "what feeds policies can be chosen where all references are modelled");
  if (!mon_is_sampled(m) && !feeds_by_intervals(m)) return MB_OK;
  if (!s->every) *s = mb_sampling_usual;
  if (s->every <= MB_SAMPLING_MAX && s->cache && s->warm <= s->every && s->cache <= s->every - s->warm) return MB_OK;
  return mon_fail(&m->error, MB_ERR_ARGUMENT,
                  "of each %" PRIu32 " ms %" PRIu32 " cannot be measured behind %" PRIu32 " of warming", s->every,
                  s->cache, s->warm);
}

/* --- who pays --- */

void mon_sampling_charge(struct mb_vm *vm) {
  if (!mon_is_sampled(vm->machine)) return;
  for (unsigned i = 0; i < vm->vcpus; i++) {
    uint64_t now = mips_instructions(&vm->cpu[i]), n = now - vm->sampled.charged[i];
    vm->sampled.charged[i] = now;
    if (!n) continue;
    uint64_t ns = numa_extrapolate(&vm->numa[i], n);
    if (ns) mips_stall(&vm->cpu[i], numa_charge(&vm->numa[i], ns));
  }
}

/* --- phases --- */

static uint64_t all_misses(const struct numa_stats *n) {
  uint64_t sum = 0;
  for (int i = 0; i < NUMA_MISSES; i++) sum += n->misses[i];
  return sum;
}

static void add_interval(struct mon_sampled *s, uint64_t instructions, const struct numa_stats *n) {
  double x = (double)instructions, l1 = 0, misses = (double)all_misses(n);
  for (int i = 0; i < NUMA_ACCESSES; i++) l1 += (double)n->l1_misses[i];
  numa_ratio_add(&s->ratio[MON_SAMPLED_L1], x / 1000, l1);
  numa_ratio_add(&s->ratio[MON_SAMPLED_MISSES], x / 1000, misses);
  numa_ratio_add(&s->ratio[MON_SAMPLED_REFILLS], x / 1000, (double)n->tlb_refills);
  numa_ratio_add(&s->ratio[MON_SAMPLED_STALL], x, (double)n->stall_ns);
  numa_ratio_add(&s->ratio[MON_SAMPLED_LOCAL], misses, (double)n->misses[NUMA_MISS_LOCAL]);
}

static void change(struct mb_vm *vm, enum numa_phase to) {
  struct numa_stats sum = {0};
  uint64_t instructions = 0;
  bool measured = false, was_on = vm->machine->numa.phase != NUMA_PHASE_BETWEEN, on = to != NUMA_PHASE_BETWEEN;
  mon_sampling_charge(vm);
  for (unsigned i = 0; i < vm->vcpus; i++) {
    struct numa_stats n;
    uint64_t x;
    if (numa_vcpu_phase(&vm->numa[i], to, mips_instructions(&vm->cpu[i]), &x, &n)) {
      measured = true;
      instructions += x;
      numa_stats_add(&sum, &n);
    }
    if (on != was_on) mips_numa_tell(&vm->cpu[i], on);
  }
  if (measured) add_interval(&vm->sampled, instructions, &sum);
}

static struct numa_sampling sampling_of(const struct mb_machine *m) {
  const struct mb_numa_sampling *s = &m->config.sampling;
  return (struct numa_sampling){.every = s->every, .warm = s->warm, .cache = s->cache};
}

void mon_sampling(struct mb_machine *m, uint64_t now) {
  if (!mon_is_sampled(m) && !feeds_by_intervals(m)) return;
  const struct numa_sampling s = sampling_of(m);
  uint64_t interval;
  enum numa_phase to = numa_sampling_phase(&s, now / 1000000, &interval);
  m->numa.weight = to == NUMA_PHASE_MEASURE ? numa_sampling_weight(&s) : 0;
  if (!mon_is_sampled(m)) return;
  if (to == m->numa.phase && (interval == m->interval || to != NUMA_PHASE_MEASURE)) return;
  for (unsigned i = 0; i < m->vms; i++) change(m->vm[i], to);
  m->numa.phase = to;
  m->interval = interval;
}

void mon_sampling_start(struct mb_machine *m) {
  m->numa.by_tlb |= m->config.placement.feed == MB_FEED_TLB;
  if (m->config.placement.feed == MB_FEED_TLB) m->numa.weight = 0;
  if (!mon_is_sampled(m)) return;
  m->numa.sampling = sampling_of(m);
  m->numa.phase = NUMA_PHASE_WARM;
}

/* --- what came of it --- */

static json_t *ratio_json(const struct numa_ratio *r) {
  double near = numa_ratio_near(r);
  json_t *o = json_pack("{s:f}", "mean", numa_ratio_mean(r));
  json_object_set_new(o, "ci95", near < 0 ? json_null() : json_real(near));
  return o;
}

struct json_t *mon_sampling_json(const struct mb_vm *vm) {
  static const char *const name[MON_SAMPLED] = {[MON_SAMPLED_L1] = "l1_misses_per_1000_instructions",
                                                [MON_SAMPLED_MISSES] = "misses_per_1000_instructions",
                                                [MON_SAMPLED_REFILLS] = "tlb_refills_per_1000_instructions",
                                                [MON_SAMPLED_STALL] = "stall_ns_per_instruction",
                                                [MON_SAMPLED_LOCAL] = "local_share"};
  const struct mb_numa_sampling *s = &vm->machine->config.sampling;
  uint64_t instructions = 0;
  for (unsigned i = 0; i < vm->vcpus; i++) instructions += vm->numa[i].sampled.all_instructions;
  json_t *o = json_pack("{s:I,s:I,s:I,s:I,s:I}", "every_ms", (json_int_t)s->every, "warm_ms", (json_int_t)s->warm,
                        "cache_ms", (json_int_t)s->cache, "intervals", (json_int_t)vm->sampled.ratio[0].n,
                        "instructions", (json_int_t)instructions);
  for (int i = 0; i < MON_SAMPLED; i++) json_object_set_new(o, name[i], ratio_json(&vm->sampled.ratio[i]));
  return o;
}
