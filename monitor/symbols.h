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

enum mon_rank { MON_RANK_LABEL, MON_RANK_DATA, MON_RANK_LOCAL, MON_RANK_GLOBAL };

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
/* Add one; false when memory is out. size 0: unknown. Names too many to number are dropped. Sort when all are there. */
bool mon_symbols_add(struct mon_symbols *s, uint64_t at, uint64_t size, enum mon_rank rank, const char *name,
                     size_t len);
void mon_symbols_sort(struct mon_symbols *s);
/* Nothing before `at` reaches as far. */
bool mon_symbols_end(struct mon_symbols *s, uint64_t at);
/* Drop those that were added since names_n was this. */
void mon_symbols_cut(struct mon_symbols *s, size_t names_n);
/* Of a type letter as nm prints it. */
enum mon_rank mon_rank_of(char type);
void mon_symbols_fini(struct mon_symbols *s);
/* The best symbol at or below va that reaches it, or NULL. Valid until more are added. */
const struct mon_symbol *mon_symbol_find(const struct mon_symbols *s, uint64_t va);
/* Where the next symbol behind va is; 0: there is none. */
uint64_t mon_symbol_next(const struct mon_symbols *s, uint64_t va);
/* An address as 64-bit kernels have it, from files of 32 bits. */
static inline uint64_t mon_sign_extended(uint64_t a) {
  return a >> 32 ? a : (uint64_t)(int64_t)(int32_t)a;
}
/* Names of a module's end in " [module]". The first symbol of that name, which may go without, or NULL; likewise. */
const struct mon_symbol *mon_symbol_named(const struct mon_symbols *s, const char *name);
const char *mon_symbol_text(const struct mon_symbols *s, const struct mon_symbol *y);
/* "name+0x12", "name+0x12 [module]", or "0x..." when nothing is near. Returns buf. */
const char *mon_symbol_name(const struct mon_symbols *s, uint64_t va, char *buf, size_t n);
#endif
