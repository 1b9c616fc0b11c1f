/* frontend/lift.c: from guest words to a block of IR: where blocks end, delay slots, exits. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A block ends with the first branch (and its delay slot), after an instruction that may change what is translated or
 * interrupted, at the end of the page, or when it is long. A branch and its slot are one unit: nothing comes between.
 */
#include "frontend/lift.h"
#include "frontend/check.h"
#include "frontend/cpu.h"
#include "frontend/events.h"
#include "frontend/helpers.h"
#include "frontend/translate.h"
#include <assert.h>

ir_ref gpr(struct lift *l, unsigned n) {
  return n ? ir_get(l->ir, n) : ir_const(l->ir, 0);
}

void set_gpr(struct lift *l, unsigned n, ir_ref v) {
  if (!n) return;
  ir_set(l->ir, n, v);
  l->written |= UINT32_C(1) << n;
}

/* Coprocessor usability comes before everything else, then whether this mode has the instruction. */
static int refusal(struct lift *l, const struct insn_index *x, bool known, const struct insn *i) {
  static const uint32_t usable[4] = {MODE_CP0, MODE_CU1, MODE_CU2, 0};
  int cop = insn_coprocessor(i->word, x->isa);
  l->fpu |= cop == 1;
  if (cop >= 0 && !(l->mode & usable[cop])) return EXC_CPU0 + cop;
  if (!known) return EXC_RI;
  if (insn_is_64bit(i->row) && !(l->mode & MODE_OPS64)) return EXC_RI;
  if (insn_is_mips4(i->row, x->isa) && !(l->mode & MODE_COP1X)) return EXC_RI;
  return -1;
}

/* What an instruction always raises, a system call for one, is the guest's only by way of the monitor. */
static void raise_by_trap(struct ir_block *ir, uint32_t word) {
  if (!ir->n || ir->op[ir->n - 1].op != IR_RAISE) return;
  unsigned exception = (unsigned)ir->op[--ir->n].imm;
  ir_call_by_trap(ir, HELPER_REFLECT, ir_const(ir, word), ir_const(ir, 0), ir_const(ir, 0));
  ir_raise(ir, exception);
}

/* A debugger may want to stop before the instruction. */
static void look_for_break(struct lift *l, const struct translate_config *t) {
  if (mips_debug_has_site(t->debug, l->pc, 1)) ir_call(l->ir, HELPER_BREAK, imm(l, 0), imm(l, 0), imm(l, 0));
}

/* Lift one instruction; true when nothing can follow it because it always raises. */
static bool lift_insn(struct lift *l, const struct translate_config *t, uint32_t word) {
  const struct insn_index *x = t->index;
  struct insn i = {0};
  bool known = insn_decode(x, word, &i);
  int no = refusal(l, x, known, &i);
  l->flow = LIFT_NEXT;
  l->ends = MIPS_PATH_ON;
  look_for_break(l, t);
  unsigned from = l->ir->n;
  l->written = 0;
  l->trap = t->trap && insn_coprocessor(word, x->isa) == 0 ? word : 0;
  if (no >= 0)
    ir_raise(l->ir, (unsigned)no);
  else
    insn_info[i.row].lift(l, &i);
  l->trap = 0;
  if (t->trap) raise_by_trap(l->ir, word);
  bool raises = l->ir->n && l->ir->op[l->ir->n - 1].op == IR_RAISE;
  if (l->counting && !raises) mips_event_lift(l, &i, from);
  if (l->check && !raises) mips_check_lift(l, &i, from);
  return raises;
}

static bool is_branch(enum lift_flow f) {
  return f == LIFT_BRANCH || f == LIFT_LIKELY || f == LIFT_JUMP_REG;
}

/* The exits of a branch whose slot ended with `slot_flow`. */
static void branch_exits(struct lift *l, const struct lift *b, enum lift_flow slot_flow) {
  struct ir_block *ir = l->ir;
  uint64_t next = b->pc + 8;
  bool conditional = b->flow == LIFT_BRANCH && b->cond != IR_NONE;
  if (slot_flow == LIFT_STOP) { /* the slot may have changed the mode: every way out passes the run loop */
    ir_ref to = b->flow == LIFT_JUMP_REG ? b->target_reg : ir_pc(ir, b->target);
    if (conditional) to = ir_op3(ir, IR_SELECT, b->cond, to, ir_pc(ir, next));
    ir_exit_reg(ir, IR_EXIT_REG_STOP, to);
    return;
  }
  if (b->flow == LIFT_JUMP_REG) {
    ir_exit_reg(ir, IR_EXIT_REG, b->target_reg);
    return;
  }
  uint64_t taken;
  if (conditional && !ir_is_const(ir, b->cond, &taken)) {
    ir_exit_if(ir, b->cond, b->target, 0);
    ir_exit(ir, IR_EXIT, next);
  } else
    ir_exit(ir, IR_EXIT, conditional && !taken ? next : b->target);
}

