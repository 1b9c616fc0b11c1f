/* frontend/disasm.c: instructions as text. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Our text comes from the syntax column of insn_forms.def, so a new instruction prints itself. Capstone's types stay in
 * this file. */
#include "frontend/disasm.h"
#include "frontend/fpu.h"
#include <capstone/capstone.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const syntax[INSN_FORMS] = {
#define FORM(name, syntax, reads, writes) [FORM_##name] = syntax,
#include "frontend/insn_forms.def"
};
static const char *const cond_name[16] = {
#define X(name, code) [code] = #name,
    MIPS_FPU_CONDS(X)
#undef X
};

/* A string that grows into a buffer and counts on past its end. */
struct text {
  char *buf;
  size_t size, length;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  size_t room = t->length < t->size ? t->size - t->length : 0;
  int n = vsnprintf(room ? t->buf + t->length : NULL, room, format, args);
  va_end(args);
  if (n > 0) t->length += (size_t)n;
}

static void put_mnemonic(struct text *t, const struct insn *i) {
  const char *p = insn_info[i->row].name;
  if (insn_info[i->row].form == FORM_C_COND) {
    put(t, "c.%s", cond_name[i->cond]);
    p++;
  }
  for (; *p; p++) put(t, "%c", *p == '_' ? '.' : tolower((unsigned char)*p));
}

/* The bit position and size of a field as assemblers write them (MIPS64 vol. II, DEXTM, DINSU, ...). */
struct bits {
  unsigned pos, size;
};

static struct bits bits_of(const struct insn *i) {
  unsigned pos = i->sa, m = i->msb;
  switch ((enum insn_form)insn_info[i->row].form) {
  case FORM_EXT: return (struct bits){pos, m + 1};
  case FORM_EXTM: return (struct bits){pos, m + 33};
  case FORM_EXTU: return (struct bits){pos + 32, m + 1};
  case FORM_INS: return (struct bits){pos, m - pos + 1};
  case FORM_INSM: return (struct bits){pos, m + 33 - pos};
  default: return (struct bits){pos + 32, m - pos + 1}; /* FORM_INSU */
  }
}

static uint64_t branch_target(const struct insn *i, uint64_t pc) {
  return pc + 4 + (uint64_t)((int64_t)i->imm * 4);
}
static uint64_t jump_target(const struct insn *i, uint64_t pc) {
  return ((pc + 4) & ~UINT64_C(0x0fffffff)) | (uint64_t)i->target << 2;
}

static void put_operand(struct text *t, const struct insn *i, uint64_t pc, char letter) {
  switch (letter) {
  case '0': put(t, "$0"); break;
  case 's': put(t, "$%u", i->rs); break;
  case 't': put(t, "$%u", i->rt); break;
  case 'd': put(t, "$%u", i->rd); break;
  case 'S': put(t, "$f%u", i->fs); break;
  case 'T': put(t, "$f%u", i->ft); break;
  case 'D': put(t, "$f%u", i->fd); break;
  case 'R': put(t, "$f%u", i->fr); break;
  case 'F': put(t, "$%u", i->rd); break;
  case 'a': put(t, "%u", i->sa); break;
  case 'i': put(t, "%" PRId32, i->imm); break;
  case 'u': put(t, "0x%x", (uint16_t)i->imm); break;
  case 'c': put(t, "0x%" PRIx32, i->code); break;
  case 'h': put(t, "%u", i->hint); break;
  case 'k': put(t, "$fcc%u", i->cc); break;
  case 'p': put(t, "%u", bits_of(i).pos); break;
  case 'z': put(t, "%u", bits_of(i).size); break;
  case 'M': put(t, "%" PRId32 "($%u)", i->imm, i->rs); break;
  case 'X': put(t, "$%u($%u)", i->rt, i->rs); break;
  case 'b': put(t, "0x%" PRIx64, branch_target(i, pc)); break;
  case 'j': put(t, "0x%" PRIx64, jump_target(i, pc)); break;
  case 'C':
    put(t, "$%u", i->rd);
    if (i->sel) put(t, ", %u", i->sel);
    break;
  }
}

/* Operands that assemblers leave out when they are 0; a conditional move always names its condition code. */
static bool left_out(const struct insn *i, char letter) {
  bool move = insn_info[i->row].form == FORM_FD_FS_CC || insn_info[i->row].form == FORM_RD_RS_CC;
  switch (letter) {
  case 'k': return !i->cc && !move;
  case 'c': return !i->code;
  case 'h': return !i->hint && i->row == INSN_SYNC;
  default: return false;
  }
}

size_t insn_disasm(const struct insn_index *x, uint32_t word, uint64_t pc, char *buf, size_t n) {
  struct text t = {.buf = buf, .size = n};
  struct insn i;
  if (!insn_decode(x, word, &i)) {
    put(&t, ".word 0x%08" PRIx32, word);
    return t.length;
  }
  put_mnemonic(&t, &i);
  const char *separator = " ";
  for (const char *p = syntax[insn_info[i.row].form]; *p; p++) {
    if (left_out(&i, *p)) continue;
    put(&t, "%s", separator);
    put_operand(&t, &i, pc, *p);
    separator = ", ";
  }
  return t.length;
}

size_t insn_mnemonic(const struct insn *i, char *buf, size_t n) {
  struct text t = {.buf = buf, .size = n};
  put_mnemonic(&t, i);
  return t.length;
}

/* --- the witness --- */

struct disasm_witness {
  csh handle;
};

struct disasm_witness *disasm_witness_new(bool bits64) {
  struct disasm_witness *w = malloc(sizeof *w);
  cs_mode mode = (cs_mode)(CS_MODE_BIG_ENDIAN | (bits64 ? CS_MODE_MIPS64 : CS_MODE_MIPS32));
  if (w && cs_open(CS_ARCH_MIPS, mode, &w->handle) == CS_ERR_OK) return w;
  free(w);
  return NULL;
}

void disasm_witness_free(struct disasm_witness *w) {
  if (w) cs_close(&w->handle);
  free(w);
}

int disasm_capstone(struct disasm_witness *w, uint32_t word, uint64_t pc, struct disasm_text *out) {
  const uint8_t bytes[4] = {(uint8_t)(word >> 24), (uint8_t)(word >> 16), (uint8_t)(word >> 8), (uint8_t)word};
  cs_insn *insn;
  if (cs_disasm(w->handle, bytes, sizeof bytes, pc, 1, &insn) != 1) return -1;
  snprintf(out->mnemonic, sizeof out->mnemonic, "%s", insn->mnemonic);
  snprintf(out->operands, sizeof out->operands, "%s", insn->op_str);
  cs_free(insn, 1);
  return 0;
}
