/* jit/region_table.c: what LLVM says of a region's code: where slots are at its calls, and what may fault. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The sections come from LLVM or from the disk, so nothing in them is taken for granted. */
#include "jit/region.h"
#include <stdlib.h>
#include <string.h>

/* --- LLVM's stack map format, version 3 --- */

struct reader {
  const uint8_t *at, *end;
  bool failed;
};

static uint64_t take(struct reader *r, unsigned bytes) {
  uint64_t v = 0;
  if ((size_t)(r->end - r->at) < bytes) {
    r->failed = true;
    return 0;
  }
  memcpy(&v, r->at, bytes);
  r->at += bytes;
  return v;
}
static void align(struct reader *r, const uint8_t *begin) {
  while (!r->failed && (r->at - begin) % 8) take(r, 1);
}

struct location {
  unsigned kind, size, reg;
  int32_t value;
};
enum { KIND_REGISTER = 1, KIND_DIRECT, KIND_INDIRECT, KIND_CONSTANT, KIND_INDEX };

static struct location take_location(struct reader *r) {
  struct location l;
  l.kind = (unsigned)take(r, 1);
  take(r, 1);
  l.size = (unsigned)take(r, 2);
  l.reg = (unsigned)take(r, 2);
  take(r, 2);
  l.value = (int32_t)take(r, 4);
  return l;
}

/* The constants before the values that we have asked for: calling convention, flags, how many follow. */
enum { STATEPOINT_HEADER = 3, REGISTERS = 16 };

static int set_value(struct region_value *v, const struct location *slot, const struct location *l,
                     const uint8_t *constants, uint32_t n, const struct jit_guest *g) {
  if (slot->kind != KIND_CONSTANT || slot->value < 0 || (unsigned)slot->value >= g->slots) return -1;
  *v = (struct region_value){.slot = (uint16_t)slot->value, .reg = (uint8_t)l->reg, .narrow = l->size == 4};
  v->value = l->value;
  switch (l->kind) {
  case KIND_REGISTER: v->place = PLACE_REGISTER; return l->reg < REGISTERS ? 0 : -1;
  case KIND_INDIRECT: v->place = PLACE_MEMORY; return l->reg < REGISTERS && (l->size == 4 || l->size == 8) ? 0 : -1;
  case KIND_CONSTANT: v->place = PLACE_CONSTANT, v->narrow = false; return 0;
  case KIND_INDEX:
    v->place = PLACE_CONSTANT, v->narrow = false;
    if ((uint32_t)l->value >= n) return -1;
    memcpy(&v->value, constants + 8 * (size_t)l->value, 8);
    return 0;
  default: return -1;
  }
}

static int take_site(struct reader *r, const uint8_t *begin, struct region_table *t, uint32_t *values,
                     const uint8_t *constants, uint32_t n_constants) {
  take(r, 8);
  struct region_site s = {.at = (uint32_t)take(r, 4), .first = *values};
  take(r, 2);
  unsigned n = (unsigned)take(r, 2);
  for (unsigned i = 0; i < STATEPOINT_HEADER && i < n; i++) take_location(r);
  if (n < STATEPOINT_HEADER || (n - STATEPOINT_HEADER) % 2) return -1;
  for (n = (n - STATEPOINT_HEADER) / 2; n-- > 0 && !r->failed; s.values++) {
    struct location slot = take_location(r), l = take_location(r);
    if (set_value(&t->value[(*values)++], &slot, &l, constants, n_constants, t->guest)) return -1;
  }
  align(r, begin);
  take(r, 2);
  for (unsigned live = (unsigned)take(r, 2); live-- > 0 && !r->failed;) take(r, 4);
  align(r, begin);
  t->site[t->sites++] = s;
  return r->failed ? -1 : 0;
}

_Static_assert(offsetof(struct region_site, at) == 0 && offsetof(struct region_fault, at) == 0, "compared as such");
int region_by_at(const void *a, const void *b) {
  const uint32_t *x = a, *y = b;
  return *x < *y ? -1 : *x > *y;
}

int region_table_read_map(struct region_table *t, const void *bytes, size_t size) {
  const uint8_t *begin = bytes;
  struct reader r = {begin, begin + size, false};
  uint32_t values = 0;
  if (t->site || take(&r, 4) != 3) return -1;
  uint64_t functions = take(&r, 4), n_constants = take(&r, 4), records = take(&r, 4);
  take(&r, 8);
  t->stack_size = take(&r, 8);
  take(&r, 8);
  const uint8_t *constants = r.at;
  if (functions != 1 || n_constants > size / 8 || records > size / 8) return -1;
  for (uint64_t i = 0; i < n_constants; i++) take(&r, 8);
  t->site = calloc(records + 1, sizeof t->site[0]);
  t->value = calloc(size / 24 + 1, sizeof t->value[0]); /* two locations each */
  if (r.failed || !t->site || !t->value) return -1;
  for (uint64_t i = 0; i < records; i++)
    if (take_site(&r, begin, t, &values, constants, (uint32_t)n_constants)) return -1;
  qsort(t->site, t->sites, sizeof t->site[0], region_by_at);
  return 0;
}

int region_table_read_faults(struct region_table *t, const void *bytes, size_t size) {
  const size_t n = size / sizeof(uint64_t[2]);
  if (t->fault || !(t->fault = calloc(n + 1, sizeof t->fault[0]))) return -1;
  for (; t->faults < n; t->faults++) {
    uint64_t pair[2];
    memcpy(pair, (const char *)bytes + t->faults * sizeof pair, sizeof pair);
    t->fault[t->faults] = (struct region_fault){(uint32_t)(pair[0] - t->code), (uint32_t)(pair[1] - t->code)};
  }
  qsort(t->fault, t->faults, sizeof t->fault[0], region_by_at);
  return 0;
}

void region_table_fini(struct region_table *t) {
  free(t->site);
  free(t->value);
  free(t->fault);
  t->site = NULL;
  t->value = NULL;
  t->fault = NULL;
}
