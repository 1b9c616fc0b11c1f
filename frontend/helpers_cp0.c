/* frontend/helpers_cp0.c: privileged instructions: CP0 moves, TLB, returns from exceptions, caches, WAIT. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "frontend/cp0.h"
#include "frontend/helpers.h"
#include <inttypes.h>

#define HELP(name) uint64_t mips_help_##name(void *cpu, uint64_t a, uint64_t b, uint64_t arg_c)
#define UNUSED     (void)a, (void)b, (void)arg_c

static unsigned rd(uint64_t reg) {
  return reg >> 3 & 31;
}
static unsigned sel(uint64_t reg) {
  return reg & 7;
}

HELP(MFC0) {
  UNUSED;
  return cp0_read_narrow(cpu, rd(a), sel(a));
}

HELP(DMFC0) {
  UNUSED;
  return cp0_read(cpu, rd(a), sel(a));
}

HELP(MTC0) {
  UNUSED;
  cp0_write(cpu, rd(a), sel(a), (uint64_t)(int64_t)(int32_t)(uint32_t)b, true);
  return 0;
}

HELP(DMTC0) {
  UNUSED;
  cp0_write(cpu, rd(a), sel(a), b, false);
  return 0;
}

/* --- TLB --- */

static struct mmu_tlb_half half_of(uint64_t lo) {
  return (struct mmu_tlb_half){.pfn = (lo >> 6 & ((UINT64_C(1) << 24) - 1) /* PFN, to 36 bits */) << 12,
                               .c = lo >> 3 & 7,
                               .d = lo >> 2 & 1,
                               .v = lo >> 1 & 1,
                               .ri = lo >> 63,
                               .xi = lo >> 62 & 1};
}

static uint64_t entrylo_of(const struct mmu_tlb_half *h, bool g) {
  return h->pfn >> 12 << 6 | (uint64_t)h->c << 3 | (uint64_t)h->d << 2 | (uint64_t)h->v << 1 | g |
         (uint64_t)h->ri << 63 | (uint64_t)h->xi << 62;
}

static void trace_tlb(const struct cpu *c, const char *what, unsigned i, const struct mmu_tlb_entry *e) {
  if (!c->cfg.trace_tlb) return;
  fprintf(c->cfg.trace_tlb, "tlb %" PRIu64 " %s %u vpn %016" PRIx64 " mask %08" PRIx64 " asid %02x%s", mips_now(c),
          what, i, e->vpn, e->mask, e->asid, e->g ? " g" : "");
  for (int k = 0; k < 2; k++)
    fprintf(c->cfg.trace_tlb, " %010" PRIx64 "%s%s%s%s", e->half[k].pfn, e->half[k].v ? " v" : "",
            e->half[k].d ? " d" : "", e->half[k].ri ? " ri" : "", e->half[k].xi ? " xi" : "");
  fputc('\n', c->cfg.trace_tlb);
}

static void write_tlb(struct cpu *c, unsigned i, const char *what) {
  const struct mips_cp0 *p = &c->cp0;
  struct mmu_tlb_entry e = {.mask = p->pagemask | 0x1fff,
                            .asid = (uint8_t)p->entryhi,
                            .g = p->entrylo0 & p->entrylo1 & 1,
                            .half = {half_of(p->entrylo0), half_of(p->entrylo1)}};
  e.vpn = p->entryhi & ~e.mask;
  trace_tlb(c, what, i, &e);
  bool random = what[4] == 'r';
  int other = random ? mmu_tlb_replace(&c->mmu, i, &e) : mmu_tlb_write(&c->mmu, i, &e);
  if (other >= 0) c->n.warn_tlb_duplicate++;
  if (c->cfg.check) mips_check_tlb_write(c, other, random);
  if (!random) mmu_tlb_swept(&c->mmu, i, p->wired);
}

HELP(TLBWI) {
  UNUSED;
  struct cpu *c = cpu;
  c->n.tlbwi++;
  write_tlb(c, (c->cp0.index & 0x7fffffff) % c->mmu.entries, "tlbwi");
  return 0;
}

HELP(TLBWR) {
  UNUSED;
  struct cpu *c = cpu;
  c->n.tlbwr++;
  unsigned i = (unsigned)cp0_random(c);
  cp0_random_step(c);
  write_tlb(c, i, "tlbwr");
  return 0;
}

HELP(TLBP) {
  UNUSED;
  struct cpu *c = cpu;
  int i = mmu_tlb_probe(&c->mmu, c->cp0.entryhi);
  c->cp0.index = i < 0 ? 1u << 31 : (uint32_t)i;
  return 0;
}

HELP(TLBR) {
  UNUSED;
  struct cpu *c = cpu;
  const struct mmu_tlb_entry *e = &c->mmu.tlb[(c->cp0.index & 0x7fffffff) % c->mmu.entries];
  uint64_t sign = c->mmu.segbits == 32 ? 0 : e->vpn >> 62 << 62;
  c->cp0.entryhi = e->vpn | sign | e->asid;
  c->cp0.pagemask = e->mask & ~UINT64_C(0x1fff);
  c->cp0.entrylo0 = entrylo_of(&e->half[0], e->g);
  c->cp0.entrylo1 = entrylo_of(&e->half[1], e->g);
  mips_mode_changed(c); /* the ASID in force is EntryHi's */
  return 0;
}

/* --- leaving exceptions, waiting, interrupt enable --- */

