/* numa-model/counters.h: what each node has missed of each page, and what was missed in all. */
/* SPDX-License-Identifier: Apache-2.0 */
/* This is what the hardware of the paper counts, and all that a placement policy is told. Pages are machine frames, by
 * number. The home of a frame is `struct frame.node` (numa.h). A node that has a replica is a bit beside it: replicas
 * are a fact of the model, their bytes are the same, so there is no second copy in the host.
 *
 * One thread at a time: with a model all VMs take their turns on one. */
#ifndef NUMA_MODEL_COUNTERS_H
#define NUMA_MODEL_COUNTERS_H
#include "numa-model/snap.h"
#include <stdbool.h>
#include <stdint.h>

/* Misses by a node since the page was last reset; they stay at the most they can hold. */
struct numa_count {
  uint16_t reads, writes; /* reads: fetches, too */
};

struct numa_counters {
  uint32_t frames;
  unsigned nodes;
  uint16_t trigger;         /* misses by one node that make a page hot; 0: none is ever */
  struct numa_count *count; /* of frame f by node n: [f * nodes + n]; numa_counted() */
  uint64_t *replica;        /* by frame: nodes that have a copy beside the home's */
  /* Pages that have become hot since the last reset, in that order, each once. Who has dealt with them may empty the
   * list; a page is listed again when it is forgotten, or is_hot cleared, and missed again. */
  uint32_t *hot, hots;
  uint8_t *is_hot;       /* by frame */
  uint32_t *seen, seens; /* pages that were counted since the last reset, each once */
  uint8_t *is_seen;
};
/* Zeroed counters for `frames` pages and `nodes` nodes. 0 or -1 (no memory). _fini takes a zeroed one, too. */
__attribute__((warn_unused_result)) int numa_counters_init(struct numa_counters *c, uint32_t frames, unsigned nodes,
                                                           uint16_t trigger);
void numa_counters_fini(struct numa_counters *c);
static inline struct numa_count numa_counted(const struct numa_counters *c, uint32_t frame, unsigned node) {
  return c->count[(uint64_t)frame * c->nodes + node];
}
/* A cpu of this node has missed `n` times, or what stands for so many misses. */
void numa_counters_miss(struct numa_counters *c, uint32_t frame, unsigned node, bool write, unsigned n);
/* Forget the misses of one page by one node, which has a copy by now. */
void numa_counters_forget_node(struct numa_counters *c, uint32_t frame, unsigned node);
/* Forget the misses of one page, which has moved; or of all, when the reset interval is over. Replicas stay. */
void numa_counters_forget(struct numa_counters *c, uint32_t frame);
void numa_counters_reset(struct numa_counters *c);

/* The counts, and the lists: what was never counted takes no room. Restored into zeroed counters. */
void numa_counters_state(struct numa_counters *c, struct snap *s);

/* Does a read by this node find the page at hand: at home or in a replica? */
static inline bool numa_is_near(const struct numa_counters *c, uint32_t frame, unsigned home, unsigned node) {
  return home == node || c->replica[frame] >> node & 1;
}
#endif
