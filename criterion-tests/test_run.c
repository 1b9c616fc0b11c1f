/* criterion-tests/test_run.c: exceptions in delay slots, exact interrupts, device time, LL/SC, WAIT, dead ends. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Each program runs on a 32-bit cpu of either byte order and on a 64-bit one, and wherever time matters with its time
 * cut into slices of every length from 1 up: the same state must be there at each deadline. */
#include "criterion-tests/encode.h"
#include "criterion-tests/harness.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

static const struct {
  const char *model;
  bool big;
} machines[] = {{"24Kf", false}, {"24Kf", true}, {"MIPS64R2-generic", false}, {"MIPS64R2-generic", true}};
enum { MACHINES = sizeof machines / sizeof machines[0] };

static struct rig *rig;
static void unmake(void) {
  rig_free(rig);
  rig = NULL;
}
static void make(unsigned machine) {
  unmake();
  rig = rig_new(machines[machine].model, machines[machine].big);
}
TestSuite(run, .fini = unmake);

static uint64_t *gpr(void) {
  return rig->cpu->gpr;
}
#define LI(rt, v) LUI(rt, (v) >> 16), ORI(rt, rt, (v)&0xffff)
enum { CODE = 0x10000, DATA = 0x20000 };

/* --- exceptions in delay slots (PRA vol. III, Cause.BD and EPC) --- */

struct branch_row {
  const char *name;
  uint32_t word; /* placed at RIG_CODE; $1 = 1, $2 = -1, $3 = RIG_CODE + 0x40, condition code 0 set */
  bool slot_runs;
  unsigned link; /* register that holds RIG_CODE + 8 afterwards, 0: none */
};
static struct branch_row branches[] = {
    {"beq taken", 0, true, 0},
    {"beq not taken", 0, true, 0},
    {"beql taken", 0, true, 0},
    {"beql not taken", 0, false, 0},
    {"j", 0, true, 0},
    {"jal", 0, true, 31},
    {"jr", 0, true, 0},
    {"jalr", 0, true, 7},
    {"bgezal taken", 0, true, 31},
    {"bgezal not taken", 0, true, 31},
    {"bltzall taken", 0, true, 31},
    {"bltzall not taken", 0, false, 31},
    {"bc1t taken", 0, true, 0},
    {"bc1fl not taken", 0, false, 0},
};
enum { BRANCHES = sizeof branches / sizeof branches[0] };
static void fill_branches(void) {
  const uint32_t word[BRANCHES] = {
      BEQ(0, 0, 15),
      BEQ(0, 1, 15),
      BEQL(1, 1, 15),
      BEQL(0, 1, 15),
      J(RIG_CODE + 0x40),
      JAL(RIG_CODE + 0x40),
      JR(3),
      JALR(7, 3),
      0x04110000u | 1u << 21 | 15,
      0x04110000u | 2u << 21 | 15,
      0x04120000u | 2u << 21 | 15,
      0x04120000u | 1u << 21 | 15,
      0x45010000u | 15,
      0x45020000u | 15,
  };
  for (int i = 0; i < BRANCHES; i++) branches[i].word = word[i];
}

struct slot_row {
  const char *name;
  uint32_t word; /* $4 = 0x7fffffff, $5 = unmapped, $6 = misaligned RAM */
  enum mips_exc code;
  uint64_t badvaddr;
};
static const uint64_t unmapped = 0x00400000, misaligned = KSEG0(DATA) + 2;
enum { SLOTS = 10 };
static void fill_slots(struct slot_row s[SLOTS]) {
  const struct slot_row all[SLOTS] = {
      {"add overflow", ADD(8, 4, 4), EXC_OV, 0},
      {"addi overflow", ADDI(8, 4, 1), EXC_OV, 0},
      {"teq", TEQ(0, 0), EXC_TR, 0},
      {"syscall", SYSCALL, EXC_SYS, 0},
      {"break", BREAK, EXC_BP, 0},
      {"reserved", 0x00000005u, EXC_RI, 0}, /* SPECIAL, function 5 */
      {"lw miss", LW(8, 0x10, 5), EXC_TLBL, unmapped + 0x10},
      {"sw miss", SW(8, 0x14, 5), EXC_TLBS, unmapped + 0x14},
      {"lw misaligned", LW(8, 0, 6), EXC_ADEL, misaligned},
      {"branch in slot", BEQ(0, 0, 4), EXC_RI, 0},
  };
  memcpy(s, all, sizeof all);
  s[5] =
      (struct slot_row){"reserved", 0x0000003au | 31u << 21 | 1u << 6 | 0x05u, EXC_RI, 0}; /* SPECIAL, function 0x3f */
  s[5].word = 0x00000005u; /* SPECIAL function 5 is reserved in all our sets */
}

