/* numa-model/model.h: the modelled machine at work: what each reference to memory waits for. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Two fidelities. NUMA_TLB: the machine TLB's refills are charged and counted by page (mmu/machine_tlb.c is that TLB).
 * NUMA_CACHE: every load, store and fetch goes through the caches of its cpu, two levels that have what the level above
 * has, least recently used first out, kept coherent as by a directory that knows every copy (MESI). The model is exact
 * and knows nothing of virtual addresses: machine addresses are frame number and offset.
 *
 * Whoever runs a vcpu need not tell of every reference: one to the line that was last used of its set changes nothing
 * and costs nothing, as long as it has the rights. `lost` says when that no longer holds.
 *
 * One thread at a time, for all VMs of a machine. Addresses count up from 0; a page without a frame goes by the number
 * of the frame that would be its own. */
#ifndef NUMA_MODEL_MODEL_H
#define NUMA_MODEL_MODEL_H
#include "numa-model/counters.h"
#include "numa-model/machine.h"
#include "numa-model/numa.h"
#include "numa-model/sample.h"

enum numa_fidelity { NUMA_OFF, NUMA_TLB, NUMA_CACHE };
enum numa_access { NUMA_READ, NUMA_WRITE, NUMA_FETCH, NUMA_ACCESSES };
/* How the second level's miss was served. CLEAN, near or far: by memory. DIRTY: by another cpu's cache. UPGRADE: a
 * write to a line that others may have, too: no data were wanted, but the right. */
enum numa_miss { NUMA_MISS_LOCAL, NUMA_MISS_REMOTE, NUMA_MISS_DIRTY, NUMA_MISS_UPGRADE, NUMA_MISSES };
extern const char *const numa_miss_name[NUMA_MISSES];

struct numa_stats {
  uint64_t tlb_refills, tlb_samples;
  uint64_t told[NUMA_ACCESSES]; /* references that the model was told of */
  uint64_t l1_misses[NUMA_ACCESSES];
  uint64_t l2_hits, uncached;
  uint64_t misses[NUMA_MISSES];
  uint64_t miss_ns[NUMA_MISSES];      /* charged for them; waiting for others is wait_ns */
  uint64_t to_node[NUMA_NODES_MAX];   /* misses of the second level, by home */
  uint64_t invalidations, writebacks; /* copies of others that went; lines given back changed */
  uint64_t memory_ns;                 /* what references waited for, */
  uint64_t wait_ns;                   /* of it for others at a home */
  uint64_t stall_ns;                  /* all that was charged: these, refills, moved pages */
};

/* What was measured of a vcpu in intervals, and what that says about the rest of the time. */
struct numa_sampled {
  struct numa_stats at;     /* its counts, when the present warming or measuring began, */
  uint64_t at_instructions; /* and the instructions it had made then */
  struct numa_stats recent; /* in the intervals so far, each half as much as the next, */
  uint64_t instructions;    /* which were so many instructions; 0: there was none yet */
  struct numa_stats all;    /* in all intervals */
  uint64_t all_instructions;
  uint64_t owed; /* instructions outside of intervals that go by `recent`, and are not in the counts yet */
  uint64_t rest; /* of what they were charged: ns * instructions that made no ns yet */
};

struct numa_model;
/* A vcpu, as the model knows it. */
struct numa_vcpu {
  struct numa_model *model; /* NULL: nothing is modelled */
  unsigned cpu;             /* where it runs */
  unsigned mhz;             /* of the VM's clock */
  uint32_t rest;            /* of stalls, in 1/1000 cycles, that made no cycle yet */
  struct numa_stats n;
  struct numa_sampled sampled;
  /* References to this set of the first level (fetches: the instructions') are to be told again; set NUMA_ALL_SETS: to
   * every one. */
  bool untold_off; /* every reference is told: slow, for whoever checks that it makes no difference */
  void (*lost)(void *ctx, bool fetch, uint32_t set);
  void *ctx;
};
#define NUMA_ALL_SETS UINT32_MAX

struct numa_way {
  uint64_t line; /* machine address / line size; NUMA_NO_LINE */
  uint8_t state;
};
#define NUMA_NO_LINE UINT64_MAX

/* The ways of a set stand in the order in which they were used, the last first. */
struct numa_level {
  struct numa_way *way; /* [set * ways + k]; NULL: there are no caches */
  uint32_t sets, ways, shift;
};
struct numa_cpu {
  struct numa_level l1i, l1d, l2;
  struct numa_vcpu *running; /* the last one; NULL: nobody has yet */
};
/* A home's load, window by window of virtual time. */
struct numa_home {
  uint64_t window;
  uint32_t requests, before; /* in this one, in the one before */
};

