/* mmu/memmap.c: pages opened, closed, and pointed at frames. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* MAP_ANONYMOUS, MAP_NORESERVE */
#include "mmu/memmap.h"
#include "mmu/mmu.h"
#include "numa-model/placement.h"
#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

/* CHUNK: so many pages get their frames at once when one is first written to: each time costs the host microseconds.
 * SPARE: mappings kept for pages that must be split, so that sharing stops before. */
enum { CHUNK = 16, SPARE = 4096 };

int mmu_memmap_init(struct mmu_memmap *m, uint64_t bytes) {
  *m = (struct mmu_memmap){0};
  if (numa_memory_init(&m->memory, bytes)) return -1;
  m->page = calloc(m->memory.frames, sizeof *m->page);
  if (m->page && !pthread_mutex_init(&m->lock, NULL)) return 0;
  free(m->page);
  numa_memory_fini(&m->memory);
  *m = (struct mmu_memmap){0};
  return -1;
}

void mmu_memmap_fini(struct mmu_memmap *m) {
  if (!m->page) return;
  pthread_mutex_destroy(&m->lock);
  free(m->bucket);
  free(m->page);
  numa_memory_fini(&m->memory);
  *m = (struct mmu_memmap){0};
}

/* --- back-maps --- */

static void link_page(struct mmu_memmap *m, uint32_t n, uint32_t frame) {
  struct frame *f = &m->memory.frame[frame];
  struct mmu_page *g = &m->page[n], *other = &m->page[f->user];
  g->frame = frame;
  if (f->refs == 1) { /* it has been got for this page */
    g->next = g->prev = f->user = n;
    return;
  }
  g->next = other->next;
  g->prev = f->user;
  m->page[other->next].prev = n;
  other->next = n;
}

static void unlink_page(struct mmu_memmap *m, uint32_t n) {
  struct mmu_page *g = &m->page[n];
  if (g->frame == NUMA_NO_FRAME) return;
  struct frame *f = &m->memory.frame[g->frame];
  m->page[g->next].prev = g->prev;
  m->page[g->prev].next = g->next;
  if (f->user == n) f->user = g->next;
  if (f->refs == 1) mmu_block_forget(m, g->frame);
  numa_frame_put(&m->memory, g->frame);
  g->frame = NUMA_NO_FRAME;
}

/* --- host mappings --- */

/* Does the host need another mapping for page n than for the one before? */
static bool seam(const struct mmu_memmap *m, uint32_t n) {
  if (!n || n >= m->given) return false;
  const struct mmu_page *a = &m->page[n - 1], *b = &m->page[n];
  if (a->vm != b->vm) return false;
  if (a->frame == NUMA_NO_FRAME || b->frame == NUMA_NO_FRAME) return a->frame != b->frame;
  return b->frame != a->frame + 1 || a->writable != b->writable || !numa_frames_adjoin(&m->memory, a->frame);
}

static unsigned seams(const struct mmu_memmap *m, uint32_t first, uint32_t n) {
  unsigned all = 0;
  for (uint32_t i = first; i <= first + n; i++) all += seam(m, i);
  return all;
}

static bool map(const struct mmu_memmap *m, uint32_t first, uint32_t n, uint32_t frame, bool write) {
  void *at = m->page[first].host;
  if (frame != NUMA_NO_FRAME) return numa_frames_map(&m->memory, at, frame, n, write, false);
  return mmap(at, (size_t)n << MMU_PAGE_BITS, PROT_READ, MAP_FIXED | MAP_NORESERVE | MAP_PRIVATE | MAP_ANONYMOUS, -1,
              0) != MAP_FAILED;
}

/* Map frames [frame, frame + n), which have a reference for each of the pages. On failure they have it still. */
static bool remap(struct mmu_memmap *m, uint32_t first, uint32_t n, uint32_t frame, bool write) {
  unsigned before = seams(m, first, n);
  if (!map(m, first, n, frame, write)) return false;
  for (uint32_t i = 0; i < n; i++) {
    unlink_page(m, first + i);
    m->page[first + i].writable = write;
    if (frame != NUMA_NO_FRAME) link_page(m, first + i, frame + i);
  }
  m->memory.mappings += seams(m, first, n) - before;
  return true;
}

