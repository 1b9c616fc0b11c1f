/* criterion-tests/test_oracle_user.c: random user-level blocks end in the same state here and in qemu-user. */
/* SPDX-License-Identifier: Apache-2.0 */
/* MB_ORACLE_BLOCKS: blocks per configuration. MB_ORACLE_SEED: of the first. MB_ORACLE_BLOCK: only this block's seed, as
 * a failure prints it. Skipped, with a note, where qemu-user-static is not installed. */
#include "criterion-tests/encode.h"
#include "criterion-tests/harness.h"
#include "criterion-tests/oracle/oracle.h"
#include "frontend/disasm.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const struct oracle_config configs[] = {
    {"mipsel 24Kf FR=0", "qemu-mipsel-static", "24Kf", "24Kf", .fpu = true, .fir = true},
    {"mips 24Kf FR=0", "qemu-mips-static", "24Kf", "24Kf", .big = true, .fpu = true, .fir = true},
    {"mipsel 34Kf FR=1", "qemu-mipsel-static", "34Kf", "34Kf", .fpu = true, .fr = true, .fir = true},
    {"mips 34Kf FR=1", "qemu-mips-static", "34Kf", "34Kf", .big = true, .fpu = true, .fr = true, .fir = true},
    {"mips 34Kf FR=1 FS=1", "qemu-mips-static", "34Kf", "34Kf", .big = true, .fpu = true, .fr = true, .fs = true},
    {"mipsel 4Kc", "qemu-mipsel-static", "4Kc", "4Kc"},
    {"mips64el 5Kc", "qemu-mips64el-static", "5Kc", "5Kc", .bits64 = true},
    {"mips64el MIPS64R2-generic", "qemu-mips64el-static", "MIPS64R2-generic", "MIPS64R2-generic", .bits64 = true,
     .fpu = true, .fr = true},
    {"mips64el MIPS64R2-generic FS=1", "qemu-mips64el-static", "MIPS64R2-generic", "MIPS64R2-generic", .bits64 = true,
     .fpu = true, .fr = true, .fs = true},
    {"mips64 MIPS64R2-generic", "qemu-mips64-static", "MIPS64R2-generic", "MIPS64R2-generic", .big = true,
     .bits64 = true, .fpu = true, .fr = true},
    {"mips64 20Kc", "qemu-mips64-static", "20Kc", "20Kc", .big = true, .bits64 = true, .fpu = true, .fr = true},
    {"mips64el R4000", "qemu-mips64el-static", "R4000", "R4000", .bits64 = true, .fpu = true, .fr = true, .fir = true},
    {"mips64 R10000 as VR5432", "qemu-mips64-static", "VR5432", "R10000", .big = true, .bits64 = true, .fpu = true,
     .fr = true, .xx = true},
};
/* clang-format on */
enum { CONFIGS = sizeof configs / sizeof configs[0], BATCH = 2000 };

/* How the block is cut: all at once, unit by unit, or in slices of a few cycles. */
enum cut { CUT_NONE, CUT_UNITS, CUT_SLICES, CUTS };
static const char *const cut_name[CUTS] = {"at once", "unit by unit", "in slices"};

struct bench {
  const struct oracle_config *cfg;
  struct rig *rig;
  uint32_t end;
};

/* --- our side --- */

/* One pair of 4 MiB pages maps the lower 8 MiB of user space on all of RAM. */
static struct bench bench_new(const struct oracle_config *cfg) {
  struct bench b = {.cfg = cfg, .rig = rig_new(cfg->model, cfg->big), .end = oracle_end(cfg)};
  struct mmu_tlb_half h = {.c = 3, .d = true, .v = true};
  struct mmu_tlb_entry e = {.mask = 0x7fffff, .g = true, .half = {h, h}};
  e.half[1].pfn = 0x400000;
  mmu_tlb_write(&b.rig->cpu->mmu, 0, &e);
  b.rig->cpu->cp0.hwrena = 0xf;
  rig_status(b.rig, ST_USER | (cfg->fpu ? ST_CU1 : 0) | (cfg->bits64 ? ST_UX : 0) | (cfg->fr ? ST_FR : 0) |
                        (cfg->xx ? 1u << 31 : 0));
  RIG_CODE_AT(b.rig, b.end, B(-1), NOP);
  return b;
}

