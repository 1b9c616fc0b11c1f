/* criterion-tests/test_kallsyms.c: tables as Linux's scripts/kallsyms.c has laid them out over the years are found. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "criterion-tests/harness.h"
#include "monitor/kallsyms.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { SYMBOLS = 1000, IMAGE = 1 << 17, FIRST_TOKEN = 128 };

struct layout {
  bool big;
  unsigned width, marker_width, count_width;
  bool offsets, behind, sequences;
};

struct image {
  uint8_t *bytes;
  size_t n;
  struct layout l;
};

static void put(struct image *g, uint64_t v, unsigned size) {
  for (unsigned i = 0; i < size; i++) g->bytes[g->n + i] = (uint8_t)(v >> 8 * (g->l.big ? size - 1 - i : i));
  g->n += size;
}

static void align(struct image *g) {
  while (g->n % g->l.width) g->bytes[g->n++] = 0;
}

/* Symbol i: alternately of several types and lengths. */
static void symbol_text(unsigned i, char text[200]) {
  static const char types[] = "TtDbWA";
  int n = sprintf(text, "%cfun_%u", types[i % 6], i);
  if (i % 100 == 7) memset(text + n, 'x', 150), text[n + 150] = 0; /* a length of two bytes */
}

static uint64_t symbol_at(const struct layout *l, unsigned i) {
  uint64_t base = l->width == 8 ? UINT64_C(0xa800000000100000) : UINT64_C(0xffffffff80100000);
  return base + 64 * (uint64_t)(i / 2); /* two of an address */
}

static const char *token(unsigned code) {
  static char text[16];
  if (code > ' ' && code <= '~')
    text[0] = (char)code, text[1] = 0;
  else if (code == FIRST_TOKEN)
    strcpy(text, "fun_");
  else
    sprintf(text, code % 3 ? "_%x" : "", code);
  return text;
}

static void put_name(struct image *g, unsigned i) {
  char text[200];
  uint8_t code[200];
  unsigned n = 0;
  symbol_text(i, text);
  for (const char *t = text; *t;) {
    bool known = !strncmp(t, "fun_", 4);
    code[n++] = known ? FIRST_TOKEN : (uint8_t)*t;
    t += known ? 4 : 1;
  }
  if (n < 128)
    put(g, n, 1);
  else
    put(g, (n & 0x7f) | 0x80, 1), put(g, n >> 7, 1);
  memcpy(g->bytes + g->n, code, n);
  g->n += n;
}

static void put_values(struct image *g) {
  uint64_t base = symbol_at(&g->l, 0);
  align(g);
  for (unsigned i = 0; i < SYMBOLS; i++)
    put(g, g->l.offsets ? symbol_at(&g->l, i) - base : symbol_at(&g->l, i), g->l.offsets ? 4 : g->l.width);
  align(g);
  if (g->l.offsets) put(g, base, g->l.width);
  align(g);
}

static void put_tokens(struct image *g) {
  uint64_t index[256];
  size_t table = g->n;
  for (unsigned i = 0; i < 256; i++) {
    index[i] = g->n - table;
    size_t n = strlen(token(i)) + 1;
    memcpy(g->bytes + g->n, token(i), n);
    g->n += n;
  }
  align(g);
  for (unsigned i = 0; i < 256; i++) put(g, index[i], 2);
}

/* The whole, among other data. */
static struct image build(struct layout l) {
  struct image g = {.bytes = calloc(1, IMAGE), .l = l};
  uint64_t seed = 1, marker[SYMBOLS / 256 + 1];
  cr_assert(g.bytes);
  while (g.n < 8192) put(&g, rig_random(&seed), 8);
  put(&g, 0x1234567, 4);
  if (!l.behind) put_values(&g);
  align(&g);
  put(&g, SYMBOLS, l.count_width);
  align(&g);
  size_t names = g.n;
  for (unsigned i = 0; i < SYMBOLS; i++) {
    if (i % 256 == 0) marker[i / 256] = g.n - names;
    put_name(&g, i);
  }
  align(&g);
  for (unsigned i = 0; i < SYMBOLS / 256 + 1; i++) put(&g, marker[i], l.marker_width);
  align(&g);
  for (unsigned i = 0; l.sequences && i < SYMBOLS; i++) put(&g, i * 7919 % SYMBOLS, 3);
  align(&g);
  put_tokens(&g);
  if (l.behind) put_values(&g);
  while (g.n % 8192) put(&g, rig_random(&seed), 1);
  return g;
}