bool mmu_pages_point(struct mmu_memmap *m, uint32_t first, uint32_t n, uint32_t frame) {
  if (m->memory.mappings + 2 > NUMA_MAPPINGS_MAX - SPARE) return false;
  for (uint32_t i = 0; i < n; i++) {
    assert(!m->page[first + i].open && m->page[first + i].vm == m->page[first].vm);
    if (frame != NUMA_NO_FRAME) m->memory.frame[frame + i].refs++;
  }
  bool done = remap(m, first, n, frame, false);
  for (uint32_t i = 0; !done && frame != NUMA_NO_FRAME && i < n; i++) numa_frame_put(&m->memory, frame + i);
  m->vm[m->page[first].vm]->stale |= done;
  return done;
}

void mmu_pages_drop(struct mmu_memmap *m, uint32_t first, uint32_t n) {
  m->memory.mappings -= seams(m, first, n);
  for (uint32_t i = first; i < first + n; i++) unlink_page(m, i);
}

bool mmu_pages_repoint(struct mmu_memmap *m, struct mmu_page *g, uint32_t n, uint32_t frame) {
  for (uint32_t i = 0; i < n; i++) {
    mmu_page_close(m, &g[i]);
    g[i].seen = 0;
  }
  return mmu_pages_point(m, mmu_page_number(m, g), n, frame);
}

bool mmu_page_share(struct mmu_memmap *m, struct mmu_page *g, struct mmu_page *with) {
  if (g == with || with->frame == NUMA_NO_FRAME) return false;
  pthread_mutex_lock(&m->lock);
  mmu_page_close(m, with);
  bool done = g->frame == with->frame || mmu_pages_repoint(m, g, 1, with->frame);
  pthread_mutex_unlock(&m->lock);
  return done;
}

bool mmu_pages_clear(struct mmu_memmap *m, struct mmu_page *g, uint32_t n) {
  pthread_mutex_lock(&m->lock);
  bool done = mmu_pages_repoint(m, g, n, NUMA_NO_FRAME);
  pthread_mutex_unlock(&m->lock);
  return done;
}

/* --- opening and closing --- */

static bool may_have_own(const struct mmu_memmap *m, uint32_t n, uint32_t like) {
  return n < m->given && m->page[n].vm == m->page[like].vm && m->page[n].frame == NUMA_NO_FRAME &&
         !m->memory.frame[n].refs;
}

static int one_frame(struct mmu_memmap *m, uint32_t n, uint32_t wanted, const uint8_t *bytes) {
  uint32_t frame = numa_frame_get(&m->memory, wanted);
  if (frame == NUMA_NO_FRAME) return -1;
  if ((!bytes || !numa_frame_write(&m->memory, frame, bytes)) && remap(m, n, 1, frame, true)) return 0;
  numa_frame_put(&m->memory, frame);
  return -1;
}

/* Page n has none. Its neighbours get theirs, too. */
static int give_frames(struct mmu_memmap *m, uint32_t n) {
  uint32_t first = n, end = n;
  if (!may_have_own(m, n, n)) return one_frame(m, n, n, NULL);
  while (first % CHUNK && may_have_own(m, first - 1, n)) first--;
  for (end++; end % CHUNK && may_have_own(m, end, n); end++) {
  }
  for (uint32_t i = first; i < end; i++) numa_frame_get(&m->memory, i);
  if (remap(m, first, end - first, first, true)) return 0;
  for (uint32_t i = first; i < end; i++) numa_frame_put(&m->memory, i);
  return -1;
}

/* A free frame for page n, which shares one: if its own is in use, one that belongs to another of the sharers. */
static uint32_t frame_to_split(const struct mmu_memmap *m, uint32_t n) {
  uint32_t i = n;
  do {
    if (!m->memory.frame[i].refs) return i;
    i = m->page[i].next;
  } while (i != n);
  return n;
}

