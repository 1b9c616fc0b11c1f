/* numa-model/frame.c: the frames of machine memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "numa-model/numa.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int numa_memory_init(struct numa_memory *m, uint64_t bytes) {
  *m = (struct numa_memory){.frames = bytes >> NUMA_FRAME_BITS};
  assert((bytes & (NUMA_FRAME_SIZE - 1)) == 0);
  void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return -1;
  m->base = base;
  m->frame = calloc(m->frames, sizeof *m->frame);
  if (!m->frame) {
    numa_memory_fini(m);
    return -1;
  }
  for (size_t i = 0; i < m->frames; i++) m->frame[i].host = m->base + (i << NUMA_FRAME_BITS);
  return 0;
}

void numa_memory_fini(struct numa_memory *m) {
  free(m->frame);
  if (m->base) munmap(m->base, m->frames << NUMA_FRAME_BITS);
  *m = (struct numa_memory){0};
}

struct frame *numa_frame_get(struct numa_memory *m) {
  for (size_t tried = 0; tried < m->frames; tried++) {
    struct frame *f = &m->frame[m->next_free];
    m->next_free = m->next_free + 1 == m->frames ? 0 : m->next_free + 1;
    if (f->refs) continue;
    f->refs = 1;
    return f;
  }
  return NULL;
}

void numa_frame_put(struct numa_memory *m, struct frame *f) {
  assert(f->refs && f >= m->frame && f < m->frame + m->frames);
  if (--f->refs) return;
  assert(!f->code);
  /* Give the bytes back to the host; the next user sees zeros. */
  if (madvise(f->host, NUMA_FRAME_SIZE, MADV_DONTNEED)) memset(f->host, 0, NUMA_FRAME_SIZE);
}