static void returned(struct cpu *c) {
  mips_event_add(c->events, MIPS_EVENT_ERET);
  c->bases.known = 0;
  mips_mode_changed(c);
  mips_look_at_interrupts(c);
  if (c->cfg.check) mips_check_returned(c);
  if (c->cfg.moved) c->cfg.moved(c->cfg.ctx, c, MIPS_MOVE_RETURN);
}

HELP(ERET) {
  UNUSED;
  struct cpu *c = cpu;
  c->n.eret++;
  if (c->cp0.status & ST_ERL) {
    c->j.pc = c->cp0.errorepc;
    c->cp0.status &= ~(uint32_t)ST_ERL;
  } else {
    c->j.pc = c->cp0.epc;
    c->cp0.status &= ~(uint32_t)ST_EXL;
    uint32_t s = c->cp0.srsctl, pss = s >> 6 & 0xf;
    if (s >> 26 & 0xf && !(c->cp0.status & ST_BEV)) {
      mips_shadow_switch(c, s & 0xf, pss);
      c->cp0.srsctl = (s & ~0xfu) | pss;
    }
  }
  c->ll_bit = 0;
  returned(c);
  return 0;
}

HELP(DERET) {
  UNUSED;
  struct cpu *c = cpu;
  if (!(c->cp0.debug & DEBUG_DM)) {
    mips_raise(c, EXC_RI);
    return 0;
  }
  c->j.pc = c->cp0.depc;
  c->cp0.debug &= ~(uint32_t)DEBUG_DM;
  returned(c);
  return 0;
}

/* Without a probe SDBBP would enter the debug vector in boot ROM, where nothing waits for it: a breakpoint instead. */
HELP(SDBBP) {
  UNUSED;
  mips_raise(cpu, EXC_BP);
  return 0;
}

HELP(WAIT) {
  UNUSED;
  struct cpu *c = cpu;
  c->waiting = true;
  c->j.attention = 1;
  if (c->cfg.moved) c->cfg.moved(c->cfg.ctx, c, MIPS_MOVE_WAIT);
  return 0;
}

static uint64_t set_ie(struct cpu *c, uint32_t ie) {
  uint32_t old = c->cp0.status;
  c->cp0.status = (old & ~(uint32_t)ST_IE) | ie;
  mips_look_at_interrupts(c);
  return (uint64_t)(int64_t)(int32_t)old;
}

HELP(DI) {
  UNUSED;
  return set_ie(cpu, 0);
}

HELP(EI) {
  UNUSED;
  return set_ie(cpu, 1);
}

/* --- caches: translations are kept coherent by the write slow path, so only the address can matter --- */

static void translate_hit(struct cpu *c, uint64_t va) {
  gpa_t at;
  bool writable;
  va = mmu_canonical(&c->mmu, va);
  if (softtlb_find(&c->j.tlb.table[MMU_READ], va, 1) || softtlb_find(&c->j.tlb.table[MMU_WRITE], va, 1)) return;
  switch (mmu_translate(&c->mmu, va, MMU_READ, &at, &writable)) {
  case MMU_ADDRESS_ERROR: mips_raise_va(c, EXC_ADEL, va, false); break;
  case MMU_REFILL: mips_raise_va(c, EXC_TLBL, va, true); break;
  case MMU_INVALID: mips_raise_va(c, EXC_TLBL, va, false); break;
  case MMU_OK:
  case MMU_MODIFIED:
  case MMU_RI:
  case MMU_XI: break; /* PRA: RI and XI do not apply to CACHE */
  }
}

HELP(CACHE) {
  UNUSED;
  if (b >> 2 & 4) translate_hit(cpu, a); /* Hit and Fetch operations translate; Index operations do not */
  return 0;
}

HELP(SYNCI) {
  UNUSED;
  translate_hit(cpu, a);
  return 0;
}

HELP(SLOT) {
  UNUSED;
  struct cpu *c = cpu;
  uint32_t word;
  if (mips_fetch_word(c, jit_block_key(c->j.block)->pc + 4, &word) && word == (uint32_t)a) return 0;
  if (jit_block_page(c->j.block)) jit_block_drop(c->cfg.jit, c->j.block);
  c->j.trouble = JIT_RESTART;
  return 0;
}

/* --- hardware registers, shadow sets --- */

HELP(RDHWR) {
  UNUSED;
  struct cpu *c = cpu;
  if (!(c->j.mode & MODE_CP0) && !(c->cp0.hwrena >> a & 1)) {
    mips_raise(c, EXC_RI);
    return 0;
  }
  switch (a) {
  case 0: return c->cp0.ebase & 0x3ff; /* CPUNum */
  case 1: return 32;                   /* SYNCI_Step: any line size will do, we need no SYNCI */
  case 2: return (uint64_t)(int64_t)(int32_t)mips_count(c, mips_now(c));
  case 3: return c->cfg.model->ccres;
  case 29:
    if (c->cfg.model->config[3] >> 13 & 1) return c->cp0.userlocal;
    break;
  default: break;
  }
  mips_raise(c, EXC_RI);
  return 0;
}

static uint64_t *previous_set(struct cpu *c) {
  unsigned css = c->cp0.srsctl & 0xf, pss = c->cp0.srsctl >> 6 & 0xf;
  return css == pss ? c->gpr : c->shadow[pss];
}

HELP(RDPGPR) {
  UNUSED;
  return a ? previous_set(cpu)[a & 31] : 0;
}

HELP(WRPGPR) {
  UNUSED;
  if (a) previous_set(cpu)[a & 31] = b;
  return 0;
}
