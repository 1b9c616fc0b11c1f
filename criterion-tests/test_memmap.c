/* criterion-tests/test_memmap.c: frames of several VMs: backed late, shared, split, given back; against a model. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mmu/merge.h"
#include "mmu/mmu.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { VMS = 3, PAGES = 64, RAM = PAGES * MMU_PAGE_SIZE };

static struct mmu_memmap m;
static struct mmu_pmap vm[VMS];

static void setup(void) {
  cr_assert_eq(mmu_memmap_init(&m, VMS * RAM), 0);
  for (int i = 0; i < VMS; i++) {
    cr_assert_eq(mmu_pmap_init(&vm[i], &m, PAGES, RAM), 0);
    cr_assert_eq(mmu_pmap_add_ram(&vm[i], gpa(0), RAM), 0);
  }
}

static void teardown(void) {
  for (int i = 0; i < VMS; i++) mmu_pmap_fini(&vm[i]);
  for (uint32_t f = 0; f < m.memory.frames; f++) cr_expect_eq(m.memory.frame[f].refs, 0, "frame %u", f);
  cr_expect_eq(m.memory.mappings, 0);
  mmu_memmap_fini(&m);
}

TestSuite(memmap, .init = setup, .fini = teardown);

static struct mmu_page *page(int i, unsigned n) {
  return &vm[i].ram[n];
}
static uint32_t number(int i, unsigned n) {
  return mmu_page_number(&m, page(i, n));
}
static uint32_t refs(int i, unsigned n) {
  const struct frame *f = mmu_page_frame(&m, page(i, n));
  return f ? f->refs : 0;
}

static void fill(int i, unsigned n, uint8_t byte) {
  uint8_t bytes[MMU_PAGE_SIZE];
  memset(bytes, byte, sizeof bytes);
  cr_assert_eq(mmu_write(&vm[i], NULL, gpa((uint64_t)n * MMU_PAGE_SIZE), bytes, sizeof bytes), sizeof bytes);
}

static void expect(int i, unsigned n, uint8_t byte) {
  uint8_t bytes[MMU_PAGE_SIZE];
  cr_assert_eq(mmu_read(&vm[i], gpa((uint64_t)n * MMU_PAGE_SIZE), bytes, sizeof bytes), sizeof bytes);
  for (int k = 0; k < MMU_PAGE_SIZE; k++) cr_assert_eq(bytes[k], byte, "VM %d page %u byte %d", i, n, k);
}

/* Let n pages of VM i share those of VM j. */
static bool share(int i, unsigned at, int j, unsigned with, unsigned n) {
  for (unsigned k = 0; k < n; k++) {
    mmu_page_close(&m, page(i, at + k));
    mmu_page_close(&m, page(j, with + k));
  }
  return mmu_pages_point(&m, number(i, at), n, page(j, with)->frame);
}

static unsigned backed(void) {
  uint8_t touched[VMS * PAGES];
  unsigned all = 0;
  numa_memory_touched(&m.memory, touched);
  for (unsigned i = 0; i < VMS * PAGES; i++) all += touched[i];
  return all;
}

Test(memmap, what_was_never_written_to_is_not_backed) {
  for (unsigned n = 0; n < PAGES; n++) expect(0, n, 0);
  cr_expect_eq(backed(), 0, "reading takes no memory");
  fill(0, 20, 1);
  expect(0, 20, 1);
  expect(0, 40, 0);
  cr_expect_eq(backed(), 1);
  cr_expect_eq(page(0, 20)->frame, number(0, 20), "its own frame");
  cr_expect(page(0, 20)->open && !page(0, 21)->open);
}

Test(memmap, a_shared_page_is_split_when_it_is_written_to) {
  fill(0, 5, 7);
  fill(1, 9, 8);
  cr_expect(share(1, 9, 0, 5, 1));
  cr_expect_eq(refs(0, 5), 2);
  expect(1, 9, 7);
  cr_expect_eq(backed(), 1, "the other frame has gone back");
  cr_expect_eq(page(0, 5)->next, number(1, 9), "the back-map");
  cr_expect_eq(page(1, 9)->next, number(0, 5));
  fill(1, 9, 9);
  expect(0, 5, 7);
  expect(1, 9, 9);
  cr_expect_eq(refs(0, 5), 1);
  cr_expect_eq(m.splits, 1);
  cr_expect(!page(0, 5)->open, "nobody has told it yet");
  fill(0, 5, 10);
  expect(1, 9, 9);
  cr_expect_eq(m.splits, 1, "who is alone needs no copy");
}

