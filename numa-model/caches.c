/* numa-model/caches.c: the caches of the modelled cpus, and what keeps them coherent. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The second level has every line of the first ones. It alone has the four states of MESI; a line of the first level
 * for data may be written to (WRITABLE) when the second level's is MODIFIED. There is no table of who has what: the
 * other cpus' tags are asked, which says the same as a directory with a bit for each cpu. */
#include "numa-model/model.h"
#include <assert.h>
#include <stdlib.h>

enum { INVALID, SHARED, EXCLUSIVE, MODIFIED };
enum { READABLE = SHARED, WRITABLE = MODIFIED };

static int level_init(struct numa_level *l, const struct numa_cache *c) {
  l->sets = numa_cache_sets(c);
  l->ways = c->ways;
  l->shift = (uint32_t)__builtin_ctz(c->line);
  l->way = malloc((size_t)l->sets * l->ways * sizeof *l->way);
  for (size_t i = 0; l->way && i < (size_t)l->sets * l->ways; i++) l->way[i] = (struct numa_way){.line = NUMA_NO_LINE};
  return l->way ? 0 : -1;
}

int numa_caches_init(struct numa_cpu *c, const struct numa_machine *m) {
  return level_init(&c->l1i, &m->l1i) || level_init(&c->l1d, &m->l1d) || level_init(&c->l2, &m->l2) ? -1 : 0;
}

void numa_caches_fini(struct numa_cpu *c) {
  free(c->l1i.way);
  free(c->l1d.way);
  free(c->l2.way);
  *c = (struct numa_cpu){0};
}

static struct numa_way *set_at(const struct numa_level *l, uint64_t address) {
  return &l->way[(size_t)numa_set(l, address) * l->ways];
}

static struct numa_way *find(const struct numa_level *l, uint64_t address) {
  struct numa_way *set = set_at(l, address);
  for (uint32_t k = 0; k < l->ways; k++)
    if (set[k].line == address >> l->shift) return &set[k];
  return NULL;
}

static struct numa_way *to_front(struct numa_way *set, struct numa_way *w) {
  struct numa_way x = *w;
  for (; w > set; w--) *w = w[-1];
  return *set = x, set;
}

/* Free ways are the last to have been used. */
static void take_out(const struct numa_level *l, struct numa_way *w) {
  struct numa_way *last = l->way + (size_t)(w - l->way) / l->ways * l->ways + l->ways - 1;
  for (; w < last; w++) *w = w[1];
  *last = (struct numa_way){.line = NUMA_NO_LINE};
}

/* What is untold of a set no longer holds. */
static void lose(const struct numa_cpu *c, const struct numa_level *l, uint64_t address) {
  if (c->running && c->running->lost) c->running->lost(c->running->ctx, l == &c->l1i, numa_set(l, address));
}

/* --- first levels, line by line of the second --- */

/* Take a line of the second level out of a first one; or, with `keep`, its right to be written to. */
static void strip(struct numa_cpu *c, struct numa_level *l, uint64_t line2, bool keep) {
  uint64_t from = line2 << c->l2.shift, to = from + (UINT64_C(1) << c->l2.shift);
  for (uint64_t at = from; at < to; at += UINT64_C(1) << l->shift) {
    struct numa_way *w = find(l, at);
    if (!w || (keep && w->state != WRITABLE)) continue;
    if (w == set_at(l, at)) lose(c, l, at);
    if (keep)
      w->state = READABLE;
    else
      take_out(l, w);
  }
}

static void drop(struct numa_cpu *c, struct numa_way *w2) {
  strip(c, &c->l1i, w2->line, false);
  strip(c, &c->l1d, w2->line, false);
  take_out(&c->l2, w2);
}

/* --- coherence --- */

struct others {
  bool any, dirty;
};

/* See to the other cpus' copies: for a write they go, for a read they become shared. */
static struct others ask_others(struct numa_vcpu *v, uint64_t address, bool write) {
  struct numa_model *m = v->model;
  struct others o = {0};
  for (unsigned i = 0; i < numa_cpus(&m->machine); i++) {
    struct numa_cpu *c = &m->cpu[i];
    struct numa_way *w = i == v->cpu ? NULL : find(&c->l2, address);
    if (!w) continue;
    o.any = true;
    if (w->state == MODIFIED) o.dirty = true;
    if (write) {
      v->n.invalidations++;
      drop(c, w);
    } else if (w->state != SHARED) {
      w->state = SHARED;
      strip(c, &c->l1d, w->line, true);
    }
  }
  return o;
}

/* A line that this cpu has in the second level is to be written to. */
static uint64_t gain_write(struct numa_vcpu *v, struct numa_way *w2, uint64_t address, uint64_t now) {
  uint64_t ns = 0;
  if (w2->state == SHARED) {
    ask_others(v, address, true);
    ns = numa_memory_ns(v, address, true, NUMA_MISS_UPGRADE, now);
  }
  w2->state = MODIFIED;
  return ns;
}

