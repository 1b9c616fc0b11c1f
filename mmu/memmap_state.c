/* mmu/memmap_state.c: which page has which frame, as state: saved, and restored with the bytes still in a file. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Runs, not single pages: neighbours have neighbouring frames, nearly always. A frame of zeros is kept where leaving it
 * out would part its neighbours, as each run is a mapping when it is restored. */
#include "mmu/mmu.h"
#include <stdlib.h>
#include <string.h>

enum { GAP = 16 /* frames of zeros that may be kept for their neighbours */ };

const uint8_t *mmu_frame_bytes(const struct mmu_memmap *m, uint32_t frame) {
  return m->page[m->memory.frame[frame].user].host;
}

static bool is_zero(const uint8_t *bytes) {
  return !bytes[0] && !memcmp(bytes, bytes + 1, NUMA_FRAME_SIZE - 1);
}

/* 0: nobody has it. 1: zeros. 2: it holds something. */
static uint8_t look_at(const struct mmu_memmap *m, uint32_t frame, bool touched) {
  if (!m->memory.frame[frame].refs) return 0;
  return touched && !is_zero(mmu_frame_bytes(m, frame)) ? 2 : 1;
}

int mmu_kept_init(struct mmu_kept *k, const struct mmu_memmap *m, bool all) {
  uint8_t *what = malloc(m->memory.frames);
  *k = (struct mmu_kept){.frame = malloc(m->memory.frames * sizeof *k->frame)};
  if (!what || !k->frame) {
    free(what);
    mmu_kept_fini(k);
    return -1;
  }
  numa_memory_touched(&m->memory, what);
  uint32_t zeros = GAP + 1; /* between the last one kept and this */
  for (uint32_t i = 0; i < m->memory.frames; i++) {
    what[i] = look_at(m, i, what[i]);
    if (what[i] == 2 || (all && what[i])) {
      for (; zeros && zeros <= GAP; zeros--) k->frame[k->n++] = i - zeros;
      k->frame[k->n++] = i;
      zeros = 0;
    } else {
      zeros = what[i] ? zeros + (zeros <= GAP) : GAP + 1;
    }
  }
  free(what);
  return 0;
}

void mmu_kept_fini(struct mmu_kept *k) {
  free(k->frame);
  *k = (struct mmu_kept){0};
}

/* --- frames --- */

/* A run that ends before `end`, of numbers that each are one more than the last. */
static uint32_t run_of(const uint32_t *number, uint32_t at, uint32_t end) {
  uint32_t n = 1;
  while (at + n < end && number[at + n] == number[at] + n) n++;
  return n;
}

static void frames_state(struct mmu_memmap *m, const struct mmu_kept *k, uint32_t pages, struct snap *s) {
  uint32_t all = s->restoring ? 0 : k->n, end = 0;
  SNAP(s, all);
  if (!snap_check(s, all <= m->memory.frames && (!s->restoring || all == pages))) return;
  for (uint32_t at = 0, n, first; at < all && !s->bad; at += n) {
    n = s->restoring ? 0 : run_of(k->frame, at, all);
    first = s->restoring ? 0 : k->frame[at];
    SNAP(s, first);
    SNAP(s, n);
    if (!snap_check(s, n && first >= end && first < m->memory.frames && n <= m->memory.frames - first && n <= all - at))
      return;
    if (s->restoring) numa_frames_store(&m->memory, first, n, at);
    end = first + n;
  }
}

/* --- pages --- */

struct page_run {
  uint32_t first, n, frame;
};

/* The next run of pages with kept frames, from page `at` on; n is 0 when there is none. `kept`: by frame. */
static struct page_run next_run(const struct mmu_memmap *m, const bool *kept, uint32_t at) {
  while (at < m->given && (m->page[at].frame == NUMA_NO_FRAME || !kept[m->page[at].frame])) at++;
  struct page_run r = {.first = at};
  if (at == m->given) return r;
  r.frame = m->page[at].frame;
  while (at + r.n < m->given && m->page[at + r.n].vm == m->page[at].vm && m->page[at + r.n].frame == r.frame + r.n &&
         kept[r.frame + r.n])
    r.n++;
  return r;
}

static void run_state(struct page_run *r, struct snap *s) {
  SNAP(s, r->first);
  SNAP(s, r->n);
  if (r->n) SNAP(s, r->frame);
}

static void save_pages(const struct mmu_memmap *m, const struct mmu_kept *k, struct snap *s) {
  bool *kept = calloc(m->memory.frames, sizeof *kept);
  struct page_run r = {.n = 1};
  s->bad |= !kept;
  for (uint32_t i = 0; kept && i < k->n; i++) kept[k->frame[i]] = true;
  for (uint32_t at = 0; kept && r.n; at = r.first + r.n) {
    r = next_run(m, kept, at);
    run_state(&r, s);
  }
  free(kept);
}

