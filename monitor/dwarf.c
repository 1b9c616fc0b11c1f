/* monitor/dwarf.c: the line table and the functions of a program, read once through libdw. */
/* SPDX-License-Identifier: Apache-2.0 */
/* All of it is read and checked before the guest runs; nothing of the file is wanted afterwards. */
#define _GNU_SOURCE
#include "monitor/dwarf.h"
#include "monitor/symbols.h"
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct reader {
  struct mon_dwarf *d;
  void *tree; /* of sources, by path */
  size_t line_room, function_room, source_room;
  bool failed; /* out of memory */
};

struct source {
  const char *path; /* d->source[index], or what is looked for */
  uint32_t index;
};

static bool grow(void **p, size_t *room, size_t need, size_t each) {
  if (need <= *room) return true;
  size_t more = *room ? *room * 2 : 4096;
  void *q = realloc(*p, more * each);
  if (!q) return false;
  *p = q;
  *room = more;
  return true;
}

/* --- sources --- */

static int by_path(const void *a, const void *b) {
  return strcmp(((const struct source *)a)->path, ((const struct source *)b)->path);
}

/* Take "x/../" and "./" out of a path: one file has one name. */
static void straighten(char *path) {
  char *to = path;
  for (const char *from = path; *from;) {
    size_t n = strcspn(from, "/");
    const char *next = from + n + strspn(from + n, "/");
    bool up = n == 2 && !memcmp(from, "..", 2), root = !n, here = n == 1 && *from == '.';
    if (up && to - path > 1) {
      to--; /* the slash behind what is left */
      while (to > path && to[-1] != '/') to--;
    } else if (root || !here) {
      memmove(to, from, n);
      to += n;
      if (next != from + n) *to++ = '/';
    }
    from = next;
  }
  *to = 0;
}

static char *whole_path(const char *folder, const char *file) {
  char *path = NULL;
  if (*file == '/' || !folder)
    path = strdup(file);
  else if (asprintf(&path, "%s/%s", folder, file) < 0)
    path = NULL;
  if (path) straighten(path);
  return path;
}

static bool add_source(struct reader *r, char *path, uint32_t *index) {
  struct mon_dwarf *d = r->d;
  struct source *s = malloc(sizeof *s), **at;
  if (!s || !grow((void **)&d->source, &r->source_room, d->sources + 1u, sizeof *d->source)) {
    free(s);
    return false;
  }
  *s = (struct source){path, d->sources};
  at = tsearch(s, &r->tree, by_path);
  if (!at) {
    free(s);
    return false;
  }
  d->source[d->sources++] = path;
  *index = s->index;
  return true;
}

/* The index of a file; false: no memory. */
static bool source_of(struct reader *r, const char *folder, const char *file, uint32_t *index) {
  char *path = whole_path(folder, file);
  const struct source key = {.path = path};
  struct source *const *found = path ? tfind(&key, &r->tree, by_path) : NULL;
  if (found) *index = (*found)->index;
  bool good = path && (found || add_source(r, path, index));
  if (!good || found) free(path);
  return good;
}

/* --- lines --- */

static bool of_kernel(uint64_t va) {
  return va >> 63;
}

static bool add_line(struct reader *r, const char *folder, Dwarf_Line *line, Dwarf_Line *next) {
  struct mon_dwarf *d = r->d;
  Dwarf_Addr from, to;
  bool end;
  int number;
  uint32_t source;
  const char *file;
  if (dwarf_lineendsequence(line, &end) || end || dwarf_lineno(line, &number) || number <= 0) return true;
  if (dwarf_lineaddr(line, &from) || dwarf_lineaddr(next, &to) || !(file = dwarf_linesrc(line, NULL, NULL)))
    return true;
  uint64_t va = mon_sign_extended(from);
  if (!of_kernel(va) || to < from || to - from > UINT32_MAX) return true;
  if (!source_of(r, folder, file, &source) || !grow((void **)&d->line, &r->line_room, d->lines + 1, sizeof *d->line))
    return false;
  d->line[d->lines++] = (struct mon_line){va, (uint32_t)(to - from), source, (uint32_t)number};
  return true;
}

