/* criterion-tests/test_llvm.c: every operation in regions; regions that come late, are dropped, recycled, kept on disk.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "criterion-tests/encode.h"
#include "criterion-tests/harness.h"
#include "jit/store.h"
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- operations: one region for an operation and many values --- */

enum { ZERO, A, B, C, FIRST_RESULT };
static const uint64_t edge[] = {0,
                                1,
                                2,
                                31,
                                32,
                                33,
                                63,
                                64,
                                0x7f,
                                0x80,
                                0xff,
                                0x8000,
                                0xffff,
                                0x12345678,
                                0x7fffffff,
                                0x80000000,
                                0x80000001,
                                0xffffffff,
                                0x100000000,
                                0x3ff0000000000000, /* 1.0, */
                                0xbff8000000000000, /* -1.5, */
                                0x7ff0000000000000, /* infinity, */
                                0x7ff4000000000000, /* a NaN */
                                0x3f80000040490fdb, /* floats: 1, pi, */
                                0xff800000c1100000, /* -infinity, -9 */
                                0x7fffffffffffffff,
                                0x8000000000000000,
                                0xffffffff80000000,
                                0xfffffffffffffffe,
                                0xffffffffffffffff,
                                0x0123456789abcdef,
                                0xfedcba9876543210};
enum { EDGES = sizeof edge / sizeof edge[0], SLOTS = FIRST_RESULT + EDGES, WARM = 8 };
/* Tries, of a millisecond each: the compiler in the background may have to wait for a busy host. */
enum { PATIENCE = 30000 };
struct fake_cpu {
  struct jit_cpu j;
  uint64_t slot[SLOTS];
};
static struct jit_slot slots[SLOTS];
static bool fixed(uint64_t pc) {
  return pc == 0x40;
}
/* Stands in for what FPU operations call when they are not ordinary. */
static uint64_t helper(void *cpu, uint64_t a, uint64_t b, uint64_t c) {
  (void)cpu;
  return (uint32_t)a * UINT64_C(3) + (uint32_t)b * UINT64_C(5) +
         (uint32_t)c; /* of 4-byte operands the low half counts */
}
static const jit_helper helpers[] = {helper, helper};
static const char *const helper_names[] = {"none", "helper"};
static struct jit_guest guest = {.slot = slots,
                                 .slots = SLOTS,
                                 .zero_slot = ZERO,
                                 .kept_slots = SLOTS,
                                 .helper = helpers,
                                 .helper_name = helper_names,
                                 .helpers = 2,
                                 .fixed = fixed};

static struct jit *jits[2];
static struct jit_page *pages[2];
static struct jit_block *blocks[2];
static struct fake_cpu *cpu;
static struct ir_block *ir;

static void make(void) {
  static const enum jit_tier tier[] = {JIT_EVAL, JIT_LLVM};
  if (!jit_has_tier(JIT_LLVM)) cr_skip("this build has no LLVM tier");
  for (unsigned i = 0; i < SLOTS; i++)
    slots[i] = (struct jit_slot){"slot", (uint16_t)(offsetof(struct fake_cpu, slot) + 8 * i)};
  for (int i = 0; i < 2; i++) {
    cr_assert_eq(jit_new(&jits[i], &guest, 16 << 20), 0);
    cr_assert_eq(jit_set_tier(jits[i], tier[i]), 0);
    jit_tune(jits[i], &(struct jit_tuning){.visits = RIG_LLVM_VISITS});
  }
  cpu = calloc(1, sizeof *cpu);
  ir = malloc(sizeof *ir);
  cr_assert(cpu && ir && !jit_cpu_init(&cpu->j));
}
static void unmake(void) {
  for (int i = 0; i < 2; i++) {
    jit_page_drop(jits[i], &pages[i]);
    jit_free(jits[i]);
  }
  if (cpu) jit_cpu_fini(&cpu->j);
  free(cpu);
  free(ir);
}
TestSuite(llvm_ops, .init = make, .fini = unmake);

static void run_in(int i, uint64_t a, uint64_t b, uint64_t c, struct fake_cpu *end) {
  memset(cpu->slot, 0, sizeof cpu->slot);
  cpu->slot[A] = a, cpu->slot[B] = b, cpu->slot[C] = c;
  cpu->j.budget = 1000;
  cpu->j.attention = 1;
  memset(&cpu->j.fp, 0, sizeof cpu->j.fp);
  cpu->j.fp.ready = 1;
  enum jit_exit_kind kind = jit_run(jits[i], blocks[i], &cpu->j);
  cr_assert(kind == JIT_EXIT_STOP || kind == JIT_EXIT_NEXT);
  memcpy(end, cpu, sizeof *end);
}

