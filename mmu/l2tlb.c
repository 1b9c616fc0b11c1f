/* mmu/l2tlb.c: the second-level TLB: what the architectural TLB has lost to TLBWR, still good for translation. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Disco's second-level TLB (Bugnion et al., SOSP'97, 4.2). What it holds follows from the guest's TLB instructions
 * alone, never from which accesses hit it, so it is the same in every tier. Sets of four by page and ASID; within a set
 * the oldest goes first. */
#include "mmu/mmu.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 4, GLOBAL = 0x100, SIZES = 16 };

struct mmu_l2tlb {
  unsigned sets;
  unsigned of_size[SIZES]; /* entries by page size: 4 KiB << 2 * index */
  uint8_t *oldest;         /* by set */
  struct mmu_tlb_entry entry[];
};

static unsigned size_index(uint64_t mask) {
  return (unsigned)(63 - __builtin_clzll(mask + 1) - MMU_PAGE_BITS - 1) / 2;
}

int mmu_l2tlb_resize(struct mmu_guest *g, unsigned entries) {
  assert(!entries || (entries >= WAYS && (entries & (entries - 1)) == 0));
  struct mmu_l2tlb *l = NULL;
  unsigned sets = entries / WAYS;
  if (entries) {
    l = malloc(sizeof *l + entries * sizeof l->entry[0] + sets);
    if (!l) return -1;
    memset(l, 0, sizeof *l);
    l->sets = sets;
    l->oldest = (uint8_t *)&l->entry[entries];
    memset(l->oldest, 0, sets);
    for (unsigned i = 0; i < entries; i++) l->entry[i].hidden = true;
  }
  if (g->l2) mmu_soft_flush(g); /* some of what is in them came from it */
  mmu_link_settle(g);
  free(g->l2);
  g->l2 = l;
  return 0;
}

static struct mmu_tlb_entry *set_of(struct mmu_l2tlb *l, uint64_t va, uint64_t mask, unsigned asid) {
  uint64_t page = va / (mask + 1);
  uint64_t h = (page ^ page >> 10) + asid * 37u;
  return &l->entry[(h & (l->sets - 1)) * WAYS];
}

static struct mmu_tlb_entry *search(struct mmu_l2tlb *l, uint64_t va, uint64_t mask, unsigned asid) {
  struct mmu_tlb_entry *e = set_of(l, va, mask, asid);
  for (int w = 0; w < WAYS; w++, e++)
    if (!e->hidden && e->mask == mask && ((va ^ e->vpn) & ~mask) == 0 && (e->g ? GLOBAL : e->asid) == asid) return e;
  return NULL;
}

const struct mmu_tlb_entry *mmu_l2tlb_next(const struct mmu_guest *g, size_t *at) {
  const struct mmu_l2tlb *l = g->l2;
  while (l && *at < (size_t)l->sets * WAYS) {
    const struct mmu_tlb_entry *e = &l->entry[(*at)++];
    if (!e->hidden) return e;
  }
  return NULL;
}

const struct mmu_tlb_entry *mmu_l2tlb_find(const struct mmu_guest *g, uint64_t va, uint8_t asid) {
  struct mmu_l2tlb *l = g->l2;
  va &= mmu_vpn_bits(g);
  for (unsigned k = 0; l && k < SIZES; k++) {
    if (!l->of_size[k]) continue;
    uint64_t mask = (UINT64_C(0x2000) << 2 * k) - 1;
    const struct mmu_tlb_entry *e = search(l, va, mask, asid);
    if (!e) e = search(l, va, mask, GLOBAL);
    if (e) return e;
  }
  return NULL;
}

static void forget(struct mmu_guest *g, struct mmu_tlb_entry *e) {
  mmu_link_settle(g);
  mmu_soft_drop_tlb(g, e);
  g->l2->of_size[size_index(e->mask)]--;
  e->hidden = true;
}

void mmu_l2tlb_keep(struct mmu_guest *g, const struct mmu_tlb_entry *e) {
  struct mmu_l2tlb *l = g->l2;
  struct mmu_tlb_entry *set = set_of(l, e->vpn, e->mask, e->g ? GLOBAL : e->asid), *to = NULL;
  for (int w = 0; w < WAYS && !to; w++)
    if (set[w].hidden) to = &set[w];
  if (!to) {
    uint8_t *oldest = &l->oldest[(set - l->entry) / WAYS];
    to = &set[*oldest];
    *oldest = (uint8_t)((*oldest + 1) % WAYS);
    forget(g, to);
  }
  *to = *e;
  l->of_size[size_index(e->mask)]++;
}

/* Does o, in the second-level TLB, answer for any address that e names? */
static bool named(const struct mmu_tlb_entry *o, const struct mmu_tlb_entry *e) {
  return !o->hidden && (o->g || e->g || o->asid == e->asid) && ((o->vpn ^ e->vpn) & ~(o->mask | e->mask)) == 0;
}

void mmu_l2tlb_drop(struct mmu_guest *g, const struct mmu_tlb_entry *e) {
  struct mmu_l2tlb *l = g->l2;
  if (!l || e->hidden) return;
  bool alike = !e->g; /* all entries are of e's size, so that two sets can tell */
  for (unsigned k = 0; k < SIZES; k++)
    if (l->of_size[k] && k != size_index(e->mask)) alike = false;
  if (!alike) {
    for (unsigned i = 0; i < l->sets * WAYS; i++)
      if (named(&l->entry[i], e)) forget(g, &l->entry[i]);
    return;
  }
  const unsigned asid[2] = {e->asid, GLOBAL};
  for (int i = 0; i < 2; i++) {
    struct mmu_tlb_entry *o = set_of(l, e->vpn, e->mask, asid[i]);
    for (int w = 0; w < WAYS; w++, o++)
      if (named(o, e)) forget(g, o);
  }
}

void mmu_l2tlb_flush(struct mmu_guest *g) {
  if (!g->l2) return;
  mmu_link_settle(g);
  for (unsigned i = 0; i < g->l2->sets * WAYS; i++) g->l2->entry[i].hidden = true;
  memset(g->l2->of_size, 0, sizeof g->l2->of_size);
  mmu_soft_flush(g);
}

uint64_t mmu_l2tlb_hash(const struct mmu_guest *g, uint64_t h) {
  for (unsigned i = 0; g->l2 && i < g->l2->sets * WAYS; i++)
    if (!g->l2->entry[i].hidden) h = mmu_entry_hash(&g->l2->entry[i], h ^ i);
  return h;
}

void mmu_l2tlb_state(struct mmu_guest *g, struct snap *s) {
  struct mmu_l2tlb *l = g->l2;
  uint32_t sets = l ? l->sets : 0, end = sets * WAYS;
  SNAP(s, sets);
  if (!snap_check(s, sets == (l ? l->sets : 0)) || !l) return;
  if (s->restoring) mmu_l2tlb_flush(g);
  for (unsigned i = 0; i < sets; i++) {
    SNAP(s, l->oldest[i]);
    if (!snap_check(s, l->oldest[i] < WAYS)) return;
  }
  for (uint32_t i = 0; i <= end && !s->bad; i++) { /* those there are, by number; then `end` */
    while (!s->restoring && i < end && l->entry[i].hidden) i++;
    SNAP(s, i);
    if (!snap_check(s, i <= end) || i == end) return;
    mmu_entry_state(g, &l->entry[i], s);
    if (!snap_check(s, !l->entry[i].hidden)) return;
    if (s->restoring) l->of_size[size_index(l->entry[i].mask)]++;
  }
}
