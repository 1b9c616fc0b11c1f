/* frontend/numa.c: the cpu's references to memory, told to the modelled machine and charged as time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "frontend/numa.h"
#include "frontend/cpu.h"

int mips_numa_init(struct cpu *c) {
  c->mmu.view_after = INT32_MAX; /* the host would serve what we must see */
  return mmu_machine_tlb_resize(&c->mmu, c->cfg.numa->model->machine.tlb_entries);
}

/* Machine memory goes by frames; a page that has none yet by its own. */
static uint32_t frame_of(const struct cpu *c, const struct mmu_page *f) {
  return f->frame != NUMA_NO_FRAME ? f->frame : mmu_page_number(c->cfg.pmap->map, f);
}

static bool charge(struct cpu *c, uint64_t ns) {
  uint64_t cycles = numa_charge(c->cfg.numa, ns);
  c->j.budget -= (int64_t)cycles;
  c->j.stalled += cycles;
  if (c->alone || c->j.budget >= c->j.reserve) return true;
  c->j.trouble = JIT_RESTART;
  return false;
}

bool mips_numa_page(struct cpu *c, uint64_t va, const struct mmu_page *f, enum mmu_access kind) {
  bool there = mmu_machine_tlb_has(&c->mmu, va);
  if (!there) mmu_machine_tlb_enter(&c->mmu, va, !mips_unmapped(va));
  bool seen = mmu_machine_tlb_seen(&c->mmu, va, kind);
  if (there && !seen) numa_sampled(c->cfg.numa, frame_of(c, f), kind == MMU_WRITE);
  return there || charge(c, numa_refill(c->cfg.numa, frame_of(c, f), kind == MMU_WRITE));
}

void mips_numa_sample(struct cpu *c) {
  mmu_machine_tlb_unsee(&c->mmu);
}
