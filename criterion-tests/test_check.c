/* criterion-tests/test_check.c: each check on a program that has exactly its mistake, and on one that has not. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "criterion-tests/encode.h"
#include "criterion-tests/harness.h"
#include <criterion/criterion.h>
#include <string.h>

enum { DATA = 0x20000, PATCH = 0x30000, TIMES = 8, WORDS = 12, WANTED = 2, C0_ENTRYHI = 10, C0_INDEX = 0 };
enum { HIT_INVALIDATE_I = 0x10, HIT_WRITEBACK_D = 0x19, INDEX_INVALIDATE_I = 0, INDEX_WRITEBACK_D = 1 };
#define JR_HB(rs) (JR(rs) | 1u << 10)

struct want {
  enum mips_finding_kind kind;
  unsigned times;
};
#define PATCHED MIPS_FOUND_NOT_WRITTEN
#define STALE   MIPS_FOUND_NOT_INVALIDATED

/* Done TIMES times. $1: data, nobody has written there; $2: where $5 ("jr ra") is stored and called, cached, $3: the
 * same uncached; $6: a value for EntryHi that no entry has. */
struct program {
  const char *what; /* NULL: past the last */
  unsigned check;
  uint32_t word[WORDS];
  struct want want[WANTED];
};
static struct program program_at(unsigned i) {
  const struct program programs[] = {
      {"reads what nobody wrote", MIPS_CHECK_UNINIT, {LW(7, 0, 1)}, {{MIPS_FOUND_UNINIT, 1}}},
      {"reads what it wrote", MIPS_CHECK_UNINIT, {SW(7, 0, 1), LW(7, 0, 1), LB(7, 3, 1)}, {{0}}},
      {"reads a byte too many",
       MIPS_CHECK_UNINIT,
       {SB(7, 0, 1), LB(7, 0, 1), enc_i(0x21, 1, 7, 0)},
       {{MIPS_FOUND_UNINIT, 1}}},
      {"stores that fail write nothing", MIPS_CHECK_UNINIT, {SC(7, 4, 1), LW(7, 4, 1)}, {{MIPS_FOUND_UNINIT, 1}}},
      {"LL and SC", MIPS_CHECK_UNINIT, {SW(0, 4, 1), LL(7, 4, 1), SC(7, 4, 1), LW(7, 4, 1)}, {{0}}},
      {"stores parts", MIPS_CHECK_UNINIT, {enc_i(0x2a, 1, 7, 3), enc_i(0x2e, 1, 7, 0), LW(7, 0, 1)}, {{0}}},
      {"nobody looks", MIPS_CHECK_TLB, {LW(7, 0, 1), SW(5, 0, 2), JALR(31, 2), NOP}, {{0}}},
      {"code stored and run", MIPS_CHECK_CACHE, {SW(5, 0, 2), JALR(31, 2), NOP}, {{PATCHED, TIMES}}},
      {"code stored, synci, run", MIPS_CHECK_CACHE, {SW(5, 0, 2), SYNCI(0, 2), JALR(31, 2), NOP}, {{0}}},
      {"code written back alone",
       MIPS_CHECK_CACHE,
       {SW(5, 0, 2), CACHE(HIT_WRITEBACK_D, 0, 2), JALR(31, 2), NOP},
       {{STALE, TIMES - 1}}},
      {"code invalidated alone",
       MIPS_CHECK_CACHE,
       {SW(5, 0, 2), CACHE(HIT_INVALIDATE_I, 0, 2), JALR(31, 2), NOP},
       {{PATCHED, TIMES}}},
      {"another line flushed", MIPS_CHECK_CACHE, {SW(5, 0, 2), SYNCI(64, 2), JALR(31, 2), NOP}, {{PATCHED, TIMES}}},
      {"both caches, by address",
       MIPS_CHECK_CACHE,
       {SW(5, 0, 2), CACHE(HIT_WRITEBACK_D, 0, 2), CACHE(HIT_INVALIDATE_I, 0, 2), JALR(31, 2), NOP},
       {{0}}},
      {"both caches, by index",
       MIPS_CHECK_CACHE,
       {SW(5, 0, 2), CACHE(INDEX_WRITEBACK_D, 0, 2), CACHE(INDEX_INVALIDATE_I, 0, 2), JALR(31, 2), NOP},
       {{0}}},
      {"code stored uncached", MIPS_CHECK_CACHE, {SW(5, 0, 3), JALR(31, 2), NOP}, {{STALE, TIMES - 1}}},
      {"EntryHi, then TLBP", MIPS_CHECK_CACHE, {MTC0(6, C0_ENTRYHI), TLBP}, {{MIPS_FOUND_HAZARD, TIMES}}},
      {"EntryHi, ehb, TLBP", MIPS_CHECK_CACHE, {MTC0(6, C0_ENTRYHI), EHB, TLBP}, {{0}}},
      {"EntryHi, ssnops, TLBP",
       MIPS_CHECK_CACHE,
       {MTC0(6, C0_ENTRYHI), 0x40, 0x40, 0x40, TLBP},
       {{MIPS_FOUND_HAZARD, TIMES}}},
      {"TLBP, then Index", MIPS_CHECK_CACHE, {TLBP, MFC0(7, C0_INDEX)}, {{MIPS_FOUND_HAZARD, TIMES}}},
      {"TLBP, ehb, Index", MIPS_CHECK_CACHE, {TLBP, EHB, MFC0(7, C0_INDEX)}, {{0}}},
      {"Index is written and read", MIPS_CHECK_CACHE, {MTC0(0, C0_INDEX), MFC0(7, C0_INDEX)}, {{0}}},
      {"EntryHi, jr.hb",
       MIPS_CHECK_CACHE,
       {MTC0(6, C0_ENTRYHI), LUI(8, 0x8001), ORI(8, 8, 0x14), JR_HB(8), NOP, TLBP},
       {{0}}},
      {"a syscall between", MIPS_CHECK_CACHE, {MTC0(6, C0_ENTRYHI), SYSCALL, TLBP}, {{0}}},
      {"EPC, then ERET",
       MIPS_CHECK_CACHE,
       {LUI(8, 0x8001), ORI(8, 8, 0x14), MTC0(8, C0_EPC), ERET, NOP, NOP},
       {{MIPS_FOUND_HAZARD, TIMES}}},
      {"EPC, ehb, ERET", MIPS_CHECK_CACHE, {LUI(8, 0x8001), ORI(8, 8, 0x14), MTC0(8, C0_EPC), EHB, ERET, NOP}, {{0}}},
      {"a second entry for a page",
       MIPS_CHECK_TLB,
       {MTC0(9, C0_ENTRYHI), EHB, TLBWI},
       {{MIPS_FOUND_TLB_DUPLICATE, TIMES}}},
      {"the same entry again", MIPS_CHECK_TLB, {MTC0(6, C0_ENTRYHI), EHB, TLBWI}, {{0}}},
      {"half global", MIPS_CHECK_TLB, {MTC0(6, C0_ENTRYHI), MTC0(10, 2), EHB, TLBWI}, {{MIPS_FOUND_TLB_GLOBAL, TIMES}}},
      {NULL, 0, {0}, {{0}}}};
  return programs[i];
}

