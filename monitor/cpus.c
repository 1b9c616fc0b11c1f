/* monitor/cpus.c: the scheduler: modelled cpus given to vcpus, round by round. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Who has a cpu keeps it for a slice of MON_SLICE rounds, if it has something to do, and longer if nobody waits. What
 * the schedulers differ in is who gets a free one. */
#include "monitor/cpus.h"
#include <stdlib.h>

int mon_cpus_init(struct mon_cpus *s, enum mb_sched how, unsigned cpus, unsigned per_node, const unsigned *vcpus,
                  unsigned vms) {
  unsigned n = 0;
  for (unsigned i = 0; i < vms; i++) n += vcpus[i];
  *s = (struct mon_cpus){.how = how, .cpus = cpus, .per_node = per_node, .seats = n};
  s->seat = calloc(n, sizeof *s->seat);
  s->tenant = malloc(cpus * sizeof *s->tenant);
  s->last = malloc(cpus * sizeof *s->last);
  if (!s->seat || !s->tenant || !s->last) {
    mon_cpus_fini(s);
    return -1;
  }
  for (unsigned i = 0; i < cpus; i++) s->tenant[i] = s->last[i] = MON_NO_CPU;
  n = 0;
  for (unsigned i = 0; i < vms; i++)
    for (unsigned k = 0; k < vcpus[i]; k++, n++)
      s->seat[n] =
          (struct mon_seat){.vm = (uint16_t)i, .vcpu = (uint16_t)k, .pin = MON_NO_CPU, .cpu = (uint16_t)(n % cpus)};
  return 0;
}

void mon_cpus_fini(struct mon_cpus *s) {
  free(s->seat);
  free(s->tenant);
  free(s->last);
  *s = (struct mon_cpus){0};
}

static unsigned node_of(const struct mon_cpus *s, unsigned cpu) {
  return cpu / s->per_node;
}

static bool is_free(const struct mon_cpus *s, unsigned cpu) {
  return s->tenant[cpu] == MON_NO_CPU;
}

static void give(struct mon_cpus *s, unsigned i, unsigned cpu) {
  struct mon_seat *v = &s->seat[i];
  bool switched = s->last[cpu] != i && s->last[cpu] != MON_NO_CPU, moved = v->cpu != cpu;
  v->fresh = switched || moved;
  v->switches += switched;
  v->moves += moved;
  v->far += node_of(s, v->cpu) != node_of(s, cpu);
  v->cpu = (uint16_t)cpu;
  v->has_cpu = true;
  s->tenant[cpu] = s->last[cpu] = (uint16_t)i;
}

/* What may be had, the nearest to where it was first. MON_NO_CPU: none. */
static unsigned free_cpu(const struct mon_cpus *s, const struct mon_seat *v) {
  unsigned best = MON_NO_CPU;
  if (v->pin != MON_NO_CPU) return is_free(s, v->pin) ? v->pin : MON_NO_CPU;
  if (is_free(s, v->cpu)) return v->cpu;
  for (unsigned i = 0; i < s->cpus; i++) {
    if (!is_free(s, i)) continue;
    if (node_of(s, i) == node_of(s, v->cpu)) return i;
    if (best == MON_NO_CPU) best = i;
  }
  return best;
}

static bool wants(const struct mon_seat *v) {
  return v->ready && !v->has_cpu;
}

/* The seat that has waited longest, of those with this cpu for their own, or (not own) of all that may come; to another
 * node only who has waited for some rounds. */
enum { FAR_AFTER = 3 };
static unsigned next_in_line(const struct mon_cpus *s, unsigned cpu, bool own) {
  unsigned best = MON_NO_CPU;
  for (unsigned i = 0; i < s->seats; i++) {
    const struct mon_seat *v = &s->seat[i];
    bool far = node_of(s, v->cpu) != node_of(s, cpu);
    if (!wants(v) || (own ? v->cpu != cpu : v->pin != MON_NO_CPU || (far && v->waited < FAR_AFTER))) continue;
    if (best == MON_NO_CPU || v->waited > s->seat[best].waited) best = i;
  }
  return best;
}

