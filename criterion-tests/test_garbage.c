/* criterion-tests/test_garbage.c: whatever a guest executes, the cpu survives, and how time is cut does not show. */
/* SPDX-License-Identifier: Apache-2.0 */
/* RAM, vectors included, is filled with random instructions, privileged ones too, that rewrite themselves, the TLB and
 * Status. Two machines run the same, one in large steps, the other cut up, traced, or without a translation to start
 * from; their state is compared after every chunk. MB_GARBAGE_SEEDS: how many. Run this one under the sanitizers. */
#include "criterion-tests/encode.h"
#include "criterion-tests/harness.h"
#include "frontend/disasm.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 500, CHUNKS = 60, CODE = 0x10000, CODE_SIZE = 0x8000, TINY = 16 << 10 };
enum cut {
  CUT_NONE,
  CUT_UNITS,
  CUT_SLICES,
  CUT_TRACED,
  CUT_COLD,
  CUT_EVAL,
  CUT_STENCIL,
  CUT_AUTO,
  CUT_BACKGROUND,
  CUT_TINY,
  CUTS
};
static const char *const cut_name[CUTS] = {"in chunks",
                                           "unit by unit",
                                           "in slices",
                                           "traced",
                                           "cold",
                                           "in the eval tier",
                                           "in the stencil tier",
                                           "in mixed tiers",
                                           "with regions in the background",
                                           "in tiny code memory"};

static const struct {
  const char *model;
  bool big;
} machines[] = {{"24Kf", false},          {"MIPS64R2-full", true}, {"4Kc", true},     {"MIPS64R2-generic", false},
                {"MIPS32R2-full", false}, {"R4000", true},         {"R10000", false}, {"34Kf", true}};
enum { MACHINES = sizeof machines / sizeof machines[0] };

/* $16 to $23 point somewhere and are seldom written. */
static unsigned no_pointer(uint64_t *seed, unsigned reg) {
  return (reg & 24) == 16 && rig_below(seed, 12) ? reg & 15 : reg;
}

static bool accesses_memory(enum insn_form f) {
  return (f >= FORM_MEM_ONLY && f <= FORM_HINT_MEM) || f == FORM_FT_MEM || f == FORM_MEM_FT;
}

/* What a field of a row gets, so that more happens than exceptions. */
static uint32_t random_field(enum insn_form form, char letter, uint64_t *seed) {
  uint32_t any = (uint32_t)rig_random(seed);
  bool memory = accesses_memory(form);
  switch (letter) {
  case 's': return memory || form == FORM_RS || form == FORM_RD_RS_JALR ? 16 + (any & 7) : any;
  case 't':
  case 'd': return no_pointer(seed, any & 31);
  case 'j': return (CODE + any % CODE_SIZE) >> 2;
  case 'i':
    if (memory) return rig_below(seed, 16) ? (any & 0x3f8) : any & 0x3ff;
    if (form == FORM_RS_BRANCH || form == FORM_RS_BRANCH_LINK || form == FORM_RS_RT_BRANCH || form == FORM_CC_BRANCH)
      return rig_below(seed, 24) - 6;
    return any;
  default: return any;
  }
}

static uint32_t random_insn(struct rig *r, uint64_t *seed) {
  if (!rig_below(seed, 40)) return (uint32_t)rig_random(seed);
  for (;;) {
    enum insn_row row = (enum insn_row)rig_below(seed, INSN_ROWS);
    const struct insn_pattern *p = &r->cpu->index->pattern[row];
    enum insn_form form = insn_info[row].form;
    uint32_t word = p->match | ((uint32_t)rig_random(seed) & ~p->used);
    bool raises = form == FORM_CODE || form == FORM_RT_C2 || form == FORM_C2_MEM || form == FORM_CC_BRANCH_C2 ||
                  form == FORM_RS_IMM || form == FORM_RS_RT_CODE;
    if (!insn_in_isa(row, r->cpu->index->isa) || (raises && rig_below(seed, 8))) continue;
    for (unsigned k = 0; k < p->fields; k++) {
      const struct insn_field *f = &p->field[k];
      word |= (random_field(form, f->letter, seed) & ((UINT32_C(1) << f->width) - 1)) << f->shift;
    }
    return word;
  }
}

