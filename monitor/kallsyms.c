/* monitor/kallsyms.c: finds and reads the symbol table a Linux kernel carries in its own memory. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The layout is that of Linux scripts/kallsyms.c, which changed over the years; nothing here asks for the version.
 * Always in this order, aligned to the size of a pointer, zeros between:
 *   kallsyms_num_syms     one number
 *   kallsyms_names        for each symbol a length (two bytes, if bit 7 is set) and as many token numbers
 *   kallsyms_markers      the offset of every 256th symbol among the names
 *   (kallsyms_seqs_of_names, at times)
 *   kallsyms_token_table  256 strings
 *   kallsyms_token_index  where each begins: 256 times 16 bits
 * The values are either addresses, or offsets with one base behind them; they stand before num_syms or behind
 * token_index. The index is found first, for nothing else looks like it; each step back is checked to the last byte. */
#include "monitor/kallsyms.h"
#include <string.h>

enum { TOKENS = 256, TOKEN_MAX = 128, STRIDE = 256, NAME_MAX_BYTES = 130, SYMBOL_MAX = 1 << 20, TEXT_MAX = 1024 };

struct view {
  const uint8_t *bytes;
  size_t n;
  bool big;
  uint64_t *work; /* steps left */
};

static bool tired(const struct view *v) {
  if (*v->work) --*v->work;
  return !*v->work;
}

static uint64_t number(const struct view *v, size_t at, unsigned width) {
  uint64_t r = 0;
  for (unsigned i = 0; i < width; i++) r |= (uint64_t)v->bytes[at + i] << 8 * (v->big ? width - 1 - i : i);
  return r;
}

static bool zeros(const struct view *v, size_t from, size_t to) {
  for (; from < to; from++)
    if (v->bytes[from]) return false;
  return true;
}

/* --- tokens --- */

static bool is_index(const struct view *v, size_t at) {
  if (number(v, at, 2)) return false;
  uint64_t last = 0;
  for (unsigned i = 1; i < TOKENS; i++) {
    uint64_t next = number(v, at + 2 * i, 2);
    if (next <= last || next - last > TOKEN_MAX) return false;
    last = next;
  }
  return true;
}

/* The length of the string of printable characters at `at`, if a zero ends it before `end`; else -1. */
static int string_length(const struct view *v, size_t at, size_t end) {
  for (size_t i = at; i < end && i - at <= TOKEN_MAX; i++) {
    if (!v->bytes[i]) return (int)(i - at);
    if (v->bytes[i] <= ' ' || v->bytes[i] > '~') return -1;
  }
  return -1;
}

/* Do the strings of the index stand at `table`, right before it? */
static bool is_table(const struct view *v, size_t table, size_t index) {
  unsigned used = 0;
  for (unsigned i = 0; i < TOKENS; i++) {
    size_t at = table + number(v, index + 2 * i, 2);
    int n = string_length(v, at, index);
    if (n < 0) return false;
    used += n > 0;
    size_t next = at + (unsigned)n + 1;
    if (i < TOKENS - 1 ? next != table + number(v, index + 2 * i + 2, 2) : index - next >= 8 || !zeros(v, next, index))
      return false;
  }
  return used >= TOKENS / 8;
}

static bool find_table(const struct view *v, size_t index, size_t *table) {
  size_t least = number(v, index + 2 * (TOKENS - 1), 2) + 1;
  if (least > index) return false;
  for (size_t t = (index - least) & ~(size_t)3, i = 0; i < TOKEN_MAX / 4; i++, t -= 4) {
    if (is_table(v, t, index)) return *table = t, true;
    if (t < 4) break;
  }
  return false;
}

/* --- names --- */

struct names {
  size_t begin, end; /* of the names */
  size_t markers;
  unsigned width; /* of a marker */
  uint32_t count; /* of markers */
  uint32_t n;     /* symbols */
};

/* Where the name behind the one at `at` begins. */
static size_t next_name(const struct view *v, size_t at) {
  unsigned n = v->bytes[at];
  return n & 0x80 && at + 1 < v->n ? at + 2 + ((n & 0x7f) | (unsigned)v->bytes[at + 1] << 7) : at + 1 + n;
}

/* Pass over `count` names; 0 when there are none that end by `end`. */
static size_t pass_names(const struct view *v, size_t at, uint32_t count, size_t end) {
  for (; count && at < end; count--) {
    if (!v->bytes[at] || tired(v)) return 0;
    at = next_name(v, at);
  }
  return count || at > end ? 0 : at;
}