/* --- functions --- */

struct unit {
  struct reader *r;
  const char *folder;
};

static int add_function(Dwarf_Die *die, void *ctx) {
  const struct unit *u = ctx;
  struct mon_dwarf *d = u->r->d;
  Dwarf_Addr entry;
  int line;
  uint32_t source;
  const char *name = dwarf_diename(die), *file = dwarf_decl_file(die);
  if (dwarf_entrypc(die, &entry) || !of_kernel(mon_sign_extended(entry)) || !name || !file ||
      dwarf_decl_line(die, &line))
    return DWARF_CB_OK;
  char *copy = strdup(name);
  if (!copy || !source_of(u->r, u->folder, file, &source) ||
      !grow((void **)&d->function, &u->r->function_room, d->functions + 1, sizeof *d->function)) {
    free(copy);
    u->r->failed = true;
    return DWARF_CB_ABORT;
  }
  d->function[d->functions++] = (struct mon_line_function){mon_sign_extended(entry), copy, source, (uint32_t)line};
  return DWARF_CB_OK;
}

/* False: the unit is damaged, or (r->failed) there is no memory. */
static bool read_unit(struct reader *r, Dwarf_Die *die) {
  Dwarf_Attribute a;
  Dwarf_Lines *lines;
  size_t n;
  if (!dwarf_hasattr(die, DW_AT_stmt_list)) return true;
  struct unit u = {r, dwarf_formstring(dwarf_attr(die, DW_AT_comp_dir, &a))};
  if (dwarf_getsrclines(die, &lines, &n)) return false;
  for (size_t i = 0; i + 1 < n; i++)
    if (!add_line(r, u.folder, dwarf_onesrcline(lines, i), dwarf_onesrcline(lines, i + 1))) {
      r->failed = true;
      return false;
    }
  return dwarf_getfuncs(die, add_function, &u, 0) >= 0 && !r->failed;
}

static bool read_units(struct reader *r, Dwarf *dwarf) {
  Dwarf_Off at = 0, next;
  size_t header;
  int end;
  for (; !(end = dwarf_nextcu(dwarf, at, &next, &header, NULL, NULL, NULL)); at = next) {
    Dwarf_Die die;
    if (!dwarf_offdie(dwarf, at + header, &die) || !read_unit(r, &die)) return false;
  }
  return end > 0;
}

/* --- lines by address --- */

static int by_address(const void *a, const void *b, void *ctx) {
  const struct mon_dwarf *d = ctx;
  uint64_t x = d->line[*(const uint32_t *)a].from, y = d->line[*(const uint32_t *)b].from;
  return x < y ? -1 : x > y;
}

/* When lines have their order. False: no memory. */
static bool index_addresses(struct mon_dwarf *d) {
  d->by_address = d->lines < UINT32_MAX ? malloc(d->lines * sizeof *d->by_address) : NULL;
  for (size_t i = 0; d->by_address && i < d->lines; i++)
    if (d->line[i].bytes) d->by_address[d->placed++] = (uint32_t)i;
  if (d->placed) qsort_r(d->by_address, d->placed, sizeof *d->by_address, by_address, d);
  return d->by_address;
}

const struct mon_line *mon_dwarf_line(const struct mon_dwarf *d, uint64_t va) {
  size_t low = 0, high = d->placed;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    if (d->line[d->by_address[mid]].from <= va)
      low = mid + 1;
    else
      high = mid;
  }
  const struct mon_line *l = low ? &d->line[d->by_address[low - 1]] : NULL;
  return l && va - l->from < l->bytes ? l : NULL;
}

/* --- the whole --- */

static int by_line(const void *a, const void *b) {
  const struct mon_line *x = a, *y = b;
  if (x->source != y->source) return x->source < y->source ? -1 : 1;
  if (x->line != y->line) return x->line < y->line ? -1 : 1;
  return x->from < y->from ? -1 : x->from > y->from;
}

static int by_name(const void *a, const void *b) {
  const struct mon_line_function *x = a, *y = b;
  if (x->source != y->source) return x->source < y->source ? -1 : 1;
  if (x->line != y->line) return x->line < y->line ? -1 : 1;
  int order = strcmp(x->name, y->name);
  return order ? order : x->entry < y->entry ? -1 : x->entry > y->entry;
}

