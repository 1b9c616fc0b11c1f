/* monitor/module_file.c: the file with a module's DWARF, and its sections put where the guest has them. */
/* SPDX-License-Identifier: Apache-2.0 */
/* libdwfl would do the latter, but for MIPS: elfutils 0.188 knows no relocations of it. DWARF needs two of them,
 * for words of 4 and 8 bytes (MIPS psABI, "Relocation"; its 64-bit form has three types for each). Sections that are
 * not there any more go to 0, where there is no code of a kernel's. */
#define _GNU_SOURCE
#include "monitor/dwarf.h"
#include <ctype.h>
#include <fts.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- which file --- */

/* "fs/virtio-blk.ko" is that of virtio_blk; "fs/virtio-blk.o" is what some lists have for it. */
static bool is_file_of(const char *path, size_t n, const char *module) {
  const char *slash = memrchr(path, '/', n), *base = slash ? slash + 1 : path;
  const size_t left = n - (size_t)(base - path), k = strlen(module);
  for (size_t i = 0; i < k; i++)
    if (i >= left || (base[i] == '-' ? '_' : base[i]) != (module[i] == '-' ? '_' : module[i])) return false;
  return (left == k + 3 && !memcmp(base + k, ".ko", 3)) || (left == k + 2 && !memcmp(base + k, ".o", 2));
}

/* In a folder or those below it. */
static char *find_below(char *folder, const char *module) {
  char *const roots[] = {folder, NULL}, *found = NULL;
  FTS *f = folder && !access(folder, R_OK) ? fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL) : NULL;
  for (FTSENT *e; f && !found && (e = fts_read(f));)
    if ((e->fts_info == FTS_NSOK || e->fts_info == FTS_F) && is_file_of(e->fts_path, strlen(e->fts_path), module))
      found = strdup(e->fts_path);
  if (f) fts_close(f);
  return found;
}

/* By the list that the kernel's own makefiles leave. */
static char *find_ordered(const char *folder, size_t folder_n, const char *module) {
  char *list = NULL, *line = NULL, *found = NULL;
  size_t room = 0;
  FILE *in = asprintf(&list, "%.*smodules.order", (int)folder_n, folder) < 0 ? NULL : fopen(list, "r");
  for (ssize_t n; in && !found && (n = getline(&line, &room, in)) > 0;) {
    while (n && isspace((unsigned char)line[n - 1])) n--;
    if (!is_file_of(line, (size_t)n, module)) continue;
    n -= line[n - 2] == 'k' ? 3 : 2; /* ".ko", ".o" */
    if (asprintf(&found, "%.*s%.*s.ko", (int)folder_n, folder, (int)n, line) < 0) found = NULL;
  }
  if (in) fclose(in);
  free(line);
  free(list);
  return found;
}

char *mon_module_file(const char *kernel, const char *module) {
  const char *slash = strrchr(kernel, '/'), *base = slash ? slash + 1 : kernel, *version = strchr(base, '-');
  const size_t n = (size_t)(base - kernel);
  char *folder = NULL, *found = NULL;
  if (asprintf(&folder, "%.*smodules", (int)n, kernel) < 0) return NULL;
  found = find_below(folder, module);
  free(folder);
  if (!found) found = find_ordered(kernel, n, module);
  if (found || !version) return found;
  if (asprintf(&folder, "%.*s../lib/modules/%s", (int)n, kernel, version + 1) < 0) return NULL;
  found = find_below(folder, module);
  free(folder);
  return found;
}

/* --- relocation --- */

enum { MAX_SECTIONS = 1 << 16 };

struct relocation {
  Elf *elf;
  bool big, wide;
  size_t n;
  uint64_t base[]; /* of each section */
};

static uint64_t get(const struct relocation *r, const uint8_t *b, unsigned bytes) {
  uint64_t v = 0;
  for (unsigned i = 0; i < bytes; i++) v |= (uint64_t)b[r->big ? bytes - 1 - i : i] << 8 * i;
  return v;
}

static void put(const struct relocation *r, uint8_t *b, unsigned bytes, uint64_t v) {
  for (unsigned i = 0; i < bytes; i++) b[r->big ? bytes - 1 - i : i] = (uint8_t)(v >> 8 * i);
}

/* What a symbol stands for. False: it is in a section that is not there. */
static bool value_of(const struct relocation *r, Elf_Data *symbols, uint32_t n, uint64_t *value) {
  GElf_Sym y;
  *value = 0;
  if (!gelf_getsym(symbols, (int)n, &y)) return false;
  if (y.st_shndx == SHN_ABS) return *value = y.st_value, true;
  if (y.st_shndx == SHN_UNDEF || y.st_shndx >= r->n) return false;
  const uint64_t base = r->base[y.st_shndx];
  GElf_Shdr h;
  if (!base && gelf_getshdr(elf_getscn(r->elf, y.st_shndx), &h) && h.sh_flags & SHF_ALLOC) return false;
  *value = base + y.st_value;
  return true;
}

