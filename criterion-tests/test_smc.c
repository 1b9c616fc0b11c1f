/* criterion-tests/test_smc.c: code that is written while it runs, and branches whose slot stands on the next page. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The cpu's caches are coherent: what is written is what is executed next, also without SYNCI. Every program runs at
 * once and in slices of each length, and must end alike. */
#include "criterion-tests/encode.h"
#include "criterion-tests/harness.h"
#include <criterion/criterion.h>
#include <inttypes.h>

enum { CODE = 0x10000, DATA = 0x20000, NEW = 0x18 /* offset of the new word in DATA */ };
#define VA(gpa)   KSEG0(gpa)
#define LI(rt, v) LUI(rt, (v) >> 16), ORI(rt, rt, (v)&0xffff)
#define AT(gpa)   LI(20, 0x80000000u + (gpa)) /* $20: where to write; $21 holds the word */
#define LOAD_NEW  LI(22, 0x80000000u + DATA), LW(21, NEW, 22)
enum { SLICES = 9 };

static struct rig *rig;
static void unmake(void) {
  rig_free(rig);
  rig = NULL;
}
static void make(unsigned machine) {
  static const char *const model[] = {"24Kf", "MIPS64R2-generic"};
  unmake();
  rig = rig_new(model[machine & 1], machine & 2);
}
TestSuite(smc, .fini = unmake);
static uint64_t *gpr(void) {
  return rig->cpu->gpr;
}
/* Slice 0: all at once. */
static void run(uint64_t cycles, unsigned slice) {
  uint64_t end = rig_now(rig) + cycles;
  while (rig_now(rig) < end && rig_run(rig, slice ? slice : cycles) == MIPS_STOP_TIME) {
  }
}
#define EVERYWHERE                                                                                                     \
  for (unsigned m = 0; m < 4; m++)                                                                                     \
    for (unsigned slice = 0; slice < SLICES; slice++)

/* A store at word 5 of the program rewrites word `victim`, which adds 1 to $2; from then on it adds 16. Straight code;
 * twice, by a loop at the end. */
Test(smc, any_word_of_the_own_block) {
  EVERYWHERE
  for (unsigned victim = 6; victim < 14; victim++) {
    make(m);
    rig_poke(rig, DATA + NEW, ADDIU(2, 2, 16), 4);
    RIG_CODE_AT(rig, CODE, LOAD_NEW, AT(CODE), SW(21, (int)victim * 4, 20), ADDIU(2, 2, 1), ADDIU(2, 2, 1),
                ADDIU(2, 2, 1), ADDIU(2, 2, 1), ADDIU(2, 2, 1), ADDIU(2, 2, 1), ADDIU(2, 2, 1), ADDIU(2, 2, 1),
                ADDIU(3, 3, 1), BNE(3, 4, -16), NOP, B(-1), NOP);
    gpr()[4] = 2;
    run(60, slice);
    cr_expect_eq(gpr()[2], 2 * (7 + 16), "machine %u slices of %u victim %u: %" PRIu64, m, slice, victim, gpr()[2]);
    cr_expect_eq(rig->cpu->j.pc, RIG_CODE + 17 * 4);
  }
}

/* The same by a store conditional, at word 6; what it yields comes on top. */
Test(smc, a_store_conditional) {
  EVERYWHERE
  for (unsigned victim = 7; victim < 14; victim++) {
    make(m);
    rig_poke(rig, DATA + NEW, ADDIU(2, 2, 16), 4);
    RIG_CODE_AT(rig, CODE, LOAD_NEW, AT(CODE), LL(5, (int)victim * 4, 20), SC(21, (int)victim * 4, 20), ADDIU(2, 2, 1),
                ADDIU(2, 2, 1), ADDIU(2, 2, 1), ADDIU(2, 2, 1), ADDIU(2, 2, 1), ADDIU(2, 2, 1), ADDIU(2, 2, 1),
                ADDU(6, 6, 21), ADDIU(3, 3, 1), BNE(3, 4, -17), NOP, B(-1), NOP);
    gpr()[4] = 2;
    run(60, slice);
    cr_expect_eq(gpr()[2], 2 * (6 + 16), "machine %u slices of %u victim %u: %" PRIu64, m, slice, victim, gpr()[2]);
    cr_expect_eq(gpr()[6], 2);
  }
}

