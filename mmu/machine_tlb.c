/* mmu/machine_tlb.c: the machine's own TLB, through which a de-privileged guest reaches its memory. */
/* SPDX-License-Identifier: Apache-2.0 */
/* An entry maps a pair of 4 KiB pages, as the R10000's do, whatever page size the guest has chosen: machine memory is
 * in such pages. What soft TLBs hold for loads and stores is always a part of what is in here, so that an access that
 * this TLB does not serve reaches the slow path in every tier. Instructions are fetched from translations, which are
 * the monitor's own: fetches are no business of it. Where an entry goes is a pseudo-random sequence stepped by
 * entering. */
#include "mmu/mmu.h"
#include <stdlib.h>
#include <string.h>

enum { HINTS = 256, KSEG0_PAGES = 1 << (29 - MMU_PAGE_BITS) };
#define KSEG0 UINT64_C(0xffffffff80000000)
struct mmu_machine_tlb {
  unsigned entries;
  uint64_t random;
  uint16_t hint[HINTS];              /* by address: where an entry was last found, if it is still there */
  uint8_t seen[MMU_MACHINE_TLB_MAX]; /* by entry: bits SEEN() */
  uint8_t open[KSEG0_PAGES];
  uint64_t tag[]; /* address of the pair, and the bits below */
};
#define SEEN(va, kind) (uint8_t)(1u << (2 * ((va) >> MMU_PAGE_BITS & 1) + ((kind) == MMU_WRITE)))
enum { PAIR_BITS = MMU_PAGE_BITS + 1, TAG_GLOBAL = 1 << 8, TAG_VALID = 1 << 9 /* else ASID in the low 8 */ };
#define PAIR_MASK (UINT64_MAX << PAIR_BITS)

int mmu_machine_tlb_resize(struct mmu_guest *g, unsigned entries) {
  struct mmu_machine_tlb *t = NULL;
  if (entries && !(t = calloc(1, sizeof *t + entries * sizeof t->tag[0]))) return -1;
  if (t) t->entries = entries;
  free(g->machine);
  g->machine = t;
  mmu_soft_flush(g);
  return 0;
}

const uint8_t *mmu_machine_tlb_open(const struct mmu_guest *g) {
  return g->machine ? g->machine->open : NULL;
}

/* Loads of it come to a slow path again. */
static void close_pair(struct mmu_machine_tlb *t, unsigned entry) {
  uint64_t page = ((t->tag[entry] & PAIR_MASK) - KSEG0) >> MMU_PAGE_BITS;
  if (page < KSEG0_PAGES) t->open[page] = t->open[page + 1] = 0;
}

static void take_out(struct mmu_machine_tlb *t, unsigned entry) {
  close_pair(t, entry);
  t->tag[entry] = 0;
}

/* The entry that has va, or -1. */
static int find(const struct mmu_guest *g, uint64_t va) {
  struct mmu_machine_tlb *t = g->machine;
  uint64_t global = (va & PAIR_MASK) | TAG_VALID | TAG_GLOBAL, own = (va & PAIR_MASK) | TAG_VALID | g->state.asid;
  uint16_t *hint = &t->hint[(va >> PAIR_BITS ^ va >> (PAIR_BITS + 8)) % HINTS];
  if (t->tag[*hint] == global || t->tag[*hint] == own) return *hint;
  for (unsigned i = 0; i < t->entries; i++)
    if (t->tag[i] == global || t->tag[i] == own) return *hint = (uint16_t)i;
  return -1;
}

bool mmu_machine_tlb_has(const struct mmu_guest *g, uint64_t va) {
  return find(g, va) >= 0;
}

bool mmu_machine_tlb_seen(struct mmu_guest *g, uint64_t va, enum mmu_access kind) {
  struct mmu_machine_tlb *t = g->machine;
  int i = find(g, va);
  bool before = t->seen[i] & SEEN(va, kind);
  t->seen[i] |= SEEN(va, kind);
  if (kind == MMU_READ && va >= KSEG0 && (va - KSEG0) >> MMU_PAGE_BITS < KSEG0_PAGES)
    t->open[(va - KSEG0) >> MMU_PAGE_BITS] = 1;
  return before;
}

