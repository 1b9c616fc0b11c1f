/* criterion-tests/test_vectors.c: runs the hand-written truth of vectors/ and asks that no instruction lacks any. */
/* SPDX-License-Identifier: Apache-2.0 */
/* vectors/README says how a case is written. Each runs in both byte orders, on a 64-bit cpu and where its values allow
 * on a 32-bit one, and in three ways: as it stands; unit by unit; and behind code that loads its general registers, so
 * that the translator knows them as constants. Whatever a case does not name must stay as it was. */
#include "criterion-tests/encode.h"
#include "criterion-tests/harness.h"
#include "criterion-tests/vector_case.h"
#include "frontend/disasm.h"
#include <criterion/criterion.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum way { WAY_PLAIN, WAY_UNITS, WAY_CONSTANTS, WAYS };
static const char *const way_name[WAYS] = {"plain", "unit by unit", "with known registers"};

static const struct {
  const char *model;
  bool big, wide;
} machines[] = {{"MIPS64R2-full", false, true},
                {"MIPS64R2-full", true, true},
                {"MIPS32R2-full", false, false},
                {"MIPS32R2-full", true, false}};
enum { MACHINES = sizeof machines / sizeof machines[0] };

static unsigned runs, failures;
static bool covered[INSN_ROWS];

/* --- before --- */

/* Scratch memory, va 0 to 0x3fff, lies at the end of RAM. */
enum { SCRATCH_GPA = RIG_RAM - VECTOR_SCRATCH };

static void put_memory(const struct vector_write *w, bool big, uint8_t *scratch) {
  for (unsigned i = 0; i < w->size; i++)
    scratch[w->at + i] = w->ordered ? (uint8_t)(w->value >> 8 * (big ? w->size - 1 - i : i)) : w->bytes[i];
}

static void initial_state(struct vector_state *s) {
  *s = (struct vector_state){0};
  for (unsigned i = 1; i < 32; i++) s->gpr[i] = 0x01010101u * i & 0x7fffffff;
  for (unsigned i = 0; i < 32; i++) s->fpr[i] = UINT64_C(0x1122334455667788) + i;
  s->hi = 0x11111111, s->lo = 0x22222222;
  for (unsigned i = 0; i < VECTOR_SCRATCH; i++) s->scratch[i] = (uint8_t)(0xa0 ^ i ^ i >> 8);
}

static void apply(const struct vector_side *side, uint64_t va, bool big, struct vector_state *s) {
  for (unsigned i = 0; i < 32; i++) {
    if (side->gprs >> i & 1) s->gpr[i] = side->relative >> i & 1 ? va + side->gpr[i] : side->gpr[i];
    if (side->fprs >> i & 1) s->fpr[i] = side->fpr[i];
    if (side->low >> i & 1) s->fpr[i] = (s->fpr[i] & ~UINT64_C(0xffffffff)) | side->half[i][0];
    if (side->high >> i & 1) s->fpr[i] = (s->fpr[i] & 0xffffffff) | (uint64_t)side->half[i][1] << 32;
  }
  if (side->has_hi) s->hi = side->hi;
  if (side->has_lo) s->lo = side->lo;
  if (side->has_fcsr) s->fcsr = side->fcsr;
  for (unsigned i = 0; i < side->writes; i++) put_memory(&side->write[i], big, s->scratch);
}

static void load_state(struct rig *r, const struct vector_state *s) {
  struct cpu *c = r->cpu;
  memcpy(c->gpr, s->gpr, sizeof c->gpr);
  memcpy(c->fpr, s->fpr, sizeof c->fpr);
  c->hi = s->hi;
  c->lo = s->lo;
  mips_set_fcsr(c, s->fcsr);
  c->ll_bit = 0;
  rig_write(r, SCRATCH_GPA, s->scratch, VECTOR_SCRATCH);
}

static uint32_t status_of(const struct vector_case *c, bool wide) {
  uint32_t s = ST_CU1;
  if (!c->fr0) s |= ST_FR;
  if (c->no_cu1) s &= ~(uint32_t)ST_CU1;
  if (wide && !c->no_64) s |= ST_KX | ST_SX | ST_UX;
  return s | (c->user ? ST_USER : ST_CU0);
}

/* Code that loads every general register; ends at va, so that both are one block. Returns where it starts. */
static uint64_t load_registers_in_front(struct rig *r, uint64_t va, const struct vector_state *s, bool wide) {
  uint32_t word[32 * 6];
  unsigned n = 0;
  for (unsigned i = 1; i < 32; i++) {
    uint64_t v = s->gpr[i];
    if (v == 0x01010101u * i) continue;
    if (wide && v != (uint64_t)(int64_t)(int32_t)v) {
      word[n++] = LUI(i, (int)(v >> 48));
      word[n++] = ORI(i, i, (int)(v >> 32 & 0xffff));
      word[n++] = DSLL(i, i, 16);
      word[n++] = ORI(i, i, (int)(v >> 16 & 0xffff));
      word[n++] = DSLL(i, i, 16);
    } else {
      word[n++] = LUI(i, (int)(v >> 16 & 0xffff));
    }
    word[n++] = ORI(i, i, (int)(v & 0xffff));
  }
  cr_assert_leq(n * 4, VECTOR_FRONT);
  rig_code(r, (va & 0x1fffffff) - 4 * n, word, n);
  return va - 4 * n;
}

