/* jit/ir.h: the intermediate representation: one straight line of operations over guest slots. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A block is a list of operations in execution order. An operation that yields a value is named by
 * its index, so values are defined once. Guest state lives in slots; a SET is visible to every
 * later fault, so state is precise wherever a faulting operation stands. `at` is the guest
 * instruction an operation belongs to: from it the run loop derives pc, delay-slot bit and
 * instruction count when the block is left in the middle. */
#ifndef JIT_IR_H
#define JIT_IR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum ir_opcode {
#define OP(name, form, class, meaning) IR_##name,
#include "jit/ir_ops.def"
  IR_OPCODES
};
enum ir_form { IR_FORM_N, IR_FORM_V, IR_FORM_VV, IR_FORM_VVV };
enum ir_class {
  IR_CLASS_CONST,
  IR_CLASS_GET,
  IR_CLASS_SET,
  IR_CLASS_PURE,
  IR_CLASS_CMP,
  IR_CLASS_FPU,
  IR_CLASS_MEM,
  IR_CLASS_CALL,
  IR_CLASS_TALLY,
  IR_CLASS_TRAP,
  IR_CLASS_EXIT
};
struct ir_opinfo {
  const char *name;
  enum ir_form form;
  enum ir_class class;
};
extern const struct ir_opinfo ir_opinfo[IR_OPCODES];

typedef uint16_t ir_ref; /* index of the operation that yields the value */
#define IR_NONE ((ir_ref)0xffff)

struct ir_op {
  uint8_t op;     /* enum ir_opcode */
  uint8_t at;     /* guest instruction within the block, from 0 */
  uint8_t refund; /* EXIT_IF: guest instructions of the block that are not executed when it is taken */
  ir_ref a, b, c;
  int64_t imm;
};

enum { IR_MAX_OPS = 1024, IR_MAX_SLOTS = 160 };

/* A block under construction. Reused from block to block; owns nothing but itself. */
struct ir_block {
  struct ir_op op[IR_MAX_OPS];
  unsigned n;
  uint8_t at;                   /* given to new operations */
  bool overflow;                /* too long: what was built is useless, translate fewer instructions */
  ir_ref current[IR_MAX_SLOTS]; /* value a slot is known to hold, or IR_NONE */
};

void ir_reset(struct ir_block *b);
/* Append; constants are folded and common identities simplified, so the result may be an earlier
 * value. */
ir_ref ir_const(struct ir_block *b, uint64_t v);
/* An address as far from the block's own wherever that may be. Not folded: it is a constant of this copy alone. */
ir_ref ir_pc(struct ir_block *b, uint64_t v);
ir_ref ir_op1(struct ir_block *b, enum ir_opcode op, ir_ref a);
ir_ref ir_op2(struct ir_block *b, enum ir_opcode op, ir_ref a, ir_ref v);
ir_ref ir_op3(struct ir_block *b, enum ir_opcode op, ir_ref a, ir_ref v, ir_ref c);
ir_ref ir_get(struct ir_block *b, unsigned slot);
void ir_set(struct ir_block *b, unsigned slot, ir_ref v);
ir_ref ir_get32(struct ir_block *b, unsigned slot, unsigned high);
void ir_set32(struct ir_block *b, unsigned slot, unsigned high, ir_ref v);
ir_ref ir_load(struct ir_block *b, enum ir_opcode op, ir_ref base, int32_t offset);
void ir_store(struct ir_block *b, enum ir_opcode op, ir_ref base, int32_t offset, ir_ref v);
void ir_store_if(struct ir_block *b, enum ir_opcode op, ir_ref base, int32_t offset, ir_ref v, ir_ref cond);
/* A floating-point operation; `helper` computes it where it is not ordinary (fpu_ops.def). */
ir_ref ir_fpu(struct ir_block *b, enum ir_opcode op, unsigned helper, ir_ref a, ir_ref v, ir_ref c);
/* Call a helper by its number in struct jit_guest. What it may have changed is forgotten. */
ir_ref ir_call(struct ir_block *b, unsigned helper, ir_ref a, ir_ref v, ir_ref c);
/* The same by way of a host trap; jit_cpu.trapped is when it was taken. */
ir_ref ir_call_by_trap(struct ir_block *b, unsigned helper, ir_ref a, ir_ref v, ir_ref c);
/* Where it stands in the block tells what has been executed when it is: it moves past nothing that can fault. */
void ir_tally(struct ir_block *b, uint32_t index);
/* Nothing is appended behind an unconditional exception: it ends the block. */
void ir_raise(struct ir_block *b, unsigned exception);
void ir_raise_if(struct ir_block *b, ir_ref cond, unsigned exception);
void ir_exit(struct ir_block *b, enum ir_opcode op, uint64_t pc); /* EXIT, EXIT_STOP, EXIT_PC */
void ir_exit_if(struct ir_block *b, ir_ref cond, uint64_t pc, unsigned refund);
void ir_exit_reg(struct ir_block *b, enum ir_opcode op, ir_ref pc); /* EXIT_REG, EXIT_REG_STOP */
bool ir_is_const(const struct ir_block *b, ir_ref v, uint64_t *value);

/* The meaning of a PURE or CMP operation. */
uint64_t ir_eval(enum ir_opcode op, uint64_t a, uint64_t b, uint64_t c);
/* Well-formed? Returns NULL, or what is wrong (static text). Used by assertions and tests. */
const char *ir_check(const struct ir_block *b);
void ir_print(const struct ir_block *b, const char *const *slot_names, FILE *to);
#endif
