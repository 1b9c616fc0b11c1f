/* monitor/coverage.c: from counted pieces of code to how often each instruction was executed. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces overlap, since code is cut into blocks in more than one way: where pieces begin and end, what an instruction
 * has changes by their counts. */
#include "monitor/coverage.h"
#include <stdlib.h>

int mon_coverage_new(struct mon_coverage **out) {
  struct mon_coverage *c = *out = calloc(1, sizeof *c);
  return !c || mips_tally_init(&c->tally, MIPS_TALLY_ROWS) ? MB_ERR_MEMORY : MB_OK;
}

void mon_coverage_free(struct mon_coverage *c) {
  if (c) mips_tally_fini(&c->tally);
  free(c);
}

struct edge {
  uint64_t at, by; /* from here on so much more; less is more, too, modulo 2^64 */
};

static int by_address(const void *a, const void *b) {
  const struct edge *x = a, *y = b;
  return x->at < y->at ? -1 : x->at > y->at;
}

/* The edges of a table, sorted; NULL: no memory. */
static struct edge *edges_of(const struct mips_tally *t, bool user, size_t *n) {
  struct edge *e = malloc(2 * (size_t)t->rows * sizeof *e);
  *n = 0;
  if (!e) return NULL;
  for (uint32_t i = MIPS_TALLY_LOST + 1; i < t->rows; i++) {
    const struct mips_tally_row *r = &t->row[i];
    if (r->user != user || !t->count[i]) continue;
    e[(*n)++] = (struct edge){r->pc, t->count[i]};
    e[(*n)++] = (struct edge){r->pc + 4u * r->insns, -t->count[i]};
  }
  qsort(e, *n, sizeof *e, by_address);
  return e;
}

bool mon_stretches_read(struct mon_stretches *out, const struct mips_tally *t, bool user) {
  size_t n;
  struct edge *e = edges_of(t, user, &n);
  *out = (struct mon_stretches){.stretch = malloc((n + 1) * sizeof *out->stretch)};
  uint64_t count = 0;
  for (size_t i = 0; e && out->stretch && i < n; i++) {
    count += e[i].by;
    if (i + 1 == n || e[i + 1].at == e[i].at || !count) continue;
    struct mon_stretch *last = out->n ? &out->stretch[out->n - 1] : NULL;
    if (last && last->to == e[i].at && last->count == count)
      last->to = e[i + 1].at;
    else
      out->stretch[out->n++] = (struct mon_stretch){e[i].at, e[i + 1].at, count};
  }
  bool good = e && out->stretch;
  free(e);
  if (!good) mon_stretches_free(out);
  return good;
}

void mon_stretches_free(struct mon_stretches *s) {
  free(s->stretch);
  *s = (struct mon_stretches){0};
}

size_t mon_stretches_find(const struct mon_stretches *s, uint64_t va) {
  size_t low = 0, high = s->n;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    if (s->stretch[mid].to <= va)
      low = mid + 1;
    else
      high = mid;
  }
  return low;
}

uint64_t mon_stretches_most(const struct mon_stretches *s, uint64_t from, uint64_t to) {
  uint64_t most = 0;
  for (size_t i = mon_stretches_find(s, from); i < s->n && s->stretch[i].from < to; i++)
    if (s->stretch[i].count > most) most = s->stretch[i].count;
  return most;
}
