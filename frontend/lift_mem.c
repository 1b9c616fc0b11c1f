/* frontend/lift_mem.c: loads, stores, synchronisation, cache control. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A load sets its register after the access, so that a fault finds the old value. A load to $0 still accesses memory.
 * The unaligned loads are an aligned load and a merge; the unaligned stores, which write one to eight bytes of an
 * aligned unit, are helpers. */
#include "frontend/cpu.h"
#include "frontend/helpers.h"
#include "frontend/lift_rows.h"
#include "jit/memory_ops.h"

/* One-line lifters are rows of a table. */
/* clang-format off */
#define LIFT(name) void lift_##name(struct lift *l, const struct insn *i)

ir_ref lift_va(struct lift *l, ir_ref base, ir_ref offset) {
  return op2(l, l->model->segbits == 32 ? IR_ADD32 : IR_ADD, base, offset); /* as mmu_canonical() */
}

enum ir_opcode lift_order(const struct lift *l, enum ir_opcode op) {
  if (!(l->mode & MODE_BIG)) return op; /* hosts are little-endian */
  static const uint8_t swapped[IR_OPCODES] = {
      [IR_LD16U] = IR_LD16U_X,     [IR_LD16S] = IR_LD16S_X,     [IR_LD32U] = IR_LD32U_X, [IR_LD32S] = IR_LD32S_X,
      [IR_LD64] = IR_LD64_X,       [IR_ST16] = IR_ST16_X,       [IR_ST32] = IR_ST32_X,   [IR_ST64] = IR_ST64_X,
      [IR_ST32_IF] = IR_ST32_X_IF, [IR_ST64_IF] = IR_ST64_X_IF,
  };
  return swapped[op] ? (enum ir_opcode)swapped[op] : op;
}

ir_ref lift_help(struct lift *l, unsigned helper, ir_ref a, ir_ref b, ir_ref c) {
  if (l->trap) return ir_call_by_trap(l->ir, HELPER_PRIVILEGED, imm(l, l->trap), imm(l, 0), imm(l, 0));
  return ir_call(l->ir, helper, a, b, c);
}

static unsigned part_bytes(int64_t helper) {
  return helper == HELPER_SWL || helper == HELPER_SWR ? 4 : helper == HELPER_SDL || helper == HELPER_SDR ? 8 : 0;
}

bool lift_access_of(struct lift *l, const struct ir_op *o, struct lift_access *out) {
#define LOAD(name, raw, as, swap) [IR_##name] = sizeof(raw),
#define STORE(name, raw, swap)    [IR_##name] = sizeof(raw),
  static const uint8_t bytes[IR_OPCODES] = {
      LOADS(LOAD) STORES(STORE)[IR_ST32_IF] = 4, [IR_ST32_X_IF] = 4, [IR_ST64_IF] = 8, [IR_ST64_X_IF] = 8};
#undef LOAD
#undef STORE
  *out = (struct lift_access){.made = imm(l, 1)};
  if (o->op == IR_CALL) {
    out->store = out->part = true;
    out->va = o->a;
    return (out->bytes = part_bytes(o->imm));
  }
  if (ir_opinfo[o->op].class != IR_CLASS_MEM) return false;
  out->bytes = bytes[o->op];
  out->store = ir_opinfo[o->op].form != IR_FORM_V;
  out->va = op2(l, IR_ADD, o->a, imm(l, o->imm));
  if (ir_opinfo[o->op].form == IR_FORM_VVV) out->made = o->c;
  return true;
}

/* --- aligned --- */

