/* mmu/pmap.c: guest-physical page to page of RAM. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* MAP_ANONYMOUS, MAP_NORESERVE */
#include "mmu/mmu.h"
#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Find a place among the machine's VMs. */
static bool enlist(struct mmu_pmap *p, struct mmu_memmap *m) {
  unsigned vm = 0;
  while (vm < MMU_VMS_MAX && m->vm[vm]) vm++;
  if (vm == MMU_VMS_MAX || p->ram_pages > m->memory.frames - m->given) return false;
  p->map = m;
  p->vm = (uint8_t)vm;
  p->ram = m->page + m->given;
  m->given += p->ram_pages;
  m->vm[vm] = p;
  return true;
}

int mmu_pmap_init(struct mmu_pmap *p, struct mmu_memmap *m, uint64_t pages, uint64_t ram) {
  *p = (struct mmu_pmap){.pages = pages, .ram_pages = (uint32_t)(ram >> MMU_PAGE_BITS)};
  p->page = calloc(pages, sizeof *p->page);
  void *host = mmap(NULL, ram, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (host != MAP_FAILED) p->host = host;
  if (p->page && p->host && enlist(p, m)) {
    for (uint32_t i = 0; i < p->ram_pages; i++)
      p->ram[i] =
          (struct mmu_page){.host = p->host + ((size_t)i << MMU_PAGE_BITS), .frame = NUMA_NO_FRAME, .vm = p->vm};
    return 0;
  }
  mmu_pmap_fini(p);
  return -1;
}

void mmu_pmap_fini(struct mmu_pmap *p) {
  assert(!p->guests);
  if (p->map) {
    mmu_pages_drop(p->map, mmu_page_number(p->map, p->ram), p->ram_pages);
    p->map->vm[p->vm] = NULL;
  }
  if (p->host) munmap(p->host, (size_t)p->ram_pages << MMU_PAGE_BITS);
  free(p->page);
  *p = (struct mmu_pmap){0};
}

static bool inside(const struct mmu_pmap *p, gpa_t at, uint64_t bytes) {
  return ((at.v | bytes) & (MMU_PAGE_SIZE - 1)) == 0 && at.v >> MMU_PAGE_BITS <= p->pages &&
         bytes >> MMU_PAGE_BITS <= p->pages - (at.v >> MMU_PAGE_BITS);
}

int mmu_pmap_add_ram(struct mmu_pmap *p, gpa_t at, uint64_t bytes) {
  assert(inside(p, at, bytes));
  for (uint64_t i = at.v >> MMU_PAGE_BITS, end = (at.v + bytes) >> MMU_PAGE_BITS; i < end; i++) {
    assert(!p->page[i]);
    if (p->ram_given == p->ram_pages) return -1;
    p->page[i] = &p->ram[p->ram_given++];
  }
  return 0;
}

void mmu_pmap_alias(struct mmu_pmap *p, gpa_t at, gpa_t of, uint64_t bytes) {
  assert(inside(p, at, bytes) && inside(p, of, bytes));
  for (uint64_t i = 0; i < bytes >> MMU_PAGE_BITS; i++) {
    struct mmu_page *g = p->page[(of.v >> MMU_PAGE_BITS) + i];
    assert(g && !p->page[(at.v >> MMU_PAGE_BITS) + i]);
    p->page[(at.v >> MMU_PAGE_BITS) + i] = g;
  }
}

/* --- the cpus that use it --- */

void mmu_pmap_join(struct mmu_pmap *p, struct mmu_guest *g) {
  g->next_guest = p->guests;
  p->guests = g;
}

void mmu_pmap_leave(struct mmu_pmap *p, struct mmu_guest *g) {
  for (struct mmu_guest **at = &p->guests; *at; at = &(*at)->next_guest)
    if (*at == g) {
      *at = g->next_guest;
      return;
    }
}