/* What has been executed when the block gets here. `end`: the instruction that ends it; NULL: just any. */
static void tally(struct lift *l, const struct translate_config *t, const struct jit_shape *shape,
                  const struct lift *end) {
  bool user = (l->mode & MODE_PRIV) == MMU_USER;
  if (!t->tally) return;
  uint32_t row = mips_tally_row(t->tally, t->pc, shape->insns, user);
  if (!t->paths || user) {
    ir_tally(l->ir, row);
    return;
  }
  enum mips_path_end ends = end ? end->ends : MIPS_PATH_ON;
  ir_ref value = imm(l, 1);
  if (ends == MIPS_PATH_RETURN || ends == MIPS_PATH_JUMP)
    value = end->target_reg;
  else if (ends == MIPS_PATH_CALL && end->flow == LIFT_BRANCH && end->cond != IR_NONE)
    value = end->cond;
  ir_call(l->ir, HELPER_PATH, imm(l, row | (int64_t)ends << 32), value, imm(l, end ? (int64_t)end->pc : 0));
}

/* Now comes the exit that skips the slot. */
static void tally_skipped(struct lift *l, const struct translate_config *t, const struct jit_shape *shape,
                          ir_ref executed) {
  bool user = (l->mode & MODE_PRIV) == MMU_USER;
  if (!t->tally) return;
  ir_ref row = imm(l, mips_tally_row(t->tally, t->pc, shape->insns, user));
  ir_call(l->ir, HELPER_TALLY_SKIPPED, executed, row, imm(l, 0));
}

/* The instruction at pc is about to be executed: for a modelled cache. */
static void fetched(struct lift *l, const struct translate_config *t, uint64_t pc) {
  if (t->line) ir_load(l->ir, IR_FETCHED, ir_pc(l->ir, pc), 0);
}
static bool begins_line(const struct translate_config *t, uint64_t pc) {
  return t->line && !(pc & (t->line - 1));
}

/* The branch just lifted is instruction n - 1 of the block; lift its slot and the exits. */
static void lift_branch(struct lift *l, const struct translate_config *t, uint32_t slot_word, struct jit_shape *shape) {
  struct lift b = *l;
  uint64_t taken = 1;
  if (begins_line(t, l->pc + 4)) fetched(l, t, l->pc + 4); /* before the unit has done anything: it may begin again */
  if (b.flow == LIFT_LIKELY && b.cond != IR_NONE) {
    mips_event_leave(l, b.cond);
    if (!ir_is_const(l->ir, b.cond, &taken)) {
      tally_skipped(l, t, shape, b.cond);
      ir_exit_if(l->ir, ir_op2(l->ir, IR_EQ, b.cond, ir_const(l->ir, 0)), b.pc + 8, 1);
    } else if (!taken) { /* never: the slot is not executed */
      tally(l, t, shape, NULL);
      ir_exit(l->ir, IR_EXIT, b.pc + 8);
      return;
    }
  }
  l->ir->at = shape->insns++;
  shape->flags |= JIT_BLOCK_SLOT;
  l->pc += 4;
  l->in_slot = true;
  if (lift_insn(l, t, slot_word)) return;
  if (is_branch(l->flow) || l->flow == LIFT_PC) { /* UNPREDICTABLE; lifters refuse these in a slot */
    ir_raise(l->ir, EXC_RI);
    return;
  }
  mips_event_leave(l, b.flow == LIFT_BRANCH && b.cond != IR_NONE ? b.cond : imm(l, 1));
  tally(l, t, shape, &b);
  branch_exits(l, &b, l->flow);
}

enum translate_result mips_translate_block(const struct translate_config *t, struct ir_block *ir,
                                           struct jit_shape *shape) {
  struct lift l = {.ir = ir,
                   .model = t->model,
                   .mode = t->mode,
                   .pc = t->pc,
                   .counting = t->counting,
                   .check = t->check,
                   .gang = t->gang,
                   .cond = IR_NONE,
                   .target_reg = IR_NONE};
  *shape = (struct jit_shape){.flags = t->alone ? JIT_BLOCK_ALONE : 0};
  ir_reset(ir);
  if (t->slot_may_change) ir_call(ir, HELPER_SLOT, imm(&l, t->slot_word), imm(&l, 0), imm(&l, 0));
  for (;; l.pc += 4) {
    unsigned words_left = t->words - shape->insns;
    if (!words_left || shape->insns == t->max_insns || ((t->alone || shape->insns == t->split) && shape->insns)) {
      tally(&l, t, shape, NULL);
      ir_exit(ir, IR_EXIT, l.pc);
      break;
    }
    uint32_t word = t->word[shape->insns];
    ir->at = shape->insns++;
    if (ir->at == 0 || begins_line(t, l.pc)) fetched(&l, t, l.pc);
    if (lift_insn(&l, t, word)) break;
    if (l.flow == LIFT_STOP || l.flow == LIFT_PC) {
      tally(&l, t, shape, &l);
      ir_exit(ir, l.flow == LIFT_PC ? IR_EXIT_PC : IR_EXIT_STOP, l.pc + 4);
      break;
    }
    if (!is_branch(l.flow)) continue;
    if (words_left == 1 && !t->slot_known) return TRANSLATE_SLOT_MISSING;
    lift_branch(&l, t, words_left == 1 ? t->slot_word : t->word[shape->insns], shape);
    break;
  }
  if (l.fixed || t->slot_may_change || t->tally) shape->flags |= JIT_BLOCK_FIXED;
  if (t->fpu) *t->fpu = l.fpu;
  return ir->overflow ? TRANSLATE_TOO_LONG : TRANSLATE_OK;
}
