/* criterion-tests/test_stencil.c: compiled code does what eval does: chains, changed code, full code memory. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Each program runs in eval and in stencils, or in what $MB_TIER says, in slices of odd lengths; time, state and memory
 * must be the same after each slice. */
#include "criterion-tests/encode.h"
#include "criterion-tests/harness.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { TINY = 16 << 10, DATA = 0x20000, DATA_SIZE = 0x2000 };

static struct rig *eval, *stencil;

/* Two machines alike but for their tiers. code_bytes 0: as much code memory as usual. */
static void begin_in(const char *model, bool big, size_t code_bytes) {
  if (!jit_has_tier(JIT_STENCIL)) cr_skip("this build has no stencil tier");
  eval = rig_new(model, big);
  stencil = rig_new(model, big);
  cr_assert_eq(jit_set_tier(eval->jit, JIT_EVAL), 0);
  const char *tier = getenv("MB_TIER");
  cr_assert_eq(jit_set_tier(stencil->jit, tier && !strcmp(tier, "llvm") ? JIT_LLVM : JIT_STENCIL), 0);
  jit_tune(stencil->jit, &(struct jit_tuning){.visits = RIG_LLVM_VISITS, .sample_period = 100});
  if (code_bytes) jit_set_code_bytes(stencil->jit, code_bytes);
}
static void begin(const char *model, size_t code_bytes) {
  begin_in(model, false, code_bytes);
}
static void end(void) {
  rig_free(eval);
  rig_free(stencil);
  eval = stencil = NULL;
}

static void code_at(uint64_t at, const uint32_t *word, size_t n) {
  rig_code(eval, at, word, n);
  rig_code(stencil, at, word, n);
}
#define CODE(at, ...)                                                                                                  \
  code_at(at, (const uint32_t[]){__VA_ARGS__}, sizeof(const uint32_t[]){__VA_ARGS__} / sizeof(uint32_t))

static void same(const char *what, uint64_t cycles) {
  static uint8_t a[DATA_SIZE], b[DATA_SIZE];
  for (int i = 0; i < 32; i++)
    cr_assert_eq(stencil->cpu->gpr[i], eval->cpu->gpr[i], "%s: after %lu cycles $%d is %#lx, should be %#lx", what,
                 cycles, i, stencil->cpu->gpr[i], eval->cpu->gpr[i]);
  cr_assert_eq(stencil->cpu->j.pc, eval->cpu->j.pc, "%s: after %lu cycles", what, cycles);
  cr_assert_eq(rig_now(stencil), rig_now(eval), "%s: after %lu cycles", what, cycles);
  cr_assert_eq(rig_hash(stencil), rig_hash(eval), "%s: after %lu cycles", what, cycles);
  rig_read(eval, DATA, a, sizeof a);
  rig_read(stencil, DATA, b, sizeof b);
  cr_assert_eq(memcmp(a, b, sizeof a), 0, "%s: memory differs after %lu cycles", what, cycles);
}

static void run_both(const char *what, uint64_t cycles) {
  uint64_t seed = 1;
  for (uint64_t done = 0, n; done < cycles; done += n) {
    n = 1 + rig_below(&seed, 100) * (uint64_t)rig_below(&seed, 10);
    cr_assert_eq(rig_run(eval, n), rig_run(stencil, n));
    same(what, done + n);
  }
}

static struct jit_stats stats(void) {
  struct jit_stats s;
  jit_stats(stencil->jit, &s);
  return s;
}

enum { CODE_AT = 0x10000, ZERO = 0, V0 = 2, V1, A0, A1, A2, T0 = 8, T1, T2, T3, S0 = 16, S1, SP = 29, RA = 31 };

/* A loop that calls a function: chained jumps, a branch, a jump through a register. */
static void loop_with_call(void) {
  CODE(CODE_AT, ADDIU(S0, ZERO, 5000), LUI(S1, 0x8002), ADDIU(V0, ZERO, 1), /* loop: */ JAL(KSEG0(CODE_AT + 0x100)),
       ADDIU(A0, V0, 3), ADDIU(S0, S0, -1), BNE(S0, ZERO, -4), SW(V0, 8, S1), B(-1), NOP);
  CODE(CODE_AT + 0x100, LW(T0, 8, S1), XOR(V0, A0, T0), SLL(T1, V0, 3), ADDU(V0, V0, T1), JR(RA), SB(T1, 77, S1));
}

