/* mmu/merge.c: a walk over all pages that merges those that are equal. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A page is a candidate when it looks the same at two visits in a row: what changes all the time would only be split
 * again. Digests find candidates, comparing the bytes decides. A VM's page is compared with the same page of the VMs
 * before it first, so that neighbours stay neighbours, and one mapping. */
#include "mmu/merge.h"
#include "mmu/hash.h"
#include "mmu/mmu.h"
#include <stdlib.h>
#include <string.h>

/* SKIP: so many pages with nothing to look into cost as much as one that has. PROBES: places a digest may have. */
#define NO_PAGE UINT32_MAX
enum { SEEN_ZEROS = 1, SKIP = 32, PROBES = 4 };

int mmu_merger_init(struct mmu_merger *g, struct mmu_memmap *m) {
  *g = (struct mmu_merger){.map = m, .place = malloc(m->memory.frames * sizeof *g->place)};
  if (!g->place) return -1;
  for (uint32_t i = 0; i < m->memory.frames; i++) g->place[i] = NO_PAGE;
  return 0;
}

void mmu_merger_fini(struct mmu_merger *g) {
  free(g->place);
  *g = (struct mmu_merger){0};
}

/* --- runs --- */

static void shoot(struct mmu_memmap *m) {
  for (int i = 0; i < MMU_VMS_MAX; i++)
    if (m->vm[i]) mmu_pmap_settle(m->vm[i]);
}

static void end_run(struct mmu_merger *g) {
  bool zeros = g->run.frame == NUMA_NO_FRAME;
  if (g->run.n && mmu_pages_point(g->map, g->run.first, g->run.n, g->run.frame))
    *(zeros ? &g->zeroed : &g->merged) += g->run.n;
  g->run.n = 0;
}

/* Page n, closed, is to have a frame (or none). */
static void point(struct mmu_merger *g, uint32_t n, uint32_t frame) {
  const struct mmu_page *page = g->map->page;
  uint32_t next = g->run.frame == NUMA_NO_FRAME ? NUMA_NO_FRAME : g->run.frame + g->run.n;
  if (g->run.n && (n != g->run.first + g->run.n || frame != next || page[n].vm != page[g->run.first].vm)) end_run(g);
  if (!g->run.n) {
    g->run.first = n;
    g->run.frame = frame;
  }
  g->run.n++;
}

/* --- finding --- */

static bool is_equal(struct mmu_merger *g, uint32_t a, uint32_t b) {
  const struct mmu_page *x = &g->map->page[a], *y = &g->map->page[b];
  if (a == b || x->seen != y->seen || y->frame == NUMA_NO_FRAME || x->frame == y->frame) return false;
  if (b - g->run.first < g->run.n) end_run(g); /* it is about to get another frame */
  return y->frame != NUMA_NO_FRAME && x->frame != y->frame && !memcmp(x->host, y->host, NUMA_FRAME_SIZE);
}

/* The same page of a VM before this one. */
static uint32_t find_alike(struct mmu_merger *g, uint32_t n) {
  const struct mmu_memmap *m = g->map;
  const struct mmu_pmap *own = m->vm[m->page[n].vm];
  uint32_t offset = n - mmu_page_number(m, own->ram);
  for (int i = 0; i < MMU_VMS_MAX; i++) {
    const struct mmu_pmap *p = m->vm[i];
    if (!p || p->pinned || p->ram >= own->ram || offset >= p->ram_pages) continue;
    if (is_equal(g, n, mmu_page_number(m, p->ram) + offset)) return mmu_page_number(m, p->ram) + offset;
  }
  return n;
}

static uint32_t home(const struct mmu_memmap *m, uint32_t n) {
  return (uint32_t)((uint64_t)m->page[n].seen * m->memory.frames >> 32);
}

/* Any page that was seen with the digest of page n; n itself, which is then remembered. */
static uint32_t find_any(struct mmu_merger *g, uint32_t n) {
  uint32_t size = g->map->memory.frames, *spare = NULL;
  for (uint32_t i = 0; i < PROBES; i++) {
    uint32_t *at = &g->place[(home(g->map, n) + i) % size];
    if (*at == n || (*at != NO_PAGE && is_equal(g, n, *at))) return *at;
    /* Who has another digest by now has no claim to the place. */
    if (!spare && (*at == NO_PAGE || home(g->map, *at) != home(g->map, n))) spare = at;
  }
  if (spare) *spare = n;
  return n;
}

/* --- the walk --- */

/* Can there be anything in it that was not there, or not looked at, before? */
static bool is_worth(const struct mmu_memmap *m, const struct mmu_page *g) {
  const struct frame *f = mmu_page_frame(m, g);
  return f && !m->vm[g->vm]->pinned && (g->open || (f->block && !g->seen) || (f->refs == 1 && g->seen));
}

static void look(struct mmu_merger *g, uint32_t n) {
  struct mmu_page *p = &g->map->page[n];
  uint64_t h = mmu_page_hash(p->host, 0);
  uint32_t seen = h ? (uint32_t)(h >> 32) | 2 : SEEN_ZEROS;
  bool same = p->seen == seen;
  p->seen = seen;
  g->looked++;
  if (!same) return;
  uint32_t with = n;
  if (h && (with = find_alike(g, n)) == n) with = find_any(g, n);
  if (h && with == n) return;
  mmu_page_close(g->map, p);
  if (h) mmu_page_close(g->map, &g->map->page[with]);
  point(g, n, h ? g->map->page[with].frame : NUMA_NO_FRAME);
}

void mmu_merge(struct mmu_merger *g, unsigned pages) {
  uint32_t size = g->map->given;
  for (uint64_t left = (uint64_t)pages * SKIP, steps = 0; left && steps < size; steps++) {
    bool worth = is_worth(g->map, &g->map->page[g->at]);
    uint64_t cost = worth ? SKIP : 1;
    if (worth) look(g, g->at);
    left -= cost < left ? cost : left;
    if (++g->at < size) continue;
    g->at = 0;
    g->passes++;
  }
  end_run(g);
  shoot(g->map);
}
