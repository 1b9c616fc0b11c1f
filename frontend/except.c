/* frontend/except.c: exceptions and interrupts: how they are noted, and how the handler is entered. */
/* SPDX-License-Identifier: Apache-2.0 */
/* MIPS64 PRA vol. III, chapter "Interrupts and Exceptions". */
#include "frontend/cpu.h"
#include <inttypes.h>

enum { MAX_NESTED = 1000 };

const char *const mips_exc_name[EXC_CODES] = {
    [EXC_INT] = "Int",     [EXC_MOD] = "Mod",     [EXC_TLBL] = "TLBL",   [EXC_TLBS] = "TLBS",     [EXC_ADEL] = "AdEL",
    [EXC_ADES] = "AdES",   [EXC_IBE] = "IBE",     [EXC_DBE] = "DBE",     [EXC_SYS] = "Sys",       [EXC_BP] = "Bp",
    [EXC_RI] = "RI",       [EXC_CPU] = "CpU",     [EXC_OV] = "Ov",       [EXC_TR] = "Tr",         [EXC_FPE] = "FPE",
    [EXC_TLBRI] = "TLBRI", [EXC_TLBXI] = "TLBXI", [EXC_WATCH] = "WATCH", [EXC_MCHECK] = "MCheck",
};

void mips_raise(struct cpu *c, enum mips_exc code) {
  uint8_t ce = 0;
  if (code >= EXC_CPU0) {
    ce = (uint8_t)(code - EXC_CPU0);
    code = EXC_CPU;
  }
  c->fault = (struct mips_fault){.code = code, .ce = ce};
  c->j.trouble = JIT_FAULT;
}

void mips_raise_va(struct cpu *c, enum mips_exc code, uint64_t va, bool refill) {
  mips_raise(c, code);
  c->fault.badvaddr = va;
  c->fault.has_va = true;
  c->fault.refill = refill;
}

bool mips_interrupt_pending(const struct cpu *c) {
  uint32_t s = c->cp0.status;
  return (s & (ST_IE | ST_EXL | ST_ERL)) == ST_IE && !(c->cp0.debug & DEBUG_DM) && (c->cp0.cause & s & ST_IM);
}

void mips_look_at_interrupts(struct cpu *c) {
  if (mips_interrupt_pending(c)) c->j.attention = 1;
}

static bool is_tlb_exception(enum mips_exc e) {
  return e == EXC_MOD || e == EXC_TLBL || e == EXC_TLBS || e == EXC_TLBRI || e == EXC_TLBXI;
}

/* BadVAddr, and for TLB exceptions Context, XContext and EntryHi as well. */
static void note_address(struct cpu *c) {
  const struct mips_fault *f = &c->fault;
  if (!f->has_va) return;
  uint64_t va = f->badvaddr;
  c->cp0.badvaddr = va;
  if (!is_tlb_exception(f->code)) return;
  unsigned seg = c->cfg.model->segbits;
  uint64_t vpn2 = va >> 13;
  c->cp0.context = (c->cp0.context & ~UINT64_C(0x7fffff)) | (vpn2 & 0x7ffff) << 4;
  if (seg == 32) {
    c->cp0.entryhi = (c->cp0.entryhi & 0x1fff) | (va & ~UINT64_C(0x1fff));
    return;
  }
  uint64_t in_seg = ((uint64_t)1 << (seg - 13)) - 1, region = va >> 62;
  c->cp0.xcontext = (c->cp0.xcontext & UINT64_MAX << (seg - 13 + 6)) | region << (seg - 13 + 4) | (vpn2 & in_seg) << 4;
  c->cp0.entryhi = (c->cp0.entryhi & 0x1fff) | region << 62 | (vpn2 & in_seg) << 13;
}

/* A TLB refill uses the XTLB vector when 64-bit addressing is enabled for the segment that missed. */
static bool xtlb(const struct cpu *c) {
  if (!(c->cfg.model->isa & ISA_MIPS3)) return false;
  static const uint32_t enable[4] = {ST_UX, ST_SX, ST_KX, ST_KX};
  return c->cp0.status & enable[c->fault.badvaddr >> 62];
}

static uint64_t interrupt_offset(const struct cpu *c, unsigned *vector) {
  *vector = 0;
  if (!(c->cp0.cause & CAUSE_IV)) return 0x180;
  uint32_t spacing = c->cp0.intctl >> 5 & 0x1f;
  bool vectored = c->cfg.model->config[3] >> 5 & 1;
  if (!vectored || !spacing || c->cp0.status & ST_BEV) return 0x200;
  uint32_t pending = c->cp0.cause & c->cp0.status & ST_IM;
  *vector = 31 - (unsigned)__builtin_clz(pending >> 8 | 1);
  return 0x200 + *vector * (spacing << 5);
}

static void use_shadow_set(struct cpu *c, unsigned vector, bool interrupt) {
  uint32_t s = c->cp0.srsctl, hss = s >> 26 & 0xf, css = s & 0xf, to;
  if (!hss || c->cp0.status & (ST_BEV | ST_ERL)) return;
  to = s >> 12 & 0xf; /* ESS */
  if (interrupt && c->cp0.cause & CAUSE_IV && c->cp0.intctl >> 5 & 0x1f) to = c->cp0.srsmap >> 4 * vector & 0xf;
  c->cp0.srsctl = (s & ~0x3cfu) | css << 6 | to;
  mips_shadow_switch(c, css, to);
}

