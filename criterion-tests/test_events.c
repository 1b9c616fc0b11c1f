/* criterion-tests/test_events.c: events are counted exactly, in every tier, and nothing of it shows in the run. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "criterion-tests/encode.h"
#include "criterion-tests/harness.h"
#include <criterion/criterion.h>
#include <string.h>

enum { DATA = 0x20000, MAPPED = 0x400000, TIMES = 300, CYCLES = 20000, SWL_OP = 0x2a, HIT_WRITEBACK = 0x15 };

struct tally {
  uint64_t events[MIPS_EVENTS], enters, returns, waits, threads, last_sp;
};

static struct tally tally;
static void moved(void *ctx, struct cpu *c, enum mips_move move) {
  (void)ctx;
  tally.enters += move == MIPS_MOVE_ENTER;
  tally.returns += move == MIPS_MOVE_RETURN;
  tally.waits += move == MIPS_MOVE_WAIT;
  tally.threads += move == MIPS_MOVE_THREAD;
  if (move == MIPS_MOVE_THREAD) tally.last_sp = c->event_sp;
}

static void prepare(struct rig *r, bool counting) {
  const uint32_t loop[] = {LW(5, 0, 1),
                           SW(5, 4, 1),
                           LB(5, 1, 1),
                           LW(5, 8, 2),
                           SW(5, 8, 2),
                           LW(5, 0, 3),
                           SW(5, 0, 3),
                           LW(5, 0, 9),
                           MFC0(6, C0_STATUS),
                           MFC0(6, C0_COUNT),
                           MTC0(6, C0_EPC),
                           TLBP,
                           TLBWI,
                           DI,
                           EI,
                           CACHE(HIT_WRITEBACK, 0, 1),
                           LL(7, 0, 1),
                           SC(7, 0, 1),
                           SC(7, 0, 1) /* fails: the link is gone */,
                           enc_i(SWL_OP, 1, 5, 2),
                           ADDIU(8, 1, 0),
                           LW(8, 16, 8) /* into its own base */,
                           SYSCALL,
                           ADDIU(4, 4, -1)};
  enum { N = sizeof loop / sizeof *loop };
  memset(&tally, 0, sizeof tally);
  if (counting) r->cpu->cfg.moved = moved, r->cpu->events = tally.events;
  uint64_t end = rig_code(r, 0x10000, loop, N);
  RIG_CODE_AT(r, end, BNE(4, 0, -N - 1), MFC0(6, C0_CAUSE), ADDIU(29, 0, 77), MFC0(6, C0_CAUSE), ADDIU(28, 0, 1),
              MFC0(6, C0_CAUSE), B(-1), NOP);
  RIG_CODE_AT(r, 0x180, MFC0(26, C0_EPC), ADDIU(26, 26, 4), MTC0(26, C0_EPC), ERET);
  rig_map(r, 5, MAPPED, DATA, 0, RIG_MAP_V | RIG_MAP_D | RIG_MAP_G);
  r->cpu->gpr[1] = KSEG0(DATA), r->cpu->gpr[2] = KSEG1(DATA), r->cpu->gpr[3] = KSEG1(RIG_DEVICE);
  r->cpu->gpr[4] = TIMES, r->cpu->gpr[9] = MAPPED;
  rig_go(r, RIG_CODE);
}

static void check(enum mips_event e, uint64_t times) {
  cr_expect_eq(tally.events[e], times, "%s: %lu, not %lu", mips_event_info[e].name, (unsigned long)tally.events[e],
               (unsigned long)times);
}

