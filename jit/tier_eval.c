/* jit/tier_eval.c: the eval tier: lowered code run by a threaded interpreter. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Every pure operation's handler is its expression from ir_ops.def. Memory, calls and exits are written here, once. */
#include "jit/code.h"
#include "jit/faults.h"
#include "jit/fp.h"
#include "jit/memory_ops.h"
#include <string.h>

#define SLOT(off) (*(uint64_t *)((char *)cpu + (off)))
#define HALF(off) (*(uint32_t *)((char *)cpu + (off)))
/* Declare `name` and read it; write it. */
#define TAKE(type, name, off)                                                                                          \
  type name;                                                                                                           \
  memcpy(&name, (const char *)cpu + (off), sizeof name)
#define PUT(name, off) memcpy((char *)cpu + (off), &name, sizeof name)

static enum jit_exit_kind troubled(const struct jit_cpu *cpu) {
  return cpu->trouble == JIT_FAULT ? JIT_EXIT_FAULT : JIT_EXIT_RESTART;
}

/* How guests race for their memory is their own affair. */
__attribute__((no_sanitize("thread"))) int jit_eval(const struct jit_guest *g, struct jit_block *block,
                                                    struct jit_cpu *cpu) {
  static const void *const label[JIT_OPCODES] = {
#define JIT_OPCODE(name) [J_##name] = &&do_##name,
#include "jit/opcodes.def"
  };
  const struct jit_op *i;
  struct jit_exit *out;

#define NEXT                                                                                                           \
  do {                                                                                                                 \
    i++;                                                                                                               \
    goto *label[i->op];                                                                                                \
  } while (0)

enter:
  if (!--block->heat) {
    cpu->block = block;
    return JIT_SWITCH;
  }
  if (cpu->budget < block->shape.insns && !(block->shape.flags & JIT_BLOCK_ALONE)) {
    cpu->pc = block->key.pc;
    cpu->block = block;
    return JIT_EXIT_BUDGET;
  }
  cpu->budget -= block->shape.insns;
  cpu->blocks++;
  cpu->block = block;
  i = block->code;
  goto *label[i->op];

  /* Pure operations, from the table. */
#define DO(name, meaning)                                                                                              \
  do_##name : {                                                                                                        \
    uint64_t a = SLOT(i->a), b = SLOT(i->b), c = 0;                                                                    \
    (void)a, (void)b, (void)c;                                                                                         \
    SLOT(i->d) = meaning;                                                                                              \
    NEXT;                                                                                                              \
  }
#define DO_I(name, meaning)                                                                                            \
  do_##name##_I : {                                                                                                    \
    uint64_t a = SLOT(i->a), b = (uint64_t)i->imm;                                                                     \
    (void)a, (void)b;                                                                                                  \
    SLOT(i->d) = meaning;                                                                                              \
    NEXT;                                                                                                              \
  }
#define DO_BRANCH(name, meaning)                                                                                       \
  do_EXIT_##name : {                                                                                                   \
    uint64_t a = SLOT(i->a), b = SLOT(i->b);                                                                           \
    if (meaning) goto take_exit;                                                                                       \
    NEXT;                                                                                                              \
  }
#define DO3(name, meaning)                                                                                             \
  do_##name : {                                                                                                        \
    uint64_t a = SLOT(i->a), b = SLOT(i->b), c = SLOT(i->c);                                                           \
    SLOT(i->d) = meaning;                                                                                              \
    NEXT;                                                                                                              \
  }
#define DO_PURE_V(name, meaning)     DO(name, meaning)
#define DO_PURE_VV(name, meaning)    DO(name, meaning) DO_I(name, meaning)
#define DO_PURE_VVV(name, meaning)   DO3(name, meaning)
#define DO_CMP_VV(name, meaning)     DO(name, meaning) DO_I(name, meaning) DO_BRANCH(name, meaning)
#define DO_PURE(name, form, meaning) DO_PURE_##form(name, meaning)
#define DO_CMP(name, form, meaning)  DO_CMP_##form(name, meaning)
#define DO_CONST(name, form, meaning)
#define DO_GET(name, form, meaning)
#define DO_SET(name, form, meaning)
#define DO_FPU(name, form, meaning)
#define DO_MEM(name, form, meaning)
#define DO_CALL(name, form, meaning)
#define DO_TALLY(name, form, meaning)
#define DO_TRAP(name, form, meaning)
#define DO_EXIT(name, form, meaning)
#define OP(name, form, class, meaning) DO_##class(name, form, meaning)
#include "jit/ir_ops.def"

  /* Memory: the soft TLB entry is right only when page, kind and alignment all are. */
#define DO_LOAD(name, raw, as, swap)                                                                                   \
  do_##name : {                                                                                                        \
    uint64_t va = SLOT(i->a) + (uint64_t)(int64_t)i->offset;                                                           \
    const struct softtlb_entry *e = softtlb_find(&cpu->tlb.table[MMU_READ], va, sizeof(raw));                          \
    if (__builtin_expect(!e, 0)) {                                                                                     \
      cpu->at = i->at;                                                                                                 \
      uint64_t v = g->load(cpu, va, IR_##name);                                                                        \
      if (cpu->trouble) goto trouble;                                                                                  \
      SLOT(i->d) = v;                                                                                                  \
      NEXT;                                                                                                            \
    }                                                                                                                  \
    raw v;                                                                                                             \
    memcpy(&v, (const void *)(uintptr_t)(va + e->addend), sizeof v);                                                   \
    SLOT(i->d) = (uint64_t)(int64_t)(as)swap(v);                                                                       \
    NEXT;                                                                                                              \
  }
  LOADS(DO_LOAD)
