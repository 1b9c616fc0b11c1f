/* frontend/cp0.c: reading and writing coprocessor 0 registers. */
/* SPDX-License-Identifier: Apache-2.0 */
/* MIPS64 PRA vol. III, chapter "CP0 Registers". Which bits exist comes from the cpu model. */
#include "frontend/cp0.h"

#define REG(rd, sel) ((rd) << 3 | (sel))

static bool has(const struct cpu *c, uint32_t isa) {
  return c->cfg.model->isa & isa;
}
static bool is64(const struct cpu *c) {
  return has(c, ISA_MIPS3);
}
static bool r2(const struct cpu *c) {
  return has(c, ISA_MIPS32R2);
}

static uint64_t entrylo_mask(const struct cpu *c) {
  uint64_t pfn = (((uint64_t)1 << (c->cfg.model->pabits - 12)) - 1) << 6, rxi = 0;
  if (c->cp0.pagegrain >> 31) rxi |= UINT64_C(1) << 63; /* RIE */
  if (c->cp0.pagegrain >> 30 & 1) rxi |= UINT64_C(1) << 62;
  return pfn | 0x3f | rxi;
}

/* RI and XI stand at the top of EntryLo: bits 63, 62 for DMFC0, 31, 30 for MFC0. We keep the former. */
static uint64_t entrylo_read(uint64_t v, bool wide) {
  return wide ? v : (v & 0x3fffffff) | v >> 62 << 30;
}
static void entrylo_write(const struct cpu *c, uint64_t *reg, uint64_t v, bool narrow) {
  if (narrow) v = (v & 0x3fffffff) | (v >> 30 & 3) << 62;
  *reg = v & entrylo_mask(c);
}

static uint64_t entryhi_mask(const struct cpu *c) {
  if (!is64(c)) return UINT64_C(0xffffffffffffe0ff);
  return UINT64_C(3) << 62 | ((((uint64_t)1 << c->cfg.model->segbits) - 1) & ~UINT64_C(0x1fff)) | 0xff;
}

uint64_t cp0_random(const struct cpu *c) {
  unsigned n = c->cfg.model->tlb_entries, wired = c->cp0.wired;
  return wired + (c->cp0.random_state >> 33) % (n - wired);
}

void cp0_random_step(struct cpu *c) {
  c->cp0.random_state = c->cp0.random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
}

static uint64_t read_high(struct cpu *c, unsigned rd, unsigned sel) {
  struct mips_cp0 *p = &c->cp0;
  switch (rd) {
  case 16: return p->config[sel];
  case 18: return sel < c->cfg.model->watch ? p->watchlo[sel] : 0;
  case 19: return sel < c->cfg.model->watch ? p->watchhi[sel] : 0;
  case 25: return p->perfctl[sel & 3];
  case 28: return sel & 1 ? p->datalo : p->taglo;
  case 29: return sel & 1 ? p->datahi : p->taghi;
  case 31: return sel == 0 ? p->desave : sel >= 2 && p->config[4] >> (16 + sel) & 1 ? p->kscratch[sel - 2] : 0;
  default: return 0;
  }
}

uint64_t cp0_read(struct cpu *c, unsigned rd, unsigned sel) {
  struct mips_cp0 *p = &c->cp0;
  switch (REG(rd, sel)) {
  case REG(0, 0): return p->index;
  case REG(1, 0): return cp0_random(c);
  case REG(2, 0): return p->entrylo0;
  case REG(3, 0): return p->entrylo1;
  case REG(4, 0): return p->context;
  case REG(4, 2): return p->userlocal;
  case REG(5, 0): return p->pagemask;
  case REG(5, 1): return p->pagegrain;
  case REG(6, 0): return p->wired;
  case REG(7, 0): return p->hwrena;
  case REG(8, 0): return p->badvaddr;
  case REG(9, 0): return mips_count(c, mips_now(c));
  case REG(10, 0): return p->entryhi;
  case REG(11, 0): return p->compare;
  case REG(12, 0): return p->status;
  case REG(12, 1): return r2(c) ? p->intctl : 0;
  case REG(12, 2): return r2(c) ? p->srsctl : 0;
  case REG(12, 3): return p->srsmap;
  case REG(13, 0): return p->cause;
  case REG(14, 0): return p->epc;
  case REG(15, 0): return p->prid;
  case REG(15, 1): return r2(c) ? (uint64_t)(int64_t)(int32_t)p->ebase : 0;
  case REG(15, 3): return c->cfg.gcr >> 4;            /* CMGCRBase */
  case REG(17, 0): return mmu_link_gpa(&c->mmu) >> 4; /* PRA: the physical address, shifted as on the R4000 */
  case REG(20, 0): return is64(c) ? p->xcontext : 0;
  case REG(23, 0): return p->debug;
  case REG(24, 0): return p->depc;
  case REG(26, 0): return p->errctl;
  case REG(27, 0): return p->cacheerr;
  case REG(30, 0): return p->errorepc;
  default: return read_high(c, rd, sel);
  }
}