Test(memmap, who_owns_the_frame_may_be_the_one_to_leave) {
  fill(0, 5, 7);
  cr_expect(share(1, 5, 0, 5, 1) && share(2, 5, 0, 5, 1));
  uint32_t frame = page(0, 5)->frame;
  fill(0, 5, 8);
  cr_expect_neq(page(0, 5)->frame, frame);
  expect(1, 5, 7);
  expect(2, 5, 7);
  fill(1, 5, 9);
  fill(2, 5, 10);
  cr_expect_eq(page(2, 5)->frame, frame, "the last one has it");
  expect(0, 5, 8);
  expect(1, 5, 9);
  expect(2, 5, 10);
}

Test(memmap, a_page_can_become_zeros_again) {
  fill(0, 3, 1);
  mmu_page_close(&m, page(0, 3));
  cr_expect(mmu_pages_point(&m, number(0, 3), 1, NUMA_NO_FRAME));
  cr_expect_eq(backed(), 0);
  expect(0, 3, 0);
  cr_expect_eq(backed(), 0);
  fill(0, 3, 2);
  expect(0, 3, 2);
}

Test(memmap, neighbours_are_one_mapping) {
  unsigned before = m.memory.mappings;
  for (unsigned n = 0; n < 32; n++) fill(0, n, (uint8_t)(n + 1));
  unsigned one = m.memory.mappings;
  cr_expect_eq(one, before + 1, "32 pages, and the zeros behind them");
  cr_expect(share(1, 0, 0, 0, 32));
  cr_expect_eq(m.memory.mappings, one + 1);
  for (unsigned n = 0; n < 32; n++) expect(1, n, (uint8_t)(n + 1));
}

Test(memmap, out_of_mappings_sharing_stops_and_splitting_goes_on) {
  for (unsigned n = 0; n < 32; n++) fill(0, n, (uint8_t)(n + 1));
  cr_expect(share(1, 0, 0, 0, 32));
  unsigned real = m.memory.mappings;
  m.memory.mappings = NUMA_MAPPINGS_MAX - 1;
  cr_expect(!share(2, 0, 0, 0, 32));
  expect(2, 3, 0);
  fill(1, 9, 99);
  for (unsigned n = 0; n < 32; n++) expect(1, n, n == 9 ? 99 : (uint8_t)(n + 1));
  cr_expect_leq(m.memory.mappings, NUMA_MAPPINGS_MAX - 1, "its whole run has been split");
  cr_expect_eq(refs(0, 3), 1);
  m.memory.mappings = real - (NUMA_MAPPINGS_MAX - 1 - m.memory.mappings);
}

Test(memmap, a_store_to_a_closed_page_is_seen) {
  static struct mmu_guest g;
  static struct softtlb live;
  uint64_t va[2] = {0xffffffff80004000, 0xffffffff80005000};
  struct mmu_view *view;
  uint8_t *at;
  cr_assert_eq(mmu_guest_init(&g, 16, 32, 32, &live), 0);
  mmu_pmap_join(&vm[0], &g);
  cr_assert_eq(mmu_set_state(&g, &(struct mmu_state){.priv = MMU_KERNEL}), 0);
  fill(1, 8, 1);
  for (unsigned k = 0; k < 2; k++) {
    fill(0, 4 + k, 1);
    mmu_soft_fill(&g, va[k], MMU_READ, (uint64_t)(uintptr_t)page(0, 4 + k)->host - va[k]);
    mmu_soft_fill(&g, va[k], MMU_WRITE, (uint64_t)(uintptr_t)page(0, 4 + k)->host - va[k]);
  }
  cr_assert_not_null(view = mmu_view_new(32, &at));
  for (unsigned k = 0; k < 2; k++) cr_assert(mmu_view_put(view, va[k] & 0xffff, &m, page(0, 4 + k), true));
  cr_expect_eq(at[0x4000], 1);
  cr_expect(!vm[0].stale);
  mmu_page_close(&m, page(0, 4));
  cr_expect(vm[0].stale);
  mmu_pmap_settle(&vm[0]);
  mmu_view_shoot(view);
  cr_expect(!vm[0].stale && vm[0].shots == 1);
  cr_expect_null(softtlb_find(&live.table[MMU_WRITE], va[0], 4));
  cr_expect_not_null(softtlb_find(&live.table[MMU_READ], va[0], 4), "its place is the same");
  cr_expect_not_null(softtlb_find(&live.table[MMU_WRITE], va[1], 4), "the other is open");
  cr_expect_eq(mmu_view_drop(view, 0x4000, 0xfff), 0, "the view might have let a store pass");
  cr_assert(mmu_view_put(view, 0x4000, &m, page(0, 4), false));
  cr_expect(mmu_pages_point(&m, number(0, 4), 1, NUMA_NO_FRAME));
  mmu_view_shoot(view);
  cr_expect_eq(mmu_view_drop(view, 0x4000, 0xfff), 0, "it led to the old frame");
  cr_expect_eq(at[0x5000], 1);
  mmu_view_free(view);
  mmu_pmap_leave(&vm[0], &g);
  mmu_guest_fini(&g);
}