static uint64_t vector_base(const struct cpu *c) {
  if (c->cp0.status & ST_BEV) return c->reset_at + 0x200;
  bool r2 = c->cfg.model->isa & ISA_MIPS32R2;
  return r2 ? (uint64_t)(int64_t)(int32_t)((uint32_t)c->cp0.ebase & 0xfffff000) : UINT64_C(0xffffffff80000000);
}

/* An exception of the handler's own first instruction, with EXL set, changes nothing: it will repeat for ever. So will,
 * in all likelihood, a long row of exceptions that were all taken inside of a handler. */
static void detect_loop(struct cpu *c, uint64_t pc, uint64_t vector, bool nested) {
  c->nested = nested ? c->nested + 1 : 0;
  if (!nested) return;
  if (pc == vector) c->dead = mips_deaths[MIPS_DEAD_AT_VECTOR];
  if (c->nested == MAX_NESTED) c->dead = mips_deaths[MIPS_DEAD_NESTED];
  if (c->dead) c->j.attention = 1;
}

static void trace_exception(const struct cpu *c, uint64_t pc, bool in_slot, uint64_t vector) {
  if (!c->cfg.trace_exc) return;
  fprintf(c->cfg.trace_exc, "exc %" PRIu64 " %s pc %016" PRIx64 "%s", mips_instructions(c),
          mips_exc_name[c->fault.code], pc, in_slot ? " (slot)" : "");
  if (c->fault.has_va)
    fprintf(c->cfg.trace_exc, " va %016" PRIx64 "%s", c->fault.badvaddr, c->fault.refill ? " refill" : "");
  fprintf(c->cfg.trace_exc, " -> %016" PRIx64 " status %08x cause %08x\n", vector, c->cp0.status, c->cp0.cause);
}

void mips_exception_enter(struct cpu *c, uint64_t pc, bool in_slot) {
  bool nested = c->cp0.status & ST_EXL, interrupt = c->fault.code == EXC_INT;
  uint64_t offset = 0x180;
  unsigned vector = 0;
  if (c->cfg.moved) c->cfg.moved(c->cfg.ctx, c, MIPS_MOVE_ENTER);
  mips_event_add(c->events, mips_event_of_fault(c));
  if (c->cfg.paths) mips_path_enter(c, pc, mips_event_of_fault(c));
  c->bases.known = 0;
  c->j.trouble = JIT_FINE;
  if (c->cfg.check) mips_check_exception(c);
  if (c->cfg.trap && !interrupt) mips_trap_reflect(c);
  c->n.exceptions[c->fault.code]++;
  if (!nested) {
    c->cp0.epc = in_slot ? pc - 4 : pc;
    c->cp0.cause = (c->cp0.cause & ~CAUSE_BD) | (in_slot ? CAUSE_BD : 0);
    if (c->fault.refill)
      offset = xtlb(c) ? 0x080 : 0x000;
    else if (interrupt)
      offset = interrupt_offset(c, &vector);
    use_shadow_set(c, vector, interrupt);
  }
  if (c->fault.refill) c->n.refills++;
  note_address(c);
  c->cp0.cause =
      (c->cp0.cause & ~(uint32_t)(CAUSE_CODE | CAUSE_CE)) | (uint32_t)c->fault.code << 2 | (uint32_t)c->fault.ce << 28;
  c->cp0.status |= ST_EXL;
  uint64_t to = vector_base(c) + offset;
  trace_exception(c, pc, in_slot, to);
  detect_loop(c, pc, to, nested);
  c->j.pc = to;
  c->j.left = NULL;
  mips_mode_changed(c);
}

void mips_bus_error(struct cpu *c) {
  c->waiting = false;
  mips_raise(c, EXC_IBE);
  mips_exception_enter(c, c->j.pc, false);
}

/* 24K software manual, "CacheErr": a data reference met bad data. */
#define CACHEERR_DATA (UINT32_C(1) << 31 | UINT32_C(1) << 29)

void mips_cache_error(struct cpu *c) {
  bool r2 = c->cfg.model->isa & ISA_MIPS32R2;
  uint32_t base = r2 ? (uint32_t)c->cp0.ebase & 0x1ffff000 : 0;
  c->waiting = false;
  if (c->cfg.moved) c->cfg.moved(c->cfg.ctx, c, MIPS_MOVE_ENTER);
  if (c->cfg.paths) mips_path_enter(c, c->j.pc, MIPS_EVENT_EXCEPTION);
  c->bases.known = 0;
  c->cp0.cacheerr = CACHEERR_DATA;
  c->cp0.errorepc = c->j.pc;
  c->cp0.status |= ST_ERL;
  c->j.pc = c->cp0.status & ST_BEV ? c->reset_at + 0x300 : (uint64_t)(int64_t)(int32_t)(0xa0000000 | base) + 0x100;
  c->j.left = NULL;
  mips_mode_changed(c);
}