/* Markers that end at `end`: back from the last one, each less than the one behind it, to 0. */
static bool find_markers(const struct view *v, size_t end, unsigned width, struct names *out) {
  if (end < 2 * width || tired(v)) return false;
  uint64_t behind = number(v, end - width, width);
  for (size_t at = end - width; at >= width; at -= width) {
    uint64_t m = number(v, at - width, width);
    if (m >= behind || behind - m < 2 * STRIDE || behind - m > STRIDE * NAME_MAX_BYTES) return false;
    behind = m;
    if (m) continue;
    *out = (struct names){.markers = at - width, .width = width, .count = (uint32_t)((end - at) / width + 1)};
    return out->count <= SYMBOL_MAX / STRIDE;
  }
  return false;
}

static bool markers_agree(const struct view *v, const struct names *m, size_t begin) {
  size_t at = begin;
  for (uint32_t i = 1; i < m->count; i++) {
    at = pass_names(v, at, STRIDE, m->markers);
    if (!at || at - begin != number(v, m->markers + i * m->width, m->width)) return false;
  }
  return true;
}

/* The number of symbols stands before the names, in 4 or 8 bytes. Returns where, or 0. */
static size_t find_count(const struct view *v, struct names *m) {
  uint64_t last = number(v, m->markers + (m->count - 1) * m->width, m->width);
  for (size_t back = 4; back <= 8 && back <= m->begin; back += 4) {
    uint64_t n = number(v, m->begin - back, 4);
    if (!n && back == 8) n = number(v, m->begin - 8, 8);
    if (n <= (uint64_t)(m->count - 1) * STRIDE || n > (uint64_t)m->count * STRIDE) continue;
    m->end = pass_names(v, m->begin + last, (uint32_t)(n - (m->count - 1) * STRIDE), m->markers);
    m->n = (uint32_t)n;
    if (m->end && m->markers - m->end < 8 && zeros(v, m->end, m->markers)) return m->begin - back;
  }
  return 0;
}

/* The names before these markers. Returns where their number stands, or 0. */
static size_t find_names(const struct view *v, struct names *m) {
  uint64_t last = number(v, m->markers + (m->count - 1) * m->width, m->width);
  if (last > m->markers) return 0;
  size_t begin = (m->markers - last) & ~(size_t)3;
  for (unsigned i = 0; i < STRIDE * NAME_MAX_BYTES / 4 && begin >= 8 && *v->work; i++, begin -= 4) {
    if (!markers_agree(v, m, begin)) continue;
    m->begin = begin;
    size_t count = find_count(v, m);
    if (count) return count;
  }
  return 0;
}

/* --- values --- */

static uint64_t sign_extended(uint64_t a, unsigned width) {
  return width == 8 ? a : (uint64_t)(int64_t)(int32_t)(uint32_t)a;
}

/* In kseg0 to kseg3, in xkphys and cached or uncached as Linux does it (CCA 2 to 7), or low in xkseg. Strict, for it is
 * what tells pointers of 4 bytes from those of 8. */
static bool is_kernel(uint64_t a) {
  uint64_t below = a & ((UINT64_C(1) << 59) - 1);
  if (a >> 31 == UINT64_MAX >> 31) return true;
  if (a >> 62 == 2) return (a >> 59 & 7) >= 2 && below >> 40 == 0;
  return a >> 40 == UINT64_C(3) << 22;
}

/* Offsets that never fall, and a base in the kernel's part of the address space, to which they may be added. */
static bool are_offsets(const struct view *v, size_t at, size_t base_at, unsigned width, uint32_t n) {
  uint64_t base = sign_extended(number(v, base_at, width), width), last = 0;
  uint32_t rises = 0;
  if (!is_kernel(base) || base & 3) return false;
  for (uint32_t i = 0; i < n; i++) {
    uint64_t o = number(v, at + 4 * (size_t)i, 4);
    if (o < last) return false;
    rises += o > last;
    last = o;
  }
  return rises >= n / 4 && last < 0x80000000 && base + last >= base;
}

static bool are_addresses(const struct view *v, size_t at, unsigned width, uint32_t n) {
  uint64_t last = 0;
  uint32_t rises = 0;
  for (uint32_t i = 0; i < n; i++) {
    uint64_t a = sign_extended(number(v, at + width * (size_t)i, width), width);
    if (a < last || !is_kernel(a)) return false;
    rises += a > last;
    last = a;
  }
  return rises >= n / 4;
}

static bool take_offsets(const struct view *v, size_t at, size_t base_at, unsigned width, struct mon_kallsyms *out) {
  if (base_at + width > v->n || !are_offsets(v, at, base_at, width, out->n)) return false;
  out->values = v->bytes + at;
  out->offsets = true;
  out->width = width;
  out->base = sign_extended(number(v, base_at, width), width);
  return true;
}

