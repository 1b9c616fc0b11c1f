/* criterion-tests/test_peers.c: two cpus that share memory and translations, by turns. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "criterion-tests/encode.h"
#include "criterion-tests/harness.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>

/* A jump to itself with nothing in its slot is a halt, after which a cpu has no more turns. */
enum { OURS = 0x10000, THEIRS = 0x20000 }; /* guest-physical: where each cpu runs */

static struct rig *r;
static struct cpu *other;

static void make(bool big) {
  r = rig_new("MIPS32R2-multi", big);
  struct cpu_config cfg = r->cpu->cfg;
  cfg.number = 1;
  other = calloc(1, sizeof *other);
  cr_assert(other && !mips_cpu_init(other, &cfg));
  mips_cpu_join(other, r->cpu);
  other->cp0.status = r->cpu->cp0.status;
  mips_mode_changed(other);
}

static void unmake(void) {
  if (other) mips_cpu_fini(other);
  free(other);
  rig_free(r);
  r = NULL;
  other = NULL;
}

TestSuite(peers, .fini = unmake);

static void turn(struct cpu *c, uint64_t pc, uint64_t cycles) {
  c->j.pc = pc;
  mips_run(c, mips_now(c) + cycles);
}

/* The page is written as data by one, run by the other, written again by the first: which has a right to store to it
 * that it must have lost meanwhile. */
Test(peers, one_writes_what_the_other_runs) {
  for (int big = 0; big < 2; big++) {
    make(big);
    RIG_CODE_AT(r, OURS, SW(3, 0, 1), B(-1), ADDIU(9, 9, 1));
    RIG_CODE_AT(r, THEIRS, ADDIU(2, 0, 0), B(-1), ADDIU(9, 9, 1));
    r->cpu->gpr[1] = KSEG0(THEIRS + 0x800);
    for (unsigned i = 1; i < 50; i++) {
      turn(r->cpu, KSEG0(OURS), 10);
      turn(other, KSEG0(THEIRS), 10);
      cr_assert_eq(other->gpr[2], i - 1, "turn %u: %" PRIu64, i, other->gpr[2]);
      r->cpu->gpr[1] = KSEG0(THEIRS);
      r->cpu->gpr[3] = ADDIU(2, 0, i);
    }
    unmake();
  }
}

/* What one has run the other need not have made again; and when one is gone the other goes on. */
Test(peers, translations_are_shared_and_stay) {
  struct jit_stats one, both;
  make(false);
  RIG_CODE_AT(r, OURS, ADDIU(2, 2, 1), BNE(2, 4, -2), NOP, B(-1), ADDIU(9, 9, 1));
  r->cpu->gpr[4] = other->gpr[4] = 1000;
  turn(r->cpu, KSEG0(OURS), 10000);
  jit_stats(r->jit, &one);
  turn(other, KSEG0(OURS), 10000);
  jit_stats(r->jit, &both);
  cr_expect_eq(r->cpu->gpr[2], 1000);
  cr_expect_eq(other->gpr[2], 1000);
  cr_expect_eq(one.blocks_made, both.blocks_made, "%" PRIu64 " more", both.blocks_made - one.blocks_made);
  mips_cpu_fini(other);
  free(other);
  other = NULL;
  RIG_CODE_AT(r, OURS, ADDIU(2, 0, 7), B(-1), ADDIU(9, 9, 1));
  turn(r->cpu, KSEG0(OURS), 10);
  cr_expect_eq(r->cpu->gpr[2], 7);
}

Test(peers, each_has_its_own_boot_vectors) {
  make(false);
  RIG_CODE_AT(r, THEIRS, SYSCALL);
  other->reset_at = KSEG1(THEIRS);
  mips_cpu_reset(other);
  cr_expect_eq(other->j.pc, KSEG1(THEIRS));
  other->cp0.status &= ~(uint32_t)ST_ERL;
  mips_mode_changed(other);
  mips_run(other, mips_now(other) + 1);
  cr_expect_eq(other->j.pc, KSEG1(THEIRS + 0x380), "%" PRIx64, other->j.pc);
  mips_cpu_reset(r->cpu);
  cr_expect_eq(r->cpu->j.pc, KSEG1(0x1fc00000));
}