/* One entry of a table. NULL, or what is wrong with it. */
static const char *relocate(const struct relocation *r, const uint8_t *entry, bool adds, Elf_Data *symbols,
                            Elf_Data *to) {
  const uint64_t at = get(r, entry, r->wide ? 8 : 4);
  const uint32_t info = (uint32_t)get(r, entry + (r->wide ? 8 : 4), 4);
  const unsigned type = r->wide ? entry[15] : info & 0xff, bytes = type == R_MIPS_64 ? 8 : 4;
  if (type == R_MIPS_NONE) return NULL;
  if ((type != R_MIPS_32 && type != R_MIPS_64) || (r->wide && (entry[13] || entry[14])))
    return "its DWARF has relocations of an unknown kind";
  if (at > to->d_size || to->d_size - at < bytes) return "its relocations are damaged";
  uint8_t *place = (uint8_t *)to->d_buf + at;
  uint64_t value;
  const uint64_t addend = !adds ? get(r, place, bytes) : get(r, entry + (r->wide ? 16 : 8), r->wide ? 8 : 4);
  put(r, place, bytes, value_of(r, symbols, r->wide ? info : info >> 8, &value) ? value + addend : 0);
  return NULL;
}

/* A table of relocations, if it is one of DWARF's. */
static const char *relocate_table(const struct relocation *r, Elf_Scn *scn, const GElf_Shdr *h, size_t names) {
  Elf_Scn *target = elf_getscn(r->elf, h->sh_info), *table = elf_getscn(r->elf, h->sh_link);
  GElf_Shdr t;
  const char *name = target && gelf_getshdr(target, &t) ? elf_strptr(r->elf, names, t.sh_name) : NULL;
  if (!name || strncmp(name, ".debug", 6) != 0) return NULL;
  if (t.sh_flags & SHF_COMPRESSED && elf_compress(target, 0, 0) < 0) return "its DWARF cannot be unpacked";
  Elf_Data *entries = elf_rawdata(scn, NULL), *to = elf_getdata(target, NULL),
           *symbols = table ? elf_getdata(table, NULL) : NULL;
  const bool adds = h->sh_type == SHT_RELA;
  const size_t each = (r->wide ? 16u : 8u) + (adds ? r->wide ? 8u : 4u : 0);
  if (!entries || !to || !to->d_buf || !symbols) return "its relocations are damaged";
  for (size_t at = 0; entries->d_size - at >= each; at += each) {
    const char *why = relocate(r, (const uint8_t *)entries->d_buf + at, adds, symbols, to);
    if (why) return why;
  }
  return NULL;
}

static const char *check_id(Elf_Scn *scn, const struct mon_sections *s) {
  Elf_Data *d = elf_rawdata(scn, NULL);
  const size_t n = d && d->d_buf ? d->d_size < s->id_n ? d->d_size : s->id_n : 0;
  return n && memcmp(d->d_buf, s->id, n) != 0 ? "it is of another build" : NULL;
}

/* Where the guest has each section. NULL, or what is wrong. */
static const char *find_sections(struct relocation *r, const struct mon_sections *s, size_t names) {
  for (Elf_Scn *scn = NULL; (scn = elf_nextscn(r->elf, scn));) {
    GElf_Shdr h;
    const char *name = gelf_getshdr(scn, &h) && h.sh_flags & SHF_ALLOC ? elf_strptr(r->elf, names, h.sh_name) : NULL;
    for (unsigned i = 0; name && i < s->n; i++) {
      if (strcmp(s->section[i].name, name) != 0) continue;
      r->base[elf_ndxscn(scn)] = s->section[i].at;
      break;
    }
    const char *why = name && !strcmp(name, MON_BUILD_ID) ? check_id(scn, s) : NULL;
    if (why) return why;
  }
  return NULL;
}

const char *mon_module_relocate(Elf *elf, const struct mon_sections *s) {
  size_t n, names;
  GElf_Ehdr e;
  if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &e) || e.e_machine != EM_MIPS || e.e_type != ET_REL ||
      elf_getshdrnum(elf, &n) || elf_getshdrstrndx(elf, &names) || n > MAX_SECTIONS)
    return "it is no module for MIPS";
  struct relocation *r = calloc(1, sizeof *r + n * sizeof *r->base);
  if (!r) return "out of memory";
  *r = (struct relocation){elf, e.e_ident[EI_DATA] == ELFDATA2MSB, e.e_ident[EI_CLASS] == ELFCLASS64, n};
  const char *why = find_sections(r, s, names);
  for (Elf_Scn *scn = NULL; !why && (scn = elf_nextscn(elf, scn));) {
    GElf_Shdr h;
    if (gelf_getshdr(scn, &h) && (h.sh_type == SHT_REL || h.sh_type == SHT_RELA))
      why = relocate_table(r, scn, &h, names);
  }
  free(r);
  return why;
}
