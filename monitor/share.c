/* monitor/share.c: memory that VMs share: blocks of disk images, and pages that are equal. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/monitor.h"

/* --- the global buffer cache --- */

enum { BLOCK_BITS = 48 };

static bool is_same(const struct io_image *a, const struct io_image *b) {
  return a->size && b->size && !b->writable && a->file[0] == b->file[0] && a->file[1] == b->file[1];
}

/* The number of the first image of the machine that is the same file; *users: of how many disks. */
static unsigned image_number(const struct mb_machine *m, const struct io_image *image, unsigned *users) {
  unsigned number = 0;
  *users = 0;
  for (unsigned i = m->vms; i--;)
    for (unsigned k = m->vm[i]->config.disks; k--;) {
      if (!is_same(image, &m->vm[i]->disk[k].image)) continue;
      number = i * MB_DISKS_MAX + k + 1;
      ++*users;
    }
  return number;
}

void mon_share_images(struct mb_machine *m) {
  for (unsigned i = 0; i < m->vms; i++)
    for (unsigned k = 0; k < m->vm[i]->config.disks; k++) {
      struct io_image *image = &m->vm[i]->disk[k].image;
      unsigned users, number = image_number(m, image, &users);
      image->shared = users > 1 ? number : 0;
    }
}

bool mon_block_get(struct mb_vm *vm, struct mmu_page *g, const struct io_image *image, uint64_t block) {
  struct mmu_memmap *map = &vm->machine->memmap;
  uint64_t number = (uint64_t)image->shared << BLOCK_BITS | block;
  if (mmu_block_map(map, g, number)) {
    vm->cache_hits++;
    return true;
  }
  if (mmu_page_open(map, g) || io_image_read(image, block * IO_DISK_BLOCK, g->host, IO_DISK_BLOCK)) return false;
  mmu_block_keep(map, g, number);
  vm->cache_misses++;
  return true;
}

/* --- merging --- */

/* Pages looked into, for each VM, in a virtual millisecond: some microseconds' work. */
enum { MERGE_PAGES = 16 };

void mon_merge(struct mb_machine *m) {
  if (!m->config.merge) return;
  uint64_t ms = (m->end - m->now) / 1000000 + 1;
  mmu_merge(&m->merger, (unsigned)(ms * m->running * MERGE_PAGES));
}