Test(stencil, loops_calls_and_returns, .fini = end) {
  begin("24Kf", 0);
  loop_with_call();
  run_both("loop", 40000);
  struct jit_stats s = stats();
  cr_assert_gt(s.cycles_stencil, 30000, "only %lu cycles in stencils", s.cycles_stencil);
}

/* Chained blocks run without the run loop: the cpu stays in code memory for a whole slice. */
Test(stencil, chains, .fini = end) {
  begin("24Kf", 0);
  loop_with_call();
  rig_run(stencil, 1500); /* all is compiled, chained and in the jump cache */
  uint64_t before = stats().cycles_stencil;
  stencil->cpu->j.blocks = 0;
  rig_run(stencil, 20000);
  cr_assert_leq(stencil->cpu->j.blocks, 16); /* none through eval but the units at the end of the slice */
  cr_assert_geq(stats().cycles_stencil - before, 20000 - 16);
}

Test(stencil, code_memory_full_all_the_time, .fini = end) {
  begin("24Kf", TINY);
  CODE(CODE_AT, LUI(S1, 0x8002), /* loop: */ ADDIU(V0, V0, 1));
  enum { BLOCKS = 60 };
  uint64_t at = CODE_AT + 8;
  for (int i = 0; i < BLOCKS; i++, at += 24)
    CODE(at, LW(T0, 4 * i, S1), ADDU(T0, T0, V0), XORI(T1, T0, i), SW(T1, 4 * i + 256, S1), BNE(ZERO, V0, 1), NOP);
  CODE(at, J(KSEG0(CODE_AT + 4)), NOP);
  run_both("loop of many blocks", 30000);
  cr_assert_gt(stats().code_resets, 20);
}

/* The function that a loop calls is rewritten by the loop, each time round. */
static void self_modifying(bool same_page) {
  uint64_t function = CODE_AT + (same_page ? 0x200 : 0x3000);
  uint32_t low = (uint32_t)function & 0xffff;
  CODE(CODE_AT, LUI(S1, 0x8001), ORI(S1, S1, low), LUI(T2, ADDIU(V0, V0, 0) >> 16), ORI(T2, T2, 0),
       /* loop: */ ADDIU(S0, S0, 1), ANDI(T0, S0, 7), OR(T1, T2, T0), SW(T1, 0, S1), JAL(KSEG0(function)), NOP, B(-7),
       NOP);
  CODE(function, ADDIU(V0, V0, 0), JR(RA), NOP);
}

Test(stencil, code_changed_on_the_same_page, .fini = end) {
  begin("24Kf", 0);
  self_modifying(true);
  run_both("self-modifying", 20000);
  cr_assert_gt(stencil->cpu->n.code_writes, 100);
}
Test(stencil, code_changed_on_another_page, .fini = end) {
  begin("24Kf", TINY);
  self_modifying(false);
  run_both("self-modifying", 20000);
  cr_assert_gt(stencil->cpu->n.code_writes, 100);
}

/* A jump to a mapped address follows the TLB: the same address leads to other code once the mapping changes. */
Test(stencil, mapped_code_follows_the_tlb, .fini = end) {
  begin("24Kf", 0);
  CODE(CODE_AT, LUI(S1, 0x0040), /* loop: */ JALR(RA, S1), NOP, B(-3), NOP);
  CODE(0x30000, ADDIU(V0, V0, 1), J(0x401000), NOP);
  CODE(0x31000, ADDIU(V1, V1, 1), JR(RA), NOP);
  CODE(0x40000, ADDIU(V0, V0, 100), J(0x401000), NOP);
  CODE(0x41000, ADDIU(V1, V1, 100), JR(RA), NOP);
  for (int i = 0; i < 200; i++) {
    uint64_t to = i % 3 ? 0x30000 : 0x40000;
    rig_map(eval, 0, 0x400000, to, 0, RIG_MAP_V | RIG_MAP_D | RIG_MAP_G);
    rig_map(stencil, 0, 0x400000, to, 0, RIG_MAP_V | RIG_MAP_D | RIG_MAP_G);
    run_both("remapped", 300);
  }
  cr_assert_gt(stats().cycles_stencil, 20000);
}

