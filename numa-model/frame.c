/* numa-model/frame.c: the frames of machine memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memfd_create, SEEK_DATA, FALLOC_FL_PUNCH_HOLE */
#include "numa-model/numa.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int make_file(uint64_t bytes) {
  int file = memfd_create("mirrorball-ram", MFD_CLOEXEC);
  if (file >= 0 && ftruncate(file, (off_t)bytes)) {
    close(file);
    file = -1;
  }
  return file;
}

int numa_memory_init(struct numa_memory *m, uint64_t bytes) {
  *m = (struct numa_memory){.frames = bytes >> NUMA_FRAME_BITS, .file = make_file(bytes)};
  assert((bytes & (NUMA_FRAME_SIZE - 1)) == 0);
  int flags = MAP_NORESERVE | (m->file >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS);
  void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, m->file, 0);
  if (base == MAP_FAILED) {
    numa_memory_fini(m);
    return -1;
  }
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
  if (m->frames && m->file >= 0) close(m->file);
  *m = (struct numa_memory){.file = -1};
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
  int no = m->file >= 0
               ? fallocate(m->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, f->host - m->base, NUMA_FRAME_SIZE)
               : madvise(f->host, NUMA_FRAME_SIZE, MADV_DONTNEED);
  if (no) memset(f->host, 0, NUMA_FRAME_SIZE);
}

void numa_memory_touched(const struct numa_memory *m, uint8_t *touched) {
  off_t at = 0, end = (off_t)(m->frames << NUMA_FRAME_BITS);
  memset(touched, m->file < 0, m->frames);
  while (m->file >= 0 && at < end) {
    off_t from = lseek(m->file, at, SEEK_DATA);
    if (from < 0 && errno == ENXIO) return; /* no data up to the end */
    if (from < 0) from = at;
    off_t to = lseek(m->file, from, SEEK_HOLE);
    if (to < 0 || to > end) to = end;
    memset(touched + (from >> NUMA_FRAME_BITS), 1, (size_t)((to - from) >> NUMA_FRAME_BITS));
    at = to;
  }
}
