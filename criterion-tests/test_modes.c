/* criterion-tests/test_modes.c: a de-privileged run is the same run, and what it may not do really traps. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "criterion-tests/encode.h"
#include "criterion-tests/harness.h"
#include "jit/faults.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

enum { DATA = 0x20000, MAPPED = 0x400000, TIMES = 200, CYCLES = 100000, HIT_WRITEBACK = 0x15, SWL_OP = 0x2a };

static struct rig *rig_in_mode(const char *model, bool big, bool trap, unsigned machine_tlb) {
  struct rig *r = rig_new(model, big);
  struct cpu_config cfg = r->cpu->cfg;
  if (!trap) return r;
  mips_cpu_fini(r->cpu);
  cfg.trap = true;
  cfg.machine_tlb = machine_tlb;
  jit_set_exact(r->jit);
  cr_assert_eq(mips_cpu_init(r->cpu, &cfg), 0);
  rig_reset(r);
  return r;
}

/* Every kind of thing that traps, TIMES times, and what makes the machine TLB forget. */
static void prepare(struct rig *r) {
  const uint32_t loop[] = {LW(5, 0, 1),
                           SW(5, 4, 1),
                           LW(5, 8, 2) /* kseg1 */,
                           SW(5, 8, 2),
                           LW(5, 0, 3) /* device */,
                           SW(5, 0, 3),
                           LW(5, 0, 9) /* mapped */,
                           SW(5, 4, 9),
                           MFC0(6, C0_STATUS),
                           MFC0(6, C0_COUNT),
                           MFC0(6, C0_EPC),
                           MTC0(6, C0_EPC),
                           TLBP,
                           TLBWI,
                           DI,
                           EI,
                           CACHE(HIT_WRITEBACK, 0, 1),
                           LL(7, 0, 1),
                           SC(7, 0, 1),
                           enc_i(SWL_OP, 1, 5, 2),
                           SYSCALL,
                           LW(5, 1, 1) /* unaligned */,
                           SW(5, 0, 10) /* not mapped */,
                           ADDIU(4, 4, -1)};
  enum { N = sizeof loop / sizeof *loop };
  uint64_t end = rig_code(r, 0x10000, loop, N);
  RIG_CODE_AT(r, end, BNE(4, 0, -N - 1), MFC0(6, C0_CAUSE) /* in a slot */, B(-1), NOP);
  for (uint64_t v = 0; v <= 0x180; v += 0x80)
    RIG_CODE_AT(r, v, MFC0(26, C0_EPC), ADDIU(26, 26, 4), MTC0(26, C0_EPC), ERET);
  rig_map(r, 5, MAPPED, DATA, 0, RIG_MAP_V | RIG_MAP_D | RIG_MAP_G);
  r->cpu->gpr[1] = KSEG0(DATA), r->cpu->gpr[2] = KSEG1(DATA), r->cpu->gpr[3] = KSEG1(RIG_DEVICE);
  r->cpu->gpr[4] = TIMES, r->cpu->gpr[9] = MAPPED, r->cpu->gpr[10] = 0x10000000;
  rig_go(r, RIG_CODE);
}

static void check_traps(const struct cpu *c, unsigned machine_tlb) {
  enum { PRIVILEGED = 10 /* in the loop */ + 3 * 3 /* in handlers */ };
  const struct {
    enum mips_trap kind;
    uint64_t times;
  } want[] = {{MIPS_TRAP_PRIVILEGED, PRIVILEGED * TIMES},
              {MIPS_TRAP_KSEG0, machine_tlb ? 1 : 5 * TIMES},
              {MIPS_TRAP_KSEG1, 2 * TIMES},
              {MIPS_TRAP_DEVICE, 2 * TIMES},
              {MIPS_TRAP_FORWARDED, 2 * TIMES},
              {MIPS_TRAP_REFLECTED, TIMES}};
  for (size_t i = 0; i < sizeof want / sizeof *want; i++)
    cr_expect_eq(c->traps.count[want[i].kind], want[i].times, "%s: %lu, not %lu", mips_trap_name[want[i].kind],
                 (unsigned long)c->traps.count[want[i].kind], (unsigned long)want[i].times);
  cr_expect_geq(c->traps.count[MIPS_TRAP_MAPPED], 1);
  cr_expect_gt(mips_trap_ns(c, MIPS_TRAP_PRIVILEGED), 0);
  cr_expect_eq(c->traps.from, 0, "all are done with");
}

Test(modes, a_run_with_traps_is_the_same_run) {
  static const char *const model[] = {"24Kf", "MIPS64R2-generic"};
  static const unsigned machine_tlb[] = {0, 64, 1};
  for (int k = 0; k < 4; k++) {
    struct rig *bare = rig_in_mode(model[k / 2], k % 2, false, 0);
    prepare(bare);
    rig_run(bare, CYCLES);
    for (int t = 0; t < 3; t++) {
      struct rig *r = rig_in_mode(model[k / 2], k % 2, true, machine_tlb[t]);
      prepare(r);
      rig_run(r, CYCLES);
      cr_expect_eq(rig_hash(r), rig_hash(bare), "%s, %u entries: it is another run", model[k / 2], machine_tlb[t]);
      cr_expect_eq(r->accesses, bare->accesses);
      cr_expect_eq(memcmp(r->seen, bare->seen, sizeof r->seen), 0, "devices see something else");
      if (machine_tlb[t] != 1) check_traps(r->cpu, machine_tlb[t]);
      rig_free(r);
    }
    rig_free(bare);
  }
}