/* The block that was built does the same in both tiers, for all pairs of values. */
static void compare(const char *what) {
  static struct fake_cpu eval, llvm;
  struct jit_stats s;
  cr_assert_null(ir_check(ir), "%s: %s", what, ir_check(ir));
  for (int i = 0; i < 2; i++) {
    jit_page_drop(jits[i], &pages[i]);
    blocks[i] = jit_add(jits[i], &pages[i], &(struct jit_key){.pc = 0x40}, (struct jit_shape){.insns = 1}, ir);
    cr_assert_not_null(blocks[i]);
  }
  jit_stats(jits[1], &s);
  uint64_t regions = s.regions_made;
  for (int i = 0; i < WARM; i++) run_in(1, 0, 0, 0, &llvm);
  jit_stats(jits[1], &s);
  cr_assert_eq(s.regions_made, regions + 1, "%s: no region", what);
  for (unsigned i = 0; i < EDGES * EDGES; i++) {
    uint64_t a = edge[i / EDGES], b = edge[i % EDGES], c = edge[(i / EDGES + i) % EDGES];
    run_in(0, a, b, c, &eval);
    run_in(1, a, b, c, &llvm);
    for (unsigned k = 0; k < SLOTS; k++)
      cr_assert_eq(llvm.slot[k], eval.slot[k], "%s of %#lx %#lx %#lx, slot %u: %#lx in a region, should be %#lx", what,
                   a, b, c, k, llvm.slot[k], eval.slot[k]);
    cr_assert(llvm.j.pc == eval.j.pc && llvm.j.budget == eval.j.budget, "%s", what);
    cr_assert_eq(llvm.j.fp.last, eval.j.fp.last, "%s of %#lx %#lx: last", what, a, b);
    if (eval.j.fp.last == JIT_FP_EXACT) continue;
    uint64_t mask =
        what[strlen(what) - 1] == 'D' ? UINT64_MAX : UINT32_MAX; /* of 4-byte operands the low half counts */
    cr_assert_eq((llvm.j.fp.a ^ eval.j.fp.a) & mask, 0, "%s: note", what);
    cr_assert_eq((llvm.j.fp.b ^ eval.j.fp.b) & mask, 0, "%s: note", what);
    cr_assert_eq((llvm.j.fp.c ^ eval.j.fp.c) & mask, 0, "%s: note", what);
  }
}

static ir_ref build(enum ir_opcode op, ir_ref a, ir_ref b, ir_ref c) {
  switch (ir_opinfo[op].form) {
  case IR_FORM_V: return ir_op1(ir, op, a);
  case IR_FORM_VV: return ir_op2(ir, op, a, b);
  default: return ir_op3(ir, op, a, b, c);
  }
}

static bool is_pure(enum ir_opcode op) {
  return ir_opinfo[op].class == IR_CLASS_PURE || ir_opinfo[op].class == IR_CLASS_CMP;
}

Test(llvm_ops, every_pure_operation_on_all_edge_pairs) {
  for (unsigned op = 0; op < IR_OPCODES; op++) {
    if (!is_pure(op)) continue;
    ir_reset(ir);
    ir_set(ir, FIRST_RESULT, build(op, ir_get(ir, A), ir_get(ir, B), ir_get(ir, C)));
    ir_exit(ir, IR_EXIT_STOP, 0x1000);
    compare(ir_opinfo[op].name);
  }
}

/* With a constant on either side. */
Test(llvm_ops, every_pure_operation_with_constants) {
  for (unsigned op = 0; op < IR_OPCODES; op++) {
    if (!is_pure(op) || ir_opinfo[op].form != IR_FORM_VV) continue;
    for (int left = 0; left < 2; left++) {
      ir_reset(ir);
      for (unsigned i = 0; i < EDGES; i++) {
        ir_ref k = ir_const(ir, edge[i]), a = ir_get(ir, A);
        ir_set(ir, FIRST_RESULT + i, left ? ir_op2(ir, op, k, a) : ir_op2(ir, op, a, k));
      }
      ir_exit(ir, IR_EXIT_STOP, 0x1000);
      compare(ir_opinfo[op].name);
    }
  }
}

