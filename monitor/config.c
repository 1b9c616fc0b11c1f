/* monitor/config.c: a VM's configuration: its strings owned, its values checked. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/monitor.h"
#include <stdlib.h>
#include <string.h>

enum { APPEND_MAX = 4095 }; /* Linux keeps 4096 bytes of kernel parameters */

/* Replace a borrowed string by a copy. */
static bool own(const char **s) {
  const char *copy = *s ? strdup(*s) : NULL;
  bool fine = copy || !*s;
  *s = copy;
  return fine;
}

int mon_config_own(struct mb_vm *vm, const struct mb_config *config) {
  struct mb_config *c = &vm->config;
  *c = *config;
  bool fine = own(&c->name);
  fine &= own(&c->board);
  fine &= own(&c->cpu);
  fine &= own(&c->append);
  fine &= own(&c->code_store);
  fine &= own(&c->trace_file);
  for (unsigned i = 0; i < MB_DISKS_MAX; i++) fine &= own(&c->disk[i].path);
  for (unsigned i = 0; i < MB_NETS_MAX; i++) fine &= own(&c->net[i].subnet);
  return fine ? MB_OK : mon_fail(vm->error, MB_ERR_MEMORY, "out of memory");
}

static void let_go(const char *s) {
  free((char *)(uintptr_t)s);
}

void mon_config_fini(struct mb_config *c) {
  let_go(c->name);
  let_go(c->board);
  let_go(c->cpu);
  let_go(c->append);
  let_go(c->code_store);
  let_go(c->trace_file);
  for (unsigned i = 0; i < MB_DISKS_MAX; i++) let_go(c->disk[i].path);
  for (unsigned i = 0; i < MB_NETS_MAX; i++) let_go(c->net[i].subnet);
}

static bool is_name(const char *s) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  size_t n = strlen(s);
  return n && n <= MB_NAME_MAX && strspn(s, letters) == n;
}

int mon_config_check(struct mb_vm *vm) {
  struct mb_config *c = &vm->config;
  if (c->name && !is_name(c->name))
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "\"%s\" is no name: 1 to %d letters, digits or ._-", c->name,
                    MB_NAME_MAX);
  vm->kind = c->board ? io_board_find(c->board) : io_board_kind(0);
  if (!vm->kind) return mon_fail(vm->error, MB_ERR_ARGUMENT, "no board is called \"%s\"", c->board);
  vm->model = cpu_model_find(c->cpu ? c->cpu : vm->kind->cpu32);
  if (!vm->model) return mon_fail(vm->error, MB_ERR_ARGUMENT, "no cpu model is called \"%s\"", c->cpu);
  if (!c->memory) c->memory = (uint64_t)256 << 20;
  if (c->memory < MB_MEMORY_MIN || c->memory > MB_MEMORY_MAX)
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "a board has %u to %u MiB of memory", (unsigned)(MB_MEMORY_MIN >> 20),
                    (unsigned)(MB_MEMORY_MAX >> 20));
  if (c->memory & 0xfffff) return mon_fail(vm->error, MB_ERR_ARGUMENT, "the memory size must be a whole number of MiB");
  if (!c->mhz) c->mhz = vm->machine->config.numa ? vm->machine->numa.machine.clock : 200;
  if (!c->vcpus) c->vcpus = 1;
  if (c->vcpus > vm->kind->vcpus)
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "the board %s has at most %u vcpu%s", vm->kind->name, vm->kind->vcpus,
                    vm->kind->vcpus > 1 ? "s" : "");
  for (unsigned i = c->vcpus; i < MB_PINS_MAX; i++)
    if (c->pin[i])
      return mon_fail(vm->error, MB_ERR_ARGUMENT, "pin %u=%u: the vcpus are 0 to %u", i, c->pin[i] - 1u, c->vcpus - 1);
  if (c->mhz > vm->kind->mhz)
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "the clock rate must be at most %u MHz on the board %s", vm->kind->mhz,
                    vm->kind->name);
  if (c->append && strlen(c->append) > APPEND_MAX)
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "the kernel parameters are longer than %d bytes", APPEND_MAX);
  if (!c->l2tlb) c->l2tlb = MMU_L2TLB_DEFAULT;
  if (c->l2tlb != MB_L2TLB_OFF && (c->l2tlb < MMU_L2TLB_MIN || c->l2tlb > MMU_L2TLB_MAX || c->l2tlb & (c->l2tlb - 1)))
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "the second-level TLB has 0 entries, or a power of two from %d to %d",
                    MMU_L2TLB_MIN, MMU_L2TLB_MAX);
  if ((unsigned)c->mode > MB_MODE_TRANSLATE) return mon_fail(vm->error, MB_ERR_ARGUMENT, "there is no such mode");
  if (!c->machine_tlb) c->machine_tlb = MMU_MACHINE_TLB_DEFAULT;
  if (c->machine_tlb != MB_MACHINE_TLB_OFF && c->machine_tlb > MMU_MACHINE_TLB_MAX)
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "the machine TLB has 0 to %d entries", MMU_MACHINE_TLB_MAX);
  if (c->code_cache && (c->code_cache < MB_CODE_CACHE_MIN || c->code_cache > MB_CODE_CACHE_MAX))
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "the code cache takes 1 MiB to 1 GiB");
  if (c->parallel && (c->events || c->profile_every || c->profile_exact || c->coverage || c->check))
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "%s for vcpus that take turns: not for parallel ones",
                    c->events                              ? "events are"
                    : c->check                             ? "checks are"
                    : c->profile_every || c->profile_exact ? "profiles are"
                                                           : "coverage is");
  if (vm->machine->config.numa && (c->parallel || c->mode == MB_MODE_TRAP))
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "a modelled machine is for vcpus that take turns, %s",
                    c->parallel ? "not for parallel ones" : "in mode bare or translate");
  if (!mb_has_tier(c->tier)) return mon_fail(vm->error, MB_ERR_ARGUMENT, "this build has no such tier");
  return MB_OK;
}