/* The same for words before the store, which change for the next round only. */
Test(smc, words_already_run) {
  EVERYWHERE
  for (unsigned victim = 5; victim < 9; victim++) {
    make(m);
    rig_poke(rig, DATA + NEW, ADDIU(2, 2, 16), 4);
    RIG_CODE_AT(rig, CODE, LOAD_NEW, AT(CODE), ADDIU(2, 2, 1), ADDIU(2, 2, 1), ADDIU(2, 2, 1), ADDIU(2, 2, 1),
                SW(21, (int)victim * 4, 20), ADDIU(3, 3, 1), BNE(3, 4, -11), NOP, B(-1), NOP);
    gpr()[4] = 3;
    run(60, slice);
    cr_expect_eq(gpr()[2], 4 + 2 * (3 + 16), "machine %u slices of %u victim %u", m, slice, victim);
  }
}

/* A store that replaces itself has been done; the second time around it is something else. */
Test(smc, the_store_itself) {
  EVERYWHERE {
    make(m);
    rig_poke(rig, DATA + NEW, ADDIU(2, 2, 16), 4);
    RIG_CODE_AT(rig, CODE, LOAD_NEW, AT(CODE), SW(21, 20, 20), ADDIU(3, 3, 1), BNE(3, 4, -8), NOP, B(-1), NOP);
    gpr()[4] = 3;
    run(60, slice);
    cr_expect_eq(gpr()[2], 32, "machine %u slices of %u", m, slice);
  }
}

/* From a delay slot: the branch's target, the words behind it, the branch and the slot themselves. */
Test(smc, a_store_in_a_delay_slot) {
  EVERYWHERE {
    make(m); /* words: 0-4 set up, 5 branch, 6 slot, 7 skipped, 8 target */
    rig_poke(rig, DATA + NEW, ADDIU(2, 2, 16), 4);
    RIG_CODE_AT(rig, CODE, LOAD_NEW, AT(CODE), BEQ(0, 0, 2), SW(21, 32, 20), ADDIU(2, 2, 4), ADDIU(2, 2, 1),
                ADDIU(3, 3, 1), BNE(3, 4, -11), NOP, B(-1), NOP);
    gpr()[4] = 3;
    run(60, slice);
    cr_expect_eq(gpr()[2], 3 * 16, "target: machine %u slices of %u: %" PRIu64, m, slice, gpr()[2]);
    make(m); /* the slot replaces itself: afterwards it adds */
    rig_poke(rig, DATA + NEW, ADDIU(2, 2, 16), 4);
    RIG_CODE_AT(rig, CODE, LOAD_NEW, AT(CODE), BEQ(0, 0, 2), SW(21, 24, 20), ADDIU(2, 2, 4), ADDIU(2, 2, 1),
                ADDIU(3, 3, 1), BNE(3, 4, -11), NOP, B(-1), NOP);
    gpr()[4] = 3;
    run(60, slice);
    cr_expect_eq(gpr()[2], 3 + 2 * 16, "slot: machine %u slices of %u: %" PRIu64, m, slice, gpr()[2]);
    make(m); /* the slot replaces its branch: afterwards nothing is skipped */
    rig_poke(rig, DATA + NEW, ADDIU(2, 2, 16), 4);
    RIG_CODE_AT(rig, CODE, LOAD_NEW, AT(CODE), BEQ(0, 0, 2), SW(21, 20, 20), ADDIU(2, 2, 4), ADDIU(2, 2, 1),
                ADDIU(3, 3, 1), BNE(3, 4, -11), NOP, B(-1), NOP);
    gpr()[4] = 3;
    run(60, slice);
    cr_expect_eq(gpr()[2], 1 + 2 * (16 + 4 + 1), "branch: machine %u slices of %u: %" PRIu64, m, slice, gpr()[2]);
  }
}