/* Handlers that let the program go on: one skips what raised, the other maps whatever missed on the code. */
static void sane_handlers(struct rig *r) {
  RIG_CODE_AT(r, 0x180, MFC0(26, C0_EPC), MFC0(27, C0_CAUSE), BGEZ(27, 2), ADDIU(26, 26, 4), ADDIU(26, 26, 4),
              MTC0(26, C0_EPC), MTC0(0, C0_COMPARE), ERET);
  for (uint64_t at = 0; at <= 0x80; at += 0x80)
    RIG_CODE_AT(r, at, ORI(26, 0, (CODE >> 6) | 7), MTC0(26, 2), ADDIU(26, 26, 0x40), MTC0(26, 3), TLBWR, ERET);
}

static void fill(struct rig *r, uint64_t seed) {
  bool sane = seed % 4;
  for (uint64_t at = 0; at < 0x400; at += 4) rig_poke(r, at, random_insn(r, &seed), 4);
  for (uint64_t at = CODE; at < CODE + CODE_SIZE; at += 4) rig_poke(r, at, random_insn(r, &seed), 4);
  if (sane) sane_handlers(r);
}

static uint64_t random_pointer(uint64_t *seed, bool user) {
  static const uint64_t base[] = {KSEG0(CODE), KSEG0(CODE),       KSEG0(CODE + CODE_SIZE),
                                  KSEG1(CODE), KSEG1(RIG_DEVICE), 0xffffffffc0000000};
  static const uint64_t low[] = {0, 0x10000, 0x400000};
  uint64_t at = user || !rig_below(seed, 3) ? low[rig_below(seed, 3)] : base[rig_below(seed, 6)];
  return at + (rig_below(seed, CODE_SIZE) & ~(rig_below(seed, 10) ? 7u : 0u));
}

/* A fresh start somewhere in the code, in any mode. */
static void revive(struct rig *r, uint64_t *seed) {
  static const uint32_t ksu[] = {0, 0, ST_SUPERVISOR, ST_USER};
  struct cpu *c = r->cpu;
  uint32_t status = ksu[rig_below(seed, 4)] | (uint32_t)(rig_random(seed) & (ST_FR | 0xffe1)) | ST_CU1;
  if (rig_below(seed, 4)) status |= ST_CU0;
  bool kernel = !(status & (ST_USER | ST_SUPERVISOR)), wide = c->cfg.model->isa & ISA_MIPS3;
  for (int i = 1; i < 32; i++) {
    uint64_t v = (i & 24) == 16 ? random_pointer(seed, !kernel) : rig_random(seed) >> rig_below(seed, 64);
    c->gpr[i] = wide ? v : (uint64_t)(int64_t)(int32_t)v;
  }
  c->waiting = false;
  for (unsigned i = 0; i < 3; i++)
    rig_map(r, rig_below(seed, c->mmu.entries), rig_below(seed, 8) * UINT64_C(0x2000) + (i == 2 ? 0x400000 : 0),
            CODE + rig_below(seed, 4) * 0x2000, (uint8_t)c->cp0.entryhi, rig_below(seed, 8));
  mips_set_fcsr(c, mips_fcsr(c) & (~(uint32_t)MIPS_FCSR_ENABLES | (rig_below(seed, 4) ? 0 : MIPS_FCSR_ENABLES)));
  rig_status(r, status & (c->cfg.model->status_rw | ST_CU0));
  rig_go(r, (kernel ? KSEG0(CODE) : 0) + (rig_below(seed, CODE_SIZE) & ~3u));
}