static int read_all(struct reader *r, Elf *elf, const char *path, struct mon_error *e) {
  struct mon_dwarf *d = r->d;
  GElf_Ehdr h;
  if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &h) || h.e_machine != EM_MIPS)
    return mon_fail(e, MB_ERR_FORMAT, "debug information %s: is no MIPS ELF file", path);
  Dwarf *dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
  bool good = dwarf && read_units(r, dwarf);
  const char *why = good ? NULL : dwarf_errmsg(-1); /* text of libdw's own */
  int code = MB_OK;
  if (r->failed)
    code = mon_fail(e, MB_ERR_MEMORY, "debug information %s: out of memory", path);
  else if (!dwarf)
    code = mon_fail(e, MB_ERR_FORMAT, "debug information %s: has no DWARF (build the kernel with -g)", path);
  else if (!good)
    code = mon_fail(e, MB_ERR_FORMAT, "debug information %s: its DWARF is damaged: %s", path, why);
  else if (!d->lines)
    code = mon_fail(e, MB_ERR_FORMAT, "debug information %s: says of no line where its code is", path);
  dwarf_end(dwarf);
  return code;
}

/* Where the file has MON_ANCHOR. */
static int find_anchor(struct mon_dwarf *d, const char *path, struct mon_error *e) {
  struct mon_symbols s = {0};
  int code = mon_symbols_file(&s, path, e);
  const struct mon_symbol *y = code ? NULL : mon_symbol_named(&s, MON_ANCHOR);
  if (y) d->anchor = y->at;
  mon_symbols_fini(&s);
  return code == MB_ERR_FORMAT ? MB_OK : code; /* it has none: then it has not moved */
}

/* s NULL: a kernel's. */
static int read_file(struct reader *r, const char *path, const struct mon_sections *s, struct mon_error *e) {
  elf_version(EV_CURRENT);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return mon_fail(e, MB_ERR_FILE, "debug information %s: %s", path, strerror(errno));
  Elf *elf = elf_begin(fd, s ? ELF_C_READ_MMAP_PRIVATE : ELF_C_READ_MMAP, NULL);
  const char *why = s ? mon_module_relocate(elf, s) : NULL;
  int code = why ? mon_fail(e, MB_ERR_FORMAT, "debug information %s: %s", path, why) : read_all(r, elf, path, e);
  if (elf) elf_end(elf);
  close(fd);
  return code;
}

static int read_sorted(struct mon_dwarf **out, const char *path, const struct mon_sections *s, struct mon_error *e) {
  struct mon_dwarf *d = *out = calloc(1, sizeof *d);
  struct reader r = {.d = d};
  if (!d) return mon_fail(e, MB_ERR_MEMORY, "out of memory");
  int code = read_file(&r, path, s, e);
  tdestroy(r.tree, free);
  if (!code && !s) code = find_anchor(d, path, e);
  if (!code) {
    qsort(d->line, d->lines, sizeof *d->line, by_line);
    if (d->functions) qsort(d->function, d->functions, sizeof *d->function, by_name);
    if (index_addresses(d)) return MB_OK;
    code = mon_fail(e, MB_ERR_MEMORY, "debug information %s: out of memory", path);
  }
  mon_dwarf_free(d);
  *out = NULL;
  return code;
}

int mon_dwarf_read(struct mon_dwarf **out, const char *path, struct mon_error *e) {
  return read_sorted(out, path, NULL, e);
}

int mon_dwarf_read_module(struct mon_dwarf **out, const char *path, const struct mon_sections *s, struct mon_error *e) {
  return read_sorted(out, path, s, e);
}

void mon_dwarf_free(struct mon_dwarf *d) {
  if (!d) return;
  for (uint32_t i = 0; i < d->sources; i++) free(d->source[i]);
  for (size_t i = 0; i < d->functions; i++) free(d->function[i].name);
  free(d->source);
  free(d->function);
  free(d->line);
  free(d->by_address);
  free(d);
}
