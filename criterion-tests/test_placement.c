/* criterion-tests/test_placement.c: homes and copies of frames: each frame in one state, nothing lost or made up. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mmu/mmu.h"
#include "numa-model/placement.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 4, ROOM = 40, VMS = 2, PAGES = 64, RAM = PAGES * MMU_PAGE_SIZE };

static struct numa_machine machine;
static struct numa_counters counters;
static struct numa_places places;
static struct mmu_memmap m;
static struct mmu_pmap vm[VMS];
static uint8_t holds[VMS][PAGES]; /* what each page was last filled with */

static void setup(void) {
  machine = (struct numa_machine){.nodes = NODES, .cpus_per_node = 1, .memory_per_node = ROOM << NUMA_FRAME_BITS};
  for (unsigned i = 0; i < NODES; i++)
    for (unsigned k = 0; k < NODES; k++) machine.latency[i][k] = 300 + 100 * (i > k ? i - k : k - i);
  cr_assert_eq(mmu_memmap_init(&m, VMS * RAM), 0);
  cr_assert_eq(numa_counters_init(&counters, m.memory.frames, NODES, 8), 0);
  cr_assert_eq(numa_places_init(&places, &machine, &m.memory, &counters), 0);
  for (int i = 0; i < VMS; i++) {
    cr_assert_eq(mmu_pmap_init(&vm[i], &m, PAGES, RAM), 0);
    cr_assert_eq(mmu_pmap_add_ram(&vm[i], gpa(0), RAM), 0);
  }
  memset(holds, 0, sizeof holds);
}

static void teardown(void) {
  for (int i = 0; i < VMS; i++) mmu_pmap_fini(&vm[i]);
  for (unsigned i = 0; i < NODES; i++) cr_expect_eq(places.used[i], 0, "node %u", i);
  numa_places_fini(&places);
  numa_counters_fini(&counters);
  mmu_memmap_fini(&m);
}

TestSuite(placement, .init = setup, .fini = teardown);

static void fill(int i, unsigned n, unsigned node, uint8_t byte) {
  uint8_t bytes[MMU_PAGE_SIZE];
  memset(bytes, byte, sizeof bytes);
  vm[i].node = (uint8_t)node;
  cr_assert_eq(mmu_write(&vm[i], NULL, gpa((uint64_t)n * MMU_PAGE_SIZE), bytes, sizeof bytes), sizeof bytes);
  holds[i][n] = byte;
}

static uint32_t frame_of(int i, unsigned n) {
  return vm[i].ram[n].frame;
}
static unsigned home(int i, unsigned n) {
  return m.memory.frame[frame_of(i, n)].node;
}

/* Close all pages that have a frame, as one does before it gets a copy. */
static void close_users(uint32_t frame) {
  uint32_t n = m.memory.frame[frame].user, first = n;
  do {
    mmu_page_close(&m, &m.page[n]);
    n = m.page[n].next;
  } while (n != first);
}

/* Each frame is free, or has pages and a home, or copies beside; nodes hold what that adds up to; bytes are right. */
static void check_all(void) {
  uint32_t used[NODES] = {0};
  for (uint32_t f = 0; f < m.memory.frames; f++) {
    const struct frame *at = &m.memory.frame[f];
    if (!places.placed[f]) {
      cr_assert_eq(counters.replica[f], 0, "frame %u has copies and no home", f);
      continue;
    }
    cr_assert(at->refs && at->node < NODES, "frame %u is placed, and free", f);
    cr_assert_eq(counters.replica[f] >> at->node & 1, 0, "frame %u has a copy at home", f);
    used[at->node]++;
    for (unsigned i = 0; i < NODES; i++) used[i] += counters.replica[f] >> i & 1;
  }
  for (unsigned i = 0; i < NODES; i++) {
    cr_assert_eq(used[i], places.used[i], "node %u", i);
    cr_assert_leq(used[i], ROOM);
  }
  for (int i = 0; i < VMS; i++)
    for (unsigned n = 0; n < PAGES; n++) {
      const struct mmu_page *g = &vm[i].ram[n];
      cr_assert(!g->open || !counters.replica[g->frame], "VM %d page %u is open, and has copies", i, n);
      cr_assert_eq(g->host[n], holds[i][n], "VM %d page %u", i, n);
    }
}

Test(placement, first_touch_is_by_page) {
  fill(0, 3, 2, 1);
  fill(0, 4, 1, 2); /* a neighbour, whose frame came with the first */
  cr_expect_eq(home(0, 3), 2);
  cr_expect_eq(home(0, 4), 1);
  cr_expect_eq(places.used[2], 1);
  cr_expect_eq(places.used[1], 1);
  fill(0, 3, 0, 3);
  cr_expect_eq(home(0, 3), 2, "the first store decides");
  check_all();
}

