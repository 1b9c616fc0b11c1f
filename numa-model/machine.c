/* numa-model/machine.c: machine descriptions, read and checked. */
/* SPDX-License-Identifier: Apache-2.0 */
/* libconfig reads the text; which keys there are is said in the tables here. Every key must be there: a machine with a
 * value that nobody has thought about would be measured all the same. */
#include "numa-model/machine.h"
#include "numa-model/presets.h"
#include <errno.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *numa_preset(size_t i, const char **text) {
  if (i >= sizeof presets / sizeof *presets) return NULL;
  if (text) *text = (const char *)presets[i].text;
  return presets[i].name;
}

struct reader {
  const char *file;
  char *error;
  size_t n;
};

__attribute__((format(printf, 4, 5))) static int fail(const struct reader *r, const config_setting_t *s,
                                                      const char *key, const char *fmt, ...) {
  va_list args;
  int at = snprintf(r->error, r->n, "%s:%d: %s: ", r->file, (int)config_setting_source_line(s), key);
  va_start(args, fmt);
  if (at > 0 && (size_t)at < r->n) vsnprintf(r->error + at, r->n - (size_t)at, fmt, args);
  va_end(args);
  return -1;
}

/* --- values --- */

/* A whole number, or text with K, M or G behind it. */
static bool number_of(const config_setting_t *s, uint64_t *out) {
  int type = config_setting_type(s);
  if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64) {
    long long v = config_setting_get_int64(s);
    *out = (uint64_t)v;
    return v >= 0;
  }
  if (type != CONFIG_TYPE_STRING) return false;
  const char *text = config_setting_get_string(s), *suffix;
  char *end;
  if (*text < '0' || *text > '9') return false;
  errno = 0;
  *out = strtoull(text, &end, 10);
  if (errno || *out >> 32 || !*end) return !errno && !*end;
  suffix = strchr("KMG", *end);
  if (!suffix || end[1]) return false;
  *out <<= 10 * (suffix - "KMG" + 1);
  return true;
}

static int read_number(const struct reader *r, const char *key, const config_setting_t *s, uint64_t min, uint64_t max,
                       uint64_t *out) {
  if (!number_of(s, out)) return fail(r, s, key, "neither a whole number nor a size such as \"32K\"");
  if (*out < min || *out > max)
    return fail(r, s, key, "%llu is not from %llu to %llu", (unsigned long long)*out, (unsigned long long)min,
                (unsigned long long)max);
  return 0;
}

enum kind { NAME, NUMBER, SIZE, BOOL, CACHE, MOVE, LATENCY };
struct key {
  const char *name;
  enum kind kind;
  size_t offset;
  uint64_t min, max;
};
#define AT(member) offsetof(struct numa_machine, member)
enum { NS_MAX = 1000000000 };

/* nodes come before latency, which has a row for each. */
static const struct key keys[] = {
    {"name", NAME, AT(name), 0, 0},
    {"nodes", NUMBER, AT(nodes), 1, NUMA_NODES_MAX},
    {"cpus_per_node", NUMBER, AT(cpus_per_node), 1, NUMA_CPUS_MAX},
    {"memory_per_node", SIZE, AT(memory_per_node), 1 << 20, UINT64_C(1) << 40},
    {"clock", NUMBER, AT(clock), 1, 100000},
    {"latency", LATENCY, AT(latency), 1, NS_MAX},
    {"dirty", NUMBER, AT(dirty), 0, NS_MAX},
    {"l1i", CACHE, AT(l1i), 0, 0},
    {"l1d", CACHE, AT(l1d), 0, 0},
    {"l2", CACHE, AT(l2), 0, 0},
    {"l2_hit", NUMBER, AT(l2_hit), 0, NS_MAX},
    {"tlb_entries", NUMBER, AT(tlb_entries), 1, NUMA_TLB_MAX},
    {"tlb_refill", NUMBER, AT(tlb_refill), 0, NS_MAX},
    {"move", MOVE, 0, 0, 0},
    {"contention", BOOL, AT(contention), 0, 0},
    {"occupancy", NUMBER, AT(occupancy), 0, NS_MAX},
};
enum { KEYS = sizeof keys / sizeof *keys };
static const struct key cache_keys[] = {
    {"bytes", NUMBER, offsetof(struct numa_cache, bytes), 1, 1 << 30},
    {"ways", NUMBER, offsetof(struct numa_cache, ways), 1, 64},
    {"line", NUMBER, offsetof(struct numa_cache, line), NUMA_LINE_MIN, NUMA_LINE_MAX},
};
static const struct key move_keys[] = {
    {"copy", NUMBER, AT(move_copy), 0, NS_MAX},
    {"shootdown", NUMBER, AT(move_shootdown), 0, NS_MAX},
    {"bookkeeping", NUMBER, AT(move_bookkeeping), 0, NS_MAX},
};