Test(llvm_ops, comparisons_fuse_with_branches) {
  for (unsigned op = 0; op < IR_OPCODES; op++) {
    if (ir_opinfo[op].class != IR_CLASS_CMP) continue;
    ir_reset(ir);
    ir_ref cond = ir_op2(ir, op, ir_get(ir, A), ir_get(ir, B));
    ir_set(ir, A, ir_const(ir, 7)); /* the delay slot overwrites an operand */
    ir_exit_if(ir, cond, 0x2000, 1);
    ir_exit(ir, IR_EXIT, 0x3000);
    compare(ir_opinfo[op].name);
  }
}

Test(llvm_ops, every_floating_point_operation_on_all_edge_pairs) {
  for (unsigned op = 0; op < IR_OPCODES; op++) {
    if (ir_opinfo[op].class != IR_CLASS_FPU) continue;
    ir_reset(ir);
    enum ir_form f = ir_opinfo[op].form;
    ir_ref b = f >= IR_FORM_VV ? ir_get(ir, B) : IR_NONE, c = f == IR_FORM_VVV ? ir_get(ir, C) : IR_NONE;
    ir_set(ir, FIRST_RESULT, ir_fpu(ir, op, 1, ir_get(ir, A), b, c));
    ir_exit(ir, IR_EXIT_STOP, 0x1000);
    compare(ir_opinfo[op].name);
  }
}

/* --- programs --- */

enum { TINY = 24 << 10, DATA = 0x20000, DATA_SIZE = 0x2000, CODE_AT = 0x10000 };
enum { ZR = 0, V0 = 2, V1, A0, T0 = 8, T1, T2, S0 = 16, S1, RA = 31 };
static struct rig *eval, *mixed;

/* One machine in eval; one that compiles in the background, soon, with random delays. */
static void begin(const char *model, size_t region_bytes, uint64_t seed) {
  if (!jit_has_tier(JIT_LLVM)) cr_skip("this build has no LLVM tier");
  eval = rig_new_in(model, false, JIT_EVAL);
  mixed = rig_new_in(model, false, JIT_AUTO);
  const struct jit_tuning t = {.sample_period = 300, .hot = 1, .hot_for_view = 1, .delay_seed = seed, .eager = true};
  jit_tune(mixed->jit, &t);
  mixed->cpu->mmu.view_after = 1;
  if (region_bytes) jit_set_region_bytes(mixed->jit, region_bytes);
}
static void end(void) {
  rig_free(eval);
  rig_free(mixed);
  eval = mixed = NULL;
}

/* --- in user mode, where memory is reached through a view --- */

enum { USER = 0x400000, OTHER_DATA = 0x30000 };

static void user_data_at(uint64_t at, unsigned flags) {
  rig_map(eval, 1, USER + DATA, at, 0, flags);
  rig_map(mixed, 1, USER + DATA, at, 0, flags);
}

/* User addresses are USER above what they lead to. */
static void go_as_user(void) {
  struct rig *both[] = {eval, mixed};
  for (int i = 0; i < 2; i++) {
    rig_map(both[i], 0, USER + CODE_AT, CODE_AT, 0, RIG_MAP_V | RIG_MAP_D);
    rig_go(both[i], USER + CODE_AT);
    rig_status(both[i], both[i]->cpu->cp0.status | ST_USER);
  }
  user_data_at(DATA, RIG_MAP_V | RIG_MAP_D);
}

static void code_at(uint64_t at, const uint32_t *word, size_t n) {
  rig_code(eval, at, word, n);
  rig_code(mixed, at, word, n);
}
#define CODE(at, ...)                                                                                                  \
  code_at(at, (const uint32_t[]){__VA_ARGS__}, sizeof(const uint32_t[]){__VA_ARGS__} / sizeof(uint32_t))

static void same(const char *what, uint64_t cycles) {
  static uint8_t a[DATA_SIZE], b[DATA_SIZE];
  const uint64_t data[] = {DATA, OTHER_DATA};
  for (int i = 0; i < 32; i++)
    cr_assert_eq(mixed->cpu->gpr[i], eval->cpu->gpr[i], "%s: after %lu cycles $%d is %#lx, should be %#lx", what,
                 cycles, i, mixed->cpu->gpr[i], eval->cpu->gpr[i]);
  cr_assert_eq(mixed->cpu->j.pc, eval->cpu->j.pc, "%s: after %lu cycles", what, cycles);
  cr_assert_eq(rig_now(mixed), rig_now(eval), "%s: after %lu cycles", what, cycles);
  cr_assert_eq(rig_hash(mixed), rig_hash(eval), "%s: after %lu cycles", what, cycles);
  for (int i = 0; i < 2; i++) {
    rig_read(eval, data[i], a, sizeof a);
    rig_read(mixed, data[i], b, sizeof b);
    cr_assert_eq(memcmp(a, b, sizeof a), 0, "%s: memory differs after %lu cycles", what, cycles);
  }
}