uint64_t cp0_read_narrow(struct cpu *c, unsigned rd, unsigned sel) {
  uint64_t v = cp0_read(c, rd, sel);
  if (sel == 0 && (rd == 2 || rd == 3)) v = entrylo_read(v, false);
  return (uint64_t)(int64_t)(int32_t)(uint32_t)v;
}

/* Page sizes are powers of four times 4 KiB; what else is written (UNDEFINED) gives 4 KiB pages. */
static uint64_t valid_pagemask(const struct cpu *c, uint64_t v) {
  uint64_t m = v & c->cfg.model->pagemask_rw, pages = (m + 0x2000) >> 13;
  bool power_of_four = (pages & (pages - 1)) == 0 && __builtin_ctzll(pages) % 2 == 0;
  return power_of_four ? m : 0;
}

static void write_status(struct cpu *c, uint32_t v) {
  uint32_t rw = c->cfg.model->status_rw;
  c->cp0.status = (c->cp0.status & ~rw) | (v & rw);
  mips_mode_changed(c);
  mips_look_at_interrupts(c);
}

static void write_cause(struct cpu *c, uint32_t v) {
  uint32_t rw = 0x300;
  uint64_t now = mips_now(c);
  if (has(c, ISA_MIPS32)) rw |= CAUSE_IV;
  if (r2(c)) rw |= CAUSE_DC;
  uint32_t old = c->cp0.cause, stopping = ~old & v & rw & CAUSE_DC, starting = old & ~v & rw & CAUSE_DC;
  if (stopping) c->cp0.count_frozen = mips_count(c, now);
  c->cp0.cause = (old & ~rw) | (v & rw);
  if (!(v & CAUSE_WP)) c->cp0.cause &= ~(uint32_t)CAUSE_WP; /* software may only clear it */
  if (starting) c->cp0.count_base = (uint32_t)(c->cp0.count_frozen - now / c->cfg.model->ccres);
  if (stopping || starting) mips_timer_rearm(c, now);
  mips_look_at_interrupts(c);
}

static void write_count(struct cpu *c, uint32_t v) {
  uint64_t now = mips_now(c);
  c->cp0.count_frozen = v;
  c->cp0.count_base = (uint32_t)(v - now / c->cfg.model->ccres);
  mips_timer_rearm(c, now);
}

static void write_compare(struct cpu *c, uint32_t v) {
  c->cp0.compare = v;
  c->cp0.timer = 0;
  mips_irq_update(c);
  mips_timer_rearm(c, mips_now(c));
}

static void write_srsctl(struct cpu *c, uint32_t v) {
  uint32_t hss = c->cp0.srsctl >> 26 & 0xf, rw = 0;
  if ((v >> 12 & 0xf) <= hss) rw |= 0xf000;
  if ((v >> 6 & 0xf) <= hss) rw |= 0x03c0;
  c->cp0.srsctl = (c->cp0.srsctl & ~rw) | (v & rw);
}

void cp0_find_watches(struct cpu *c) {
  c->watch_fetch = c->watching = false;
  for (int i = 0; i < c->cfg.model->watch; i++) {
    c->watch_fetch |= c->cp0.watchlo[i] >> 2 & 1;
    c->watching |= (c->cp0.watchlo[i] & 7) != 0;
  }
  mips_find_linear(c);
}

static void write_watch(struct cpu *c, unsigned rd, unsigned sel, uint64_t v) {
  if (sel >= c->cfg.model->watch) return;
  if (rd == 18)
    c->cp0.watchlo[sel] = v;
  else
    c->cp0.watchhi[sel] = (c->cp0.watchhi[sel] & 1u << 31) | ((uint32_t)v & 0x40ff0ff8);
  cp0_find_watches(c);
  c->j.attention = 1;
  mmu_soft_flush(&c->mmu); /* watched pages must not be in it */
}