static int find_key(const struct reader *r, const config_setting_t *s, const struct key *k, size_t n) {
  const char *name = config_setting_name(s);
  for (size_t i = 0; i < n; i++)
    if (!strcmp(k[i].name, name)) return (int)i;
  return fail(r, s, name, "there is no such key");
}

/* Numbers within braces, all of them, to `out` and its offsets. */
static int read_group(const struct reader *r, const char *key, const config_setting_t *s, const struct key *k, size_t n,
                      void *out) {
  unsigned seen = 0;
  if (!config_setting_is_group(s)) return fail(r, s, key, "is written as { %s = ...; ... }", k[0].name);
  for (int i = 0; i < config_setting_length(s); i++) {
    const config_setting_t *e = config_setting_get_elem(s, (unsigned)i);
    uint64_t v;
    int at = find_key(r, e, k, n);
    if (at < 0 || read_number(r, k[at].name, e, k[at].min, k[at].max, &v)) return -1;
    uint32_t v32 = (uint32_t)v;
    memcpy((char *)out + k[at].offset, &v32, sizeof v32);
    seen |= 1u << at;
  }
  for (size_t i = 0; i < n; i++)
    if (!(seen >> i & 1)) return fail(r, s, key, "%s is missing", k[i].name);
  return 0;
}

static bool is_power_of_2(uint64_t v) {
  return v && !(v & (v - 1));
}

static int read_cache(const struct reader *r, const char *key, const config_setting_t *s, struct numa_cache *out) {
  if (read_group(r, key, s, cache_keys, sizeof cache_keys / sizeof *cache_keys, out)) return -1;
  if (!is_power_of_2(out->line)) return fail(r, s, key, "line %u is not a power of two", out->line);
  if (out->bytes % (out->ways * out->line))
    return fail(r, s, key, "%u ways of lines of %u bytes do not divide %u bytes", out->ways, out->line, out->bytes);
  if (!is_power_of_2(numa_cache_sets(out)))
    return fail(r, s, key, "%u sets of lines: not a power of two", numa_cache_sets(out));
  return 0;
}

static int read_latency_pair(const struct reader *r, const config_setting_t *s, struct numa_machine *m) {
  static const struct key pair[] = {{"local", NUMBER, 0, 1, NS_MAX}, {"remote", NUMBER, 4, 1, NS_MAX}};
  uint32_t ns[2];
  if (read_group(r, "latency", s, pair, 2, ns)) return -1;
  for (unsigned i = 0; i < m->nodes; i++)
    for (unsigned k = 0; k < m->nodes; k++) m->latency[i][k] = ns[i != k];
  return 0;
}

static int read_latency(const struct reader *r, const struct key *key, const config_setting_t *s,
                        struct numa_machine *m) {
  if (!m->nodes) return fail(r, s, key->name, "nodes comes first");
  if (config_setting_is_group(s)) return read_latency_pair(r, s, m);
  if (!config_setting_is_list(s))
    return fail(r, s, key->name, "neither { local = 300; remote = 900; } nor a list of rows");
  if (config_setting_length(s) != (int)m->nodes)
    return fail(r, s, key->name, "%d rows for %u nodes", config_setting_length(s), m->nodes);
  for (unsigned i = 0; i < m->nodes; i++) {
    const config_setting_t *row = config_setting_get_elem(s, i);
    if (!config_setting_is_aggregate(row) || config_setting_length(row) != (int)m->nodes)
      return fail(r, row, key->name, "row %u has not %u numbers: the matrix is not square", i + 1, m->nodes);
    for (unsigned k = 0; k < m->nodes; k++) {
      uint64_t v;
      if (read_number(r, key->name, config_setting_get_elem(row, k), key->min, key->max, &v)) return -1;
      m->latency[i][k] = (uint32_t)v;
    }
  }
  return 0;
}