/* Neighbouring accesses look their page up once, which must not carry over to the next page, nor from loads to stores,
 * nor past a change of the base. The next page, and then writing, faults. */
static void neighbours(uint32_t first, uint32_t second, unsigned flags) {
  CODE(CODE_AT, LUI(S1, 0x0040), ORI(S1, S1, 0xf00), /* loop: */ ADDIU(V0, V0, 1), first, second, ADDIU(S0, S0, 1),
       B(-5), NOP);
  rig_map(eval, 0, 0x400000, DATA, 0, flags);
  rig_map(stencil, 0, 0x400000, DATA, 0, flags);
  rig_go(eval, RIG_CODE);
  rig_go(stencil, RIG_CODE);
  run_both("neighbours", 60);
  rig_status(eval, eval->cpu->cp0.status & ~(uint32_t)ST_EXL);
  rig_status(stencil, stencil->cpu->cp0.status & ~(uint32_t)ST_EXL);
}

Test(stencil, neighbouring_accesses_stay_on_their_page, .fini = end) {
  enum { ONE = RIG_MAP_V | RIG_MAP_D | RIG_MAP_G | RIG_MAP_ODD_INVALID, BOTH = RIG_MAP_V | RIG_MAP_D | RIG_MAP_G };
  begin("24Kf", 0);
  neighbours(LW(T0, 0, S1), LW(T1, 4, S1), ONE);
  neighbours(LW(T0, 0, S1), LW(T1, 0x100, S1), BOTH);
  neighbours(LW(T0, 0x100, S1), LW(T1, 0xfc, S1), BOTH);
  neighbours(SW(V0, 0xfc, S1), SW(T1, 0x100, S1), BOTH);
  cr_assert_lt(rig_exception(eval), 0);
  neighbours(LW(T0, 0xfc, S1), LW(T1, 0x100, S1), ONE);
  cr_assert_eq(rig_exception(eval), EXC_TLBL);
  neighbours(SW(V0, 0xfc, S1), SW(T1, 0x100, S1), ONE);
  cr_assert_eq(rig_exception(eval), EXC_TLBS);
  neighbours(LW(T0, 0, S1), SW(T1, 4, S1), RIG_MAP_V | RIG_MAP_G);
  cr_assert_eq(rig_exception(eval), EXC_MOD);
  neighbours(LW(T0, 0, S1), LW(T1, 6, S1), BOTH);
  cr_assert_eq(rig_exception(eval), EXC_ADEL);
  neighbours(LW(S1, 0, S1), LW(T1, 4, S1), ONE);
}

/* Straight code over all registers, so that host registers are shared out in every way. */
static uint32_t random_insn(uint64_t *seed, bool wide) {
  unsigned d = 1 + rig_below(seed, 15), a = rig_below(seed, 17), b = rig_below(seed, 17), f;
  int imm = (int)rig_below(seed, 0x10000) - 0x8000, offset = 8 * (int)rig_below(seed, 500);
  static const uint8_t r_type[] = {0x21, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2a, 0x2b, 0x04, 0x06, 0x07, 0x0a, 0x0b};
  static const uint8_t i_type[] = {0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};
  /* those for 64 bits last: LWU, LD; SD */
  static const uint8_t load[] = {0x20, 0x21, 0x23, 0x24, 0x25, 0x22, 0x26, 0x27, 0x37},
                       store[] = {0x28, 0x29, 0x2b, 0x2a, 0x2e, 0x3f};
  switch (rig_below(seed, 8)) {
  case 0:
  case 1:
  case 2: f = r_type[rig_below(seed, sizeof r_type)]; return enc_r(a, b, d, 0, wide && (f & 0x3c) == 0x20 ? f + 12 : f);
  case 3:
  case 4: f = i_type[rig_below(seed, sizeof i_type)]; return enc_i(wide && f == 9 ? 0x19 : f, f == 0xf ? 0 : a, d, imm);
  case 5: return enc_r(0, a, d, rig_below(seed, 32), (unsigned[]){0, 2, 3}[rig_below(seed, 3)]);
  case 6: return enc_i(load[rig_below(seed, wide ? sizeof load : sizeof load - 2)], 30, d, offset);
  default: return enc_i(store[rig_below(seed, wide ? sizeof store : sizeof store - 1)], 30, b, offset);
  }
}

