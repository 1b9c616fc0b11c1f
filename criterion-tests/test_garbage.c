/* criterion-tests/test_garbage.c: whatever a guest executes, the cpu survives, and how time is cut does not show. */
/* SPDX-License-Identifier: Apache-2.0 */
/* RAM, vectors included, is filled with random instructions, privileged ones too, that rewrite themselves, the TLB and
 * Status. Two machines run the same, one in large steps, the other cut up, traced, or without a translation to start
 * from; their state is compared after every chunk. MB_GARBAGE_SEEDS: how many. Run this one under the sanitizers. */
#include "criterion-tests/harness.h"
#include "frontend/disasm.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

enum { CHUNK = 500, CHUNKS = 60, CODE = 0x10000, CODE_SIZE = 0x8000 };
enum cut { CUT_NONE, CUT_UNITS, CUT_SLICES, CUT_TRACED, CUT_COLD, CUTS };
static const char *const cut_name[CUTS] = {"in chunks", "unit by unit", "in slices", "traced", "cold"};

static const struct {
  const char *model;
  bool big;
} machines[] = {{"24Kf", false},          {"MIPS64R2-full", true}, {"4Kc", true},     {"MIPS64R2-generic", false},
                {"MIPS32R2-full", false}, {"R4000", true},         {"R10000", false}, {"34Kf", true}};
enum { MACHINES = sizeof machines / sizeof machines[0] };

static uint32_t random_insn(struct rig *r, uint64_t *seed) {
  if (!rig_below(seed, 8)) return (uint32_t)rig_random(seed);
  for (;;) {
    unsigned row = rig_below(seed, INSN_ROWS);
    const struct insn_pattern *p = &r->cpu->index->pattern[row];
    uint32_t word = p->match | ((uint32_t)rig_random(seed) & ~p->mask);
    if (!insn_in_isa((enum insn_row)row, r->cpu->index->isa)) continue;
    if (row == INSN_WAIT && rig_below(seed, 4)) continue;
    if (rig_below(seed, 2)) word = (word & ~0xffffu) | (word & 0x01ff); /* near addresses and targets */
    return (word & ~p->mask) | p->match;
  }
}

static void fill(struct rig *r, uint64_t seed) {
  for (uint64_t at = 0; at < 0x4000; at += 4) rig_poke(r, at, random_insn(r, &seed), 4);
  for (uint64_t at = CODE; at < CODE + CODE_SIZE; at += 4) rig_poke(r, at, random_insn(r, &seed), 4);
}

static uint64_t random_pointer(uint64_t *seed) {
  static const uint64_t base[] = {KSEG0(CODE), KSEG0(0),          KSEG1(CODE),       0,
                                  0x400000,    KSEG1(RIG_DEVICE), 0xffffffffc0000000};
  return base[rig_below(seed, 7)] + (rig_below(seed, CODE_SIZE) & ~(rig_below(seed, 2) ? 7u : 0u));
}

/* A fresh start somewhere in the code, in any mode. */
static void revive(struct rig *r, uint64_t *seed) {
  static const uint32_t ksu[] = {0, 0, ST_SUPERVISOR, ST_USER};
  struct cpu *c = r->cpu;
  for (int i = 1; i < 32; i++)
    c->gpr[i] = rig_below(seed, 3) ? random_pointer(seed) : rig_random(seed) >> rig_below(seed, 64);
  if (!(c->cfg.model->isa & ISA_MIPS3))
    for (int i = 1; i < 32; i++) c->gpr[i] = (uint64_t)(int64_t)(int32_t)c->gpr[i];
  c->waiting = false;
  for (unsigned i = 0; i < 3; i++)
    rig_map(r, rig_below(seed, c->mmu.entries), rig_below(seed, 8) * UINT64_C(0x2000) + (i == 2 ? 0x400000 : 0),
            CODE + rig_below(seed, 4) * 0x2000, (uint8_t)c->cp0.entryhi, rig_below(seed, 8));
  uint32_t status = ksu[rig_below(seed, 4)] | (uint32_t)(rig_random(seed) & (ST_CU0 | ST_CU1 | ST_FR | 0xffe1));
  rig_status(r, status & (c->cfg.model->status_rw | ST_CU0 | ST_CU1));
  bool kernel = !(status & (ST_USER | ST_SUPERVISOR));
  rig_go(r, (kernel ? KSEG0(CODE) : 0) + (rig_below(seed, CODE_SIZE) & ~3u));
}

static void run_chunk(struct rig *r, enum cut cut, uint64_t length, uint64_t *seed) {
  uint64_t end = rig_now(r) + length;
  if (cut == CUT_COLD) rig_forget_code(r);
  while (rig_now(r) < end) {
    uint64_t now = rig_now(r), step = cut == CUT_UNITS ? 1 : cut == CUT_SLICES ? 1 + rig_below(seed, 9) : end - now;
    uint64_t to = now + step < end ? now + step : end, timer;
    switch (mips_run(r->cpu, to)) {
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
  struct world w = {
      .rig = rig_new(machines[machine].model, machines[machine].big), .seed = seed, .slices = seed, .cut = cut};
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

static void compare(unsigned machine, uint64_t seed, enum cut cut) {
  static uint8_t x[RIG_RAM], y[RIG_RAM];
  struct world a = world_new(machine, seed, CUT_NONE), b = world_new(machine, seed, cut);
  for (unsigned chunk = 0; chunk < CHUNKS; chunk++) {
    world_step(&a, CHUNK);
    world_step(&b, CHUNK);
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
  world_free(&a);
  world_free(&b);
}

static void compare_all(enum cut cut) {
  uint64_t seeds = rig_setting("MB_GARBAGE_SEEDS", 4), first = rig_setting("MB_GARBAGE_FIRST", 1);
  for (unsigned m = 0; m < MACHINES; m++)
    for (uint64_t seed = first; seed < first + seeds; seed++) compare(m, seed, cut);
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
