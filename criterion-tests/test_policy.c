/* criterion-tests/test_policy.c: placement policies as tables of cases: a page's counts, and what is to become of it.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "numa-model/policy.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 4, LOCAL = 300, REMOTE = 900, MOVE = 60000, COLLAPSE = 20000 };

static const uint32_t latency[NODES * NODES] = {LOCAL,  REMOTE, REMOTE, REMOTE, REMOTE, LOCAL,  REMOTE, REMOTE,
                                                REMOTE, REMOTE, LOCAL,  REMOTE, REMOTE, REMOTE, REMOTE, LOCAL};

/* A page at node 0, hot by node `by`. */
struct known {
  const char *policy, *why;
  uint32_t by, reads[NODES], writes[NODES];
  uint64_t replicas;
  uint32_t migrations;
  uint32_t full; /* bit n: node n has no room */
  enum mb_page_move move;
  uint32_t node;
};

static const struct known table[] = {
    {"both", "one remote node uses it", 2, {0, 0, 128}, {0}, 0, 0, 0, MB_PAGE_MIGRATE, 2},
    {"both", "with stores, too", 2, {0, 0, 100}, {0, 0, 28}, 0, 0, 0, MB_PAGE_MIGRATE, 2},
    {"both", "it is at home", 0, {128}, {0}, 0, 0, 0, MB_PAGE_LEAVE, 0},
    {"both", "others are below the threshold", 2, {31, 31, 128}, {0}, 0, 0, 0, MB_PAGE_MIGRATE, 2},
    {"both", "another reads it, too", 2, {0, 32, 128}, {0}, 0, 0, 0, MB_PAGE_REPLICATE, 2},
    {"both", "and home counts as another", 2, {32, 0, 128}, {0}, 0, 0, 0, MB_PAGE_REPLICATE, 2},
    {"both", "shared, and one store", 2, {32, 0, 128}, {1}, 0, 0, 0, MB_PAGE_LEAVE, 0},
    {"both", "it has a copy", 2, {32, 0, 128}, {0}, 1 << 2, 0, 0, MB_PAGE_LEAVE, 0},
    {"both", "others have copies, and miss no more", 2, {0, 0, 128}, {0}, 1 << 1, 0, 0, MB_PAGE_REPLICATE, 2},
    {"both", "it has moved before", 2, {0, 0, 128}, {0}, 0, 1, 0, MB_PAGE_LEAVE, 0},
    {"both", "moved, but shared by now", 2, {0, 64, 128}, {0}, 0, 1, 0, MB_PAGE_REPLICATE, 2},
    {"both", "no room to migrate to", 2, {0, 0, 128}, {0}, 0, 0, 1 << 2, MB_PAGE_LEAVE, 0},
    {"both", "no room for a copy", 2, {0, 64, 128}, {0}, 0, 0, 1 << 2, MB_PAGE_LEAVE, 0},
    {"migrate", "one remote node", 3, {0, 0, 0, 128}, {0}, 0, 0, 0, MB_PAGE_MIGRATE, 3},
    {"migrate", "several readers", 3, {0, 40, 0, 128}, {0}, 0, 0, 0, MB_PAGE_LEAVE, 0},
    {"replicate", "one remote node", 3, {0, 0, 0, 128}, {0}, 0, 0, 0, MB_PAGE_LEAVE, 0},
    {"replicate", "several readers", 3, {0, 40, 0, 128}, {0}, 0, 0, 0, MB_PAGE_REPLICATE, 3},
    /* regret: a miss costs 600 ns more, a move 60 us: 100 misses, or 25 of a page's first user. */
    {"regret", "its first user, 24", 1, {0, 24}, {0}, 0, 0, 0, MB_PAGE_WAIT, 0},
    {"regret", "its first user, 25", 1, {0, 20}, {0, 5}, 0, 0, 0, MB_PAGE_MIGRATE, 1},
    {"regret", "home uses it, too", 1, {1, 60}, {0}, 0, 0, 0, MB_PAGE_WAIT, 0},
    {"regret", "home uses it as much", 1, {200, 200}, {0}, 0, 0, 0, MB_PAGE_REPLICATE, 1},
    {"regret", "as much, with a store", 1, {200, 200}, {1}, 0, 0, 0, MB_PAGE_WAIT, 0},
    {"regret", "reads outweigh the stores", 1, {300, 300}, {1}, 0, 0, 0, MB_PAGE_REPLICATE, 1},
    {"regret", "more by one than by the rest", 1, {50, 250, 49}, {1, 2}, 0, 0, 0, MB_PAGE_MIGRATE, 1},
    {"regret", "not where there is no room", 1, {0, 250}, {0}, 0, 0, 1 << 1, MB_PAGE_WAIT, 0},
    {"regret", "it has a copy", 2, {0, 0, 400}, {0}, 1 << 2, 0, 0, MB_PAGE_WAIT, 0},
};