/* Pages more than the machine TLB has entries: the same number of traps in every tier, fewer with more entries. */
Test(modes, the_machine_tlb_decides_what_traps) {
  const uint32_t loop[] = {LW(5, 0, 1), ADDIU(1, 1, 0x2000), SW(5, 16, 1), LW(5, 0, 2), ADDIU(4, 4, -1)};
  enum { N = sizeof loop / sizeof *loop, PAIRS = 100 };
  static const struct {
    unsigned entries;
    uint64_t traps;
  } row[] = {{0, 3 * PAIRS}, {1, 0}, {8, 0}, {1024, 0}};
  uint64_t last = 3 * PAIRS + 1;
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    struct rig *r = rig_in_mode("24Kf", false, true, row[i].entries);
    uint64_t end = rig_code(r, 0x10000, loop, N);
    RIG_CODE_AT(r, end, BNE(4, 0, -N - 1), NOP, B(-1), NOP);
    r->cpu->gpr[1] = KSEG0(0x100000), r->cpu->gpr[2] = KSEG0(DATA), r->cpu->gpr[4] = PAIRS;
    rig_go(r, RIG_CODE);
    rig_run(r, 10000);
    uint64_t traps = r->cpu->traps.count[MIPS_TRAP_KSEG0];
    if (row[i].traps) cr_expect_eq(traps, row[i].traps);
    if (row[i].entries == 1) cr_expect_eq(traps, 3 * PAIRS, "each goes to another pair: %lu", (unsigned long)traps);
    if (row[i].entries == 1024) cr_expect_eq(traps, PAIRS + 2, "each pair once: %lu", (unsigned long)traps);
    cr_expect_leq(traps, last);
    last = traps;
    rig_free(r);
  }
}

/* A user's accesses are let through by the machine TLB, by ASID; a TLB entry that the guest replaces takes its pages
 * out of there. */
Test(modes, users_pages_go_with_their_asid) {
  struct rig *r = rig_in_mode("24Kf", false, true, 64);
  const uint32_t word[] = {LW(5, 0, 9), LW(5, 0, 9), SYSCALL};
  rig_code(r, 0x30000, word, 3);
  rig_map(r, 6, 0x500000, 0x30000, 0, RIG_MAP_V | RIG_MAP_G);
  for (unsigned asid = 1; asid < 3; asid++) rig_map(r, asid, MAPPED, DATA + 0x4000 * asid, (uint8_t)asid, RIG_MAP_V);
  r->cpu->gpr[9] = MAPPED;
  static const struct {
    uint8_t asid;
    bool again; /* the guest writes its entry again, with another page */
    unsigned traps;
  } row[] = {{1, false, 1}, {2, false, 2}, {1, false, 2}, {2, false, 2}, {1, true, 3}, {2, false, 3}};
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    if (row[i].again) rig_map(r, row[i].asid, MAPPED, DATA + 0x10000, row[i].asid, RIG_MAP_V);
    rig_poke(r, row[i].again ? DATA + 0x10000 : DATA + 0x4000u * row[i].asid, i + 7, 4);
    r->cpu->cp0.entryhi = row[i].asid;
    rig_status(r, ST_USER);
    rig_go(r, 0x500000);
    rig_run(r, 3);
    cr_expect_eq(rig_exception(r), EXC_SYS, "row %zu", i);
    cr_expect_eq(r->cpu->gpr[5], i + 7, "row %zu", i);
    cr_expect_eq(r->cpu->traps.count[MIPS_TRAP_MAPPED], row[i].traps, "row %zu: %lu traps", i,
                 (unsigned long)r->cpu->traps.count[MIPS_TRAP_MAPPED]);
  }
  cr_expect_eq(r->cpu->traps.count[MIPS_TRAP_REFLECTED], sizeof row / sizeof *row);
  rig_free(r);
}

/* Traps are answered where they stand; other faults go to the handler that the process had. */
static volatile sig_atomic_t others;
static void other(int signal) {
  others++;
  sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
}
Test(modes, traps_are_no_other_faults, .signal = SIGILL) {
  struct sigaction a = {.sa_handler = other};
  uint8_t *window;
  sigaction(SIGILL, &a, NULL);
  faults_allow_traps();
  struct mmu_view *shut = mmu_view_new(32, &window);
  cr_assert_not_null(shut);
  uint64_t before = faults_ticks();
  cr_expect_geq(faults_trap(), before);
  for (int write = 0; write < 2; write++) cr_expect_geq(faults_touch(window + 0x80000123, write), before);
  cr_expect_eq(others, 0);
  mmu_view_free(shut);
  __builtin_trap(); /* asks `other`, runs again, and ends the test by the signal */
}
