/* frontend/numa.c: the cpu's references to memory, told to the modelled machine and charged as time. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A unit that is begun again must not be told twice. What identifies an instruction that is executed is how many were
 * attempted before: a unit that is begun again has the same number, since nothing of it counts as attempted. */
#include "frontend/numa.h"
#include "frontend/cpu.h"
#include "frontend/trap.h"
#include <assert.h>

_Static_assert((int)NUMA_READ == (int)MMU_READ && (int)NUMA_WRITE == (int)MMU_WRITE &&
                   (int)NUMA_FETCH == (int)MMU_FETCH,
               "one is passed as the other");
_Static_assert((int)JIT_LINE_BITS == (int)MMU_LINE_BITS && 1 << MMU_LINE_BITS <= (int)NUMA_LINE_MIN,
               "a line is some pieces");

static bool has_caches(const struct cpu *c) {
  return c->cfg.numa && c->cfg.numa->model->fidelity == NUMA_CACHE;
}

static bool tells_lines(const struct cpu *c) {
  return has_caches(c) && !c->told_off;
}

static void lost(void *ctx, bool fetch, uint32_t set) {
  struct cpu *c = ctx;
  mmu_lines_lost(&c->mmu, fetch, set);
}

int mips_numa_init(struct cpu *c) {
  const struct numa_machine *m = &c->cfg.numa->model->machine;
  const uint32_t sets[2] = {numa_cache_sets(&m->l1d), numa_cache_sets(&m->l1i)}, bytes[2] = {m->l1d.line, m->l1i.line};
  if (mips_numa_sees_all(c)) c->mmu.view_after = INT32_MAX; /* the host would serve what we must see */
  c->j.fetched = UINT64_MAX;
  if (mmu_machine_tlb_resize(&c->mmu, m->tlb_entries)) return -1;
  if (!has_caches(c)) return 0;
  c->cfg.numa->lost = lost;
  c->cfg.numa->ctx = c;
  return mmu_lines_init(&c->mmu, c->j.line, sets, bytes);
}

bool mips_numa_sees_all(const struct cpu *c) {
  return c->cfg.numa && !c->cfg.numa->model->sampling.every;
}

void mips_numa_tell(struct cpu *c, bool on) {
  c->told_off = !on;
  c->j.fetched = UINT64_MAX;
  mmu_lines_use(&c->mmu, on);
  mips_mode_changed(c);
}

/* Machine memory goes by frames; a page that has none yet by its own. */
static uint32_t frame_of(const struct cpu *c, const struct mmu_page *f) {
  return f->frame != NUMA_NO_FRAME ? f->frame : mmu_page_number(c->cfg.pmap->map, f);
}

static bool charge(struct cpu *c, uint64_t ns) {
  if (!mips_numa_sees_all(c)) return true; /* what is measured now is charged later */
  uint64_t cycles = numa_charge(c->cfg.numa, ns);
  c->j.budget -= (int64_t)cycles;
  c->j.stalled += cycles;
  if (c->alone || c->j.budget >= c->j.reserve) return true;
  c->j.trouble = JIT_RESTART;
  return false;
}

bool mips_numa_page(struct cpu *c, uint64_t va, const struct mmu_page *f, enum mmu_access kind) {
  if (c->told_off) return true;
  bool there = mmu_machine_tlb_has(&c->mmu, va);
  if (!there) mmu_machine_tlb_enter(&c->mmu, va, !mips_unmapped(va));
  bool seen = mmu_machine_tlb_seen(&c->mmu, va, kind);
  if (there && !seen && c->cfg.numa->model->by_tlb) numa_sampled(c->cfg.numa, frame_of(c, f), kind == MMU_WRITE);
  return there || charge(c, numa_refill(c->cfg.numa, frame_of(c, f), kind == MMU_WRITE));
}

void mips_numa_sample(struct cpu *c) {
  mmu_machine_tlb_unsee(&c->mmu);
}

/* --- caches --- */

unsigned mips_numa_line(const struct cpu *c) {
  return tells_lines(c) ? c->cfg.numa->model->machine.l1i.line : 0;
}

/* What soft TLBs got while nothing was told the machine TLB may not have. */
const struct softtlb_entry *mips_numa_entry(const struct cpu *c, uint64_t va, unsigned size, enum mmu_access kind) {
  const struct softtlb_entry *e = tells_lines(c) ? softtlb_find(&c->mmu.pages->table[kind], va, size) : NULL;
  return e && mmu_machine_tlb_has(&c->mmu, va) ? e : NULL;
}

/* Tell the model, and let generated code use the line from now on. What it costs, in ns. */
static uint64_t tell(struct cpu *c, uint64_t va, const uint8_t *host, enum mmu_access kind) {
  struct numa_vcpu *v = c->cfg.numa;
  const struct mmu_page *f = mmu_pmap_at(c->cfg.pmap, (uint64_t)(uintptr_t)host);
  uint64_t at = (uint64_t)frame_of(c, f) << NUMA_FRAME_BITS | (va & (MMU_PAGE_SIZE - 1)), now = mips_now(c);
  if (mips_uncached(va)) return numa_refer_uncached(v, at, now);
  uint64_t ns = numa_refer(v, at, (enum numa_access)kind, now);
  if (!v->untold_off && (kind == MMU_FETCH || softtlb_find(&c->mmu.pages->table[kind], va, 1)))
    mmu_lines_enter(&c->mmu, va, kind, numa_set(numa_first_level(v, (enum numa_access)kind), at), host);
  return ns;
}

bool mips_numa_refer(struct cpu *c, uint64_t va, const uint8_t *host, enum mmu_access kind) {
  uint64_t attempt = mips_instructions(c) + 1;
  if (!tells_lines(c) || c->told.data_at == attempt) return true;
  c->told.data_at = attempt;
  return charge(c, tell(c, va, host, kind));
}

static bool same_line(const struct cpu *c, uint64_t a, uint64_t b) {
  return ((a ^ b) & -(uint64_t)mips_numa_line(c)) == 0;
}

void mips_numa_fetched(struct cpu *c, uint64_t va) {
  struct mips_told *t = &c->told;
  uint64_t attempt = mips_instructions(c) + 1, before = c->j.fetched;
  gpa_t at;
  c->j.fetched = va;
  if (same_line(c, va, before)) return;
  if (t->fetch_at != attempt) {
    bool slot = !same_line(c, va, jit_block_key(c->j.block)->pc + UINT64_C(4) * c->j.at);
    t->fetch_at = attempt;
    t->lines = 0;
    if (slot) t->line[t->lines++] = before; /* the branch's */
  }
  for (unsigned i = 0; i < t->lines; i++)
    if (same_line(c, va, t->line[i])) return;
  if (t->lines < MIPS_TOLD_LINES) t->line[t->lines++] = va; /* more there are only in a file that was tampered with */
  if (mmu_peek(&c->mmu, va, &at) != MMU_OK) return;
  const struct mmu_page *f = mmu_pmap_page(c->cfg.pmap, at);
  if (f) charge(c, tell(c, va, f->host + (va & (MMU_PAGE_SIZE - 1)), MMU_FETCH));
}
