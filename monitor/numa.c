/* monitor/numa.c: the modelled machine under the VMs: which one, who runs where, and what came of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/file.h"
#include "monitor/monitor.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1 << 20, TRIGGER = 128 /* misses: Disco's */, SAMPLE_US = 1000 };

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

int mon_numa_choose(struct mb_machine *m) {
  const char *wanted = m->config.numa_machine ? m->config.numa_machine : "flash", *name, *text;
  char *own = NULL, error[256];
  m->config.numa_machine = NULL; /* borrowed for this only */
  if (m->config.numa == MB_NUMA_OFF) return MB_OK;
  for (size_t i = 0; (name = numa_preset(i, &text)) && strcmp(name, wanted);) i++;
  if (!name) text = own = read_text(m, wanted);
  if (!text) return MB_ERR_FILE;
  int bad = numa_machine_parse(&m->numa.machine, wanted, text, error, sizeof error);
  free(own);
  return bad ? mon_fail(&m->error, MB_ERR_FORMAT, "%s", error) : MB_OK;
}

int mon_numa_check(struct mb_machine *m, unsigned vcpus, uint64_t memory) {
  const struct numa_machine *n = &m->numa.machine;
  if (m->config.numa == MB_NUMA_OFF) return MB_OK;
  if (vcpus > numa_cpus(n))
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
  if (!numa_model_init(&m->numa, &machine, NUMA_TLB, &m->memmap.memory, TRIGGER)) return MB_OK;
  return mon_fail(&m->error, MB_ERR_MEMORY, "out of memory for the modelled machine");
}

unsigned mon_vcpu_cpu(const struct mb_vm *vm, unsigned vcpu) {
  const struct mb_machine *m = vm->machine;
  for (unsigned i = 0; i < m->vms && m->vm[i] != vm; i++) vcpu += m->vm[i]->config.vcpus;
  return vcpu % numa_cpus(&m->numa.machine);
}

struct numa_vcpu *mon_numa_vcpu(struct mb_vm *vm, unsigned vcpu) {
  struct numa_vcpu *v = &vm->numa[vcpu];
  if (vm->machine->config.numa == MB_NUMA_OFF) return NULL;
  *v = (struct numa_vcpu){.model = &vm->machine->numa, .cpu = mon_vcpu_cpu(vm, vcpu), .mhz = vm->config.mhz};
  return v;
}

void mon_numa_turn(struct mb_vm *vm) {
  if (vm->machine->config.numa == MB_NUMA_OFF) return;
  numa_vcpu_run(&vm->numa[vm->turn], mon_vcpu_cpu(vm, vm->turn));
}

void mon_numa_round(struct mb_vm *vm) {
  if (vm->machine->config.numa == MB_NUMA_OFF || vm->round_end < vm->numa_sample_at) return;
  vm->numa_sample_at = vm->round_end + (uint64_t)vm->config.mhz * SAMPLE_US;
  for (unsigned i = 0; i < vm->vcpus; i++) mips_numa_sample(&vm->cpu[i]);
}

/* --- what came of it --- */

static json_t *number(uint64_t v) {
  return json_integer((json_int_t)v);
}

static json_t *vcpu_json(const struct mb_vm *vm, unsigned i) {
  const struct numa_stats *n = &vm->numa[i].n;
  json_t *o = json_object();
  json_object_set_new(o, "cpu", number(vm->numa[i].cpu));
  json_object_set_new(o, "node", number(numa_node_of_cpu(&vm->machine->numa.machine, vm->numa[i].cpu)));
  json_object_set_new(o, "tlb_refills", number(n->tlb_refills));
  json_object_set_new(o, "tlb_samples", number(n->tlb_samples));
  json_object_set_new(o, "stall_ns", number(n->stall_ns));
  return o;
}

struct json_t *mon_numa_json(const struct mb_vm *vm) {
  json_t *o = json_object(), *vcpus = json_array();
  json_object_set_new(o, "fidelity", json_string("tlb"));
  json_object_set_new(o, "machine", json_string(vm->machine->numa.machine.name));
  json_object_set_new(o, "nodes", number(vm->machine->numa.machine.nodes));
  for (unsigned i = 0; i < vm->vcpus; i++) json_array_append_new(vcpus, vcpu_json(vm, i));
  json_object_set_new(o, "vcpus", vcpus);
  return o;
}
