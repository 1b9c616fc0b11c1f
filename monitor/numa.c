/* monitor/numa.c: the modelled machine under the VMs: which one, who runs where, and what came of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/file.h"
#include "monitor/monitor.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1 << 20, TRIGGER = 128 /* misses: Disco's */, SAMPLE_US = 4000 };

const char *mb_numa_machine(size_t i, const char **text) {
  return numa_preset(i, text);
}

/* The text of a file, with a zero behind it, owned by the caller. NULL: complained. */
static char *read_text(struct mb_machine *m, const char *path) {
  struct mon_file f = {0};
  char *text = NULL;
  if (mon_file_open(&f, "machine", path, TEXT_MAX, &m->error)) return NULL;
  if (memchr(f.bytes ? f.bytes : (uint8_t *)"", 0, f.n))
    mon_fail(&m->error, MB_ERR_FORMAT, "machine %s: is no text", path);
  else if ((text = malloc(f.n + 1)) && f.n)
    memcpy(text, f.bytes, f.n);
  if (text)
    text[f.n] = 0;
  else if (!m->error.text[0])
    mon_fail(&m->error, MB_ERR_MEMORY, "out of memory");
  mon_file_close(&f);
  return text;
}

int mon_numa_take(struct mb_machine *m, const char *name, const char *text) {
  char error[256];
  free(m->numa_text);
  if (!(m->numa_text = strdup(text))) return mon_fail(&m->error, MB_ERR_MEMORY, "out of memory");
  if (!numa_machine_parse(&m->numa.machine, name, text, error, sizeof error)) return MB_OK;
  return mon_fail(&m->error, MB_ERR_FORMAT, "%s", error);
}

int mon_numa_choose(struct mb_machine *m) {
  const char *wanted = m->config.numa_machine ? m->config.numa_machine : "flash", *name, *text;
  char *own = NULL;
  m->config.numa_machine = NULL; /* borrowed for this only */
  if (m->config.numa == MB_NUMA_OFF) return MB_OK;
  int code = mon_sampling_choose(m);
  if (code) return code;
  for (size_t i = 0; (name = numa_preset(i, &text)) && strcmp(name, wanted);) i++;
  if (!name) text = own = read_text(m, wanted);
  if (!text) return MB_ERR_FILE;
  code = mon_numa_take(m, wanted, text);
  free(own);
  return code;
}

int mon_numa_check(struct mb_machine *m, unsigned vcpus, uint64_t memory) {
  const struct numa_machine *n = &m->numa.machine;
  if (m->config.numa == MB_NUMA_OFF) return MB_OK;
  if (vcpus > numa_cpus(n) && !m->cpus.seats)
    return mon_fail(&m->error, MB_ERR_FIT, "the VMs have %u vcpus together, the machine %s has %u cpus", vcpus, n->name,
                    numa_cpus(n));
  if (memory > n->nodes * n->memory_per_node)
    return mon_fail(&m->error, MB_ERR_FIT,
                    "the VMs have %" PRIu64 " MiB of memory together, the machine %s has %" PRIu64, memory >> 20,
                    n->name, n->nodes * n->memory_per_node >> 20);
  return MB_OK;
}

int mon_numa_start(struct mb_machine *m) {
  const struct numa_machine machine = m->numa.machine;
  if (m->config.numa == MB_NUMA_OFF) return MB_OK;
  enum numa_fidelity fidelity = m->config.numa == MB_NUMA_TLB ? NUMA_TLB : NUMA_CACHE;
  if (!numa_model_init(&m->numa, &machine, fidelity, &m->memmap.memory, TRIGGER)) return mon_sampling_start(m), MB_OK;
  return mon_fail(&m->error, MB_ERR_MEMORY, "out of memory for the modelled machine");
}

unsigned mon_vcpu_cpu(const struct mb_vm *vm, unsigned vcpu) {
  const struct mb_machine *m = vm->machine;
  const struct mon_seat *seat = mon_seat(vm, vcpu);
  if (seat) return seat->cpu;
  for (unsigned i = 0; i < m->vms && m->vm[i] != vm; i++) vcpu += m->vm[i]->config.vcpus;
  return vcpu % numa_cpus(&m->numa.machine);
}

static bool is_all(enum mb_numa n) {
  return n == MB_NUMA_ALL || n == MB_NUMA_SAMPLE_ALL;
}

struct numa_vcpu *mon_numa_vcpu(struct mb_vm *vm, unsigned vcpu) {
  struct numa_vcpu *v = &vm->numa[vcpu];
  if (vm->machine->config.numa == MB_NUMA_OFF) return NULL;
  *v = (struct numa_vcpu){.model = &vm->machine->numa,
                          .cpu = mon_vcpu_cpu(vm, vcpu),
                          .mhz = vm->config.mhz,
                          .untold_off = is_all(vm->machine->config.numa)};
  if (!vcpu) vm->pmap.node = (uint8_t)numa_node_of_cpu(&vm->machine->numa.machine, v->cpu); /* the loader's */
  return v;
}

void mon_numa_turn(struct mb_vm *vm) {
  if (vm->machine->config.numa == MB_NUMA_OFF) return;
  unsigned cpu = mon_vcpu_cpu(vm, vm->turn);
  numa_vcpu_run(&vm->numa[vm->turn], cpu);
  vm->pmap.node = (uint8_t)numa_node_of_cpu(&vm->machine->numa.machine, cpu);
}