/* A loop on one page patches a function on another, through which chained blocks run. */
Test(smc, another_page) {
  EVERYWHERE {
    make(m);
    RIG_CODE_AT(rig, CODE, LI(22, 0x24420000u), AT(CODE + 0x2000), ADDIU(3, 3, 1), OR(21, 22, 3), /* addiu $2, $2, n */
                SW(21, 0, 20), JAL(CODE + 0x2000), NOP, BNE(3, 4, -6), NOP, B(-1), NOP);
    RIG_CODE_AT(rig, CODE + 0x2000, ADDIU(2, 2, 0), JR(31), NOP);
    gpr()[4] = 20;
    run(400, slice);
    cr_expect_eq(gpr()[2], 210, "machine %u slices of %u: %" PRIu64, m, slice, gpr()[2]);
  }
}

/* The same bytes under other addresses: kseg1, a mapped page, single bytes of a word. */
Test(smc, through_another_address) {
  EVERYWHERE
  for (int how = 0; how < 3; how++) {
    make(m);
    rig_map(rig, 0, 0x400000, CODE, 0, RIG_MAP_V | RIG_MAP_D | RIG_MAP_G);
    static const uint32_t base[] = {0xa0000000u + CODE, 0x400000, 0x80000000u + CODE};
    rig_poke(rig, DATA + NEW, how == 2 ? 16 : ADDIU(2, 2, 16), how == 2 ? 1 : 4);
    int low = m & 2 ? 3 : 0; /* the byte with the immediate's low bits */
    RIG_CODE_AT(rig, CODE, LI(22, 0x80000000u + DATA), how == 2 ? LBU(21, NEW, 22) : LW(21, NEW, 22), LI(20, base[how]),
                how == 2 ? SB(21, 24 + low, 20) : SW(21, 24, 20), ADDIU(2, 2, 1), ADDIU(3, 3, 1), BNE(3, 4, -9), NOP,
                B(-1), NOP);
    gpr()[4] = 2;
    run(60, slice);
    cr_expect_eq(gpr()[2], 32, "machine %u slices of %u way %d: %" PRIu64, m, slice, how, gpr()[2]);
  }
}

/* Data beside code: stores that miss the code drop nothing; code stays right however often both are used. */
Test(smc, data_on_a_code_page) {
  EVERYWHERE {
    make(m);
    RIG_CODE_AT(rig, CODE, AT(CODE), ADDIU(3, 3, 1), SW(3, 0x100, 20), LW(2, 0x100, 20), BNE(3, 4, -4), ADDU(5, 5, 2),
                B(-1), NOP);
    gpr()[4] = 100;
    run(800, slice);
    cr_expect_eq(gpr()[5], 5050);
    cr_expect_eq(rig->cpu->n.code_writes, 0, "%" PRIu64, rig->cpu->n.code_writes);
  }
}

/* DMA into code between two runs of it. */
Test(smc, dma) {
  make(0);
  for (unsigned n = 1; n <= 5; n++) {
    RIG_CODE_AT(rig, CODE, ADDIU(2, 0, (int)n), ADDIU(3, 3, (int)n), B(-1), NOP);
    rig_go(rig, RIG_CODE);
    run(4, 0);
    cr_expect_eq(gpr()[2], n);
  }
  cr_expect_eq(gpr()[3], 15);
}

/* CACHE and SYNCI do no harm. */
Test(smc, synci_and_cache) {
  EVERYWHERE {
    make(m);
    rig_poke(rig, DATA + NEW, ADDIU(2, 2, 16), 4);
    RIG_CODE_AT(rig, CODE, LOAD_NEW, AT(CODE), SW(21, 36, 20), SYNCI(36, 20), CACHE(0x15, 36, 20), CACHE(0x10, 36, 20),
                ADDIU(2, 2, 1), B(-1), NOP);
    run(30, slice);
    cr_expect_eq(gpr()[2], 16);
  }
}

/* --- the last word of a page --- */

enum { LAST = CODE + 0xffc, FIRST = 0x00400000 };

