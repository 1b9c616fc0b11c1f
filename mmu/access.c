/* mmu/access.c: copies between the host and guest-physical memory, for the loader and for DMA. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mmu/mmu.h"
#include <string.h>

/* Bytes from `at` to the end of its page, at most n. */
static uint64_t within_page(gpa_t at, uint64_t n) {
  uint64_t left = MMU_PAGE_SIZE - (at.v & (MMU_PAGE_SIZE - 1));
  return n < left ? n : left;
}

uint64_t mmu_read(const struct mmu_pmap *p, gpa_t at, void *to, uint64_t n) {
  uint64_t done = 0;
  while (done < n) {
    gpa_t a = gpa(at.v + done);
    const struct mmu_page *g = mmu_pmap_page(p, a);
    if (!g) break;
    uint64_t k = within_page(a, n - done);
    memcpy((char *)to + done, g->host + (a.v & (MMU_PAGE_SIZE - 1)), k);
    done += k;
  }
  return done;
}

uint64_t mmu_write(struct mmu_pmap *p, const struct mmu_code_hook *hook, gpa_t at, const void *from, uint64_t n) {
  uint64_t done = 0;
  while (done < n) {
    gpa_t a = gpa(at.v + done);
    struct mmu_page *g = mmu_pmap_page(p, a);
    if (!g || (!mmu_page_is_open(g) && mmu_page_open(p->map, g))) break;
    uint64_t k = within_page(a, n - done);
    if (g->code && hook) hook->on_code_write(hook->ctx, g);
    memcpy(g->host + (a.v & (MMU_PAGE_SIZE - 1)), (const char *)from + done, k);
    done += k;
  }
  return done;
}
