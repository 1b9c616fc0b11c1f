/* jit/llvm_emit.h: from a region to LLVM's IR. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JIT_LLVM_EMIT_H
#define JIT_LLVM_EMIT_H
#include "jit/region.h"
#include <llvm-c/Core.h>

enum { EMIT_CACHES = 24, EMIT_SLOT_INDEX = 8192 };

/* Where in memory a base register has last led to. */
struct emit_cache {
  int slot;
  enum mmu_access kind;
  bool steady;              /* within the region the slot only ever moves to places near: see emit_is_step() */
  bool hopeful;             /* at this point of the code: worth a look */
  LLVMValueRef tag, addend; /* variables */
};

struct emit_var {
  bool used;       /* in the region */
  bool narrow;     /* always a sign-extended 32-bit value */
  LLVMValueRef at; /* the variable */
};

typedef struct {
  uint64_t bit[3];
} emit_set;
static inline void emit_set_add(emit_set *s, unsigned i) {
  s->bit[i / 64] |= UINT64_C(1) << i % 64;
}
static inline bool emit_set_has(const emit_set *s, unsigned i) {
  return s->bit[i / 64] >> i % 64 & 1;
}

struct emit_access { /* of guest memory */
  const struct jit_op *o;
  enum ir_opcode op;
  enum mmu_access kind;
  unsigned size; /* 0: it is none */
  bool sign, swap;
  bool conditional; /* a store, if operand c is not 0; `op` is the store */
};

struct emitter {
  LLVMContextRef context;
  LLVMModuleRef module;
  LLVMBuilderRef b;
  LLVMTypeRef i1, i8, i16, i32, i64, ptr, region_type;
  LLVMValueRef fn, cpu, statepoint, result;
  LLVMTypeRef statepoint_type, result_type;
  LLVMValueRef likely;
  unsigned prof;
  const struct jit_guest *g;
  const struct region_source *s;
  uint8_t index[EMIT_SLOT_INDEX]; /* of the slot at an offset / 8, plus 1 */
  unsigned zero;                  /* offset of the zero slot */
  struct emit_var var[IR_MAX_SLOTS];
  LLVMValueRef budget; /* variable */
  LLVMValueRef temp[JIT_TEMPS];
  struct emit_cache cache[EMIT_CACHES];
  unsigned caches;
  enum jit_linear_way linear; /* loads try linear memory first */
  LLVMValueRef view;          /* host address of va 0; NULL: memory is not accessed through a view */
  emit_set in[REGION_NODES];  /* slots that may be newer than memory when a node is entered */
  emit_set dirty;
  emit_set even;                  /* slots that, here, hold what only ever moves by constants */
  emit_set even_at[REGION_NODES]; /* the same where a node begins */
  uint32_t need[REGION_NODES];    /* budget a node asks for; 0: it does not */
  LLVMBasicBlockRef head[REGION_NODES];
  const struct region_node *node;
  uint32_t rest; /* budget that may be wanted behind the node without a check */
  uint32_t longest[REGION_NODES];
};

/* Fill the module with one function, "region". */
void emit_region(struct emitter *e, const struct region_source *s);

/* --- within emission --- */
/* What to know before (llvm_plan.c): fills var, cache, in, even_at, need, longest. */
void emit_plan(struct emitter *e);
/* The slot at a byte offset (or around it), or -1: a temporary, the zero slot, or one that is not kept in variables. */
int emit_slot_at(const struct emitter *e, uint16_t offset);
struct emit_access emit_access_of(const struct jit_op *o, enum ir_opcode op);
bool emit_has_result(const struct jit_op *o);
/* Does an operation move its slot by a constant? */
bool emit_is_step(const struct jit_op *o);
/* Is its result made of slots that only ever move by constants? As an address it then most likely leads to the page
 * that it last led to. */
bool emit_is_even(const struct emitter *e, const struct jit_op *o);
/* The meaning of a PURE or CMP operation (llvm_ops.c). */
LLVMValueRef emit_pure(struct emitter *e, enum ir_opcode op, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c);
/* The condition of a CMP operation, as an i1. */
LLVMValueRef emit_condition(struct emitter *e, enum ir_opcode op, LLVMValueRef a, LLVMValueRef b);
/* An FPU operation's ordinary case: the result's bits, whether it is that case, and the result's size (llvm_fpu.c).
 * `raw` are 64-bit values of which those of 4 bytes have the low half. */
LLVMValueRef emit_floating(struct emitter *e, enum ir_opcode op, const LLVMValueRef *raw, LLVMValueRef *good,
                           unsigned *bytes);
bool emit_is_noted(enum ir_opcode op);
unsigned emit_fpu_result_bytes(enum ir_opcode op);
/* The IR operation a lowered one stands for, and how; IR_OPCODES: it is none of these. */
enum emit_form { EMIT_PLAIN, EMIT_IMMEDIATE, EMIT_BRANCH };
enum ir_opcode emit_meaning(unsigned jit_opcode, enum emit_form *form);
static inline LLVMValueRef emit_i64(struct emitter *e, uint64_t v) {
  return LLVMConstInt(e->i64, v, 0);
}
#endif