Test(peers, each_has_its_own_tlb_and_number) {
  make(false);
  RIG_CODE_AT(r, OURS, LW(2, 0, 1), 0x7c03003bu /* rdhwr $3, CPUNum */, B(-1), ADDIU(9, 9, 1));
  rig_poke(r, 0x30000, 111, 4);
  rig_poke(r, 0x40000, 222, 4);
  rig_map(r, 0, 0x4000, 0x30000, 0, RIG_MAP_V | RIG_MAP_G);
  struct cpu *first = r->cpu;
  r->cpu = other;
  rig_map(r, 0, 0x4000, 0x40000, 0, RIG_MAP_V | RIG_MAP_G);
  r->cpu = first;
  first->gpr[1] = other->gpr[1] = 0x4000;
  turn(first, KSEG0(OURS), 10);
  turn(other, KSEG0(OURS), 10);
  cr_expect_eq(first->gpr[2], 111, "%" PRIu64, first->gpr[2]);
  cr_expect_eq(other->gpr[2], 222, "%" PRIu64, other->gpr[2]);
  cr_expect_eq(first->gpr[3], 0);
  cr_expect_eq(other->gpr[3], 1);
}

/* --- checks of two --- */

static struct mips_finding finding;
static unsigned findings;
static void found(void *ctx, struct cpu *c, const struct mips_finding *f) {
  (void)ctx, (void)c;
  finding = *f;
  findings++;
}
static void seen(void *ctx, struct cpu *c, uint64_t pc) {
  (void)ctx, (void)c, (void)pc;
}

static void check(struct mips_check *k, unsigned kinds) {
  *k = (struct mips_check){.kinds = kinds, .vcpus = 2, .found = found, .seen = seen};
  cr_assert_eq(mips_check_init(k, &r->pmap), 0);
  mips_check_begin(k);
  r->cpu->cfg.check = other->cfg.check = k;
  findings = 0;
}

/* Both have an entry for the page at USER, made of the table's words; one of them changes the table and flushes its
 * own, and goes back to user mode: the other may use its entry until then, and no longer. */
enum { USER = 0x400000, TABLE = 0x30000, PAGE = 0x40000, CALL = 0x28000, USER_CODE = 0x50000 };
#define LO(page) ((page) >> 12 << 6 | 3 << 3 | 6)

static void fill(struct cpu *c) {
  c->gpr[1] = KSEG0(TABLE);
  c->cp0.entryhi = USER;
  c->cp0.index = 3;
  turn(c, KSEG0(CALL), 20);
}

static void to_user(struct cpu *c) {
  c->cp0.epc = USER + 0x1000;
  c->cp0.status |= ST_USER | ST_EXL;
  mips_mode_changed(c);
  turn(c, KSEG0(CALL + 0x100), 4);
}

Test(peers, a_forgotten_shootdown_is_found) {
  for (int flushes = 0; flushes < 2; flushes++) {
    struct mips_check k;
    make(flushes);
    check(&k, MIPS_CHECK_TLB);
    RIG_CODE_AT(r, CALL, LW(2, 0, 1), LW(3, 4, 1), SRL(2, 2, 4), SRL(3, 3, 4), MTC0(2, 2), MTC0(3, 3), EHB, TLBWI,
                B(-1), ADDIU(9, 9, 1));
    RIG_CODE_AT(r, CALL + 0x100, ERET);
    RIG_CODE_AT(r, OURS, SW(2, 0, 1), B(-1), ADDIU(9, 9, 1));
    RIG_CODE_AT(r, THEIRS, LW(4, 8, 5), B(-1), ADDIU(9, 9, 1));
    RIG_CODE_AT(r, USER_CODE, B(-1), ADDIU(9, 9, 1));
    rig_poke(r, TABLE, LO(PAGE) << 4, 4);
    rig_poke(r, TABLE + 4, LO(USER_CODE) << 4, 4);
    r->cpu->gpr[5] = other->gpr[5] = USER;
    fill(r->cpu);
    fill(other);
    cr_expect_eq(k.entries_known, 2u, "%" PRIu64 " of %" PRIu64, k.entries_known, k.entries);
    turn(other, KSEG0(THEIRS), 10);
    r->cpu->gpr[2] = LO(PAGE + 0x1000) << 4;
    turn(r->cpu, KSEG0(OURS), 10);
    turn(other, KSEG0(THEIRS), 10);
    cr_expect_eq(findings, 0u, "too early");
    fill(r->cpu);
    if (flushes) fill(other);
    to_user(r->cpu);
    cr_expect_eq(r->cpu->j.mode & MODE_PRIV, MMU_USER);
    turn(other, KSEG0(THEIRS), 10);
    turn(other, KSEG0(THEIRS), 10);
    cr_expect_eq(findings, !flushes);
    if (!flushes) {
      cr_expect_eq(finding.kind, MIPS_FOUND_TLB_STALE_FRAME);
      cr_expect_eq(finding.pc, KSEG0(THEIRS));
      cr_expect_eq(finding.va, USER + 8u);
      cr_expect_eq(finding.before, KSEG0(OURS));
      cr_expect_eq(finding.by, 0);
    }
    mips_check_fini(&k);
    unmake();
  }
}