do_FETCHED:
  cpu->at = i->at;
  g->load(cpu, SLOT(i->a) + (uint64_t)(int64_t)i->offset, IR_FETCHED);
  if (cpu->trouble) goto trouble;
  NEXT;
#define DO_STORE(name, raw, swap)                                                                                      \
  do_##name : {                                                                                                        \
    uint64_t va = SLOT(i->a) + (uint64_t)(int64_t)i->offset;                                                           \
    const struct softtlb_entry *e = softtlb_find(&cpu->tlb.table[MMU_WRITE], va, sizeof(raw));                         \
    if (__builtin_expect(!e, 0)) {                                                                                     \
      cpu->at = i->at;                                                                                                 \
      TAKE(raw, v, i->b);                                                                                              \
      g->store(cpu, va, v, IR_##name);                                                                                 \
      if (cpu->trouble) goto trouble;                                                                                  \
      NEXT;                                                                                                            \
    }                                                                                                                  \
    TAKE(raw, v, i->b);                                                                                                \
    v = swap(v);                                                                                                       \
    memcpy((void *)(uintptr_t)(va + e->addend), &v, sizeof v);                                                         \
    NEXT;                                                                                                              \
  }
  STORES(DO_STORE)
#define DO_STORE_IF(name)                                                                                              \
  do_##name##_IF : {                                                                                                   \
    if (SLOT(i->c)) goto do_##name;                                                                                    \
    NEXT;                                                                                                              \
  }
  STORES_IF(DO_STORE_IF)

do_MOV:
  SLOT(i->d) = SLOT(i->a);
  NEXT;
do_MOVI:
  SLOT(i->d) = (uint64_t)i->imm;
  NEXT;
do_GET32:
  SLOT(i->d) = HALF(i->a);
  NEXT;
do_SET32:
  HALF(i->d) = HALF(i->a);
  NEXT;
do_SET: /* lowered to MOV */
  __builtin_unreachable();
  /* Floating point: the ordinary case, or the helper. */
#define FPU_OPERANDS_V(type) TAKE(type, a, i->a)
#define FPU_OPERANDS_VV(type)                                                                                          \
  FPU_OPERANDS_V(type);                                                                                                \
  TAKE(type, b, i->b)
#define FPU_OPERANDS_VVV(type)                                                                                         \
  FPU_OPERANDS_VV(type);                                                                                               \
  TAKE(type, c, i->c)
#define FPU_COPY_V           memcpy(&cpu->fp.a, &a, sizeof a)
#define FPU_COPY_VV          FPU_COPY_V, memcpy(&cpu->fp.b, &b, sizeof b)
#define FPU_COPY_VVV         FPU_COPY_VV, memcpy(&cpu->fp.c, &c, sizeof c)
#define FPU_READY_NOTED      cpu->fp.ready
#define FPU_READY_EXACT      true
#define FPU_NOTE_NOTED(form) FPU_COPY_##form, cpu->fp.last = (uint32_t)i->offset
#define FPU_NOTE_EXACT(form) cpu->fp.last = JIT_FP_EXACT
#define FPU(name, form, to, from, kind, meaning, good, also)                                                           \
  do_##name : {                                                                                                        \
    FPU_OPERANDS_##form(from);                                                                                         \
    to r = meaning;                                                                                                    \
    if (FPU_READY_##kind && ((good) || (also))) {                                                                      \
      FPU_NOTE_##kind(form);                                                                                           \
    } else {                                                                                                           \
      FPU_COPY_##form;                                                                                                 \
      cpu->at = i->at;                                                                                                 \
      uint64_t v = g->helper[i->offset](cpu, cpu->fp.a, cpu->fp.b, cpu->fp.c);                                         \
      if (cpu->trouble) goto trouble;                                                                                  \
      memcpy(&r, &v, sizeof r);                                                                                        \
    }                                                                                                                  \
    PUT(r, i->d);                                                                                                      \
    NEXT;                                                                                                              \
  }
#include "jit/fpu_ops.def"
do_CALL_BY_TRAP:
  cpu->trapped = faults_trap();
do_CALL : {
  cpu->at = i->at;
  uint64_t v = g->helper[i->offset](cpu, SLOT(i->a), SLOT(i->b), SLOT(i->c));
  if (cpu->trouble) goto trouble;
  SLOT(i->d) = v;
  NEXT;
}
do_TALLY:
  cpu->tally[i->imm]++;
  NEXT;
do_RAISE_IF:
  if (!SLOT(i->a)) NEXT;
do_RAISE:
  cpu->at = i->at;
  g->raise(cpu, (unsigned)i->offset);
trouble:
  return troubled(cpu);

do_EXIT_IF:
  if (!SLOT(i->a)) NEXT;
take_exit:
  cpu->budget += i->offset; /* what the block head has charged for instructions that are skipped */
do_EXIT:
  out = &block->exit[i->c];
  if (out->to) {
    block = out->to;
    goto enter;
  }
  cpu->pc = out->pc;
  cpu->left = out;
  return JIT_EXIT_NEXT;
do_EXIT_REG:
  cpu->pc = SLOT(i->a);
  cpu->left = NULL;
  return JIT_EXIT_NEXT;
do_EXIT_REG_STOP:
  cpu->pc = SLOT(i->a);
  return JIT_EXIT_STOP;
do_EXIT_STOP:
  cpu->pc = (uint64_t)i->imm;
  return JIT_EXIT_STOP;
do_EXIT_PC:
  return JIT_EXIT_STOP;
}