Test(memmap, a_page_can_be_made_that_of_another) {
  fill(0, 5, 7);
  fill(1, 9, 7);
  cr_expect(mmu_page_share(&m, page(1, 9), page(0, 5)));
  cr_expect(vm[0].stale && vm[1].stale);
  cr_expect(mmu_page_share(&m, page(1, 9), page(0, 5)), "it is already");
  cr_expect(!mmu_page_share(&m, page(1, 9), page(1, 9)) && !mmu_page_share(&m, page(1, 9), page(1, 60)));
  cr_expect_eq(refs(0, 5), 2);
  fill(0, 5, 1);
  expect(1, 9, 7);
}

/* --- the buffer cache --- */

/* As DMA does it: block b is full of its number. */
static bool get_block(int i, unsigned n, uint64_t b) {
  struct mmu_page *g = page(i, n);
  if (mmu_block_map(&m, g, b)) return true;
  cr_assert_eq(mmu_page_open(&m, g), 0);
  memset(g->host, (int)b, MMU_PAGE_SIZE);
  mmu_block_keep(&m, g, b);
  return false;
}

Test(memmap, a_block_is_read_once) {
  cr_expect(!get_block(0, 1, 77));
  cr_expect(!page(0, 1)->open, "a store to it must be seen");
  cr_expect(get_block(1, 2, 77) && get_block(2, 3, 77));
  cr_expect_eq(refs(0, 1), 3);
  expect(2, 3, 77);
  cr_expect(!get_block(2, 4, 78));
  cr_expect(get_block(2, 3, 78), "another block where one was");
  cr_expect_eq(refs(0, 1), 2);
  fill(1, 2, 5);
  expect(0, 1, 77);
  cr_expect(get_block(1, 9, 77));
  cr_expect_eq(backed(), 3);
}

Test(memmap, a_block_that_was_written_to_is_no_block) {
  get_block(0, 1, 77);
  fill(0, 1, 5);
  cr_expect_eq(mmu_block_find(&m, 77), NUMA_NO_FRAME);
  cr_expect(!get_block(1, 1, 77));
  expect(0, 1, 5);
  expect(1, 1, 77);
}

/* --- merging --- */

static struct mmu_merger merger;

static void merge(unsigned passes) {
  for (uint64_t end = merger.passes + passes; merger.passes < end;) mmu_merge(&merger, 1);
}

Test(memmap, equal_pages_are_merged_and_zeros_go) {
  cr_assert_eq(mmu_merger_init(&merger, &m), 0);
  for (int i = 0; i < VMS; i++)
    for (unsigned n = 0; n < 40; n++) fill(i, n, n == 20 ? 0 : (uint8_t)(n + 1));
  cr_expect_eq(backed(), VMS * 40);
  unsigned mappings = m.memory.mappings;
  merge(1);
  cr_expect_eq(merger.merged + merger.zeroed, 0, "it may be changing");
  merge(2);
  cr_expect_eq(backed(), 39);
  cr_expect_eq(refs(0, 3), VMS);
  cr_expect_eq(page(2, 20)->frame, NUMA_NO_FRAME);
  cr_expect_leq(m.memory.mappings, mappings + 3 * VMS, "by runs: %u after %u", m.memory.mappings, mappings);
  fill(2, 20, 3);
  fill(1, 3, 99);
  for (int i = 0; i < VMS; i++)
    for (unsigned n = 0; n < 40; n++) expect(i, n, n == 20 ? (i == 2) * 3 : i == 1 && n == 3 ? 99 : (uint8_t)(n + 1));
  uint64_t looked = merger.looked;
  merge(1);
  cr_expect_leq(merger.looked - looked, 4, "what is shared is not looked into again");
  mmu_merger_fini(&merger);
}

