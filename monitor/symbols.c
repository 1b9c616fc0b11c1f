/* monitor/symbols.c: names for guest addresses: a sorted table from ELF files and System.map files. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/symbols.h"
#include "monitor/file.h"
#include <ctype.h>
#include <errno.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BITS 0x3fffffffu
enum { REACH = 1 << 16 }; /* how far past a symbol of unknown size an address may be */

static bool grow(void **p, size_t *room, size_t need, size_t each) {
  if (need <= *room) return true;
  size_t more = *room ? *room * 2 : 4096;
  while (more < need) more *= 2;
  void *q = realloc(*p, more * each);
  if (!q) return false;
  *p = q;
  *room = more;
  return true;
}

bool mon_symbols_add(struct mon_symbols *s, uint64_t at, uint64_t size, enum mon_rank rank, const char *name,
                     size_t len) {
  if (s->names_n + len + 1 > NAME_BITS) return true;
  if (!grow((void **)&s->symbol, &s->room, s->n + 1, sizeof *s->symbol) ||
      !grow((void **)&s->names, &s->names_room, s->names_n + len + 1, 1))
    return false;
  s->symbol[s->n++] = (struct mon_symbol){.at = at,
                                          .size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size,
                                          .name = (uint32_t)s->names_n | (uint32_t)rank << 30};
  memcpy(s->names + s->names_n, name, len);
  s->names[s->names_n + len] = 0;
  s->names_n += len + 1;
  return true;
}

static int compare(const void *a, const void *b) {
  const struct mon_symbol *x = a, *y = b;
  if (x->at != y->at) return x->at < y->at ? -1 : 1;
  return x->name < y->name ? -1 : x->name > y->name;
}

void mon_symbols_sort(struct mon_symbols *s) {
  if (s->n) qsort(s->symbol, s->n, sizeof *s->symbol, compare);
}

bool mon_symbols_end(struct mon_symbols *s, uint64_t at) {
  return mon_symbols_add(s, at, 0, MON_RANK_LABEL, "", 0);
}

void mon_symbols_cut(struct mon_symbols *s, size_t names_n) {
  size_t n = 0;
  for (size_t i = 0; i < s->n; i++)
    if ((s->symbol[i].name & NAME_BITS) < names_n) s->symbol[n++] = s->symbol[i];
  s->n = n;
  if (names_n < s->names_n) s->names_n = names_n;
}

void mon_symbols_fini(struct mon_symbols *s) {
  free(s->symbol);
  free(s->names);
  *s = (struct mon_symbols){0};
}

static bool add_elf_symbol(struct mon_symbols *s, const GElf_Sym *y, const char *name) {
  unsigned type = GELF_ST_TYPE(y->st_info);
  if (y->st_shndx == SHN_UNDEF || y->st_shndx == SHN_ABS || !name || !*name || *name == '$' ||
      !strncmp(name, ".L", 2) || (type != STT_FUNC && type != STT_OBJECT && type != STT_NOTYPE))
    return true;
  enum mon_rank rank = type == STT_NOTYPE                      ? MON_RANK_LABEL
                       : type == STT_OBJECT                    ? MON_RANK_DATA
                       : GELF_ST_BIND(y->st_info) == STB_LOCAL ? MON_RANK_LOCAL
                                                               : MON_RANK_GLOBAL;
  return mon_symbols_add(s, mon_sign_extended(y->st_value), y->st_size, rank, name, strlen(name));
}

int mon_symbols_elf(struct mon_symbols *s, const uint8_t *bytes, size_t n, struct mon_error *e) {
  elf_version(EV_CURRENT);
  Elf *elf = elf_memory((char *)(uintptr_t)bytes, n); /* only read */
  bool memory = true;
  for (Elf_Scn *scn = NULL; elf && memory && (scn = elf_nextscn(elf, scn));) {
    GElf_Shdr h;
    GElf_Sym y;
    if (!gelf_getshdr(scn, &h) || h.sh_type != SHT_SYMTAB || !h.sh_entsize) continue;
    Elf_Data *data = elf_getdata(scn, NULL);
    for (int i = 0; data && memory && gelf_getsym(data, i, &y); i++)
      memory = add_elf_symbol(s, &y, elf_strptr(elf, h.sh_link, y.st_name));
  }
  if (elf) elf_end(elf);
  mon_symbols_sort(s);
  return memory ? MB_OK : mon_fail(e, MB_ERR_MEMORY, "out of memory for symbols");
}