static void set_up_branch(const struct branch_row *b, uint32_t slot) {
  rig_reset(rig);
  rig_write(rig, CODE, (uint8_t[256]){0}, 256);
  RIG_CODE_AT(rig, CODE, b->word, slot, ADDIU(9, 9, 1), B(-1), NOP);
  RIG_CODE_AT(rig, CODE + 0x40, ADDIU(10, 10, 1), B(-1), NOP);
  uint64_t *r = gpr();
  r[1] = 1, r[2] = UINT64_MAX, r[3] = RIG_CODE + 0x40, r[4] = 0x7fffffff, r[5] = unmapped, r[6] = misaligned;
  mips_set_fcsr(rig->cpu, MIPS_FCSR_FCC0);
  r[8] = 88;
}

Test(run, exceptions_in_delay_slots) {
  struct slot_row slot[SLOTS];
  fill_branches();
  fill_slots(slot);
  for (unsigned m = 0; m < MACHINES; m++) {
    make(m);
    for (int b = 0; b < BRANCHES; b++)
      for (int s = 0; s < SLOTS; s++)
        for (int alone = 0; alone < 2; alone++) {
          const struct branch_row *br = &branches[b];
          set_up_branch(br, slot[s].word);
          if (alone)
            while (rig->cpu->j.pc == RIG_CODE) rig_run(rig, 1);
          else
            rig_run(rig, 20);
          const struct mips_cp0 *p = &rig->cpu->cp0;
          if (!br->slot_runs) {
            cr_expect_eq(rig_exception(rig), -1, "%s, %s: not executed", br->name, slot[s].name);
            if (br->link) cr_expect_eq(gpr()[br->link], RIG_CODE + 8);
            continue;
          }
          cr_expect_eq(rig_exception(rig), (int)slot[s].code, "%s, %s: %d", br->name, slot[s].name, rig_exception(rig));
          cr_expect_eq(p->epc, RIG_CODE, "%s, %s", br->name, slot[s].name);
          cr_expect_eq(p->cause >> 31, 1, "%s, %s", br->name, slot[s].name);
          cr_expect_eq(gpr()[8], 88, "%s, %s: the slot wrote", br->name, slot[s].name);
          if (slot[s].badvaddr) cr_expect_eq(p->badvaddr, slot[s].badvaddr);
          if (br->link) cr_expect_eq(gpr()[br->link], RIG_CODE + 8, "%s, %s: link", br->name, slot[s].name);
        }
  }
}

/* After the handler has repaired the cause, branch and slot run again. */
Test(run, a_repaired_slot_runs_with_its_branch) {
  for (unsigned m = 0; m < MACHINES; m++) {
    make(m);
    RIG_CODE_AT(rig, 0x180, ADDIU(4, 0, 5), ERET);
    RIG_CODE_AT(rig, CODE, ADDIU(9, 9, 1), BEQ(0, 0, 2), ADDI(8, 4, 1), ADDIU(9, 9, 100), B(-1), NOP);
    gpr()[4] = 0x7fffffff;
    rig_run(rig, 40);
    cr_expect_eq(gpr()[8], 6);
    cr_expect_eq(gpr()[9], 1);
    cr_expect_eq(rig->cpu->j.pc, RIG_CODE + 16);
  }
}

