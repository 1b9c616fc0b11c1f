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