struct crossing {
  const char *name;
  uint32_t word; /* the branch, offset 3 from its slot; $1 = 1 */
  bool slot, taken;
};
static unsigned fill_crossings(struct crossing c[8]) {
  const struct crossing all[] = {
      {"beq taken", BEQ(0, 0, 3), true, true},     {"beq not taken", BEQ(0, 1, 3), true, false},
      {"beql taken", BEQL(1, 1, 3), true, true},   {"beql not taken", BEQL(0, 1, 3), false, false},
      {"jal", JAL(VA(CODE + 0x100c)), true, true}, {"jr", JR(6), true, true},
  };
  unsigned n = sizeof all / sizeof all[0];
  for (unsigned i = 0; i < n; i++) c[i] = all[i];
  return n;
}

/* Branch at `branch`, its slot at `next` (guest-physical): the slot adds to $2, falling through to $3, the target to
 * $4. */
static void place(uint64_t branch, uint64_t next, uint32_t word, int slot) {
  RIG_CODE_AT(rig, branch, word);
  RIG_CODE_AT(rig, next, ADDIU(2, 2, slot), ADDIU(3, 3, 1), NOP, ADDIU(4, 4, 1), B(-1), NOP);
}

static void check(const struct crossing *c, int slot, const char *when, unsigned slice) {
  cr_expect_eq(gpr()[2], c->slot ? (uint64_t)slot : 0, "%s, %s, slices of %u: slot gave %" PRIu64, c->name, when, slice,
               gpr()[2]);
  cr_expect_eq(gpr()[4], 1u, "%s, %s, slices of %u", c->name, when, slice);
  cr_expect_eq(gpr()[3], !c->taken, "%s, %s, slices of %u", c->name, when, slice);
}

static void again(uint64_t pc, unsigned slice) {
  gpr()[2] = gpr()[3] = gpr()[4] = 0;
  rig_go(rig, pc);
  run(8, slice);
}

/* Unmapped; the slot is rewritten between runs, by a store from outside and by DMA. */
Test(smc, slot_on_the_next_page) {
  struct crossing c[8];
  unsigned n = fill_crossings(c);
  EVERYWHERE
  for (unsigned i = 0; i < n; i++) {
    make(m);
    gpr()[1] = 1, gpr()[6] = VA(CODE + 0x100c);
    place(LAST, CODE + 0x1000, c[i].word, 5);
    again(VA(LAST), slice);
    check(&c[i], 5, "first", slice);
    again(VA(LAST), slice);
    check(&c[i], 5, "again", slice);
    rig_poke(rig, CODE + 0x1000, ADDIU(2, 2, 6), 4);
    again(VA(LAST), slice);
    check(&c[i], 6, "DMA", slice);
    RIG_CODE_AT(rig, CODE - 0x100, SW(7, 0, 8), B(-1), NOP);
    gpr()[7] = ADDIU(2, 2, 7), gpr()[8] = VA(CODE + 0x1000);
    rig_go(rig, VA(CODE - 0x100));
    run(2, 0);
    again(VA(LAST), slice);
    check(&c[i], 7, "stored", slice);
  }
}

/* Mapped: the next page elsewhere, then remapped to another frame, and back. */
Test(smc, slot_on_a_remapped_page) {
  struct crossing c[8];
  unsigned n = fill_crossings(c);
  EVERYWHERE
  for (unsigned i = 0; i < n; i++) {
    if (c[i].word == JAL(VA(CODE + 0x100c))) continue; /* goes to kseg0 */
    make(m);
    gpr()[1] = 1, gpr()[6] = FIRST + 0x200c;
    /* pages FIRST + 0x1000 and + 0x2000 belong to two TLB entries */
    rig_map(rig, 0, FIRST, DATA, 0, RIG_MAP_V | RIG_MAP_D | RIG_MAP_G);
    place(DATA + 0x1ffc, DATA + 0x8000, c[i].word, 5);
    place(DATA + 0x1ffc, DATA + 0xc000, c[i].word, 9);
    for (unsigned round = 0; round < 4; round++) {
      rig_map(rig, 1, FIRST + 0x2000, DATA + (round & 1 ? 0xc000 : 0x8000), 0, RIG_MAP_V | RIG_MAP_D | RIG_MAP_G);
      again(FIRST + 0x1ffc, slice);
      check(&c[i], round & 1 ? 9 : 5, "mapped", slice);
    }
  }
}

