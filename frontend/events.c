/* frontend/events.c: which event an instruction, an access or an exception is, and how it is counted. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The calls stand behind what they count: when an access faults, or its unit is run again, they are not reached. */
#include "frontend/events.h"
#include "frontend/cpu.h"
#include "frontend/helpers.h"
#include "frontend/lift_rows.h"

const struct mips_event_info mips_event_info[MIPS_EVENTS] = {
#define EVENT(id, name, group, trap, translate) {name, MIPS_EVENT_##group, trap, translate},
#include "frontend/events.def"
};

/* --- at run time --- */

enum mips_event mips_event_of_fault(const struct cpu *c) {
  bool user = (c->j.mode & MODE_PRIV) == MMU_USER;
  if (c->fault.refill) return user ? MIPS_EVENT_REFILL_USER : MIPS_EVENT_REFILL_KERNEL;
  switch ((int)c->fault.code) {
  case EXC_INT: return MIPS_EVENT_INTERRUPT;
  case EXC_SYS: return MIPS_EVENT_SYSCALL;
  case EXC_TLBL:
  case EXC_TLBS:
  case EXC_TLBRI:
  case EXC_TLBXI: return MIPS_EVENT_TLB_INVALID;
  case EXC_MOD: return MIPS_EVENT_TLB_MODIFIED;
  case EXC_CPU: return MIPS_EVENT_FPU_UNUSABLE;
  case EXC_RI: return MIPS_EVENT_RESERVED;
  default: return MIPS_EVENT_EXCEPTION;
  }
}

/* A kernel that keeps the running thread in $28, as Linux does, shows here that it has switched. */
static void look_at_thread(struct cpu *c) {
  if (c->gpr[28] != c->event_thread) c->cfg.moved(c->cfg.ctx, c, MIPS_MOVE_THREAD);
  c->event_thread = c->gpr[28];
  c->event_sp = c->gpr[29];
}

uint64_t mips_help_EVENT(void *cpu, uint64_t a, uint64_t b, uint64_t arg_c) {
  struct cpu *c = cpu;
  (void)b, (void)arg_c;
  look_at_thread(c);
  mips_event_add(c->events, (enum mips_event)a);
  c->bases.known = 0; /* it may be a call */
  return 0;
}

/* 0: mapped; 1: kseg0 or cached xkphys; 2: kseg1 or uncached xkphys. *at is where it leads. */
static int unmapped(uint64_t va, uint64_t *at) {
  if (va >> 62 == 2) {
    *at = va & ((UINT64_C(1) << 59) - 1);
    return (va >> 59 & 7) == 2 ? 2 : 1;
  }
  *at = va & 0x1fffffff;
  return !mips_unmapped(va) ? 0 : va >> 29 & 1 ? 2 : 1;
}

/* Where a base is held, or is going to be: in the place of one that has been written, or of the one used longest ago.
 */
static unsigned place_of_base(const struct mips_bases *b, unsigned reg) {
  unsigned at = 0;
  while (at < MIPS_BASES_HELD && b->held[at] != reg) at++;
  if (at < MIPS_BASES_HELD) return at;
  for (at = 0; at < MIPS_BASES_HELD - 1 && b->known >> b->held[at] & 1;) at++;
  return at;
}

/* The kernel has made an access by way of a register. $0 is never moved: where it leads to is a constant. */
static void use_base(struct cpu *c, unsigned reg) {
  struct mips_bases *b = &c->bases;
  if (!reg) return;
  unsigned at = place_of_base(b, reg);
  if (!(b->known >> reg & 1)) mips_event_add(c->events, MIPS_EVENT_MOVED_BASE);
  b->known = (b->known & ~(UINT64_C(1) << b->held[at])) | UINT64_C(1) << reg;
  for (; at; at--) b->held[at] = b->held[at - 1];
  b->held[0] = (uint8_t)reg;
}

