/* criterion-tests/test_ir_ops.c: every pure IR operation, all edge pairs: builder, immediate form and all tiers agree.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "jit/jit.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { ZERO, A, B, C, RESULT, SLOTS };
struct fake_cpu {
  struct jit_cpu j;
  uint64_t slot[SLOTS];
};
static const struct jit_slot slots[SLOTS] = {
    {"zero", offsetof(struct fake_cpu, slot[ZERO])},     {"a", offsetof(struct fake_cpu, slot[A])},
    {"b", offsetof(struct fake_cpu, slot[B])},           {"c", offsetof(struct fake_cpu, slot[C])},
    {"result", offsetof(struct fake_cpu, slot[RESULT])},
};
static bool fixed(uint64_t pc) {
  return pc == 0x40; /* there is no soft TLB here to ask */
}
static const struct jit_guest guest = {
    .slot = slots, .slots = SLOTS, .zero_slot = ZERO, .kept_slots = SLOTS, .fixed = fixed};

static const uint64_t edge[] = {
    0,
    1,
    2,
    3,
    31,
    32,
    33,
    63,
    64,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x12345678,
    0x7fffffff,
    0x80000000,
    0x80000001,
    0xffffffff,
    0x100000000,
    0x7fffffffffffffff,
    0x8000000000000000,
    0x8000000000000001,
    0xffffffff7fffffff,
    0xffffffff80000000,
    0xffffffff80000001,
    0xfffffffffffffffe,
    0xffffffffffffffff,
    0x0123456789abcdef,
    0xfedcba9876543210,
};
enum { EDGES = sizeof edge / sizeof edge[0] };

static struct jit *jit[2]; /* eval, stencil (NULL: not in this build) */
static struct fake_cpu *cpu;
static struct ir_block *ir;

static void make(void) {
  cr_assert_eq(jit_new(&jit[0], &guest, 1 << 20), 0);
  cr_assert_eq(jit_set_tier(jit[0], JIT_EVAL), 0);
  if (jit_has_tier(JIT_STENCIL)) {
    cr_assert_eq(jit_new(&jit[1], &guest, 4 << 20), 0);
    cr_assert_eq(jit_set_tier(jit[1], JIT_STENCIL), 0);
  }
  cpu = calloc(1, sizeof *cpu);
  ir = malloc(sizeof *ir);
  cr_assert(cpu && ir && !jit_cpu_init(&cpu->j));
}
static void unmake(void) {
  jit_free(jit[0]);
  jit_free(jit[1]);
  jit_cpu_fini(&cpu->j);
  free(cpu);
  free(ir);
}
TestSuite(ir_ops, .init = make, .fini = unmake);

/* Run the block in each tier from the same state; they must do the same. */
static enum jit_exit_kind run_block(uint8_t insns, int64_t budget) {
  uint64_t before[SLOTS], after[SLOTS], pc = 0;
  int64_t left = 0;
  enum jit_exit_kind kind = JIT_EXIT_NEXT;
  memcpy(before, cpu->slot, sizeof before);
  for (int i = 0; i < 2 && jit[i]; i++) {
    struct jit_page *page = NULL;
    struct jit_stats stats;
    memcpy(cpu->slot, before, sizeof before);
    struct jit_block *b = jit_add(jit[i], &page, &(struct jit_key){.pc = 0x40}, (struct jit_shape){.insns = insns}, ir);
    cr_assert_not_null(b);
    cpu->j.budget = budget;
    cpu->j.attention = 1; /* or compiled code need not STOP */
    enum jit_exit_kind k = jit_run(jit[i], b, &cpu->j);
    jit_page_drop(jit[i], &page);
    jit_stats(jit[i], &stats);
    cr_assert_eq(stats.blocks_compiled, i ? stats.blocks_made : 0);
    if (i) {
      cr_assert(k == kind && cpu->j.pc == pc && cpu->j.budget == left);
      for (int r = 0; r < SLOTS; r++)
        cr_assert_eq(cpu->slot[r], after[r], "%s: %#lx compiled, %#lx interpreted", slots[r].name, cpu->slot[r],
                     after[r]);
    }
    kind = k, pc = cpu->j.pc, left = cpu->j.budget;
    memcpy(after, cpu->slot, sizeof after);
  }
  return kind;
}

