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

LIFT(MFC0) { set_gpr(l, i->rt, call(l, HELPER_MFC0, reg_sel(i), imm(l, 0))); }
LIFT(DMFC0) { set_gpr(l, i->rt, call(l, HELPER_DMFC0, reg_sel(i), imm(l, 0))); }
LIFT(MTC0) {
  call(l, HELPER_MTC0, reg_sel(i), gpr(l, i->rt));
  l->flow = LIFT_STOP;
}
LIFT(DMTC0) {
  call(l, HELPER_DMTC0, reg_sel(i), gpr(l, i->rt));
  l->flow = LIFT_STOP;
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
HELP(TLBWI, 0, LIFT_STOP)
HELP(TLBWR, 0, LIFT_STOP)
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
  }
RETURN(ERET)
RETURN(DERET)

/* No cpu model has a coprocessor 2, whatever Status.CU2 says. */
LIFT(COP2) {
  (void)i;
  ir_raise(l->ir, EXC_CPU2);
}
/* clang-format on */