static void serve_own(struct mon_cpus *s, bool others_too) {
  for (int pass = 0; pass <= (int)others_too; pass++)
    for (unsigned cpu = 0; cpu < s->cpus; cpu++) {
      unsigned i = is_free(s, cpu) ? next_in_line(s, cpu, !pass) : MON_NO_CPU;
      if (i != MON_NO_CPU) give(s, i, cpu);
    }
}

/* Of n seats who has had least is next, wherever there is room. */
static void serve_least(struct mon_cpus *s, unsigned first, unsigned n) {
  for (;;) {
    unsigned best = MON_NO_CPU, at = 0;
    for (unsigned i = first; i < first + n; i++) {
      unsigned cpu = wants(&s->seat[i]) ? free_cpu(s, &s->seat[i]) : MON_NO_CPU;
      if (cpu == MON_NO_CPU || (best != MON_NO_CPU && s->seat[i].had >= s->seat[best].had)) continue;
      best = i;
      at = cpu;
    }
    if (best == MON_NO_CPU) return;
    give(s, best, at);
  }
}

/* --- gangs: all of a VM's vcpus that have something to do, or none --- */

struct gang {
  unsigned first, n; /* its seats */
  unsigned want;
  uint64_t had; /* by all its vcpus */
};

static struct gang gang_at(const struct mon_cpus *s, unsigned first) {
  struct gang g = {.first = first};
  for (unsigned i = first; i < s->seats && s->seat[i].vm == s->seat[first].vm; i++, g.n++) {
    g.want += wants(&s->seat[i]);
    g.had += s->seat[i].had;
  }
  return g;
}

static bool all_free(const struct mon_cpus *s) {
  unsigned i = 0;
  while (i < s->cpus && is_free(s, i)) i++;
  return i == s->cpus;
}

/* Give each its cpu if all can have one at a time. A gang that never can, being too large or pinned together, gets what
 * there is when it is first. */
static void serve_gang(struct mon_cpus *s, const struct gang *g) {
  unsigned taken[MB_PINS_MAX], n = 0;
  bool first = all_free(s);
  for (unsigned i = g->first; i < g->first + g->n; i++) {
    unsigned cpu = wants(&s->seat[i]) ? free_cpu(s, &s->seat[i]) : MON_NO_CPU;
    if (cpu == MON_NO_CPU) continue;
    s->tenant[cpu] = (uint16_t)i; /* to see if there is room for all */
    taken[n++] = cpu;
  }
  for (unsigned k = 0; k < n; k++) s->tenant[taken[k]] = MON_NO_CPU;
  if (n == g->want || first) serve_least(s, g->first, g->n);
}

static void serve_gangs(struct mon_cpus *s) {
  uint64_t least = 0;
  for (;;) { /* in the order of what they have had for each vcpu; of those alike the first first */
    struct gang best = {0};
    uint64_t most = UINT64_MAX;
    for (unsigned at = 0; at < s->seats;) {
      struct gang g = gang_at(s, at);
      uint64_t key = (g.had / g.n) * s->seats + at;
      if (g.want && key >= least && key < most) best = g, most = key;
      at += g.n;
    }
    if (!best.n) return;
    serve_gang(s, &best);
    least = most + 1;
  }
}

/* --- a round --- */

/* Who is in the middle of a slice stays. The slices of gangs end all at once, so that there is room for large ones. */
static void keep_tenants(struct mon_cpus *s) {
  bool over = s->how == MB_SCHED_GANG && s->round++ % MON_SLICE == 0;
  for (unsigned i = 0; i < s->seats; i++) {
    struct mon_seat *v = &s->seat[i];
    bool stays = v->has_cpu && v->ready && (s->how == MB_SCHED_GANG ? !over : v->slice < MON_SLICE);
    v->has_cpu = v->fresh = false;
    if (stays && is_free(s, v->cpu)) give(s, i, v->cpu);
  }
}