/* Not the slot but the branch itself raises: no BD. */
Test(run, exceptions_of_branches) {
  make(0);
  rig_status(rig, ST_CU0);
  RIG_CODE_AT(rig, CODE, NOP, 0x45010000u | 2, NOP, B(-1), NOP); /* bc1t without CU1 */
  rig_run(rig, 20);
  cr_expect_eq(rig_exception(rig), EXC_CPU);
  cr_expect_eq(rig->cpu->cp0.epc, RIG_CODE + 4);
  cr_expect_eq(rig->cpu->cp0.cause & 0xb0000000, 0x10000000, "no BD, CE 1");
}

/* --- fetch --- */

Test(run, exceptions_of_the_fetch) {
  static const struct {
    uint64_t to, status;
    enum mips_exc code;
    uint64_t vector;
  } row[] = {
      {RIG_CODE + 2, 0, EXC_ADEL, KSEG0(0x180)},     {0x00400000, 0, EXC_TLBL, KSEG0(0x000)},
      {0x00400000, ST_EXL, EXC_TLBL, KSEG0(0x180)},  {RIG_CODE, ST_USER, EXC_ADEL, KSEG0(0x180)},
      {KSEG1(RIG_DEVICE), 0, EXC_IBE, KSEG0(0x180)},
  };
  for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
    make(0);
    RIG_CODE_AT(rig, CODE, JR(3), NOP, B(-1), NOP);
    gpr()[3] = row[i].to;
    rig_status(rig, ST_CU0 | (uint32_t)row[i].status);
    if (row[i].status == ST_USER) rig_go(rig, row[i].to);
    rig_run(rig, 10);
    cr_expect_eq(rig_exception(rig), (int)row[i].code, "row %zu: %d", i, rig_exception(rig));
    cr_expect_eq(rig->cpu->j.pc, row[i].vector, "row %zu", i);
    if (!(row[i].status & ST_EXL)) cr_expect_eq(rig->cpu->cp0.epc, row[i].to, "row %zu", i);
    if (row[i].code != EXC_IBE) cr_expect_eq(rig->cpu->cp0.badvaddr, row[i].to, "row %zu", i);
  }
}

/* EntryHi, Context, XContext and the vector of a TLB refill (PRA vol. III, "TLB Refill and XTLB Refill"). */
Test(run, refill_registers) {
  uint64_t va = UINT64_C(0x12345678);
  make(0);
  rig->cpu->cp0.entryhi = 0x5a;
  rig->cpu->cp0.context = 0xff800000;
  RIG_CODE_AT(rig, CODE, LW(8, 0, 1), B(-1), NOP);
  gpr()[1] = va;
  rig_run(rig, 10);
  cr_expect_eq(rig->cpu->j.pc, KSEG0(0));
  cr_expect_eq(rig->cpu->cp0.entryhi, 0x1234405a);
  cr_expect_eq(rig->cpu->cp0.context, 0xff800000 | (va >> 13) << 4);
  make(2);
  va = UINT64_C(0x4000012345678000);
  rig->cpu->cp0.entryhi = 0x5a;
  RIG_CODE_AT(rig, CODE, LW(8, 0, 1), B(-1), NOP);
  gpr()[1] = va;
  rig_run(rig, 10);
  cr_expect_eq(rig->cpu->j.pc, KSEG0(0x80));
  cr_expect_eq(rig->cpu->cp0.entryhi, 0x400001234567805a);
  unsigned seg = rig->cpu->cfg.model->segbits; /* XContext: R above BadVPN2, which is SEGBITS - 13 bits */
  cr_expect_eq(rig->cpu->cp0.xcontext, UINT64_C(1) << (seg - 13 + 4) | (UINT64_C(0x12345678000) >> 13) << 4);
}

/* --- time: the same state at each deadline however time is cut --- */

enum { LONG = 420, HANDLER = 0x180 };

