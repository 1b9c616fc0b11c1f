/* numa-model/placement.h: which node the memory of each frame is on, and which nodes have copies. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A fact of the model: frames keep their bytes and their numbers, whatever their node. A frame that nobody has stored
 * to since it was free takes no node's memory. One that somebody has is at its home, `struct frame.node`, and takes a
 * page there, and one on each node that has a copy (counters.h). Nodes may be full: then the nearest that is not stands
 * in, and when all are, the home is; the guests' memory fits the machine's, so copies have to go for that.
 *
 * Changed by one thread at a time, as the counters are. */
#ifndef NUMA_MODEL_PLACEMENT_H
#define NUMA_MODEL_PLACEMENT_H
#include "numa-model/counters.h"
#include "numa-model/machine.h"
#include "numa-model/numa.h"

enum numa_place {
  NUMA_PLACE_FIRST_TOUCH, /* on the node of the cpu that first stores to it */
  NUMA_PLACE_ROUND_ROBIN, /* on the nodes by turns, in the order of their first stores */
  NUMA_PLACE_NODE,        /* on one node */
};

struct numa_loss {
  uint32_t frame;
  uint8_t copies, home;
  uint8_t node; /* of the cpu that stored to it; NUMA_NODES_MAX: nobody, it is free, or the room was wanted */
};

/* AWAITED: it holds something that was there before its node was asked about, and is placed by who touches it first. */
enum numa_placed { NUMA_UNPLACED, NUMA_PLACED, NUMA_AWAITED };

struct numa_places {
  const struct numa_machine *machine; /* borrowed, as are */
  struct numa_memory *memory;
  struct numa_counters *counters;
  enum numa_place how;
  unsigned node;                 /* PLACE_NODE: that one. ROUND_ROBIN: whose turn it is */
  uint8_t *placed;               /* by frame, an enum numa_placed; owned */
  uint32_t room;                 /* pages of a node, */
  uint32_t used[NUMA_NODES_MAX]; /* which are taken by so many */
  uint32_t victim;               /* where to look next for copies that must go */
  /* Pages that have lost their copies, in that order, until whoever balances has seen it: each once, since he alone
   * makes copies. Owned. */
  struct numa_loss *loss;
  uint32_t losses;
};

/* Place the frames of `memory`, all of which are free, and have it say when they are so again. 0, or -1: no memory. */
__attribute__((warn_unused_result)) int numa_places_init(struct numa_places *p, const struct numa_machine *machine,
                                                         struct numa_memory *memory, struct numa_counters *counters);
void numa_places_fini(struct numa_places *p);
/* A cpu of this node may store to the frame from now on: it gets a home if it has none, and copies go. */
void numa_stored(struct numa_places *p, uint32_t frame, unsigned node);
/* A cpu of this node has missed what is in it: if that was awaited the frame gets its home. */
void numa_first_touched(struct numa_places *p, uint32_t frame, unsigned node);
static inline void numa_touched(struct numa_places *p, uint32_t frame, unsigned node) {
  if (p->placed[frame] == NUMA_AWAITED) numa_first_touched(p, frame, node);
}
/* The frame is free. */
void numa_freed(struct numa_places *p, uint32_t frame);
/* Frames that are in use, of a machine that has run without nodes: they are placed, or awaited. */
void numa_places_adopt(struct numa_places *p);
/* Homes, copies counted, losses. Once the memory's frames and the counters are what they were. */
void numa_places_state(struct numa_places *p, struct snap *s);

/* Pages for which a node has room. */
static inline uint32_t numa_room(const struct numa_places *p, unsigned node) {
  return p->room - p->used[node];
}
/* Move a placed frame to another node, or copy it there. Counts of misses begin anew: all, or that node's. The node has
 * room. */
void numa_migrate(struct numa_places *p, uint32_t frame, unsigned node);
void numa_replicate(struct numa_places *p, uint32_t frame, unsigned node);
/* Take all copies away; how many there were. */
unsigned numa_collapse(struct numa_places *p, uint32_t frame);
#endif
