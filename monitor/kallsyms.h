/* monitor/kallsyms.h: the symbol table a Linux kernel carries in its own memory (CONFIG_KALLSYMS). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_KALLSYMS_H
#define MONITOR_KALLSYMS_H
#include "monitor/symbols.h"

/* A table found in guest memory. Pointers are borrowed from the bytes it was found in. */
struct mon_kallsyms {
  const uint8_t *tokens, *token_index; /* 256 strings, and where each begins (u16) */
  const uint8_t *names;                /* by symbol: length, tokens */
  const uint8_t *values;               /* by symbol: 4-byte offset from base, or an address of `width` bytes */
  uint32_t n;
  bool offsets;
  unsigned width; /* of a pointer: 4 or 8 */
  uint64_t base;
  bool big_endian;
};

/* A search for tables. */
struct mon_kallsyms_search {
  const uint8_t *bytes; /* they begin at a guest address that is a multiple of 8 */
  size_t n;
  bool big_endian;
  size_t from;
  uint64_t work; /* steps it may take: memory made to look like many tables must not hold us up for ever */
};
#define MON_KALLSYMS_WORK (UINT64_C(1) << 28)
/* Find the first table at or behind bytes[from]; `from` becomes the place to look on. False: none. */
bool mon_kallsyms_find(struct mon_kallsyms_search *s, struct mon_kallsyms *out);
/* Address of symbol i. */
uint64_t mon_kallsyms_address(const struct mon_kallsyms *k, uint32_t i);
/* Add all of them but absolute ones to *s, and sort. False: out of memory. */
__attribute__((warn_unused_result)) bool mon_kallsyms_add(const struct mon_kallsyms *k, struct mon_symbols *s);
#endif