static int split(struct mmu_memmap *m, uint32_t n) {
  struct mmu_page *g = &m->page[n];
  if (one_frame(m, n, frame_to_split(m, n), g->host)) return -1;
  m->splits++;
  mmu_pmap_unview(m->vm[g->vm], g);
  return 0;
}

static bool is_shared(const struct mmu_memmap *m, uint32_t n) {
  const struct frame *f = mmu_page_frame(m, &m->page[n]);
  return f && f->refs > 1;
}

/* Split all that is mapped together with page n: no mapping more is left than there was. */
static int split_run(struct mmu_memmap *m, uint32_t n) {
  uint32_t first = n, end = n + 1;
  while (first && !seam(m, first) && m->page[first - 1].vm == m->page[n].vm && is_shared(m, first - 1)) first--;
  while (end < m->given && !seam(m, end) && m->page[end].vm == m->page[n].vm && is_shared(m, end)) end++;
  for (uint32_t i = first; i < end; i++)
    if (split(m, i)) return -1;
  return 0;
}

/* Let the host write to pages [first, first + n), which are `before` seams. */
static int make_writable(struct mmu_memmap *m, uint32_t first, uint32_t n, unsigned before) {
  if (!map(m, first, n, m->page[first].frame, true)) return -1;
  for (uint32_t i = first; i < first + n; i++) m->page[i].writable = true;
  m->memory.mappings += seams(m, first, n) - before;
  return 0;
}

/* Is page n's own frame, for it alone, stored in a file? */
static bool may_be_fetched(const struct mmu_memmap *m, uint32_t n, uint32_t like) {
  const struct mmu_page *g = &m->page[n];
  return n < m->given && g->vm == m->page[like].vm && g->frame == m->page[like].frame + n - like &&
         numa_frame_is_stored(&m->memory, g->frame) && m->memory.frame[g->frame].refs == 1;
}

/* The frame of page n is in a file that is only read. Its neighbours are fetched, too. */
static int fetch(struct mmu_memmap *m, uint32_t n) {
  uint32_t first = n, end = n + 1;
  while (first % CHUNK && may_be_fetched(m, first - 1, n)) first--;
  while (end % CHUNK && may_be_fetched(m, end, n)) end++;
  unsigned before = seams(m, first, end - first);
  if (numa_frames_fetch(&m->memory, m->page[first].frame, end - first, m->page[first].host)) return -1;
  for (uint32_t i = first; i < end; i++) mmu_pmap_unview(m->vm[m->page[i].vm], &m->page[i]);
  return make_writable(m, first, end - first, before);
}

static int open_page(struct mmu_memmap *m, struct mmu_page *g) {
  uint32_t n = mmu_page_number(m, g);
  if (g->frame == NUMA_NO_FRAME) {
    int bad = give_frames(m, n);
    if (!bad && g->frame != n) mmu_pmap_unview(m->vm[g->vm], g);
    return bad;
  }
  if (is_shared(m, n)) return m->memory.mappings + 2 > NUMA_MAPPINGS_MAX ? split_run(m, n) : split(m, n);
  if (numa_frame_is_stored(&m->memory, g->frame)) return fetch(m, n);
  return g->writable ? 0 : make_writable(m, n, 1, seams(m, n, 1));
}

int mmu_page_open(struct mmu_memmap *m, struct mmu_page *g) {
  pthread_mutex_lock(&m->lock);
  int bad = g->open ? 0 : open_page(m, g);
  if (!bad) {
    mmu_block_forget(m, g->frame);
    if (m->memory.places) numa_stored(m->memory.places, g->frame, m->vm[g->vm]->node);
    __atomic_store_n(&g->open, true, __ATOMIC_RELEASE); /* it is mapped by now */
  }
  pthread_mutex_unlock(&m->lock);
  return bad;
}

void mmu_page_close(struct mmu_memmap *m, struct mmu_page *g) {
  if (!g->open) return;
  g->open = false;
  m->vm[g->vm]->stale = true;
}
