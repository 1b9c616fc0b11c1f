/* jit/stencils/mktable.c: build-time tool: stencils.o in, a C table of their bytes and holes out (on stdout). */
/* SPDX-License-Identifier: Apache-2.0 */
/* The table's order is that of the definitions in stencils.c, so that variants of one operation are counted through. A
 * relocation that is not understood, or against anything but a hole, ends the build: nothing is guessed. */
#include "jit/stencils/abi.h"
#include <elf.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct function {
  const char *name;
  uint64_t at, size;
};
struct table {
  const uint8_t *text;
  size_t text_section;
  const char **symbol; /* names by symbol index */
  struct function *function;
  size_t functions;
  struct found {
    uint64_t at;
    struct stencil_patch patch;
  } * found;
  size_t founds;
};

static const char *const hole_name[] = {
#define X(name) #name,
    STENCIL_HOLES(X)
#undef X
};

static void die(const char *what, const char *which) {
  fprintf(stderr, "mktable: %s%s%s\n", what, which ? ": " : "", which ? which : "");
  exit(1);
}

static void *room(size_t n, size_t size) {
  void *p = calloc(n + 1, size);
  if (!p) die("out of memory", NULL);
  return p;
}

static uint8_t hole_of(const char *name) {
  for (uint8_t i = 0; i < STENCIL_HOLE_KINDS; i++)
    if (!strcmp(name, hole_name[i])) return i;
  die("a stencil refers to something that is no hole", name);
  return 0;
}

static int by_address(const void *a, const void *b) {
  const struct function *x = a, *y = b;
  return x->at < y->at ? -1 : x->at > y->at;
}
static int by_place(const void *a, const void *b) {
  const struct found *x = a, *y = b;
  return x->at < y->at ? -1 : x->at > y->at;
}

static void read_symbols(struct table *t, Elf *elf, Elf_Scn *section, const GElf_Shdr *h) {
  Elf_Data *d = elf_getdata(section, NULL);
  size_t n = h->sh_size / h->sh_entsize;
  const char **symbol = room(n, sizeof *symbol);
  t->function = room(n, sizeof *t->function);
  for (size_t i = 0; i < n; i++) {
    GElf_Sym s;
    if (!gelf_getsym(d, (int)i, &s)) die(elf_errmsg(-1), NULL);
    symbol[i] = elf_strptr(elf, h->sh_link, s.st_name);
    if (GELF_ST_TYPE(s.st_info) != STT_FUNC) continue;
    if (s.st_shndx != t->text_section) die("a function outside .text", symbol[i]);
    t->function[t->functions++] = (struct function){symbol[i], s.st_value, s.st_size};
  }
  t->symbol = symbol;
  qsort(t->function, t->functions, sizeof *t->function, by_address);
}

static void read_relocations(struct table *t, Elf_Scn *section, const GElf_Shdr *h) {
  Elf_Data *d = elf_getdata(section, NULL);
  t->founds = h->sh_size / h->sh_entsize;
  t->found = room(t->founds, sizeof *t->found);
  for (size_t i = 0; i < t->founds; i++) {
    GElf_Rela r;
    if (!gelf_getrela(d, (int)i, &r)) die(elf_errmsg(-1), NULL);
    struct found *f = &t->found[i];
    *f = (struct found){.at = r.r_offset, .patch.addend = (int32_t)r.r_addend};
    f->patch.hole = hole_of(t->symbol[GELF_R_SYM(r.r_info)]);
    switch (GELF_R_TYPE(r.r_info)) {
    case R_X86_64_8: f->patch.kind = STENCIL_ABS8; break; /* of a shift: the assembler makes it */
    case R_X86_64_32: /* of a 32-bit operation: the kernel's code model makes no other */
    case R_X86_64_32S: f->patch.kind = STENCIL_ABS32; break;
    case R_X86_64_64: f->patch.kind = STENCIL_ABS64; break;
    case R_X86_64_PC32:
    case R_X86_64_PLT32: f->patch.kind = STENCIL_REL32; break;
    default: die("a relocation of a kind that is not known", t->symbol[GELF_R_SYM(r.r_info)]);
    }
  }
  qsort(t->found, t->founds, sizeof *t->found, by_place);
}

