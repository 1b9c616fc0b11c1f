/* jit/stencils/abi.h: what stencils, the tool that tabulates them and the tier that copies them agree on. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JIT_STENCILS_ABI_H
#define JIT_STENCILS_ABI_H
#include <stdint.h>

/* Holes by what fills them. Values go to absolute relocations, addresses in code memory to relative ones. */
#define STENCIL_HOLES(X)                                                                                               \
  X(HOLE_A) /* slot of an operand, as an offset from the cpu */                                                        \
  X(HOLE_B)                                                                                                            \
  X(HOLE_C)                                                                                                            \
  X(HOLE_D)     /* slot of the result */                                                                               \
  X(HOLE_IMM)   /* an immediate that fits 32 bits, sign-extended */                                                    \
  X(HOLE_COUNT) /* the low byte of one */                                                                              \
  X(HOLE_WIDE)  /* 64 bits */                                                                                          \
  X(HOLE_MORE)  /* 64 bits */                                                                                          \
  X(NEXT)       /* the code behind this stencil */                                                                     \
  X(OUT)        /* where a branch or an unlikely case goes */                                                          \
  X(BACK)       /* where a slow path comes back to */

enum stencil_hole {
#define X(name) STENCIL_##name,
  STENCIL_HOLES(X)
#undef X
      STENCIL_HOLE_KINDS
};

/* One thing to fill in. */
struct stencil_patch {
  uint16_t at;    /* byte offset in the stencil */
  uint8_t hole;   /* enum stencil_hole */
  uint8_t kind;   /* enum stencil_patch_kind */
  int32_t addend; /* added to the value */
};
enum stencil_patch_kind { STENCIL_ABS8, STENCIL_ABS32, STENCIL_ABS64, STENCIL_REL32 };

struct stencil {
  uint32_t bytes; /* index of the first */
  uint32_t patch; /* index of the first */
  uint16_t size;
  uint8_t patches;
  uint8_t tail; /* bytes of the final jump to NEXT, its last patch: left out when NEXT does follow */
};

/* Registers that carry slots from stencil to stencil. */
enum { STENCIL_REGS = 7 };

/* What generated code returns: an address (of a struct jit_exit or jit_block, or 0) plus one of these. */
enum stencil_leave {
  LEAVE_EXIT,          /* through this jit_exit */
  LEAVE_BUDGET,        /* this jit_block does not fit into the budget */
  LEAVE_REG,           /* to cpu->pc */
  LEAVE_STOP,          /* to cpu->pc, through the run loop */
  LEAVE_TROUBLE,       /* cpu->trouble says why */
  LEAVE_REGION_BUDGET, /* this jit_block, within a region, does not fit into the budget */
  LEAVE_MASK = 7
};

/* The operand of slow paths: where they are, in one word: block address | instruction within it. */
enum { STENCIL_AT_SHIFT = 48 };
#define STENCIL_WHERE(block, at) ((uint64_t)(uintptr_t)(block) | (uint64_t)(at) << STENCIL_AT_SHIFT)
#endif