/* Loops, calls, likely branches, memory, a division, an overflow and a page crossing: 0x10ff0 to 0x11010. */
static void program(void) {
  RIG_CODE_AT(rig, CODE, LI(20, 0x80020000u), ADDIU(16, 0, 0), ADDIU(17, 0, 13),  /* */
              ADDIU(16, 16, 1), SW(16, 0, 20), BNE(16, 17, -3), ADDIU(20, 20, 4), /* loop with a working slot */
              J(CODE + 0xff0), ADDIU(21, 0, 3));
  RIG_CODE_AT(rig, CODE + 0xff0, LW(2, -4, 20), ADDU(3, 2, 16), XOR(4, 3, 2), JAL(CODE + 0x1100), /* slot: next page */
              ADDIU(5, 4, 7), BNEL(21, 0, -6), ADDIU(21, 21, -1), BEQL(0, 1, 4), ADDIU(9, 9, 1), J(CODE), NOP);
  RIG_CODE_AT(rig, CODE + 0x1100, MTLO(5), MFLO(6), SB(6, 1, 20), LBU(7, 1, 20), JR(31), ADDU(8, 8, 7));
}

/* Counts interrupts in $27 and sets the next one 29 ticks ahead. */
static void timer_handler(void) {
  RIG_CODE_AT(rig, HANDLER, ADDIU(27, 27, 1), MFC0(26, C0_COUNT), ADDIU(26, 26, 29), MTC0(26, C0_COMPARE), ERET);
}

/* Counts in $27 and masks the line. */
static void line_handler(void) {
  RIG_CODE_AT(rig, HANDLER, ADDIU(27, 27, 1), MFC0(26, C0_STATUS), XORI(26, 26, 0x800), MTC0(26, C0_STATUS), ERET);
}

static void start(unsigned m, bool timer, bool lines) {
  make(m);
  program();
  if (timer) {
    timer_handler();
    rig_status(rig, rig->cpu->cp0.status | ST_IE | 0x8000);
    rig->cpu->cp0.compare = 20;
    mips_timer_rearm(rig->cpu, rig_now(rig));
  }
  if (lines) {
    line_handler();
    rig_status(rig, rig->cpu->cp0.status | ST_IE | 0x0800);
  }
}

/* Lines raised and lowered by the outside at certain times. */
static void outside(uint64_t at, bool lines) {
  if (!lines) return;
  if (at == 105) mips_irq_set(rig->cpu, 1, 1);
  if (at == 210) mips_irq_set(rig->cpu, 1, 0);
}

static void run_to(uint64_t deadline) {
  while (rig_now(rig) < deadline) cr_assert_eq(mips_run(rig->cpu, deadline), MIPS_STOP_TIME);
}

static void same_in_slices(unsigned m, bool timer, bool lines, const char *what) {
  uint64_t want[LONG + 1], pc[LONG + 1];
  start(m, timer, lines);
  for (uint64_t t = 1; t <= LONG; t++) {
    run_to(t);
    outside(t, lines);
    want[t] = rig_hash(rig), pc[t] = rig->cpu->j.pc;
  }
  cr_assert_geq(gpr()[27], timer ? 4u : lines ? 1u : 0u, "interrupts come");
  for (unsigned slice = 2; slice <= LONG; slice += slice < 12 ? 1 : 17) {
    start(m, timer, lines);
    for (uint64_t t = 0; t < LONG;) {
      uint64_t next = t + slice;
      for (uint64_t event = 105; event <= 210; event += 105)
        if (lines && t < event && event < next) next = event;
      if (next > LONG) next = LONG;
      run_to(next);
      outside(next, lines);
      t = next;
      cr_assert_eq(rig_hash(rig), want[t],
                   "%s: machine %u slices of %u, time %" PRIu64 ": pc %" PRIx64 ", not %" PRIx64, what, m, slice, t,
                   rig->cpu->j.pc, pc[t]);
    }
  }
}

Test(run, time_cut_into_slices) {
  for (unsigned m = 0; m < MACHINES; m++) same_in_slices(m, false, false, "plain");
}
Test(run, timer_interrupts_land_on_the_same_instruction) {
  for (unsigned m = 0; m < MACHINES; m++) same_in_slices(m, true, false, "timer");
}
Test(run, outside_interrupts_land_on_the_same_instruction) {
  for (unsigned m = 0; m < MACHINES; m++) same_in_slices(m, false, true, "lines");
}

