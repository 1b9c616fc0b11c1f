/* monitor/gdb_memory.c: guest memory for gdb, by the guest's own translation. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Read without the guest noticing: no TLB entry moves, no device is touched. What the TLB does not have at the moment
 * cannot be reached. What gdb writes is a store that came from nowhere: translations of it go, links to it break. */
#include "monitor/gdbstub.h"
#include <string.h>

/* How much of the page can be had at once. */
static size_t in_page(uint64_t va, size_t n) {
  size_t left = MMU_PAGE_SIZE - (va & (MMU_PAGE_SIZE - 1));
  return n < left ? n : left;
}

uint64_t gdb_address(const struct mon_gdb *g, uint64_t va) {
  return g->vm->is64 ? va : (uint64_t)(int64_t)(int32_t)(uint32_t)va;
}

/* Code may lie in the boot flash; nothing else there is memory. */
static size_t read_flash(const struct cpu *c, uint64_t at, uint8_t *to, size_t n) {
  for (size_t i = 0; i < n; i++, at++) {
    uint32_t word;
    if (!c->cfg.io_fetch(c->cfg.ctx, at & ~UINT64_C(3), &word)) return i;
    to[i] = (uint8_t)(word >> 8 * (mips_big(c) ? 3 - (at & 3) : at & 3));
  }
  return n;
}

size_t gdb_memory_read(struct mon_gdb *g, const struct cpu *c, uint64_t va, uint8_t *to, size_t n) {
  size_t done = 0;
  va = gdb_address(g, va);
  while (done < n) {
    size_t part = in_page(va + done, n - done);
    gpa_t at;
    if (!mips_debug_translate(c, va + done, &at)) break;
    const struct mmu_page *page = mmu_pmap_page(&g->vm->pmap, at);
    size_t k = part;
    if (page)
      memcpy(to + done, page->host + (at.v & (MMU_PAGE_SIZE - 1)), part);
    else
      k = read_flash(c, at.v, to + done, part);
    done += k;
    if (k < part) break;
  }
  return done;
}

size_t gdb_memory_write(struct mon_gdb *g, const struct cpu *c, uint64_t va, const uint8_t *from, size_t n) {
  size_t done = 0;
  va = gdb_address(g, va);
  while (done < n) {
    size_t part = in_page(va + done, n - done);
    gpa_t at;
    if (!mips_debug_translate(c, va + done, &at)) break;
    size_t k = mon_guest_write(g->vm, at.v, from + done, part);
    done += k;
    if (k < part) break;
  }
  return done;
}
