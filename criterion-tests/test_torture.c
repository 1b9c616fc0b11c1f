/* criterion-tests/test_torture.c: what is hard on a code cache, in every tier against eval. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Code that changes at every position while it is hot; chains that interrupts break up and remap. Each runs in
 * stencils, in regions made at once, in regions that come from the background after random delays, and in a code memory
 * of a few KiB. The two machines must agree after slices of random lengths. MB_SEED: the first of the seeds; MB_QUICK:
 * fewer. */
#include "criterion-tests/encode.h"
#include "criterion-tests/harness.h"
#include <criterion/criterion.h>
#include <unistd.h>

enum way { STENCIL, AT_ONCE, BACKGROUND, TINY, WAYS };
static const char *const way_name[WAYS] = {"stencils", "regions at once", "regions in the background",
                                           "tiny code memory"};
enum {
  TINY_BYTES = 16 << 10,
  CODE_AT = 0x10000,
  FUNCTION = 0x12000,
  SCRATCH = 0x20000,
  HANDLER = 0x180,
  PATIENCE = 8,
  MORE_PATIENCE = 400
};

static struct rig *eval, *other;
static uint64_t regions, dropped, resets;

static void begin(const char *model, bool big, enum way way, uint64_t seed) {
  static const enum jit_tier tier[WAYS] = {JIT_STENCIL, JIT_LLVM, JIT_AUTO, JIT_AUTO};
  eval = rig_new_in(model, big, JIT_EVAL);
  other = rig_new_in(model, big, tier[way]);
  const struct jit_tuning t = {
      .sample_period = 100, .hot = 1, .delay_seed = way == BACKGROUND ? seed : 0, .eager = true};
  if (tier[way] == JIT_AUTO) jit_tune(other->jit, &t);
  if (way != TINY) return;
  jit_set_code_bytes(other->jit, TINY_BYTES);
  jit_set_region_bytes(other->jit, TINY_BYTES);
}
static void end(void) {
  struct jit_stats s = {0};
  if (other) jit_stats(other->jit, &s);
  regions += s.regions_made;
  dropped += s.regions_dropped;
  resets += s.code_resets;
  rig_free(eval);
  rig_free(other);
  eval = other = NULL;
}
TestSuite(torture, .fini = end);

static bool is_here(enum way way) {
  return jit_has_tier(way == STENCIL ? JIT_STENCIL : JIT_LLVM);
}
static void set(unsigned reg, uint64_t v) {
  eval->cpu->gpr[reg] = other->cpu->gpr[reg] = IR_SX32(v);
}
static void code_at(uint64_t at, const uint32_t *word, size_t n) {
  rig_code(eval, at, word, n);
  rig_code(other, at, word, n);
}
#define CODE(at, ...)                                                                                                  \
  code_at(at, (const uint32_t[]){__VA_ARGS__}, sizeof(const uint32_t[]){__VA_ARGS__} / sizeof(uint32_t))

static void run_both(const char *what, uint64_t cycles, uint64_t seed) {
  for (uint64_t done = 0, n; done < cycles; done += n) {
    n = 1 + rig_below(&seed, rig_below(&seed, 4) ? 1500 : 30);
    cr_assert_eq(rig_run(eval, n), rig_run(other, n), "%s", what);
    for (int i = 0; i < 32; i++)
      cr_assert_eq(other->cpu->gpr[i], eval->cpu->gpr[i], "%s: after %lu cycles $%d is %#lx, should be %#lx", what,
                   done + n, i, other->cpu->gpr[i], eval->cpu->gpr[i]);
    cr_assert_eq(other->cpu->j.pc, eval->cpu->j.pc, "%s: after %lu cycles", what, done + n);
    cr_assert_eq(rig_now(other), rig_now(eval), "%s: after %lu cycles", what, done + n);
    cr_assert_eq(rig_hash(other), rig_hash(eval), "%s: after %lu cycles", what, done + n);
  }
}

static uint64_t made(void) {
  struct jit_stats s;
  jit_stats(other->jit, &s);
  return s.regions_made;
}
/* Run on, in pieces; if there is a compiler in the background, until it has sent something (or is much too slow,
 * but that it may only be once a test has seen it work). */
static void run_on(const char *what, enum way way, int pieces, uint64_t cycles, uint64_t seed) {
  uint64_t before = made();
  int patience = regions + before ? PATIENCE : MORE_PATIENCE;
  for (int i = 0; i < pieces || (way >= BACKGROUND && made() == before && i < patience); i++) {
    run_both(what, cycles, seed + (unsigned)i);
    if (way >= BACKGROUND) usleep(1000);
  }
}

/* --- code that changes, at every position --- */

/* Where the store stands: before the call, in its delay slot, in the block that changes. */
enum store { BEFORE, IN_SLOT, INSIDE, STORES };
enum { WORDS = 9 };
#define MOVZ(rd, rs, rt) enc_r(rs, rt, rd, 0, 0x0a)
#define SUBU(rd, rs, rt) enc_r(rs, rt, rd, 0, 0x23)
#define AND(rd, rs, rt)  enc_r(rs, rt, rd, 0, 0x24)