static bool is_sound(const struct mmu_memmap *m, const struct page_run *r, uint32_t at) {
  if (r->first < at || r->first >= m->given || r->n > m->given - r->first) return false;
  if (r->frame >= m->memory.frames || r->n > m->memory.frames - r->frame) return false;
  for (uint32_t i = 0; i < r->n; i++)
    if (m->page[r->first + i].vm != m->page[r->first].vm || !numa_frame_is_stored(&m->memory, r->frame + i))
      return false;
  return true;
}

static void restore_pages(struct mmu_memmap *m, struct snap *s) {
  struct page_run r = {.n = 1};
  for (uint32_t at = 0; r.n && !s->bad; at = r.first + r.n) {
    run_state(&r, s);
    if (r.n && snap_check(s, is_sound(m, &r, at))) snap_check(s, mmu_pages_point(m, r.first, r.n, r.frame));
  }
  for (uint32_t i = 0; i < m->memory.frames; i++) /* what nobody has would be given away as zeros */
    snap_check(s, !numa_frame_is_stored(&m->memory, i) || m->memory.frame[i].refs);
}

/* --- frames that several pages have --- */

/* The ring of a frame's pages, from its user on: `ring` has room for all of them. */
static bool relink(struct mmu_memmap *m, uint32_t frame, const uint32_t *ring, uint8_t *met) {
  struct frame *f = &m->memory.frame[frame];
  for (uint32_t i = 0; i < f->refs; i++) {
    if (ring[i] >= m->given || m->page[ring[i]].frame != frame || met[ring[i]]) return false;
    met[ring[i]] = 1;
  }
  f->user = ring[0];
  for (uint32_t i = 0; i < f->refs; i++) {
    uint32_t next = ring[i + 1 < f->refs ? i + 1 : 0];
    m->page[ring[i]].next = next;
    m->page[next].prev = ring[i];
  }
  return true;
}

static void ring_state(struct mmu_memmap *m, uint32_t frame, uint32_t *ring, uint8_t *met, struct snap *s) {
  uint32_t refs = m->memory.frame[frame].refs, page = m->memory.frame[frame].user;
  for (uint32_t i = 0; i < refs; i++, page = m->page[page].next) ring[i] = page;
  snap_numbers(s, ring, sizeof *ring, refs);
  if (s->restoring && !s->bad) snap_check(s, relink(m, frame, ring, met));
}

/* In which order pages share a frame decides who gets a new one, and which. */
static void rings_state(struct mmu_memmap *m, struct snap *s) {
  uint32_t *ring = malloc((m->given + 1) * sizeof *ring);
  uint8_t *met = calloc(m->given + 1, 1);
  s->bad |= !ring || !met;
  for (uint32_t i = 0; i < m->memory.frames && !s->bad; i++)
    if (m->memory.frame[i].refs > 1) ring_state(m, i, ring, met, s);
  free(ring);
  free(met);
}

/* --- the buffer cache --- */

static void blocks_state(struct mmu_memmap *m, const struct mmu_kept *k, struct snap *s) {
  uint32_t n = 0, frame = 0;
  uint64_t block = 0;
  for (uint32_t i = 0; !s->restoring && i < k->n; i++) n += m->memory.frame[k->frame[i]].block != 0;
  SNAP(s, n);
  for (uint32_t i = 0; n && !s->bad; n--, i++) {
    for (; !s->restoring && !m->memory.frame[k->frame[i]].block; i++) {
    }
    if (!s->restoring) frame = k->frame[i], block = m->memory.frame[frame].block;
    SNAP(s, frame);
    SNAP(s, block);
    if (!snap_check(s, frame < m->memory.frames && m->memory.frame[frame].refs && block)) return;
    if (s->restoring && !m->memory.frame[frame].block && mmu_block_find(m, block) == NUMA_NO_FRAME)
      mmu_block_keep(m, &m->page[m->memory.frame[frame].user], block);
  }
}

void mmu_memmap_state(struct mmu_memmap *m, const struct mmu_kept *k, uint32_t pages, struct snap *s) {
  uint32_t given = m->given;
  SNAP(s, given);
  if (!snap_check(s, given == m->given)) return;
  frames_state(m, k, pages, s);
  if (s->bad) return;
  if (s->restoring)
    restore_pages(m, s);
  else
    save_pages(m, k, s);
  if (!s->bad) rings_state(m, s);
  if (!s->bad) blocks_state(m, k, s);
}
