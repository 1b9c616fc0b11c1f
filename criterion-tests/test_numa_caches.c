/* criterion-tests/test_numa_caches.c: the modelled caches: traces worked out by hand, a slow model, conservation. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "numa-model/model.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES = 256 };

/* Two nodes of two cpus; 100 ns near, 300 far, 40 more from another's cache; caches of 2 sets of 2 ways, the second
 * level's 4 sets of longer lines. */
static const struct numa_machine small = {
    .name = "small",
    .nodes = 2,
    .cpus_per_node = 2,
    .memory_per_node = FRAMES / 2 * 4096,
    .clock = 1000,
    .latency = {{100, 300}, {300, 100}},
    .dirty = 40,
    .l1i = {256, 2, 64},
    .l1d = {128, 2, 32},
    .l2 = {1024, 2, 128},
    .l2_hit = 10,
    .tlb_entries = 64,
    .tlb_refill = 50,
};
enum { FAR = FRAMES / 2 * 4096, CPUS = 4 };

struct bench {
  struct numa_memory memory;
  struct numa_model m;
  struct numa_vcpu v[CPUS];
};

static void begin(struct bench *b, const struct numa_machine *machine) {
  *b = (struct bench){0};
  cr_assert_eq(numa_memory_init(&b->memory, FRAMES * 4096), 0);
  cr_assert_eq(numa_model_init(&b->m, machine, NUMA_CACHE, &b->memory, 0), 0);
  for (unsigned i = 0; i < CPUS; i++) {
    b->v[i] = (struct numa_vcpu){.model = &b->m, .cpu = i, .mhz = 1000};
    numa_vcpu_run(&b->v[i], i);
  }
}
static void end(struct bench *b) {
  numa_model_fini(&b->m);
  numa_memory_fini(&b->memory);
}

#define REFER(cpu, at, kind, ns) cr_expect_eq(numa_refer(&b.v[cpu], at, NUMA_##kind, 0), ns, "%s at " #at, #kind)

Test(numa_caches, a_trace_worked_out_by_hand) {
  struct bench b;
  begin(&b, &small);
  REFER(0, 0, READ, 100);        /* near, exclusive */
  REFER(0, 16, READ, 0);         /* the same line */
  REFER(0, 32, READ, 10);        /* the same line of the second level */
  REFER(0, 0, WRITE, 0);         /* exclusive: nobody is asked */
  REFER(0, FAR, READ, 300);      /* far */
  REFER(2, FAR, READ, 100);      /* near to cpu 2; now both share it */
  REFER(0, FAR, WRITE, 300);     /* an upgrade: cpu 2's copy goes */
  REFER(2, FAR + 8, READ, 140);  /* from cpu 0's cache */
  REFER(0, FAR + 4, READ, 0);    /* which has it still, */
  REFER(0, FAR + 4, WRITE, 300); /* but may no longer write */
  REFER(2, 0, WRITE, 340);       /* cpu 0's changed line, far from cpu 2 */
  REFER(0, 0, READ, 140);
  REFER(0, 0, FETCH, 10);
  REFER(0, 4, FETCH, 0);
  cr_expect_eq(b.v[0].n.misses[NUMA_MISS_LOCAL], 1);
  cr_expect_eq(b.v[0].n.misses[NUMA_MISS_REMOTE], 1);
  cr_expect_eq(b.v[0].n.misses[NUMA_MISS_UPGRADE], 2);
  cr_expect_eq(b.v[0].n.misses[NUMA_MISS_DIRTY], 1);
  cr_expect_eq(b.v[0].n.invalidations, 2);
  cr_expect_eq(b.v[2].n.invalidations, 1);
  cr_expect_eq(b.v[0].n.to_node[1], 3);
  cr_expect_eq(numa_counted(&b.m.counters, 0, 0).reads, 2);
  cr_expect_eq(numa_counted(&b.m.counters, FRAMES / 2, 0).writes, 2);
  cr_expect_eq(numa_counted(&b.m.counters, 0, 1).writes, 1);
  numa_written(&b.m, 0, 4);
  REFER(0, 0, READ, 100);
  b.m.counters.replica[FRAMES / 2 + 1] = 1;
  REFER(0, FAR + 4096, READ, 100); /* a replica is near */
  end(&b);
}