void mmu_machine_tlb_unsee(struct mmu_guest *g) {
  for (unsigned i = 0; i < g->machine->entries; i++) close_pair(g->machine, i);
  memset(g->machine->seen, 0, sizeof g->machine->seen);
  mmu_soft_forget_data(g);
}

/* Does the page belong to the ASID in force alone? Unmapped segments, and the user's while they are unmapped, do not.
 */
static bool has_asid(const struct mmu_guest *g, uint64_t va) {
  int i = mmu_tlb_find(g, va, g->state.asid);
  const struct mmu_tlb_entry *e = i >= 0 ? &g->tlb[i] : mmu_l2tlb_find(g, va, g->state.asid);
  return e && !e->g;
}

void mmu_machine_tlb_enter(struct mmu_guest *g, uint64_t va, bool mapped) {
  struct mmu_machine_tlb *t = g->machine;
  t->random = t->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  unsigned i = (unsigned)((t->random >> 32) * t->entries >> 32);
  uint64_t *tag = &t->tag[i];
  t->seen[i] = 0;
  if (*tag) mmu_soft_drop_pair(g, *tag & PAIR_MASK, *tag & TAG_GLOBAL ? -1 : (int)(*tag & 0xff));
  take_out(t, i);
  *tag = (va & PAIR_MASK) | TAG_VALID | (mapped && has_asid(g, va) ? g->state.asid : TAG_GLOBAL);
}

void mmu_machine_tlb_drop(struct mmu_guest *g, uint64_t vpn, const struct mmu_tlb_entry *e) {
  struct mmu_machine_tlb *t = g->machine;
  for (unsigned i = 0; t && i < t->entries; i++)
    if (((t->tag[i] ^ vpn) & ~e->mask & PAIR_MASK) == 0 &&
        (e->g || t->tag[i] & TAG_GLOBAL || (t->tag[i] & 0xff) == e->asid))
      take_out(t, i);
}

void mmu_machine_tlb_flush(struct mmu_guest *g) {
  for (unsigned i = 0; g->machine && i < g->machine->entries; i++) take_out(g->machine, i);
}

void mmu_machine_tlb_state(struct mmu_guest *g, struct snap *s) {
  struct mmu_machine_tlb *t = g->machine;
  uint32_t entries = t ? t->entries : 0;
  SNAP(s, entries);
  if (!snap_check(s, entries <= MMU_MACHINE_TLB_MAX) || !entries) return;
  bool same = t && t->entries == entries;
  uint64_t random = same ? t->random : 0;
  SNAP(s, random);
  if (same) t->random = random;
  for (uint32_t i = 0; i < entries; i++) {
    uint64_t tag = same ? t->tag[i] : 0;
    uint8_t seen = same ? t->seen[i] : 0;
    SNAP(s, tag);
    SNAP(s, seen);
    if (same && s->restoring) close_pair(t, i);
    if (same) t->tag[i] = tag, t->seen[i] = seen;
  }
}

void mmu_machine_tlb_forget(struct mmu_guest *g) {
  mmu_machine_tlb_flush(g);
  mmu_soft_forget_data(g);
}

static bool leads_to(const struct mmu_guest *g, uint64_t tag, const struct mmu_pmap *p, const struct mmu_page *page) {
  for (uint64_t half = 0; half < UINT64_C(1) << PAIR_BITS; half += MMU_PAGE_SIZE) {
    gpa_t at;
    if (mmu_peek_as(g, (tag & PAIR_MASK) + half, (uint8_t)tag, &at) == MMU_OK && mmu_pmap_page(p, at) == page)
      return true;
  }
  return false;
}

bool mmu_machine_tlb_shoot(struct mmu_guest *g, const struct mmu_pmap *p, const struct mmu_page *page) {
  struct mmu_machine_tlb *t = g->machine;
  bool any = false;
  for (unsigned i = 0; t && i < t->entries; i++) {
    if (!t->tag[i] || !leads_to(g, t->tag[i], p, page)) continue;
    mmu_soft_drop_pair(g, t->tag[i] & PAIR_MASK, t->tag[i] & TAG_GLOBAL ? -1 : (int)(t->tag[i] & 0xff));
    take_out(t, i);
    any = true;
  }
  return any;
}