/* Finish the block with RESULT = v, run it, return RESULT. */
static uint64_t run(ir_ref v) {
  ir_set(ir, RESULT, v);
  ir_exit(ir, IR_EXIT_STOP, 0x1000);
  cr_assert_null(ir_check(ir), "%s", ir_check(ir));
  cr_assert_eq(run_block(1, 1), JIT_EXIT_STOP);
  cr_assert_eq(cpu->j.budget, 0);
  cr_assert_eq(cpu->j.pc, 0x1000);
  return cpu->slot[RESULT];
}

static ir_ref build(enum ir_opcode op, ir_ref a, ir_ref b, ir_ref c) {
  switch (ir_opinfo[op].form) {
  case IR_FORM_V: return ir_op1(ir, op, a);
  case IR_FORM_VV: return ir_op2(ir, op, a, b);
  case IR_FORM_VVV: return ir_op3(ir, op, a, b, c);
  case IR_FORM_N: break;
  }
  cr_assert_fail("%s has no operands", ir_opinfo[op].name);
  return IR_NONE;
}

static ir_ref operand(unsigned slot, uint64_t v, bool constant) {
  cpu->slot[slot] = v;
  return constant ? ir_const(ir, v) : ir_get(ir, slot);
}

static void check(enum ir_opcode op, uint64_t a, uint64_t b, uint64_t c, unsigned constants) {
  ir_reset(ir);
  ir_ref ra = operand(A, a, constants & 1), rb = operand(B, b, constants & 2), rc = operand(C, c, constants & 4);
  uint64_t got = run(build(op, ra, rb, rc)), want = ir_eval(op, a, b, c);
  cr_assert_eq(got, want, "%s %#lx %#lx %#lx constants %u: got %#lx, want %#lx", ir_opinfo[op].name, a, b, c, constants,
               got, want);
}

Test(ir_ops, every_pure_operation_on_all_edge_pairs) {
  for (unsigned op = 0; op < IR_OPCODES; op++) {
    if (ir_opinfo[op].class != IR_CLASS_PURE && ir_opinfo[op].class != IR_CLASS_CMP) continue;
    for (unsigned i = 0; i < EDGES; i++)
      for (unsigned k = 0; k < EDGES; k++)
        for (unsigned constants = 0; constants < 4; constants++)
          check(op, edge[i], edge[k], edge[(i + k) % EDGES], constants);
  }
}

Test(ir_ops, comparisons_fuse_with_branches) {
  for (unsigned op = 0; op < IR_OPCODES; op++) {
    if (ir_opinfo[op].class != IR_CLASS_CMP) continue;
    for (unsigned i = 0; i < EDGES * EDGES; i++) {
      uint64_t a = edge[i / EDGES], b = edge[i % EDGES];
      cpu->slot[A] = a, cpu->slot[B] = b;
      ir_reset(ir);
      ir_ref cond = ir_op2(ir, op, ir_get(ir, A), ir_get(ir, B));
      ir_set(ir, A, ir_const(ir, 7)); /* the delay slot overwrites an operand */
      ir_exit_if(ir, cond, 0x2000, 1);
      ir_exit(ir, IR_EXIT, 0x3000);
      cr_assert_eq(run_block(3, 10), JIT_EXIT_NEXT);
      bool taken = ir_eval(op, a, b, 0);
      cr_assert_eq(cpu->j.pc, taken ? 0x2000 : 0x3000, "%s %#lx %#lx", ir_opinfo[op].name, a, b);
      cr_assert_eq(cpu->j.budget, taken ? 8 : 7);
      cr_assert_eq(cpu->slot[A], 7);
    }
  }
}