static void read_object(struct table *t, Elf *elf) {
  size_t names;
  GElf_Shdr h;
  if (elf_getshdrstrndx(elf, &names)) die(elf_errmsg(-1), NULL);
  for (int pass = 0; pass < 3; pass++) /* .text, then the symbols, then what refers to them */
    for (Elf_Scn *s = NULL; (s = elf_nextscn(elf, s));) {
      if (!gelf_getshdr(s, &h)) die(elf_errmsg(-1), NULL);
      const char *name = elf_strptr(elf, names, h.sh_name);
      if (pass == 0 && h.sh_flags & SHF_ALLOC && h.sh_size && strcmp(name, ".text"))
        die("the stencils need data of their own", name);
      if (pass == 0 && !strcmp(name, ".text")) {
        t->text = elf_getdata(s, NULL)->d_buf;
        t->text_section = elf_ndxscn(s);
      }
      if (pass == 1 && h.sh_type == SHT_SYMTAB) read_symbols(t, elf, s, &h);
      if (pass == 2 && h.sh_type == SHT_RELA && h.sh_info == t->text_section) read_relocations(t, s, &h);
    }
  if (!t->text || !t->functions || !t->founds) die("this object holds no stencils", NULL);
}

static void print_functions(const struct table *t) {
  size_t next = 0, bytes = 0;
  puts("static const struct stencil stencils[] = {");
  for (size_t i = 0; i < t->functions; i++) {
    const struct function *f = &t->function[i];
    size_t first = next;
    while (next < t->founds && t->found[next].at < f->at + f->size) next++;
    const struct found *last = next > first ? &t->found[next - 1] : NULL;
    bool jumps_on =
        last && last->patch.hole == STENCIL_NEXT && last->at + 4 == f->at + f->size && t->text[last->at - 1] == 0xe9;
    if (f->size > UINT16_MAX || next - first > UINT8_MAX) die("too long", f->name);
    printf("{%zu,%zu,%u,%u,%u},\n", bytes, first, (unsigned)f->size, (unsigned)(next - first), jumps_on ? 5 : 0);
    bytes += f->size;
  }
  puts("};");
}

static void print_patches(const struct table *t) {
  size_t next = 0;
  puts("static const struct stencil_patch stencil_patches[] = {");
  for (size_t i = 0; i < t->functions; i++) {
    const struct function *f = &t->function[i];
    for (; next < t->founds && t->found[next].at < f->at + f->size; next++) {
      const struct found *p = &t->found[next];
      printf("{%u,%u,%u,%d},\n", (unsigned)(p->at - f->at), p->patch.hole, p->patch.kind, p->patch.addend);
    }
  }
  puts("};");
}

static void print_bytes(const struct table *t) {
  unsigned column = 0;
  puts("static const uint8_t stencil_bytes[] = {");
  for (size_t i = 0; i < t->functions; i++)
    for (uint64_t k = 0; k < t->function[i].size; k++)
      printf("%u,%s", t->text[t->function[i].at + k], ++column % 32 ? "" : "\n");
  puts("0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0};"); /* may be read past the last stencil */
}

int main(int argc, char **argv) {
  struct table t = {0};
  int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
  if (fd < 0) die("usage: mktable stencils.o", NULL);
  elf_version(EV_CURRENT);
  Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
  if (!elf) die(argv[1], elf_errmsg(-1));
  read_object(&t, elf);
  puts("/* jit/stencil_table.h: made by jit/stencils/mktable.c from jit/stencils/stencils.c. */");
  puts("enum stencil_id {");
  for (size_t i = 0; i < t.functions; i++) printf("ST_%s,\n", t.function[i].name);
  puts("STENCILS };");
  print_functions(&t);
  print_patches(&t);
  print_bytes(&t);
  elf_end(elf);
  close(fd);
  free(t.symbol);
  free(t.function);
  free(t.found);
  return fflush(stdout) ? 1 : 0;
}