Test(memmap, what_changes_is_left_alone) {
  cr_assert_eq(mmu_merger_init(&merger, &m), 0);
  for (uint8_t k = 1; k < 10; k++) {
    for (int i = 0; i < VMS; i++) fill(i, 7, k);
    merge(1);
  }
  cr_expect_eq(merger.merged, 0);
  cr_expect_eq(m.splits, 0);
  mmu_merger_fini(&merger);
}

/* --- against a model --- */

static uint8_t model[VMS][RAM];

static void check_frames(void) {
  uint32_t users[VMS * PAGES] = {0};
  unsigned seams = 0;
  for (uint32_t i = 0; i < VMS * PAGES; i++) {
    const struct mmu_page *g = &m.page[i], *a = g - 1;
    if (g->frame != NUMA_NO_FRAME) {
      users[g->frame]++;
      cr_assert_eq(m.page[g->next].frame, g->frame);
      cr_assert_eq(m.page[g->next].prev, i);
    }
    if (g->open) cr_assert(mmu_page_frame(&m, g)->refs == 1 && g->writable);
    if (i % PAGES == 0) continue;
    bool zeros = a->frame == NUMA_NO_FRAME && g->frame == NUMA_NO_FRAME;
    seams += !zeros && (a->frame == NUMA_NO_FRAME || g->frame != a->frame + 1 || g->writable != a->writable);
  }
  for (uint32_t f = 0; f < VMS * PAGES; f++) {
    uint32_t n = 0;
    cr_assert_eq(m.memory.frame[f].refs, users[f]);
    for (uint32_t i = m.memory.frame[f].user; users[f] && n < users[f]; i = m.page[i].next) n += m.page[i].frame == f;
    cr_assert_eq(n, users[f], "the ring has all of them");
  }
  cr_assert_eq(m.memory.mappings, seams);
}

Test(memmap, random_writes_shares_and_zeros_are_as_in_plain_memory) {
  srand(1);
  cr_assert_eq(mmu_merger_init(&merger, &m), 0);
  for (int step = 0; step < 6000; step++) {
    int i = rand() % VMS, j = rand() % VMS;
    unsigned at = (unsigned)rand() % PAGES, with = rand() % 2 ? at : (unsigned)rand() % PAGES,
             n = 1 + (unsigned)rand() % 6;
    if (at + n > PAGES) n = PAGES - at;
    if (with + n > PAGES) n = PAGES - with;
    size_t bytes = n * MMU_PAGE_SIZE, to = at * MMU_PAGE_SIZE, from = with * MMU_PAGE_SIZE;
    if (rand() % 8 == 0) {
      mmu_merge(&merger, (unsigned)rand() % 200);
    } else if (rand() % 6 == 0) {
      fill(i, at, (uint8_t)(rand() % 3));
      memset(model[i] + to, page(i, at)->host[0], MMU_PAGE_SIZE);
    } else if (rand() % 6 == 0) {
      uint64_t block = 100 + (unsigned)rand() % 20;
      get_block(i, at, block);
      memset(model[i] + to, (int)block, MMU_PAGE_SIZE);
    } else if (rand() % 3) { /* a write that is not whole pages */
      uint8_t some[600];
      memset(some, rand(), sizeof some);
      to += (unsigned)rand() % (MMU_PAGE_SIZE - 1);
      uint64_t done = mmu_write(&vm[i], NULL, gpa(to), some, sizeof some);
      cr_assert(done == sizeof some || to + done == RAM);
      memcpy(model[i] + to, some, done);
    } else if (rand() % 4) {
      bool apart = i != j || at + n <= with || with + n <= at;
      for (unsigned k = 0; k < n && apart; k++) {
        apart = page(j, with + k)->frame != NUMA_NO_FRAME &&
                (!k || page(j, with + k)->frame == page(j, with + k - 1)->frame + 1) &&
                page(i, at + k)->frame != page(j, with + k)->frame;
      }
      if (!apart) continue;
      cr_assert(share(i, at, j, with, n));
      memcpy(model[i] + to, model[j] + from, bytes);
    } else {
      for (unsigned k = 0; k < n; k++) mmu_page_close(&m, page(i, at + k));
      cr_assert(mmu_pages_point(&m, number(i, at), n, NUMA_NO_FRAME));
      memset(model[i] + to, 0, bytes);
    }
    if (step % 50) continue;
    check_frames();
    for (int v = 0; v < VMS; v++) cr_assert_eq(memcmp(vm[v].host, model[v], RAM), 0, "VM %d, step %d", v, step);
  }
  cr_expect_gt(merger.merged, 100);
  cr_expect_gt(m.splits, 100);
  mmu_merger_fini(&merger);
}
