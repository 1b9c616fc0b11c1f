/* mmu/pmap.c: guest-physical page to machine frame. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mmu/mmu.h"
#include <assert.h>
#include <stdlib.h>

int mmu_pmap_init(struct mmu_pmap *p, struct numa_memory *m, uint64_t pages) {
  *p = (struct mmu_pmap){.page = calloc(pages, sizeof *p->page), .pages = pages, .memory = m};
  return p->page ? 0 : -1;
}

void mmu_pmap_fini(struct mmu_pmap *p) {
  for (uint64_t i = 0; p->page && i < p->pages; i++)
    if (p->page[i]) numa_frame_put(p->memory, p->page[i]);
  free(p->page);
  *p = (struct mmu_pmap){0};
}

static bool inside(const struct mmu_pmap *p, gpa_t at, uint64_t bytes) {
  return ((at.v | bytes) & (MMU_PAGE_SIZE - 1)) == 0 && at.v >> MMU_PAGE_BITS <= p->pages &&
         bytes >> MMU_PAGE_BITS <= p->pages - (at.v >> MMU_PAGE_BITS);
}

int mmu_pmap_add_ram(struct mmu_pmap *p, gpa_t at, uint64_t bytes) {
  assert(inside(p, at, bytes));
  for (uint64_t i = at.v >> MMU_PAGE_BITS, end = (at.v + bytes) >> MMU_PAGE_BITS; i < end; i++) {
    assert(!p->page[i]);
    if (!(p->page[i] = numa_frame_get(p->memory))) return -1;
  }
  return 0;
}

void mmu_pmap_alias(struct mmu_pmap *p, gpa_t at, gpa_t of, uint64_t bytes) {
  assert(inside(p, at, bytes) && inside(p, of, bytes));
  for (uint64_t i = 0; i < bytes >> MMU_PAGE_BITS; i++) {
    struct frame *f = p->page[(of.v >> MMU_PAGE_BITS) + i];
    assert(f && !p->page[(at.v >> MMU_PAGE_BITS) + i]);
    f->refs++;
    p->page[(at.v >> MMU_PAGE_BITS) + i] = f;
  }
}