static void run_both(const char *what, uint64_t cycles) {
  uint64_t seed = 1;
  for (uint64_t done = 0, n; done < cycles; done += n) {
    n = 1 + rig_below(&seed, 3000);
    cr_assert_eq(rig_run(eval, n), rig_run(mixed, n));
    same(what, done + n);
  }
}

static struct jit_stats stats(void) {
  struct jit_stats s;
  jit_stats(mixed->jit, &s);
  return s;
}

static void loop_with_call(void) {
  CODE(CODE_AT, LUI(S1, 0x8002), ADDIU(V0, ZR, 1), /* loop: */ JAL(KSEG0(CODE_AT + 0x100)), ADDIU(A0, V0, 3),
       ADDIU(S0, S0, -1), BNE(S0, ZR, -4), SW(V0, 8, S1), B(-1), NOP);
  CODE(CODE_AT + 0x100, LW(T0, 8, S1), XOR(V0, A0, T0), SLL(T1, V0, 3), ADDU(V0, V0, T1), JR(RA), SB(T1, 77, S1));
}

Test(llvm, a_loop_becomes_a_region, .fini = end) {
  begin("24Kf", 0, 0);
  loop_with_call();
  for (int i = 0; i < PATIENCE && !stats().samples_region; i++) {
    run_both("loop", 20000);
    usleep(1000);
  }
  cr_assert_geq(stats().regions_made, 1);
  cr_assert_gt(stats().samples_region, 0);
}

/* The function that a loop calls is rewritten by the loop, each 2^often times. */
static void changed_code(uint64_t base, unsigned often) {
  uint64_t function = CODE_AT + 0x200, high = (base + function) >> 16 & 0xffff;
  CODE(CODE_AT, LUI(S1, high), ORI(S1, S1, (uint32_t)function & 0xffff), LUI(T2, ADDIU(V0, V0, 0) >> 16),
       ORI(T2, T2, 0),
       /* loop: */ ADDIU(S0, S0, 1), SLL(T0, S0, 32 - often), BNE(T0, ZR, 4), enc_r(0, S0, T0, often, 2) /* SRL */,
       ANDI(T0, T0, 15), OR(T1, T2, T0), SW(T1, 0, S1), JAL(base + function), NOP, B(-10), NOP);
  CODE(function, ADDIU(V0, V0, 0), JR(RA), NOP);
  if (base == USER) go_as_user();
  for (int i = 0; i < PATIENCE && (stats().regions_dropped < 3 || (base == USER && !stats().regions_for_views)); i++) {
    run_both("self-modifying", 20000);
    usleep(1000);
  }
  cr_assert_geq(stats().regions_dropped, 3);
}
Test(llvm, changed_code, .fini = end) {
  begin("24Kf", 0, 3);
  changed_code(KSEG0(0), 15);
}
Test(llvm, changed_code_of_a_user, .fini = end) {
  begin("24Kf", 0, 3);
  changed_code(USER, 18); /* time for a second region */
  cr_assert_gt(stats().regions_for_views, 0);
}

static uint32_t random_insn(uint64_t *seed, bool wide) {
  unsigned d = 1 + rig_below(seed, 15), a = rig_below(seed, 17), b = rig_below(seed, 17), f;
  int imm = (int)rig_below(seed, 0x10000) - 0x8000, offset = 8 * (int)rig_below(seed, 500);
  static const uint8_t r_type[] = {0x21, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2a, 0x2b, 0x04, 0x06, 0x07, 0x0a, 0x0b};
  static const uint8_t i_type[] = {0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};
  static const uint8_t load[] = {0x20, 0x21, 0x23, 0x24, 0x25, 0x22, 0x26}, store[] = {0x28, 0x29, 0x2b, 0x2a, 0x2e};
  switch (rig_below(seed, 9)) {
  case 0:
  case 1:
  case 2: f = r_type[rig_below(seed, sizeof r_type)]; return enc_r(a, b, d, 0, wide && (f & 0x3c) == 0x20 ? f + 12 : f);
  case 3:
  case 4: f = i_type[rig_below(seed, sizeof i_type)]; return enc_i(wide && f == 9 ? 0x19 : f, f == 0xf ? 0 : a, d, imm);
  case 5: return enc_r(0, a, d, rig_below(seed, 32), (unsigned[]){0, 2, 3}[rig_below(seed, 3)]);
  case 6: return enc_i(load[rig_below(seed, sizeof load)], 30, d, offset);
  case 7: return enc_i((rig_below(seed, 2) ? 0x30 : 0x38) + 4 * wide, 30, b, 8 * rig_below(seed, 2)); /* LL, SC */
  default: return enc_i(store[rig_below(seed, sizeof store)], 30, b, offset);
  }
}

