/* mmu/softtlb.h: the software TLB: what generated code looks up before it touches memory. */
/* SPDX-License-Identifier: Apache-2.0 */
/* One table per access kind and address context (ASID and privilege), so that changing the ASID or
 * entering the kernel only changes three pointers and flushes nothing. An entry is 16 bytes;
 * generated code relies on it. */
#ifndef MMU_SOFTTLB_H
#define MMU_SOFTTLB_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MMU_PAGE_BITS = 12, MMU_PAGE_SIZE = 1 << MMU_PAGE_BITS };
#define MMU_PAGE_MASK (~(uint64_t)(MMU_PAGE_SIZE - 1))

enum mmu_access { MMU_READ, MMU_WRITE, MMU_FETCH, MMU_ACCESS_KINDS };

/* Hit when tag equals the page address; an empty entry's tag has bit 11 set, which is neither a page bit nor one that
 * tells an unaligned address, so it equals none. */
struct softtlb_entry {
  uint64_t tag;
  uint64_t addend; /* READ, WRITE: host address minus va. FETCH: the struct mmu_page */
};
_Static_assert(sizeof(struct softtlb_entry) == 16, "generated code indexes by 16");

struct softtlb_table {
  struct softtlb_entry *entry;
  uint64_t mask; /* (entries - 1) << 4: a byte offset mask */
};

/* The tables in force; the cpu embeds this, mmu/softtlb.c owns what it points to. */
struct softtlb {
  struct softtlb_table table[MMU_ACCESS_KINDS];
  uint8_t *view; /* see mmu_view_want(); NULL: this context has none */
  /* While this stays the same an address that fetches from a frame still does: no two contexts, or times between which
   * a mapping went, share one. The low bits are the cpu's to use. */
  uint64_t stamp;
};
enum { MMU_STAMP_MODE = 0xffff, MMU_VIEW_BITS_WIDE = 40 /* of an address, on 64 bits */ };

static inline struct softtlb_entry *softtlb_slot(const struct softtlb_table *t, uint64_t va) {
  return (struct softtlb_entry *)((char *)t->entry + ((va >> (MMU_PAGE_BITS - 4)) & t->mask));
}
/* The entry that serves an access of `size` bytes (a power of two) at va, or NULL: also for
 * unaligned va. */
static inline struct softtlb_entry *softtlb_find(const struct softtlb_table *t, uint64_t va, unsigned size) {
  struct softtlb_entry *e = softtlb_slot(t, va);
  return e->tag == (va & (MMU_PAGE_MASK | (size - 1))) ? e : NULL;
}
#endif
