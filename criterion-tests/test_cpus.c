/* criterion-tests/test_cpus.c: the scheduler on paper: who gets which cpu, what each way of deciding promises. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/cpus.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static struct mon_cpus s;

static void make(enum mb_sched how, unsigned cpus, unsigned per_node, unsigned vms, const unsigned *vcpus) {
  cr_assert_eq(mon_cpus_init(&s, how, cpus, per_node, vcpus, vms), 0);
}
static void fini(void) {
  mon_cpus_fini(&s);
}
TestSuite(cpus, .fini = fini);

/* A round in which these have something to do; bit i: seat i. */
static void round_of(uint64_t ready) {
  for (unsigned i = 0; i < s.seats; i++) s.seat[i].ready = ready >> i & 1;
  mon_cpus_assign(&s);
}
static uint64_t running(void) {
  uint64_t set = 0;
  for (unsigned i = 0; i < s.seats; i++) set |= (uint64_t)(s.seat[i].ready && s.seat[i].has_cpu) << i;
  return set;
}

/* No cpu has two, none is where it is not pinned, and tenants agree. */
static void check_seats(void) {
  uint64_t taken = 0;
  for (unsigned i = 0; i < s.seats; i++) {
    const struct mon_seat *v = &s.seat[i];
    cr_assert(v->cpu < s.cpus);
    cr_assert(v->pin == MON_NO_CPU || v->cpu == v->pin, "seat %u", i);
    if (!v->has_cpu) continue;
    cr_assert_eq(taken >> v->cpu & 1, 0, "cpu %u", v->cpu);
    cr_assert_eq(s.tenant[v->cpu], i);
    taken |= UINT64_C(1) << v->cpu;
  }
}

Test(cpus, each_has_one_where_there_are_enough) {
  for (int how = MB_SCHED_FIXED; how <= MB_SCHED_GANG; how++) {
    make((enum mb_sched)how, 4, 2, 2, (const unsigned[]){3, 1});
    for (int n = 0; n < 100; n++) {
      round_of(n % 3 ? 0xf : 0x5);
      check_seats();
      cr_assert_eq(running(), n % 3 ? 0xf : 0x5);
    }
    for (unsigned i = 0; i < 4; i++) cr_expect(s.seat[i].cpu == i && !s.seat[i].moves && !s.seat[i].switches);
    mon_cpus_fini(&s);
  }
}

Test(cpus, fixed_shares_by_slices) {
  make(MB_SCHED_FIXED, 2, 2, 1, (const unsigned[]){4});
  for (int n = 0; n < 10 * MON_SLICE; n++) round_of(0xf);
  for (unsigned i = 0; i < 4; i++) {
    cr_expect_eq(s.seat[i].ran, 5 * MON_SLICE, "seat %u ran %lu", i, (unsigned long)s.seat[i].ran);
    cr_expect_eq(s.seat[i].cpu, i % 2);
    cr_expect_eq(s.seat[i].moves, 0);
  }
  /* The other of a pair idles: no waiting. Its partner's cpu is nobody else's, though. */
  round_of(0x1);
  cr_expect_eq(running(), 0x1);
  round_of(0x5);
  round_of(0x5);
  cr_expect_eq(__builtin_popcountll(running()), 1, "both belong to cpu 0");
}

Test(cpus, affinity_fills_idle_cpus_near_ones_first) {
  make(MB_SCHED_AFFINITY, 4, 2, 1, (const unsigned[]){6});
  round_of(0x11); /* seats 0 and 4: both of cpu 0; cpu 1 is of the same node */
  cr_expect_eq(running(), 0x11);
  cr_expect_eq(s.seat[0].cpu + s.seat[4].cpu, 1);
  round_of(0x33); /* and 1 and 5, of cpu 1: two have to go to the other node, after a while */
  cr_expect_eq(__builtin_popcountll(running()), 2);
  for (int n = 0; n <= MON_SLICE; n++) round_of(0x33);
  cr_expect_eq(running(), 0x33);
  cr_expect_eq(s.seat[0].far + s.seat[1].far + s.seat[4].far + s.seat[5].far, 2);
}