/* The tracer runs unit by unit and must not be noticed. */
Test(run, tracing_changes_nothing) {
  start(0, true, false);
  run_to(LONG);
  uint64_t want = rig_hash(rig);
  start(0, true, false);
  FILE *null = fopen("/dev/null", "w");
  rig->cpu->cfg.trace_insn = null;
  run_to(LONG);
  cr_expect_eq(rig_hash(rig), want);
  fclose(null);
}

/* An interrupt never comes between a branch and its slot: EPC is the unit after. */
Test(run, interrupts_fall_between_units) {
  for (uint64_t at = 1; at < 12; at++) {
    make(0);
    RIG_CODE_AT(rig, CODE, NOP, NOP, BEQ(0, 0, 3), ADDIU(2, 2, 1), NOP, NOP, ADDIU(3, 3, 1), BNE(0, 0, -3), NOP, NOP,
                NOP, NOP, NOP, NOP, B(-1), NOP);
    rig_status(rig, ST_CU0 | ST_IE | 0x0400);
    run_to(at);
    mips_irq_set(rig->cpu, 0, 1);
    uint64_t pc = rig->cpu->j.pc;
    rig_run(rig, 1);
    cr_expect_eq(rig->cpu->cp0.epc, pc, "at %" PRIu64, at);
    cr_expect_eq(rig->cpu->cp0.cause >> 31, 0);
    cr_expect(pc != RIG_CODE + 12 && pc != RIG_CODE + 32, "at %" PRIu64, at);
    cr_expect_eq(gpr()[2], pc >= RIG_CODE + 16, "at %" PRIu64, at);
  }
}

/* What enables an interrupt does so for the very next unit, be it behind a branch whose slot it stood in. */
Test(run, an_interrupt_is_taken_where_it_is_enabled) {
  for (unsigned slice = 1; slice < 16; slice += 2)
    for (int how = 0; how < 4; how++) {
      make(0);
      rig_status(rig, ST_CU0 | 0x0400);
      mips_irq_set(rig->cpu, 0, 1);
      uint32_t enable = how & 1 ? EI : MTC0(5, C0_STATUS);
      gpr()[5] = ST_CU0 | 0x0401;
      RIG_CODE_AT(rig, CODE, NOP, how & 2 ? BEQ(0, 0, 3) : NOP, enable & ~(how & 1 ? 0x1f0000u : 0u), ADDIU(3, 3, 1),
                  ADDIU(3, 3, 1), ADDIU(3, 3, 1), B(-1), NOP);
      while (rig_now(rig) < 20 && rig_run(rig, slice) == MIPS_STOP_TIME) {
      }
      cr_expect_eq(rig_exception(rig), EXC_INT, "way %d", how);
      cr_expect_eq(rig->cpu->cp0.epc, RIG_CODE + (how & 2 ? 20 : 12), "way %d: %" PRIx64, how, rig->cpu->cp0.epc);
      cr_expect_eq(gpr()[3], 0);
    }
}

/* Count is exact in the middle of a block, in a slot, and after a fault. */
Test(run, count_is_exact) {
  static const unsigned at[] = {3, 8, 10, 14};
  for (unsigned slice = 1; slice < 20; slice++) {
    make(0);
    rig->cpu->cp0.count_base = 1000;
    RIG_CODE_AT(rig, CODE, NOP, NOP, NOP, MFC0(2, C0_COUNT), NOP, NOP, NOP, BEQ(0, 0, 1), MFC0(3, C0_COUNT), NOP,
                MFC0(4, C0_COUNT), NOP, SYSCALL, B(-1), NOP);
    RIG_CODE_AT(rig, HANDLER, NOP, MFC0(5, C0_COUNT), B(-1), NOP);
    while (rig_now(rig) < 30 && rig_run(rig, slice) == MIPS_STOP_TIME) {
    }
    unsigned ccres = rig->cpu->cfg.model->ccres;
    for (int k = 0; k < 4; k++)
      cr_expect_eq(gpr()[2 + k], 1000 + at[k] / ccres, "register %d, slices of %u: %" PRIu64, 2 + k, slice,
                   gpr()[2 + k]);
  }
}