static void run_chunk(struct rig *r, enum cut cut, uint64_t length, uint64_t *seed) {
  uint64_t end = rig_now(r) + length;
  if (cut == CUT_COLD) rig_forget_code(r);
  while (rig_now(r) < end) {
    uint64_t now = rig_now(r), step = cut == CUT_UNITS ? 1 : cut == CUT_SLICES ? 1 + rig_below(seed, 9) : end - now;
    uint64_t to = now + step < end ? now + step : end, timer;
    switch (mips_run(r->cpu, to)) {
    case MIPS_STOP_CUT:
    case MIPS_STOP_TIME: break;
    case MIPS_STOP_WAIT:
      timer = mips_timer_deadline(r->cpu);
      mips_idle_to(r->cpu, timer > now && timer < to ? timer : to);
      break;
    case MIPS_STOP_DEAD: /* a spin is found out when a slice ends in it: go on spinning */
      if (!strstr(r->cpu->dead, "jump to itself")) return;
      r->cpu->dead = NULL;
      break;
    }
  }
}

struct world {
  struct rig *rig;
  uint64_t seed, slices;
  enum cut cut;
  FILE *null;
};

static struct world world_new(unsigned machine, uint64_t seed, enum cut cut) {
  const char *model = machines[machine].model;
  bool big = machines[machine].big;
  struct world w = {.seed = seed, .slices = seed, .cut = cut};
  switch (cut) {
  case CUT_EVAL: w.rig = rig_new_in(model, big, JIT_EVAL); break;
  case CUT_STENCIL: w.rig = rig_new_in(model, big, JIT_STENCIL); break;
  case CUT_AUTO:
  case CUT_BACKGROUND:
  case CUT_TINY: w.rig = rig_new_in(model, big, JIT_AUTO); break;
  default: w.rig = rig_new(model, big); break;
  }
  if (cut == CUT_BACKGROUND || cut == CUT_TINY)
    jit_tune(w.rig->jit, &(struct jit_tuning){
                             .sample_period = 20, .hot = 2, .delay_seed = cut == CUT_TINY ? 0 : seed, .eager = true});
  if (cut == CUT_TINY) {
    jit_set_code_bytes(w.rig->jit, TINY);
    jit_set_region_bytes(w.rig->jit, TINY);
  }
  cr_assert_eq(mmu_l2tlb_resize(&w.rig->cpu->mmu, (unsigned[]){0, 4, 16, 1024}[seed % 4]), 0);
  w.rig->stall = seed % 3;
  w.rig->raises = seed % 2;
  fill(w.rig, seed);
  if (cut == CUT_TRACED) w.rig->cpu->cfg.trace_insn = w.null = fopen("/dev/null", "w");
  return w;
}
static void world_free(struct world *w) {
  if (w->null) fclose(w->null);
  rig_free(w->rig);
}
static void world_step(struct world *w, uint64_t length) {
  revive(w->rig, &w->seed);
  run_chunk(w->rig, w->cut, length, &w->slices);
}

static bool worlds_agree(const struct world *a, const struct world *b) {
  const struct rig *x = a->rig, *y = b->rig;
  return rig_now(x) == rig_now(y) && rig_hash(x) == rig_hash(y) && x->accesses == y->accesses &&
         !memcmp(x->seen, y->seen, sizeof x->seen);
}

/* Play everything again up to this time within this chunk. */
static struct world replay(unsigned machine, uint64_t seed, enum cut cut, unsigned chunk, uint64_t length) {
  struct world w = world_new(machine, seed, cut);
  for (unsigned k = 0; k <= chunk; k++) world_step(&w, k < chunk ? CHUNK : length);
  return w;
}

static void tell(unsigned machine, uint64_t seed, enum cut cut, unsigned chunk) {
  uint64_t before = 0;
  for (uint64_t length = 1; length <= CHUNK; length++) {
    struct world a = replay(machine, seed, CUT_NONE, chunk, length), b = replay(machine, seed, cut, chunk, length);
    bool agree = worlds_agree(&a, &b);
    if (!agree) {
      char text[64];
      uint32_t word = (uint32_t)rig_peek(a.rig, before & 0x7ffffc, 4);
      insn_disasm(a.rig->cpu->index, word, before, text, sizeof text);
      fprintf(stderr, "after %" PRIu64 " cycles of the chunk; before: pc %016" PRIx64 " (in kseg0: %08x %s)\n", length,
              before, word, text);
      mips_dump(a.rig->cpu, stderr);
      mips_dump(b.rig->cpu, stderr);
      length = CHUNK;
    }
    before = a.rig->cpu->j.pc;
    world_free(&a);
    world_free(&b);
  }
}

