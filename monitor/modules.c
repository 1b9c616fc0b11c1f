/* monitor/modules.c: reads a Linux kernel's list of modules, and what each says of its functions and sections. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of a guest that stopped anywhere: what does not fit is not believed. A list whose links do not lead back is
 * none, which tells debug information of another kernel, too. */
#include "monitor/modules.h"
#include "monitor/monitor.h"
#include <ctype.h>
#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MODULES_MAX = 4096, SECTIONS_MAX = 512, SYMBOLS_MAX = 1 << 20, NAME_ROOM = 64, SYMBOL_ROOM = 512 };
#define AREA_MAX (UINT64_C(1) << 30)

struct module {
  char name[NAME_ROOM];
  struct {
    uint64_t from, to;
  } area[MON_AREAS];
  unsigned areas;
  struct mon_sections sections; /* owned, with their names */
  struct mon_dwarf *dwarf;
  bool sought; /* that */
};

struct mon_modules {
  struct mon_layout layout;
  bool tried, known; /* the layout */
  size_t names_n;    /* of vm->symbols, before these were added */
  struct module *module;
  size_t n, room;
  struct mon_error why;
};

static bool is_within(const struct module *m, uint64_t va) {
  for (unsigned i = 0; i < m->areas; i++)
    if (va >= m->area[i].from && va < m->area[i].to) return true;
  return false;
}

/* --- one of them --- */

static void read_areas(const struct mon_kernel_map *k, uint64_t at, struct module *m) {
  for (unsigned i = 0; i < k->l->areas; i++) {
    uint64_t from, size;
    if (!mon_kernel_pointer(k, at + k->l->area[i].base.at, &from) ||
        !mon_kernel_number(k, at + k->l->area[i].size.at, k->l->area[i].size.size, &size))
      continue;
    if (from >> 63 && size && size <= AREA_MAX && from + size > from) {
      m->area[m->areas].from = from;
      m->area[m->areas++].to = from + size;
    }
  }
}

/* Remember where a section is, if it is still there. */
static bool read_section(const struct mon_kernel_map *k, uint64_t attribute, struct module *m) {
  char text[SYMBOL_ROOM];
  uint64_t name, at;
  struct mon_sections *s = &m->sections;
  if (!mon_kernel_pointer(k, attribute + k->l->section_name.at, &name) ||
      !mon_kernel_pointer(k, attribute + k->l->section_at.at, &at) || !mon_kernel_text(k, name, text, sizeof text))
    return false;
  if (!is_within(m, at)) return true;
  struct mon_section *more = realloc(s->section, (s->n + 1) * sizeof *more);
  if (more) s->section = more;
  char *own = more ? strdup(text) : NULL;
  if (own) s->section[s->n++] = (struct mon_section){own, at};
  if (own && !strcmp(own, MON_BUILD_ID) && mon_kernel_read(k, at, s->id, sizeof s->id)) s->id_n = sizeof s->id;
  return own;
}

static void read_sections(const struct mon_kernel_map *k, uint64_t at, struct module *m) {
  const struct mon_layout *l = k->l;
  uint64_t attributes, list, one;
  if (!l->sections.size || !l->attributes.size || !l->section_name.size || !l->section_at.size ||
      !mon_kernel_pointer(k, at + l->sections.at, &attributes) || !attributes ||
      !mon_kernel_pointer(k, attributes + l->attributes.at, &list) || !list)
    return;
  for (unsigned i = 0; i < SECTIONS_MAX; i++, list += l->wide ? 8 : 4)
    if (!mon_kernel_pointer(k, list, &one) || !one || !read_section(k, one, m)) return;
}

/* A row of a symbol table (System V ABI, "Symbol Table"), as far as it matters. */
struct symbol {
  uint64_t value, size;
  uint32_t name;
  uint16_t section;
  uint8_t info;
};

