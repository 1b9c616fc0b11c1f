/* mmu/softtlb.c: the tables generated code looks up, one set per ASID and privilege. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A context is made when first entered and keeps its entries while another runs. A table that keeps
 * evicting live entries doubles, up to a bound, so that its size follows its use. */
#include "mmu/mmu.h"
#include <assert.h>
#include <stdlib.h>

enum { TABLE_MIN = 64, TABLE_MAX = 4096, EMPTY_TAG = 1 << 11, PRIVS = 3 };

struct mmu_context {
  struct softtlb tlb;
  struct mmu_context *next, **at;       /* among those that exist; in the table by ASID and privilege */
  unsigned evictions[MMU_ACCESS_KINDS]; /* since the table last grew */
};

static uint64_t table_entries(const struct softtlb_table *t) {
  return (t->mask >> 4) + 1;
}

static void table_clear(struct softtlb_table *t) {
  for (uint64_t i = 0; i < table_entries(t); i++) t->entry[i].tag = EMPTY_TAG;
}

static int table_init(struct softtlb_table *t, unsigned entries) {
  t->entry = malloc(entries * sizeof *t->entry);
  if (!t->entry) return -1;
  t->mask = (uint64_t)(entries - 1) << 4;
  table_clear(t);
  return 0;
}

static void context_free(struct mmu_context *c) {
  for (int k = 0; c && k < MMU_ACCESS_KINDS; k++) free(c->tlb.table[k].entry);
  free(c);
}

static struct mmu_context *context_new(void) {
  struct mmu_context *c = calloc(1, sizeof *c);
  for (int k = 0; c && k < MMU_ACCESS_KINDS; k++)
    if (table_init(&c->tlb.table[k], TABLE_MIN)) {
      context_free(c);
      return NULL;
    }
  return c;
}

static struct mmu_context **context_at(struct mmu_guest *g, unsigned asid, unsigned priv) {
  return &g->context[asid * PRIVS + priv];
}

static struct mmu_context *context_make(struct mmu_guest *g, struct mmu_context **at) {
  struct mmu_context *c = context_new();
  if (!c) return NULL;
  c->next = g->contexts;
  c->at = at;
  g->contexts = c;
  return *at = c;
}

/* Free all contexts but the one in force (or all). */
static void free_contexts(struct mmu_guest *g, const struct mmu_context *keep) {
  for (struct mmu_context **p = &g->contexts, *c; (c = *p);) {
    if (c == keep) {
      p = &c->next;
      continue;
    }
    *p = c->next;
    *c->at = NULL;
    context_free(c);
  }
}

void mmu_guest_fini(struct mmu_guest *g) {
  free_contexts(g, NULL);
  free(g->l2);
  g->l2 = NULL;
}

int mmu_set_state(struct mmu_guest *g, const struct mmu_state *s) {
  const struct mmu_state *o = &g->state;
  bool remapped = o->erl != s->erl || o->kx != s->kx || o->sx != s->sx || o->ux != s->ux;
  struct mmu_context **c = context_at(g, s->asid, s->priv);
  if (!*c && !context_make(g, c)) return -1;
  g->state = *s;
  if (remapped) mmu_soft_flush(g);
  *g->live = (*c)->tlb;
  return 0;
}

static void grow(struct mmu_context *c, enum mmu_access kind) {
  struct softtlb_table *t = &c->tlb.table[kind], bigger;
  uint64_t n = table_entries(t);
  c->evictions[kind] = 0;
  if (n >= TABLE_MAX || table_init(&bigger, (unsigned)(2 * n))) return; /* staying small is only slower */
  for (uint64_t i = 0; i < n; i++)
    if (t->entry[i].tag != EMPTY_TAG) *softtlb_slot(&bigger, t->entry[i].tag) = t->entry[i];
  free(t->entry);
  *t = bigger;
}

void mmu_soft_fill(struct mmu_guest *g, uint64_t va, enum mmu_access kind, uint64_t data) {
  struct mmu_context *c = *context_at(g, g->state.asid, g->state.priv);
  struct softtlb_table *t = &c->tlb.table[kind];
  uint64_t page = va & MMU_PAGE_MASK;
  struct softtlb_entry *e = softtlb_slot(t, va);
  if (e->tag != EMPTY_TAG && e->tag != page && ++c->evictions[kind] > table_entries(t)) {
    grow(c, kind);
    *g->live = c->tlb;
    e = softtlb_slot(t, va);
  }
  *e = (struct softtlb_entry){.tag = page, .addend = data};
  g->fills++;
}

void mmu_soft_flush(struct mmu_guest *g) {
  struct mmu_context *live = *context_at(g, g->state.asid, g->state.priv);
  free_contexts(g, live);
  for (int k = 0; live && k < MMU_ACCESS_KINDS; k++) table_clear(&live->tlb.table[k]);
  g->flushes++;
}

/* Drop from a context what lies within [vpn, vpn + mask]. */
static void drop_range(struct mmu_context *c, uint64_t vpn, uint64_t mask) {
  for (int k = 0; k < MMU_ACCESS_KINDS; k++) {
    struct softtlb_table *t = &c->tlb.table[k];
    if (mask >> MMU_PAGE_BITS < 16)
      for (uint64_t offset = 0; offset <= mask; offset += MMU_PAGE_SIZE) { /* vpn + mask may be the last address */
        struct softtlb_entry *e = softtlb_slot(t, vpn + offset);
        if (e->tag == vpn + offset) e->tag = EMPTY_TAG;
      }
    else
      for (uint64_t i = 0; i < table_entries(t); i++)
        if (((t->entry[i].tag ^ vpn) & ~mask) == 0) t->entry[i].tag = EMPTY_TAG;
  }
}

void mmu_soft_drop_tlb(struct mmu_guest *g, const struct mmu_tlb_entry *e) {
  if (e->hidden) return;
  /* Tags are whole addresses: give back the sign that EntryHi leaves out above SEGBITS to the
   * compatibility segments. */
  uint64_t vpn = e->vpn;
  if (g->segbits != 32 && vpn >> 62 == 3 && (vpn & (UINT64_MAX >> 2)) >= ((uint64_t)1 << g->segbits) - 0x80000000)
    vpn |= UINT64_MAX << 31;
  if (e->g) {
    for (struct mmu_context *c = g->contexts; c; c = c->next) drop_range(c, vpn, e->mask);
    return;
  }
  for (unsigned p = 0; p < PRIVS; p++) {
    struct mmu_context *c = *context_at(g, e->asid, p);
    if (c) drop_range(c, vpn, e->mask);
  }
}

void mmu_soft_drop_frame(struct mmu_guest *g, const struct frame *f, unsigned kinds) {
  for (struct mmu_context *c = g->contexts; c; c = c->next)
    for (int k = 0; k < MMU_ACCESS_KINDS; k++) {
      if (!(kinds & 1u << k)) continue;
      struct softtlb_table *t = &c->tlb.table[k];
      for (uint64_t n = 0; n < table_entries(t); n++) {
        struct softtlb_entry *e = &t->entry[n];
        uint64_t leads_to = k == MMU_FETCH ? (uint64_t)(uintptr_t)f : (uint64_t)(uintptr_t)f->host - e->tag;
        if (e->tag != EMPTY_TAG && e->addend == leads_to) e->tag = EMPTY_TAG;
      }
    }
}
