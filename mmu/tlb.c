/* mmu/tlb.c: the architectural TLB: what TLBP, TLBR, TLBWI and TLBWR show and change. */
/* SPDX-License-Identifier: Apache-2.0 */
/* When duplicates match, the lowest index answers: the manuals leave it undefined, we make it
 * deterministic. */
#include "mmu/mmu.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { NO_VPN = 1 }; /* no page begins there */

/* Note entry i where it is searched for. */
static void index_entry(struct mmu_guest *g, unsigned i) {
  const struct mmu_tlb_entry *e = &g->tlb[i];
  g->vpn[i] = e->hidden ? NO_VPN : e->vpn;
  g->care[i] = e->hidden ? UINT64_MAX : ~e->mask;
}

int mmu_guest_init(struct mmu_guest *g, unsigned entries, unsigned segbits, unsigned pabits, struct softtlb *live) {
  assert(entries <= MMU_TLB_MAX);
  memset(g, 0, sizeof *g);
  g->entries = entries;
  g->segbits = (uint8_t)segbits;
  g->pabits = (uint8_t)pabits;
  g->live = live;
  g->view_after = MMU_VIEW_AFTER;
  for (unsigned i = 0; i < entries; i++) {
    g->tlb[i] = (struct mmu_tlb_entry){.mask = 0x1fff, .hidden = true};
    index_entry(g, i);
  }
  return mmu_set_state(g, &(struct mmu_state){.priv = MMU_KERNEL, .erl = true});
}

int mmu_tlb_find(const struct mmu_guest *g, uint64_t va, uint8_t asid) {
  va &= mmu_vpn_bits(g) & ~UINT64_C(0x1fff);
  for (unsigned i = 0; i < g->entries; i++)
    if (((va ^ g->vpn[i]) & g->care[i]) == 0 && (g->tlb[i].g || g->tlb[i].asid == asid)) return (int)i;
  return -1;
}

int mmu_tlb_probe(struct mmu_guest *g, uint64_t entryhi) {
  uint64_t mask = 0x1fff;
  mmu_l2tlb_drop(
      g, &(struct mmu_tlb_entry){.vpn = entryhi & mmu_vpn_bits(g) & ~mask, .mask = mask, .asid = entryhi & 0xff});
  return mmu_tlb_find(g, entryhi, entryhi & 0xff);
}

static bool overlap(const struct mmu_guest *g, const struct mmu_tlb_entry *a, const struct mmu_tlb_entry *b) {
  return !a->hidden && !b->hidden && (a->g || b->g || a->asid == b->asid) &&
         ((a->vpn ^ b->vpn) & mmu_vpn_bits(g) & ~(a->mask | b->mask)) == 0;
}

int mmu_tlb_overlap(const struct mmu_guest *g, const struct mmu_tlb_entry *e, unsigned except) {
  uint64_t care = ~e->mask & mmu_vpn_bits(g);
  for (unsigned i = 0; i < g->entries; i++)
    if (((e->vpn ^ g->vpn[i]) & g->care[i] & care) == 0 && i != except && overlap(g, e, &g->tlb[i])) return (int)i;
  return -1;
}

static bool same(const struct mmu_tlb_entry *a, const struct mmu_tlb_entry *b) {
  return a->vpn == b->vpn && a->mask == b->mask && a->asid == b->asid && a->g == b->g && a->hidden == b->hidden &&
         memcmp(a->half, b->half, sizeof a->half) == 0;
}

/* Put `fresh` at i; `keep`: the second level takes the old entry. */
static int put(struct mmu_guest *g, unsigned i, struct mmu_tlb_entry *fresh, bool keep) {
  assert(i < g->entries);
  struct mmu_tlb_entry *old = &g->tlb[i];
  fresh->vpn &= mmu_vpn_bits(g) & ~fresh->mask;
  int other = mmu_tlb_overlap(g, fresh, i);
  mmu_link_settle(g);
  mmu_l2tlb_drop(g, fresh);
  if (same(old, fresh)) return other;
  bool used = !old->hidden && (old->half[0].v || old->half[1].v); /* else nothing came from it */
  keep &= used && g->l2 && mmu_tlb_overlap(g, old, i) < 0 && !overlap(g, old, fresh);
  if (keep)
    mmu_l2tlb_keep(g, old);
  else if (used)
    mmu_soft_drop_tlb(g, old);
  if (other >= 0) mmu_soft_flush(g); /* it may answer in the other's place from now on */
  *old = *fresh;
  index_entry(g, i);
  return other;
}