static void set_state(struct bench *t, const struct oracle_block *b) {
  struct cpu *c = t->rig->cpu;
  rig_write(t->rig, ORACLE_SCRATCH, b->in.scratch, ORACLE_SCRATCH_SIZE);
  memcpy(c->gpr, b->in.gpr, sizeof c->gpr);
  memcpy(c->fpr, b->in.fpr, sizeof c->fpr);
  c->hi = b->in.hi;
  c->lo = b->in.lo;
  mips_set_fcsr(c, b->in.fcsr);
  c->ll_bit = 0;
  rig_status(t->rig, c->cp0.status & ~(uint32_t)ST_EXL);
  rig_go(t->rig, b->va);
}

static void get_state(struct bench *t, struct oracle_state *s) {
  const struct cpu *c = t->rig->cpu;
  rig_read(t->rig, ORACLE_SCRATCH, s->scratch, ORACLE_SCRATCH_SIZE);
  memcpy(s->gpr, c->gpr, sizeof s->gpr);
  memcpy(s->fpr, c->fpr, sizeof s->fpr);
  s->hi = c->hi;
  s->lo = c->lo;
  s->fcsr = mips_fcsr(c);
}

/* False: the block did not reach its end. */
static bool run_ours(struct bench *t, const struct oracle_block *b, enum cut cut, struct oracle_state *out) {
  uint64_t left = b->words + 4, seed = b->seed;
  set_state(t, b);
  while (left) {
    uint64_t n = cut == CUT_NONE ? left : cut == CUT_UNITS ? 1 : 1 + rig_below(&seed, 7);
    if (n > left) n = left;
    if (rig_run(t->rig, n) == MIPS_STOP_DEAD) break;
    left -= n;
  }
  get_state(t, out);
  return t->rig->cpu->j.pc == t->end;
}

/* FCSR.FS: QEMU flushes without a sign of it, we raise Underflow and Inexact (see the known differences). */
static uint32_t fcsr_compared(const struct oracle_config *cfg) {
  return cfg->fs ? ~(uint32_t)0x300c : UINT32_MAX;
}

static bool same(const struct oracle_config *cfg, const struct oracle_state *a, const struct oracle_state *b) {
  return !memcmp(a->gpr, b->gpr, sizeof a->gpr) && !memcmp(a->fpr, b->fpr, sizeof a->fpr) && a->hi == b->hi &&
         a->lo == b->lo && !((a->fcsr ^ b->fcsr) & fcsr_compared(cfg)) &&
         !memcmp(a->scratch, b->scratch, sizeof a->scratch);
}

/* --- telling --- */

static void print_block(const struct bench *t, const struct oracle_block *b) {
  for (unsigned i = 0; i < b->words; i++) {
    char text[64];
    insn_disasm(t->rig->cpu->index, b->word[i], b->va + 4 * i, text, sizeof text);
    fprintf(stderr, "  %08x  %08x  %s\n", b->va + 4 * i, b->word[i], text);
  }
}

static void print_slot(const char *name, uint64_t in, uint64_t qemu, uint64_t ours) {
  fprintf(stderr, "%c %-6s %016" PRIx64 "  %016" PRIx64 "  %016" PRIx64 "\n", qemu == ours ? ' ' : '*', name, in, qemu,
          ours);
}

static void print_states(const struct oracle_config *cfg, const struct oracle_state *in, const struct oracle_state *q,
                         const struct oracle_state *o) {
  char name[16];
  fprintf(stderr, "  %-6s %-16s  %-16s  %-16s\n", "slot", "initial", "QEMU", "ours");
  for (int i = 1; i < 32; i++) {
    snprintf(name, sizeof name, "$%d", i);
    print_slot(name, in->gpr[i], q->gpr[i], o->gpr[i]);
  }
  print_slot("hi", in->hi, q->hi, o->hi);
  print_slot("lo", in->lo, q->lo, o->lo);
  for (int i = 0; cfg->fpu && i < 32; i += cfg->fr ? 1 : 2) {
    snprintf(name, sizeof name, "$f%d", i);
    print_slot(name, in->fpr[i], q->fpr[i], o->fpr[i]);
  }
  print_slot("fcsr", in->fcsr, q->fcsr, o->fcsr);
  for (int i = 0; i < ORACLE_SCRATCH_SIZE; i += 8) {
    uint64_t v[3];
    memcpy(&v[0], in->scratch + i, 8), memcpy(&v[1], q->scratch + i, 8), memcpy(&v[2], o->scratch + i, 8);
    snprintf(name, sizeof name, "%x", ORACLE_SCRATCH + i);
    if (v[0] != v[1] || v[1] != v[2]) print_slot(name, v[0], v[1], v[2]);
  }
}