/* A branch on a comparison with 0 has stencils of its own. */
Test(ir_ops, comparisons_with_zero_fuse_with_branches) {
  for (unsigned op = 0; op < IR_OPCODES; op++) {
    if (ir_opinfo[op].class != IR_CLASS_CMP) continue;
    for (unsigned i = 0; i < EDGES; i++) {
      cpu->slot[A] = edge[i];
      ir_reset(ir);
      ir_exit_if(ir, ir_op2(ir, op, ir_get(ir, A), ir_const(ir, 0)), 0x2000, 0);
      ir_exit(ir, IR_EXIT, 0x3000);
      cr_assert_eq(run_block(1, 10), JIT_EXIT_NEXT);
      cr_assert_eq(cpu->j.pc, ir_eval(op, edge[i], 0, 0) ? 0x2000 : 0x3000, "%s %#lx", ir_opinfo[op].name, edge[i]);
      cr_assert_eq(cpu->j.budget, 9);
    }
  }
}

/* More values alive than there are host registers. */
Test(ir_ops, many_temporaries) {
  enum { N = 40 };
  ir_ref v[N], sum;
  uint64_t want = 0;
  ir_reset(ir);
  cpu->slot[A] = 0x123456789abcdef0, cpu->slot[B] = 3;
  for (unsigned i = 0; i < N; i++)
    v[i] = ir_op2(ir, IR_MUL, ir_get(ir, A), ir_op2(ir, IR_ADD, ir_get(ir, B), ir_const(ir, i)));
  sum = ir_const(ir, 0);
  for (unsigned i = 0; i < N; i++) {
    sum = ir_op2(ir, IR_XOR, ir_op2(ir, IR_ADD, sum, v[i]), v[(i * 7) % N]);
    want = (want + cpu->slot[A] * (3 + i)) ^ cpu->slot[A] * (3 + (i * 7) % N);
  }
  cr_assert_eq(run(sum), want);
}

/* The meanings themselves, against numbers worked out by hand. */
Test(ir_ops, known_answers) {
  static const struct {
    enum ir_opcode op;
    uint64_t a, b, want;
  } row[] = {
      {IR_ADD32, 0x7fffffff, 1, 0xffffffff80000000},
      {IR_SUB32, 0x80000000, 1, 0x7fffffff},
      {IR_MULHS, UINT64_MAX, UINT64_MAX, 0},
      {IR_MULHU, UINT64_MAX, UINT64_MAX, UINT64_MAX - 1},
      {IR_DIVS32, 0x80000000, UINT64_MAX, 0xffffffff80000000},
      {IR_REMS32, 0x80000000, UINT64_MAX, 0},
      {IR_DIVU32, 7, 0, 7},
      {IR_REMU32, 7, 0, 0},
      {IR_DIVS, -(uint64_t)7, 2, -(uint64_t)3},
      {IR_REMS, -(uint64_t)7, 2, -(uint64_t)1},
      {IR_SAR32, 0x80000000, 31, UINT64_MAX},
      {IR_ROTR32, 1, 1, 0xffffffff80000000},
      {IR_ROTR, 1, 1, 0x8000000000000000},
      {IR_ADDV32, 0x7fffffff, 1, 1},
      {IR_ADDV32, 0xffffffff, 1, 0},
      {IR_SUBV32, 0x80000000, 1, 1},
      {IR_ADDV, 0x7fffffffffffffff, 1, 1},
      {IR_SUBV, 0, 0x8000000000000000, 1},
      {IR_CLZ32, 0, 0, 32},
      {IR_CLZ32, 0xffffffff00000001, 0, 31},
      {IR_SWAP16, 0x0102030405060708, 0, 0x0201040306050807},
      {IR_SWAPHALF, 0x0102030405060708, 0, 0x0304010207080506},
      {IR_MULS3264, 0xffffffff, 0xffffffff, 1},
      {IR_MULU3264, 0xffffffff, 0xffffffff, 0xfffffffe00000001},
  };
  for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
    cr_expect_eq(ir_eval(row[i].op, row[i].a, row[i].b, 0), row[i].want, "row %zu (%s)", i, ir_opinfo[row[i].op].name);
}