/* The slot's page is missing, invalid or not executable: the exception is the slot's, EPC the branch, and after the
 * page has come both run. */
Test(smc, slot_on_a_missing_page) {
  struct crossing c[8];
  unsigned n = fill_crossings(c);
  EVERYWHERE
  for (unsigned i = 0; i < n; i++)
    for (int seen = 0; seen < 2; seen++)
      for (int how = 0; how < 2; how++) {
        if (c[i].word == JAL(VA(CODE + 0x100c))) continue;
        make(m);
        gpr()[1] = 1, gpr()[6] = FIRST + 0x200c;
        rig_map(rig, 0, FIRST, DATA, 0, RIG_MAP_V | RIG_MAP_D | RIG_MAP_G);
        place(DATA + 0x1ffc, DATA + 0x8000, c[i].word, 5);
        if (seen) { /* translated while the page was there */
          rig_map(rig, 1, FIRST + 0x2000, DATA + 0x8000, 0, RIG_MAP_V | RIG_MAP_D | RIG_MAP_G);
          again(FIRST + 0x1ffc, slice);
          check(&c[i], 5, "before", slice);
        }
        if (how)
          rig_map(rig, 1, FIRST + 0x2000, DATA + 0x8000, 0, RIG_MAP_D | RIG_MAP_G);
        else
          rig_map(rig, 1, 0x700000, DATA + 0x8000, 0, RIG_MAP_V);
        gpr()[2] = gpr()[3] = gpr()[4] = 0;
        rig_go(rig, FIRST + 0x1ffc);
        uint64_t before = rig_now(rig);
        rig_run(rig, 1);
        cr_expect_eq(rig_exception(rig), EXC_TLBL, "%s", c[i].name);
        cr_expect_eq(rig->cpu->j.pc, KSEG0(how ? 0x180 : m & 1 ? 0x80 : 0));
        cr_expect_eq(rig->cpu->cp0.badvaddr, FIRST + 0x2000);
        if (c[i].slot) {
          cr_expect_eq(rig->cpu->cp0.epc, FIRST + 0x1ffc, "%s: %" PRIx64, c[i].name, rig->cpu->cp0.epc);
          cr_expect_eq(rig->cpu->cp0.cause >> 31, 1, "%s", c[i].name);
          cr_expect_eq(rig_now(rig) - before, 2);
        } /* else: whether the slot is fetched before it is nullified is the implementation's business */
        rig_map(rig, 1, FIRST + 0x2000, DATA + 0x8000, 0, RIG_MAP_V | RIG_MAP_D | RIG_MAP_G);
        rig_status(rig, rig->cpu->cp0.status & ~(uint32_t)ST_EXL);
        again(rig->cpu->cp0.epc, slice);
        check(&c[i], 5, "repaired", slice);
      }
}

/* A block that runs up to the last word, whose branch is then a block of its own; in a loop, so that it is chained. */
Test(smc, a_loop_across_the_page_end) {
  EVERYWHERE {
    make(m);
    RIG_CODE_AT(rig, LAST - 8, ADDIU(2, 2, 1), ADDIU(3, 3, 1), BNE(3, 4, -3), ADDIU(5, 5, 1), B(-1), NOP);
    gpr()[4] = 50;
    rig_go(rig, VA(LAST - 8));
    run(300, slice);
    cr_expect_eq(gpr()[2], 50);
    cr_expect_eq(gpr()[5], 50);
    /* the slot patches itself on its page now and then */
    make(m);
    RIG_CODE_AT(rig, LAST - 8, ADDIU(2, 2, 1), ADDIU(3, 3, 1), BNE(3, 4, -3), SW(21, 0, 20), B(-1), NOP);
    gpr()[4] = 50, gpr()[20] = VA(LAST + 4), gpr()[21] = ADDIU(5, 5, 1);
    rig_go(rig, VA(LAST - 8));
    run(300, slice);
    cr_expect_eq(gpr()[2], 50);
    cr_expect_eq(gpr()[5], 49, "slices of %u: %" PRIu64, slice, gpr()[5]);
  }
}

