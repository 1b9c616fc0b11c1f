/* monitor/inject.c: trouble made on purpose: interrupts, errors of memory and disks, cut cables. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/monitor.h"

/* May something be done to it now? */
static int check_runs(struct mb_vm *vm, const char *what) {
  if (vm->started && mon_may_go_on(vm) && !vm->threads) return MB_OK;
  return mon_fail(vm->error, MB_ERR_STATE, "%s: the VM %s", what,
                  vm->threads ? "has parallel vcpus, which stop nowhere in particular" : "does not run");
}

int mb_inject_irq(struct mb_vm *vm, unsigned vcpu, unsigned line, bool level) {
  int code = check_runs(vm, "an interrupt");
  if (code) return code;
  if (vcpu >= vm->vcpus || line > 5)
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "there is no hardware interrupt %u of vcpu %u (lines 0 to 5, %u vcpus)",
                    line, vcpu, vm->vcpus);
  mips_irq_set(&vm->cpu[vcpu], (int)line, level);
  return MB_OK;
}

int mb_inject_memory_error(struct mb_vm *vm, enum mb_memory_error kind) {
  struct cpu *c = mon_cpu(vm);
  int code = check_runs(vm, "a memory error");
  if (code) return code;
  if (c->dead || c->cp0.status & (ST_EXL | ST_ERL))
    return mon_fail(vm->error, MB_ERR_STATE, "a memory error: the vcpu is in the first steps of an exception");
  if (kind == MB_MEMORY_ERROR_BUS)
    mips_bus_error(c);
  else
    mips_cache_error(c);
  return MB_OK;
}

int mb_inject_disk_fault(struct mb_vm *vm, unsigned disk, const struct mb_disk_fault *f) {
  int code = check_runs(vm, "a disk error");
  if (code) return code;
  if (disk >= vm->config.disks)
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "there is no disk %u: the VM has %u, from 0", disk, vm->config.disks);
  if (!f->n || f->n > UINT64_MAX - f->at)
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "a disk error that touches no byte of a disk");
  vm->disk[disk].disk.fault =
      (struct io_disk_fault){.at = f->at, .n = f->n, .read = f->read, .write = f->write, .times = f->times};
  return MB_OK;
}

int mb_inject_net_cut(struct mb_vm *vm, unsigned net, bool cut) {
  int code = check_runs(vm, "a cut cable");
  if (code) return code;
  if (net >= vm->config.nets)
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "there is no network card %u: the VM has %u, from 0", net,
                    vm->config.nets);
  bool nat = vm->config.net[net].kind == MB_NET_NAT;
  *(nat ? &vm->net[net].nat.wire.cut : &vm->net[net].station.wire.cut) = cut;
  return MB_OK;
}