static bool read_symbol(const struct mon_kernel_map *k, uint64_t at, struct symbol *y) {
  uint64_t name, value, size, section, info;
  const bool w = k->l->wide;
  if (!mon_kernel_number(k, at, 4, &name) || !mon_kernel_number(k, at + (w ? 8 : 4), w ? 8 : 4, &value) ||
      !mon_kernel_number(k, at + (w ? 16 : 8), w ? 8 : 4, &size) ||
      !mon_kernel_number(k, at + (w ? 4 : 12), 1, &info) || !mon_kernel_number(k, at + (w ? 6 : 14), 2, &section))
    return false;
  *y = (struct symbol){mon_sign_extended(value), size, (uint32_t)name, (uint16_t)section, (uint8_t)info};
  return true;
}

/* False: no memory. */
static bool add_symbol(struct mb_vm *vm, const struct module *m, const struct symbol *y, char type, const char *name) {
  char text[SYMBOL_ROOM + NAME_ROOM + 4];
  if (y->section == SHN_UNDEF || !isalpha((unsigned char)type) || strchr("AaUnN", type) || !is_within(m, y->value) ||
      !*name || *name == '$' || !strncmp(name, ".L", 2))
    return true;
  const int n = snprintf(text, sizeof text, "%s [%s]", name, m->name);
  return mon_symbols_add(&vm->symbols, y->value, y->size, mon_rank_of(type), text, (size_t)n);
}

/* Its functions: the table is the module's own, with addresses as they are. The letters that nm has for types are
 * beside it, or (before Linux 5.2) where a type would be. */
static void read_symbols(struct mb_vm *vm, const struct mon_kernel_map *k, uint64_t at, const struct module *m) {
  const struct mon_layout *l = k->l;
  const unsigned each = l->wide ? 24 : 16;
  uint64_t kallsyms, symtab, n, strtab, typetab = 0, type;
  char name[SYMBOL_ROOM];
  struct symbol y;
  if (!mon_kernel_pointer(k, at + l->kallsyms.at, &kallsyms) || !kallsyms ||
      !mon_kernel_pointer(k, kallsyms + l->symtab.at, &symtab) ||
      !mon_kernel_number(k, kallsyms + l->symbols.at, l->symbols.size, &n) ||
      !mon_kernel_pointer(k, kallsyms + l->strtab.at, &strtab) ||
      (l->typetab.size && !mon_kernel_pointer(k, kallsyms + l->typetab.at, &typetab)))
    return;
  for (uint64_t i = 1; i < n && i < SYMBOLS_MAX; i++) {
    if (!read_symbol(k, symtab + i * each, &y) || (typetab && !mon_kernel_number(k, typetab + i, 1, &type))) return;
    if (!mon_kernel_text(k, strtab + y.name, name, sizeof name)) continue;
    if (!add_symbol(vm, m, &y, typetab ? (char)type : (char)y.info, name)) return;
  }
}

static struct module *add_module(struct mon_modules *all) {
  if (all->n == all->room) {
    const size_t room = all->room ? 2 * all->room : 32;
    struct module *more = realloc(all->module, room * sizeof *more);
    if (!more) return NULL;
    all->module = more;
    all->room = room;
  }
  all->module[all->n] = (struct module){0};
  return &all->module[all->n++];
}

/* False: no memory. */
static bool read_module(struct mb_vm *vm, const struct mon_kernel_map *k, uint64_t at) {
  const struct mon_layout *l = k->l;
  const size_t room = l->name.size < NAME_ROOM ? l->name.size : NAME_ROOM;
  uint64_t state;
  char name[NAME_ROOM];
  if (!mon_kernel_number(k, at + l->state.at, l->state.size, &state) || (int64_t)state == l->unformed ||
      !mon_kernel_text(k, at + l->name.at, name, room) || !*name)
    return true;
  struct module *m = add_module(vm->modules);
  if (!m) return false;
  memcpy(m->name, name, sizeof name);
  read_areas(k, at, m);
  read_sections(k, at, m);
  read_symbols(vm, k, at, m);
  for (unsigned i = 0; i < m->areas; i++)
    if (!mon_symbols_end(&vm->symbols, m->area[i].to)) return false;
  return true;
}

/* --- all of them --- */