static struct mb_page page_of(const struct known *k) {
  struct mb_page p = {.nodes = NODES,
                      .node = k->by,
                      .replicas = k->replicas,
                      .migrations = k->migrations,
                      .latency = latency,
                      .move_ns = MOVE,
                      .collapse_ns = COLLAPSE};
  for (int i = 0; i < NODES; i++) {
    p.reads[i] = k->reads[i];
    p.writes[i] = k->writes[i];
    p.room[i] = !(k->full >> i & 1);
  }
  return p;
}

Test(policy, cases) {
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    const struct known *k = &table[i];
    const struct numa_policy *of = numa_policy_find(k->policy);
    struct mb_page p = page_of(k);
    struct mb_page_verdict v = of->ask(&p, &of->settings);
    cr_expect_eq(v.move, k->move, "%s, %s: %s", k->policy, k->why, numa_move_name(v.move));
    cr_expect(v.node == k->node || v.move <= MB_PAGE_WAIT, "%s, %s: to node %u", k->policy, k->why, v.node);
  }
}

/* One page through `n` misses, by a node that changes now and then. Returns what moves have cost, and what was lost. */
static int64_t live(const struct numa_policy *of, unsigned n, unsigned every, int64_t *lost) {
  struct mb_page p = page_of(&(struct known){.by = 1});
  int64_t spent = 0;
  *lost = 0;
  for (unsigned i = 0; i < n; i++) {
    if (i % every == 0) p.node = (uint32_t)rand() % NODES;
    *lost += latency[p.node * NODES + p.home] - LOCAL;
    p.reads[p.node]++;
    struct mb_page_verdict v = of->ask(&p, &of->settings);
    p.note = v.note;
    if (v.move == MB_PAGE_MIGRATE || v.move == MB_PAGE_REPLICATE) {
      spent += MOVE;
      if (v.move == MB_PAGE_MIGRATE) p.home = v.node;
      if (v.move == MB_PAGE_REPLICATE) p.replicas |= UINT64_C(1) << v.node;
      memset(p.reads, 0, sizeof p.reads);
    }
    if (i % 2000 == 1999) {
      memset(p.reads, 0, sizeof p.reads);
      p.interval++;
    }
  }
  return spent;
}

/* Whoever uses a page, moves never cost more than was lost by its place, but for the first, which comes early. */
Test(policy, regret_spends_no_more_than_was_lost) {
  const struct numa_policy *of = numa_policy_find("regret");
  int64_t lost;
  srand(3);
  for (unsigned every = 1; every < 5000; every += 1 + every / 4) {
    int64_t spent = live(of, 40000, every, &lost);
    cr_expect_leq(spent, lost + MOVE, "%u misses by turns", every);
  }
}

Test(policy, regret_doubles_its_price_and_forgets) {
  const struct numa_policy *of = numa_policy_find("regret");
  struct mb_page p = page_of(&(struct known){.by = 1, .reads = {0, 100}});
  struct mb_page_verdict v = of->ask(&p, &of->settings);
  cr_assert_eq(v.move, MB_PAGE_MIGRATE);
  p.home = 1;
  p.note = v.note;
  p.node = 3;
  memset(p.reads, 0, sizeof p.reads);
  p.reads[3] = 199;
  cr_expect_eq(of->ask(&p, &of->settings).move, MB_PAGE_WAIT);
  p.reads[3] = 200;
  cr_expect_eq(of->ask(&p, &of->settings).move, MB_PAGE_MIGRATE);
  p.reads[3] = 100;
  cr_expect_eq(of->ask(&p, &of->settings).move, MB_PAGE_WAIT);
  p.interval++;
  cr_expect_eq(of->ask(&p, &of->settings).move, MB_PAGE_MIGRATE);
}