/* --- devices --- */

/* Accesses in the middle of a block, in a slot, in a loop; each is seen once, at its time, whatever the slices. */
Test(run, devices_see_exact_time) {
  static const uint64_t times[] = {5, 6, 9, 13, 16, 19, 23};
  for (unsigned m = 0; m < MACHINES; m++)
    for (unsigned slice = 1; slice < 40; slice += 3)
      for (uint64_t stall = 0; stall < 50; stall += 49) {
        make(m);
        rig->stall = stall;
        RIG_CODE_AT(rig, CODE, LI(1, 0xbf000000u), NOP, ADDIU(3, 0, 3), NOP, LW(2, 0, 1), SW(3, 4, 1), /* 5, 6 */
                    NOP, BEQ(0, 0, 1), SB(3, 8, 1), NOP,                                               /* 9 */
                    ADDIU(3, 3, -1), BNE(3, 0, -2), LB(4, 12, 1),                                      /* 13, 16, 19 */
                    NOP, NOP, NOP, SW(0, 0, 1), B(-1), NOP);
        while (rig_now(rig) < 30 + 8 * stall && rig_run(rig, slice) == MIPS_STOP_TIME) {
        }
        cr_assert_eq(rig->accesses, 7, "machine %u slices of %u: %u accesses", m, slice, rig->accesses);
        for (unsigned k = 0; k < 7; k++)
          cr_expect_eq(rig->seen[k].now, times[k] + k * stall, "machine %u slices of %u access %u: %" PRIu64, m, slice,
                       k, rig->seen[k].now);
        cr_expect_eq(gpr()[2], 5);
        cr_expect_eq(rig->seen[2].size, 1);
        cr_expect_eq(mips_instructions(rig->cpu), rig_now(rig) - 7 * stall);
      }
}

/* The interrupt of an access is taken right after it, or after the branch whose slot it was. */
Test(run, a_device_interrupts_at_the_next_unit) {
  for (unsigned slice = 1; slice < 20; slice++)
    for (int in_slot = 0; in_slot < 2; in_slot++) {
      make(1);
      rig->raises = true;
      rig_status(rig, ST_CU0 | ST_IE | 0x0400);
      RIG_CODE_AT(rig, CODE, LI(1, 0xbf000000u), NOP, in_slot ? BEQ(0, 0, 3) : NOP, LW(2, 0, 1), ADDIU(3, 3, 1),
                  ADDIU(3, 3, 2), ADDIU(3, 3, 4), B(-1), NOP);
      while (rig_now(rig) < 20 && rig_run(rig, slice) == MIPS_STOP_TIME) {
      }
      cr_expect_eq(rig_exception(rig), EXC_INT);
      cr_expect_eq(rig->cpu->cp0.epc, RIG_CODE + (in_slot ? 28 : 20), "slices of %u: %" PRIx64, slice,
                   rig->cpu->cp0.epc);
      cr_expect_eq(gpr()[3], 0);
      cr_expect_eq(rig->accesses, 1);
    }
}

/* --- load linked, store conditional --- */

Test(run, store_conditional) {
  for (unsigned m = 0; m < MACHINES; m++) {
    make(m);
    RIG_CODE_AT(rig, CODE, LI(1, 0x80020000u), ADDIU(2, 0, 7), LL(3, 0, 1), SC(2, 0, 1), /* stores */
                ADDIU(4, 0, 8), SC(4, 0, 1),                                             /* the link is used up */
                ADDIU(5, 0, 9), LL(3, 0, 1), SC(5, 4, 1),                                /* another address */
                B(-1), NOP);
    rig_poke(rig, DATA, 0x11, 4);
    rig_run(rig, 40);
    cr_expect_eq(gpr()[2], 1);
    cr_expect_eq(gpr()[4], 0);
    cr_expect_eq(gpr()[5], 0);
    cr_expect_eq(gpr()[3], 7);
    cr_expect_eq(rig_peek(rig, DATA, 4), 7);
    cr_expect_eq(rig_peek(rig, DATA + 4, 4), 0);
  }
}