/* Least recently used: of three lines in two ways; and the second level takes the first's along. */
Test(numa_caches, what_goes_is_what_was_not_used_for_longest) {
  struct bench b;
  begin(&b, &small);
  REFER(0, 0, READ, 100);
  REFER(0, 512, READ, 100);
  REFER(0, 0, READ, 0);
  REFER(0, 64, READ, 10); /* the first level's set is full: 512 goes from there */
  REFER(0, 0, READ, 0);
  REFER(0, 512, READ, 10);
  REFER(0, 1024, READ, 100); /* the second level's set is full: 0 was used there before 512 */
  REFER(0, 512, READ, 0);
  REFER(0, 0, READ, 100);
  cr_expect_eq(b.v[0].n.writebacks, 0);
  REFER(0, 0, WRITE, 0);
  REFER(0, 512, READ, 100);
  REFER(0, 1024, READ, 100);
  cr_expect_eq(b.v[0].n.writebacks, 1);
  end(&b);
}

/* Three requests in the window before, of 20 us each: busy 60 of 100 us; the next waits 20 * 60 / (2 * 40) us. */
Test(numa_caches, requests_wait_for_each_other) {
  struct numa_machine machine = small;
  struct bench b;
  machine.contention = true;
  machine.occupancy = 20000;
  begin(&b, &machine);
  for (unsigned i = 0; i < 3; i++) cr_expect_eq(numa_refer(&b.v[i], 4096 * i, NUMA_READ, 5), i < 2 ? 100 : 300);
  cr_expect_eq(numa_refer(&b.v[0], 4096 * 9, NUMA_READ, 100000), 100 + 15000);
  cr_expect_eq(numa_refer(&b.v[0], FAR, NUMA_READ, 100000), 300);
  cr_expect_eq(numa_refer(&b.v[0], 4096 * 10, NUMA_READ, 100000 * 5), 100);
  cr_expect_eq(b.v[0].n.wait_ns, 15000);
  end(&b);
}

Test(numa_caches, parts_of_cycles_are_kept) {
  struct bench b;
  begin(&b, &small);
  b.v[0].mhz = 333;
  uint64_t cycles = 0;
  for (int i = 0; i < 1000; i++) cycles += numa_charge(&b.v[0], 7);
  cr_expect_eq(cycles, 7 * 333);
  cr_expect_eq(b.v[0].n.stall_ns, 7000);
  end(&b);
}

/* --- the slow model: for each cpu and level a list of lines, the last used first; for each line a directory entry ---
 */

struct slow_cache {
  uint64_t line[64];
  bool dirty[64]; /* or, in the first level, writable */
  unsigned n;
};
struct slow {
  const struct numa_machine *m;
  struct slow_cache l1i[CPUS], l1d[CPUS], l2[CPUS];
  struct {
    uint32_t sharers;
    int owner; /* -1: none */
  } dir[FRAMES * 4096 / 128];
  struct numa_stats n[CPUS];
};

static int slow_find(const struct slow_cache *c, uint64_t line) {
  for (unsigned i = 0; i < c->n; i++)
    if (c->line[i] == line) return (int)i;
  return -1;
}
static void slow_remove(struct slow_cache *c, int i) {
  memmove(&c->line[i], &c->line[i + 1], (c->n - (unsigned)i - 1) * sizeof c->line[0]);
  memmove(&c->dirty[i], &c->dirty[i + 1], (c->n - (unsigned)i - 1) * sizeof c->dirty[0]);
  c->n--;
}
static void slow_add(struct slow_cache *c, uint64_t line, bool dirty) {
  memmove(&c->line[1], &c->line[0], c->n * sizeof c->line[0]);
  memmove(&c->dirty[1], &c->dirty[0], c->n * sizeof c->dirty[0]);
  c->line[0] = line;
  c->dirty[0] = dirty;
  c->n++;
}
/* The line that must go for `line` to have room; -1: none. */
static int slow_victim(const struct slow_cache *c, const struct numa_cache *of, uint64_t line) {
  unsigned in_set = 0;
  int last = -1;
  for (unsigned i = 0; i < c->n; i++)
    if (c->line[i] % numa_cache_sets(of) == line % numa_cache_sets(of)) in_set++, last = (int)i;
  return in_set == of->ways ? last : -1;
}