static int read_name(const struct reader *r, const config_setting_t *s, struct numa_machine *m) {
  const char *name = config_setting_type(s) == CONFIG_TYPE_STRING ? config_setting_get_string(s) : "";
  if (!*name || strlen(name) >= sizeof m->name)
    return fail(r, s, "name", "not a text of 1 to %zu letters", sizeof m->name - 1);
  memcpy(m->name, name, strlen(name) + 1);
  return 0;
}

static int read_key(const struct reader *r, const struct key *k, const config_setting_t *s, struct numa_machine *m) {
  void *to = (char *)m + k->offset;
  uint64_t v;
  uint32_t v32;
  switch (k->kind) {
  case NAME: return read_name(r, s, m);
  case CACHE: return read_cache(r, k->name, s, to);
  case MOVE: return read_group(r, k->name, s, move_keys, sizeof move_keys / sizeof *move_keys, m);
  case LATENCY: return read_latency(r, k, s, m);
  case BOOL:
    if (config_setting_type(s) != CONFIG_TYPE_BOOL) return fail(r, s, k->name, "neither true nor false");
    m->contention = config_setting_get_bool(s);
    return 0;
  case NUMBER:
    if (read_number(r, k->name, s, k->min, k->max, &v)) return -1;
    v32 = (uint32_t)v;
    memcpy(to, &v32, sizeof v32);
    return 0;
  case SIZE: return read_number(r, k->name, s, k->min, k->max, to);
  }
  return -1;
}

/* What must hold between keys. */
static int check(const struct reader *r, const config_setting_t *root, const struct numa_machine *m) {
  const config_setting_t *at[KEYS];
  for (int i = 0; i < KEYS; i++) at[i] = config_setting_get_member(root, keys[i].name);
  for (int i = 0; i < KEYS; i++)
    if (!at[i]) return fail(r, root, keys[i].name, "is missing");
  if (numa_cpus(m) > NUMA_CPUS_MAX) return fail(r, at[2], "cpus_per_node", "more than %d cpus in all", NUMA_CPUS_MAX);
  if (m->memory_per_node & 0xfff) return fail(r, at[3], "memory_per_node", "not a whole number of 4 KiB pages");
  if (m->l2.line < m->l1i.line || m->l2.line < m->l1d.line)
    return fail(r, at[9], "l2", "its line of %u bytes is shorter than one of the first level", m->l2.line);
  if (m->contention && !m->occupancy) return fail(r, at[15], "occupancy", "0, with contention: then nobody ever waits");
  return 0;
}

static int read_settings(const struct reader *r, const config_t *c, struct numa_machine *m) {
  const config_setting_t *root = config_root_setting(c);
  for (int i = 0; i < config_setting_length(root); i++) {
    const config_setting_t *s = config_setting_get_elem(root, (unsigned)i);
    int k = find_key(r, s, keys, KEYS);
    if (k < 0 || read_key(r, &keys[k], s, m)) return -1;
  }
  return check(r, root, m);
}

/* libconfig would open other files for a line that begins so, and end the program when it cannot read one. 0: there is
 * none. */
static int include_line(const char *text) {
  for (int line = 1; text; line++) {
    text += strspn(text, " \t");
    if (!strncmp(text, "@include", 8)) return line;
    text = strchr(text, '\n');
    if (text) text++;
  }
  return 0;
}

int numa_machine_parse(struct numa_machine *out, const char *file, const char *text, char *error, size_t n) {
  struct reader r = {.file = file, .error = error, .n = n};
  config_t c;
  int bad = 0, include = include_line(text);
  *out = (struct numa_machine){0};
  config_init(&c);
  if (include) {
    snprintf(error, n, "%s:%d: @include: a machine includes no others", file, include);
    bad = -1;
  } else if (!config_read_string(&c, text)) {
    snprintf(error, n, "%s:%d: %s", file, config_error_line(&c), config_error_text(&c));
    bad = -1;
  } else {
    bad = read_settings(&r, &c, out);
  }
  config_destroy(&c);
  return bad;
}