static uint64_t miss_l2(struct numa_vcpu *v, uint64_t address, bool write, uint64_t now) {
  struct numa_cpu *c = &v->model->cpu[v->cpu];
  struct numa_way *set = set_at(&c->l2, address), *last = set + c->l2.ways - 1;
  struct others o = ask_others(v, address, write);
  if (last->line != NUMA_NO_LINE) {
    v->n.writebacks += last->state == MODIFIED;
    drop(c, last);
  }
  *last = (struct numa_way){.line = address >> c->l2.shift, .state = write ? MODIFIED : o.any ? SHARED : EXCLUSIVE};
  to_front(set, last);
  return numa_memory_ns(v, address, write, o.dirty ? NUMA_MISS_DIRTY : NUMA_MISS_LOCAL, now);
}

/* --- a reference --- */

static uint64_t refer_l2(struct numa_vcpu *v, uint64_t address, bool write, uint64_t now) {
  struct numa_cpu *c = &v->model->cpu[v->cpu];
  struct numa_way *w = find(&c->l2, address);
  if (!w) return miss_l2(v, address, write, now);
  w = to_front(set_at(&c->l2, address), w);
  v->n.l2_hits++;
  return v->model->machine.l2_hit + (write ? gain_write(v, w, address, now) : 0);
}

uint64_t numa_refer(struct numa_vcpu *v, uint64_t address, enum numa_access kind, uint64_t now) {
  struct numa_cpu *c = &v->model->cpu[v->cpu];
  struct numa_level *l = kind == NUMA_FETCH ? &c->l1i : &c->l1d;
  struct numa_way *set = set_at(l, address), *w = find(l, address), *last = set + l->ways - 1;
  bool write = kind == NUMA_WRITE;
  uint64_t ns = 0;
  v->n.told[kind]++;
  if (w != set) lose(c, l, address);
  if (w) {
    w = to_front(set, w);
    if (!write || w->state == WRITABLE) return 0;
    struct numa_way *w2 = find(&c->l2, address);
    assert(w2);
    ns = gain_write(v, w2, address, now);
    w->state = WRITABLE;
    v->n.memory_ns += ns;
    return ns;
  }
  v->n.l1_misses[kind]++;
  ns = refer_l2(v, address, write, now);
  *last = (struct numa_way){.line = address >> l->shift, .state = write ? WRITABLE : READABLE};
  to_front(set, last);
  v->n.memory_ns += ns;
  return ns;
}

bool numa_may_write(const struct numa_vcpu *v, uint64_t address) {
  const struct numa_level *l = numa_first_level(v, NUMA_WRITE);
  return set_at(l, address)->state == WRITABLE;
}

void numa_written(struct numa_model *m, uint64_t address, uint64_t bytes) {
  if (m->fidelity != NUMA_CACHE || !bytes) return;
  for (unsigned i = 0; i < numa_cpus(&m->machine); i++) {
    struct numa_cpu *c = &m->cpu[i];
    uint64_t step = UINT64_C(1) << c->l2.shift;
    for (uint64_t at = address & -step; at < address + bytes; at += step) {
      struct numa_way *w = find(&c->l2, at);
      if (w) drop(c, w);
    }
  }
}

/* --- state --- */

/* In its own set, and there once. */
static bool is_in_place(const struct numa_level *l, const struct numa_way *w) {
  const struct numa_way *set = l->way + (size_t)(w - l->way) / l->ways * l->ways;
  if (w->line == NUMA_NO_LINE) return w->state == INVALID;
  if (w->state == INVALID || w->state > MODIFIED || w->line > UINT64_MAX >> l->shift) return false;
  return set == set_at(l, w->line << l->shift) && find(l, w->line << l->shift) == w;
}

static void level_state(struct numa_level *l, struct snap *s) {
  size_t n = l->way ? (size_t)l->sets * l->ways : 0;
  for (size_t i = 0; i < n; i++) {
    SNAP(s, l->way[i].line);
    SNAP(s, l->way[i].state);
  }
  for (size_t i = 0; s->restoring && !s->bad && i < n; i++) snap_check(s, is_in_place(l, &l->way[i]));
}

/* The second level must have what the first has. */
static void check_first(const struct numa_cpu *c, const struct numa_level *l, struct snap *s) {
  for (size_t i = 0; l->way && !s->bad && i < (size_t)l->sets * l->ways; i++)
    if (l->way[i].line != NUMA_NO_LINE) snap_check(s, find(&c->l2, l->way[i].line << l->shift));
}

void numa_caches_state(struct numa_cpu *c, struct snap *s) {
  level_state(&c->l1i, s);
  level_state(&c->l1d, s);
  level_state(&c->l2, s);
  if (!s->restoring || s->bad) return;
  check_first(c, &c->l1i, s);
  check_first(c, &c->l1d, s);
}