Test(placement, round_robin_and_one_node) {
  places.how = NUMA_PLACE_ROUND_ROBIN;
  for (unsigned n = 0; n < 8; n++) fill(0, n, 3, 1);
  for (unsigned n = 0; n < 8; n++) cr_expect_eq(home(0, n), n % NODES, "page %u", n);
  places.how = NUMA_PLACE_NODE;
  places.node = 1;
  for (unsigned n = 8; n < 12; n++) fill(0, n, n % NODES, 1);
  for (unsigned n = 8; n < 12; n++) cr_expect_eq(home(0, n), 1);
  check_all();
}

Test(placement, a_full_node_overflows_to_the_nearest) {
  for (unsigned n = 0; n < ROOM + 2; n++) fill(0, n, 2, 1);
  cr_expect_eq(numa_room(&places, 2), 0);
  cr_expect_eq(home(0, ROOM), 1, "1 and 3 are as near, the first is taken");
  check_all();
}

Test(placement, copies_go_when_homes_want_their_room) {
  fill(0, 0, 0, 1);
  close_users(frame_of(0, 0));
  for (unsigned i = 1; i < NODES; i++) numa_replicate(&places, frame_of(0, 0), i);
  places.how = NUMA_PLACE_NODE;
  for (unsigned i = 0; i < NODES; i++) {
    places.node = i;
    while (numa_room(&places, i)) {
      unsigned n = places.used[0] + places.used[1] + places.used[2] + places.used[3];
      if (n - 3 >= VMS * PAGES) break;
      fill((int)((n - 3) / PAGES), (n - 3) % PAGES, i, 7);
    }
  }
  check_all();
}

Test(placement, a_store_takes_the_copies_away) {
  fill(0, 5, 0, 1);
  uint32_t f = frame_of(0, 5);
  close_users(f);
  numa_replicate(&places, f, 1);
  numa_replicate(&places, f, 3);
  cr_expect_eq(counters.replica[f], 0xa);
  cr_expect_eq(places.used[1] + places.used[3], 2);
  fill(0, 5, 2, 9);
  cr_expect_eq(counters.replica[f], 0);
  cr_expect_eq(home(0, 5), 0);
  cr_expect_eq(places.losses, 1);
  cr_expect(places.loss[0].frame == f && places.loss[0].copies == 2 && places.loss[0].node == 2);
  check_all();
}

Test(placement, a_shared_frame_keeps_its_copies_when_one_user_splits_off) {
  fill(0, 5, 0, 1);
  fill(1, 5, 2, 1);
  cr_assert(mmu_page_share(&m, &vm[1].ram[5], &vm[0].ram[5]));
  uint32_t f = frame_of(0, 5);
  close_users(f);
  numa_replicate(&places, f, 2);
  fill(1, 5, 3, 8);
  cr_expect_neq(frame_of(1, 5), f);
  cr_expect_eq(home(1, 5), 3, "a new frame is placed anew");
  cr_expect_eq(counters.replica[f], 1 << 2);
  fill(0, 5, 0, 2);
  cr_expect_eq(counters.replica[f], 0);
  check_all();
}

/* A million moves, stores, shares and clears at random. */
static void random_step(void) {
  int i = rand() % VMS;
  unsigned n = (unsigned)rand() % PAGES, node = (unsigned)rand() % NODES;
  struct mmu_page *g = &vm[i].ram[n];
  uint32_t f = g->frame;
  bool placed = f != NUMA_NO_FRAME && places.placed[f];
  switch (rand() % 16) {
  case 0: fill(i, n, node, (uint8_t)rand()); return;
  case 1:
    if (mmu_page_share(&m, g, &vm[!i].ram[n])) holds[i][n] = holds[!i][n];
    return;
  case 2:
    if (rand() % 8 == 0 && mmu_pages_clear(&m, g, 1)) holds[i][n] = 0;
    return;
  case 3:
    if (placed) numa_collapse(&places, f);
    return;
  case 4: places.how = (enum numa_place)(rand() % 3); return;
  default: break;
  }
  if (!placed || !numa_room(&places, node) || m.memory.frame[f].node == node) return;
  if (rand() % 2) {
    numa_migrate(&places, f, node);
  } else if (!numa_is_near(&counters, f, m.memory.frame[f].node, node)) {
    close_users(f);
    numa_replicate(&places, f, node);
  }
}

Test(placement, a_million_random_moves) {
  srand(1);
  places.node = 1;
  for (int n = 1; n <= 1000000; n++) {
    random_step();
    places.losses = 0;
    if (n % 5000 == 0) check_all();
  }
}