static void slow_strip(struct slow *s, unsigned cpu, uint64_t line2) {
  for (unsigned i = 0; i < s->l1d[cpu].n;)
    s->l1d[cpu].line[i] / 4 == line2 ? slow_remove(&s->l1d[cpu], (int)i) : (void)i++;
  for (unsigned i = 0; i < s->l1i[cpu].n;)
    s->l1i[cpu].line[i] / 2 == line2 ? slow_remove(&s->l1i[cpu], (int)i) : (void)i++;
}

static void slow_leave(struct slow *s, unsigned cpu, uint64_t line2) {
  slow_remove(&s->l2[cpu], slow_find(&s->l2[cpu], line2));
  slow_strip(s, cpu, line2);
  s->dir[line2].sharers &= ~(1u << cpu);
  if (s->dir[line2].owner == (int)cpu) s->dir[line2].owner = -1;
}

static uint64_t slow_memory(struct slow *s, unsigned cpu, uint64_t line2, enum numa_miss kind) {
  unsigned home = line2 * 128 >= FAR, node = cpu / 2;
  if (kind == NUMA_MISS_LOCAL && home != node) kind = NUMA_MISS_REMOTE;
  s->n[cpu].misses[kind]++;
  s->n[cpu].to_node[home]++;
  uint64_t ns = s->m->latency[node][home] + (kind == NUMA_MISS_DIRTY ? s->m->dirty : 0);
  s->n[cpu].miss_ns[kind] += ns;
  return ns;
}

/* Own it alone. */
static uint64_t slow_own(struct slow *s, unsigned cpu, uint64_t line2) {
  uint64_t ns = 0;
  if (s->dir[line2].owner != (int)cpu) {
    for (unsigned i = 0; i < CPUS; i++)
      if (i != cpu && s->dir[line2].sharers >> i & 1) slow_leave(s, i, line2), s->n[cpu].invalidations++;
    ns = slow_memory(s, cpu, line2, NUMA_MISS_UPGRADE);
  }
  s->dir[line2].owner = (int)cpu;
  s->l2[cpu].dirty[slow_find(&s->l2[cpu], line2)] = true;
  return ns;
}

static uint64_t slow_l2_miss(struct slow *s, unsigned cpu, uint64_t line2, bool write) {
  bool dirty = false, any = false;
  for (unsigned i = 0; i < CPUS; i++) {
    if (!(s->dir[line2].sharers >> i & 1)) continue;
    int at = slow_find(&s->l2[i], line2);
    any = true;
    dirty |= s->l2[i].dirty[at];
    s->l2[i].dirty[at] = false;
    for (unsigned k = 0; k < s->l1d[i].n; k++)
      if (s->l1d[i].line[k] / 4 == line2) s->l1d[i].dirty[k] = false;
    if (write) slow_leave(s, i, line2), s->n[cpu].invalidations++;
  }
  int out = slow_victim(&s->l2[cpu], &s->m->l2, line2);
  if (out >= 0) {
    s->n[cpu].writebacks += s->l2[cpu].dirty[out];
    slow_leave(s, cpu, s->l2[cpu].line[out]);
  }
  slow_add(&s->l2[cpu], line2, write);
  s->dir[line2].sharers |= 1u << cpu;
  s->dir[line2].owner = any && !write ? -1 : (int)cpu;
  return slow_memory(s, cpu, line2, dirty ? NUMA_MISS_DIRTY : NUMA_MISS_LOCAL);
}

static uint64_t slow_refer(struct slow *s, unsigned cpu, uint64_t at, enum numa_access kind) {
  struct slow_cache *l1 = kind == NUMA_FETCH ? &s->l1i[cpu] : &s->l1d[cpu];
  const struct numa_cache *of = kind == NUMA_FETCH ? &s->m->l1i : &s->m->l1d;
  uint64_t line = at / of->line, line2 = at / 128, ns = 0;
  bool write = kind == NUMA_WRITE;
  int i = slow_find(l1, line), k;
  s->n[cpu].told[kind]++;
  if (i >= 0) {
    bool may = l1->dirty[i];
    slow_remove(l1, i);
    slow_add(l1, line, may);
    if (write && !may) ns = slow_own(s, cpu, line2);
    l1->dirty[0] = may || write;
    return ns;
  }
  s->n[cpu].l1_misses[kind]++;
  if ((k = slow_find(&s->l2[cpu], line2)) >= 0) {
    bool dirty = s->l2[cpu].dirty[k];
    slow_remove(&s->l2[cpu], k);
    slow_add(&s->l2[cpu], line2, dirty);
    s->n[cpu].l2_hits++;
    ns = s->m->l2_hit + (write ? slow_own(s, cpu, line2) : 0);
  } else {
    ns = slow_l2_miss(s, cpu, line2, write);
  }
  int out = slow_victim(l1, of, line);
  if (out >= 0) slow_remove(l1, out);
  slow_add(l1, line, write);
  return ns;
}

