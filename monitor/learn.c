/* monitor/learn.c: symbols learned from the guest: the table a Linux kernel keeps in its own memory. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel that has moved itself (KASLR) may leave a copy with addresses that hold no more. Of tables that disagree the
 * one is taken into which the pcs seen in kernel mode fall; when that does not decide, where more pages have run; when
 * neither does, none. */
#include "monitor/kallsyms.h"
#include "monitor/modules.h"
#include "monitor/monitor.h"
#include "monitor/ram.h"

enum { TABLES_MAX = 8, WITNESSES = 4096 };

static bool within(const struct mon_kallsyms *k, uint64_t va) {
  return va >= mon_kallsyms_address(k, 0) && va <= mon_kallsyms_address(k, k->n - 1);
}

static uint32_t pages_run(const struct mb_vm *vm, const struct mon_kallsyms *k) {
  enum { UNMAPPED = 0x1fffffff, PAGES_MAX = 1 << 14 }; /* of an address in kseg0; of a kernel */
  uint64_t va = mon_kallsyms_address(k, 0), end = mon_kallsyms_address(k, k->n - 1);
  uint32_t n = 0;
  for (int i = 0; i < PAGES_MAX && va < end && mips_unmapped(va); i++, va += MMU_PAGE_SIZE) {
    const struct mmu_page *g = mmu_pmap_page(&vm->pmap, gpa(va & UNMAPPED));
    n += g && g->code;
  }
  return n;
}

static uint64_t agreement(const struct mb_vm *vm, const struct mon_kallsyms *k) {
  const struct cpu *c = mon_cpu(vm);
  uint64_t score = within(k, c->j.pc) + within(k, c->cp0.epc) + within(k, c->gpr[31]) + within(k, c->cp0.errorepc);
  const struct mon_profile *p = vm->profile;
  for (size_t i = 0; p && i < p->stacks && i < WITNESSES; i++)
    if (!p->stack[p->stacks - 1 - i].user) score += within(k, p->call[p->stack[p->stacks - 1 - i].call]);
  const struct mon_services *s = vm->services;
  for (unsigned i = 0; s && i < s->pcs && i < MON_KERNEL_PCS; i++) score += within(k, s->pc[i]);
  return score << 32 | pages_run(vm, k);
}

/* The one to believe, or NULL. */
static const struct mon_kallsyms *choose(const struct mb_vm *vm, const struct mon_kallsyms *k, unsigned n) {
  const struct mon_kallsyms *best = n ? &k[0] : NULL;
  uint64_t most = n > 1 ? agreement(vm, best) : 0;
  bool tie = false;
  for (unsigned i = 1; i < n; i++) {
    uint64_t score = agreement(vm, &k[i]);
    if (mon_kallsyms_address(&k[i], 0) == mon_kallsyms_address(best, 0) && k[i].n == best->n) continue;
    tie = score == most;
    if (score > most) best = &k[i], most = score;
  }
  return tie ? NULL : best;
}

uint64_t mon_kernel_shift(const struct mb_vm *vm, uint64_t anchor) {
  const struct mon_symbol *y = vm->symbols_learned && anchor ? mon_symbol_named(&vm->symbols, MON_ANCHOR) : NULL;
  return y ? y->at - anchor : 0;
}

static void learn_kernel(struct mb_vm *vm) {
  struct mon_kallsyms k[TABLES_MAX];
  unsigned n = 0;
  if (vm->symbols_learned) mon_symbols_fini(&vm->symbols);
  vm->symbols_learned = false;
  if (vm->symbols.n && vm->symbols.symbol[vm->symbols.n - 1].at >> 63) return; /* the kernel's are known */
  struct mon_ram r = {.vm = vm};
  struct mon_kallsyms_search s = {.big_endian = vm->config.endian == MB_ENDIAN_BIG, .work = MON_KALLSYMS_WORK};
  while (n < TABLES_MAX && mon_ram_next(&r)) {
    s.bytes = r.bytes, s.n = r.n, s.from = 0;
    while (n < TABLES_MAX && mon_kallsyms_find(&s, &k[n])) n++;
  }
  mon_ram_end(&r);
  const struct mon_kallsyms *best = choose(vm, k, n);
  if (!best) return;
  vm->symbols_learned = !vm->symbols.n;
  if (!mon_kallsyms_add(best, &vm->symbols)) mon_symbols_sort(&vm->symbols); /* what there was room for */
}

void mon_learn_symbols(struct mb_vm *vm) {
  if (!vm->started || (vm->learned_at == mon_instructions(vm) && vm->learned_at)) return;
  vm->learned_at = mon_instructions(vm);
  mon_modules_forget(vm);
  learn_kernel(vm);
  mon_modules_learn(vm);
}