/* What orders two stores to a word: LL and SC of another, a SYNC before a store that the other loads, a device and an
 * interrupt; or nothing does. */
enum { WORD = 0x60000 };
Test(peers, what_orders_stores) {
  const struct {
    const char *what;
    uint32_t first[4], then[4];
    unsigned findings;
  } cases[] = {
      {"nothing", {SW(2, 0, 1)}, {SW(3, 0, 1)}, 1},
      {"the same value", {SW(2, 0, 1)}, {SW(2, 0, 1)}, 0},
      {"other bytes", {SB(2, 0, 1)}, {SB(3, 1, 1)}, 0},
      {"LL and SC", {SW(2, 0, 1), LL(4, 0x100, 1), SC(4, 0x100, 1)}, {LL(4, 0x100, 1), SW(3, 0, 1)}, 0},
      {"LL and SC before", {LL(4, 0x100, 1), SC(4, 0x100, 1), SW(2, 0, 1)}, {LL(4, 0x100, 1), SW(3, 0, 1)}, 1},
      {"a flag", {SW(2, 0, 1), SYNC, SW(2, 0x100, 1)}, {LW(4, 0x100, 1), SW(3, 0, 1)}, 0},
      {"a flag without SYNC", {SW(2, 0, 1), SW(2, 0x100, 1)}, {LW(4, 0x100, 1), SW(3, 0, 1)}, 1},
      {"a flag too early", {SYNC, SW(2, 0x100, 1), SW(2, 0, 1)}, {LW(4, 0x100, 1), SW(3, 0, 1)}, 1},
      {"another flag", {SW(2, 0, 1), SYNC, SW(2, 0x100, 1)}, {LW(4, 0x180, 1), SW(3, 0, 1)}, 1},
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct mips_check k;
    make(i & 1);
    check(&k, MIPS_CHECK_RACE);
    uint64_t end = rig_code(r, OURS, cases[i].first, 4);
    RIG_CODE_AT(r, end, B(-1), ADDIU(9, 9, 1));
    end = rig_code(r, THEIRS, cases[i].then, 4);
    RIG_CODE_AT(r, end, B(-1), ADDIU(9, 9, 1));
    RIG_CODE_AT(r, CALL, LW(5, 0x200, 1), B(-1), ADDIU(9, 9, 1)); /* it is there before the other's store */
    r->cpu->gpr[1] = other->gpr[1] = KSEG0(WORD);
    r->cpu->gpr[2] = other->gpr[2] = 0x101, r->cpu->gpr[3] = other->gpr[3] = 0x202;
    r->cpu->gpr[4] = other->gpr[4] = 1;
    turn(other, KSEG0(CALL), 10);
    turn(r->cpu, KSEG0(OURS), 10);
    turn(other, KSEG0(THEIRS), 10);
    cr_expect_eq(findings, cases[i].findings, "%s: %u findings", cases[i].what, findings);
    if (findings) cr_expect_eq(finding.kind, MIPS_FOUND_RACE_WRITE, "%s", cases[i].what);
    mips_check_fini(&k);
    unmake();
  }
}
