/* jit/object.c: loading what LLVM has compiled: sections into code memory, addresses into their fields. */
/* SPDX-License-Identifier: Apache-2.0 */
/* An object comes from LLVM or from the disk, so nothing in it is taken for granted. */
#include "jit/region.h"
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

enum { SECTIONS = 32, ALIGN = 64 };

struct loading {
  Elf *elf;
  uint64_t at[SECTIONS]; /* where each section goes, as an offset; NOWHERE: it is not loaded */
  uint64_t size, code_size;
  Elf_Data *symbols;
  uint32_t names;
};
#define NOWHERE UINT64_MAX

/* Two sections are for object_table(), and not loaded: LLVM's stack maps, and the faults that llvm_emit.c notes. */
#define STACK_MAPS ".llvm_stackmaps"
static bool is_named(const struct loading *l, const GElf_Shdr *h, const char *wanted) {
  size_t names;
  if (elf_getshdrstrndx(l->elf, &names)) return false;
  const char *name = elf_strptr(l->elf, names, h->sh_name);
  return name && !strcmp(name, wanted);
}

/* The code comes first, so that the function is where the object is. */
static int place(struct loading *l, bool code) {
  GElf_Shdr h;
  for (Elf_Scn *s = NULL; (s = elf_nextscn(l->elf, s));) {
    size_t i = elf_ndxscn(s);
    if (i >= SECTIONS || !gelf_getshdr(s, &h)) return -1;
    if (h.sh_type == SHT_SYMTAB) l->symbols = elf_getdata(s, NULL), l->names = h.sh_link;
    if (!(h.sh_flags & SHF_ALLOC) || h.sh_type != SHT_PROGBITS || !h.sh_size) continue;
    if (is_named(l, &h, STACK_MAPS)) continue;
    if ((h.sh_flags & SHF_EXECINSTR ? true : false) != code) continue;
    if (h.sh_addralign > ALIGN || h.sh_size > UINT32_MAX / 4) return -1;
    l->at[i] = (l->size + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
    l->size = l->at[i] + h.sh_size;
    if (code) l->code_size = l->size;
    if (l->size > UINT32_MAX / 2) return -1;
  }
  return 0;
}

static int open_object(struct loading *l, const struct jit_object *o) {
  *l = (struct loading){0};
  for (int i = 0; i < SECTIONS; i++) l->at[i] = NOWHERE;
  elf_version(EV_CURRENT);
  l->elf = elf_memory(o->bytes, o->size);
  if (!l->elf) return -1;
  GElf_Ehdr h;
  if (gelf_getehdr(l->elf, &h) && h.e_machine == EM_X86_64 && h.e_type == ET_REL && !place(l, true) &&
      !place(l, false) && l->size && l->symbols)
    return 0;
  elf_end(l->elf);
  return -1;
}

uint32_t object_size(const struct jit_object *o) {
  struct loading l;
  if (open_object(&l, o)) return 0;
  elf_end(l.elf);
  return (uint32_t)l.size;
}
uint32_t object_code_size(const struct jit_object *o) {
  struct loading l;
  if (open_object(&l, o)) return 0;
  elf_end(l.elf);
  return (uint32_t)l.code_size;
}

static int symbol_address(const struct loading *l, unsigned i, uint64_t exec, const struct object_symbols *names,
                          uint64_t *out) {
  GElf_Sym s;
  if (!gelf_getsym(l->symbols, (int)i, &s)) return -1;
  if (s.st_shndx == SHN_UNDEF) {
    const char *name = elf_strptr(l->elf, l->names, s.st_name);
    *out = name ? names->find(names->ctx, name) : 0;
    return *out ? 0 : -1;
  }
  if (s.st_shndx >= SECTIONS || l->at[s.st_shndx] == NOWHERE) return -1;
  *out = exec + l->at[s.st_shndx] + s.st_value;
  return 0;
}

static int relocate(const struct loading *l, const GElf_Rela *r, uint64_t section, uint64_t size, uint8_t *write,
                    uint64_t exec, const struct object_symbols *names) {
  uint64_t v;
  unsigned type = GELF_R_TYPE(r->r_info);
  bool wide = type == R_X86_64_64;
  if (!wide && type != R_X86_64_PC32 && type != R_X86_64_PLT32) return -1;
  if (r->r_offset > size || size - r->r_offset < (wide ? 8 : 4)) return -1;
  if (symbol_address(l, GELF_R_SYM(r->r_info), exec, names, &v)) return -1;
  uint64_t at = section + r->r_offset;
  v += (uint64_t)r->r_addend;
  if (!wide) {
    v -= exec + at;
    if ((int64_t)v != (int32_t)v) return -1;
  }
  memcpy(write + at, &v, wide ? 8 : 4);
  return 0;
}

static int relocate_all(const struct loading *l, Elf_Scn *s, const GElf_Shdr *h, uint8_t *write, uint64_t exec,
                        const struct object_symbols *names) {
  GElf_Shdr target;
  GElf_Rela r;
  Elf_Data *d = elf_getdata(s, NULL);
  if (h->sh_info >= SECTIONS || l->at[h->sh_info] == NOWHERE) return 0; /* of something that is not loaded */
  if (!d || !gelf_getshdr(elf_getscn(l->elf, h->sh_info), &target) || !h->sh_entsize) return -1;
  for (size_t i = 0; i < h->sh_size / h->sh_entsize; i++)
    if (!gelf_getrela(d, (int)i, &r) || relocate(l, &r, l->at[h->sh_info], target.sh_size, write, exec, names))
      return -1;
  return 0;
}

static int load_sections(const struct loading *l, uint8_t *write, uint64_t exec, const struct object_symbols *names) {
  GElf_Shdr h;
  for (Elf_Scn *s = NULL; (s = elf_nextscn(l->elf, s));) {
    size_t i = elf_ndxscn(s);
    if (l->at[i] == NOWHERE) continue;
    Elf_Data *d = elf_getdata(s, NULL);
    if (!gelf_getshdr(s, &h) || !d || d->d_size != h.sh_size || !d->d_buf) return -1;
    memcpy(write + l->at[i], d->d_buf, d->d_size);
  }
  for (Elf_Scn *s = NULL; (s = elf_nextscn(l->elf, s));) {
    if (!gelf_getshdr(s, &h)) return -1;
    if (h.sh_type == SHT_RELA && relocate_all(l, s, &h, write, exec, names)) return -1;
  }
  return 0;
}

int object_load(const struct jit_object *o, uint8_t *write, uint64_t exec, const struct object_symbols *names) {
  struct loading l;
  if (open_object(&l, o)) return -1;
  int failed = load_sections(&l, write, exec, names);
  elf_end(l.elf);
  return failed;
}

/* --- where slots are: LLVM's stack map format, version 3 --- */

struct reader {
  const uint8_t *at, *end;
  bool failed;
};

static uint64_t take(struct reader *r, unsigned bytes) {
  uint64_t v = 0;
  if ((size_t)(r->end - r->at) < bytes) {
    r->failed = true;
    return 0;
  }
  memcpy(&v, r->at, bytes);
  r->at += bytes;
  return v;
}
static void align(struct reader *r, const uint8_t *begin) {
  while (!r->failed && (r->at - begin) % 8) take(r, 1);
}

struct location {
  unsigned kind, size, reg;
  int32_t value;
};
enum { KIND_REGISTER = 1, KIND_DIRECT, KIND_INDIRECT, KIND_CONSTANT, KIND_INDEX };

static struct location take_location(struct reader *r) {
  struct location l;
  l.kind = (unsigned)take(r, 1);
  take(r, 1);
  l.size = (unsigned)take(r, 2);
  l.reg = (unsigned)take(r, 2);
  take(r, 2);
  l.value = (int32_t)take(r, 4);
  return l;
}

/* The constants before the values that we have asked for: calling convention, flags, how many follow. */
enum { STATEPOINT_HEADER = 3, REGISTERS = 16 };

static int set_value(struct region_value *v, const struct location *slot, const struct location *l,
                     const uint8_t *constants, uint32_t n, const struct jit_guest *g) {
  if (slot->kind != KIND_CONSTANT || slot->value < 0 || (unsigned)slot->value >= g->slots) return -1;
  *v = (struct region_value){.slot = (uint16_t)slot->value, .reg = (uint8_t)l->reg, .narrow = l->size == 4};
  v->value = l->value;
  switch (l->kind) {
  case KIND_REGISTER: v->place = PLACE_REGISTER; return l->reg < REGISTERS ? 0 : -1;
  case KIND_INDIRECT: v->place = PLACE_MEMORY; return l->reg < REGISTERS && (l->size == 4 || l->size == 8) ? 0 : -1;
  case KIND_CONSTANT: v->place = PLACE_CONSTANT, v->narrow = false; return 0;
  case KIND_INDEX:
    v->place = PLACE_CONSTANT, v->narrow = false;
    if ((uint32_t)l->value >= n) return -1;
    memcpy(&v->value, constants + 8 * (size_t)l->value, 8);
    return 0;
  default: return -1;
  }
}

static int take_site(struct reader *r, const uint8_t *begin, struct region_table *t, uint32_t *values,
                     const uint8_t *constants, uint32_t n_constants) {
  take(r, 8);
  struct region_site s = {.at = (uint32_t)take(r, 4), .first = *values};
  take(r, 2);
  unsigned n = (unsigned)take(r, 2);
  for (unsigned i = 0; i < STATEPOINT_HEADER && i < n; i++) take_location(r);
  if (n < STATEPOINT_HEADER || (n - STATEPOINT_HEADER) % 2) return -1;
  for (n = (n - STATEPOINT_HEADER) / 2; n-- > 0 && !r->failed; s.values++) {
    struct location slot = take_location(r), l = take_location(r);
    if (set_value(&t->value[(*values)++], &slot, &l, constants, n_constants, t->guest)) return -1;
  }
  align(r, begin);
  take(r, 2);
  for (unsigned live = (unsigned)take(r, 2); live-- > 0 && !r->failed;) take(r, 4);
  align(r, begin);
  t->site[t->sites++] = s;
  return r->failed ? -1 : 0;
}

_Static_assert(offsetof(struct region_site, at) == 0 && offsetof(struct region_fault, at) == 0, "compared as such");
int region_by_at(const void *a, const void *b) {
  const uint32_t *x = a, *y = b;
  return *x < *y ? -1 : *x > *y;
}

static int read_map(const uint8_t *begin, size_t size, struct region_table *t) {
  struct reader r = {begin, begin + size, false};
  uint32_t values = 0;
  if (take(&r, 4) != 3) return -1;
  uint64_t functions = take(&r, 4), n_constants = take(&r, 4), records = take(&r, 4);
  take(&r, 8);
  t->stack_size = take(&r, 8);
  take(&r, 8);
  const uint8_t *constants = r.at;
  if (functions != 1 || n_constants > size / 8 || records > size / 8) return -1;
  for (uint64_t i = 0; i < n_constants; i++) take(&r, 8);
  t->site = calloc(records + 1, sizeof t->site[0]);
  t->value = calloc(size / 24 + 1, sizeof t->value[0]); /* two locations each */
  if (r.failed || !t->site || !t->value) return -1;
  for (uint64_t i = 0; i < records; i++)
    if (take_site(&r, begin, t, &values, constants, (uint32_t)n_constants)) return -1;
  qsort(t->site, t->sites, sizeof t->site[0], region_by_at);
  return 0;
}

/* The relocations of a section of pairs of addresses, each relative to itself, tell the addresses. */
static int read_faults(const struct loading *l, Elf_Scn *rela, const GElf_Shdr *h, struct region_table *t) {
  Elf_Data *d = elf_getdata(rela, NULL);
  size_t n = h->sh_entsize ? h->sh_size / h->sh_entsize : 0;
  uint64_t v[2];
  if (!d || n % 2 || t->fault || !(t->fault = calloc(n / 2 + 1, sizeof t->fault[0]))) return -1;
  for (size_t i = 0; i < n; i++) {
    GElf_Rela r;
    GElf_Sym s;
    if (!gelf_getrela(d, (int)i, &r) || r.r_offset != 4 * i || GELF_R_TYPE(r.r_info) != R_X86_64_PC32) return -1;
    if (!gelf_getsym(l->symbols, (int)GELF_R_SYM(r.r_info), &s) || s.st_shndx >= SECTIONS) return -1;
    v[i % 2] = l->at[s.st_shndx] + s.st_value + (uint64_t)r.r_addend;
    if (l->at[s.st_shndx] == NOWHERE || v[i % 2] >= l->size) return -1;
    if (i % 2) t->fault[t->faults++] = (struct region_fault){(uint32_t)v[0], (uint32_t)v[1]};
  }
  qsort(t->fault, t->faults, sizeof t->fault[0], region_by_at);
  return 0;
}

int object_table(const struct jit_object *o, const struct jit_guest *g, struct region_table *out) {
  struct loading l;
  int failed = 0;
  *out = (struct region_table){.guest = g};
  if (open_object(&l, o)) return -1;
  GElf_Shdr h;
  for (Elf_Scn *s = NULL; (s = elf_nextscn(l.elf, s)) && !failed;) {
    Elf_Data *d = elf_getdata(s, NULL);
    if (!gelf_getshdr(s, &h))
      failed = -1;
    else if (h.sh_type == SHT_PROGBITS && is_named(&l, &h, STACK_MAPS))
      failed = d && d->d_buf && !out->site ? read_map(d->d_buf, d->d_size, out) : -1;
    else if (h.sh_type == SHT_RELA && is_named(&l, &h, ".rela" REGION_FAULTS))
      failed = read_faults(&l, s, &h, out);
  }
  elf_end(l.elf);
  if (!out->site) failed = -1;
  if (failed) region_table_fini(out);
  return failed;
}

void region_table_fini(struct region_table *t) {
  free(t->site);
  free(t->value);
  free(t->fault);
  t->site = NULL;
  t->value = NULL;
  t->fault = NULL;
}
