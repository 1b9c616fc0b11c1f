/* mmu/view.c: views: an address context's pages where the host's MMU finds them. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A view is a reserved piece of the host's address space, as large as what the guest's users can address; pages of the
 * file behind machine memory are mapped into it one by one. Which ones is kept in a hash table with linear probing.
 * Every page may be a mapping of its own, with a gap behind it, of which the host gives a process so many: hence the
 * bounds on pages and views. */
#define _GNU_SOURCE /* MAP_ANONYMOUS, MAP_NORESERVE */
#include "mmu/mmu.h"
#include <stdlib.h>
#include <sys/mman.h>

/* SEAMS: mappings a page may cost. */
enum { SLOTS_MIN = 256, SLOTS_MAX = 8192, SEAMS = 2, MAPPINGS_MAX = 48000 };
#define NO_PAGE UINT64_MAX

struct view_page {
  uint64_t va; /* NO_PAGE: none */
  const struct mmu_page *page;
  uint32_t frame; /* that it had then */
  bool write;
};
struct mmu_view {
  uint8_t *base; /* of the byte at va 0 */
  uint64_t span;
  struct view_page *page;
  size_t slots, pages;
  struct numa_memory *memory; /* of the pages' frames */
};

static void *reserve(void *at, uint64_t bytes) {
  int fixed = at ? MAP_FIXED : 0;
  void *p = mmap(at, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | fixed, -1, 0);
  return p == MAP_FAILED ? NULL : p;
}

static struct view_page *make_slots(size_t n) {
  struct view_page *page = malloc(n * sizeof *page);
  for (size_t i = 0; page && i < n; i++) page[i].va = NO_PAGE;
  return page;
}

struct mmu_view *mmu_view_new(unsigned bits, uint8_t **at) {
  struct mmu_view *v = calloc(1, sizeof *v);
  if (!v) return NULL;
  v->span = UINT64_C(1) << bits;
  v->slots = SLOTS_MIN;
  v->page = make_slots(v->slots);
  uint8_t *all = v->page ? reserve(NULL, v->span + 2 * MMU_VIEW_GUARD) : NULL;
  if (!all) {
    free(v->page);
    free(v);
    return NULL;
  }
  *at = v->base = all + MMU_VIEW_GUARD;
  return v;
}

void mmu_view_free(struct mmu_view *v) {
  if (!v) return;
  if (v->memory) v->memory->mappings -= SEAMS * (unsigned)v->pages;
  munmap(v->base - MMU_VIEW_GUARD, v->span + 2 * MMU_VIEW_GUARD);
  free(v->page);
  free(v);
}

void mmu_view_clear(struct mmu_view *v) {
  if (!v || !v->pages) return;
  if (!reserve(v->base, v->span)) { /* a host that is out of mappings still takes some back */
    munmap(v->base, v->span);
    if (!reserve(v->base, v->span)) abort(); /* what the guest has unmapped must not stay */
  }
  v->memory->mappings -= SEAMS * (unsigned)v->pages;
  for (size_t i = 0; i < v->slots; i++) v->page[i].va = NO_PAGE;
  v->pages = 0;
}

/* --- the table --- */

static size_t home(const struct mmu_view *v, uint64_t va) {
  return (va >> MMU_PAGE_BITS) * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (v->slots - 1);
}

/* Where va is, or would be. */
static size_t slot_of(const struct mmu_view *v, uint64_t va) {
  size_t i = home(v, va);
  while (v->page[i].va != va && v->page[i].va != NO_PAGE) i = (i + 1) & (v->slots - 1);
  return i;
}

static bool grow(struct mmu_view *v) {
  struct view_page *old = v->page, *fresh = make_slots(2 * v->slots);
  size_t n = v->slots;
  if (!fresh) return false;
  v->page = fresh;
  v->slots = 2 * n;
  for (size_t i = 0; i < n; i++)
    if (old[i].va != NO_PAGE) v->page[slot_of(v, old[i].va)] = old[i];
  free(old);
  return true;
}

/* Empty slot i, and close the gap. */
static void take_out(struct mmu_view *v, size_t i) {
  size_t mask = v->slots - 1;
  for (size_t j = (i + 1) & mask; v->page[j].va != NO_PAGE; j = (j + 1) & mask)
    if (((j - home(v, v->page[j].va)) & mask) >= ((j - i) & mask)) {
      v->page[i] = v->page[j];
      i = j;
    }
  v->page[i].va = NO_PAGE;
  v->pages--;
  v->memory->mappings -= SEAMS;
}

static void unmap(struct mmu_view *v, size_t i) {
  if (reserve(v->base + v->page[i].va, MMU_PAGE_SIZE))
    take_out(v, i);
  else /* one mapping too many for the host: have fewer */
    mmu_view_clear(v);
}

/* --- pages --- */

bool mmu_view_put(struct mmu_view *v, uint64_t va, struct mmu_memmap *m, struct mmu_page *page, bool write) {
  if (!v || page->frame == NUMA_NO_FRAME || va >= v->span || m->memory.mappings >= MAPPINGS_MAX) return false;
  v->memory = &m->memory;
  if (2 * v->pages >= v->slots && (v->slots == SLOTS_MAX || !grow(v))) mmu_view_clear(v);
  size_t i = slot_of(v, va);
  if (!numa_frames_map(&m->memory, v->base + va, page->frame, 1, write,
                       true)) { /* whether the old one is still there is not said */
    if (v->page[i].va == va) unmap(v, i);
    return false;
  }
  if (v->page[i].va != va) {
    v->pages++;
    m->memory.mappings += SEAMS;
  }
  v->page[i] = (struct view_page){va, page, page->frame, write};
  page->viewed = true;
  return true;
}

unsigned mmu_view_drop(struct mmu_view *v, uint64_t va, uint64_t mask) {
  if (!v || !v->pages) return 0;
  size_t before = v->pages;
  if (mask >> MMU_PAGE_BITS >= 16) {
    for (size_t i = 0; i < v->slots;)
      if (v->page[i].va != NO_PAGE && ((v->page[i].va ^ va) & ~mask) == 0)
        unmap(v, i); /* another may have moved here */
      else
        i++;
  } else {
    for (uint64_t offset = 0; offset <= mask; offset += MMU_PAGE_SIZE) {
      size_t i = slot_of(v, va + offset);
      if (v->page[i].va != NO_PAGE) unmap(v, i);
    }
  }
  return (unsigned)(before - v->pages);
}

void mmu_view_drop_page(struct mmu_view *v, const struct mmu_page *page, bool read) {
  for (size_t i = 0; v && v->pages && i < v->slots;)
    if (v->page[i].va != NO_PAGE && v->page[i].page == page && (read || v->page[i].write))
      unmap(v, i);
    else
      i++;
}

void mmu_view_shoot(struct mmu_view *v) {
  for (size_t i = 0; v && v->pages && i < v->slots;) {
    const struct view_page *e = &v->page[i];
    if (e->va != NO_PAGE && ((e->write && !e->page->open) || e->frame != e->page->frame))
      unmap(v, i);
    else
      i++;
  }
}
