/* mmu/lines.c: tables of the cache lines that generated code may use without telling the modelled machine. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Each context has a table for loads, stores and fetches, as soft TLBs are, but by pieces of 32 bytes. What may be in
 * them is the last used line of each set of the modelled cpu's first-level caches, at one address in one context: a
 * record by set says which, so that it is found when the model, or the mapping, takes it away. */
#include "mmu/mmu.h"
#include <assert.h>
#include <stdlib.h>

enum { ENTRIES = 1024, EMPTY_TAG = 1 << 11, PIECE = 1 << MMU_LINE_BITS, CONTEXTS = 256 * 3, NOWHERE = UINT16_MAX };

struct line {
  uint64_t va, host; /* of its first byte */
  uint16_t context;  /* NOWHERE: it is in no table */
};
struct tables {
  struct softtlb_entry entry[MMU_ACCESS_KINDS][ENTRIES];
};
struct mmu_lines {
  struct softtlb_table *live; /* the cpu's */
  struct line *line[2];       /* by set: of data, of instructions */
  uint32_t sets[2], bytes[2];
  struct tables *of[CONTEXTS];
  struct softtlb_entry nothing; /* a table for who has none */
  bool off;                     /* see mmu_lines_use() */
};

static void clear(struct tables *t) {
  for (int k = 0; k < MMU_ACCESS_KINDS; k++)
    for (int i = 0; i < ENTRIES; i++) t->entry[k][i].tag = EMPTY_TAG;
}

static unsigned context_in_force(const struct mmu_guest *g) {
  return g->state.priv == MMU_KERNEL ? 0 : g->state.asid * 3u + g->state.priv;
}

int mmu_lines_init(struct mmu_guest *g, struct softtlb_table live[MMU_ACCESS_KINDS], const uint32_t sets[2],
                   const uint32_t bytes[2]) {
  struct mmu_lines *l = calloc(1, sizeof *l);
  if (!l) return -1;
  g->lines = l;
  l->live = live;
  l->nothing.tag = EMPTY_TAG;
  for (int k = 0; k < 2; k++) {
    l->sets[k] = sets[k];
    l->bytes[k] = bytes[k];
    if (!(l->line[k] = calloc(sets[k], sizeof *l->line[k]))) return -1;
    for (uint32_t i = 0; i < sets[k]; i++) l->line[k][i].context = NOWHERE;
  }
  mmu_lines_go_live(g);
  return 0;
}

void mmu_lines_fini(struct mmu_guest *g) {
  struct mmu_lines *l = g->lines;
  for (int i = 0; l && i < CONTEXTS; i++) free(l->of[i]);
  for (int k = 0; l && k < 2; k++) free(l->line[k]);
  free(l);
  g->lines = NULL;
}

void mmu_lines_go_live(struct mmu_guest *g) {
  struct mmu_lines *l = g->lines;
  if (l->off) return;
  struct tables **t = &l->of[context_in_force(g)];
  if (!*t && (*t = malloc(sizeof **t))) clear(*t);
  for (int k = 0; k < MMU_ACCESS_KINDS; k++)
    l->live[k] =
        *t ? (struct softtlb_table){(*t)->entry[k], (ENTRIES - 1) << 4} : (struct softtlb_table){&l->nothing, 0};
  /* Whole pages are for slow paths only. */
  g->live->table[MMU_READ] = g->live->table[MMU_WRITE] = (struct softtlb_table){&l->nothing, 0};
}

void mmu_lines_use(struct mmu_guest *g, bool on) {
  g->lines->off = !on;
  if (on)
    mmu_lines_go_live(g);
  else
    for (int k = MMU_READ; k <= MMU_WRITE; k++) g->live->table[k] = g->pages->table[k];
}

