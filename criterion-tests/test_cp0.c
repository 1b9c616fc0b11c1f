/* criterion-tests/test_cp0.c: watch registers, shadow sets, RI and XI, Count stopped, links broken by others, WAIT. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "criterion-tests/encode.h"
#include "criterion-tests/harness.h"
#include "frontend/cp0.h"
#include <criterion/criterion.h>

enum { DATA = 0x20000, WATCHLO = 18, WATCHHI = 19, I_BIT = 4, R_BIT = 2, W_BIT = 1, GLOBAL = 1 << 30 };
#define DATA_VA KSEG0(DATA)

/* Run LW $2, SW $3, both at `off` from the watched doubleword; the exception, and the pc it happened at. */
static int access_watched(struct rig *r, uint64_t lo, uint32_t hi, int off, unsigned *index) {
  RIG_CODE_AT(r, 0x10000, LW(2, off, 1), SW(3, off, 1), B(-1), NOP);
  cp0_write(r->cpu, WATCHLO, 0, lo, false);
  cp0_write(r->cpu, WATCHHI, 0, hi, false);
  r->cpu->gpr[1] = DATA_VA;
  rig_go(r, RIG_CODE);
  rig_run(r, 20);
  *index = (unsigned)(r->cpu->cp0.epc - RIG_CODE) / 4;
  return rig_exception(r);
}

Test(cp0, watch_registers) {
  static const struct {
    unsigned bits;
    uint32_t hi;
    int off, want;
    unsigned index;
  } row[] = {
      {R_BIT, GLOBAL, 0, EXC_WATCH, 0},
      {R_BIT, GLOBAL, 4, EXC_WATCH, 0}, /* the whole doubleword */
      {R_BIT, GLOBAL, 8, -1, 0},
      {W_BIT, GLOBAL, 0, EXC_WATCH, 1},
      {R_BIT, GLOBAL | 0xff8, 64, EXC_WATCH, 0}, /* WatchHi.Mask widens it to 4 KiB */
      {0, GLOBAL, 0, -1, 0},
      {R_BIT, 5 << 16, 0, -1, 0},  /* another ASID */
      {R_BIT, 0, 0, EXC_WATCH, 0}, /* this ASID */
  };
  for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
    struct rig *r = rig_new("24Kf", false);
    unsigned index = 99;
    int got = access_watched(r, DATA_VA | row[i].bits, row[i].hi, row[i].off, &index);
    cr_expect_eq(got, row[i].want, "row %zu: exception %d", i, got);
    if (row[i].want >= 0) cr_expect_eq(index, row[i].index, "row %zu: at instruction %u", i, index);
    rig_free(r);
  }
}

Test(cp0, watched_instructions) {
  struct rig *r = rig_new("24Kf", false);
  RIG_CODE_AT(r, 0x10000, NOP, NOP, NOP, NOP, B(-1), NOP);
  cp0_write(r->cpu, WATCHLO, 0, (RIG_CODE + 8) | I_BIT, false);
  cp0_write(r->cpu, WATCHHI, 0, GLOBAL, false);
  rig_go(r, RIG_CODE);
  rig_run(r, 20);
  cr_assert_eq(rig_exception(r), EXC_WATCH);
  cr_assert_eq(r->cpu->cp0.epc, RIG_CODE + 8);
  rig_free(r);
}

/* PRA vol. III, WatchLo: with EXL set the exception waits, Cause.WP remembers it. */
Test(cp0, a_watch_within_a_handler_is_deferred) {
  struct rig *r = rig_new("24Kf", false);
  unsigned index;
  rig_status(r, r->cpu->cp0.status | ST_EXL);
  cr_assert_eq(access_watched(r, DATA_VA | R_BIT, GLOBAL, 0, &index), -1);
  cr_assert(r->cpu->cp0.cause >> 22 & 1);
  rig_free(r);
}

Test(cp0, shadow_sets_switch_with_exceptions) {
  struct rig *r = rig_new("34Kf", false);
  struct cpu *c = r->cpu;
  cp0_write(c, 12, 2, 3 << 12, false); /* SRSCtl.ESS = 3 */
  RIG_CODE_AT(r, 0x10000, ADDIU(5, 0, 55), SYSCALL, ADDIU(6, 5, 0), B(-1), NOP);
  rig_go(r, RIG_CODE);
  rig_run(r, 2);
  cr_assert_eq(rig_exception(r), EXC_SYS);
  cr_expect_eq(c->cp0.srsctl & 0xf, 3, "CSS");
  cr_expect_eq(c->cp0.srsctl >> 6 & 0xf, 0, "PSS");
  cr_expect_eq(c->gpr[5], 0, "the handler has its own $5");
  /* RDPGPR $7, $5; WRPGPR $6, $7; EPC += 4; ERET */
  uint64_t handler = c->j.pc & 0x1fffffff;
  RIG_CODE_AT(r, handler, 0x41400000 | 5 << 16 | 7 << 11, 0x41c00000 | 7 << 16 | 9 << 11, MFC0(8, C0_EPC),
              ADDIU(8, 8, 4), MTC0(8, C0_EPC), NOP, ERET);
  rig_go(r, c->j.pc); /* the vector no longer holds the loop that ended the run */
  rig_run(r, 9);
  cr_expect_eq(c->cp0.srsctl & 0xf, 0, "back in set 0");
  cr_expect_eq(c->gpr[5], 55);
  cr_expect_eq(c->gpr[6], 55);
  cr_expect_eq(c->gpr[9], 55, "WRPGPR wrote the interrupted program's $9");
  rig_free(r);
}

