/* mmu/tlb.c: the architectural TLB: what TLBP, TLBR, TLBWI and TLBWR show and change. */
/* SPDX-License-Identifier: Apache-2.0 */
/* When duplicates match, the lowest index answers: the manuals leave it undefined, we make it
 * deterministic. */
#include "mmu/mmu.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

int mmu_guest_init(struct mmu_guest *g, unsigned entries, unsigned segbits, unsigned pabits, struct softtlb *live) {
  assert(entries <= MMU_TLB_MAX);
  memset(g, 0, sizeof *g);
  g->entries = entries;
  g->segbits = (uint8_t)segbits;
  g->pabits = (uint8_t)pabits;
  g->live = live;
  for (unsigned i = 0; i < entries; i++) g->tlb[i] = (struct mmu_tlb_entry){.mask = 0x1fff, .hidden = true};
  return mmu_set_state(g, &(struct mmu_state){.priv = MMU_KERNEL, .erl = true});
}

static bool matches(const struct mmu_tlb_entry *e, uint64_t va, uint8_t asid) {
  return ((va ^ e->vpn) & ~e->mask) == 0 && !e->hidden && (e->g || e->asid == asid);
}

/* The bits of a virtual address that take part in a match: the region and SEGBITS (PRA vol. III,
 * EntryHi). */
static uint64_t vpn_bits(const struct mmu_guest *g) {
  return g->segbits == 32 ? UINT64_MAX : UINT64_C(3) << 62 | (((uint64_t)1 << g->segbits) - 1);
}

int mmu_tlb_find(const struct mmu_guest *g, uint64_t va, uint8_t asid) {
  va &= vpn_bits(g);
  for (unsigned i = 0; i < g->entries; i++)
    if (matches(&g->tlb[i], va, asid)) return (int)i;
  return -1;
}

int mmu_tlb_probe(const struct mmu_guest *g, uint64_t entryhi) {
  return mmu_tlb_find(g, entryhi, entryhi & 0xff);
}

int mmu_tlb_overlap(const struct mmu_guest *g, const struct mmu_tlb_entry *e, unsigned except) {
  if (e->hidden) return -1;
  for (unsigned i = 0; i < g->entries; i++) {
    const struct mmu_tlb_entry *o = &g->tlb[i];
    if (i == except || o->hidden || (!o->g && !e->g && o->asid != e->asid)) continue;
    if (((o->vpn ^ e->vpn) & vpn_bits(g) & ~(o->mask | e->mask)) == 0) return (int)i;
  }
  return -1;
}

static bool same(const struct mmu_tlb_entry *a, const struct mmu_tlb_entry *b) {
  return a->vpn == b->vpn && a->mask == b->mask && a->asid == b->asid && a->g == b->g && a->hidden == b->hidden &&
         memcmp(a->half, b->half, sizeof a->half) == 0;
}

int mmu_tlb_write(struct mmu_guest *g, unsigned i, const struct mmu_tlb_entry *e) {
  assert(i < g->entries);
  struct mmu_tlb_entry *old = &g->tlb[i], fresh = *e;
  fresh.vpn &= vpn_bits(g) & ~fresh.mask;
  int other = mmu_tlb_overlap(g, &fresh, i);
  if (same(old, &fresh)) return other;
  if (old->half[0].v || old->half[1].v) mmu_soft_drop_tlb(g, old); /* else nothing came from it */
  if (other >= 0) mmu_soft_drop_tlb(g, &fresh);                    /* it may answer in the other's place from now on */
  *old = fresh;
  return other;
}

static uint64_t mix(uint64_t h, uint64_t v) {
  h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
  return h ^ h >> 29;
}

uint64_t mmu_tlb_hash(const struct mmu_guest *g, uint64_t h) {
  for (unsigned i = 0; i < g->entries; i++) {
    const struct mmu_tlb_entry *e = &g->tlb[i];
    h = mix(h, e->vpn ^ (uint64_t)e->asid ^ (uint64_t)e->g << 8 ^ (uint64_t)e->hidden << 9);
    h = mix(h, e->mask);
    for (int k = 0; k < 2; k++) {
      const struct mmu_tlb_half *f = &e->half[k];
      h = mix(h, f->pfn | (uint64_t)f->c | (uint64_t)f->d << 3 | (uint64_t)f->v << 4 | (uint64_t)f->ri << 5 |
                     (uint64_t)f->xi << 6);
    }
  }
  return h;
}
