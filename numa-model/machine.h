/* numa-model/machine.h: the machine that is modelled: its nodes, caches and TLB, and what each thing costs. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A plain value, read from a file in libconfig's syntax; numa-model/machines/flash.machine explains every key. Times
 * are nanoseconds. Nothing in here changes once it has been read. */
#ifndef NUMA_MODEL_MACHINE_H
#define NUMA_MODEL_MACHINE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NUMA_NODES_MAX = 64, NUMA_CPUS_MAX = 256, NUMA_TLB_MAX = 1024, NUMA_LINE_MIN = 32, NUMA_LINE_MAX = 4096 };

struct numa_cache {
  uint32_t bytes, ways, line; /* line: a power of two; bytes: ways times line times a power of two */
};
static inline uint32_t numa_cache_sets(const struct numa_cache *c) {
  return c->bytes / c->ways / c->line;
}

struct numa_machine {
  char name[32];
  unsigned nodes, cpus_per_node;
  uint64_t memory_per_node; /* bytes */
  unsigned clock;           /* MHz */
  /* [cpu's node][home node]: what a miss of all caches waits for memory that no other cache has changed. */
  uint32_t latency[NUMA_NODES_MAX][NUMA_NODES_MAX];
  uint32_t dirty; /* more, if another cpu's cache has changed the line and must hand it over */
  struct numa_cache l1i, l1d, l2;
  uint32_t l2_hit;           /* a miss of the first level that the second answers */
  unsigned tlb_entries;      /* of a pair of 4 KiB pages each */
  uint32_t tlb_refill;       /* what the monitor's handler takes */
  uint32_t move_copy;        /* of a page of 4 KiB from node to node, */
  uint32_t move_shootdown;   /* for each cpu that may hold its translation, */
  uint32_t move_bookkeeping; /* and for each page moved, copied or collapsed */
  bool contention;           /* do requests wait for each other at their home? */
  uint32_t occupancy;        /* how long a home is busy with one */
};
static inline unsigned numa_cpus(const struct numa_machine *m) {
  return m->nodes * m->cpus_per_node;
}
static inline unsigned numa_node_of_cpu(const struct numa_machine *m, unsigned cpu) {
  return cpu / m->cpus_per_node;
}
/* Where memory lies unless somebody has put it elsewhere: node after node. Past the end: on the last. */
static inline unsigned numa_node_of_frame(const struct numa_machine *m, uint64_t frame) {
  uint64_t node = (frame << 12) / m->memory_per_node;
  return node < m->nodes ? (unsigned)node : m->nodes - 1;
}

/* Read a machine from `text`, which ends with a zero and comes from the file of this name. 0, or -1 with one line in
 * `error` ("FILE:LINE: KEY: what is wrong"). */
__attribute__((warn_unused_result)) int numa_machine_parse(struct numa_machine *out, const char *file, const char *text,
                                                           char *error, size_t n);
/* The machines that come with the program: row i, NULL past the last. name, text: static. */
const char *numa_preset(size_t i, const char **text);
#endif