/* Code with branches in all directions that comes back to its begin; written over the last one's in each round. */
static void random_programs(const char *model, bool wide, size_t region_bytes, int rounds, uint64_t base) {
  uint64_t seed = rig_setting("MB_SEED", 11);
  begin(model, region_bytes, seed);
  for (int round = 0; round < rounds; round++) {
    uint64_t at = CODE_AT;
    char what[32];
    snprintf(what, sizeof what, "round %d", round);
    CODE(at, LUI(30, (base + DATA) >> 16 & 0xffff));
    at += 4;
    for (int i = 0; i < 60; i++, at += 4) {
      bool branch = rig_below(&seed, 8) == 0;
      static const uint8_t kinds[] = {4, 5, 6, 7, 0x14, 0x15};
      unsigned op = kinds[rig_below(&seed, sizeof kinds)], a = rig_below(&seed, 17);
      CODE(at, branch ? enc_i(op, a, op & 2 ? 0 : rig_below(&seed, 17), 1 + (int)rig_below(&seed, 5))
                      : random_insn(&seed, wide));
      if (branch) CODE(at += 4, random_insn(&seed, wide));
    }
    for (int i = 0; i < 8; i++, at += 4) CODE(at, NOP);
    CODE(at, J(base + CODE_AT + 4), NOP);
    for (int i = 1; i < 32; i++) eval->cpu->gpr[i] = mixed->cpu->gpr[i] = IR_SX32(rig_random(&seed));
    rig_go(eval, RIG_CODE);
    rig_go(mixed, RIG_CODE);
    if (base == USER) go_as_user();
    uint64_t made = stats().regions_made;
    bool user = base == USER;
    for (int k = 0; k < PATIENCE; k++) {
      struct jit_stats s = stats();
      if (k >= 8 && s.regions_made > made && (!user || s.regions_for_views)) break;
      run_both(what, 15000);
      if (user && k % 3 == 0) user_data_at(k % 2 ? DATA : OTHER_DATA, RIG_MAP_V | RIG_MAP_D);
      usleep(500);
    }
  }
  struct jit_stats s = stats();
  cr_assert_eq(rig_exception(eval), -1, "exception %d at %#lx", rig_exception(eval), eval->cpu->cp0.epc);
  cr_assert_geq(s.regions_made, (unsigned)rounds, "%lu regions, %lu samples, %lu cycles compiled", s.regions_made,
                s.samples, s.cycles_stencil);
}

Test(llvm, random_programs_32, .fini = end) {
  random_programs("24Kf", false, 0, 12, KSEG0(0));
}
Test(llvm, random_programs_64, .fini = end) {
  random_programs("MIPS64R2-generic", true, 0, 12, KSEG0(0));
}
Test(llvm, random_programs_of_users_32, .fini = end) {
  random_programs("24Kf", false, 0, 12, USER);
  cr_assert_gt(stats().regions_for_views, 0);
  cr_assert_gt(mixed->cpu->mmu.view_fills, 0);
}
Test(llvm, random_programs_of_users_64, .fini = end) {
  random_programs("MIPS64R2-generic", true, 0, 12, USER);
  cr_assert_gt(stats().regions_for_views, 0);
  cr_assert_gt(mixed->cpu->mmu.view_fills, 0);
}
/* A write to a page that allows none, and an access to one that is gone, end in an exception, view or not. */
Test(llvm, views_fault_where_the_tlb_does, .fini = end) {
  begin("24Kf", 0, 0);
  CODE(CODE_AT, LUI(S1, (USER + DATA) >> 16), /* loop: */ ADDIU(V0, V0, 1), SW(V0, 16, S1), LW(T0, 16, S1),
       LW(T1, 4, S1), B(-5), ADDU(V1, V1, T0));
  static const struct {
    unsigned flags;
    int exception;
  } cases[] = {{RIG_MAP_V, EXC_MOD}, {0, EXC_TLBS}};
  for (unsigned i = 0; i < 2; i++) {
    struct jit_stats before = stats();
    uint64_t fills = mixed->cpu->mmu.view_fills;
    go_as_user();
    for (int k = 0; k < PATIENCE && (stats().regions_for_views == 0 || mixed->cpu->mmu.view_fills == fills); k++) {
      run_both("stores", 15000);
      usleep(500);
    }
    cr_assert_gt(mixed->cpu->mmu.view_fills, fills, "%lu regions before", before.regions_for_views);
    run_both("stores", 5000);
    user_data_at(DATA, cases[i].flags);
    run_both("a fault", 5000);
    cr_assert_eq(rig_exception(eval), cases[i].exception);
    rig_reset(eval);
    rig_reset(mixed);
    mixed->cpu->mmu.view_after = 1;
  }
}
Test(llvm, room_for_one_region_or_two, .fini = end) {
  random_programs("24Kf", false, TINY, 12, KSEG0(0));
}

