/* monitor/symbols.h: names for guest addresses. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_SYMBOLS_H
#define MONITOR_SYMBOLS_H
#include "monitor/error.h"

struct mon_symbol {
  uint64_t at;
  uint32_t size; /* 0: unknown */
  uint32_t name; /* offset into names; bits 31:30 rank symbols of one address, best highest */
};

struct mon_symbols {
  struct mon_symbol *symbol;
  size_t n, room;
  char *names;
  size_t names_n, names_room;
};

/* Take the symbol table of an ELF file in memory. Returns MB_OK also when it has none. */
__attribute__((warn_unused_result)) int mon_symbols_elf(struct mon_symbols *s, const uint8_t *bytes, size_t n,
                                                        struct mon_error *e);
/* Add from a System.map-like text file ("address type name" lines, as nm prints) or an ELF file. */
__attribute__((warn_unused_result)) int mon_symbols_file(struct mon_symbols *s, const char *path, struct mon_error *e);
void mon_symbols_fini(struct mon_symbols *s);
/* "name+0x12", or "0x..." when nothing is near. Returns buf. */
const char *mon_symbol_name(const struct mon_symbols *s, uint64_t va, char *buf, size_t n);
#endif
