/* frontend/disasm.h: instructions as text: our own, and capstone's as a witness. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FRONTEND_DISASM_H
#define FRONTEND_DISASM_H
#include "frontend/decode.h"

/* Text of a word at pc, from the instruction table: registers by number, branch targets as addresses. A word the cpu
 * lacks is shown as `.word`. Returns the length the text has without truncation, like snprintf. */
size_t insn_disasm(const struct insn_index *x, uint32_t word, uint64_t pc, char *buf, size_t n);
/* The mnemonic alone, as the manual writes it in small letters (c.eq.d, jalr.hb). */
size_t insn_mnemonic(const struct insn *i, char *buf, size_t n);

/* Capstone, which people may prefer to read and tests ask for a second opinion. Never on the hot path. */
struct disasm_witness;
/* NULL when capstone cannot be opened. Free with disasm_witness_free (NULL is fine). */
struct disasm_witness *disasm_witness_new(bool bits64);
void disasm_witness_free(struct disasm_witness *w);
struct disasm_text {
  char mnemonic[32], operands[160];
};
/* 0, or -1 when capstone knows no such instruction. One thread at a time for a witness. */
int disasm_capstone(struct disasm_witness *w, uint32_t word, uint64_t pc, struct disasm_text *out);
#endif