/* A device is accessed within the block, and stores to the word: what SC finds is not what LL left. */
Test(run, a_device_breaks_the_link) {
  for (unsigned m = 0; m < MACHINES; m++)
    for (unsigned near = 0; near < 2; near++) {
      make(m);
      RIG_CODE_AT(rig, CODE, LI(1, 0x80020000u), LI(6, 0xbf000000u), LL(3, 0, 1), SW(0, 0, 6), LL(4, 0, 1),
                  ADDIU(4, 4, 1), SC(4, 0, 1), LL(3, 0, 1), SW(0, 0, 6), ADDIU(3, 3, 1), SC(3, 0, 1), ADDU(7, 7, 3),
                  ADDIU(5, 5, 1), enc_i(0x0b, 5, 2, 50) /* SLTIU */, BNE(2, 0, -13), NOP, B(-1), NOP);
      rig->dma = near ? DATA + 4 : DATA + 8;
      rig_run(rig, 1000);
      cr_expect_eq(gpr()[5], 50);
      cr_expect_eq(gpr()[4], 1, "LL has linked again");
      cr_expect_eq(gpr()[7], near ? 0 : 50);
      cr_expect_eq(rig_peek(rig, DATA, 4), near ? 50 : 100);
    }
}

/* LLAddr tells where the address led when it was linked to, whatever has become of it. */
Test(run, lladdr_of_a_page_that_is_gone) {
  for (unsigned m = 0; m < MACHINES; m++) {
    make(m);
    RIG_CODE_AT(rig, CODE, LL(3, 4, 1), MTC0(0, 10 /* EntryHi */), TLBWI, MFC0(5, 17 /* LLAddr */), B(-1), NOP);
    rig_map(rig, 0, 0x2000, DATA, 0, RIG_MAP_V | RIG_MAP_D | RIG_MAP_G);
    gpr()[1] = 0x2000;
    rig_run(rig, 10);
    cr_expect_eq(gpr()[5], (DATA + 4) >> 4);
    cr_expect_eq(rig->cpu->j.pc, RIG_CODE + 16);
  }
}

/* "An ERET between them: the SC fails" (MIPS64 vol. II, SC), wherever the exception came in. */
Test(run, store_conditional_after_eret_fails) {
  for (unsigned m = 0; m < MACHINES; m++)
    for (uint64_t at = 2; at < 9; at++) {
      make(m);
      RIG_CODE_AT(rig, HANDLER, MFC0(26, C0_STATUS), ANDI(27, 26, 2), ORI(26, 26, 0xc01), XORI(26, 26, 0xc01),
                  MTC0(26, C0_STATUS), ERET);
      RIG_CODE_AT(rig, CODE, LI(1, 0x80020000u), LL(3, 0, 1), NOP, NOP, ADDIU(3, 3, 1), SC(3, 0, 1), B(-1), NOP);
      rig_status(rig, rig->cpu->cp0.status | ST_IE | 0x0400);
      run_to(at);
      mips_irq_set(rig->cpu, 0, 1);
      rig_run(rig, 40);
      bool between = at >= 3 && at < 7; /* after the LL at 2, before the SC at 6 */
      cr_expect_eq(gpr()[27], 2, "the handler has run");
      cr_expect_eq(rig_peek(rig, DATA, 4), !between, "machine %u, interrupt at %" PRIu64, m, at);
      if (at < 7) cr_expect_eq(gpr()[3], !between);
    }
}

Test(run, a_faulting_store_conditional) {
  make(0);
  RIG_CODE_AT(rig, CODE, LL(3, 0, 1), SC(3, 0, 1), B(-1), NOP);
  rig_map(rig, 0, 0x2000, DATA, 0, RIG_MAP_V | RIG_MAP_G); /* not dirty */
  gpr()[1] = 0x2000;
  gpr()[3] = 5;
  rig_run(rig, 10);
  cr_expect_eq(rig_exception(rig), EXC_MOD);
  cr_expect_eq(rig->cpu->cp0.epc, RIG_CODE + 4);
  cr_expect_eq(rig->cpu->cp0.badvaddr, 0x2000);
}