static uint32_t next(uint64_t *x) {
  *x = *x * UINT64_C(6364136223846793005) + 1;
  return (uint32_t)(*x >> 33);
}

/* Some lines hot, some shared, some in the way of others. */
static uint64_t any_address(uint64_t *x, unsigned cpu) {
  switch (next(x) % 4) {
  case 0: return next(x) % 512;
  case 1: return 4096 * (1 + cpu) + next(x) % 2048;
  case 2: return FAR + 128 * (next(x) % 16);
  default: return next(x) % (FRAMES * 4096);
  }
}

Test(numa_caches, agree_with_the_slow_model_in_intervals) {
  struct bench b;
  begin(&b, &small);
  struct slow *s = calloc(1, sizeof *s);
  struct numa_stats seen[CPUS] = {0};
  s->m = &small;
  b.m.sampling = (struct numa_sampling){.every = 10, .warm = 2, .cache = 3};
  b.m.phase = NUMA_PHASE_WARM;
  for (size_t i = 0; i < sizeof s->dir / sizeof *s->dir; i++) s->dir[i].owner = -1;
  uint64_t x = 11, interval, last = 0, y;
  for (unsigned i = 0; i < 300000; i++) {
    enum numa_phase to = numa_sampling_phase(&b.m.sampling, i / 100, &interval);
    for (unsigned c = 0; c < CPUS && (to != b.m.phase || interval != last); c++) {
      struct numa_stats n;
      numa_vcpu_phase(&b.v[c], to, i, &y, &n);
    }
    b.m.phase = to;
    last = interval;
    unsigned cpu = next(&x) % CPUS, kind = next(&x) % NUMA_ACCESSES;
    uint64_t at = any_address(&x, cpu);
    if (to == NUMA_PHASE_BETWEEN) continue;
    struct numa_stats before = s->n[cpu];
    s->n[cpu].memory_ns += slow_refer(s, cpu, at, (enum numa_access)kind);
    numa_refer(&b.v[cpu], at, (enum numa_access)kind, 0);
    const uint64_t *to_ = (const uint64_t *)&s->n[cpu], *from = (const uint64_t *)&before;
    for (size_t k = 0; k < sizeof before / 8 && to == NUMA_PHASE_MEASURE; k++)
      ((uint64_t *)&seen[cpu])[k] += to_[k] - from[k];
  }
  for (unsigned c = 0; c < CPUS; c++) {
    struct numa_stats n;
    numa_vcpu_phase(&b.v[c], NUMA_PHASE_BETWEEN, 300000, &y, &n);
    b.v[c].sampled.all.stall_ns = 0; /* the slow model charges nobody */
    cr_expect_arr_eq(&b.v[c].sampled.all, &seen[c], sizeof seen[c]);
    cr_expect_gt(seen[c].misses[NUMA_MISS_REMOTE], 100);
  }
  free(s);
  end(&b);
}

