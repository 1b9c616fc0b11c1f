/* monitor/kernel_map.c: walks the page tables of a Linux kernel on MIPS. */
/* SPDX-License-Identifier: Apache-2.0 */
/* An entry of the last level becomes EntryLo by a shift that makes its G the lowest bit (arch/mips/mm/tlbex.c). So V is
 * the next bit, and the number of the page, in units of 4 KiB, begins six bits above G (PRA vol. III, EntryLo). */
#include "monitor/kernel_map.h"
#include "monitor/bytes.h"
#include "monitor/monitor.h"
#include <string.h>

enum { VALID = 1, NUMBER = 6, UNIT = 12, MEMORY = 48 /* bits */ };

static uint64_t number_of(const struct mon_kernel_map *k, const uint8_t *b, unsigned bytes) {
  return mon_number(b, bytes, k->vm->config.endian == MB_ENDIAN_BIG);
}

static bool translate(const struct mon_kernel_map *k, uint64_t va, uint64_t *at) {
  const struct mon_layout *l = k->l;
  uint64_t table = l->top + k->shift, entry = 0;
  for (unsigned i = 0; i < l->levels; i++) {
    const unsigned bytes = l->level[i].bytes;
    const uint64_t where = table + (va >> l->level[i].bits & (l->level[i].entries - 1)) * bytes;
    const uint8_t *page = mips_unmapped(where) ? mon_unmapped_page(k->vm, where) : NULL;
    if (!page || where & (bytes - 1)) return false;
    entry = number_of(k, page + (where & (MMU_PAGE_SIZE - 1)), bytes);
    table = bytes == 4 ? mon_sign_extended(entry) : entry;
  }
  if (!(entry >> (l->global + VALID) & 1)) return false;
  const uint64_t page = ((UINT64_C(1) << l->level[l->levels - 1].bits) - 1), pages = (UINT64_C(1) << MEMORY) - 1;
  *at = ((entry >> (l->global + NUMBER) << UNIT) & pages & ~page) | (va & page);
  return true;
}

const uint8_t *mon_kernel_page(const struct mon_kernel_map *k, uint64_t va) {
  uint64_t at;
  if (!(va >> 63)) return NULL;
  if (mips_unmapped(va)) return mon_unmapped_page(k->vm, va);
  if (!translate(k, va, &at)) return NULL;
  const struct mmu_page *g = mmu_pmap_page(&k->vm->pmap, gpa(at));
  return g ? g->host : NULL;
}

bool mon_kernel_read(const struct mon_kernel_map *k, uint64_t va, void *to, size_t n) {
  for (size_t done = 0, part; done < n; done += part) {
    const uint64_t at = va + done, in_page = at & (MMU_PAGE_SIZE - 1);
    const uint8_t *page = mon_kernel_page(k, at);
    if (!page) return false;
    part = n - done < MMU_PAGE_SIZE - in_page ? n - done : MMU_PAGE_SIZE - in_page;
    memcpy((char *)to + done, page + in_page, part);
  }
  return true;
}

bool mon_kernel_number(const struct mon_kernel_map *k, uint64_t va, unsigned bytes, uint64_t *out) {
  uint8_t b[8];
  if (bytes > sizeof b || !mon_kernel_read(k, va, b, bytes)) return false;
  *out = number_of(k, b, bytes);
  return true;
}

bool mon_kernel_pointer(const struct mon_kernel_map *k, uint64_t va, uint64_t *out) {
  if (!mon_kernel_number(k, va, k->l->wide ? 8 : 4, out)) return false;
  if (!k->l->wide) *out = mon_sign_extended(*out);
  return true;
}

bool mon_kernel_text(const struct mon_kernel_map *k, uint64_t va, char *to, size_t room) {
  const uint8_t *page = NULL;
  for (size_t n = 0; n < room; n++, va++) {
    const size_t at = va & (MMU_PAGE_SIZE - 1);
    if ((!n || !at) && !(page = mon_kernel_page(k, va))) return false;
    to[n] = (char)page[at];
    if (!to[n]) return true;
    if (to[n] <= ' ' || to[n] > '~') return false;
  }
  return false;
}
