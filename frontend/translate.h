/* frontend/translate.h: guest words in, a block of IR out. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FRONTEND_TRANSLATE_H
#define FRONTEND_TRANSLATE_H
#include "frontend/decode.h"
#include "frontend/tally.h"
#include "jit/jit.h"

struct mips_debug;
struct translate_config {
  const struct cpu_model *model;
  const struct insn_index *index;
  uint32_t mode; /* MODE_* */
  uint64_t pc;
  const uint32_t *word;           /* from pc on, in host order */
  unsigned words;                 /* to the end of the page, at most; at least 1 */
  unsigned max_insns;             /* at least 2: a branch brings its slot */
  unsigned split;                 /* end before this instruction (0: do not): it is to be a block of its own */
  struct mips_tally *tally;       /* gets rows for what the block counts; NULL: it counts nothing */
  bool paths;                     /* ... by call path, too (paths.h) */
  bool alone;                     /* one unit only */
  bool counting;                  /* events are counted (events.h) */
  unsigned check;                 /* MIPS_CHECK_*: what is checked (check.h) */
  bool trap;                      /* privileged instructions are host traps */
  unsigned line;                  /* not 0: bytes of the lines of instructions of which a modelled cache is told */
  bool gang;                      /* other cpus run at the same time */
  const struct mips_debug *debug; /* its sites are looked at; NULL: none */
  bool slot_known;                /* slot_word is the first word of the next page */
  bool slot_may_change;           /* ... and the block, which begins with its branch, must look at it each time */
  uint32_t slot_word;
  bool *fpu; /* set: does an instruction belong to coprocessor 1, usable or not? NULL: do not care */
};
enum translate_result {
  TRANSLATE_OK,
  TRANSLATE_SLOT_MISSING, /* the last word is a branch: ask again with the next page's first word, or split before it */
  TRANSLATE_TOO_LONG,     /* ask again with fewer instructions */
};
/* Reads no state but t (and changes its tally); fills ir and shape. After SLOT_MISSING shape->insns counts the words up
 * to the branch. */
enum translate_result mips_translate_block(const struct translate_config *t, struct ir_block *ir,
                                           struct jit_shape *shape);
#endif
