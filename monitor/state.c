/* monitor/state.c: all that decides how a machine goes on, as state: the VMs, part by part. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Not here, because it is the host's affair and no guest can tell: translations, soft TLBs, views, which pages are
 * open, samples, the terminal, wall time. */
#include "monitor/monitor.h"

/* To be raised when the fields of a part change. The board's devices have their own: iosys/board_*.c. */
enum { MEMORY = 1, SUBNETS = 1, VM = 1, CONSOLE = 1, CPU = 1, DISKS = 1, NETS = 1 };

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

void mon_machine_state(struct mb_machine *m, const struct mmu_kept *kept, uint32_t pages, struct snap *s) {
  snap_begin(s, "memory", MEMORY);
  mmu_memmap_state(&m->memmap, kept, pages, s);
  snap_end(s);
  snap_begin(s, "subnets", SUBNETS);
  for (unsigned i = 0; i < m->subnets; i++) io_switch_state(m->subnet[i].at, s);
  snap_end(s);
  for (unsigned i = 0; i < m->vms; i++) vm_state(m->vm[i], s);
}
