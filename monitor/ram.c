/* monitor/ram.c: which of the guest's RAM was ever written, in runs. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The host knows: a page nobody has written has no memory of its own. Where it will not tell, all pages are looked at,
 * which is slower and gives the same. */
#define _GNU_SOURCE
#include "monitor/ram.h"
#include "monitor/monitor.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 512 };
#define PAGEMAP_TOUCHED (3ull << 62) /* present or swapped: Documentation/admin-guide/mm/pagemap.rst */

uint64_t mon_ram_address(const struct mon_vm *vm, uint64_t page) {
  uint64_t at = page << MMU_PAGE_BITS;
  return at < BOARD_RAM_LOW_SIZE || vm->ram <= BOARD_RAM_LOW_SIZE ? at : BOARD_RAM_HIGH + at;
}

static const uint8_t *host_of(const struct mon_vm *vm, uint64_t page) {
  return mmu_pmap_frame(&vm->pmap, gpa(mon_ram_address(vm, page)))->host;
}

/* Frames are handed out in order; where they once are not, or the host does not answer, pages count as touched. */
static void ask(const struct mon_vm *vm, int fd, uint64_t page, size_t n, uint8_t *touched) {
  uint64_t entry[BATCH];
  const uint8_t *first = host_of(vm, page);
  bool in_order = host_of(vm, page + n - 1) - first == (ptrdiff_t)((n - 1) << MMU_PAGE_BITS);
  size_t want = n * sizeof *entry;
  off_t at = (off_t)((uintptr_t)first / MMU_PAGE_SIZE * sizeof *entry);
  bool known = in_order && pread(fd, entry, want, at) == (ssize_t)want;
  for (size_t i = 0; i < n; i++) touched[i] = !known || entry[i] & PAGEMAP_TOUCHED;
}

static void ask_all(struct mon_ram *r) {
  uint64_t pages = r->vm->ram >> MMU_PAGE_BITS;
  int fd = sysconf(_SC_PAGESIZE) == MMU_PAGE_SIZE ? open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  r->touched = malloc(pages);
  for (uint64_t page = 0; r->touched && page < pages; page += BATCH)
    ask(r->vm, fd, page, pages - page < BATCH ? pages - page : BATCH, r->touched + page);
  close(fd);
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
