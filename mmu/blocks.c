/* mmu/blocks.c: the global buffer cache: which frame holds a block of a disk image. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is kept for its own sake: a block is here while a page of some VM holds it unchanged. A hash table; what is
 * in a bucket is chained through the frames. */
#include "mmu/memmap.h"
#include <stdlib.h>

static uint32_t *bucket_of(const struct mmu_memmap *m, uint64_t block) {
  return &m->bucket[(block * UINT64_C(0x9e3779b97f4a7c15) >> 32) % m->memory.frames];
}

uint32_t mmu_block_find(const struct mmu_memmap *m, uint64_t block) {
  if (!m->bucket) return NUMA_NO_FRAME;
  uint32_t f = *bucket_of(m, block);
  while (f != NUMA_NO_FRAME && m->memory.frame[f].block != block) f = m->memory.frame[f].next;
  return f;
}

static bool map_block(struct mmu_memmap *m, struct mmu_page *g, uint64_t block) {
  uint32_t f = mmu_block_find(m, block);
  if (f == NUMA_NO_FRAME || g->frame == f) return f != NUMA_NO_FRAME;
  return mmu_pages_repoint(m, g, 1, f);
}

bool mmu_block_map(struct mmu_memmap *m, struct mmu_page *g, uint64_t block) {
  pthread_mutex_lock(&m->lock);
  bool done = map_block(m, g, block);
  pthread_mutex_unlock(&m->lock);
  return done;
}

static bool make_buckets(struct mmu_memmap *m) {
  if (m->bucket || !(m->bucket = malloc(m->memory.frames * sizeof *m->bucket))) return m->bucket;
  for (uint32_t i = 0; i < m->memory.frames; i++) m->bucket[i] = NUMA_NO_FRAME;
  return true;
}

void mmu_block_keep(struct mmu_memmap *m, struct mmu_page *g, uint64_t block) {
  pthread_mutex_lock(&m->lock);
  if (make_buckets(m)) {
    uint32_t *at = bucket_of(m, block);
    struct frame *f = &m->memory.frame[g->frame];
    mmu_page_close(m, g);
    g->seen = 0;
    f->block = block;
    f->next = *at;
    *at = g->frame;
  }
  pthread_mutex_unlock(&m->lock);
}

void mmu_block_forget(struct mmu_memmap *m, uint32_t frame) {
  struct frame *f = &m->memory.frame[frame];
  if (!f->block) return;
  uint32_t *at = bucket_of(m, f->block);
  while (*at != frame) at = &m->memory.frame[*at].next;
  *at = f->next;
  f->block = 0;
}
