/* monitor/dwarf.h: which source line and which function an address comes from, by DWARF. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_DWARF_H
#define MONITOR_DWARF_H
#include "monitor/error.h"
#include <stddef.h>

struct Elf; /* libelf's */

/* Instructions of a line. bytes 0: it begins there, and has none of its own. */
struct mon_line {
  uint64_t from;
  uint32_t bytes, source, line;
};
struct mon_line_function {
  uint64_t entry;
  char *name;
  uint32_t source, line;
};
/* All owned. */
struct mon_dwarf {
  char **source; /* paths, as they were where it was compiled */
  uint32_t sources;
  struct mon_line *line; /* by source, line and address */
  size_t lines;
  uint32_t *by_address; /* numbers of those lines that have instructions */
  size_t placed;
  struct mon_line_function *function; /* by source, line, name and entry */
  size_t functions;
  uint64_t anchor; /* where the symbol MON_ANCHOR was linked to; 0: there is none */
};
/* By this symbol a kernel that has moved itself is found. */
#define MON_ANCHOR "_stext"

/* Read what a MIPS kernel has of both. MB_ERR_FORMAT, with a text, when it has none or is damaged. *out is NULL then.
 */
__attribute__((warn_unused_result)) int mon_dwarf_read(struct mon_dwarf **out, const char *path, struct mon_error *e);

/* Where a guest has the sections of a module. */
#define MON_BUILD_ID ".note.gnu.build-id"
struct mon_section {
  char *name;
  uint64_t at;
};
struct mon_sections {
  struct mon_section *section;
  unsigned n;
  uint8_t id[36]; /* the bytes of MON_BUILD_ID, */
  size_t id_n;    /* ... if it has them; else 0 */
};
/* The same of a module's file, at addresses as they are in the guest. Lines in sections that it does not have are left
 * out. MB_ERR_FORMAT, too, when the file is of another build. */
__attribute__((warn_unused_result)) int mon_dwarf_read_module(struct mon_dwarf **out, const char *path,
                                                              const struct mon_sections *s, struct mon_error *e);
/* module_file.c: the file for a module, below modules/ beside the kernel's file, where the modules.order there says, or
 * as Debian installs it for vmlinux-VERSION. Owned by the caller; NULL: there is none. */
char *mon_module_file(const char *kernel, const char *module);
/* Put the sections of a file that is in memory of its own where they are in the guest, as far as DWARF is concerned.
 * NULL, or what is wrong. */
const char *mon_module_relocate(struct Elf *elf, const struct mon_sections *s);

/* The line whose instruction is at va, as it was linked; NULL: none is known. */
const struct mon_line *mon_dwarf_line(const struct mon_dwarf *d, uint64_t va);
void mon_dwarf_free(struct mon_dwarf *d);
#endif