/* --- waiting and dying --- */

Test(run, wait_for_a_line) {
  make(0);
  RIG_CODE_AT(rig, CODE, ADDIU(2, 0, 1), WAIT, ADDIU(2, 2, 1), B(-1), NOP);
  rig_status(rig, ST_CU0 | ST_IE | 0x0400);
  cr_expect_eq(rig_run(rig, 50), MIPS_STOP_WAIT);
  cr_expect_eq(rig_now(rig), 2);
  cr_expect_eq(rig_run(rig, 50), MIPS_STOP_WAIT, "still waits");
  mips_idle_to(rig->cpu, 1000);
  cr_expect_eq(rig_now(rig), 1000);
  cr_expect_eq(mips_instructions(rig->cpu), 2);
  mips_irq_set(rig->cpu, 0, 1);
  rig_run(rig, 10);
  cr_expect_eq(rig_exception(rig), EXC_INT);
  cr_expect_eq(rig->cpu->cp0.epc, RIG_CODE + 8);
  cr_expect_eq(gpr()[2], 1);
}

Test(run, wait_for_the_timer) {
  make(0);
  RIG_CODE_AT(rig, CODE, ADDIU(2, 0, 1), WAIT, ADDIU(2, 2, 1), B(-1), NOP);
  rig_status(rig, ST_CU0 | ST_IE | 0x8000);
  rig->cpu->cp0.compare = 100;
  mips_timer_rearm(rig->cpu, 0);
  uint64_t when = mips_timer_deadline(rig->cpu);
  cr_expect_eq(when, 100 * rig->cpu->cfg.model->ccres);
  cr_expect_eq(rig_run(rig, 5000), MIPS_STOP_WAIT);
  mips_idle_to(rig->cpu, when);
  rig_run(rig, 10);
  cr_expect_eq(rig_exception(rig), EXC_INT);
  cr_expect_eq(rig->cpu->cp0.cause >> 30 & 1, 1, "TI");
}

static void expect_dead(const char *reason) {
  cr_expect_eq(rig_run(rig, 100), MIPS_STOP_DEAD, "%s", reason);
  cr_assert_not_null(rig->cpu->dead, "%s", reason);
  cr_expect(strstr(rig->cpu->dead, reason), "%s", rig->cpu->dead);
  char text[256];
  cr_expect_not_null(strstr(mips_dead_reason(rig->cpu, text, sizeof text), reason));
  cr_expect_eq(rig_run(rig, 100), MIPS_STOP_DEAD, "stays dead");
}

Test(run, dead_ends) {
  make(0);
  RIG_CODE_AT(rig, CODE, WAIT, NOP);
  expect_dead("WAIT");
  make(0);
  RIG_CODE_AT(rig, CODE, B(-1), NOP);
  expect_dead("jump to itself");
  make(0);
  RIG_CODE_AT(rig, CODE, J(CODE), NOP);
  expect_dead("jump to itself");
  make(0);
  RIG_CODE_AT(rig, HANDLER, 0x00000005u);
  RIG_CODE_AT(rig, CODE, SYSCALL);
  expect_dead("exception loop");
  make(0); /* no RAM at the vector: the fetch of the handler faults */
  rig->cpu->cp0.status |= ST_BEV;
  RIG_CODE_AT(rig, CODE, SYSCALL);
  expect_dead("exception loop");
}

/* A spin that an interrupt can end is no dead end. */
Test(run, spinning_with_interrupts_on_lives) {
  make(0);
  RIG_CODE_AT(rig, CODE, B(-1), NOP);
  rig_status(rig, ST_CU0 | ST_IE | 0x0400);
  cr_expect_eq(rig_run(rig, 100), MIPS_STOP_TIME);
  mips_irq_set(rig->cpu, 0, 1);
  rig_run(rig, 1);
  cr_expect_eq(rig->cpu->cp0.epc, RIG_CODE);
}
