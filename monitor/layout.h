/* monitor/layout.h: where a Linux kernel keeps what it knows of its modules, by the kernel's DWARF. */
/* SPDX-License-Identifier: Apache-2.0 */
/* No version of Linux is known here: a member is where the kernel's compiler says it is, and what has no such member is
 * of a kind that cannot be read. */
#ifndef MONITOR_LAYOUT_H
#define MONITOR_LAYOUT_H
#include "monitor/error.h"

/* Within a structure; size 0: it has none. */
struct mon_member {
  uint32_t at, size;
};

enum { MON_LEVELS = 4, MON_AREAS = 16 };

struct mon_layout {
  bool wide;       /* pointers of 8 bytes */
  uint64_t anchor; /* where MON_ANCHOR was linked to, like the two other addresses; 0: there is none */
  /* page tables of the kernel's own part */
  uint64_t top;
  struct {
    uint32_t entries, bytes; /* bytes of an entry */
    unsigned bits;           /* of an address, below those that choose the entry */
  } level[MON_LEVELS];
  unsigned levels;
  unsigned global; /* the bit of the last level's entries that is G; from there up they are EntryLo */
  /* struct module, and the head of their list */
  uint64_t modules;
  struct mon_member next, prev, list, name, state, kallsyms, sections;
  struct {
    struct mon_member base, size;
  } area[MON_AREAS]; /* of memory that a module has */
  unsigned areas;
  int64_t unformed; /* the state of one that is only begun */
  /* what it points to */
  struct mon_member symtab, symbols, strtab, typetab; /* struct mod_kallsyms; typetab may be missing */
  struct mon_member attributes;                       /* of struct module_sect_attrs: pointers, ended by NULL, to */
  struct mon_member section_name;                     /* ... struct bin_attribute; */
  struct mon_member section_at;                       /* ... seen from there */
};

/* From a kernel's file. MB_ERR_FORMAT, with a text, when it does not say all of it. */
__attribute__((warn_unused_result)) int mon_layout_read(struct mon_layout *out, const char *path, struct mon_error *e);
#endif