static void check_counts(void) {
  uint64_t sum = 0, seen = 0;
  const struct {
    enum mips_event e;
    unsigned times;
  } want[] = {{MIPS_EVENT_KSEG0_LOAD, 4 * TIMES},
              {MIPS_EVENT_KSEG0_STORE, 3 * TIMES},
              {MIPS_EVENT_KSEG1_LOAD, TIMES},
              {MIPS_EVENT_KSEG1_STORE, TIMES},
              {MIPS_EVENT_MOVED_BASE, 5 * TIMES}, /* $1, $2; behind devices $9; behind CACHE $1, $8 */
              {MIPS_EVENT_DEVICE_LOAD, TIMES},
              {MIPS_EVENT_DEVICE_STORE, TIMES},
              {MIPS_EVENT_READ_STATUS, TIMES},
              {MIPS_EVENT_READ_COUNT, TIMES},
              {MIPS_EVENT_WRITE_EPC, 2 * TIMES},
              {MIPS_EVENT_READ_EPC, TIMES},
              {MIPS_EVENT_TLBP, TIMES},
              {MIPS_EVENT_TLBWI, TIMES},
              {MIPS_EVENT_DI, TIMES},
              {MIPS_EVENT_EI, TIMES},
              {MIPS_EVENT_CACHE, TIMES},
              {MIPS_EVENT_SYSCALL, TIMES},
              {MIPS_EVENT_ERET, TIMES},
              {MIPS_EVENT_READ_CAUSE, TIMES + 2}};
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    check(want[i].e, want[i].times);
    sum += want[i].times;
  }
  for (unsigned e = 0; e < MIPS_EVENTS; e++) seen += tally.events[e];
  cr_expect_eq(seen, sum, "%lu events beside those", (unsigned long)(seen - sum));
  cr_expect_eq(tally.enters, TIMES);
  cr_expect_eq(tally.returns, TIMES);
  cr_expect_eq(tally.threads, 1, "$28 has changed once");
  cr_expect_eq(tally.last_sp, 77, "$29 at the event before");
}

Test(events, are_counted_exactly_and_do_not_show) {
  static const char *const model[] = {"24Kf", "MIPS64R2-generic"};
  for (int k = 0; k < 4; k++) {
    uint64_t hash[2];
    for (int counting = 0; counting < 2; counting++) {
      struct rig *r = rig_new(model[k / 2], k % 2);
      prepare(r, counting);
      rig_run(r, CYCLES);
      hash[counting] = rig_hash(r);
      if (counting) check_counts();
      cr_expect_eq(r->accesses, 2 * TIMES);
      rig_free(r);
    }
    cr_expect_eq(hash[0], hash[1], "%s: it is another run", model[k / 2]);
  }
}

/* A base is moved once in a straight line: until it is written, makes room for others, or a branch is taken. */
Test(events, bases_are_moved_once) {
  const struct {
    uint32_t word[10];
    unsigned moves, more; /* each time round; the last time */
  } row[] = {
      {{LW(5, 0, 1), SW(5, 8, 1), LB(6, 3, 1)}, 1},
      {{LW(5, 0, 1), LW(6, 0, 2), SW(5, 4, 1), SW(6, 4, 2), LW(5, 8, 1)}, 2},
      {{LW(5, 0, 1), LW(6, 0, 2), LW(7, 0, 1), LW(7, 0, 3), LW(7, 0, 1)}, 3},
      {{LW(5, 0, 1), LW(6, 0, 2), LW(7, 0, 3), LW(5, 0, 1)}, 4},
      {{LW(5, 0, 1), ADDIU(1, 1, 0), SW(5, 0, 1)}, 2},
      {{ADDIU(6, 1, 0), LW(6, 4, 6), LW(5, 0, 1), LW(5, 4, 1)}, 2},
      {{LW(5, 0, 1), ADDIU(1, 1, 0), LW(5, 0, 2), LW(5, 0, 3), LW(5, 0, 2), LW(5, 0, 3)}, 3},
      {{LW(5, 0, 1), BNE(0, 0, 1), SW(5, 0, 1), LW(5, 0, 1)}, 1} /* not taken */,
      {{LW(5, 0, 1), BNEL(0, 0, 1), SW(5, 0, 1), LW(5, 0, 1)}, 1},
      {{LW(5, 0, 1), BEQ(0, 0, 1), SW(5, 0, 1), NOP, LW(5, 0, 1)}, 2} /* taken, behind the slot */,
      {{LW(5, 0, 1), BEQL(0, 0, 1), SW(5, 0, 1), NOP, LW(5, 0, 1)}, 3},
      {{LW(5, 0, 1), BEQ(4, 8, 1), SW(5, 0, 1), LW(5, 0, 1)}, 1, 1} /* taken the last time */,
      {{LW(5, 0, 1), TEQ(0, 1), LW(5, 0, 1)}, 1},
      {{LW(5, 0, 1), MFC0(6, C0_STATUS), LW(5, 0, 1)}, 2} /* perhaps a call */,
      {{LW(5, 0, 1), LW(6, 0, 10), LW(5, 0, 1)}, 2} /* a device: one for sure */,
      {{LW(5, 0, 1), SYSCALL, LW(5, 0, 1)}, 2},
      {{LW(5, 0, 9), LW(6, 0, 9), LW(5, 0, 1)}, 2} /* wherever it leads */,
      {{LW(5, 0x400, 0)}, 0} /* $0 */,
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    struct rig *r = rig_new("24Kf", false);
    prepare(r, true);
    uint32_t word[13];
    memcpy(word, row[i].word, sizeof row[i].word);
    word[10] = ADDIU(4, 4, -1), word[11] = BNE(4, 0, -12), word[12] = NOP;
    uint64_t end = rig_code(r, 0x10000, word, 13);
    RIG_CODE_AT(r, end, B(-1), NOP);
    rig_map(r, 6, 0, DATA, 0, RIG_MAP_V | RIG_MAP_D | RIG_MAP_G);
    r->cpu->gpr[2] = r->cpu->gpr[1] + 64, r->cpu->gpr[3] = r->cpu->gpr[1] + 128;
    r->cpu->gpr[8] = 1, r->cpu->gpr[10] = KSEG1(RIG_DEVICE);
    for (uint64_t n = 0; n < CYCLES; n += 7) rig_run(r, 7); /* cut anywhere */
    cr_expect_eq(r->cpu->gpr[4], 0);
    unsigned long seen = tally.events[MIPS_EVENT_MOVED_BASE], want = row[i].moves * TIMES + row[i].more;
    cr_expect_eq(seen, want, "row %zu: %lu times, not %lu", i, seen, want);
    rig_free(r);
  }
}

