/* criterion-tests/harness.c: the bare machine of harness.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "criterion-tests/harness.h"
#include "criterion-tests/encode.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the device --- */

static void note(struct rig *r, struct rig_access a) {
  if (r->accesses < RIG_SEEN) r->seen[r->accesses] = a;
  r->accesses++;
  if (r->raises) mips_irq_set(r->cpu, 0, 1);
  if (r->dma) mips_stored_by_other(r->cpu, r->dma, 4);
}
/* Reads give the time, so that a program can show when it looked. */
static uint64_t device_read(void *ctx, uint64_t gpa, int size) {
  struct rig *r = ctx;
  note(r, (struct rig_access){r->now, gpa, r->now, size, false});
  return r->now;
}
static void device_write(void *ctx, uint64_t gpa, uint64_t v, int size) {
  struct rig *r = ctx;
  note(r, (struct rig_access){r->now, gpa, v, size, true});
}
static void device_now(void *ctx, uint64_t cycles) {
  ((struct rig *)ctx)->now = cycles;
}
static uint64_t device_stall(void *ctx) {
  return ((struct rig *)ctx)->stall;
}

/* --- making --- */

static const uint64_t vectors[] = {KSEG0(0), KSEG0(0x80), KSEG0(0x180), KSEG0(0x200)};

void rig_reset(struct rig *r) {
  bool wide = r->cpu->cfg.model->isa & ISA_MIPS3;
  for (unsigned i = 0; i < r->cpu->mmu.entries; i++)
    mmu_tlb_write(&r->cpu->mmu, i, &(struct mmu_tlb_entry){.mask = 0x1fff, .hidden = true});
  mips_cpu_reset(r->cpu);
  memset(r->cpu->fpr, 0, sizeof r->cpu->fpr);
  r->cpu->hi = r->cpu->lo = 0;
  r->accesses = 0;
  r->raises = false;
  r->stall = r->dma = 0;
  rig_status(r, ST_CU0 | ST_CU1 | (wide ? ST_FR | ST_KX | ST_SX | ST_UX : 0));
  for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
    if (rig_peek(r, vectors[i] & 0xfff, 4) != B(-1)) RIG_CODE_AT(r, vectors[i] & 0xfff, B(-1), NOP);
  rig_go(r, RIG_CODE);
}

struct rig *rig_new(const char *model, bool big) {
  const char *tier = getenv("MB_TIER"); /* set by ctest: every test that uses the rig is run once a tier */
  return rig_new_in(model, big,
                    !tier || !strcmp(tier, "auto") ? JIT_AUTO
                    : !strcmp(tier, "stencil")     ? JIT_STENCIL
                    : !strcmp(tier, "llvm")        ? JIT_LLVM
                                                   : JIT_EVAL);
}

struct rig *rig_new_in(const char *model, bool big, enum jit_tier tier) {
  struct rig *r = calloc(1, sizeof *r);
  cr_assert_not_null(r);
  cr_assert_eq(mmu_memmap_init(&r->memmap, RIG_RAM), 0);
  cr_assert_eq(mmu_pmap_init(&r->pmap, &r->memmap, RIG_RAM / MMU_PAGE_SIZE, RIG_RAM), 0);
  cr_assert_eq(mmu_pmap_add_ram(&r->pmap, gpa(0), RIG_RAM), 0);
  cr_assert_eq(jit_new(&r->jit, mips_jit_guest(), 16 << 20), 0);
  cr_assert_eq(jit_set_tier(r->jit, tier), 0);
  if (tier == JIT_LLVM) jit_tune(r->jit, &(struct jit_tuning){.visits = RIG_LLVM_VISITS});
  r->cpu = calloc(1, sizeof *r->cpu);
  struct cpu_config cfg = {.model = cpu_model_find(model),
                           .pmap = &r->pmap,
                           .jit = r->jit,
                           .big_endian = big,
                           .io_read = device_read,
                           .io_write = device_write,
                           .io_now = device_now,
                           .io_stall = device_stall,
                           .ctx = r};
  cr_assert(cfg.model && r->cpu && !mips_cpu_init(r->cpu, &cfg), "%s", model);
  rig_reset(r);
  return r;
}

static void drop_code(void *ctx, struct mmu_page *f) {
  struct jit_page *p = f->code;
  jit_page_drop(((struct rig *)ctx)->jit, &p);
  f->code = NULL;
}

void rig_forget_code(struct rig *r) {
  for (uint64_t i = 0; i < r->pmap.pages; i++)
    if (r->pmap.page[i]->code) drop_code(r, r->pmap.page[i]);
}

void rig_free(struct rig *r) {
  if (!r) return;
  rig_forget_code(r);
  mips_cpu_fini(r->cpu);
  free(r->cpu);
  jit_free(r->jit);
  mmu_pmap_fini(&r->pmap);
  mmu_memmap_fini(&r->memmap);
  free(r);
}

/* --- memory --- */

void rig_write(struct rig *r, uint64_t at, const void *bytes, size_t n) {
  struct mmu_code_hook hook = {drop_code, r};
  cr_assert_eq(mmu_write(&r->pmap, &hook, gpa(at), bytes, n), n);
}
void rig_read(const struct rig *r, uint64_t at, void *bytes, size_t n) {
  cr_assert_eq(mmu_read(&r->pmap, gpa(at), bytes, n), n);
}

