/* frontend/lift_alu.c: arithmetic, logic, shifts, bit fields, HI and LO, traps. */
/* SPDX-License-Identifier: Apache-2.0 */
/* MIPS64 vol. II, one lifter per instruction. A 32-bit operation takes the low halves of its operands and sign-extends
 * its result; operands that are not sign-extended are UNPREDICTABLE there, and simply work here. */
#include "frontend/cpu.h"
#include "frontend/lift_rows.h"

static ir_ref rs(struct lift *l, const struct insn *i) {
  return gpr(l, i->rs);
}
static ir_ref rt(struct lift *l, const struct insn *i) {
  return gpr(l, i->rt);
}

/* One-line lifters are rows of a table. */
/* clang-format off */
#define LIFT(name) void lift_##name(struct lift *l, const struct insn *i)
/* rd = rs op rt */
#define RD_RS_RT(name, op)                                                                                             \
  LIFT(name) {                                                                                                         \
    set_gpr(l, i->rd, op2(l, IR_##op, rs(l, i), rt(l, i)));                                                            \
  }
/* rd = rt op rs: variable shifts; the count is taken modulo the width by the operation */
#define RD_RT_RS(name, op)                                                                                             \
  LIFT(name) {                                                                                                         \
    set_gpr(l, i->rd, op2(l, IR_##op, rt(l, i), rs(l, i)));                                                            \
  }
/* rd = rt op constant */
#define RD_RT_SA(name, op, plus)                                                                                       \
  LIFT(name) {                                                                                                         \
    set_gpr(l, i->rd, op2(l, IR_##op, rt(l, i), imm(l, i->sa + plus)));                                                \
  }
/* rt = rs op constant */
#define RT_RS_IMM(name, op, value)                                                                                     \
  LIFT(name) {                                                                                                         \
    set_gpr(l, i->rt, op2(l, IR_##op, rs(l, i), imm(l, value)));                                                       \
  }
/* the same, with an exception instead of a wrong result */
#define RD_RS_RT_OV(name, op, overflow)                                                                                \
  LIFT(name) {                                                                                                         \
    ir_raise_if(l->ir, op2(l, IR_##overflow, rs(l, i), rt(l, i)), EXC_OV);                                             \
    set_gpr(l, i->rd, op2(l, IR_##op, rs(l, i), rt(l, i)));                                                            \
  }
#define RT_RS_IMM_OV(name, op, overflow)                                                                               \
  LIFT(name) {                                                                                                         \
    ir_raise_if(l->ir, op2(l, IR_##overflow, rs(l, i), imm(l, i->imm)), EXC_OV);                                       \
    set_gpr(l, i->rt, op2(l, IR_##op, rs(l, i), imm(l, i->imm)));                                                      \
  }

LIFT(NOP) {
  (void)l;
  (void)i;
}

RD_RS_RT(ADDU, ADD32)
RD_RS_RT(SUBU, SUB32)
RD_RS_RT(DADDU, ADD)
RD_RS_RT(DSUBU, SUB)
RD_RS_RT(AND, AND)
RD_RS_RT(OR, OR)
RD_RS_RT(XOR, XOR)
RD_RS_RT(NOR, NOR)
RD_RS_RT(SLT, LT)
RD_RS_RT(SLTU, LTU)
RD_RS_RT(MUL, MUL32)
RD_RS_RT_OV(ADD, ADD32, ADDV32)
RD_RS_RT_OV(SUB, SUB32, SUBV32)
RD_RS_RT_OV(DADD, ADD, ADDV)
RD_RS_RT_OV(DSUB, SUB, SUBV)

RT_RS_IMM(ADDIU, ADD32, i->imm)
RT_RS_IMM(DADDIU, ADD, i->imm)
RT_RS_IMM(SLTI, LT, i->imm)
RT_RS_IMM(SLTIU, LTU, i->imm)
RT_RS_IMM(ANDI, AND, (uint16_t)i->imm)
RT_RS_IMM(ORI, OR, (uint16_t)i->imm)
RT_RS_IMM(XORI, XOR, (uint16_t)i->imm)
RT_RS_IMM_OV(ADDI, ADD32, ADDV32)
RT_RS_IMM_OV(DADDI, ADD, ADDV)
LIFT(LUI) { set_gpr(l, i->rt, imm(l, (int64_t)i->imm * 65536)); }

RD_RT_SA(SLL, SHL32, 0)
RD_RT_SA(SRL, SHR32, 0)
RD_RT_SA(SRA, SAR32, 0)
RD_RT_SA(ROTR, ROTR32, 0)
RD_RT_SA(DSLL, SHL, 0)
RD_RT_SA(DSRL, SHR, 0)
RD_RT_SA(DSRA, SAR, 0)
RD_RT_SA(DROTR, ROTR, 0)
RD_RT_SA(DSLL32, SHL, 32)
RD_RT_SA(DSRL32, SHR, 32)
RD_RT_SA(DSRA32, SAR, 32)
RD_RT_SA(DROTR32, ROTR, 32)
RD_RT_RS(SLLV, SHL32)
RD_RT_RS(SRLV, SHR32)
RD_RT_RS(SRAV, SAR32)
RD_RT_RS(ROTRV, ROTR32)
RD_RT_RS(DSLLV, SHL)
RD_RT_RS(DSRLV, SHR)
RD_RT_RS(DSRAV, SAR)
RD_RT_RS(DROTRV, ROTR)

static void move_if(struct lift *l, const struct insn *i, ir_ref cond) {
  set_gpr(l, i->rd, op3(l, IR_SELECT, cond, rs(l, i), gpr(l, i->rd)));
}
LIFT(MOVZ) { move_if(l, i, op2(l, IR_EQ, rt(l, i), imm(l, 0))); }
LIFT(MOVN) { move_if(l, i, op2(l, IR_NE, rt(l, i), imm(l, 0))); }
LIFT(CLZ) { set_gpr(l, i->rd, op1(l, IR_CLZ32, rs(l, i))); }
LIFT(CLO) { set_gpr(l, i->rd, op1(l, IR_CLZ32, not(l, rs(l, i)))); }
LIFT(DCLZ) { set_gpr(l, i->rd, op1(l, IR_CLZ, rs(l, i))); }
LIFT(DCLO) { set_gpr(l, i->rd, op1(l, IR_CLZ, not(l, rs(l, i)))); }

/* --- bytes and halves --- */

LIFT(SEB) { set_gpr(l, i->rd, op1(l, IR_SX8, rt(l, i))); }
LIFT(SEH) { set_gpr(l, i->rd, op1(l, IR_SX16, rt(l, i))); }
LIFT(WSBH) { set_gpr(l, i->rd, op1(l, IR_SX32, op1(l, IR_SWAP16, rt(l, i)))); }
LIFT(DSBH) { set_gpr(l, i->rd, op1(l, IR_SWAP16, rt(l, i))); }
/* All four halfwords in reverse order. */
LIFT(DSHD) { set_gpr(l, i->rd, op1(l, IR_SWAPWORD, op1(l, IR_SWAPHALF, rt(l, i)))); }

/* --- bit fields. A field that does not fit is UNPREDICTABLE in the manual and reserved in QEMU --- */

static int64_t ones(unsigned size) {
  return size < 64 ? (int64_t)((UINT64_C(1) << size) - 1) : -1;
}

static void extract(struct lift *l, const struct insn *i, unsigned pos, unsigned size, unsigned width) {
  if (pos + size > width) {
    ir_raise(l->ir, EXC_RI);
    return;
  }
  ir_ref v = op2(l, IR_AND, op2(l, IR_SHR, rs(l, i), imm(l, pos)), imm(l, ones(size)));
  set_gpr(l, i->rt, width == 32 ? op1(l, IR_SX32, v) : v);
}
LIFT(EXT) { extract(l, i, i->sa, i->msb + 1u, 32); }
LIFT(DEXT) { extract(l, i, i->sa, i->msb + 1u, 64); }
LIFT(DEXTM) { extract(l, i, i->sa, i->msb + 33u, 64); }
LIFT(DEXTU) { extract(l, i, i->sa + 32u, i->msb + 1u, 64); }

static void insert(struct lift *l, const struct insn *i, unsigned pos, unsigned msb, unsigned width) {
  if (msb < pos) {
    ir_raise(l->ir, EXC_RI);
    return;
  }
  int64_t field = ones(msb - pos + 1);
  ir_ref new = op2(l, IR_SHL, op2(l, IR_AND, rs(l, i), imm(l, field)), imm(l, pos));
  ir_ref old = op2(l, IR_AND, rt(l, i), imm(l, ~(int64_t)((uint64_t)field << pos)));
  ir_ref v = op2(l, IR_OR, new, old);
  set_gpr(l, i->rt, width == 32 ? op1(l, IR_SX32, v) : v);
}
LIFT(INS) { insert(l, i, i->sa, i->msb, 32); }
LIFT(DINS) { insert(l, i, i->sa, i->msb, 64); }
LIFT(DINSM) { insert(l, i, i->sa, i->msb + 32u, 64); }
LIFT(DINSU) { insert(l, i, i->sa + 32u, i->msb + 32u, 64); }

/* --- HI and LO --- */

LIFT(MFHI) { set_gpr(l, i->rd, ir_get(l->ir, SLOT_HI)); }
LIFT(MFLO) { set_gpr(l, i->rd, ir_get(l->ir, SLOT_LO)); }
LIFT(MTHI) { ir_set(l->ir, SLOT_HI, rs(l, i)); }
LIFT(MTLO) { ir_set(l->ir, SLOT_LO, rs(l, i)); }

static void set_hilo(struct lift *l, ir_ref hi, ir_ref lo) {
  ir_set(l->ir, SLOT_HI, hi);
  ir_set(l->ir, SLOT_LO, lo);
}

/* The 64 bits of a product or sum, half to each register. */
static void set_hilo_32(struct lift *l, ir_ref v) {
  set_hilo(l, op2(l, IR_SAR, v, imm(l, 32)), op1(l, IR_SX32, v));
}
LIFT(MULT) { set_hilo_32(l, op2(l, IR_MULS3264, rs(l, i), rt(l, i))); }
LIFT(MULTU) { set_hilo_32(l, op2(l, IR_MULU3264, rs(l, i), rt(l, i))); }

#define HILO(name, hi, lo)                                                                                             \
  LIFT(name) {                                                                                                         \
    ir_ref a = rs(l, i), b = rt(l, i), h = op2(l, IR_##hi, a, b);                                                      \
    set_hilo(l, h, op2(l, IR_##lo, a, b));                                                                             \
  }
HILO(DIV, REMS32, DIVS32)
HILO(DIVU, REMU32, DIVU32)
HILO(DMULT, MULHS, MUL)
HILO(DMULTU, MULHU, MUL)
HILO(DDIV, REMS, DIVS)
HILO(DDIVU, REMU, DIVU)

static void accumulate(struct lift *l, const struct insn *i, enum ir_opcode mul, enum ir_opcode op) {
  ir_ref hi = op2(l, IR_SHL, ir_get(l->ir, SLOT_HI), imm(l, 32));
  ir_ref sum = op2(l, IR_OR, hi, op1(l, IR_ZX32, ir_get(l->ir, SLOT_LO)));
  set_hilo_32(l, op2(l, op, sum, op2(l, mul, rs(l, i), rt(l, i))));
}
LIFT(MADD) { accumulate(l, i, IR_MULS3264, IR_ADD); }
LIFT(MADDU) { accumulate(l, i, IR_MULU3264, IR_ADD); }
LIFT(MSUB) { accumulate(l, i, IR_MULS3264, IR_SUB); }
LIFT(MSUBU) { accumulate(l, i, IR_MULU3264, IR_SUB); }

/* --- traps and calls of the system --- */

#define TRAP(name, op, other)                                                                                          \
  LIFT(name) {                                                                                                         \
    ir_raise_if(l->ir, op2(l, IR_##op, rs(l, i), other), EXC_TR);                                                      \
  }
TRAP(TGE, GE, rt(l, i))
TRAP(TGEU, GEU, rt(l, i))
TRAP(TLT, LT, rt(l, i))
TRAP(TLTU, LTU, rt(l, i))
TRAP(TEQ, EQ, rt(l, i))
TRAP(TNE, NE, rt(l, i))
TRAP(TGEI, GE, imm(l, i->imm))
TRAP(TGEIU, GEU, imm(l, i->imm))
TRAP(TLTI, LT, imm(l, i->imm))
TRAP(TLTIU, LTU, imm(l, i->imm))
TRAP(TEQI, EQ, imm(l, i->imm))
TRAP(TNEI, NE, imm(l, i->imm))

LIFT(SYSCALL) {
  (void)i;
  ir_raise(l->ir, EXC_SYS);
}
LIFT(BREAK) {
  (void)i;
  ir_raise(l->ir, EXC_BP);
}
/* clang-format on */