static bool values_behind(const struct view *v, size_t at, struct mon_kallsyms *out) {
  size_t bytes = 4 * (size_t)out->n;
  for (unsigned width = 8; width >= 4; width -= 4) {
    size_t from = (at + width - 1) & ~(size_t)(width - 1), base = (from + bytes + width - 1) & ~(size_t)(width - 1);
    if (take_offsets(v, from, base, width, out)) return true;
  }
  return false;
}

/* count: where the number of symbols was found; a big-endian one of 8 bytes is found in its latter half. */
static bool values_before(const struct view *v, size_t count, struct mon_kallsyms *out) {
  for (unsigned width = 8; width >= 4; width -= 4) {
    size_t end = count & ~(size_t)(width - 1), room = (4 * (size_t)out->n + width - 1) & ~(size_t)(width - 1);
    if (end >= room + width && take_offsets(v, end - width - room, end - width, width, out)) return true;
    room = width * (size_t)out->n;
    if (end < room || !are_addresses(v, end - room, width, out->n)) continue;
    out->values = v->bytes + end - room;
    out->width = width;
    return true;
  }
  return false;
}

/* --- the whole --- */

/* The table whose index stands at `index`. */
static bool read_at(const struct view *v, size_t index, struct mon_kallsyms *out) {
  size_t table;
  if (!is_index(v, index) || !find_table(v, index, &table)) return false;
  size_t reach = 3 * (size_t)SYMBOL_MAX; /* seqs_of_names: three bytes for each symbol */
  for (size_t end = table; end >= 8 && table - end < reach && *v->work; end -= 4)
    for (unsigned width = 4; width <= 8; width += 4) {
      struct names m;
      size_t count;
      if (!find_markers(v, end, width, &m) || !(count = find_names(v, &m))) continue;
      *out = (struct mon_kallsyms){.tokens = v->bytes + table,
                                   .token_index = v->bytes + index,
                                   .names = v->bytes + m.begin,
                                   .n = m.n,
                                   .big_endian = v->big};
      return values_before(v, count, out) || values_behind(v, index + 2 * TOKENS, out);
    }
  return false;
}

bool mon_kallsyms_find(struct mon_kallsyms_search *s, struct mon_kallsyms *out) {
  struct view v = {s->bytes, s->n, s->big_endian, &s->work};
  for (size_t at = (s->from + 3) & ~(size_t)3; at + 2 * TOKENS <= s->n && s->work; at += 4)
    /* Most memory is zeros: of the index, only the first number is 0, and the next has one byte. */
    if (!s->bytes[at] && !s->bytes[at + 1] && !s->bytes[at + 2] != !s->bytes[at + 3] && read_at(&v, at, out)) {
      s->from = at + 4;
      return true;
    }
  s->from = s->n;
  return false;
}

uint64_t mon_kallsyms_address(const struct mon_kallsyms *k, uint32_t i) {
  unsigned each = k->offsets ? 4 : k->width;
  struct view v = {.bytes = k->values, .big = k->big_endian};
  uint64_t a = number(&v, (size_t)i * each, each);
  return k->offsets ? k->base + a : sign_extended(a, k->width);
}

/* Write a symbol's type and name to text; returns the length, at most TEXT_MAX. */
static size_t expand(const struct mon_kallsyms *k, const uint8_t *name, size_t n, char *text) {
  struct view index = {.bytes = k->token_index, .big = k->big_endian};
  size_t length = 0;
  for (size_t i = 0; i < n; i++)
    for (const uint8_t *t = k->tokens + number(&index, 2u * name[i], 2); *t && length < TEXT_MAX; t++)
      text[length++] = (char)*t;
  return length;
}

bool mon_kallsyms_add(const struct mon_kallsyms *k, struct mon_symbols *s) {
  struct view v = {.bytes = k->names, .n = SIZE_MAX};
  size_t at = 0;
  for (uint32_t i = 0; i < k->n; i++) {
    char text[TEXT_MAX];
    size_t next = next_name(&v, at), first = at + (k->names[at] & 0x80 ? 2 : 1);
    size_t length = expand(k, k->names + first, next - first, text);
    at = next;
    if (length < 2 || text[0] == 'A' || text[0] == 'a' || text[0] == 'U') continue;
    if (!mon_symbols_add(s, mon_kallsyms_address(k, i), 0, mon_rank_of(text[0]), text + 1, length - 1)) return false;
  }
  mon_symbols_sort(s);
  return true;
}