static uint64_t ordered(const struct rig *r, uint64_t v, unsigned size) {
  return r->cpu->cfg.big_endian ? __builtin_bswap64(v) >> (64 - 8 * size) : v;
}
void rig_poke(struct rig *r, uint64_t at, uint64_t v, unsigned size) {
  v = ordered(r, v, size);
  rig_write(r, at, &v, size);
}
uint64_t rig_peek(const struct rig *r, uint64_t at, unsigned size) {
  uint64_t v = 0;
  rig_read(r, at, &v, size);
  return ordered(r, v, size);
}
uint64_t rig_code(struct rig *r, uint64_t at, const uint32_t *word, size_t n) {
  for (size_t i = 0; i < n; i++) rig_poke(r, at + 4 * i, word[i], 4);
  return at + 4 * n;
}

/* --- state --- */

void rig_status(struct rig *r, uint32_t status) {
  r->cpu->cp0.status = status;
  mips_mode_changed(r->cpu);
}

void rig_map(struct rig *r, unsigned i, uint64_t va, uint64_t to, uint8_t asid, unsigned flags) {
  struct mmu_tlb_half h = {.pfn = to, .c = 3, .d = flags & RIG_MAP_D, .v = flags & RIG_MAP_V, .xi = flags & RIG_MAP_XI};
  struct mmu_tlb_entry e = {.vpn = va, .mask = 0x1fff, .asid = asid, .g = flags & RIG_MAP_G, .half = {h, h}};
  e.half[1].pfn = to + MMU_PAGE_SIZE;
  if (flags & RIG_MAP_ODD_INVALID) e.half[1].v = false;
  mmu_tlb_write(&r->cpu->mmu, i, &e);
}

void rig_go(struct rig *r, uint64_t pc) {
  r->cpu->j.pc = pc;
  r->cpu->dead = NULL;
}

uint64_t rig_now(const struct rig *r) {
  return mips_boundary(r->cpu);
}

enum mips_stop rig_run(struct rig *r, uint64_t cycles) {
  uint64_t end = rig_now(r) + cycles;
  enum mips_stop s;
  do s = mips_run(r->cpu, end);
  while (s == MIPS_STOP_TIME && rig_now(r) < end);
  return s;
}

bool rig_step_to(struct rig *r, uint64_t pc, uint64_t cycles) {
  uint64_t end = rig_now(r) + cycles;
  while (r->cpu->j.pc != pc) {
    if (rig_now(r) >= end || rig_run(r, 1) != MIPS_STOP_TIME) return r->cpu->j.pc == pc;
  }
  return true;
}

int rig_exception(const struct rig *r) {
  for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
    if (r->cpu->j.pc == vectors[i]) return (int)(r->cpu->cp0.cause >> 2 & 31);
  return -1;
}

uint64_t rig_hash(const struct rig *r) {
  return mips_hash(r->cpu, 1);
}

uint64_t rig_setting(const char *name, uint64_t otherwise) {
  const char *v = getenv(name);
  return v && *v ? strtoull(v, NULL, 0) : otherwise;
}

/* --- the cross assembler --- */

#define CROSS "mips64-linux-gnuabi64-"

bool rig_has_assembler(void) {
  return !system("command -v " CROSS "as " CROSS "ld " CROSS "objcopy >/dev/null 2>&1");
}

static bool read_program(const char *path, bool big, struct rig_program *out) {
  FILE *f = fopen(path, "rb");
  struct stat s;
  *out = (struct rig_program){0};
  if (!f) return false;
  if (!fstat(fileno(f), &s) && (out->word = malloc((size_t)s.st_size + 4))) {
    out->words = fread(out->word, 4, (size_t)s.st_size / 4, f);
    for (size_t i = 0; big && i < out->words; i++) out->word[i] = __builtin_bswap32(out->word[i]);
  }
  fclose(f);
  return out->words;
}

bool rig_assemble(const char *path, bool big, uint64_t va, struct rig_program *out) {
  char base[] = "/tmp/mirrorball-as-XXXXXX", cmd[1024], name[64];
  int fd = mkstemp(base);
  if (fd < 0) return false;
  close(fd);
  const char *e = big ? "EB" : "EL", *emul = big ? "btsmip" : "ltsmip";
  snprintf(cmd, sizeof cmd,
           CROSS "as -%s -mabi=64 -mips64r2 -no-pad-sections -o %s.o '%s' && " CROSS "ld -%s -melf64%s -Ttext=0x%lx"
                 " -e 0 -o %s.elf %s.o && " CROSS "objcopy -O binary -j .text %s.elf %s.bin",
           e, base, path, e, emul, (unsigned long)va, base, base, base, base);
  bool ok = !system(cmd);
  snprintf(name, sizeof name, "%s.bin", base);
  ok = ok && read_program(name, big, out);
  static const char *const suffix[] = {"", ".o", ".elf", ".bin"};
  for (int i = 0; i < 4; i++) {
    snprintf(name, sizeof name, "%s%s", base, suffix[i]);
    unlink(name);
  }
  return ok;
}

char rig_path[] = "/tmp/mirrorball-test-XXXXXX";
void rig_make_path(void) {
  int fd = mkstemp(rig_path);
  cr_assert(fd >= 0);
  close(fd);
}
void rig_remove_path(void) {
  unlink(rig_path);
}
