/* numa-model/placement.c: frames at home, and their copies. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "numa-model/placement.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

int numa_places_init(struct numa_places *p, const struct numa_machine *machine, struct numa_memory *memory,
                     struct numa_counters *counters) {
  *p = (struct numa_places){.machine = machine,
                            .memory = memory,
                            .counters = counters,
                            .placed = calloc(memory->frames, 1),
                            .loss = calloc(memory->frames, sizeof *p->loss),
                            .room = (uint32_t)(machine->memory_per_node >> NUMA_FRAME_BITS)};
  if (!p->placed || !p->loss) {
    numa_places_fini(p);
    return -1;
  }
  memory->places = p;
  return 0;
}

void numa_places_fini(struct numa_places *p) {
  if (p->memory) p->memory->places = NULL;
  free(p->placed);
  free(p->loss);
  *p = (struct numa_places){0};
}

/* This node, or the nearest to it that has room; of those as near the first. NUMA_NODES_MAX: none has. */
static unsigned node_with_room(const struct numa_places *p, unsigned wanted) {
  const struct numa_machine *m = p->machine;
  unsigned best = NUMA_NODES_MAX;
  if (numa_room(p, wanted)) return wanted;
  for (unsigned i = 0; i < m->nodes; i++)
    if (numa_room(p, i) && (best == NUMA_NODES_MAX || m->latency[wanted][i] < m->latency[wanted][best])) best = i;
  return best;
}

static unsigned wanted_node(struct numa_places *p, unsigned by) {
  unsigned node = p->node;
  switch (p->how) {
  case NUMA_PLACE_FIRST_TOUCH: return by;
  case NUMA_PLACE_ROUND_ROBIN: p->node = node + 1 < p->machine->nodes ? node + 1 : 0; break;
  case NUMA_PLACE_NODE: break;
  }
  return node;
}

/* Copies are lost to somebody's store, or to nobody's. */
static void lose(struct numa_places *p, uint32_t frame, unsigned node) {
  unsigned n = numa_collapse(p, frame);
  if (!n) return;
  p->loss[p->losses++] = (struct numa_loss){
      .frame = frame, .copies = (uint8_t)n, .home = (uint8_t)p->memory->frame[frame].node, .node = (uint8_t)node};
}

/* All nodes are full, of copies for the most part: those of some page go. */
static void make_room(struct numa_places *p) {
  uint32_t frames = p->memory->frames, at = p->victim;
  for (uint32_t i = 0; i < frames && !p->counters->replica[at]; i++) at = at + 1 < frames ? at + 1 : 0;
  assert(p->counters->replica[at] && "the frames fit the nodes");
  lose(p, at, NUMA_NODES_MAX);
  p->victim = at;
}

static void place(struct numa_places *p, uint32_t frame, unsigned by) {
  unsigned wanted = wanted_node(p, by), node = node_with_room(p, wanted);
  if (node == NUMA_NODES_MAX) {
    make_room(p);
    node = node_with_room(p, wanted);
  }
  p->memory->frame[frame].node = (uint16_t)node;
  p->placed[frame] = NUMA_PLACED;
  p->used[node]++;
}

void numa_stored(struct numa_places *p, uint32_t frame, unsigned node) {
  if (p->placed[frame] != NUMA_PLACED) place(p, frame, node);
  lose(p, frame, node);
}

void numa_first_touched(struct numa_places *p, uint32_t frame, unsigned node) {
  place(p, frame, node);
}

void numa_freed(struct numa_places *p, uint32_t frame) {
  if (p->placed[frame] == NUMA_AWAITED) p->placed[frame] = NUMA_UNPLACED;
  if (!p->placed[frame]) return;
  lose(p, frame, NUMA_NODES_MAX);
  numa_counters_forget(p->counters, frame);
  p->used[p->memory->frame[frame].node]--;
  p->placed[frame] = NUMA_UNPLACED;
}

void numa_migrate(struct numa_places *p, uint32_t frame, unsigned node) {
  struct frame *f = &p->memory->frame[frame];
  numa_collapse(p, frame);
  assert(p->placed[frame] == NUMA_PLACED && f->node != node && numa_room(p, node));
  p->used[f->node]--;
  p->used[node]++;
  f->node = (uint16_t)node;
  numa_counters_forget(p->counters, frame);
}