/* --- the store --- */

static char folder[] = "/tmp/mirrorball-store-XXXXXX";
static void remove_folder(void) {
  char command[64];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  cr_assert_eq(system(command), 0);
}

/* Run the loop until it is in a region; returns how many were found in the store. */
static uint64_t run_with_store(void) {
  begin("24Kf", 0, 0);
  jit_set_store(mixed->jit, folder, 1 << 20);
  loop_with_call();
  for (int i = 0; i < PATIENCE && !stats().samples_region; i++) {
    run_both("loop", 20000);
    usleep(1000);
  }
  uint64_t found = stats().regions_found;
  cr_assert_geq(stats().regions_made, 1);
  cr_assert_null(jit_store_trouble(mixed->jit), "%s", jit_store_trouble(mixed->jit));
  end();
  return found;
}

/* Damage every file: at `at` a byte is changed, or with at < 0 half of it is cut off. */
static int damage(long at) {
  int files = 0;
  DIR *d = opendir(folder);
  cr_assert_not_null(d);
  for (struct dirent *e; (e = readdir(d));) {
    char path[512];
    if (e->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
    FILE *f = fopen(path, "r+b");
    cr_assert_not_null(f);
    cr_assert_eq(fseek(f, at < 0 ? 0 : at, at < 0 ? SEEK_END : SEEK_SET), 0);
    if (at < 0) {
      cr_assert_eq(truncate(path, ftell(f) / 2), 0);
    } else {
      int c = fgetc(f);
      fseek(f, at, SEEK_SET);
      fputc(c ^ 0x20, f);
    }
    fclose(f);
    files++;
  }
  closedir(d);
  return files;
}

Test(llvm, regions_are_kept, .fini = remove_folder) {
  cr_assert_not_null(mkdtemp(folder));
  cr_assert_eq(run_with_store(), 0);
  cr_assert_gt(run_with_store(), 0);
  static const long places[] = {0, 9, 30, 100, 5000, -1};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    cr_assert_gt(damage(places[i]), 0);
    cr_assert_eq(run_with_store(), 0, "damaged at %ld", places[i]);
    cr_assert_gt(run_with_store(), 0);
  }
}

Test(llvm, a_store_that_cannot_be_written) {
  struct store_bytes key = {(char[]){"key"}, 4}, value = {(char[]){"value"}, 6};
  struct jit_store *s = store_open("/dev/null/nowhere", 1 << 20);
  cr_assert_not_null(s);
  cr_assert_not_null(store_trouble(s));
  store_put(s, key, value);
  cr_assert_null(store_get(s, key).bytes);
  store_close(s);
}

Test(llvm, a_store_has_bounds, .fini = remove_folder) {
  enum { FILES = 40, SIZE = 10000 };
  static char value[SIZE];
  cr_assert_not_null(mkdtemp(folder));
  struct jit_store *s = store_open(folder, 1 << 20);
  for (int i = 0; i < FILES; i++)
    store_put(s, (struct store_bytes){&i, sizeof i}, (struct store_bytes){value, sizeof value});
  for (int i = 0; i < FILES; i++) {
    struct store_bytes v = store_get(s, (struct store_bytes){&i, sizeof i});
    cr_assert_eq(v.size, SIZE);
    free(v.bytes);
  }
  store_close(s);
  s = store_open(folder, FILES / 2 * SIZE);
  int left = 0;
  for (int i = 0; i < FILES; i++) {
    struct store_bytes v = store_get(s, (struct store_bytes){&i, sizeof i});
    left += v.bytes != NULL;
    free(v.bytes);
  }
  store_close(s);
  cr_assert(left > FILES / 4 && left <= FILES / 2, "%d left", left);
}