static void drop(const struct mmu_lines *l, bool fetch, struct line *r) {
  if (r->context == NOWHERE) return;
  for (uint64_t at = 0; at < l->bytes[fetch]; at += PIECE)
    for (int k = fetch ? MMU_FETCH : MMU_READ; k <= (fetch ? MMU_FETCH : MMU_WRITE); k++) {
      uint64_t va = r->va + at; /* the last line ends where addresses do */
      struct softtlb_entry *e = &l->of[r->context]->entry[k][va >> MMU_LINE_BITS & (ENTRIES - 1)];
      if (e->tag == va) e->tag = EMPTY_TAG;
    }
  r->context = NOWHERE;
}

void mmu_lines_enter(struct mmu_guest *g, uint64_t va, enum mmu_access kind, uint32_t set, const uint8_t *host) {
  struct mmu_lines *l = g->lines;
  bool fetch = kind == MMU_FETCH;
  struct line *r = &l->line[fetch][set];
  uint64_t first = va & -(uint64_t)l->bytes[fetch], piece = va & -(uint64_t)PIECE;
  unsigned context = context_in_force(g);
  assert(set < l->sets[fetch]);
  if (!l->of[context]) return;
  if (r->context != context || r->va != first) {
    drop(l, fetch, r);
    *r = (struct line){.va = first, .host = (uint64_t)(uintptr_t)host - (va - first), .context = (uint16_t)context};
  }
  l->of[context]->entry[kind][piece >> MMU_LINE_BITS & (ENTRIES - 1)] =
      (struct softtlb_entry){.tag = piece, .addend = (uint64_t)(uintptr_t)host - va};
}

void mmu_lines_lost(struct mmu_guest *g, bool fetch, uint32_t set) {
  struct mmu_lines *l = g->lines;
  if (set != UINT32_MAX) {
    drop(l, fetch, &l->line[fetch][set]);
    return;
  }
  for (uint32_t i = 0; i < l->sets[fetch]; i++) drop(l, fetch, &l->line[fetch][i]);
}

/* Drop those for which `gone` says so. */
static void drop_if(struct mmu_guest *g, bool (*gone)(const struct line *r, uint64_t a, uint64_t b, int asid),
                    uint64_t a, uint64_t b, int asid) {
  struct mmu_lines *l = g->lines;
  for (int k = 0; l && k < 2; k++)
    for (uint32_t i = 0; i < l->sets[k]; i++)
      if (l->line[k][i].context != NOWHERE && gone(&l->line[k][i], a, b, asid)) drop(l, k, &l->line[k][i]);
}

static bool in_range(const struct line *r, uint64_t vpn, uint64_t mask, int asid) {
  return ((r->va ^ vpn) & ~mask) == 0 && (asid < 0 || !r->context || r->context / 3 == asid);
}
void mmu_lines_drop(struct mmu_guest *g, uint64_t vpn, uint64_t mask, int asid) {
  drop_if(g, in_range, vpn, mask, asid);
}

static bool on_page(const struct line *r, uint64_t host, uint64_t unused, int none) {
  (void)unused, (void)none;
  return ((r->host ^ host) & MMU_PAGE_MASK) == 0;
}
void mmu_lines_drop_page(struct mmu_guest *g, const struct mmu_page *page) {
  drop_if(g, on_page, (uint64_t)(uintptr_t)page->host, 0, 0);
}

static bool any(const struct line *r, uint64_t a, uint64_t b, int asid) {
  (void)r, (void)a, (void)b, (void)asid;
  return true;
}
void mmu_lines_flush(struct mmu_guest *g) {
  drop_if(g, any, 0, 0, 0);
}

/* The kernel's, by the TLB: some belong to an ASID. */
static bool kernel_mapped(const struct line *r, uint64_t a, uint64_t b, int asid) {
  (void)a, (void)b, (void)asid;
  return !r->context && !mmu_unmapped(r->va);
}
void mmu_lines_leave_asid(struct mmu_guest *g) {
  drop_if(g, kernel_mapped, 0, 0, 0);
}
