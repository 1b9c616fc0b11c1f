/* numa-model/frame.c: the frames of machine memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memfd_create, SEEK_DATA, FALLOC_FL_PUNCH_HOLE */
#include "numa-model/placement.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static off_t at(uint32_t frame) {
  return (off_t)frame << NUMA_FRAME_BITS;
}

int numa_memory_init(struct numa_memory *m, uint64_t bytes) {
  assert((bytes & (NUMA_FRAME_SIZE - 1)) == 0 && bytes >> NUMA_FRAME_BITS < NUMA_NO_FRAME);
  *m = (struct numa_memory){.frames = (uint32_t)(bytes >> NUMA_FRAME_BITS)};
  m->frame = calloc(m->frames, sizeof *m->frame);
  m->file = memfd_create("mirrorball-ram", MFD_CLOEXEC);
  if (m->frame && m->file >= 0 && !ftruncate(m->file, (off_t)bytes)) return 0;
  numa_memory_fini(m);
  return -1;
}

void numa_memory_fini(struct numa_memory *m) {
  free(m->frame);
  if (m->frames && m->file >= 0) close(m->file);
  *m = (struct numa_memory){.file = -1};
}

uint32_t numa_frame_get(struct numa_memory *m, uint32_t wanted) {
  for (uint32_t tried = 0; m->frame[wanted].refs; tried++) {
    if (tried == m->frames) return NUMA_NO_FRAME;
    wanted = m->next_free;
    m->next_free = m->next_free + 1 == m->frames ? 0 : m->next_free + 1;
  }
  m->frame[wanted].refs = 1;
  return wanted;
}

int numa_frame_write(const struct numa_memory *m, uint32_t frame, const void *from) {
  return pwrite(m->file, from, NUMA_FRAME_SIZE, at(frame)) == NUMA_FRAME_SIZE ? 0 : -1;
}

void numa_frame_put(struct numa_memory *m, uint32_t frame) {
  static const uint8_t zeros[NUMA_FRAME_SIZE];
  struct frame *f = &m->frame[frame];
  assert(f->refs);
  if (--f->refs) return;
  assert(!f->block);
  if (m->places) numa_freed(m->places, frame);
  /* A host that takes nothing back takes zeros: it has the page they go to. */
  if (fallocate(m->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at(frame), NUMA_FRAME_SIZE) &&
      numa_frame_write(m, frame, zeros))
    abort();
}

void numa_memory_touched(const struct numa_memory *m, uint8_t *touched) {
  off_t from = 0, end = at(m->frames);
  memset(touched, 0, m->frames);
  for (off_t to; from < end; from = to) {
    from = lseek(m->file, from, SEEK_DATA);
    if (from < 0) { /* no data up to the end, or nothing is known */
      if (errno != ENXIO) memset(touched, 1, m->frames);
      return;
    }
    to = lseek(m->file, from, SEEK_HOLE);
    if (to < 0 || to > end) to = end;
    memset(touched + (from >> NUMA_FRAME_BITS), 1, (size_t)((to - from) >> NUMA_FRAME_BITS));
  }
}