/* --- judging --- */

/* Does it still differ? False also when it no longer ends. */
static bool differs(struct bench *t, const struct oracle_block *b, enum cut cut, struct oracle_state *q,
                    struct oracle_state *o) {
  int status;
  for (unsigned i = 0; i < b->words; i++) rig_poke(t->rig, b->va + 4 * i, b->word[i], 4);
  if (oracle_qemu(t->cfg, b, 1, q, &status) != 1) return false;
  return run_ours(t, b, cut, o) && !same(t->cfg, q, o);
}

/* Take out what the difference does not need. */
static void shrink(struct bench *t, struct oracle_block *b, enum cut cut) {
  struct oracle_state q, o;
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (unsigned i = 0; i + 2 < b->words; i++) {
      uint32_t word = b->word[i];
      if (word == NOP) continue;
      b->word[i] = NOP;
      if (differs(t, b, cut, &q, &o))
        smaller = true;
      else
        b->word[i] = word;
    }
  }
}

static void report(struct bench *t, const struct oracle_block *b, enum cut cut) {
  struct oracle_block small = *b;
  struct oracle_state q = {0}, o = {0};
  fprintf(stderr, "\n%s: block of seed %#" PRIx64 " run %s\n", t->cfg->name, b->seed, cut_name[cut]);
  if (differs(t, b, cut, &q, &o)) {
    shrink(t, &small, cut);
    differs(t, &small, cut, &q, &o);
    fprintf(stderr, "without what the difference does not need:\n");
  }
  print_block(t, &small);
  print_states(t->cfg, &small.in, &q, &o);
  if (t->rig->cpu->j.pc != t->end)
    fprintf(stderr, "ours stopped at %016" PRIx64 ", exception %d\n", t->rig->cpu->j.pc, rig_exception(t->rig));
}

static bool judge(struct bench *t, const struct oracle_block *b, const struct oracle_state *q) {
  for (unsigned i = 0; i < b->words; i++) rig_poke(t->rig, b->va + 4 * i, b->word[i], 4);
  for (int cut = 0; cut < CUTS; cut++) {
    struct oracle_state o;
    if (run_ours(t, b, cut, &o) && same(t->cfg, q, &o)) continue;
    report(t, b, cut);
    return false;
  }
  return true;
}

/* Returns how many of the blocks differ; stops at the third. */
static unsigned run_batch(struct bench *t, struct oracle_block *b, unsigned n) {
  struct oracle_state *q = calloc(n, sizeof *q);
  int status;
  unsigned done = oracle_qemu(t->cfg, b, n, q, &status), bad = 0;
  for (unsigned k = 0; k < done && bad < 3; k++) bad += !judge(t, &b[k], &q[k]);
  if (done < n) {
    fprintf(stderr, "\n%s: QEMU ended with status %#x in the block of seed %#" PRIx64 "\n", t->cfg->name, status,
            b[done].seed);
    print_block(t, &b[done]);
    bad++;
  }
  free(q);
  return bad;
}