Test(numa_caches, agree_with_the_slow_model) {
  struct bench b;
  begin(&b, &small);
  struct slow *s = calloc(1, sizeof *s);
  s->m = &small;
  for (size_t i = 0; i < sizeof s->dir / sizeof *s->dir; i++) s->dir[i].owner = -1;
  uint64_t x = 7, told = 0;
  for (unsigned i = 0; i < 1000000; i++) {
    unsigned cpu = next(&x) % CPUS, kind = next(&x) % NUMA_ACCESSES;
    uint64_t at = any_address(&x, cpu), want = slow_refer(s, cpu, at, (enum numa_access)kind);
    s->n[cpu].memory_ns += want;
    cr_assert_eq(numa_refer(&b.v[cpu], at, (enum numa_access)kind, 0), want, "reference %u", i);
  }
  for (unsigned i = 0; i < CPUS; i++) {
    const struct numa_stats *n = &b.v[i].n;
    cr_expect_arr_eq(n, &s->n[i], sizeof *n);
    uint64_t l1_misses = n->l1_misses[0] + n->l1_misses[1] + n->l1_misses[2], misses = 0, homes = 0;
    for (int k = 0; k < NUMA_MISSES; k++) misses += n->misses[k];
    for (int k = 0; k < NUMA_NODES_MAX; k++) homes += n->to_node[k];
    cr_expect_eq(l1_misses, n->l2_hits + misses - n->misses[NUMA_MISS_UPGRADE]);
    cr_expect_eq(misses, homes);
    for (int k = 0; k < NUMA_ACCESSES; k++) {
      told += n->told[k];
      cr_expect_lt(n->l1_misses[k], n->told[k]);
    }
  }
  cr_expect_eq(told, 1000000);
  free(s);
  end(&b);
}

/* --- who tells only of what may change something --- */

struct teller {
  struct numa_vcpu *v;
  uint64_t line[2][64]; /* by set; of data, of instructions. NUMA_NO_LINE: all is told */
  bool may_write[64];
};

static void forget(void *ctx, bool fetch, uint32_t set) {
  struct teller *t = ctx;
  for (uint32_t i = 0; i < 64; i++)
    if (set == i || set == NUMA_ALL_SETS) t->line[fetch][i] = NUMA_NO_LINE;
}

static void tell(struct teller *t, uint64_t at, enum numa_access kind) {
  bool fetch = kind == NUMA_FETCH;
  const struct numa_level *l = numa_first_level(t->v, kind);
  uint32_t set = numa_set(l, at);
  if (t->line[fetch][set] == at >> l->shift && (kind != NUMA_WRITE || t->may_write[set])) return;
  numa_refer(t->v, at, kind, 0);
  t->line[fetch][set] = at >> l->shift;
  if (!fetch) t->may_write[set] = numa_may_write(t->v, at);
}

Test(numa_caches, untold_references_change_nothing) {
  struct bench all, some;
  struct teller t[CPUS];
  uint64_t x = 11, told[2] = {0};
  begin(&all, &small);
  begin(&some, &small);
  for (unsigned i = 0; i < CPUS; i++) {
    t[i] = (struct teller){.v = &some.v[i]};
    some.v[i].lost = forget;
    some.v[i].ctx = &t[i];
    forget(&t[i], false, NUMA_ALL_SETS);
    forget(&t[i], true, NUMA_ALL_SETS);
  }
  for (unsigned i = 0; i < 1000000; i++) {
    unsigned who = next(&x) % CPUS, kind = next(&x) % NUMA_ACCESSES;
    uint64_t at = any_address(&x, who);
    for (unsigned times = next(&x) % 4; times; times--) {
      numa_refer(&all.v[who], at, (enum numa_access)kind, 0);
      tell(&t[who], at, (enum numa_access)kind);
    }
    if (next(&x) % 1000 == 0) { /* vcpus change places, devices write */
      unsigned cpu = next(&x) % CPUS;
      numa_vcpu_run(&all.v[who], cpu);
      numa_vcpu_run(&some.v[who], cpu);
      numa_written(&all.m, at, 300);
      numa_written(&some.m, at, 300);
    }
    for (unsigned k = 0; k < CPUS; k++) /* turns: who has been pushed from its cpu comes back somewhere */
      if (all.m.cpu[all.v[k].cpu].running != &all.v[k]) {
        unsigned cpu = 0;
        while (all.m.cpu[cpu].running) cpu++;
        numa_vcpu_run(&all.v[k], cpu);
        numa_vcpu_run(&some.v[k], cpu);
      }
  }
  for (unsigned i = 0; i < CPUS; i++) {
    for (int k = 0; k < NUMA_ACCESSES; k++) told[0] += all.v[i].n.told[k], told[1] += some.v[i].n.told[k];
    memcpy(some.v[i].n.told, all.v[i].n.told, sizeof some.v[i].n.told);
    cr_expect_arr_eq(&all.v[i].n, &some.v[i].n, sizeof some.v[i].n);
  }
  cr_expect_lt(told[1], told[0] * 3 / 4);
  end(&all);
  end(&some);
}
