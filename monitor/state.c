/* monitor/state.c: all that decides how a machine goes on, as state: the VMs, part by part. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Not here, because it is the host's affair and no guest can tell: translations, soft TLBs, views, which pages are
 * open, samples, the terminal, wall time. */
#include "monitor/monitor.h"

/* To be raised when the fields of a part change. The board's devices have their own: iosys/board_*.c. */
enum { MEMORY = 2, SUBNETS = 1, ROUND = 1, VM = 3, CONSOLE = 1, CPU = 2, DISKS = 1, NETS = 1, MODEL = 1, SEATS = 1 };

static void vcpu_state(struct mon_vcpu *v, struct snap *s) {
  SNAP(s, v->up);
  SNAP(s, v->start);
  SNAP(s, v->at);
}

/* Whose turn it is, and what has come of the VM. */
static void run_state(struct mb_vm *vm, struct snap *s) {
  const uint64_t end = UINT64_C(1) << 62; /* of time */
  uint32_t turn = vm->turn, ran = vm->ran, why = vm->why, code = vm->guest_code;
  SNAP(s, turn);
  SNAP(s, ran);
  SNAP(s, vm->round_end);
  SNAP(s, vm->paused);
  SNAP(s, vm->between);
  SNAP(s, vm->stopping);
  SNAP(s, why);
  SNAP(s, code);
  SNAP(s, vm->cache_hits);
  SNAP(s, vm->cache_misses);
  for (unsigned i = 0; i < vm->vcpus; i++) vcpu_state(&vm->vcpu[i], s);
  io_clock_state(&vm->clock, s);
  if (!snap_check(s, turn < vm->vcpus && why <= MB_STOP_ERROR && vm->round_end < end && vm->clock.now < end &&
                         vm->clock.stall < end))
    return;
  vm->turn = turn;
  vm->ran = ran;
  vm->why = (enum mb_stop)why;
  vm->guest_code = code;
}

static void nets_state(struct mb_vm *vm, struct snap *s) {
  for (unsigned i = 0; i < vm->config.nets; i++)
    if (vm->config.net[i].kind == MB_NET_NAT)
      io_nat_state(&vm->net[i].nat, s);
    else
      io_station_state(&vm->net[i].station, s);
}

static void vm_state(struct mb_vm *vm, struct snap *s) {
  snap_begin(s, "vm", VM);
  run_state(vm, s);
  snap_end(s);
  snap_begin(s, "console", CONSOLE);
  mon_console_state(&vm->console, s);
  snap_end(s);
  for (unsigned i = 0; i < vm->vcpus; i++) {
    snap_begin(s, "cpu", CPU);
    mips_cpu_state(&vm->cpu[i], s);
    snap_end(s);
  }
  io_board_state(&vm->board, s);
  snap_begin(s, "disks", DISKS);
  for (unsigned i = 0; i < vm->config.disks; i++) io_host_disk_state(&vm->disk[i].disk, s);
  snap_end(s);
  snap_begin(s, "nets", NETS);
  nets_state(vm, s);
  snap_end(s);
}

/* --- the modelled machine, and who shares its cpus --- */

static void model_state(struct mb_machine *m, struct snap *s) {
  numa_model_state(&m->numa, s);
  for (unsigned i = 0; i < m->vms && !s->bad; i++) {
    struct mb_vm *vm = m->vm[i];
    for (unsigned k = 0; k < vm->vcpus && !s->bad; k++) numa_vcpu_state(&vm->numa[k], s);
    SNAP(s, vm->numa_sample_at);
    SNAP(s, vm->pmap.node); /* what a device writes between two turns is placed there */
    if (!snap_check(s, vm->pmap.node < m->numa.machine.nodes)) vm->pmap.node = 0;
  }
  if (!s->bad) mon_balance_state(m->balance, s);
}

static void seats_state(struct mb_machine *m, struct snap *s) {
  mon_cpus_state(&m->cpus, s);
}

/* A part that is there if the machine that was saved had it. What begins anew does so. */
static void part_state(struct mb_machine *m, const char *name, uint32_t version, bool here,
                       void (*state)(struct mb_machine *m, struct snap *s), struct snap *s) {
  bool there = here;
  SNAP(s, there);
  if (s->restoring && m->config.anew) {
    if (there) snap_skip(s, name);
    return;
  }
  if (!snap_check(s, there == here) || !there) return;
  snap_begin(s, name, version);
  state(m, s);
  snap_end(s);
}

void mon_machine_state(struct mb_machine *m, const struct mmu_kept *kept, uint32_t pages, struct snap *s) {
  snap_begin(s, "memory", MEMORY);
  mmu_memmap_state(&m->memmap, kept, pages, s);
  snap_end(s);
  mon_vms_state(m, s);
}

void mon_vms_state(struct mb_machine *m, struct snap *s) {
  snap_begin(s, "round", ROUND);
  mon_round_state(m, s);
  snap_end(s);
  snap_begin(s, "subnets", SUBNETS);
  for (unsigned i = 0; i < m->subnets; i++) io_switch_state(m->subnet[i].at, s);
  snap_end(s);
  for (unsigned i = 0; i < m->vms; i++) vm_state(m->vm[i], s);
  part_state(m, "model", MODEL, m->config.numa != MB_NUMA_OFF, model_state, s);
  part_state(m, "scheduler", SEATS, m->cpus.seats != 0, seats_state, s);
}