static unsigned times[MIPS_FINDINGS];
static struct mips_finding last;
static void found(void *ctx, struct cpu *c, const struct mips_finding *f) {
  (void)ctx, (void)c;
  times[f->kind]++;
  last = *f;
}

/* The run's hash. */
static uint64_t run(struct rig *r, const struct program *p, struct mips_check *check) {
  unsigned n = WORDS;
  while (!p->word[n - 1]) n--;
  if (n < WORDS) n++; /* a slot */
  rig_code(r, 0x10000, p->word, n);
  RIG_CODE_AT(r, 0x10000 + 4 * n, ADDIU(4, 4, -1), BNE(4, 0, -(int)n - 2), NOP, B(-1), NOP);
  RIG_CODE_AT(r, 0x180, MFC0(26, C0_EPC), ADDIU(26, 26, 4), MTC0(26, C0_EPC), EHB, ERET);
  RIG_CODE_AT(r, PATCH, JR(31), NOP);
  rig_map(r, 5, 0x400000, DATA, 0, RIG_MAP_V | RIG_MAP_D);
  uint64_t value[] = {0, KSEG0(DATA), KSEG0(PATCH), KSEG1(PATCH), TIMES, JR(31), 0x600000, 0, 0, 0x400000, 1};
  memcpy(r->cpu->gpr, value, sizeof value);
  if (check) {
    r->cpu->cfg.check = check;
    cr_assert_eq(mips_check_init(check, &r->pmap), 0);
    mips_check_begin(check);
  }
  rig_go(r, RIG_CODE);
  rig_run(r, 1000);
  return rig_hash(r);
}