static unsigned run_config(const struct oracle_config *cfg, uint64_t blocks, bool seen[INSN_ROWS]) {
  struct bench t = bench_new(cfg);
  uint64_t seed = rig_setting("MB_ORACLE_SEED", 1), one = rig_setting("MB_ORACLE_BLOCK", 0);
  struct oracle_block *b = calloc(BATCH, sizeof *b);
  unsigned bad = 0;
  if (one) blocks = 1;
  for (uint64_t done = 0; done < blocks && bad < 3;) {
    unsigned n = blocks - done < BATCH ? (unsigned)(blocks - done) : BATCH;
    uint32_t va = oracle_first(cfg);
    for (unsigned k = 0; k < n; k++) {
      oracle_generate(cfg, t.rig->cpu->index, one ? one : rig_random(&seed), va, t.end, &b[k]);
      va += 4 * b[k].words;
      struct insn i;
      for (unsigned w = 0; w < b[k].words; w++)
        if (insn_decode(t.rig->cpu->index, b[k].word[w], &i)) seen[i.row] = true;
    }
    cr_assert_lt(va, ORACLE_CODE_END);
    bad += run_batch(&t, b, n);
    done += n;
  }
  free(b);
  rig_free(t.rig);
  return bad;
}

static bool qemu_missing(const struct oracle_config *cfg) {
  if (oracle_has_qemu(cfg)) return false;
  fprintf(stderr, "skipped: %s is not installed (apt-get install qemu-user-static)\n", cfg->qemu);
  return true;
}

/* The configurations with which the generator writes a row. */
static unsigned writers(enum insn_row row) {
  static struct insn_index x;
  unsigned n = 0;
  for (unsigned k = 0; k < CONFIGS; k++) {
    cr_assert_eq(insn_index_init(&x, cpu_model_find(configs[k].model)->isa), 0);
    n += !oracle_excluded(&configs[k], &x, row);
  }
  return n;
}

Test(oracle_user, random_blocks_end_in_the_same_state) {
  static bool seen[INSN_ROWS];
  uint64_t blocks = rig_setting("MB_ORACLE_BLOCKS", 6000), only = rig_setting("MB_ORACLE_CONFIG", CONFIGS);
  for (unsigned k = 0; k < CONFIGS; k++) {
    if (only < CONFIGS && k != only) continue;
    if (qemu_missing(&configs[k])) return;
    cr_expect_eq(run_config(&configs[k], blocks, seen), 0, "%s", configs[k].name);
  }
  for (unsigned row = 0; row < INSN_ROWS && blocks >= 1000 && only == CONFIGS; row++)
    cr_expect(seen[row] || !writers(row), "%s does not occur", insn_info[row].name);
}

/* --- where the two are meant to differ --- */

/* Each row is a small block, what QEMU 7.2 and we make of it, and the sentence that decides. The generator stays clear
 * of these; here the test holds both sides to what the table says, so that a row goes when QEMU changes. */
enum where { IN_FCSR, IN_GPR1, IN_FPR1, IN_END };
struct difference {
  const char *what, *manual;
  const char *config;
  uint32_t fcsr;
  uint64_t gpr2, fpr2; /* $2 and $f2 */
  uint32_t word[2];
  enum where where; /* IN_END: 0, or QEMU's exit status, our exception */
  uint64_t qemu, ours;
};

