/* criterion-tests/test_mmu_lines.c: what generated code may use untold: only what the model and the mapping still
 * allow. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mmu/mmu.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { SETS = 16, DATA_LINE = 64, FETCH_LINE = 32, PAGES = 8 };
static const uint64_t kseg0 = UINT64_C(0xffffffff80000000);

static struct mmu_guest *guest;
static struct softtlb live;
static struct softtlb_table line[MMU_ACCESS_KINDS];
static uint8_t memory[PAGES * MMU_PAGE_SIZE] __attribute__((aligned(4096)));

static void in(unsigned priv, unsigned asid) {
  struct mmu_state s = {.priv = (uint8_t)priv, .asid = (uint8_t)asid};
  cr_assert_eq(mmu_set_state(guest, &s), 0);
}
static void begin(void) {
  const uint32_t sets[2] = {SETS, SETS}, bytes[2] = {DATA_LINE, FETCH_LINE};
  guest = calloc(1, sizeof *guest);
  cr_assert_eq(mmu_guest_init(guest, 16, 32, 32, &live), 0);
  cr_assert_eq(mmu_lines_init(guest, line, sets, bytes), 0);
  in(MMU_KERNEL, 1);
}
static void end(void) {
  mmu_guest_fini(guest);
  free(guest);
}
TestSuite(mmu_lines, .init = begin, .fini = end);

/* As generated code asks. */
static bool has(uint64_t va, enum mmu_access kind, unsigned size) {
  const struct softtlb_table *t = &line[kind];
  const struct softtlb_entry *e = (void *)((char *)t->entry + (va >> (MMU_LINE_BITS - 4) & t->mask));
  return e->tag == (va & (-(UINT64_C(1) << MMU_LINE_BITS) | (size - 1)));
}
static void put(uint64_t va, enum mmu_access kind) {
  uint64_t at = va % sizeof memory;
  mmu_lines_enter(guest, va, kind, (uint32_t)(at / (kind == MMU_FETCH ? FETCH_LINE : DATA_LINE) % SETS), memory + at);
}

Test(mmu_lines, a_set_has_one_line_at_one_address) {
  put(kseg0 + 8, MMU_READ);
  cr_expect(has(kseg0, MMU_READ, 8) && has(kseg0 + 28, MMU_READ, 4));
  cr_expect_not(has(kseg0 + 29, MMU_READ, 4), "not aligned");
  cr_expect_not(has(kseg0 + 32, MMU_READ, 4), "the line's other piece was not entered");
  cr_expect_not(has(kseg0, MMU_WRITE, 4) || has(kseg0, MMU_FETCH, 4));
  put(kseg0 + 40, MMU_WRITE);
  cr_expect(has(kseg0, MMU_READ, 4) && has(kseg0 + 40, MMU_WRITE, 4));
  put(kseg0 + SETS * DATA_LINE, MMU_READ); /* the same set */
  cr_expect(has(kseg0 + SETS * DATA_LINE, MMU_READ, 1));
  cr_expect_not(has(kseg0, MMU_READ, 4) || has(kseg0 + 40, MMU_WRITE, 4));
  put(kseg0 + 4096, MMU_FETCH);
  put(kseg0 + 4096, MMU_READ);
  mmu_lines_lost(guest, true, 0);
  cr_expect(!has(kseg0 + 4096, MMU_FETCH, 4) && has(kseg0 + 4096, MMU_READ, 4));
  mmu_lines_lost(guest, false, UINT32_MAX);
  cr_expect_not(has(kseg0 + 4096, MMU_READ, 4));
}

Test(mmu_lines, pages_are_for_slow_paths_only) {
  mmu_soft_fill(guest, kseg0, MMU_READ, (uint64_t)(uintptr_t)memory - kseg0);
  cr_expect_null(softtlb_find(&live.table[MMU_READ], kseg0, 4));
  cr_expect_not_null(softtlb_find(&guest->pages->table[MMU_READ], kseg0, 4));
}

Test(mmu_lines, contexts_and_mappings) {
  put(kseg0, MMU_READ);
  put(0x1040, MMU_READ); /* the process's, as the kernel sees it */
  in(MMU_USER, 1);
  cr_expect_not(has(kseg0, MMU_READ, 4) || has(0x1040, MMU_READ, 4));
  put(0x2080, MMU_WRITE);
  in(MMU_USER, 2);
  cr_expect_not(has(0x2080, MMU_WRITE, 4));
  in(MMU_KERNEL, 2);
  cr_expect(has(kseg0, MMU_READ, 4));
  cr_expect_not(has(0x1040, MMU_READ, 4), "that was another process");
  in(MMU_USER, 1);
  cr_expect(has(0x2080, MMU_WRITE, 4));
  struct mmu_tlb_entry e = {.vpn = 0x2000, .mask = 0x1fff, .asid = 2};
  mmu_soft_drop_tlb(guest, &e);
  cr_expect(has(0x2080, MMU_WRITE, 4));
  e.asid = 1;
  mmu_soft_drop_tlb(guest, &e);
  cr_expect_not(has(0x2080, MMU_WRITE, 4));
}

Test(mmu_lines, pages_that_get_code_and_flushes) {
  const struct mmu_page page = {.host = memory + MMU_PAGE_SIZE}, other = {.host = memory};
  put(kseg0 + MMU_PAGE_SIZE + 128, MMU_WRITE);
  mmu_soft_drop_page(guest, &other, 1u << MMU_WRITE);
  cr_expect(has(kseg0 + MMU_PAGE_SIZE + 128, MMU_WRITE, 4));
  mmu_soft_drop_page(guest, &page, 1u << MMU_WRITE);
  cr_expect_not(has(kseg0 + MMU_PAGE_SIZE + 128, MMU_WRITE, 4));
  put(kseg0 + 128, MMU_WRITE);
  mmu_soft_flush(guest);
  cr_expect_not(has(kseg0 + 128, MMU_WRITE, 4));
}

Test(mmu_lines, while_they_are_not_in_use_soft_tlbs_serve) {
  put(kseg0 + 8, MMU_READ);
  mmu_soft_fill(guest, kseg0, MMU_READ, 0x1000);
  cr_expect_null(softtlb_find(&live.table[MMU_READ], kseg0, 4));
  mmu_lines_use(guest, false);
  cr_expect_not_null(softtlb_find(&live.table[MMU_READ], kseg0, 4));
  in(MMU_USER, 1);
  mmu_soft_fill(guest, 0x1000, MMU_WRITE, 0x1000);
  cr_expect_not_null(softtlb_find(&live.table[MMU_WRITE], 0x1000, 4));
  in(MMU_KERNEL, 1);
  mmu_lines_lost(guest, false, 3);
  mmu_lines_use(guest, true);
  cr_expect(has(kseg0, MMU_READ, 4), "it stayed there meanwhile");
  cr_expect_null(softtlb_find(&live.table[MMU_READ], kseg0, 4));
  mmu_lines_use(guest, false);
  mmu_lines_lost(guest, false, 0);
  mmu_lines_use(guest, true);
  cr_expect_not(has(kseg0, MMU_READ, 4), "and what went is gone");
}