Test(check, finds_the_mistake_and_nothing_else) {
  for (unsigned i = 0; program_at(i).what; i++) {
    const struct program one = program_at(i), *p = &one;
    struct mips_check check = {.kinds = p->check, .found = found};
    struct rig *r = rig_new("MIPS64R2-generic", i & 1), *plain = rig_new("MIPS64R2-generic", i & 1);
    memset(times, 0, sizeof times);
    uint64_t hash = run(r, p, &check);
    cr_expect_eq(hash, run(plain, p, NULL), "%s: is another run", p->what);
    for (unsigned k = 0; k < MIPS_FINDINGS; k++) {
      unsigned wanted = 0;
      for (unsigned w = 0; w < WANTED; w++)
        if (p->want[w].times && p->want[w].kind == k) wanted = p->want[w].times;
      cr_expect_eq(times[k], wanted, "%s: %s %u times, not %u (at %lx about %lx)", p->what, mips_finding_info[k].name,
                   times[k], wanted, (unsigned long)last.pc, (unsigned long)last.va);
    }
    mips_check_fini(&check);
    rig_free(r);
    rig_free(plain);
  }
}

/* With 48 entries Index has six bits. */
Test(check, knows_how_many_entries_there_are) {
  struct mips_check check = {.kinds = MIPS_CHECK_TLB, .found = found};
  struct rig *r = rig_new("20Kc", false);
  memset(times, 0, sizeof times);
  r->cpu->cfg.check = &check;
  cr_assert_eq(mips_check_init(&check, &r->pmap), 0);
  RIG_CODE_AT(r, 0x10000, MTC0(5, C0_INDEX), TLBWI, B(-1), NOP);
  r->cpu->gpr[5] = 47, r->cpu->cp0.entryhi = 0x600000;
  rig_go(r, RIG_CODE);
  rig_run(r, 10);
  cr_expect_eq(times[MIPS_FOUND_TLB_INDEX], 0u);
  r->cpu->gpr[5] = 50;
  rig_go(r, RIG_CODE);
  rig_run(r, 10);
  cr_expect_eq(times[MIPS_FOUND_TLB_INDEX], 1u);
  mips_check_fini(&check);
  rig_free(r);
}

/* What devices write is known, and goes around the caches. */
Test(check, devices_write_too) {
  struct mips_check check = {.kinds = MIPS_CHECK_UNINIT | MIPS_CHECK_CACHE, .found = found};
  struct rig *r = rig_new("24Kf", false);
  memset(times, 0, sizeof times);
  r->cpu->cfg.check = &check;
  cr_assert_eq(mips_check_init(&check, &r->pmap), 0);
  uint64_t end = RIG_CODE_AT(r, 0x10000, LW(7, 0, 1), SW(5, 0, 2));
  RIG_CODE_AT(r, end, JALR(31, 2), NOP, B(-1), NOP);
  mips_check_begin(&check);
  r->cpu->gpr[1] = KSEG0(DATA), r->cpu->gpr[2] = KSEG0(PATCH), r->cpu->gpr[5] = ADDIU(8, 0, 1);
  rig_go(r, RIG_CODE);
  cr_assert(rig_step_to(r, KSEG0(0x10008), 100));
  cr_expect_eq(times[MIPS_FOUND_UNINIT], 1u);
  rig_write(r, PATCH, (const uint32_t[]){JR(31), NOP}, 8);
  mips_check_stored(&check, PATCH, 8);
  mips_check_stored(&check, DATA, 4);
  cr_assert(rig_step_to(r, KSEG0(0x10010), 100));
  cr_expect_eq(times[MIPS_FOUND_NOT_WRITTEN] + times[MIPS_FOUND_NOT_INVALIDATED], 0u);
  rig_go(r, RIG_CODE);
  rig_run(r, 1);
  cr_expect_eq(times[MIPS_FOUND_UNINIT], 1u);
  mips_check_fini(&check);
  rig_free(r);
}
