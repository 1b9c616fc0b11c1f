/* mmu/translate.c: virtual to guest-physical: segments, then the TLB. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Sources: MIPS64 PRA vol. III, "Virtual Memory"; R4000 UM ch. 4. Pure: nothing changes but *out,
 * *writable and a count. */
#include "mmu/mmu.h"

enum { SEG_ERROR, SEG_MAPPED, SEG_UNMAPPED };

/* The 32-bit compatibility segments; va is sign-extended. */
static int segment32(const struct mmu_state *s, uint64_t va, uint64_t *out) {
  uint32_t v = (uint32_t)va;
  if (v < 0x80000000) {
    *out = v;
    return s->erl && s->priv == MMU_KERNEL ? SEG_UNMAPPED : SEG_MAPPED;
  }
  if (v < 0xc0000000) { /* kseg0, kseg1 */
    *out = v & 0x1fffffff;
    return s->priv == MMU_KERNEL ? SEG_UNMAPPED : SEG_ERROR;
  }
  if (v < 0xe0000000) return s->priv != MMU_USER ? SEG_MAPPED : SEG_ERROR; /* ksseg */
  return s->priv == MMU_KERNEL ? SEG_MAPPED : SEG_ERROR;                   /* kseg3 */
}

static int segment64(const struct mmu_guest *g, const struct mmu_state *s, uint64_t va, uint64_t *out) {
  uint64_t in_region = va & (UINT64_MAX >> 2), pa = ((uint64_t)1 << g->pabits) - 1;
  bool fits = in_region >> g->segbits == 0;
  switch (va >> 62) {
  case 0: return s->ux && fits ? SEG_MAPPED : SEG_ERROR;
  case 1: return s->sx && fits && s->priv != MMU_USER ? SEG_MAPPED : SEG_ERROR;
  case 2:
    *out = va & pa;
    return s->kx && s->priv == MMU_KERNEL && (va & (UINT64_MAX >> 5)) <= pa ? SEG_UNMAPPED : SEG_ERROR;
  default: /* xkseg ends where the compatibility segments, cut to SEGBITS, would begin */
    return s->kx && s->priv == MMU_KERNEL && in_region < ((uint64_t)1 << g->segbits) - 0x80000000 ? SEG_MAPPED
                                                                                                  : SEG_ERROR;
  }
}

uint64_t mmu_canonical(const struct mmu_guest *g, uint64_t va) {
  return g->segbits == 32 ? (uint64_t)(int64_t)(int32_t)(uint32_t)va : va;
}

static enum mmu_result look(const struct mmu_guest *g, const struct mmu_state *s, uint64_t va, enum mmu_access kind,
                            gpa_t *out, bool *writable, bool *second) {
  uint64_t pa = 0;
  *second = false;
  bool compat = (uint64_t)(int64_t)(int32_t)(uint32_t)va == va;
  int seg = compat ? segment32(s, va, &pa) : segment64(g, s, va, &pa);
  *writable = true;
  *out = gpa(pa);
  if (seg == SEG_ERROR) return MMU_ADDRESS_ERROR;
  if (seg == SEG_UNMAPPED) return MMU_OK;
  int i = mmu_tlb_find(g, va, s->asid);
  const struct mmu_tlb_entry *e = i >= 0 ? &g->tlb[i] : mmu_l2tlb_find(g, va, s->asid);
  if (!e) return MMU_REFILL;
  uint64_t page = (e->mask + 1) >> 1;
  const struct mmu_tlb_half *h = &e->half[(va & page) != 0];
  enum mmu_result no = !h->v                        ? MMU_INVALID
                       : kind == MMU_FETCH && h->xi ? MMU_XI
                       : kind == MMU_READ && h->ri  ? MMU_RI
                       : kind == MMU_WRITE && !h->d ? MMU_MODIFIED
                                                    : MMU_OK;
  *writable = h->d;
  if (no != MMU_OK) return i >= 0 ? no : MMU_REFILL;
  *second = i < 0;
  *out = gpa((h->pfn & ~(page - 1)) | (va & (page - 1)));
  return MMU_OK;
}

enum mmu_result mmu_translate(struct mmu_guest *g, uint64_t va, enum mmu_access kind, gpa_t *out, bool *writable) {
  bool second;
  enum mmu_result r = look(g, &g->state, va, kind, out, writable, &second);
  g->l2_hits += second;
  return r;
}

enum mmu_result mmu_peek(const struct mmu_guest *g, uint64_t va, gpa_t *out) {
  bool writable, second;
  return look(g, &g->state, va, MMU_READ, out, &writable, &second);
}

enum mmu_result mmu_peek_as_kernel(const struct mmu_guest *g, uint64_t va, gpa_t *out) {
  struct mmu_state s = g->state;
  bool writable, second;
  s.priv = MMU_KERNEL;
  return look(g, &s, va, MMU_READ, out, &writable, &second);
}

enum mmu_result mmu_peek_as(const struct mmu_guest *g, uint64_t va, uint8_t asid, gpa_t *out) {
  struct mmu_state s = {.priv = MMU_KERNEL, .asid = asid, .kx = true, .sx = true, .ux = true};
  bool writable, second;
  return look(g, &s, va, MMU_READ, out, &writable, &second);
}

uint64_t mmu_link_gpa(const struct mmu_guest *g) {
  if (g->link.gpa != (uint64_t)MMU_LINK_OPEN) return g->link.gpa;
  gpa_t at; /* all but the privilege is as it was then */
  return mmu_peek_as_kernel(g, g->link.va, &at) == MMU_OK ? at.v : 0;
}