/* A load from a page with RI, a fetch from one with XI: TLBL, or codes of their own with PageGrain.IEC. */
Test(cp0, read_and_execute_inhibit) {
  for (int iec = 0; iec < 2; iec++) {
    struct rig *r = rig_new("MIPS64R2-full", false);
    struct cpu *c = r->cpu;
    cp0_write(c, 5, 1, (UINT64_C(3) << 30) | (uint64_t)iec << 27, false);
    rig_map(r, 0, 0x400000, 0x40000, 0, RIG_MAP_V | RIG_MAP_D | RIG_MAP_G | RIG_MAP_XI);
    rig_go(r, 0x400000);
    rig_run(r, 2);
    cr_expect_eq(rig_exception(r), iec ? EXC_TLBXI : EXC_TLBL);
    struct mmu_tlb_entry e = c->mmu.tlb[0];
    e.half[0].ri = true;
    mmu_tlb_write(&c->mmu, 0, &e);
    rig_status(r, c->cp0.status & ~(uint32_t)ST_EXL);
    RIG_CODE_AT(r, 0x10000, LW(2, 0, 1), B(-1), NOP);
    c->gpr[1] = 0x400000;
    rig_go(r, RIG_CODE);
    rig_run(r, 2);
    cr_expect_eq(rig_exception(r), iec ? EXC_TLBRI : EXC_TLBL);
    cr_expect_eq(c->cp0.badvaddr, 0x400000);
    rig_free(r);
  }
}

Test(cp0, count_stands_still_while_disabled) {
  struct rig *r = rig_new("24Kf", false);
  struct cpu *c = r->cpu;
  RIG_CODE_AT(r, 0x10000, ADDIU(2, 2, 1), B(-2), NOP);
  rig_go(r, RIG_CODE);
  rig_run(r, 100);
  cp0_write(c, C0_CAUSE, 0, 1 << 27, false);
  uint64_t stopped = cp0_read(c, C0_COUNT, 0);
  rig_run(r, 100);
  cr_expect_eq(cp0_read(c, C0_COUNT, 0), stopped);
  cp0_write(c, C0_CAUSE, 0, 0, false);
  rig_run(r, 100);
  cr_expect_eq(cp0_read(c, C0_COUNT, 0), stopped + 50, "two cycles a tick");
  rig_free(r);
}

Test(cp0, a_store_by_another_breaks_the_link) {
  for (int near = 0; near < 2; near++) {
    struct rig *r = rig_new("24Kf", false);
    RIG_CODE_AT(r, 0x10000, LL(2, 0, 1), ADDIU(3, 0, 1), SC(3, 0, 1), B(-1), NOP);
    r->cpu->gpr[1] = DATA_VA;
    rig_go(r, RIG_CODE);
    rig_run(r, 1);
    mips_stored_by_other(r->cpu, near ? DATA + 4 : DATA + 8, 4);
    rig_run(r, 4);
    cr_expect_eq(r->cpu->gpr[3], near ? 0 : 1);
    rig_free(r);
  }
}

Test(cp0, what_a_cpu_among_others_knows) {
  enum { EBASE = 15 << 3 | 1, GCRBASE = 15 << 3 | 3, CONFIG3 = 16 << 3 | 3 };
  static const struct {
    const char *model;
    uint64_t gcr, base;
    bool cm;
  } row[] = {{"MIPS32R2-multi", 0x16100000, 0x01610000, true},
             {"MIPS64R2-multi", 0x16100000, 0x01610000, true},
             {"MIPS64R2-multi", 0, 0, false}, /* on a board without a coherence manager */
             {"24Kf", 0, 0, false}};
  for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
    struct rig *r = rig_new(row[i].model, false);
    r->cpu->cfg.gcr = row[i].gcr;
    r->cpu->cfg.number = 5;
    mips_cpu_reset(r->cpu);
    cr_expect_eq(cp0_read(r->cpu, GCRBASE >> 3, GCRBASE & 7), row[i].base, "row %zu", i);
    cr_expect_eq(cp0_read(r->cpu, CONFIG3 >> 3, CONFIG3 & 7) >> 29 & 1, row[i].cm, "row %zu", i);
    cr_expect_eq((uint32_t)cp0_read(r->cpu, EBASE >> 3, EBASE & 7), 0x80000005, "row %zu", i);
    cp0_write(r->cpu, EBASE >> 3, EBASE & 7, 0x80123456, true);
    cr_expect_eq((uint32_t)cp0_read(r->cpu, EBASE >> 3, EBASE & 7), 0x80123005, "row %zu: CPUNum stays", i);
    rig_free(r);
  }
}

Test(cp0, waiting_with_interrupts_off) {
  static const struct {
    const char *model;
    uint32_t status;
    enum mips_stop want;
  } row[] = {
      {"24Kf", ST_IE | 0x8000, MIPS_STOP_WAIT},
      {"24Kf", 0x8000, MIPS_STOP_DEAD},
      {"24Kf", ST_IE, MIPS_STOP_DEAD},
      {"MIPS32R2-multi", ST_IE | 0x8000, MIPS_STOP_WAIT},
      {"MIPS32R2-multi", 0x8000, MIPS_STOP_WAIT}, /* Config7.WII: what the mask lets through wakes it */
      {"MIPS32R2-multi", 0, MIPS_STOP_DEAD},
  };
  for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
    struct rig *r = rig_new(row[i].model, false);
    RIG_CODE_AT(r, 0x10000, 0x42000020, B(-1), NOP);
    rig_status(r, row[i].status);
    rig_go(r, RIG_CODE);
    cr_expect_eq(rig_run(r, 1000), row[i].want, "row %zu", i);
    rig_free(r);
  }
}
