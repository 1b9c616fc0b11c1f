/* monitor/ram.c: which of the guest's RAM was ever written, in runs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/ram.h"
#include "monitor/monitor.h"
#include <stdlib.h>
#include <string.h>

uint64_t mon_ram_address(const struct mb_vm *vm, uint64_t page) {
  uint64_t at = page << MMU_PAGE_BITS;
  return at < BOARD_RAM_LOW_SIZE || vm->ram <= BOARD_RAM_LOW_SIZE ? at : BOARD_RAM_HIGH + at;
}

static const struct mmu_page *page_of(const struct mb_vm *vm, uint64_t page) {
  return mmu_pmap_page(&vm->pmap, gpa(mon_ram_address(vm, page)));
}
static const uint8_t *host_of(const struct mb_vm *vm, uint64_t page) {
  return page_of(vm, page)->host;
}

/* Without memory for the answer all pages count as touched, which is slower and gives the same. */
static void ask_all(struct mon_ram *r) {
  const struct numa_memory *m = &r->vm->machine->memmap.memory;
  uint64_t pages = r->vm->ram >> MMU_PAGE_BITS;
  uint8_t *frames = malloc(m->frames);
  r->touched = frames ? malloc(pages) : NULL;
  if (r->touched) {
    numa_memory_touched(m, frames);
    for (uint64_t page = 0; page < pages; page++) {
      uint32_t frame = page_of(r->vm, page)->frame;
      r->touched[page] = frame != NUMA_NO_FRAME && frames[frame];
    }
  }
  free(frames);
}

bool mon_ram_next(struct mon_ram *r) {
  uint64_t pages = r->vm->ram >> MMU_PAGE_BITS;
  if (!r->page) ask_all(r);
  while (r->page < pages && r->touched && !r->touched[r->page]) r->page++;
  if (r->page == pages) return false;
  r->bytes = host_of(r->vm, r->page);
  r->n = 0;
  do {
    r->page++;
    r->n += MMU_PAGE_SIZE;
  } while (r->page < pages && (!r->touched || r->touched[r->page]) && host_of(r->vm, r->page) == r->bytes + r->n);
  return true;
}

void mon_ram_end(struct mon_ram *r) {
  free(r->touched);
  r->touched = NULL;
}