int mmu_tlb_replace(struct mmu_guest *g, unsigned i, const struct mmu_tlb_entry *e) {
  struct mmu_tlb_entry fresh = *e;
  g->swept = 0;
  return put(g, i, &fresh, true);
}

int mmu_tlb_write(struct mmu_guest *g, unsigned i, const struct mmu_tlb_entry *e) {
  struct mmu_tlb_entry fresh = *e;
  return put(g, i, &fresh, false);
}

void mmu_tlb_swept(struct mmu_guest *g, unsigned i, unsigned wired) {
  uint64_t all = UINT64_MAX >> (64 - g->entries) & UINT64_MAX << wired;
  g->swept |= UINT64_C(1) << i;
  if ((g->swept & all) != all) return;
  mmu_l2tlb_flush(g);
  g->swept = 0;
}

static uint64_t mix(uint64_t h, uint64_t v) {
  h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
  return h ^ h >> 29;
}

uint64_t mmu_entry_hash(const struct mmu_tlb_entry *e, uint64_t h) {
  h = mix(h, e->vpn ^ (uint64_t)e->asid ^ (uint64_t)e->g << 8 ^ (uint64_t)e->hidden << 9);
  h = mix(h, e->mask);
  for (int k = 0; k < 2; k++) {
    const struct mmu_tlb_half *f = &e->half[k];
    h = mix(h, f->pfn | (uint64_t)f->c | (uint64_t)f->d << 3 | (uint64_t)f->v << 4 | (uint64_t)f->ri << 5 |
                   (uint64_t)f->xi << 6);
  }
  return h;
}

uint64_t mmu_tlb_hash(const struct mmu_guest *g, uint64_t h) {
  for (unsigned i = 0; i < g->entries; i++) h = mmu_entry_hash(&g->tlb[i], h);
  return mmu_l2tlb_hash(g, mix(h, g->swept));
}

/* --- state --- */

static void half_state(struct mmu_tlb_half *h, struct snap *s) {
  SNAP(s, h->pfn);
  SNAP(s, h->c);
  SNAP(s, h->d);
  SNAP(s, h->v);
  SNAP(s, h->ri);
  SNAP(s, h->xi);
}

void mmu_entry_state(struct mmu_guest *g, struct mmu_tlb_entry *e, struct snap *s) {
  SNAP(s, e->vpn);
  SNAP(s, e->mask);
  SNAP(s, e->asid);
  SNAP(s, e->g);
  SNAP(s, e->hidden);
  half_state(&e->half[0], s);
  half_state(&e->half[1], s);
  /* 13 bits, and any even number more */
  uint64_t most = UINT64_C(0x1fffffff), beyond = e->mask + 1;
  bool size = e->mask >= 0x1fff && e->mask <= most && !(e->mask & beyond) && __builtin_ctzll(beyond) % 2;
  snap_check(s, size && !(e->vpn & ~(mmu_vpn_bits(g) & ~e->mask)));
}

void mmu_guest_state(struct mmu_guest *g, struct snap *s) {
  uint32_t entries = g->entries;
  SNAP(s, entries);
  if (!snap_check(s, entries == g->entries)) return;
  if (s->restoring) mmu_soft_flush(g); /* and with it the machine TLB */
  SNAP(s, g->swept);
  for (unsigned i = 0; i < g->entries; i++) mmu_entry_state(g, &g->tlb[i], s);
  mmu_l2tlb_state(g, s);
  for (unsigned i = 0; s->restoring && i < g->entries; i++) index_entry(g, i);
}
