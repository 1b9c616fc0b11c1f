/* numa-model/frame.c: the frames of machine memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memfd_create, SEEK_DATA, FALLOC_FL_PUNCH_HOLE, MAP_POPULATE */
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
  *m = (struct numa_memory){.frames = (uint32_t)(bytes >> NUMA_FRAME_BITS), .store = -1};
  m->frame = calloc(m->frames, sizeof *m->frame);
  m->file = memfd_create("mirrorball-ram", MFD_CLOEXEC);
  if (m->frame && m->file >= 0 && !ftruncate(m->file, (off_t)bytes)) return 0;
  numa_memory_fini(m);
  return -1;
}

void numa_memory_fini(struct numa_memory *m) {
  free(m->frame);
  free(m->stored);
  if (m->frames && m->file >= 0) close(m->file);
  if (m->frames && m->store >= 0) close(m->store);
  *m = (struct numa_memory){.file = -1, .store = -1};
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

static int write_frames(const struct numa_memory *m, uint32_t frame, uint32_t n, const void *from) {
  size_t bytes = (size_t)n << NUMA_FRAME_BITS;
  return pwrite(m->file, from, bytes, at(frame)) == (ssize_t)bytes ? 0 : -1;
}

int numa_frame_write(const struct numa_memory *m, uint32_t frame, const void *from) {
  return write_frames(m, frame, 1, from);
}

void numa_frame_put(struct numa_memory *m, uint32_t frame) {
  static const uint8_t zeros[NUMA_FRAME_SIZE];
  struct frame *f = &m->frame[frame];
  assert(f->refs);
  if (--f->refs) return;
  assert(!f->block);
  if (m->places) numa_freed(m->places, frame);
  if (numa_frame_is_stored(m, frame)) {
    m->stored[frame] = NUMA_NO_FRAME;
    return;
  }
  /* A host that takes nothing back takes zeros: it has the page they go to. */
  if (fallocate(m->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at(frame), NUMA_FRAME_SIZE) &&
      numa_frame_write(m, frame, zeros))
    abort();
}

/* --- frames in another file --- */

int numa_memory_store(struct numa_memory *m, int file, uint64_t from) {
  assert(!m->stored && (from & (NUMA_FRAME_SIZE - 1)) == 0);
  if (!(m->stored = malloc(m->frames * sizeof *m->stored))) return -1;
  for (uint32_t i = 0; i < m->frames; i++) m->stored[i] = NUMA_NO_FRAME;
  m->store = file;
  m->store_at = from;
  return 0;
}

void numa_frames_store(struct numa_memory *m, uint32_t frame, uint32_t n, uint32_t page) {
  for (uint32_t i = 0; i < n; i++) {
    assert(!m->frame[frame + i].refs);
    m->stored[frame + i] = page + i;
  }
}

bool numa_frames_adjoin(const struct numa_memory *m, uint32_t a) {
  if (!numa_frame_is_stored(m, a)) return !numa_frame_is_stored(m, a + 1);
  return numa_frame_is_stored(m, a + 1) && m->stored[a + 1] == m->stored[a] + 1;
}

int numa_frames_fetch(struct numa_memory *m, uint32_t frame, uint32_t n, const void *bytes) {
  if (write_frames(m, frame, n, bytes)) return -1;
  for (uint32_t i = 0; i < n; i++) m->stored[frame + i] = NUMA_NO_FRAME;
  return 0;
}

bool numa_frames_map(const struct numa_memory *m, void *to, uint32_t frame, uint32_t n, bool write, bool at_hand) {
  int flags = MAP_SHARED | MAP_FIXED | MAP_NORESERVE | (at_hand ? MAP_POPULATE : 0);
  for (uint32_t i = 0, k; i < n; i += k) {
    bool stored = numa_frame_is_stored(m, frame + i);
    for (k = 1; i + k < n && numa_frames_adjoin(m, frame + i + k - 1); k++) {
    }
    assert(!stored || !write);
    off_t from = stored ? (off_t)(m->store_at + ((uint64_t)m->stored[frame + i] << NUMA_FRAME_BITS)) : at(frame + i);
    void *p = mmap((uint8_t *)to + at(i), (size_t)k << NUMA_FRAME_BITS, PROT_READ | (write ? PROT_WRITE : 0), flags,
                   stored ? m->store : m->file, from);
    if (p == MAP_FAILED) return false;
  }
  return true;
}

/* --- what the host has --- */

static void touch_stored(const struct numa_memory *m, uint8_t *touched) {
  for (uint32_t i = 0; m->stored && i < m->frames; i++) touched[i] |= m->stored[i] != NUMA_NO_FRAME;
}

void numa_memory_touched(const struct numa_memory *m, uint8_t *touched) {
  off_t from = 0, end = at(m->frames);
  memset(touched, 0, m->frames);
  touch_stored(m, touched);
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
