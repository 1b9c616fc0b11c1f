/* frontend/helpers_mem.c: unaligned stores. */
/* SPDX-License-Identifier: Apache-2.0 */
/* All memory is reached through mips_load and mips_store, which raise, or ask for a restart, in c->j.trouble: then
 * nothing else may have changed. */
#include "frontend/cpu.h"
#include "frontend/helpers.h"

#define HELP(name) uint64_t mips_help_##name(void *cpu, uint64_t a, uint64_t b, uint64_t c)

/* --- SWL, SWR, SDL, SDR (MIPS64 vol. II) ---
 * `left` stores the most significant bytes, from the addressed byte to the end of the aligned unit in the guest's
 * order of significance; `right` the least significant ones, up to the addressed byte. The addressed byte goes first,
 * so that a fault names it; the others are on the same page and cannot fault after it. */

static uint64_t store_part(struct cpu *c, uint64_t va, uint64_t v, unsigned bytes, bool left) {
  unsigned offset = (unsigned)va & (bytes - 1);
  bool up = left == mips_big(c); /* towards higher addresses */
  unsigned n = up ? bytes - offset : offset + 1;
  const struct softtlb_entry *e = softtlb_find(&c->j.tlb.table[MMU_WRITE], va, 1);
  uint8_t *host = e ? (uint8_t *)(uintptr_t)(va + e->addend) : NULL; /* NOLINT(performance-no-int-to-ptr) */
  for (unsigned k = 0; k < n; k++) {
    /* left: the addressed byte is the most significant; right: the least */
    unsigned byte = left ? bytes - 1 - k : k;
    c->traps.further = k > 0;
    if (host)
      __atomic_store_n(&host[up ? (int)k : -(int)k], (uint8_t)(v >> 8 * byte), __ATOMIC_RELAXED);
    else
      mips_store(c, up ? va + k : va - k, v >> 8 * byte & 0xff, IR_ST8);
    if (c->j.trouble) break;
  }
  c->traps.further = false;
  return 0;
}

#define STORE_PART(name, bytes, left)                                                                                  \
  HELP(name) {                                                                                                         \
    (void)c;                                                                                                           \
    return store_part(cpu, a, b, bytes, left);                                                                         \
  }
STORE_PART(SWL, 4, true)
STORE_PART(SWR, 4, false)
STORE_PART(SDL, 8, true)
STORE_PART(SDR, 8, false)

/* --- what cpus do to each other's memory when they run at the same time --- */

HELP(LL) {
  struct cpu *cpu_ = cpu;
  (void)c;
  uint64_t v = mips_load(cpu_, a, (unsigned)b);
  if (cpu_->j.trouble) return 0;
  cpu_->ll_bit = 1;
  cpu_->mmu.link = (struct mmu_link){.va = a, .gpa = (uint64_t)MMU_LINK_OPEN};
  cpu_->ll_value = v;
  return v;
}

HELP(SC) {
  struct cpu *cpu_ = cpu;
  bool stored = cpu_->ll_bit && cpu_->mmu.link.va == a && mips_store_if(cpu_, a, cpu_->ll_value, b, (unsigned)c);
  if (!cpu_->j.trouble) cpu_->ll_bit = 0;
  return stored;
}

HELP(SYNC) {
  (void)cpu, (void)a, (void)b, (void)c;
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  return 0;
}