#define LOAD(name, op)                                                                                                 \
  LIFT(name) {                                                                                                         \
    set_gpr(l, i->rt, ir_load(l->ir, lift_order(l, IR_##op), gpr(l, i->rs), i->imm));                                  \
  }
#define STORE(name, op)                                                                                                \
  LIFT(name) {                                                                                                         \
    ir_store(l->ir, lift_order(l, IR_##op), gpr(l, i->rs), i->imm, gpr(l, i->rt));                                     \
  }
LOAD(LB, LD8S)
LOAD(LBU, LD8U)
LOAD(LH, LD16S)
LOAD(LHU, LD16U)
LOAD(LW, LD32S)
LOAD(LWU, LD32U)
LOAD(LD, LD64)
STORE(SB, ST8)
STORE(SH, ST16)
STORE(SW, ST32)
STORE(SD, ST64)

/* --- unaligned loads (MIPS64 vol. II, LWL, figures "Bytes Loaded") --- */

struct part {
  ir_ref data;  /* the aligned unit around the address */
  ir_ref shift; /* bits between the addressed byte and the end the instruction fills */
};

/* Load the aligned unit of `bytes` bytes. `left`: LWL and LDL. */
static struct part load_part(struct lift *l, const struct insn *i, unsigned bytes, bool left) {
  ir_ref va = lift_va(l, gpr(l, i->rs), imm(l, i->imm));
  enum ir_opcode op = lift_order(l, bytes == 4 ? IR_LD32S : IR_LD64);
  struct part p = {.data = ir_load(l->ir, op, op2(l, IR_AND, va, imm(l, -(int64_t)bytes)), 0)};
  unsigned mask = 8 * (bytes - 1);
  p.shift = op2(l, IR_AND, op2(l, IR_SHL, va, imm(l, 3)), imm(l, mask));
  if (left != !!(l->mode & MODE_BIG)) p.shift = op2(l, IR_XOR, p.shift, imm(l, mask));
  return p;
}

/* The high bytes of rt come from memory, the low `shift` bits stay. */
static void load_left(struct lift *l, const struct insn *i, unsigned bytes) {
  struct part p = load_part(l, i, bytes, true);
  ir_ref stays = not(l, op2(l, IR_SHL, imm(l, -1), p.shift));
  ir_ref high = op2(l, bytes == 4 ? IR_SHL32 : IR_SHL, p.data, p.shift);
  set_gpr(l, i->rt, op2(l, IR_OR, high, op2(l, IR_AND, gpr(l, i->rt), stays)));
}

/* The low bytes of rt come from memory, the high `shift` bits stay. */
static void load_right(struct lift *l, const struct insn *i, unsigned bytes) {
  struct part p = load_part(l, i, bytes, false);
  ir_ref data = bytes == 4 ? op1(l, IR_ZX32, p.data) : p.data;
  ir_ref comes = op2(l, IR_SHR, imm(l, bytes == 4 ? INT64_C(0xffffffff) : -1), p.shift);
  ir_ref stays = op2(l, IR_AND, gpr(l, i->rt), not(l, comes));
  ir_ref v = op2(l, IR_OR, op2(l, IR_SHR, data, p.shift), stays);
  set_gpr(l, i->rt, bytes == 4 ? op1(l, IR_SX32, v) : v);
}
LIFT(LWL) { load_left(l, i, 4); }
LIFT(LDL) { load_left(l, i, 8); }
LIFT(LWR) { load_right(l, i, 4); }
LIFT(LDR) { load_right(l, i, 8); }

/* --- load linked, store conditional --- the link is to the address. Accesses to devices may break it, so the bit is
 * read and written as half a slot, which is never taken as known. In a gang the link is to the value: helpers --- */

static void load_linked(struct lift *l, const struct insn *i, enum ir_opcode op) {
  ir_ref va = lift_va(l, gpr(l, i->rs), imm(l, i->imm));
  if (l->gang) {
    set_gpr(l, i->rt, lift_help(l, HELPER_LL, va, imm(l, lift_order(l, op)), imm(l, 0)));
    return;
  }
  ir_ref v = ir_load(l->ir, lift_order(l, op), gpr(l, i->rs), i->imm);
  ir_set32(l->ir, SLOT_LL_BIT, 0, imm(l, 1));
  ir_set(l->ir, SLOT_LL_VA, va);
  ir_set(l->ir, SLOT_LL_GPA, imm(l, MMU_LINK_OPEN));
  set_gpr(l, i->rt, v);
}

/* With a broken link memory is not touched, so that nothing can fault: the LL of the retry will. */
static void store_conditional(struct lift *l, const struct insn *i, enum ir_opcode op) {
  ir_ref va = lift_va(l, gpr(l, i->rs), imm(l, i->imm));
  if (l->gang) {
    enum ir_opcode plain = lift_order(l, op == IR_ST32_IF ? IR_ST32 : IR_ST64);
    set_gpr(l, i->rt, lift_help(l, HELPER_SC, va, gpr(l, i->rt), imm(l, plain)));
    return;
  }
  ir_ref linked = op2(l, IR_EQ, va, ir_get(l->ir, SLOT_LL_VA));
  linked = op2(l, IR_AND, linked, ir_get32(l->ir, SLOT_LL_BIT, 0));
  ir_store_if(l->ir, lift_order(l, op), gpr(l, i->rs), i->imm, gpr(l, i->rt), linked);
  ir_set32(l->ir, SLOT_LL_BIT, 0, imm(l, 0));
  set_gpr(l, i->rt, linked);
}
LIFT(LL) { load_linked(l, i, IR_LD32S); }
LIFT(LLD) { load_linked(l, i, IR_LD64); }
LIFT(SC) { store_conditional(l, i, IR_ST32_IF); }
LIFT(SCD) { store_conditional(l, i, IR_ST64_IF); }

/* --- helpers on an address --- */

/* helper(va, b) */
static ir_ref help_va(struct lift *l, const struct insn *i, unsigned helper, ir_ref b) {
  return lift_help(l, helper, lift_va(l, gpr(l, i->rs), imm(l, i->imm)), b, imm(l, 0));
}
#define HELP_STORE(name)                                                                                               \
  LIFT(name) {                                                                                                         \
    help_va(l, i, HELPER_##name, gpr(l, i->rt));                                                                       \
  }
HELP_STORE(SWL)
HELP_STORE(SWR)
HELP_STORE(SDL)
HELP_STORE(SDR)
LIFT(CACHE) { help_va(l, i, HELPER_CACHE, imm(l, i->hint)); }
LIFT(SYNCI) { help_va(l, i, HELPER_SYNCI, imm(l, 0)); }

/* A cpu sees its memory in program order; others may look only when several run at once. Prefetches may do nothing. */
LIFT(SYNC) {
  if (l->gang)
    lift_help(l, HELPER_SYNC, imm(l, 0), imm(l, 0), imm(l, 0));
  else
    lift_NOP(l, i);
}
LIFT(PREF) { lift_NOP(l, i); }
/* clang-format on */
