/* monitor/layout.c: the members of Linux's structures for modules and page tables, looked up through libdw. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/layout.h"
#include "monitor/dwarf.h"
#include "monitor/symbols.h"
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- types --- */

enum type {
  T_MODULE,
  T_STATE,
  T_LIST,
  T_KALLSYMS,
  T_SECTIONS,
  T_ATTRIBUTE,
  T_PGD,
  T_PTE,
  T_PTE_BITS,
  T_SECTION, /* newer kernels have none: it is not waited for, and is where T_SECTIONS is */
  TYPES
};
static const struct {
  const char *name;
  int tag;
} type_info[TYPES] = {
    [T_MODULE] = {"module", DW_TAG_structure_type},
    [T_STATE] = {"module_state", DW_TAG_enumeration_type},
    [T_LIST] = {"list_head", DW_TAG_structure_type},
    [T_KALLSYMS] = {"mod_kallsyms", DW_TAG_structure_type},
    [T_SECTIONS] = {"module_sect_attrs", DW_TAG_structure_type},
    [T_ATTRIBUTE] = {"bin_attribute", DW_TAG_structure_type},
    [T_PGD] = {"pgd_t", DW_TAG_typedef},
    [T_PTE] = {"pte_t", DW_TAG_typedef},
    [T_PTE_BITS] = {"pgtable_bits", DW_TAG_enumeration_type},
    [T_SECTION] = {"module_sect_attr", DW_TAG_structure_type},
};

struct types {
  Dwarf_Die die[TYPES];
  bool found[TYPES];
};

/* Take those that a unit defines. Returns how many of those that are waited for. */
static unsigned take_types(struct types *t, Dwarf_Die *unit) {
  Dwarf_Die die;
  unsigned n = 0;
  if (dwarf_child(unit, &die)) return 0;
  do {
    const int tag = dwarf_tag(&die);
    const char *name = tag == DW_TAG_structure_type || tag == DW_TAG_enumeration_type || tag == DW_TAG_typedef
                           ? dwarf_diename(&die)
                           : NULL;
    if (!name || dwarf_hasattr(&die, DW_AT_declaration)) continue;
    for (unsigned i = 0; i < TYPES; i++) {
      if (t->found[i] || type_info[i].tag != tag || strcmp(type_info[i].name, name) != 0) continue;
      t->die[i] = die;
      t->found[i] = true;
      n += i != T_SECTION;
    }
  } while (!dwarf_siblingof(&die, &die));
  return n;
}

static void find_types(struct types *t, Dwarf *d) {
  Dwarf_Off at = 0, next;
  size_t header;
  unsigned left = TYPES - 1;
  for (; left && !dwarf_nextcu(d, at, &next, &header, NULL, NULL, NULL); at = next) {
    Dwarf_Die unit;
    if (!dwarf_offdie(d, at + header, &unit)) return;
    left -= take_types(t, &unit);
  }
}

/* What lies behind the typedefs and qualifiers of a member's or a typedef's type. */
static bool type_of(Dwarf_Die *die, Dwarf_Die *out) {
  Dwarf_Attribute a;
  return dwarf_formref_die(dwarf_attr_integrate(die, DW_AT_type, &a), out) && !dwarf_peel_type(out, out);
}

static uint32_t size_of(Dwarf_Die type) {
  Dwarf_Word n;
  return !type.addr || dwarf_aggregate_size(&type, &n) || n > UINT32_MAX ? 0 : (uint32_t)n;
}

static bool offset_of(Dwarf_Die *member, uint32_t *at) {
  Dwarf_Attribute a;
  Dwarf_Word n = 0;
  if (dwarf_attr(member, DW_AT_data_member_location, &a) && (dwarf_formudata(&a, &n) || n > UINT32_MAX)) return false;
  *at = (uint32_t)n; /* a union's have none */
  return true;
}

/* The member of that name, n bytes long; also within what has no name itself. */
static bool find_member(Dwarf_Die *structure, const char *name, size_t n, Dwarf_Die *type, uint32_t *at) {
  Dwarf_Die m;
  uint32_t here;
  if (dwarf_child(structure, &m)) return false;
  do {
    if (dwarf_tag(&m) != DW_TAG_member || !offset_of(&m, &here) || !type_of(&m, type)) continue;
    const char *has = dwarf_diename(&m);
    Dwarf_Die inner = *type;
    if (has ? !strncmp(has, name, n) && !has[n] : find_member(&inner, name, n, type, at)) {
      *at = has ? here : here + *at;
      return true;
    }
  } while (!dwarf_siblingof(&m, &m));
  return false;
}

