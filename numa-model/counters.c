/* numa-model/counters.c: misses counted by page and node. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "numa-model/counters.h"
#include <stdlib.h>
#include <string.h>

int numa_counters_init(struct numa_counters *c, uint32_t frames, unsigned nodes, uint16_t trigger) {
  *c = (struct numa_counters){.frames = frames, .nodes = nodes, .trigger = trigger};
  c->count = calloc((size_t)frames * nodes, sizeof *c->count);
  c->replica = calloc(frames, sizeof *c->replica);
  c->hot = calloc(frames, sizeof *c->hot);
  c->seen = calloc(frames, sizeof *c->seen);
  c->is_hot = calloc(frames, 1);
  c->is_seen = calloc(frames, 1);
  if (c->count && c->replica && c->hot && c->seen && c->is_hot && c->is_seen) return 0;
  numa_counters_fini(c);
  return -1;
}

void numa_counters_fini(struct numa_counters *c) {
  free(c->count);
  free(c->replica);
  free(c->hot);
  free(c->seen);
  free(c->is_hot);
  free(c->is_seen);
  *c = (struct numa_counters){0};
}

static uint16_t saturated(uint16_t a, unsigned n) {
  return n > UINT16_MAX - (unsigned)a ? UINT16_MAX : (uint16_t)(a + n);
}

void numa_counters_miss(struct numa_counters *c, uint32_t frame, unsigned node, bool write, unsigned n) {
  struct numa_count *k = &c->count[(uint64_t)frame * c->nodes + node];
  uint16_t *of = write ? &k->writes : &k->reads;
  *of = saturated(*of, n);
  if (!c->is_seen[frame]) {
    c->is_seen[frame] = 1;
    c->seen[c->seens++] = frame;
  }
  if (c->trigger && !c->is_hot[frame] && (unsigned)k->reads + k->writes >= c->trigger) {
    c->is_hot[frame] = 1;
    c->hot[c->hots++] = frame;
  }
}

/* It may become hot again. */
static void cool(struct numa_counters *c, uint32_t frame) {
  uint32_t i = 0;
  while (i < c->hots && c->hot[i] != frame) i++;
  if (i < c->hots) memmove(&c->hot[i], &c->hot[i + 1], (--c->hots - i) * sizeof *c->hot);
  c->is_hot[frame] = 0;
}

void numa_counters_forget_node(struct numa_counters *c, uint32_t frame, unsigned node) {
  c->count[(uint64_t)frame * c->nodes + node] = (struct numa_count){0};
}

void numa_counters_forget(struct numa_counters *c, uint32_t frame) {
  memset(&c->count[(uint64_t)frame * c->nodes], 0, c->nodes * sizeof *c->count);
  if (c->is_hot[frame]) cool(c, frame);
}

void numa_counters_reset(struct numa_counters *c) {
  for (uint32_t i = 0; i < c->seens; i++) {
    memset(&c->count[(uint64_t)c->seen[i] * c->nodes], 0, c->nodes * sizeof *c->count);
    c->is_seen[c->seen[i]] = c->is_hot[c->seen[i]] = 0;
  }
  c->seens = c->hots = 0;
}

/* --- state --- */

/* A list of frames, each once, by marks that it sets; `mark` NULL: of marked ones. */
static void list_state(const struct numa_counters *c, uint32_t *list, uint32_t *n, uint8_t *mark, struct snap *s) {
  SNAP(s, *n);
  if (!snap_check(s, *n <= c->frames)) {
    *n = 0;
    return;
  }
  snap_numbers(s, list, sizeof *list, *n);
  for (uint32_t i = 0; s->restoring && i < *n; i++) {
    if (!snap_check(s, list[i] < c->frames && !mark[list[i]])) {
      *n = 0; /* the list may hold anything */
      return;
    }
    mark[list[i]] = 1;
  }
}

void numa_counters_state(struct numa_counters *c, struct snap *s) {
  uint64_t nodes = c->nodes < 64 ? ~(UINT64_MAX << c->nodes) : UINT64_MAX;
  list_state(c, c->seen, &c->seens, c->is_seen, s);
  list_state(c, c->hot, &c->hots, c->is_hot, s);
  for (uint32_t i = 0; i < c->seens && !s->bad; i++) {
    uint32_t f = c->seen[i];
    snap_numbers(s, &c->count[(uint64_t)f * c->nodes], sizeof(uint16_t), 2 * (size_t)c->nodes);
    SNAP(s, c->is_hot[f]);
    if (!snap_check(s, c->is_hot[f] <= 1)) return;
  }
  for (uint32_t i = 0; i < c->hots && !s->bad; i++) snap_check(s, c->is_hot[c->hot[i]] && c->is_seen[c->hot[i]]);
  for (uint32_t f = 0; f < c->frames && !s->bad; f++) {
    SNAP(s, c->replica[f]);
    if (!snap_check(s, !(c->replica[f] & ~nodes))) c->replica[f] = 0;
  }
}
