/* monitor/disasm.c: one block of guest code as MIPS, IR, lowered code and host code, for people. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "frontend/disasm.h"
#include "frontend/cpu.h"
#include "frontend/translate.h"
#include "mirrorball.h"
#include "monitor/host_disasm.h"
#include <inttypes.h>
#include <stdlib.h>

struct parts {
  struct insn_index index;
  struct ir_block ir;
  const char *slot[IR_MAX_SLOTS];
};

static void show_mips(const struct parts *p, const struct jit_shape *shape, uint64_t pc, const uint32_t *words,
                      FILE *to) {
  for (unsigned i = 0; i < shape->insns; i++) {
    char text[80];
    insn_disasm(&p->index, words[i], pc + 4 * i, text, sizeof text);
    fprintf(to, "%016" PRIx64 "  %08x  %s%s\n", pc + 4 * i, words[i], text,
            shape->flags & JIT_BLOCK_SLOT && i == shape->insns - 1u ? "    (delay slot)" : "");
  }
}

static int show_tier(struct jit *j, struct jit_block *b, enum jit_tier tier, const char *otherwise, FILE *to) {
  struct jit_listing l;
  int code = jit_block_list(j, b, tier, &l);
  if (!code && l.parts)
    code = mon_host_disasm(&l, to);
  else if (!code)
    fputs("host code by LLVM: this block is part of no region\n", to);
  else if (code == JIT_NO_TIER)
    fputs(otherwise, to);
  jit_listing_free(&l);
  return !code || code == JIT_NO_TIER ? MB_OK : MB_ERR_MEMORY;
}

static int show_host(struct jit *j, struct jit_block *b, FILE *to) {
  int result = show_tier(j, b, JIT_STENCIL, "host code: this build has no tier that compiles\n", to);
  if (result != MB_OK || !jit_has_tier(JIT_STENCIL)) return result;
  fputc('\n', to);
  return show_tier(j, b, JIT_LLVM, "host code by LLVM: this build has no such tier\n", to);
}

static int show_code(const struct jit_key *k, struct jit_shape shape, const struct ir_block *ir, unsigned show,
                     FILE *to) {
  struct jit *j;
  struct jit_page *page = NULL;
  if (jit_new(&j, mips_jit_guest(), 1 << 20)) return MB_ERR_MEMORY;
  struct jit_block *b = jit_add(j, &page, k, shape, ir);
  int result = b ? MB_OK : MB_ERR_MEMORY;
  if (b && show & MB_DISASM_CODE) {
    fputc('\n', to);
    jit_block_print(mips_jit_guest(), b, to);
  }
  if (b && show & MB_DISASM_HOST) {
    fputc('\n', to);
    result = show_host(j, b, to);
  }
  jit_page_drop(j, &page);
  jit_free(j);
  return result;
}

int mb_disasm(const char *model, bool big_endian, uint64_t pc, const uint32_t *words, size_t n, unsigned show, FILE *to,
              const char **error) {
  const struct cpu_model *m = cpu_model_find(model);
  struct parts *p = malloc(sizeof *p);
  struct jit_shape shape;
  uint32_t mode = MMU_KERNEL | MODE_CP0 | MODE_CU1 | MODE_FR | MODE_COP1X | (big_endian ? MODE_BIG : 0);
  int result = MB_ERR_ARGUMENT;
  *error = !m ? "no such cpu model" : !n || n > 64 ? "give 1 to 64 instruction words" : NULL;
  if (!p) *error = "out of memory", result = MB_ERR_MEMORY;
  if (*error) goto done;
  if (m->isa & ISA_MIPS3) mode |= MODE_OPS64 | MODE_ADDR64;
  *error = "out of memory";
  result = MB_ERR_MEMORY;
  if (insn_index_init(&p->index, m->isa)) goto done;
  struct translate_config t = {.model = m,
                               .index = &p->index,
                               .mode = mode,
                               .pc = pc,
                               .word = words,
                               .words = (unsigned)n,
                               .max_insns = 64,
                               .slot_known = true};
  if (mips_translate_block(&t, &p->ir, &shape) != TRANSLATE_OK) goto done;
  for (unsigned i = 0; i < mips_jit_guest()->slots; i++) p->slot[i] = mips_jit_guest()->slot[i].name;
  show_mips(p, &shape, pc, words, to);
  if (show & MB_DISASM_IR) fputs("\nIR, by instruction\n", to), ir_print(&p->ir, p->slot, to);
  struct jit_key k = {.pc = pc, .mode = mode};
  result = show & (MB_DISASM_CODE | MB_DISASM_HOST) ? show_code(&k, shape, &p->ir, show, to) : MB_OK;
  if (result == MB_OK) *error = NULL;
done:
  free(p);
  return result;
}