static struct mips_counters total;

static uint64_t regions, resets;

static void add_up(const struct mips_counters *n) {
  for (int i = 0; i < EXC_CODES; i++) total.exceptions[i] += n->exceptions[i];
  total.eret += n->eret;
  total.tlbwi += n->tlbwi;
  total.tlbwr += n->tlbwr;
  total.device_accesses += n->device_accesses;
  total.code_writes += n->code_writes;
}

/* Garbage that does nothing proves nothing. */
static void expect_life(void) {
  static const enum mips_exc seen[] = {EXC_INT, EXC_MOD, EXC_TLBL, EXC_TLBS, EXC_ADEL, EXC_ADES, EXC_IBE,
                                       EXC_SYS, EXC_BP,  EXC_RI,   EXC_CPU,  EXC_OV,   EXC_TR};
  for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++)
    cr_expect_gt(total.exceptions[seen[i]], 0, "no %s", mips_exc_name[seen[i]]);
  cr_expect(total.eret && total.tlbwi && total.tlbwr && total.device_accesses && total.code_writes);
}

static void compare(unsigned machine, uint64_t seed, enum cut cut) {
  static uint8_t x[RIG_RAM], y[RIG_RAM];
  struct world a = world_new(machine, seed, CUT_NONE), b = world_new(machine, seed, cut);
  for (unsigned chunk = 0; chunk < CHUNKS; chunk++) {
    world_step(&a, CHUNK);
    world_step(&b, CHUNK);
    if (cut == CUT_BACKGROUND || cut == CUT_TINY) usleep(500); /* let something come */
    if (worlds_agree(&a, &b)) continue;
    fprintf(stderr, "%s %s: seed %" PRIu64 " %s differs in chunk %u\n", machines[machine].model,
            machines[machine].big ? "big" : "little", seed, cut_name[cut], chunk);
    tell(machine, seed, cut, chunk);
    cr_assert_fail("states differ");
  }
  rig_read(a.rig, 0, x, RIG_RAM);
  rig_read(b.rig, 0, y, RIG_RAM);
  cr_assert_eq(memcmp(x, y, RIG_RAM), 0, "memory differs: machine %u seed %" PRIu64 " %s", machine, seed,
               cut_name[cut]);
  add_up(&a.rig->cpu->n);
  struct jit_stats s;
  jit_stats(b.rig->jit, &s);
  regions += s.regions_made;
  resets += s.code_resets;
  world_free(&a);
  world_free(&b);
}

static void compare_all(enum cut cut) {
  uint64_t seeds = rig_setting("MB_GARBAGE_SEEDS", 4), first = rig_setting("MB_GARBAGE_FIRST", 1);
  for (unsigned m = 0; m < MACHINES; m++)
    for (uint64_t seed = first; seed < first + seeds; seed++) compare(m, seed, cut);
  expect_life();
}

Test(garbage, unit_by_unit) {
  compare_all(CUT_UNITS);
}
Test(garbage, in_slices) {
  compare_all(CUT_SLICES);
}
Test(garbage, traced) {
  compare_all(CUT_TRACED);
}
Test(garbage, without_old_translations) {
  compare_all(CUT_COLD);
}

/* The first machine runs in $MB_TIER's tier, the second in this one. */
Test(garbage, in_the_eval_tier) {
  compare_all(CUT_EVAL);
}
Test(garbage, in_the_stencil_tier) {
  if (jit_has_tier(JIT_STENCIL)) compare_all(CUT_STENCIL);
}
Test(garbage, in_mixed_tiers) {
  compare_all(CUT_AUTO);
}
Test(garbage, with_regions_in_the_background) {
  if (!jit_has_tier(JIT_LLVM)) return;
  compare_all(CUT_BACKGROUND);
  cr_expect_gt(regions, 0);
}
Test(garbage, in_tiny_code_memory) {
  if (!jit_has_tier(JIT_STENCIL)) return;
  compare_all(CUT_TINY);
  cr_expect_gt(resets, 0);
}