/* clang-format off */
static const struct oracle_config ke5f = {"5KEf", "qemu-mips64el-static", "5KEf", "5KEf", .bits64 = true, .fpu = true, .fr = true};
static const struct difference differences[] = {
    {"a result flushed by FCSR.FS raises Underflow and Inexact",
     "R4000 UM 7.3: a Flag bit is set on the assertion of its exception when no trap is signaled; 7.4 lists the flushed"
     " result among the default actions of the Underflow exception",
     "mips64el MIPS64R2-generic", MIPS_FCSR_FS, 0, 0x00800000, {0x46021042 /* mul.s $f1, $f2, $f2 */}, IN_FCSR,
     0x01000000, 0x0100300c},
    {"ABS and NEG rewrite Cause",
     "R4000 UM 7.4, Invalid Operation: ABS and NEG are considered to be arithmetic operations (MIPS64 vol. I: unless"
     " FCSR.ABS2008 is set)",
     "mips64el MIPS64R2-generic", 0, 0, 0x3eaaaaab, {0x460210c2 /* mul.s $f3, $f2, $f2 */, 0x46001047 /* neg.s $f1, $f2 */},
     IN_FCSR, 0x1004, 0x4},
    {"ABS and NEG of a signalling NaN are Invalid",
     "R4000 UM 7.4, Invalid Operation: ABS and NEG cause this exception if an operand is a signaling NaN",
     "mips64el MIPS64R2-generic", 0, 0, 0x7fffffff, {0x46001047 /* neg.s $f1, $f2 */}, IN_FPR1, 0xffffffff, 0x7fbfffff},
    {"an exact tiny result traps when Underflow is enabled",
     "R4000 UM 7.4, after IEEE 754: with the Underflow trap enabled, underflow is signaled when tininess is detected,"
     " regardless of loss of accuracy",
     "mips64el MIPS64R2-generic", MIPS_FPU_U << MIPS_FCSR_ENABLES_SHIFT, 0, 0x00200000,
     {0x46021040 /* add.s $f1, $f2, $f2 */}, IN_END, 0, EXC_FPE},
    {"FIR does not claim MIPS-3D",
     "MIPS64 vol. I, FIR.3D: whether the MIPS-3D ASE is implemented; none of our models has it",
     "mips64 20Kc", 0, 0, 0, {0x44410000 /* cfc1 $1, $0 */}, IN_GPR1, 0x000f8200, 0x00078200},
    {"the 5KEf has an FCSR", "MIPS64 vol. I, FCSR: RM, Flags, Enables, Cause and FCC are read/write; QEMU's 5KEf has no"
     " mask of writable bits", "5KEf", 0, 1, 0, {0x44c2f800 /* ctc1 $2, $31 */}, IN_FCSR, 0, 1},
    {"MIPS IV code needs Status.XX, which an operating system sets for its programs; qemu-user does not",
     "R10000 UM, Status.XX: enables execution of MIPS IV instructions in user mode",
     "mips64 R10000 as VR5432", 0, 0, 0, {0x4c401060 /* madd.s $f1, $f2, $f2, $f0 */}, IN_END, 0x8400, 0},
    {"32-bit operations on wide operands: ours gives the word's result",
     "MIPS64 vol. II, SRA: if rt does not contain a sign-extended 32-bit value, the result is UNPREDICTABLE",
     "mips64el MIPS64R2-generic", 0, 0x0123456780000000, 0, {0x00020903 /* sra $1, $2, 4 */}, IN_GPR1, 0x0012345678000000,
     0xfffffffff8000000},
};
/* clang-format on */

static const struct oracle_config *config_named(const char *name) {
  for (unsigned k = 0; k < CONFIGS; k++)
    if (!strcmp(configs[k].name, name)) return &configs[k];
  cr_assert_str_eq(name, ke5f.name);
  return &ke5f;
}

static uint64_t value_in(enum where w, const struct oracle_state *s, uint64_t end) {
  switch (w) {
  case IN_FCSR: return s->fcsr;
  case IN_GPR1: return s->gpr[1];
  case IN_FPR1: return s->fpr[1];
  case IN_END: return end;
  }
  return 0;
}

Test(oracle_user, known_differences) {
  for (size_t k = 0; k < sizeof differences / sizeof differences[0]; k++) {
    const struct difference *d = &differences[k];
    struct bench t = bench_new(config_named(d->config));
    if (qemu_missing(t.cfg)) return;
    struct oracle_block b = {.va = oracle_first(t.cfg), .words = 4, .word = {d->word[0], d->word[1], J(t.end), NOP}};
    struct oracle_state q = {0}, o = {0};
    int status;
    b.in = (struct oracle_state){.fcsr = d->fcsr};
    b.in.gpr[2] = d->gpr2, b.in.fpr[2] = d->fpr2, b.in.gpr[31] = b.va;
    rig_code(t.rig, b.va, b.word, b.words);
    oracle_qemu(t.cfg, &b, 1, &q, &status);
    bool ended = run_ours(&t, &b, CUT_NONE, &o);
    cr_expect_eq(value_in(d->where, &q, (uint64_t)status), d->qemu, "%s: QEMU has %#" PRIx64, d->what,
                 value_in(d->where, &q, (uint64_t)status));
    uint64_t exception = ended ? 0 : (uint64_t)rig_exception(t.rig);
    cr_expect_eq(value_in(d->where, &o, exception), d->ours, "%s (%s): ours has %#" PRIx64, d->what, d->manual,
                 value_in(d->where, &o, exception));
    rig_free(t.rig);
  }
}