void numa_replicate(struct numa_places *p, uint32_t frame, unsigned node) {
  uint64_t *copies = &p->counters->replica[frame];
  assert(p->placed[frame] == NUMA_PLACED && !numa_is_near(p->counters, frame, p->memory->frame[frame].node, node) &&
         numa_room(p, node));
  *copies |= UINT64_C(1) << node;
  p->used[node]++;
  numa_counters_forget_node(p->counters, frame, node);
}

unsigned numa_collapse(struct numa_places *p, uint32_t frame) {
  uint64_t *copies = &p->counters->replica[frame];
  unsigned n = 0;
  for (; *copies; *copies &= *copies - 1, n++) p->used[__builtin_ctzll(*copies)]--;
  return n;
}

void numa_places_adopt(struct numa_places *p) {
  for (uint32_t f = 0; f < p->memory->frames; f++)
    if (!p->memory->frame[f].refs || p->placed[f])
      continue;
    else if (p->how == NUMA_PLACE_FIRST_TOUCH)
      p->placed[f] = NUMA_AWAITED;
    else
      place(p, f, 0);
}

/* --- state --- */

static void losses_state(struct numa_places *p, struct snap *s) {
  uint32_t n = p->losses, frames = p->memory->frames;
  uint8_t *lost = s->restoring ? calloc(frames, 1) : NULL;
  p->losses = s->restoring ? 0 : n;
  SNAP(s, n);
  snap_check(s, n <= frames && (lost || !s->restoring));
  for (uint32_t i = 0; i < n && !s->bad; i++) {
    struct numa_loss *l = &p->loss[i];
    SNAP(s, l->frame);
    SNAP(s, l->copies);
    SNAP(s, l->home);
    SNAP(s, l->node);
    bool sound = l->frame < frames && !p->counters->replica[l->frame] && l->home < p->machine->nodes &&
                 l->copies <= NUMA_NODES_MAX && (l->node < p->machine->nodes || l->node == NUMA_NODES_MAX);
    if (!s->restoring || !snap_check(s, sound && !lost[l->frame])) continue;
    lost[l->frame] = 1;
    p->losses++;
  }
  free(lost);
}

/* What a frame takes of the nodes. */
static bool is_sound(struct numa_places *p, uint32_t frame) {
  const struct frame *f = &p->memory->frame[frame];
  uint64_t copies = p->counters->replica[frame];
  if (f->node >= p->machine->nodes || p->placed[frame] > NUMA_AWAITED || (p->placed[frame] && !f->refs)) return false;
  if (p->placed[frame] != NUMA_PLACED) return !copies;
  if (f->node < 64 && copies >> f->node & 1) return false;
  p->used[f->node]++;
  for (; copies; copies &= copies - 1) p->used[__builtin_ctzll(copies)]++;
  return true;
}

void numa_places_state(struct numa_places *p, struct snap *s) {
  uint32_t frames = p->memory->frames;
  unsigned node = p->node;
  SNAP(s, node);
  SNAP(s, p->victim);
  SNAP(s, p->memory->next_free);
  if (!snap_check(s, node < p->machine->nodes && p->victim < frames && p->memory->next_free < frames)) {
    p->victim = p->memory->next_free = 0;
    return;
  }
  p->node = node;
  snap_bytes(s, p->placed, frames);
  for (uint32_t f = 0; f < frames && !s->bad; f++) SNAP(s, p->memory->frame[f].node);
  for (unsigned i = 0; s->restoring && i < NUMA_NODES_MAX; i++) p->used[i] = 0;
  for (uint32_t f = 0; s->restoring && f < frames && !s->bad; f++) snap_check(s, is_sound(p, f));
  for (unsigned i = 0; i < NUMA_NODES_MAX; i++) snap_check(s, p->used[i] <= p->room);
  if (!s->bad) losses_state(p, s);
  if (s->bad) memset(p->placed, NUMA_UNPLACED, frames); /* nothing is to be taken from nodes that are none */
}