static void read_list(struct mb_vm *vm, const struct mon_kernel_map *k) {
  const struct mon_layout *l = k->l;
  const uint64_t head = l->modules + k->shift;
  uint64_t from = head, at, back;
  for (unsigned i = 0; i < MODULES_MAX; i++, from = at) {
    if (!mon_kernel_pointer(k, from + l->next.at, &at) || !mon_kernel_pointer(k, at + l->prev.at, &back) ||
        back != from) {
      mon_fail(&vm->modules->why, MB_ERR_FORMAT,
               "the kernel's list of modules is not where its debug information says");
      return;
    }
    if (at == head || !read_module(vm, k, at - l->list.at)) return;
  }
}

static const char *debug_file(const struct mb_vm *vm) {
  return vm->debug_path ? vm->debug_path : vm->kernel_path;
}

bool mon_modules_map(const struct mb_vm *vm, struct mon_kernel_map *out) {
  const struct mon_modules *all = vm->modules;
  if (!all || !all->known) return false;
  *out = (struct mon_kernel_map){vm, &all->layout, mon_kernel_shift(vm, all->layout.anchor)};
  return true;
}

void mon_modules_learn(struct mb_vm *vm) {
  struct mon_modules *all = vm->modules ? vm->modules : calloc(1, sizeof *all);
  const char *path = debug_file(vm);
  vm->modules = all;
  if (!all) return;
  all->names_n = vm->symbols.names_n;
  if (!all->tried && path) {
    all->tried = true;
    all->known = !mon_layout_read(&all->layout, path, &all->why);
  }
  struct mon_kernel_map k;
  if (!mon_modules_map(vm, &k)) return;
  *all->why.text = 0;
  read_list(vm, &k);
  mon_symbols_sort(&vm->symbols);
}

void mon_modules_forget(struct mb_vm *vm) {
  struct mon_modules *all = vm->modules;
  if (!all) return;
  if (all->n) mon_symbols_cut(&vm->symbols, all->names_n);
  for (size_t i = 0; i < all->n; i++) {
    struct module *m = &all->module[i];
    for (unsigned s = 0; s < m->sections.n; s++) free(m->sections.section[s].name);
    free(m->sections.section);
    mon_dwarf_free(m->dwarf);
  }
  all->n = 0;
}

void mon_modules_free(struct mb_vm *vm) {
  mon_modules_forget(vm);
  if (vm->modules) free(vm->modules->module);
  free(vm->modules);
  vm->modules = NULL;
}

const char *mon_modules_why(const struct mb_vm *vm) {
  const struct mon_modules *all = vm->modules;
  if (!vm->debug_path && (!all || !all->known))
    return "that takes the kernel's debug information (--debug-info FILE, or mirrorball guests get NAME --dbg)";
  return all && *all->why.text ? all->why.text : NULL;
}

/* --- their lines --- */

/* What is wrong with a file is no fault of the run's: then there are none. */
static void seek_lines(struct mb_vm *vm, struct module *m) {
  if (m->sought) return;
  m->sought = true;
  struct mon_error ignored = {0};
  char *path = m->sections.n ? mon_module_file(debug_file(vm), m->name) : NULL;
  if (path && mon_dwarf_read_module(&m->dwarf, path, &m->sections, &ignored)) m->dwarf = NULL;
  free(path);
}

bool mon_modules_dwarf(struct mb_vm *vm, uint64_t va, const struct mon_dwarf **of) {
  for (size_t i = 0; vm->modules && i < vm->modules->n; i++) {
    struct module *m = &vm->modules->module[i];
    if (!is_within(m, va)) continue;
    seek_lines(vm, m);
    *of = m->dwarf;
    return true;
  }
  return false;
}

size_t mon_modules_count(const struct mb_vm *vm) {
  return vm->modules ? vm->modules->n : 0;
}

size_t mon_modules_lines(struct mb_vm *vm, struct mon_lcov_part *part) {
  size_t n = 0;
  for (size_t i = 0; i < mon_modules_count(vm); i++) {
    struct module *m = &vm->modules->module[i];
    seek_lines(vm, m);
    if (m->dwarf) part[n++] = (struct mon_lcov_part){.d = m->dwarf};
  }
  return n;
}