/* A loop calls a function; now and then word `victim` of it is stored: what it was, or another. Registers: $16 the
 * round, $17 the victim's address, $18 its word, $19 how the other differs, $20 somewhere else. */
static void changing(enum way way, enum store store, unsigned victim, unsigned at_end) {
  const uint32_t word[WORDS] = {store == INSIDE ? SW(9, 0, 10) : NOP,
                                ADDIU(2, 2, 1),
                                ANDI(3, 2, 1),
                                BNE(3, 0, 2),
                                ADDIU(2, 2, 2),
                                ADDIU(4, 4, 1),
                                XOR(5, 5, 2),
                                JR(31),
                                ADDIU(6, 6, 1)};
  const uint32_t changed[WORDS] = {0,   ADDIU(2, 2, 7), ANDI(3, 2, 3), BEQ(3, 0, 2), XOR(2, 2, 3), ADDU(4, 4, 2),
                                   NOP, JR(30),         ADDIU(6, 6, 2)};
  uint32_t to = victim ? changed[victim] : store == INSIDE ? SW(9, 0, 11) : ADDIU(7, 7, 1);
  uint64_t function = FUNCTION + 0x1000 - 4 * (uint64_t)at_end; /* so many words are before the page's end */
  unsigned often = way < BACKGROUND ? 5 : 12;                   /* each 2^often-th round; a region takes time to come */
  char what[96];
  snprintf(what, sizeof what, "%s, store %u, victim %u, %u words before the page's end", way_name[way], store, victim,
           at_end);
  CODE(CODE_AT, ADDIU(16, 16, 1), ANDI(8, 16, (1 << often) - 1), SRL(9, 16, often), ANDI(9, 9, 1), SUBU(9, 0, 9),
       AND(9, 9, 19), XOR(9, 9, 18), ADDU(10, 0, 20), MOVZ(10, 17, 8), ADDU(11, 10, 0), NOP, NOP, NOP,
       JAL(KSEG0(function)), NOP, B(-16), NOP);
  if (store == BEFORE) CODE(CODE_AT + 40, BNE(8, 0, 2), NOP, SW(9, 0, 17));
  if (store == IN_SLOT) CODE(CODE_AT + 44, BEQL(8, 0, 1), SW(9, 0, 17)); /* goes on at the call */
  code_at(function, word, WORDS);
  for (unsigned i = 2; i < 8; i++) set(i, i);
  set(16, 0), set(17, KSEG0(function + 4 * victim)), set(18, word[victim]), set(19, word[victim] ^ to);
  set(20, KSEG0(SCRATCH)), set(30, KSEG0(CODE_AT + 15 * 4));
  rig_go(eval, RIG_CODE);
  rig_go(other, RIG_CODE);
  uint64_t before = eval->cpu->n.code_writes;
  run_on(what, way, way < BACKGROUND ? 2 : 1, UINT64_C(130) << often, victim);
  if (at_end == victim && (victim == 4 || victim == 8))
    return; /* slots on the next page are not translated: compared */
  cr_assert_geq(eval->cpu->n.code_writes, before + 4, "%s: %lu writes", what, eval->cpu->n.code_writes - before);
}

static void changing_everywhere(enum way way) {
  static const unsigned at_end[] = {WORDS, 1, 4, 8, 3, 7, 0};
  if (!is_here(way)) cr_skip("this build has no such tier");
  unsigned places = way == STENCIL ? 7 : rig_setting("MB_QUICK", 0) ? 2 : 4;
  for (unsigned m = 0; m < 2; m++) {
    begin(m ? "MIPS64R2-generic" : "24Kf", m, way, 5 + m);
    for (unsigned store = 0; store < STORES; store++)
      for (unsigned i = 0; i < places; i++)
        for (unsigned victim = 0; victim < WORDS; victim++)
          if (way == STENCIL || ((store + i) & 1) == m) changing(way, store, victim, at_end[i]);
    end();
  }
  if (way == STENCIL) return;
  cr_assert(regions && dropped, "%lu regions, %lu dropped", regions, dropped);
}
Test(torture, changing_code_in_stencils) {
  changing_everywhere(STENCIL);
}
Test(torture, changing_code_in_regions) {
  changing_everywhere(AT_ONCE);
}
Test(torture, changing_code_in_the_background) {
  changing_everywhere(BACKGROUND);
}
Test(torture, changing_code_in_tiny_memory) {
  changing_everywhere(TINY);
}

/* --- chains under interrupts --- */

enum { EVEN = 0x30000, ODD = 0x31000, OTHER_EVEN = 0x40000, VA_EVEN = 0x400000, VA_ODD = 0x401000, PAIR = 0x1f };
enum { C0_ENTRYLO0 = 2, C0_ENTRYLO1, C0_PAGEMASK = 5, C0_ENTRYHI = 10 };

/* Handler: $25 is its sequence of random numbers, from which the next interrupt's time comes. Now and then it stores
 * $22 to $23, and maps the even page to its other frame; what differs is in $21 and $19. */
