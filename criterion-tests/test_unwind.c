/* criterion-tests/test_unwind.c: the calls that led to each instruction of a small program are found. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The program keeps its own account: before each call it is known from where; a run unit by unit compares. */
#include "criterion-tests/encode.h"
#include "criterion-tests/harness.h"
#include "monitor/unwind.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

enum { CODE = 0x10000, STACK = 0x40000, MAX = 16, RA = 31, SP = 29, T9 = 25, A0 = 4 };
/* Words from RIG_CODE on. */
enum { START = 0, OUTER = 8, MIDDLE = 24, LEAF = 48, LEAF_FRAME = 56, RECURSE = 64, END = 96 };
#define AT(word) (RIG_CODE + 4 * (uint64_t)(word))

static struct rig *rig;
static void unmake(void) {
  rig_free(rig);
  rig = NULL;
}
TestSuite(unwind, .fini = unmake);

/* start calls outer; outer calls middle through a register; middle calls leaf, leaf_frame and recurse. */
static void load(bool wide) {
#define PUSH(n)   (wide ? DADDIU(SP, SP, -(n)) : ADDIU(SP, SP, -(n)))
#define POP(n)    (wide ? DADDIU(SP, SP, n) : ADDIU(SP, SP, n))
#define SAVE(at)  (wide ? SD(RA, at, SP) : SW(RA, at, SP))
#define FETCH(at) (wide ? LD(RA, at, SP) : LW(RA, at, SP))
  uint32_t code[END] = {0};
  const uint32_t start[] = {NOP, JAL(AT(OUTER)), NOP, B(-1), NOP};
  const uint32_t outer[] = {PUSH(32), NOP,       SAVE(24), LUI(T9, 0x8001), ORI(T9, T9, MIDDLE * 4), JALR(RA, T9), NOP,
                            NOP,      FETCH(24), JR(RA),   POP(32)};
  const uint32_t middle[] = {
      NOP, PUSH(64),  SAVE(56), JAL(AT(LEAF)), NOP, JAL(AT(LEAF_FRAME)), NOP, ADDIU(A0, 0, 3), JAL(AT(RECURSE)),
      NOP, FETCH(56), POP(64),  JR(RA),        NOP};
  const uint32_t leaf[] = {NOP, NOP, JR(RA), NOP};
  const uint32_t leaf_frame[] = {PUSH(16), SW(0, 4, SP), NOP, JR(RA), POP(16)};
  const uint32_t recurse[] = {PUSH(32),         SAVE(16), BEQ(A0, 0, 4), NOP,    ADDIU(A0, A0, -1),
                              JAL(AT(RECURSE)), NOP,      FETCH(16),     JR(RA), POP(32)};
#define PUT(name, where) memcpy(code + (where), name, sizeof(name))
  PUT(start, START), PUT(outer, OUTER), PUT(middle, MIDDLE), PUT(leaf, LEAF), PUT(leaf_frame, LEAF_FRAME);
  PUT(recurse, RECURSE);
  rig_code(rig, CODE, code, END);
}

static bool is_in(uint64_t pc, unsigned first, unsigned words) {
  return pc >= AT(first) && pc < AT(first + words);
}

/* What the calls must be, from the pc and $4 alone. Returns how many. */
static unsigned expected(uint64_t pc, unsigned depth, uint64_t *call) {
  unsigned n = 0;
  call[n++] = pc;
  if (is_in(pc, RECURSE, 16))
    for (unsigned i = 0; i < depth; i++) call[n++] = AT(RECURSE + 5);
  if (is_in(pc, LEAF, 8)) call[n++] = AT(MIDDLE + 3);
  if (is_in(pc, LEAF_FRAME, 8)) call[n++] = AT(MIDDLE + 5);
  if (is_in(pc, RECURSE, 16)) call[n++] = AT(MIDDLE + 8);
  if (pc >= AT(MIDDLE)) call[n++] = AT(OUTER + 5);
  if (pc >= AT(OUTER)) call[n++] = AT(START + 1);
  return n;
}