/* --- after --- */

struct verdict {
  const struct vector_case *c;
  const char *machine;
  enum way way;
  bool bad;
};

static void __attribute__((format(printf, 2, 3))) complain(struct verdict *v, const char *format, ...) {
  va_list args;
  if (!v->bad)
    fprintf(stderr, "%s:%u (%s, %s): %s\n", v->c->file, v->c->line, v->machine, way_name[v->way], v->c->text);
  v->bad = true;
  va_start(args, format);
  fputs("    ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
}

static void compare(struct verdict *v, const char *name, unsigned n, uint64_t got, uint64_t want) {
  char label[16];
  snprintf(label, sizeof label, name, n);
  if (got != want) complain(v, "%-5s got %016" PRIx64 ", want %016" PRIx64, label, got, want);
}

static void check_exception(struct verdict *v, const struct rig *r, uint64_t va) {
  const struct vector_case *c = v->c;
  const struct mips_cp0 *p = &r->cpu->cp0;
  int got = rig_exception(r);
  const char *name = got < 0 ? "none" : mips_exc_name[got], *want = c->exception ? c->exception : "none";
  if (!name || strcmp(name, want)) {
    complain(v, "exception %s, want %s (pc %016" PRIx64 ")", name ? name : "?", want, r->cpu->j.pc);
    return;
  }
  if (got < 0) return;
  compare(v, "epc", 0, p->epc, va + 4 * c->epc);
  compare(v, "bd", 0, p->cause >> 31, c->bd);
  if (got == EXC_CPU) compare(v, "ce", 0, p->cause >> 28 & 3, c->ce);
  if (c->has_badva) compare(v, "badva", 0, p->badvaddr, c->badva);
}

static void check(struct verdict *v, struct rig *r, const struct vector_state *want, uint64_t va) {
  const struct cpu *c = r->cpu;
  uint8_t scratch[VECTOR_SCRATCH];
  for (unsigned i = 0; i < 32; i++) compare(v, "$%u", i, c->gpr[i], want->gpr[i]);
  for (unsigned i = 0; i < 32; i++) compare(v, "$f%u", i, c->fpr[i], want->fpr[i]);
  compare(v, "hi", 0, c->hi, want->hi);
  compare(v, "lo", 0, c->lo, want->lo);
  compare(v, "fcsr", 0, mips_fcsr(c), want->fcsr);
  rig_read(r, SCRATCH_GPA, scratch, VECTOR_SCRATCH);
  for (unsigned i = 0; i < VECTOR_SCRATCH; i++) compare(v, "[%x]", i, scratch[i], want->scratch[i]);
  check_exception(v, r, va);
}

/* --- running --- */

static void run_case(struct rig *r, const struct vector_case *c, unsigned machine, enum way way) {
  bool wide = r->cpu->cfg.model->isa & ISA_MIPS3, big = machines[machine].big;
  uint64_t va = VECTOR_VA + (uint64_t)c->group * VECTOR_STRIDE + VECTOR_FRONT, start = va;
  struct verdict v = {.c = c, .machine = machines[machine].model, .way = way};
  static struct vector_state s;
  rig_reset(r);
  rig_map(r, 0, 0, SCRATCH_GPA, 0, RIG_MAP_V | RIG_MAP_D | RIG_MAP_G);
  rig_map(r, 1, 0x2000, SCRATCH_GPA + 0x2000, 0, RIG_MAP_V | RIG_MAP_D | RIG_MAP_G);
  if (c->user) { /* the same code, mapped in user space */
    uint64_t pair = va & 0x1fffe000;
    for (unsigned i = 0; i < 3; i++) {
      uint64_t at = pair + i * 0x2000 - 0x2000;
      rig_map(r, 2 + i, at, at, 0, RIG_MAP_V | RIG_MAP_G);
    }
    start = va &= 0x1fffffff;
  }
  rig_status(r, status_of(c, wide));
  initial_state(&s);
  apply(&c->before, va, big, &s);
  load_state(r, &s);
  if (way == WAY_CONSTANTS) start = load_registers_in_front(r, va, &s, wide);
  rig_go(r, start);
  if (way == WAY_UNITS)
    for (int i = 0; i < 400 && rig_run(r, 1) == MIPS_STOP_TIME; i++) {
    }
  else
    rig_run(r, 400);
  apply(&c->after, va, big, &s);
  if (!r->cpu->dead) complain(&v, "does not end: pc %016" PRIx64, r->cpu->j.pc);
  check(&v, r, &s, va);
  runs++;
  failures += v.bad;
}

/* Are all values sign-extended words, and does the cpu have the instructions? */
static bool suits(const struct rig *r, const struct vector_case *c, const struct rig_program *p, bool wide) {
  if (c->only_64 && !wide) return false;
  if (c->only_32 && wide) return false;
  if (wide) return true;
  const struct vector_side *side[2] = {&c->before, &c->after};
  for (int k = 0; k < 2; k++)
    for (unsigned i = 0; i < 32; i++)
      if (side[k]->gprs >> i & 1 && side[k]->gpr[i] != (uint64_t)(int64_t)(int32_t)side[k]->gpr[i]) return false;
  for (unsigned w = 0; w < c->words; w++) {
    struct insn i;
    if (c->exception && !strcmp(c->exception, "RI")) continue; /* it may be a word that no cpu has */
    if (!insn_decode(r->cpu->index, p->word[(c->group * VECTOR_STRIDE + VECTOR_FRONT) / 4 + w], &i)) return false;
  }
  return true;
}

static void cover(const struct rig *r, const struct vector_case *c, const struct rig_program *p) {
  struct insn i;
  for (unsigned w = 0; w < c->words; w++)
    if (insn_decode(r->cpu->index, p->word[(c->group * VECTOR_STRIDE + VECTOR_FRONT) / 4 + w], &i))
      covered[i.row] = true;
}

static void run_file(const struct vector_file *f, unsigned machine) {
  struct rig_program p = {0};
  struct rig *r = rig_new(machines[machine].model, machines[machine].big);
  cr_assert(rig_assemble(f->assembly, machines[machine].big, VECTOR_VA, &p), "%s", f->path);
  cr_assert_lt(VECTOR_GPA + p.words * 4, SCRATCH_GPA);
  rig_code(r, VECTOR_GPA, p.word, p.words);
  for (unsigned k = 0; k < f->cases; k++) {
    struct vector_case *c = &f->list[k];
    if (c->only_big && !machines[machine].big) continue;
    if (c->only_little && machines[machine].big) continue;
    vector_words(c, &p);
    if (!suits(r, c, &p, machines[machine].wide)) continue;
    cover(r, c, &p);
    for (int way = 0; way < WAYS; way++) run_case(r, c, machine, (enum way)way);
  }
  free(p.word);
  rig_free(r);
}

static int is_vector_file(const struct dirent *d) {
  size_t n = strlen(d->d_name);
  return n > 2 && !strcmp(d->d_name + n - 2, ".s");
}

static void run_all(const char *folder) {
  struct dirent **entry;
  const char *only = getenv("MB_VECTORS");
  int n = scandir(folder, &entry, is_vector_file, alphasort);
  cr_assert_gt(n, 0, "%s", folder);
  for (int i = 0; i < n; i++) {
    struct vector_file f;
    if (!only || strstr(entry[i]->d_name, only)) {
      cr_assert_eq(vector_read(folder, entry[i]->d_name, &f), 0);
      for (unsigned m = 0; m < MACHINES; m++) run_file(&f, m);
      vector_free(&f);
    }
    free(entry[i]);
  }
  free(entry);
}

/* Rows that a case cannot show, and who shows them. */
static const struct {
  enum insn_row row;
  const char *tested_by;
} elsewhere[] = {
    {INSN_MFC0, "test_run.c"},
    {INSN_MTC0, "test_run.c"},
    {INSN_DMFC0, "guests/bare/segments.c"},
    {INSN_DMTC0, "guests/bare/segments.c"},
    {INSN_RDPGPR, "guests/bare"},
    {INSN_WRPGPR, "guests/bare"},
    {INSN_DI, "guests/bare/irq.c"},
    {INSN_EI, "guests/bare/irq.c"},
    {INSN_TLBR, "guests/bare/tlb.c"},
    {INSN_TLBWI, "guests/bare/tlb.c"},
    {INSN_TLBWR, "guests/bare/tlb.c"},
    {INSN_TLBP, "guests/bare/tlb.c"},
    {INSN_ERET, "test_run.c"},
    {INSN_DERET, "guests/bare/traps.c"},
    {INSN_WAIT, "test_run.c"},
    {INSN_CACHE, "test_smc.c"},
};

static bool is_elsewhere(unsigned row) {
  for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
    if (elsewhere[i].row == row) return true;
  return false;
}

Test(vectors, every_case_and_every_row) {
  const char *source = getenv("MB_SOURCE");
  char folder[512];
  if (!rig_has_assembler()) {
    fprintf(stderr, "skipped: no MIPS assembler (apt-get install binutils-mips64-linux-gnuabi64)\n");
    return;
  }
  snprintf(folder, sizeof folder, "%s/criterion-tests/vectors", source ? source : ".");
  run_all(folder);
  fprintf(stderr, "%u runs\n", runs);
  cr_expect_eq(failures, 0, "%u of %u runs failed", failures, runs);
  for (unsigned row = 0; row < INSN_ROWS && !getenv("MB_VECTORS"); row++)
    cr_expect(covered[row] || is_elsewhere(row), "%s has no vector", insn_info[row].name);
}