Test(cpus, least_loaded_is_fair_and_idling_is_not_saved_up) {
  make(MB_SCHED_LEAST_LOADED, 2, 2, 3, (const unsigned[]){1, 1, 1});
  for (int n = 0; n < 30 * MON_SLICE; n++) round_of(0x7);
  for (unsigned i = 0; i < 3; i++)
    cr_expect(abs((int)s.seat[i].ran - 20 * MON_SLICE) <= MON_SLICE, "%u: %d", i, (int)s.seat[i].ran);
  for (int n = 0; n < 100 * MON_SLICE; n++) round_of(0x3);
  uint64_t before[3] = {s.seat[0].ran, s.seat[1].ran, s.seat[2].ran};
  for (int n = 0; n < 30 * MON_SLICE; n++) round_of(0x7);
  for (unsigned i = 0; i < 3; i++)
    cr_expect(abs((int)(s.seat[i].ran - before[i]) - 20 * MON_SLICE) <= 2 * MON_SLICE, "%u: %d", i,
              (int)(s.seat[i].ran - before[i]));
}

/* VMs of 3, 2 and 2 vcpus on 4 cpus: all of a VM or nothing; each VM its share. */
Test(cpus, gangs_run_together) {
  static const uint64_t vm[3] = {0x7, 0x18, 0x60};
  unsigned had[3] = {0};
  make(MB_SCHED_GANG, 4, 4, 3, (const unsigned[]){3, 2, 2});
  for (int n = 0; n < 60 * MON_SLICE; n++) {
    round_of(0x7f);
    check_seats();
    for (int i = 0; i < 3; i++) {
      uint64_t of = running() & vm[i];
      cr_assert(!of || of == vm[i], "round %d: VM %d has a part: %lx", n, i, (unsigned long)of);
      had[i] += of != 0;
    }
  }
  for (int i = 0; i < 3; i++) cr_expect_geq(had[i], 20 * MON_SLICE, "VM %d: %u", i, had[i]);
  mon_cpus_fini(&s);
  make(MB_SCHED_GANG, 2, 2, 1, (const unsigned[]){3}); /* too large for the machine */
  for (int n = 0; n < 30 * MON_SLICE; n++) {
    round_of(0x7);
    cr_assert_eq(__builtin_popcountll(running()), 2);
  }
  for (int i = 0; i < 3; i++) cr_expect_geq(s.seat[i].ran, 10 * MON_SLICE);
}

/* At random, with pins: nobody with something to do is left out for ever, nor a cpu empty that somebody could have. */
Test(cpus, random_loads) {
  srand(5);
  for (int n = 0; n < 400; n++) {
    unsigned vcpus[4] = {1 + (unsigned)rand() % 4, 1 + (unsigned)rand() % 4, 1 + (unsigned)rand() % 4, 1};
    enum mb_sched how = (enum mb_sched)(MB_SCHED_FIXED + rand() % 4);
    unsigned per_node = 1 + (unsigned)rand() % 2, cpus = per_node * (1 + (unsigned)rand() % 4);
    make(how, cpus, per_node, 4, vcpus);
    for (unsigned i = 0; i < s.seats; i++)
      if (rand() % 4 == 0) s.seat[i].pin = s.seat[i].cpu = (uint16_t)((unsigned)rand() % cpus);
    for (int k = 0; k < 600; k++) {
      round_of((uint64_t)rand() | 1); /* seat 0 always wants one */
      check_seats();
      cr_assert(running(), "nobody runs, %d", how);
      cr_assert_leq(s.seat[0].waited, 40 * MON_SLICE, "seat 0 starves, %d", how);
    }
    for (unsigned i = 0; i < s.seats; i++) {
      const struct mon_seat *v = &s.seat[i];
      cr_assert_leq(v->far, v->moves);
      cr_assert_leq(v->ran + v->kept, 600);
    }
    mon_cpus_fini(&s);
  }
}