/* Code that is mapped at two addresses, and twice at one in two address spaces. */
Test(smc, one_frame_many_addresses) {
  make(1);
  RIG_CODE_AT(rig, DATA, ADDIU(2, 2, 1), 0x04110000u /* bal to the next */, ADDIU(3, 31, 0), B(-1), NOP);
  rig_map(rig, 0, 0x400000, DATA, 1, RIG_MAP_V);
  rig_map(rig, 1, 0x600000, DATA, 1, RIG_MAP_V);
  rig_map(rig, 2, 0x400000, DATA + 0x2000, 2, RIG_MAP_V);
  RIG_CODE_AT(rig, DATA + 0x2000, ADDIU(2, 2, 100), 0x04110000u, ADDIU(3, 31, 0), B(-1), NOP);
  for (int round = 0; round < 3; round++)
    for (uint8_t asid = 1; asid <= 2; asid++) {
      rig->cpu->cp0.entryhi = asid;
      mips_mode_changed(rig->cpu);
      gpr()[2] = 0;
      rig_go(rig, 0x400000);
      run(5, 0);
      cr_expect_eq(gpr()[2], asid == 1 ? 1 : 100);
      cr_expect_eq(gpr()[3], 0x40000c);
    }
  rig->cpu->cp0.entryhi = 1;
  mips_mode_changed(rig->cpu);
  rig_go(rig, 0x600000);
  run(5, 0);
  cr_expect_eq(gpr()[3], 0x60000c);
}

/* A page that is no longer executable, or now somebody else's, although its translations are there. */
Test(smc, mapped_code_loses_its_right) {
  make(1);
  RIG_CODE_AT(rig, DATA, ADDIU(2, 2, 1), B(-1), NOP);
  rig_map(rig, 0, 0x400000, DATA, 0, RIG_MAP_V | RIG_MAP_G);
  rig_go(rig, 0x400000);
  run(5, 0);
  cr_expect_eq(gpr()[2], 1);
  rig_map(rig, 0, 0x400000, DATA, 0, RIG_MAP_V | RIG_MAP_G | RIG_MAP_XI);
  rig_go(rig, 0x400000);
  run(1, 0);
  cr_expect_eq(rig_exception(rig), EXC_TLBL);
  cr_expect_eq(gpr()[2], 1);
  rig_reset(rig);
  rig_map(rig, 0, 0x400000, DATA, 0, RIG_MAP_V | RIG_MAP_G);
  rig_status(rig, ST_USER | ST_UX);
  rig_go(rig, RIG_CODE);
  run(1, 0);
  cr_expect_eq(rig_exception(rig), EXC_ADEL, "kseg0 from user mode");
}

/* More code than the cache holds: everything is dropped and comes again. */
Test(smc, more_code_than_the_cache_holds) {
  unmake();
  rig = rig_new("24Kf", false);
  enum { PAGES = 512 };
  for (unsigned p = 0; p < PAGES; p++) {
    for (unsigned w = 0; w < 1022; w += 2)
      RIG_CODE_AT(rig, 0x100000 + p * 0x1000 + 4 * w, BEQ(0, 0, 1), ADDIU(2, 2, 1));
    RIG_CODE_AT(rig, 0x100000 + p * 0x1000 + 4 * 1022, p + 1 < PAGES ? BEQ(0, 0, 1) : B(-1), NOP);
  }
  rig_go(rig, VA(0x100000));
  for (int round = 0; round < 2; round++) {
    rig_go(rig, VA(0x100000));
    gpr()[2] = 0;
    run(1030 * PAGES, 0);
    cr_expect_eq(gpr()[2], 511 * PAGES);
  }
  struct jit_stats s;
  jit_stats(rig->jit, &s);
  cr_expect_gt(s.blocks_dropped, 0, "the cache was never full: %zu bytes", s.bytes);
}