enum mon_rank mon_rank_of(char type) {
  if (type == 'T' || type == 'W') return MON_RANK_GLOBAL;
  if (type == 't' || type == 'w') return MON_RANK_LOCAL;
  return MON_RANK_DATA;
}

/* One line "address type name". Returns false when it is none. */
static bool add_map_line(struct mon_symbols *s, const char *line, const char *end, bool *memory) {
  uint64_t at = 0;
  const char *p = line;
  while (p < end && isxdigit((unsigned char)*p) && p - line < 16) {
    at = at << 4 | (uint64_t)(*p <= '9' ? *p - '0' : (*p | 32) - 'a' + 10);
    p++;
  }
  if (p == line || end - p < 4 || p[0] != ' ' || !isalpha((unsigned char)p[1]) || p[2] != ' ') return false;
  char type = p[1];
  p += 3;
  const char *stop = p;
  while (stop < end && !isspace((unsigned char)*stop)) stop++;
  if (stop == p) return false;
  if (type != 'A' && type != 'a' && type != 'U')
    *memory = mon_symbols_add(s, mon_sign_extended(at), 0, mon_rank_of(type), p, (size_t)(stop - p));
  return true;
}

static int read_map(struct mon_symbols *s, const char *path, const struct mon_file *f, struct mon_error *e) {
  const char *p = (const char *)f->bytes, *end = p + f->n;
  bool memory = true;
  for (unsigned long line = 1; p < end && memory; line++) {
    const char *stop = memchr(p, '\n', (size_t)(end - p));
    if (!stop) stop = end;
    if (stop != p && !add_map_line(s, p, stop, &memory))
      return mon_fail(e, MB_ERR_FORMAT, "symbols %s: line %lu is not \"address type name\"", path, line);
    p = stop + (stop < end);
  }
  mon_symbols_sort(s);
  return memory ? MB_OK : mon_fail(e, MB_ERR_MEMORY, "out of memory for symbols");
}

int mon_symbols_file(struct mon_symbols *s, const char *path, struct mon_error *e) {
  struct mon_file f;
  int code = mon_file_open(&f, "symbols", path, UINT32_MAX, e);
  if (code) return code;
  size_t before = s->n;
  if (f.n >= SELFMAG && !memcmp(f.bytes, ELFMAG, SELFMAG)) {
    code = mon_symbols_elf(s, f.bytes, f.n, e);
    if (!code && s->n == before) code = mon_fail(e, MB_ERR_FORMAT, "symbols %s: has no symbol table", path);
  } else {
    code = read_map(s, path, &f, e);
  }
  mon_file_close(&f);
  return code;
}

/* How many symbols are at or below va. */
static size_t up_to(const struct mon_symbols *s, uint64_t va) {
  size_t low = 0, high = s->n;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    if (s->symbol[mid].at <= va)
      low = mid + 1;
    else
      high = mid;
  }
  return low;
}

const struct mon_symbol *mon_symbol_find(const struct mon_symbols *s, uint64_t va) {
  size_t n = up_to(s, va);
  const struct mon_symbol *y = n ? &s->symbol[n - 1] : NULL;
  return y && *mon_symbol_text(s, y) && va - y->at < (y->size > REACH ? y->size : REACH) ? y : NULL;
}

uint64_t mon_symbol_next(const struct mon_symbols *s, uint64_t va) {
  size_t n = up_to(s, va);
  return n < s->n ? s->symbol[n].at : 0;
}

const struct mon_symbol *mon_symbol_named(const struct mon_symbols *s, const char *name) {
  size_t n = strlen(name);
  for (size_t i = 0; n && i < s->n; i++) {
    const char *text = mon_symbol_text(s, &s->symbol[i]);
    if (!strncmp(text, name, n) && (!text[n] || !strncmp(text + n, " [", 2))) return &s->symbol[i];
  }
  return NULL;
}

const char *mon_symbol_text(const struct mon_symbols *s, const struct mon_symbol *y) {
  return s->names + (y->name & NAME_BITS);
}

const char *mon_symbol_name(const struct mon_symbols *s, uint64_t va, char *buf, size_t n) {
  const struct mon_symbol *y = mon_symbol_find(s, va);
  const char *text = y ? mon_symbol_text(s, y) : "";
  const int name = (int)strcspn(text, " "); /* a module follows */
  if (!y)
    snprintf(buf, n, "0x%08" PRIx64, va);
  else if (va > y->at)
    snprintf(buf, n, "%.*s+0x%" PRIx64 "%s", name, text, va - y->at, text + name);
  else
    snprintf(buf, n, "%s", text);
  return buf;
}
