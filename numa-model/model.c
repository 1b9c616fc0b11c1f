/* numa-model/model.c: homes, refills and the price of going to memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "numa-model/model.h"
#include "numa-model/placement.h"
#include <stdlib.h>

const char *const numa_miss_name[NUMA_MISSES] = {"local", "remote_clean", "remote_dirty", "upgrade"};

int numa_model_init(struct numa_model *m, const struct numa_machine *machine, enum numa_fidelity fidelity,
                    struct numa_memory *memory, uint16_t trigger) {
  unsigned cpus = numa_cpus(machine);
  *m = (struct numa_model){.machine = *machine,
                           .fidelity = fidelity,
                           .memory = memory,
                           .phase = NUMA_PHASE_MEASURE,
                           .weight = 1,
                           .by_tlb = fidelity == NUMA_TLB};
  m->cpu = calloc(cpus, sizeof *m->cpu);
  int bad = !m->cpu || numa_counters_init(&m->counters, memory->frames, machine->nodes, trigger);
  for (unsigned i = 0; !bad && fidelity == NUMA_CACHE && i < cpus; i++) bad = numa_caches_init(&m->cpu[i], machine);
  for (uint32_t f = 0; f < memory->frames; f++) memory->frame[f].node = (uint16_t)numa_node_of_frame(machine, f);
  if (!bad) return 0;
  numa_model_fini(m);
  return -1;
}

void numa_model_fini(struct numa_model *m) {
  for (unsigned i = 0; m->cpu && i < numa_cpus(&m->machine); i++) numa_caches_fini(&m->cpu[i]);
  free(m->cpu);
  numa_counters_fini(&m->counters);
  *m = (struct numa_model){0};
}

void numa_vcpu_run(struct numa_vcpu *v, unsigned cpu) {
  struct numa_cpu *from = &v->model->cpu[v->cpu], *to = &v->model->cpu[cpu];
  if (to->running == v) return;
  if (from->running == v) from->running = NULL;
  if (to->running && to->running->lost) {
    to->running->lost(to->running->ctx, false, NUMA_ALL_SETS);
    to->running->lost(to->running->ctx, true, NUMA_ALL_SETS);
  }
  if (v->lost) {
    v->lost(v->ctx, false, NUMA_ALL_SETS);
    v->lost(v->ctx, true, NUMA_ALL_SETS);
  }
  v->cpu = cpu;
  to->running = v;
}

uint64_t numa_charge(struct numa_vcpu *v, uint64_t ns) {
  uint64_t parts = ns * v->mhz + v->rest;
  v->n.stall_ns += ns;
  v->rest = (uint32_t)(parts % 1000);
  return parts / 1000;
}

static unsigned node_of(const struct numa_vcpu *v) {
  return numa_node_of_cpu(&v->model->machine, v->cpu);
}

uint64_t numa_refill(struct numa_vcpu *v, uint32_t frame, bool write) {
  struct numa_model *m = v->model;
  v->n.tlb_refills++;
  if (m->memory->places) numa_touched(m->memory->places, frame, node_of(v));
  if (m->by_tlb) numa_counters_miss(&m->counters, frame, node_of(v), write, 1);
  return m->machine.tlb_refill;
}

void numa_sampled(struct numa_vcpu *v, uint32_t frame, bool write) {
  v->n.tlb_samples++;
  numa_counters_miss(&v->model->counters, frame, node_of(v), write, NUMA_SAMPLE_WEIGHT);
}

/* Requests come in an order that is not quite that of their times, since vcpus live through a stretch of time one after
 * the other. So how long one waits follows from how busy the home was in the window before, as of random arrivals and
 * equal service (M/D/1). */
enum { WINDOW_US = 100, WINDOW_NS = WINDOW_US * 1000, IDLE_LEAST = WINDOW_NS / 20 };

static uint64_t wait_ns(struct numa_vcpu *v, unsigned home, uint64_t now) {
  const struct numa_machine *machine = &v->model->machine;
  struct numa_home *h = &v->model->home[home];
  uint64_t window = now / ((uint64_t)v->mhz * WINDOW_US);
  if (!machine->contention) return 0;
  if (window > h->window) {
    h->before = window == h->window + 1 ? h->requests : 0;
    h->requests = 0;
    h->window = window;
  }
  h->requests++;
  uint64_t busy = (uint64_t)h->before * machine->occupancy, idle = busy < WINDOW_NS ? WINDOW_NS - busy : 0;
  return machine->occupancy * busy / (2 * (idle < IDLE_LEAST ? IDLE_LEAST : idle));
}

uint64_t numa_memory_ns(struct numa_vcpu *v, uint64_t address, bool write, enum numa_miss kind, uint64_t now) {
  struct numa_model *m = v->model;
  uint32_t frame = (uint32_t)(address >> NUMA_FRAME_BITS);
  unsigned node = node_of(v);
  if (m->memory->places) numa_touched(m->memory->places, frame, node);
  unsigned home = m->memory->frame[frame].node;
  /* A replica serves reads; the policy sees to it that what is written has none. */
  unsigned from = !write && numa_is_near(&m->counters, frame, home, node) ? node : home;
  uint64_t wait = wait_ns(v, from, now);
  if (kind == NUMA_MISS_LOCAL && from != node) kind = NUMA_MISS_REMOTE;
  v->n.misses[kind]++;
  v->n.to_node[from]++;
  v->n.wait_ns += wait;
  if (m->weight) numa_counters_miss(&m->counters, frame, node, write, m->weight);
  uint64_t ns = m->machine.latency[node][from] + (kind == NUMA_MISS_DIRTY ? m->machine.dirty : 0);
  v->n.miss_ns[kind] += ns;
  return ns + wait;
}

uint64_t numa_refer_uncached(struct numa_vcpu *v, uint64_t address, uint64_t now) {
  const struct numa_model *m = v->model;
  unsigned home = m->memory->frame[address >> NUMA_FRAME_BITS].node;
  uint64_t wait = wait_ns(v, home, now);
  uint64_t ns = m->machine.latency[node_of(v)][home] + wait;
  v->n.uncached++;
  v->n.wait_ns += wait;
  v->n.memory_ns += ns;
  return ns;
}

/* --- state --- */

void numa_model_state(struct numa_model *m, struct snap *s) {
  for (unsigned i = 0; i < m->machine.nodes; i++) {
    SNAP(s, m->home[i].window);
    SNAP(s, m->home[i].requests);
    SNAP(s, m->home[i].before);
  }
  for (unsigned i = 0; i < numa_cpus(&m->machine) && !s->bad; i++) numa_caches_state(&m->cpu[i], s);
  numa_counters_state(&m->counters, s);
}

_Static_assert(sizeof(struct numa_stats) % sizeof(uint64_t) == 0, "it is numbers of 64 bits, one behind the other");

void numa_vcpu_state(struct numa_vcpu *v, struct snap *s) {
  unsigned cpu = v->cpu;
  SNAP(s, cpu);
  SNAP(s, v->rest);
  snap_numbers(s, &v->n, sizeof(uint64_t), sizeof v->n / sizeof(uint64_t));
  if (snap_check(s, cpu < numa_cpus(&v->model->machine) && v->rest < 1000)) v->cpu = cpu;
}