void mon_numa_round(struct mb_vm *vm) {
  mon_sampling_charge(vm);
  if (!vm->machine->numa.by_tlb || vm->round_end < vm->numa_sample_at) return;
  vm->numa_sample_at = vm->round_end + (uint64_t)vm->config.mhz * SAMPLE_US;
  for (unsigned i = 0; i < vm->vcpus; i++) mips_numa_sample(&vm->cpu[i]);
}

void mon_numa_written(struct mb_vm *vm, uint64_t at, uint64_t n) {
  if (vm->machine->config.numa < MB_NUMA_CACHE) return;
  for (uint64_t end = at + n, next; at < end; at = next) {
    const struct mmu_page *g = mmu_pmap_page(&vm->pmap, gpa(at));
    next = (at & MMU_PAGE_MASK) + MMU_PAGE_SIZE < end ? (at & MMU_PAGE_MASK) + MMU_PAGE_SIZE : end;
    if (g && g->frame != NUMA_NO_FRAME)
      numa_written(&vm->machine->numa, (uint64_t)g->frame << NUMA_FRAME_BITS | (at & ~MMU_PAGE_MASK), next - at);
  }
}

/* --- what came of it --- */

static json_t *number(uint64_t v) {
  return json_integer((json_int_t)v);
}

static json_t *by_access(const uint64_t n[NUMA_ACCESSES]) {
  return json_pack("{s:I,s:I,s:I}", "load", (json_int_t)n[NUMA_READ], "store", (json_int_t)n[NUMA_WRITE], "fetch",
                   (json_int_t)n[NUMA_FETCH]);
}

static void add_caches(json_t *o, const struct mb_vm *vm, const struct numa_stats *n) {
  json_t *misses = json_object(), *nodes = json_array();
  for (unsigned i = 0; i < NUMA_MISSES; i++) json_object_set_new(misses, numa_miss_name[i], number(n->misses[i]));
  for (unsigned i = 0; i < vm->machine->numa.machine.nodes; i++) json_array_append_new(nodes, number(n->to_node[i]));
  json_object_set_new(o, "l1_misses", by_access(n->l1_misses));
  json_object_set_new(o, "l2_hits", number(n->l2_hits));
  json_object_set_new(o, "misses", misses);
  json_object_set_new(o, "misses_by_home", nodes);
  json_object_set_new(o, "uncached", number(n->uncached));
  json_object_set_new(o, "invalidations", number(n->invalidations));
  json_object_set_new(o, "writebacks", number(n->writebacks));
  json_object_set_new(o, "wait_ns", number(n->wait_ns));
  json_object_set_new(o, "told", by_access(n->told));
}

/* What stall_ns is the sum of, beside what moved pages and references around the caches cost. */
static json_t *stalls_json(const struct mb_vm *vm, const struct numa_stats *n) {
  const struct numa_machine *m = &vm->machine->numa.machine;
  json_t *o = json_object();
  json_object_set_new(o, "tlb", number(n->tlb_refills * m->tlb_refill));
  json_object_set_new(o, "l2", number(n->l2_hits * m->l2_hit));
  for (unsigned i = 0; i < NUMA_MISSES; i++) json_object_set_new(o, numa_miss_name[i], number(n->miss_ns[i]));
  json_object_set_new(o, "wait", number(n->wait_ns));
  return o;
}

static json_t *vcpu_json(const struct mb_vm *vm, unsigned i) {
  const struct numa_stats estimated = numa_estimated(&vm->numa[i]), *n = &estimated;
  json_t *o = json_object();
  json_object_set_new(o, "cpu", number(vm->numa[i].cpu));
  json_object_set_new(o, "node", number(numa_node_of_cpu(&vm->machine->numa.machine, vm->numa[i].cpu)));
  json_object_set_new(o, "tlb_refills", number(n->tlb_refills));
  json_object_set_new(o, "tlb_samples", number(n->tlb_samples));
  json_object_set_new(o, "stall_ns", number(n->stall_ns));
  json_object_set_new(o, "stall_ns_by", stalls_json(vm, n));
  if (vm->machine->numa.fidelity == NUMA_CACHE) add_caches(o, vm, n);
  if (!mon_is_sampled(vm->machine)) return o;
  json_t *measured = json_object();
  json_object_set_new(measured, "instructions", number(vm->numa[i].sampled.all_instructions));
  json_object_set_new(measured, "tlb_refills", number(vm->numa[i].sampled.all.tlb_refills));
  json_object_set_new(measured, "stall_ns", number(vm->numa[i].sampled.all.stall_ns));
  add_caches(measured, vm, &vm->numa[i].sampled.all);
  json_object_set_new(o, "measured", measured);
  return o;
}

struct json_t *mon_numa_json(const struct mb_vm *vm) {
  json_t *o = json_object(), *vcpus = json_array();
  static const char *const name[] = {
      [MB_NUMA_OFF] = "off",       [MB_NUMA_TLB] = "tlb",       [MB_NUMA_CACHE] = "cache",
      [MB_NUMA_ALL] = "cache-all", [MB_NUMA_SAMPLE] = "sample", [MB_NUMA_SAMPLE_ALL] = "sample-all"};
  json_object_set_new(o, "fidelity", json_string(name[vm->machine->config.numa]));
  json_object_set_new(o, "machine", json_string(vm->machine->numa.machine.name));
  json_object_set_new(o, "nodes", number(vm->machine->numa.machine.nodes));
  for (unsigned i = 0; i < vm->vcpus; i++) json_array_append_new(vcpus, vcpu_json(vm, i));
  json_object_set_new(o, "vcpus", vcpus);
  if (mon_is_sampled(vm->machine)) json_object_set_new(o, "sampled", mon_sampling_json(vm));
  return o;
}