/* A path ("attr.name") of members. */
static struct mon_member member(const struct types *t, enum type of, const char *path) {
  struct mon_member r = {0};
  Dwarf_Die structure = t->die[of], type;
  if (!t->found[of]) return r;
  for (uint32_t at; *path;) {
    const size_t n = strcspn(path, ".");
    if (!find_member(&structure, path, n, &type, &at)) return (struct mon_member){0};
    r = (struct mon_member){r.at + at, size_of(type)};
    structure = type;
    path += n + (path[n] == '.');
  }
  return r;
}

static bool constant(const struct types *t, enum type of, const char *name, int64_t *value) {
  Dwarf_Die e = t->die[of];
  Dwarf_Attribute a;
  Dwarf_Sword v;
  if (!t->found[of] || dwarf_child(&e, &e)) return false;
  do {
    const char *has = dwarf_diename(&e);
    if (has && !strcmp(has, name))
      return !dwarf_formsdata(dwarf_attr(&e, DW_AT_const_value, &a), &v) && (*value = v, 1);
  } while (!dwarf_siblingof(&e, &e));
  return false;
}

/* --- areas --- */

/* A structure that says where memory begins and how much it is: at `at` within struct module. */
static void add_area(struct mon_layout *l, Dwarf_Die *type, uint32_t at) {
  struct mon_member m[2];
  static const char *const name[2] = {"base", "size"};
  for (unsigned i = 0; i < 2; i++) {
    Dwarf_Die of;
    if (!find_member(type, name[i], strlen(name[i]), &of, &m[i].at)) return;
    m[i].at += at;
    m[i].size = size_of(of);
  }
  if (l->areas < MON_AREAS) l->area[l->areas].base = m[0], l->area[l->areas++].size = m[1];
}

/* Older kernels have a member for each, newer ones have an array. */
static void find_areas(struct mon_layout *l, const struct types *t) {
  Dwarf_Die m = t->die[T_MODULE], type, element;
  if (!t->found[T_MODULE] || dwarf_child(&m, &m)) return;
  do {
    uint32_t at, each;
    if (dwarf_tag(&m) != DW_TAG_member || !offset_of(&m, &at) || !type_of(&m, &type)) continue;
    if (dwarf_tag(&type) == DW_TAG_structure_type) add_area(l, &type, at);
    if (dwarf_tag(&type) != DW_TAG_array_type || !type_of(&type, &element) ||
        dwarf_tag(&element) != DW_TAG_structure_type || !(each = size_of(element)))
      continue;
    for (uint32_t i = 0, n = size_of(type) / each; i < n && i < MON_AREAS; i++) add_area(l, &element, at + i * each);
  } while (!dwarf_siblingof(&m, &m));
}

/* --- page tables --- */

/* Of what these symbols name: where it is, and how large. */
enum symbol { S_ANCHOR, S_MODULES, S_TOP, S_PUD, S_PMD, S_PTE, SYMBOLS };
struct place {
  uint64_t at, bytes;
};

static void find_symbols(struct place place[SYMBOLS], Elf *elf) {
  static const char *const name[SYMBOLS] = {MON_ANCHOR,          "modules",           "swapper_pg_dir",
                                            "invalid_pud_table", "invalid_pmd_table", "invalid_pte_table"};
  for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
    GElf_Shdr h;
    GElf_Sym y;
    if (!gelf_getshdr(scn, &h) || h.sh_type != SHT_SYMTAB) continue;
    Elf_Data *data = elf_getdata(scn, NULL);
    for (int i = 0; data && gelf_getsym(data, i, &y); i++) {
      const char *has = y.st_shndx != SHN_UNDEF ? elf_strptr(elf, h.sh_link, y.st_name) : NULL;
      for (unsigned k = 0; has && k < SYMBOLS; k++)
        if (!strcmp(has, name[k])) place[k] = (struct place){mon_sign_extended(y.st_value), y.st_size};
    }
  }
}

static bool is_power(uint64_t n) {
  return n && !(n & (n - 1));
}

static bool add_level(struct mon_layout *l, uint64_t table_bytes, uint32_t bytes) {
  const uint64_t entries = bytes ? table_bytes / bytes : 0;
  if (!is_power(entries) || entries > 1 << 20) return false;
  l->level[l->levels].entries = (uint32_t)entries;
  l->level[l->levels++].bytes = bytes;
  return true;
}