/* Whatever a page's counts are, no built-in policy talks nonsense, and none asks for a node without room. */
Test(policy, no_nonsense) {
  char text[200];
  srand(7);
  for (int n = 0; n < 200000; n++) {
    struct known k = {.by = (uint32_t)rand() % NODES,
                      .replicas = (uint64_t)(rand() % 2 ? rand() % 16 & ~1 : 0),
                      .migrations = (uint32_t)rand() % 3,
                      .full = (uint32_t)(rand() % 16)};
    for (int i = 0; i < NODES; i++) {
      k.reads[i] = (uint32_t)(rand() % 3 ? rand() % 65536 : 0);
      k.writes[i] = (uint32_t)(rand() % 3 ? 0 : rand() % 65536);
    }
    struct mb_page p = page_of(&k);
    p.note = (uint64_t)rand() << 32 | (uint32_t)rand();
    p.interval = (uint32_t)rand();
    for (size_t i = 1; numa_policy(i); i++) {
      struct mb_page_verdict v = numa_policy(i)->ask(&p, &numa_policy(i)->settings);
      const char *bad = numa_verdict_nonsense(&p, &v, text, sizeof text);
      cr_assert_null(bad, "%s: %s", numa_policy(i)->name, bad);
      cr_assert(v.move < MB_PAGE_MIGRATE || v.move == MB_PAGE_COLLAPSE || p.room[v.node], "%s: no room",
                numa_policy(i)->name);
    }
  }
}

Test(policy, nonsense_is_seen) {
  static const struct {
    struct mb_page_verdict v;
    const char *says;
  } bad[] = {
      {{(enum mb_page_move)17, 0, 0}, "move 17, of which there is none"},
      {{MB_PAGE_MIGRATE, 4, 0}, "migrate to node 4 of 4"},
      {{MB_PAGE_MIGRATE, 0, 0}, "migrate to node 0, which is its home"},
      {{MB_PAGE_REPLICATE, 0, 0}, "replicate to node 0, which is its home"},
      {{MB_PAGE_COLLAPSE, 0, 0}, "collapse, of a page without copies"},
  };
  struct mb_page p = page_of(&(struct known){.reads = {0, 7}});
  char text[200];
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_expect_str_eq(numa_verdict_nonsense(&p, &bad[i].v, text, sizeof text), bad[i].says);
  p.replicas = 4;
  cr_expect_str_eq(
      numa_verdict_nonsense(&p, &(struct mb_page_verdict){.move = MB_PAGE_REPLICATE, .node = 2}, text, sizeof text),
      "replicate to node 2, which has a copy");
  cr_expect_null(numa_verdict_nonsense(&p, &(struct mb_page_verdict){.move = MB_PAGE_COLLAPSE}, text, sizeof text));
  cr_expect_str_eq(numa_page_text(&p, text, sizeof text),
                   "home 0, copies 0x4, misses by node (reads+writes) 0+0 7+0 0+0 0+0");
  cr_expect(strlen(numa_page_text(&p, text, 20)) < 20);
}

Test(policy, settings) {
  struct mb_page_settings s = numa_policy_defaults;
  const char *about, *name;
  uint32_t min, max;
  cr_expect_eq(s.trigger, 128);
  for (size_t i = 0; (name = numa_setting(i, &min, &max, &about)); i++) {
    uint32_t is = numa_setting_get(&s, i);
    cr_expect(min <= is && is <= max && *about, "%s", name);
    cr_expect(numa_setting_set(&s, i, max) && numa_setting_get(&s, i) == max, "%s", name);
    cr_expect(!numa_setting_set(&s, i, (uint64_t)max + 1) && numa_setting_get(&s, i) == max, "%s", name);
    cr_expect(!min || !numa_setting_set(&s, i, min - 1), "%s", name);
    cr_expect(!numa_setting_set(&s, i, (UINT64_C(1) << 32) + min), "%s is not cut to 32 bits", name);
  }
  cr_expect_null(numa_policy_find("nobody's"));
}