static struct mon_kallsyms_search search_of(const struct image *g) {
  return (struct mon_kallsyms_search){.bytes = g->bytes, .n = g->n, .big_endian = g->l.big, .work = MON_KALLSYMS_WORK};
}

static void check_symbols(const struct mon_kallsyms *k, const struct layout *l) {
  struct mon_symbols s = {0};
  char want[200], got[600];
  cr_assert_eq(k->n, SYMBOLS);
  cr_assert(mon_kallsyms_add(k, &s));
  for (unsigned i = 0; i < SYMBOLS; i++) {
    cr_assert_eq(mon_kallsyms_address(k, i), symbol_at(l, i), "symbol %u: %llx", i,
                 (unsigned long long)mon_kallsyms_address(k, i));
    if (i % 6 != 0 && i % 6 != 4) continue; /* T and W win over their neighbours */
    symbol_text(i, want);
    cr_assert_str_eq(mon_symbol_name(&s, symbol_at(l, i), got, sizeof got), want + 1);
  }
  mon_symbols_fini(&s);
}

static struct layout layout_of(unsigned bits) {
  struct layout l = {.big = bits & 1, .width = bits & 2 ? 8 : 4, .offsets = bits & 4, .sequences = bits & 16};
  l.behind = bits & 8 && l.offsets;
  l.marker_width = bits & 32 ? l.width : 4;
  l.count_width = bits & 64 ? l.width : 4;
  return l;
}

Test(kallsyms, every_layout) {
  for (unsigned bits = 0; bits < 128; bits++) {
    struct layout l = layout_of(bits);
    struct image g = build(l);
    struct mon_kallsyms_search s = search_of(&g);
    struct mon_kallsyms k;
    cr_assert(mon_kallsyms_find(&s, &k), "layout %#x", bits);
    check_symbols(&k, &l);
    cr_assert_not(mon_kallsyms_find(&s, &k), "there is only one");
    free(g.bytes);
  }
}

/* Whatever is cut off or changed: no symbols, or sound ones; never a read outside (the sanitizers watch). */
Test(kallsyms, damaged) {
  uint64_t seed = rig_setting("MB_SEED", 1);
  for (unsigned round = 0; round < 200; round++) {
    struct image g = build(layout_of(round));
    size_t from = 8192 + rig_below(&seed, (unsigned)g.n - 16384) / 8 * 8;
    size_t n = g.n - from - rig_below(&seed, (unsigned)(g.n - from) / 2);
    if (round % 2) from = 0, n = g.n;
    uint8_t *part = malloc(n);
    cr_assert(part);
    memcpy(part, g.bytes + from, n);
    for (unsigned i = 0; round % 4 == 1 && i < 20; i++)
      part[rig_below(&seed, (unsigned)n)] ^= 1u << rig_below(&seed, 8);
    struct mon_kallsyms_search s = search_of(&g);
    struct mon_kallsyms k;
    struct mon_symbols found = {0};
    s.bytes = part, s.n = n;
    if (mon_kallsyms_find(&s, &k)) cr_assert(mon_kallsyms_add(&k, &found));
    mon_symbols_fini(&found);
    free(part);
    free(g.bytes);
  }
}

Test(kallsyms, other_byte_order_and_nothing) {
  struct image g = build(layout_of(4));
  struct mon_kallsyms_search s = search_of(&g);
  struct mon_kallsyms k;
  s.big_endian = true;
  cr_assert_not(mon_kallsyms_find(&s, &k));
  memset(g.bytes, 0, g.n);
  s = search_of(&g);
  cr_assert_not(mon_kallsyms_find(&s, &k));
  s = search_of(&g);
  s.n = 0;
  cr_assert_not(mon_kallsyms_find(&s, &k));
  free(g.bytes);
}

/* Memory full of what begins like a table costs no more work than is given. */
Test(kallsyms, work_is_bounded) {
  struct image g = build(layout_of(4));
  struct mon_kallsyms_search s = search_of(&g);
  struct mon_kallsyms k;
  s.work = 1000;
  cr_assert_not(mon_kallsyms_find(&s, &k));
  cr_assert_eq(s.work, 0);
  free(g.bytes);
}