/* Each level has a table of its own that leads nowhere, if it is there; the last one's is a page. */
static bool find_levels(struct mon_layout *l, const struct place place[SYMBOLS], uint32_t pgd, uint32_t pte) {
  const unsigned pointer = l->wide ? 8 : 4;
  l->top = place[S_TOP].at;
  if (!place[S_PTE].bytes || pgd != pointer || pte != pointer || !add_level(l, place[S_TOP].bytes, pgd)) return false;
  for (unsigned s = S_PUD; s <= S_PTE; s++)
    if (place[s].bytes && !add_level(l, place[s].bytes, pointer)) return false;
  unsigned bits = (unsigned)__builtin_ctzll(place[S_PTE].bytes);
  if (!is_power(place[S_PTE].bytes) || bits < 12) return false;
  for (unsigned i = l->levels; i-- > 0;) {
    l->level[i].bits = bits;
    bits += (unsigned)__builtin_ctz(l->level[i].entries);
  }
  return bits <= 64;
}

/* --- the whole --- */

/* NULL, or what is missing. */
static const char *fill(struct mon_layout *l, const struct types *t, const struct place place[SYMBOLS]) {
  int64_t global;
  *l = (struct mon_layout){
      .wide = size_of(t->die[T_LIST]) == 16,
      .anchor = place[S_ANCHOR].at,
      .modules = place[S_MODULES].at,
      .next = member(t, T_LIST, "next"),
      .prev = member(t, T_LIST, "prev"),
      .list = member(t, T_MODULE, "list"),
      .name = member(t, T_MODULE, "name"),
      .state = member(t, T_MODULE, "state"),
      .kallsyms = member(t, T_MODULE, "kallsyms"),
      .sections = member(t, T_MODULE, "sect_attrs"),
      .symtab = member(t, T_KALLSYMS, "symtab"),
      .symbols = member(t, T_KALLSYMS, "num_symtab"),
      .strtab = member(t, T_KALLSYMS, "strtab"),
      .typetab = member(t, T_KALLSYMS, "typetab"),
      .attributes = member(t, T_SECTIONS, "grp.bin_attrs"),
      .section_name = member(t, T_ATTRIBUTE, "attr.name"),
      .section_at = member(t, T_SECTION, "address"),
  };
  if (l->section_at.size)
    l->section_at.at -= member(t, T_SECTION, "battr").at;
  else
    l->section_at = member(t, T_ATTRIBUTE, "private");
  find_areas(l, t);
  const struct mon_member *wanted[] = {&l->next,   &l->prev,    &l->list,   &l->name,    &l->state,
                                       &l->symtab, &l->symbols, &l->strtab, &l->kallsyms};
  if (!place[S_MODULES].at) return "the kernel's list of modules";
  if (!l->areas || !constant(t, T_STATE, "MODULE_STATE_UNFORMED", &l->unformed)) return "all of struct module";
  for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++)
    if (!wanted[i]->size) return "all of struct module";
  if (!constant(t, T_PTE_BITS, "_PAGE_GLOBAL_SHIFT", &global) || global < 0 || global > 32) return "page table entries";
  l->global = (unsigned)global;
  return find_levels(l, place, size_of(t->die[T_PGD]), size_of(t->die[T_PTE])) ? NULL : "page tables of a known kind";
}

static int read_elf(struct mon_layout *out, Elf *elf, const char *path, struct mon_error *e) {
  struct types t = {0};
  struct place place[SYMBOLS] = {0};
  Dwarf *d = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
  const char *missing = "DWARF";
  if (d) {
    find_symbols(place, elf);
    find_types(&t, d);
    missing = fill(out, &t, place);
    dwarf_end(d);
  }
  return missing ? mon_fail(e, MB_ERR_FORMAT, "%s does not have %s", path, missing) : MB_OK;
}

int mon_layout_read(struct mon_layout *out, const char *path, struct mon_error *e) {
  elf_version(EV_CURRENT);
  struct stat st;
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a kernel may have come from a pipe */
  if (fd < 0 || fstat(fd, &st)) {
    const int code = mon_fail(e, MB_ERR_FILE, "%s: %s", path, strerror(errno));
    if (fd >= 0) close(fd);
    return code;
  }
  Elf *elf = S_ISREG(st.st_mode) ? elf_begin(fd, ELF_C_READ_MMAP, NULL) : NULL;
  const int code = read_elf(out, elf, path, e);
  if (elf) elf_end(elf);
  close(fd);
  return code;
}
