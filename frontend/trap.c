/* frontend/trap.c: a de-privileged guest: its host traps, taken, decoded, emulated and counted. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A privileged instruction was lifted as a call by way of a host trap; here it is fetched again, decoded, and done to
 * the virtual coprocessor 0 by the helper that it calls in other modes. An access is allowed by the machine TLB, for
 * which the soft TLB stands; one that is not touches, at the guest's address, host memory that nobody may access.
 * Nothing here changes what the guest can see, time included. */
#include "frontend/trap.h"
#include "frontend/cpu.h"
#include "frontend/decode.h"
#include "frontend/helpers.h"
#include "jit/faults.h"
#include <string.h>
#include <time.h>

const char *const mips_trap_name[MIPS_TRAPS] = {
#define TRAP(id, name) name,
#include "frontend/traps.def"
};

enum { WINDOW_BITS = 32, CCA_UNCACHED = 2 };

static uint64_t host_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int mips_traps_init(struct cpu *c) {
  struct mips_traps *t = &c->traps;
  unsigned entries = c->cfg.machine_tlb ? c->cfg.machine_tlb : MMU_MACHINE_TLB_DEFAULT;
  if (!c->cfg.trap) return 0;
  if (!(t->shut = mmu_view_new(WINDOW_BITS, &t->window))) return -1;
  faults_allow_traps();
  t->began_ticks = faults_ticks();
  t->began_ns = host_ns();
  c->mmu.view_after = INT32_MAX; /* pages are the machine TLB's to open */
  return mmu_machine_tlb_resize(&c->mmu, entries);
}

void mips_traps_fini(struct cpu *c) {
  mmu_view_free(c->traps.shut);
  c->traps.shut = NULL;
}

uint64_t mips_trap_ns(const struct cpu *c, enum mips_trap kind) {
  const struct mips_traps *t = &c->traps;
  uint64_t ticks = faults_ticks() - t->began_ticks;
  if (!t->ticks[kind] || !ticks) return 0;
  return (uint64_t)((double)t->ticks[kind] * (double)(host_ns() - t->began_ns) / (double)ticks);
}

/* --- a trap is taken, and done with --- */

/* The instruction that trapped, as it stands in the guest's memory; false: it cannot be read there any more. */
static bool victim(const struct cpu *c, struct insn *out) {
  uint64_t pc = jit_block_key(c->j.block)->pc + 4 * c->j.at;
  const uint8_t *page = mips_peek_page(c, pc);
  uint32_t word;
  if (!page) return false;
  word = __atomic_load_n((const uint32_t *)(const void *)(page + (pc & (MMU_PAGE_SIZE - 1))), __ATOMIC_RELAXED);
  return insn_decode(c->index, mips_big(c) ? __builtin_bswap32(word) : word, out);
}

static void begin(struct cpu *c, enum mips_trap why, uint64_t from) {
  c->traps.count[why]++;
  c->traps.kind = why;
  c->traps.from = from;
}

void mips_trap_done(struct cpu *c) {
  struct mips_traps *t = &c->traps;
  if (t->from) t->ticks[t->kind] += faults_ticks() - t->from;
  t->from = 0;
}

void mips_trap_access(struct cpu *c, enum mips_trap why, uint64_t va, enum mmu_access kind) {
  struct insn i;
  if (c->traps.further) return;
  begin(c, why, faults_touch(c->traps.window + (uint32_t)va, kind == MMU_WRITE));
  victim(c, &i); /* what a monitor has to know: the register, the size. Our caller has both */
}

/* Done with when the exception has been entered. */
uint64_t mips_help_REFLECT(void *cpu, uint64_t a, uint64_t b, uint64_t arg_c) {
  struct cpu *c = cpu;
  struct insn i;
  (void)a, (void)b, (void)arg_c;
  begin(c, MIPS_TRAP_REFLECTED, c->j.trapped);
  victim(c, &i);
  return 0;
}

void mips_trap_reflect(struct cpu *c) {
  if (!c->traps.from) begin(c, MIPS_TRAP_REFLECTED, faults_trap());
  mips_trap_done(c);
}

/* --- memory --- */

bool mips_uncached(uint64_t va) {
  return mips_unmapped(va) && (va >> 62 == 2 ? (va >> 59 & 7) == CCA_UNCACHED : va >> 29 & 1);
}

bool mips_trap_page(struct cpu *c, uint64_t va, enum mmu_access kind) {
  bool mapped = !mips_unmapped(va), never = !mapped && (mips_uncached(va) || !c->cfg.machine_tlb);
  if (!never && mmu_machine_tlb_has(&c->mmu, va)) return true;
  mips_trap_access(c, mapped ? MIPS_TRAP_MAPPED : mips_uncached(va) ? MIPS_TRAP_KSEG1 : MIPS_TRAP_KSEG0, va, kind);
  if (!never) mmu_machine_tlb_enter(&c->mmu, va, mapped);
  mips_trap_done(c);
  return !never;
}

/* --- privileged instructions --- */

static uint64_t emulate(struct cpu *c, const struct insn *i) {
  uint64_t reg = (uint64_t)i->rd << 3 | i->sel, rt = c->gpr[i->rt];
  switch ((int)i->row) {
  case INSN_MFC0: return mips_help_MFC0(c, reg, 0, 0);
  case INSN_DMFC0: return mips_help_DMFC0(c, reg, 0, 0);
  case INSN_MTC0: return mips_help_MTC0(c, reg, rt, 0);
  case INSN_DMTC0: return mips_help_DMTC0(c, reg, rt, 0);
  case INSN_RDPGPR: return mips_help_RDPGPR(c, i->rt, 0, 0);
  case INSN_WRPGPR: return mips_help_WRPGPR(c, i->rd, rt, 0);
  case INSN_CACHE:
    return mips_help_CACHE(c, mmu_canonical(&c->mmu, c->gpr[i->rs] + (uint64_t)(int64_t)i->imm), i->hint, 0);
#define PLAIN(name)                                                                                                    \
  case INSN_##name: return mips_help_##name(c, 0, 0, 0);
    PLAIN(TLBP)
    PLAIN(TLBR)
    PLAIN(TLBWI)
    PLAIN(TLBWR)
    PLAIN(ERET)
    PLAIN(DERET)
    PLAIN(WAIT) PLAIN(DI) PLAIN(EI)
#undef PLAIN
        default : return 0;
  }
}

/* a: the word that was translated. It is what is executed, whatever another vcpu has written there since. */
uint64_t mips_help_PRIVILEGED(void *cpu, uint64_t a, uint64_t b, uint64_t arg_c) {
  struct cpu *c = cpu;
  struct insn i;
  (void)b, (void)arg_c;
  begin(c, MIPS_TRAP_PRIVILEGED, c->j.trapped);
  if (!victim(c, &i) || i.word != (uint32_t)a) insn_decode(c->index, (uint32_t)a, &i);
  uint64_t v = emulate(c, &i);
  if (!c->j.trouble) mips_trap_done(c);
  return v;
}