/* A load or store off $16. */
#define AT_S0(op, offset) ((uint32_t)(op) << 26 | S0 << 21 | T1 << 16 | (offset))

/* User addresses are USER above what they lead to; the program's data is in both halves of one pair of pages. */
enum { USER = 0x400000 };
static void go_as_user(struct rig *r, uint64_t data) {
  rig_map(r, 0, USER + CODE_AT, CODE_AT, 0, RIG_MAP_V | RIG_MAP_D);
  rig_map(r, 1, USER + DATA, data, 0, RIG_MAP_V | RIG_MAP_D);
  rig_status(r, r->cpu->cp0.status | ST_USER);
  r->cpu->mmu.view_after = 1;
  rig_go(r, USER + CODE_AT);
}

/* Code that a second process maps elsewhere is copied, not made anew: links and targets must be those of its address.
 */
Test(stencil, the_same_page_at_another_address, .fini = end) {
  static const uint64_t at[] = {0x400000, 0x7000000, 0x7f000000};
  begin("24Kf", false);
  CODE(CODE_AT, ADDIU(V0, V0, 1), enc_i(1, ZERO, 0x11, 3) /* BAL */, ADDIU(V1, V1, 2), ADDIU(T0, T0, 4), B(2), NOP,
       ADDU(T1, T1, RA), ANDI(T2, V0, 1), BNE(T2, ZERO, 3), ADDIU(T3, T3, 3), JR(RA), ADDIU(S0, S0, 1), B(-13), NOP);
  for (unsigned i = 0; i < sizeof at / sizeof at[0]; i++) {
    struct rig *fresh = rig_new("24Kf", false), *all[] = {eval, stencil, fresh};
    uint8_t words[64];
    rig_read(eval, CODE_AT, words, sizeof words);
    rig_write(fresh, CODE_AT, words, sizeof words);
    for (int k = 0; k < 3; k++) {
      for (int n = 1; n < 32; n++) all[k]->cpu->gpr[n] = 0;
      rig_map(all[k], 0, at[i] + CODE_AT, CODE_AT, 0, RIG_MAP_V | RIG_MAP_D);
      rig_status(all[k], all[k]->cpu->cp0.status | ST_USER);
      rig_go(all[k], at[i] + CODE_AT);
      rig_run(all[k], 2000);
    }
    for (int n = 1; n < 32; n++) {
      cr_assert_eq(eval->cpu->gpr[n], fresh->cpu->gpr[n], "eval at %#lx: $%d", at[i], n);
      cr_assert_eq(stencil->cpu->gpr[n], fresh->cpu->gpr[n], "stencils at %#lx: $%d", at[i], n);
    }
    cr_assert_eq(fresh->cpu->gpr[RA], at[i] + CODE_AT + 12);
    cr_assert_gt(fresh->cpu->gpr[S0], 20);
    rig_free(fresh);
  }
  cr_assert_lt(stats().insns_translated, 2 * 14, "the code was translated anew");
}