static void write_handler(void) {
  CODE(HANDLER, MFC0(26, C0_CAUSE), ANDI(26, 26, 0x7c), BNE(26, 0, -1), NOP, /* nothing else may happen */
       SLL(24, 25, 2), ADDU(25, 25, 24), ADDIU(25, 25, 0x3b1), SRL(24, 25, 16), ANDI(24, 24, 0x1ff), ADDIU(24, 24, 20),
       MFC0(26, C0_COUNT), ADDU(26, 26, 24), MTC0(26, C0_COMPARE), SRL(24, 25, 20), ANDI(24, 24, 3), BNE(24, 0, 3), NOP,
       XOR(22, 22, 21), SW(22, 0, 23), SRL(24, 25, 24), ANDI(24, 24, 3), BNE(24, 0, 4), NOP, XOR(20, 20, 19),
       MTC0(20, C0_ENTRYLO0), TLBWI, ERET);
}

/* A loop on the odd page calls what is on the even one, which has two frames. */
static void write_program(void) {
  CODE(ODD, ADDIU(2, 2, 1), JAL(VA_EVEN), ADDU(3, 3, 2), BNE(2, 0, -4), XOR(9, 9, 4), J(VA_ODD), NOP);
  CODE(EVEN, ADDIU(8, 0, 5), ADDIU(8, 8, -1), BNE(8, 0, -2), ADDU(4, 4, 8), JR(31), ADDIU(5, 5, 2));
  CODE(OTHER_EVEN, XOR(4, 4, 2), ADDU(5, 5, 4), J(VA_ODD + 12), ADDIU(6, 6, 1));
  CODE(CODE_AT, MTC0(0, 0), MTC0(10, C0_ENTRYHI), MTC0(20, C0_ENTRYLO0), MTC0(11, C0_ENTRYLO1), MTC0(0, C0_PAGEMASK),
       TLBWI, MTC0(12, C0_EPC), MTC0(13, C0_STATUS), MFC0(26, C0_COUNT), ADDIU(26, 26, 100), MTC0(26, C0_COMPARE),
       ERET);
}

static void interrupted(enum way way, unsigned m, bool user, uint64_t seed) {
  const struct {
    uint64_t at;
    uint32_t is, to;
  } victim[] = {{ODD, ADDIU(2, 2, 1), ADDIU(2, 2, 3)},     {ODD + 8, ADDU(3, 3, 2), XOR(3, 3, 2)}, /* a delay slot */
                {ODD + 12, BNE(2, 0, -4), BEQ(2, 0, -4)},  {EVEN + 20, ADDIU(5, 5, 2), ADDIU(5, 5, -9)},
                {OTHER_EVEN, XOR(4, 4, 2), ADDU(4, 4, 3)}, {HANDLER + 24, ADDIU(25, 25, 0x3b1), ADDIU(25, 25, 0x15d)}};
  char what[96];
  unsigned v = (unsigned)(seed % (sizeof victim / sizeof victim[0]));
  snprintf(what, sizeof what, "%s, machine %u, %s, seed %lu", way_name[way], m, user ? "user" : "kernel", seed);
  begin(m & 1 ? "MIPS64R2-generic" : "24Kf", m & 2, way, seed + 1);
  write_handler();
  write_program();
  set(10, VA_EVEN), set(11, ODD >> 6 | PAIR), set(12, VA_ODD), set(13, ST_IE | 0x8000 | ST_EXL | (user ? ST_USER : 0));
  set(19, (EVEN ^ OTHER_EVEN) >> 6), set(20, EVEN >> 6 | PAIR);
  set(21, victim[v].is ^ victim[v].to), set(22, victim[v].is), set(23, KSEG0(victim[v].at)), set(25, seed * 0x9e3779b1);
  run_on(what, way, 10, 4000, seed);
  const struct mips_counters *n = &eval->cpu->n;
  cr_assert(n->exceptions[EXC_INT] > 50 && n->code_writes > 5 && n->tlbwi > 10,
            "%s: %lu interrupts, %lu writes, %lu maps", what, n->exceptions[EXC_INT], n->code_writes, n->tlbwi);
  end();
}

static void interrupted_everywhere(enum way way) {
  uint64_t first = rig_setting("MB_SEED", 1), seeds = rig_setting("MB_QUICK", 0) ? 4 : 12;
  if (!is_here(way)) cr_skip("this build has no such tier");
  for (uint64_t seed = first; seed < first + seeds; seed++)
    for (unsigned m = 0; m < 4; m++) interrupted(way, m, (seed + m / 2) & 1, seed);
  if (way != STENCIL) cr_assert_gt(regions, 0);
}
Test(torture, interrupts_in_stencils) {
  interrupted_everywhere(STENCIL);
}
Test(torture, interrupts_in_regions) {
  interrupted_everywhere(AT_ONCE);
}
Test(torture, interrupts_in_the_background) {
  interrupted_everywhere(BACKGROUND);
}
Test(torture, interrupts_in_tiny_memory) {
  interrupted_everywhere(TINY);
}
