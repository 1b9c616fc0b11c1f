/* frontend/lift_cop0.c: coprocessor 0, and what else only a helper can do. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Each is one helper call. Those after which an interrupt, the mode or a translation may have changed end the block. */
#include "frontend/cpu.h"
#include "frontend/helpers.h"
#include "frontend/lift_rows.h"

/* One-line lifters are rows of a table. */
/* clang-format off */
#define LIFT(name) void lift_##name(struct lift *l, const struct insn *i)

static ir_ref call(struct lift *l, unsigned helper, int64_t a, ir_ref b) {
  return lift_help(l, helper, imm(l, a), b, imm(l, 0));
}
static int64_t reg_sel(const struct insn *i) {
  return i->rd << 3 | i->sel;
}

/* Registers that read as they are kept (cp0.c): no helper is needed. */
static const struct {
  uint8_t slot, half;
} plain[32 << 3] = {
    [0 << 3] = {SLOT_INDEX, 1},    [4 << 3] = {SLOT_CONTEXT, 0},  [4 << 3 | 2] = {SLOT_USERLOCAL, 0},
    [8 << 3] = {SLOT_BADVADDR, 0}, [10 << 3] = {SLOT_ENTRYHI, 0}, [11 << 3] = {SLOT_COMPARE, 1},
    [12 << 3] = {SLOT_STATUS, 1},  [13 << 3] = {SLOT_CAUSE, 1},   [14 << 3] = {SLOT_EPC, 0},
    [20 << 3] = {SLOT_XCONTEXT, 0},
};

static void read_reg(struct lift *l, const struct insn *i, bool narrow) {
  int64_t reg = reg_sel(i);
  ir_ref v;
  bool by_slot = plain[reg].slot && !l->trap;
  if (!by_slot)
    v = call(l, narrow ? HELPER_MFC0 : HELPER_DMFC0, reg, imm(l, 0));
  else
    v = plain[reg].half ? ir_get32(l->ir, plain[reg].slot, 0) : ir_get(l->ir, plain[reg].slot);
  set_gpr(l, i->rt, by_slot && narrow ? op1(l, IR_SX32, v) : v);
}
LIFT(MFC0) { read_reg(l, i, true); }
LIFT(DMFC0) { read_reg(l, i, false); }
/* Registers that nothing but later instructions reads: no block needs to end where they are written. */
static enum lift_flow flow_behind(const struct insn *i) {
  static const uint32_t quiet = 1u << 0 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 8 | 1u << 14 | 1u << 20 | 1u << 28 |
                                1u << 29 | 1u << 30 | 1u << 31;
  return quiet >> i->rd & 1 ? LIFT_NEXT : LIFT_STOP;
}
LIFT(MTC0) {
  if (reg_sel(i) == 14 << 3 && !l->trap) {
    ir_set(l->ir, SLOT_EPC, op1(l, IR_SX32, gpr(l, i->rt)));
    return;
  }
  call(l, HELPER_MTC0, reg_sel(i), gpr(l, i->rt));
  l->flow = flow_behind(i);
}
LIFT(DMTC0) {
  if (reg_sel(i) == 14 << 3 && !l->trap) {
    ir_set(l->ir, SLOT_EPC, gpr(l, i->rt));
    return;
  }
  call(l, HELPER_DMTC0, reg_sel(i), gpr(l, i->rt));
  l->flow = flow_behind(i);
}
LIFT(RDPGPR) { set_gpr(l, i->rd, call(l, HELPER_RDPGPR, i->rt, imm(l, 0))); }
LIFT(WRPGPR) { call(l, HELPER_WRPGPR, i->rd, gpr(l, i->rt)); }
LIFT(RDHWR) { set_gpr(l, i->rt, call(l, HELPER_RDHWR, i->rd, imm(l, 0))); }
LIFT(DI) {
  set_gpr(l, i->rt, call(l, HELPER_DI, 0, imm(l, 0)));
  l->flow = LIFT_STOP;
}
LIFT(EI) {
  set_gpr(l, i->rt, call(l, HELPER_EI, 0, imm(l, 0)));
  l->flow = LIFT_STOP;
}

/* name, argument, how the block goes on */
#define HELP(name, a, how)                                                                                             \
  LIFT(name) {                                                                                                         \
    (void)i;                                                                                                           \
    call(l, HELPER_##name, a, imm(l, 0));                                                                              \
    l->flow = how;                                                                                                     \
  }
HELP(TLBP, 0, LIFT_NEXT)
HELP(TLBR, 0, LIFT_STOP) /* EntryHi and with it the ASID in force may change */
/* What is fetched from now on may be another page, unless it is not mapped at all. */
HELP(TLBWI, 0, mips_unmapped(l->pc) ? LIFT_NEXT : LIFT_STOP)
HELP(TLBWR, 0, mips_unmapped(l->pc) ? LIFT_NEXT : LIFT_STOP)
HELP(WAIT, i->code, LIFT_STOP)
HELP(SDBBP, i->code, LIFT_STOP)

/* In a delay slot these are UNPREDICTABLE (MIPS64 vol. II, ERET). */
#define RETURN(name)                                                                                                   \
  LIFT(name) {                                                                                                         \
    (void)i;                                                                                                           \
    if (l->in_slot) {                                                                                                  \
      ir_raise(l->ir, EXC_RI);                                                                                         \
      return;                                                                                                          \
    }                                                                                                                  \
    call(l, HELPER_##name, 0, imm(l, 0));                                                                              \
    l->flow = LIFT_PC;                                                                                                 \
    l->ends = MIPS_PATH_ERET;                                                                                          \
  }
RETURN(ERET)
RETURN(DERET)

/* No cpu model has a coprocessor 2, whatever Status.CU2 says. */
LIFT(COP2) {
  (void)i;
  ir_raise(l->ir, EXC_CPU2);
}
/* clang-format on */