static void random_programs(const char *model, bool wide, bool big, uint64_t base) {
  uint64_t seed = rig_setting("MB_SEED", 7);
  begin_in(model, big, 64 << 10);
  for (int round = 0; round < 150; round++) {
    uint64_t at = CODE_AT;
    char what[32];
    snprintf(what, sizeof what, "round %d", round);
    CODE(at, LUI(30, (base + DATA) >> 16 & 0xffff), ORI(30, 30, 0x800)); /* what lies off it, lies on two pages */
    at += 8;
    for (int i = 0; i < 120; i++, at += 4) {
      bool branch = rig_below(&seed, 12) == 0;
      static const uint8_t kinds[] = {4, 5, 6, 7, 0x14, 0x15};
      unsigned op = kinds[rig_below(&seed, sizeof kinds)], a = rig_below(&seed, 17);
      CODE(at, branch ? enc_i(op, a, op & 2 ? 0 : rig_below(&seed, 17), 1 + (int)rig_below(&seed, 5))
                      : random_insn(&seed, wide));
      if (branch) CODE(at += 4, random_insn(&seed, wide));
    }
    for (int i = 0; i < 8; i++, at += 4) CODE(at, NOP);
    CODE(at, J(base + CODE_AT + 8), NOP);
    for (int i = 1; i < 32; i++) eval->cpu->gpr[i] = stencil->cpu->gpr[i] = IR_SX32(rig_random(&seed));
    rig_go(eval, RIG_CODE);
    rig_go(stencil, RIG_CODE);
    for (int part = 0; part < 4; part++) { /* a user's data moves, but for the last time */
      if (base == USER) go_as_user(eval, DATA + (part & 1 ? 0 : 0x10000));
      if (base == USER) go_as_user(stencil, DATA + (part & 1 ? 0 : 0x10000));
      run_both(what, 500);
    }
    cr_assert_eq(rig_exception(eval), -1, "%s", what);
  }
  cr_assert_eq(stencil->cpu->mmu.view_fills > 0, base == USER && jit_sample_period(stencil->jit) > 0);
}

Test(stencil, random_programs_32, .fini = end) {
  random_programs("24Kf", false, false, KSEG0(0));
}
Test(stencil, random_programs_64, .fini = end) {
  random_programs("MIPS64R2-generic", true, false, KSEG0(0));
}
Test(stencil, random_programs_of_users_32, .fini = end) {
  random_programs("24Kf", false, false, USER);
}
Test(stencil, random_programs_of_users_32_big, .fini = end) {
  random_programs("24Kf", false, true, USER);
}
Test(stencil, random_programs_of_users_64, .fini = end) {
  random_programs("MIPS64R2-generic", true, false, USER);
}
Test(stencil, random_programs_of_users_64_big, .fini = end) {
  random_programs("MIPS64R2-generic", true, true, USER);
}

/* With a view, too, each access that is not aligned, or beyond what a user has, is an address error; a page that is not
 * there is a refill. */
Test(stencil, bad_addresses_of_users, .fini = end) {
  static const struct {
    uint32_t insn;
    uint32_t base; /* upper half of $16 */
    int exception;
  } cases[] = {{AT_S0(0x21, 1), USER >> 16, EXC_ADEL}, {AT_S0(0x23, 2), USER >> 16, EXC_ADEL},
               {AT_S0(0x37, 4), USER >> 16, EXC_ADEL}, {AT_S0(0x29, 1), USER >> 16, EXC_ADES},
               {AT_S0(0x2b, 2), USER >> 16, EXC_ADES}, {AT_S0(0x3f, 4), USER >> 16, EXC_ADES},
               {AT_S0(0x20, 0), 0x8000, EXC_ADEL},     {AT_S0(0x28, 0), 0xffff, EXC_ADES},
               {AT_S0(0x23, 0), 0x0070, EXC_TLBL},     {AT_S0(0x2b, 0), 0x7000, EXC_TLBS}};
  for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    begin("MIPS64R2-generic", 0);
    CODE(CODE_AT, LUI(T0, (USER + DATA) >> 16), LUI(S0, cases[i].base), ADDIU(T2, ZERO, 400), /* loop: */
         LW(T1, 4, T0), SW(T1, 8, T0), ADDIU(T2, T2, -1), BNE(T2, ZERO, -4), NOP, cases[i].insn, B(-1), NOP);
    go_as_user(eval, DATA);
    go_as_user(stencil, DATA);
    run_both("until the fault", 2100);
    cr_assert_eq(rig_exception(eval), cases[i].exception, "case %u: %d", i, rig_exception(eval));
    end();
  }
  begin("24Kf", 0);
}
