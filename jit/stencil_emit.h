/* jit/stencil_emit.h: operations and shared pieces of code put into code memory; used by the stencil tier only. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JIT_STENCIL_EMIT_H
#define JIT_STENCIL_EMIT_H
#include "jit/code.h"
#include "jit/code_memory.h"
#include "jit/stencils/abi.h"

enum { STENCIL_COPY = 32, STENCIL_OP_MAX = 256 /* bytes of an operation, in each half */ };

struct jit_stencils {
  const struct jit_guest *guest;
  struct code_memory memory;
  struct arena {
    uint32_t at, begin, end;
  } hot, cold;
  uint32_t shared[JIT_OPCODES]; /* slow paths of memory operations */
  uint32_t call, raise, leave, leave_at_t, look_up_neighbour, go_on, go_on_at_pc, trouble;
  uint32_t region_load, region_store, region_fpu, region_raise, region_leave;
  uint32_t resets;  /* times all stencils were forgotten */
  uint32_t regions; /* where their part of code memory begins */
  uint64_t (*enter)(struct jit_cpu *cpu, const void *code);
  struct jit_block *compiled;
  /* Accesses through a view, by address: where their stencils end, and where to go on after a host fault. */
  struct view_access {
    uint32_t end, slow;
  } * access;
  size_t accesses, access_room;
};

struct view_stencils;
/* A block that is being put there. */
struct emit {
  struct jit_stencils *s;
  struct jit_block *b;
  int64_t value[STENCIL_HOLE_KINDS]; /* what goes into holes; NEXT, OUT, BACK: offsets in code memory */
  uint32_t out_at;                   /* where the last OUT was put */
  uint16_t slot[STENCIL_REGS];       /* what each register holds */
  bool dirty[STENCIL_REGS];          /* a temporary that is not in its slot */
  uint32_t used[STENCIL_REGS], clock;
  uint16_t zero;
  enum jit_linear_way linear;       /* loads try linear memory first */
  const struct view_stencils *view; /* accesses go through a view, or by lines; or NULL */
  /* The last access to memory: code behind it knows the page, so the next of its kind off the same, unchanged base need
   * not look it up if it lies there. NO_SLOT: none. */
  uint16_t base;
  bool wrote;
  int32_t offset;
};

struct emit stencil_emit_begin(struct jit_stencils *s, struct jit_block *b);
/* What comes before the first operation: is there budget? */
void stencil_emit_head(struct emit *e);
void stencil_emit_op(struct emit *e, const struct jit_op *o);
/* Is there room for n operations? */
bool stencil_emit_room(const struct jit_stencils *s, unsigned n);
/* What all blocks share; before anything is compiled. */
void stencil_emit_shared(struct jit_stencils *s);
/* Code that looks a guest address up and goes on there; returns where it is. There is room. */
uint32_t stencil_emit_look_up(struct jit_stencils *s, uint64_t pc);
/* Let a jump, whose displacement is at `jump`, lead to `target`. */
void stencil_aim(struct jit_stencils *s, uint32_t jump, uint32_t target);
#endif
