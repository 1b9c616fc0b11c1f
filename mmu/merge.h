/* mmu/merge.h: finds pages that are equal, and lets them be one frame. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MMU_MERGE_H
#define MMU_MERGE_H
#include "mmu/memmap.h"

struct mmu_merger {
  struct mmu_memmap *map; /* borrowed */
  uint32_t *place;        /* by digest: a page that was last seen with it */
  uint32_t at;            /* the page to look at next */
  struct {
    uint32_t first, n, frame;
  } run;                                   /* neighbours that are to become neighbours elsewhere */
  uint64_t passes, looked, merged, zeroed; /* over all memory; pages */
};
/* 0 or -1 (no memory). */
__attribute__((warn_unused_result)) int mmu_merger_init(struct mmu_merger *g, struct mmu_memmap *m);
void mmu_merger_fini(struct mmu_merger *g);
/* Go on, and look into as many pages. What is the same as at the last look, and equal to another page, is merged with
 * it; zeros lose their frame. No cpu of any VM may be within a block. */
void mmu_merge(struct mmu_merger *g, unsigned pages);
#endif