struct numa_model {
  struct numa_machine machine;
  enum numa_fidelity fidelity;
  struct numa_memory *memory; /* borrowed: frames know their homes */
  struct numa_counters counters;
  struct numa_cpu *cpu; /* numa_cpus() */
  struct numa_home home[NUMA_NODES_MAX];
  struct numa_sampling sampling; /* set after _init; every: 0: caches are modelled all the time */
  enum numa_phase phase;         /* MEASURE then */
  /* What page counters are fed with: how often a miss of the caches counts, 0: not at all; and are misses of the TLB
   * counted, too? */
  unsigned weight;
  bool by_tlb;
};

/* `memory`: of the machine, outlives the model; each frame gets its home. trigger: see struct numa_counters. 0 or -1
 * (no memory). _fini takes a zeroed one, too. */
__attribute__((warn_unused_result)) int numa_model_init(struct numa_model *m, const struct numa_machine *machine,
                                                        enum numa_fidelity fidelity, struct numa_memory *memory,
                                                        uint16_t trigger);
void numa_model_fini(struct numa_model *m);
/* A vcpu runs on a cpu from now on; what it had on another stays there. Call it when its turn begins, too. */
void numa_vcpu_run(struct numa_vcpu *v, unsigned cpu);

/* The machine TLB had no entry for a page, and gets one. What that costs, in ns. */
uint64_t numa_refill(struct numa_vcpu *v, uint32_t frame, bool write);
/* A page was found in use: it counts as this many misses, and costs nothing. */
enum { NUMA_SAMPLE_WEIGHT = 16 };
void numa_sampled(struct numa_vcpu *v, uint32_t frame, bool write);
/* A reference through the caches, at a time in cycles of the vcpu. What it waits for, in ns. */
uint64_t numa_refer(struct numa_vcpu *v, uint64_t address, enum numa_access kind, uint64_t now);
/* The same around the caches. */
uint64_t numa_refer_uncached(struct numa_vcpu *v, uint64_t address, uint64_t now);
/* A device writes there, or the page gets other bytes: nobody has a copy of these bytes any more. */
void numa_written(struct numa_model *m, uint64_t address, uint64_t bytes);
/* ns in cycles; what makes no whole one is kept for the next time. Counts as stall. */
uint64_t numa_charge(struct numa_vcpu *v, uint64_t ns);

static inline uint32_t numa_set(const struct numa_level *l, uint64_t address) {
  return (uint32_t)(address >> l->shift) & (l->sets - 1);
}
/* The first level that a kind of reference goes through. */
static inline const struct numa_level *numa_first_level(const struct numa_vcpu *v, enum numa_access kind) {
  const struct numa_cpu *c = &v->model->cpu[v->cpu];
  return kind == NUMA_FETCH ? &c->l1i : &c->l1d;
}
/* May the last used line of the set of this address, which is the one there, be written to untold? */
bool numa_may_write(const struct numa_vcpu *v, uint64_t address);

/* All that is modelled but for its memory's places; of a vcpu what it has been charged, and where it runs. */
void numa_model_state(struct numa_model *m, struct snap *s);
void numa_vcpu_state(struct numa_vcpu *v, struct snap *s);
/* --- sampling: what whoever knows the time and runs the vcpus calls at the beginning of each phase --- */
/* A vcpu, which has made so many instructions, goes from the present phase to another, or from an interval to the next.
 * Returns whether one was measured, which was *x instructions and *y, counts. */
bool numa_vcpu_phase(struct numa_vcpu *v, enum numa_phase to, uint64_t instructions, uint64_t *x, struct numa_stats *y);
/* It has made so many instructions. What they wait for, in ns, going by its recent intervals. */
uint64_t numa_extrapolate(struct numa_vcpu *v, uint64_t instructions);
/* What it has counted, and would have outside of intervals. */
struct numa_stats numa_estimated(const struct numa_vcpu *v);
void numa_stats_add(struct numa_stats *to, const struct numa_stats *n);

/* Within numa-model/. */
void numa_caches_state(struct numa_cpu *c, struct snap *s);
int numa_caches_init(struct numa_cpu *c, const struct numa_machine *m);
void numa_caches_fini(struct numa_cpu *c);
/* Which kind of miss a read or write of memory by a cpu is, and its ns, waiting included. */
uint64_t numa_memory_ns(struct numa_vcpu *v, uint64_t address, bool write, enum numa_miss kind, uint64_t now);
#endif
