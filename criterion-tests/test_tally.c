/* criterion-tests/test_tally.c: how often instructions are executed is counted exactly, in every tier, however a run is
 * cut, and nothing of it shows in the run. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "criterion-tests/encode.h"
#include "criterion-tests/harness.h"
#include "frontend/tally.h"
#include <criterion/criterion.h>

enum { DATA = 0x20000, TIMES = 300, CYCLES = 20000, LOOP = 12, HANDLER = 8 };

/* The loop traps once in the middle of a block, and once in a delay slot, to whose branch the handler goes back. */
static void prepare(struct rig *r, struct mips_tally *t) {
  RIG_CODE_AT(r, 0x10000, LW(5, 0, 1), LW(6, 0, 3), TEQ(4, 7), ANDI(8, 4, 3), BNEL(8, 0, 2), ADDIU(9, 9, 1),
              ADDIU(10, 10, 1), B(1), TEQ(4, 13), ADDIU(4, 4, -1), BNE(4, 0, -11), NOP, ADDIU(14, 14, 1), B(-2), NOP);
  RIG_CODE_AT(r, 0x180, MFC0(26, C0_CAUSE), BGEZ(26, 3), MFC0(27, C0_EPC), B(2), ADDIU(13, 0, 0), ADDIU(27, 27, 4),
              MTC0(27, C0_EPC), ERET);
  r->cpu->gpr[1] = KSEG0(DATA), r->cpu->gpr[3] = KSEG1(RIG_DEVICE);
  r->cpu->gpr[4] = TIMES, r->cpu->gpr[7] = TIMES / 2, r->cpu->gpr[13] = TIMES / 3;
  if (t) r->cpu->cfg.tally = t, r->cpu->j.tally = t->count;
  rig_go(r, RIG_CODE);
}
static const unsigned loop[LOOP] = {TIMES,     TIMES,     TIMES,     TIMES, TIMES, TIMES - TIMES / 4,
                                    TIMES / 4, TIMES + 1, TIMES + 1, TIMES, TIMES, TIMES};
static const unsigned handler[HANDLER] = {2, 2, 2, 1, 1, 1, 2, 2};

static uint64_t executed(const struct mips_tally *t, uint64_t pc) {
  uint64_t n = 0;
  for (uint32_t i = MIPS_TALLY_LOST + 1; i < t->rows; i++)
    if (pc - t->row[i].pc < 4u * t->row[i].insns) n += t->count[i];
  return n;
}

static uint64_t total(const struct mips_tally *t) {
  uint64_t n = t->unfetched;
  for (uint32_t i = 1; i < t->rows; i++) n += t->count[i] * t->row[i].insns;
  return n;
}

static void check_counts(struct rig *r, const struct mips_tally *t) {
  for (unsigned i = 0; i < LOOP; i++) cr_expect_eq(executed(t, RIG_CODE + 4 * i), loop[i], "instruction %u", i);
  for (unsigned i = 0; i < HANDLER; i++)
    cr_expect_eq(executed(t, KSEG0(0x180) + 4 * i), handler[i], "instruction %u of the handler", i);
  cr_expect_eq(total(t), mips_instructions(r->cpu), "all instructions of the run");
  cr_expect_eq(r->cpu->gpr[9], TIMES - TIMES / 4, "slots of the likely branch");
}

Test(tally, is_exact_and_does_not_show) {
  static const char *const model[] = {"24Kf", "MIPS64R2-generic"};
  static const unsigned slice[] = {CYCLES, 7, 1};
  for (int k = 0; k < 4; k++) {
    struct rig *plain = rig_new(model[k / 2], k % 2);
    prepare(plain, NULL);
    rig_run(plain, CYCLES);
    for (size_t s = 0; s < sizeof slice / sizeof *slice; s++) {
      struct mips_tally t;
      struct rig *r = rig_new(model[k / 2], k % 2);
      cr_assert_eq(mips_tally_init(&t, MIPS_TALLY_ROWS), 0);
      prepare(r, &t);
      while (rig_now(r) < CYCLES) rig_run(r, CYCLES - rig_now(r) < slice[s] ? CYCLES - rig_now(r) : slice[s]);
      check_counts(r, &t);
      cr_expect_eq(rig_hash(r), rig_hash(plain), "the run is the one without counting");
      rig_free(r);
      mips_tally_fini(&t);
    }
    rig_free(plain);
  }
}

Test(tally, counts_what_cannot_be_fetched_apart) {
  struct mips_tally t;
  struct rig *r = rig_new("24Kf", false);
  cr_assert_eq(mips_tally_init(&t, MIPS_TALLY_ROWS), 0);
  /* The slot of a branch on the last word of a mapped page is on one that is not; the handler is entered for good. */
  RIG_CODE_AT(r, DATA + 0xff8, NOP, B(-1));
  RIG_CODE_AT(r, 0, B(-1), NOP);
  r->cpu->cfg.tally = &t, r->cpu->j.tally = t.count;
  rig_map(r, 5, 0x400000, DATA, 0, RIG_MAP_V | RIG_MAP_G | RIG_MAP_ODD_INVALID);
  rig_go(r, 0x400ff8);
  rig_run(r, 1000);
  cr_expect_eq(t.unfetched, 1);
  cr_expect_eq(executed(&t, 0x400ff8), 1);
  cr_expect_eq(executed(&t, 0x400ffc), 1);
  cr_expect_eq(executed(&t, 0x401000), 0);
  cr_expect_eq(total(&t), mips_instructions(r->cpu));
  rig_free(r);
  mips_tally_fini(&t);
}

Test(tally, says_how_much_there_was_no_room_for) {
  struct mips_tally t;
  struct rig *r = rig_new("24Kf", false);
  uint64_t lost = 0;
  cr_assert_eq(mips_tally_init(&t, MIPS_TALLY_LOST + 3), 0);
  prepare(r, &t);
  rig_run(r, CYCLES);
  for (unsigned n = 1; n <= MIPS_TALLY_LOST; n++) lost += n * t.count[n];
  cr_expect_eq(t.rows, MIPS_TALLY_LOST + 3);
  cr_expect_gt(lost, CYCLES / 4);
  cr_expect_eq(total(&t), mips_instructions(r->cpu));
  rig_free(r);
  mips_tally_fini(&t);
}

Test(tally, finds_rows_again) {
  struct mips_tally t;
  cr_assert_eq(mips_tally_init(&t, MIPS_TALLY_ROWS), 0);
  uint32_t a = mips_tally_row(&t, 0x400000, 3, true), b = mips_tally_row(&t, 0x400000, 3, false);
  uint32_t c = mips_tally_row(&t, 0x400000, 4, true);
  cr_expect(a != b && b != c && a != c);
  for (uint64_t pc = 0; pc < 1 << 16; pc += 4) mips_tally_row(&t, pc, 1, false);
  cr_expect_eq(mips_tally_row(&t, 0x400000, 3, true), a);
  cr_expect_eq(mips_tally_row(&t, 0x400000, 4, true), c);
  mips_tally_fini(&t);
}