static void walk(const char *model, bool big) {
  unmake();
  rig = rig_new(model, big);
  load(rig->cpu->mmu.segbits > 32);
  rig_go(rig, RIG_CODE);
  rig->cpu->gpr[SP] = KSEG0(STACK);
  unsigned depth = 0, compared = 0;
  while (rig->cpu->j.pc != AT(START + 3)) {
    uint64_t want[MAX], got[MAX], pc = rig->cpu->j.pc, hits = rig->cpu->mmu.l2_hits, fills = rig->cpu->mmu.fills;
    unsigned n = expected(pc, depth, want), m = mon_unwind(rig->cpu, NULL, got, MAX);
    cr_assert_eq(m, n, "%s, pc %" PRIx64 ", depth %u: %u calls, not %u", model, pc, depth, m, n);
    for (unsigned i = 0; i < n; i++) cr_assert_eq(got[i], want[i], "%s, pc %" PRIx64 ", call %u", model, pc, i);
    cr_assert_eq(rig->cpu->mmu.l2_hits + rig->cpu->mmu.fills, hits + fills, "it leaves no trace");
    if (pc == AT(RECURSE + 5)) depth++;
    rig_run(rig, 1);
    if (pc == AT(RECURSE + 8) && depth) depth--;
    cr_assert_lt(++compared, 200u);
  }
  cr_assert_gt(compared, 50u);
}

Test(unwind, every_instruction) {
  walk("24Kf", false);
  walk("24Kf", true);
  walk("MIPS64R2-generic", false);
  walk("MIPS64R2-generic", true);
}

/* With a stack that makes no sense, or none, it ends; and in an exception handler it does not begin. */
Test(unwind, in_doubt) {
  uint64_t call[MAX];
  rig = rig_new("24Kf", false);
  load(false);
  rig_go(rig, AT(MIDDLE + 8));
  rig->cpu->gpr[RA] = AT(MIDDLE + 7);
  const uint64_t sps[] = {0, KSEG0(RIG_RAM - 4), KSEG0(RIG_DEVICE), 0x1000, KSEG0(STACK) + 2, UINT64_MAX};
  for (unsigned i = 0; i < sizeof sps / sizeof *sps; i++) {
    rig->cpu->gpr[SP] = sps[i];
    cr_assert_eq(mon_unwind(rig->cpu, NULL, call, MAX), 1u, "stack %u", i);
    cr_assert_eq(call[0], AT(MIDDLE + 8));
  }
  rig->cpu->gpr[RA] = AT(OUTER + 7);
  rig->cpu->gpr[SP] = KSEG0(STACK);
  cr_assert_eq(mon_unwind(rig->cpu, NULL, call, 1), 1u, "no more than there is room for");
  rig_status(rig, rig->cpu->cp0.status | ST_EXL);
  cr_assert_eq(mon_unwind(rig->cpu, NULL, call, MAX), 1u);
}

/* A function that is traced begins with a call that takes 8 bytes of the stack in its delay slot, which the callee
 * gives back: they are no frame. */
Test(unwind, traced) {
  enum { F = 8, TRACE = 24, AT_ = 1, V1 = 3 };
  uint64_t call[MAX];
  rig = rig_new("24Kf", false);
  uint32_t code[32] = {NOP, JAL(AT(F)), NOP, NOP};
  const uint32_t f[] = {ADDIU(SP, SP, -32),     SW(RA, 28, SP), ADDIU(AT_, RA, 0), LUI(V1, 0x8001),
                        ORI(V1, V1, TRACE * 4), JALR(RA, V1),   ADDIU(SP, SP, -8), NOP};
  const uint32_t trace[] = {ADDIU(SP, SP, 8), ADDIU(V1, RA, 0), JR(V1), ADDIU(RA, AT_, 0)};
  memcpy(code + F, f, sizeof f);
  memcpy(code + TRACE, trace, sizeof trace);
  rig_code(rig, CODE, code, 32);
  rig_go(rig, RIG_CODE);
  rig->cpu->gpr[SP] = KSEG0(STACK);
  while (rig->cpu->j.pc != AT(F + 7)) rig_run(rig, 1);
  cr_assert_eq(rig->cpu->gpr[SP], KSEG0(STACK - 32));
  cr_assert_eq(mon_unwind(rig->cpu, NULL, call, MAX), 2u);
  cr_assert_eq(call[1], AT(1));
}