static void write_high(struct cpu *c, unsigned rd, unsigned sel, uint64_t v) {
  struct mips_cp0 *p = &c->cp0;
  uint32_t rw;
  switch (rd) {
  case 16:
    rw = c->cfg.model->config_rw[sel];
    p->config[sel] = (p->config[sel] & ~rw) | ((uint32_t)v & rw);
    break;
  case 18:
  case 19: write_watch(c, rd, sel, v); break;
  case 25: p->perfctl[sel & 3] = (uint32_t)v; break;
  case 28: *(sel & 1 ? &p->datalo : &p->taglo) = (uint32_t)v; break;
  case 29: *(sel & 1 ? &p->datahi : &p->taghi) = (uint32_t)v; break;
  case 31:
    if (sel == 0)
      p->desave = v;
    else if (sel >= 2 && p->config[4] >> (16 + sel) & 1)
      p->kscratch[sel - 2] = v;
    break;
  default: break;
  }
}

static void write_r2(struct cpu *c, unsigned reg, uint64_t v) {
  struct mips_cp0 *p = &c->cp0;
  const struct cpu_model *m = c->cfg.model;
  if (!r2(c)) return;
  switch (reg) {
  case REG(4, 2):
    if (m->config[3] >> 13 & 1) p->userlocal = v;
    break;
  case REG(5, 1): p->pagegrain = (uint32_t)v & m->pagegrain_rw; break;
  case REG(7, 0): p->hwrena = (uint32_t)v & m->hwrena_rw; break;
  case REG(12, 1): p->intctl = (p->intctl & ~0x3e0u) | ((uint32_t)v & 0x3e0); break;
  case REG(12, 2): write_srsctl(c, (uint32_t)v); break;
  case REG(12, 3): p->srsmap = m->shadow_sets ? (uint32_t)v : 0; break;
  case REG(15, 1): p->ebase = 0x80000000 | (v & 0x3ffff000) | c->cfg.number; break;
  default: break;
  }
}

/* As many bits as the highest entry needs. */
static uint32_t index_mask(const struct cpu_model *m) {
  return UINT32_MAX >> __builtin_clz(m->tlb_entries - 1u);
}

void cp0_write(struct cpu *c, unsigned rd, unsigned sel, uint64_t v, bool narrow) {
  struct mips_cp0 *p = &c->cp0;
  const struct cpu_model *m = c->cfg.model;
  uint64_t above;
  switch (REG(rd, sel)) {
  case REG(0, 0): p->index = (p->index & 1u << 31) | ((uint32_t)v & index_mask(m)); break;
  case REG(2, 0): entrylo_write(c, &p->entrylo0, v, narrow); break;
  case REG(3, 0): entrylo_write(c, &p->entrylo1, v, narrow); break;
  case REG(4, 0): p->context = (p->context & 0x7fffff) | (v & ~UINT64_C(0x7fffff)); break;
  case REG(5, 0): p->pagemask = valid_pagemask(c, v); break;
  case REG(6, 0): p->wired = (uint32_t)v % m->tlb_entries; break;
  case REG(9, 0): write_count(c, (uint32_t)v); break;
  case REG(10, 0):
    p->entryhi = v & entryhi_mask(c);
    mips_mode_changed(c);
    break;
  case REG(11, 0): write_compare(c, (uint32_t)v); break;
  case REG(12, 0): write_status(c, (uint32_t)v); break;
  case REG(13, 0): write_cause(c, (uint32_t)v); break;
  case REG(14, 0): p->epc = v; break;
  case REG(20, 0):
    above = UINT64_MAX << (m->segbits - 13 + 6);
    if (is64(c)) p->xcontext = (p->xcontext & ~above) | (v & above);
    break;
  case REG(23, 0): p->debug = (p->debug & ~0x1fu) | ((uint32_t)v & 0); break;
  case REG(24, 0): p->depc = v; break;
  case REG(30, 0): p->errorepc = v; break;
  case REG(4, 2):
  case REG(5, 1):
  case REG(7, 0):
  case REG(12, 1):
  case REG(12, 2):
  case REG(12, 3):
  case REG(15, 1): write_r2(c, REG(rd, sel), v); break;
  default: write_high(c, rd, sel, v); break;
  }
}