static void count(struct mon_cpus *s) {
  for (unsigned i = 0; i < s->seats; i++) {
    struct mon_seat *v = &s->seat[i];
    bool runs = v->has_cpu && v->ready, waits = v->ready && !v->has_cpu;
    v->slice = runs ? v->slice % MON_SLICE + 1 : 0;
    v->waited = waits ? v->waited + 1 : 0;
    v->ran += runs;
    v->had += runs;
    v->kept += waits;
  }
}

/* Who has idled joins those who have not. */
static void welcome(struct mon_cpus *s) {
  uint64_t least = UINT64_MAX;
  for (unsigned i = 0; i < s->seats; i++)
    if (s->seat[i].ready && s->seat[i].was_ready && s->seat[i].had < least) least = s->seat[i].had;
  for (unsigned i = 0; i < s->seats; i++) {
    struct mon_seat *v = &s->seat[i];
    if (v->ready && !v->was_ready && least != UINT64_MAX && v->had < least) v->had = least;
    v->was_ready = v->ready;
  }
}

void mon_cpus_assign(struct mon_cpus *s) {
  for (unsigned i = 0; i < s->cpus; i++) s->tenant[i] = MON_NO_CPU;
  welcome(s);
  keep_tenants(s);
  switch (s->how) {
  case MB_SCHED_OFF:
  case MB_SCHED_FIXED: serve_own(s, false); break;
  case MB_SCHED_AFFINITY: serve_own(s, true); break;
  case MB_SCHED_LEAST_LOADED: serve_least(s, 0, s->seats); break;
  case MB_SCHED_GANG: serve_gangs(s); break;
  }
  count(s);
  /* Who idles has what is left, to wake on. */
  for (unsigned i = 0; i < s->seats; i++) {
    struct mon_seat *v = &s->seat[i];
    if (v->ready || !is_free(s, v->cpu)) continue;
    s->tenant[v->cpu] = (uint16_t)i;
    v->has_cpu = true;
  }
}

/* --- state --- */

static void seat_state(struct mon_seat *v, struct snap *s) {
  SNAP(s, v->cpu);
  SNAP(s, v->ready);
  SNAP(s, v->has_cpu);
  SNAP(s, v->fresh);
  SNAP(s, v->was_ready);
  SNAP(s, v->had);
  SNAP(s, v->slice);
  SNAP(s, v->waited);
  SNAP(s, v->ran);
  SNAP(s, v->kept);
  SNAP(s, v->switches);
  SNAP(s, v->moves);
  SNAP(s, v->far);
}

/* What nobody would have written down: cpus or seats of which there are none. */
static bool is_sound(const struct mon_cpus *c) {
  const uint64_t most = UINT64_C(1) << 40; /* rounds */
  for (unsigned i = 0; i < c->seats; i++) {
    const struct mon_seat *v = &c->seat[i];
    if (v->cpu >= c->cpus || v->had > most || (v->pin != MON_NO_CPU && v->cpu != v->pin)) return false;
  }
  for (unsigned i = 0; i < c->cpus; i++)
    if ((c->tenant[i] != MON_NO_CPU && c->tenant[i] >= c->seats) ||
        (c->last[i] != MON_NO_CPU && c->last[i] >= c->seats))
      return false;
  return true;
}

void mon_cpus_state(struct mon_cpus *c, struct snap *s) {
  for (unsigned i = 0; i < c->seats; i++) seat_state(&c->seat[i], s);
  snap_numbers(s, c->tenant, sizeof *c->tenant, c->cpus);
  snap_numbers(s, c->last, sizeof *c->last, c->cpus);
  SNAP(s, c->round);
  SNAP(s, c->due);
  bool sound = !s->bad && is_sound(c);
  if (!snap_check(s, sound))
    for (unsigned i = 0; i < c->seats; i++) c->seat[i].cpu = 0; /* it is still freed, and may be asked for numbers */
}