uint64_t mips_help_EVENT_ACCESS(void *cpu, uint64_t a, uint64_t b, uint64_t arg_c) {
  struct cpu *c = cpu;
  uint64_t at;
  if (!arg_c) return 0;
  int segment = unmapped(mmu_canonical(&c->mmu, a), &at);
  if (segment && !mmu_pmap_page(c->cfg.pmap, gpa(at))) { /* a device: counted where it is accessed, by a call */
    c->bases.known = 0;
    return 0;
  }
  use_base(c, (unsigned)b >> 1);
  if (segment)
    mips_event_add(c->events,
                   (segment == 1 ? MIPS_EVENT_KSEG0_LOAD : MIPS_EVENT_KSEG1_LOAD) + (enum mips_event)(b & 1));
  return 0;
}

uint64_t mips_help_TALLY_SKIPPED(void *cpu, uint64_t a, uint64_t b, uint64_t arg_c) {
  struct cpu *c = cpu;
  (void)arg_c;
  if (a) return 0;
  c->j.tally[b]++;
  if (c->cfg.paths && !c->cfg.tally->row[b].user) mips_path_count(c, (uint32_t)b);
  return 0;
}

/* --- lifting --- */

static enum mips_event event_of_reg(const struct insn *i, bool write) {
  static const struct {
    uint8_t rd, sel;
    enum mips_event read;
  } reg[] = {
#define REG(id, name, rd, sel, ...) {rd, sel, MIPS_EVENT_READ_##id},
#include "frontend/events.def"
  };
  enum { OTHER = sizeof reg / sizeof *reg - 1 };
  unsigned k = 0, sel = i->rd == 31 ? 2 : i->sel; /* DESave and KScratch: 31, 0 and 31, 2 to 7 */
  while (k < OTHER && (reg[k].rd != i->rd || reg[k].sel != sel)) k++;
  return reg[k].read + (enum mips_event)write;
}

/* -1: it is none. ERET and DERET count themselves, before they tell that they return. */
static int event_of(const struct insn *i) {
  switch ((int)i->row) {
  case INSN_MFC0:
  case INSN_DMFC0: return (int)event_of_reg(i, false);
  case INSN_MTC0:
  case INSN_DMTC0: return (int)event_of_reg(i, true);
  case INSN_TLBWI: return MIPS_EVENT_TLBWI;
  case INSN_TLBWR: return MIPS_EVENT_TLBWR;
  case INSN_TLBP: return MIPS_EVENT_TLBP;
  case INSN_TLBR: return MIPS_EVENT_TLBR;
  case INSN_DI: return MIPS_EVENT_DI;
  case INSN_EI: return MIPS_EVENT_EI;
  case INSN_CACHE: return MIPS_EVENT_CACHE;
  case INSN_WAIT: return MIPS_EVENT_WAIT;
  case INSN_RDPGPR:
  case INSN_WRPGPR: return MIPS_EVENT_SHADOW;
  default: return -1;
  }
}

static bool counts_accesses(const struct lift *l) {
  return l->counting && (l->mode & MODE_PRIV) == MMU_KERNEL;
}

static void forget_written(struct lift *l) {
  if (!l->written) return;
  ir_set(l->ir, SLOT_BASES, op2(l, IR_AND, ir_get(l->ir, SLOT_BASES), imm(l, ~(int64_t)l->written)));
}

void mips_event_lift(struct lift *l, const struct insn *i, unsigned from) {
  int e = event_of(i);
  if (e >= 0) lift_help(l, HELPER_EVENT, imm(l, e), imm(l, 0), imm(l, 0));
  if (!counts_accesses(l)) return;
  for (unsigned k = from, to = l->ir->n; k < to; k++) {
    const struct ir_op o = l->ir->op[k];
    struct lift_access x;
    if (!lift_access_of(l, &o, &x)) continue;
    lift_help(l, HELPER_EVENT_ACCESS, x.va, imm(l, x.store | i->rs << 1), x.made);
  }
  forget_written(l);
}

void mips_event_leave(struct lift *l, ir_ref cond) {
  if (!counts_accesses(l)) return;
  ir_set(l->ir, SLOT_BASES, op3(l, IR_SELECT, cond, imm(l, 0), ir_get(l->ir, SLOT_BASES)));
}