/* What faults has not been executed: the exception counts, by what it is and who took it. */
Test(events, faults_count_as_exceptions) {
  const struct {
    uint32_t word;
    bool user;
    enum mips_event e;
  } row[] = {
      {LW(5, 0, 9), false, MIPS_EVENT_REFILL_KERNEL},
      {LW(5, 0, 9), true, MIPS_EVENT_REFILL_USER},
      {SW(5, 0, 10), false, MIPS_EVENT_TLB_MODIFIED},
      {LW(5, 0, 11), false, MIPS_EVENT_TLB_INVALID},
      {CACHE(HIT_WRITEBACK, 0, 9), false, MIPS_EVENT_REFILL_KERNEL},
      {LW(5, 1, 1), false, MIPS_EVENT_EXCEPTION},
      {MFC0(5, C0_EPC), true, MIPS_EVENT_FPU_UNUSABLE},
      {0x0000000e, false, MIPS_EVENT_RESERVED},
      {SYSCALL, true, MIPS_EVENT_SYSCALL},
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    struct rig *r = rig_new("24Kf", false);
    prepare(r, true);
    RIG_CODE_AT(r, 0x180, B(-1), NOP);
    RIG_CODE_AT(r, 0x30000, NOP, row[i].word, B(-1), NOP);
    rig_map(r, 6, MAPPED, 0x30000, 0, RIG_MAP_V | RIG_MAP_G | RIG_MAP_ODD_INVALID);
    rig_map(r, 5, 0x800000, 0, 0, 0);
    r->cpu->gpr[9] = 0x10000000, r->cpu->gpr[10] = MAPPED + 16, r->cpu->gpr[11] = MAPPED + 4096;
    if (row[i].user) rig_status(r, ST_USER);
    rig_go(r, MAPPED);
    rig_run(r, 10);
    check(row[i].e, 1);
    uint64_t seen = 0;
    for (unsigned e = 0; e < MIPS_EVENTS; e++) seen += tally.events[e];
    cr_expect_eq(seen, 1, "row %zu: %lu events", i, (unsigned long)seen);
    cr_expect_eq(tally.enters, 1);
    rig_free(r);
  }
}

Test(events, waiting_is_told) {
  struct rig *r = rig_new("24Kf", false);
  prepare(r, true);
  RIG_CODE_AT(r, 0x10000, WAIT, NOP, B(-1), NOP);
  rig_run(r, 10);
  check(MIPS_EVENT_WAIT, 1);
  cr_expect_eq(tally.waits, 1);
  rig_free(r);
}

/* Every cp0 register has its rows, and the last of them takes what has none of its own. */
Test(events, registers_have_rows) {
  struct rig *r = rig_new("24Kf", false);
  prepare(r, true);
  RIG_CODE_AT(r, 0x10000, MFC0(5, 15), MFC0(5, 15) | 1, MFC0(5, 16) | 1, MFC0(5, 31), MTC0(5, 31), MFC0(5, 30), B(-1),
              NOP);
  rig_run(r, 20);
  check(MIPS_EVENT_READ_PRID, 1);
  check(MIPS_EVENT_READ_EBASE, 1);
  check(MIPS_EVENT_READ_KSCRATCH, 1);
  check(MIPS_EVENT_WRITE_KSCRATCH, 1);
  check(MIPS_EVENT_READ_OTHER, 2);
  rig_free(r);
}
