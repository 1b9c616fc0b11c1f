/* frontend/decode.h: from an instruction word to its row of insns.def and its fields. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The table is text; an insn_index is what one cpu model makes of it: patterns as masks, and for each word the few rows
 * that may match. Build it once per instruction set; afterwards it is constant and any thread may use it. */
#ifndef FRONTEND_DECODE_H
#define FRONTEND_DECODE_H
#include "frontend/model.h"

enum insn_row {
#define INSN(name, pattern, form, isa, fn) INSN_##name,
#include "frontend/insns.def"
  INSN_ROWS
};
enum insn_form {
#define FORM(name, syntax, reads, writes) FORM_##name,
#include "frontend/insn_forms.def"
  INSN_FORMS
};

/* The isa column: a cpu has the row when it has any of the sets of bits 0-7, and all extensions above. */
enum insn_isa {
  IN_SETS = 0xff,
  IN_MIPS1 = ISA_MIPS1,
  IN_MIPS2 = ISA_MIPS2,
  IN_MIPS3 = ISA_MIPS3,
  IN_MIPS32 = ISA_MIPS32,
  IN_MIPS32R2 = ISA_MIPS32R2,
  IN_MIPS64 = ISA_MIPS64,
  IN_MIPS64R2 = ISA_MIPS64R2,
  IN_MIPS3_32 = ISA_MIPS3 | ISA_MIPS32,     /* from MIPS III, taken over by MIPS32 */
  IN_MIPS3_32R2 = ISA_MIPS3 | ISA_MIPS32R2, /* 64-bit floating-point formats */
  IN_MIPS4_32 = ISA_MIPS4 | ISA_MIPS32,
  IN_MIPS4_32R2 = ISA_MIPS4 | ISA_MIPS64 | ISA_MIPS32R2, /* COP1X */
  IN_MIPS64_32R2 = ISA_MIPS64 | ISA_MIPS32R2,            /* from MIPS V */
  IN_PS = IN_MIPS64_32R2 | ISA_PS,
  IN_EJTAG = ISA_MIPS1 | ISA_MIPS3 | ISA_MIPS32 | ISA_EJTAG,
};

/* One instruction. A field its pattern has no letter for is 0. */
struct insn {
  uint32_t word;
  uint16_t row; /* enum insn_row */
  uint8_t rs, rt, rd, sa, fs, ft, fd, fr;
  uint8_t msb; /* EXT: msbd; INS: msb; as encoded */
  uint8_t cc, cond, sel, hint;
  int32_t imm;     /* sign-extended */
  uint32_t code;   /* BREAK, SYSCALL, traps, WAIT, SDBBP, COP2 */
  uint32_t target; /* J, JAL: bits 27..2 of the target, not shifted */
};

struct lift;
struct insn_info {
  const char *name; /* as in the table */
  const char *pattern;
  uint16_t form; /* enum insn_form */
  uint32_t isa;  /* enum insn_isa */
  void (*lift)(struct lift *, const struct insn *);
};
extern const struct insn_info insn_info[INSN_ROWS];

struct insn_field {
  char letter;
  uint8_t shift, width;
};
enum { INSN_FIELDS = 6 };
/* A pattern as numbers. */
struct insn_pattern {
  uint32_t mask, match; /* fixed bits */
  uint32_t used;        /* fixed bits and fields: the others are ignored by the hardware */
  struct insn_field field[INSN_FIELDS];
  uint8_t fields;
};
/* 0, or -1 when the text is malformed. */
int insn_pattern_parse(const char *text, struct insn_pattern *out);

enum { INSN_BUCKETS = 6656, INSN_LIST = 8192 };
struct insn_index {
  uint32_t isa;
  struct insn_pattern pattern[INSN_ROWS];
  uint16_t bucket[INSN_BUCKETS]; /* where its list starts */
  uint16_t list[INSN_LIST];      /* rows, special cases first, each list ended by INSN_ROWS */
};
/* Index the rows a cpu with these enum mips_isa bits has. 0, or -1 when the table is malformed or too large. */
int insn_index_init(struct insn_index *x, uint32_t isa_bits);
/* False: the cpu has no such instruction; *out then holds the word only. */
bool insn_decode(const struct insn_index *x, uint32_t word, struct insn *out);
/* The same from the row on, for tests and generators. */
void insn_fields(const struct insn_index *x, enum insn_row row, uint32_t word, struct insn *out);
/* Does a cpu with these sets have the row? */
bool insn_in_isa(enum insn_row row, uint32_t isa_bits);

/* The coprocessor whose usability is judged before anything else about the word, decoded or not; -1: none. */
int insn_coprocessor(uint32_t word, uint32_t isa_bits);
/* Only 64-bit processors have it: reserved while 64-bit operations are disabled. */
bool insn_is_64bit(enum insn_row row);
/* What MODE_COP1X guards: COP1X; on a MIPS IV cpu all that MIPS IV added. */
bool insn_is_mips4(enum insn_row row, uint32_t isa_bits);

/* Registers an instruction touches, from its form. With Status.FR clear a double also means the odd partner. */
enum insn_special { INSN_HI = 1, INSN_LO = 2, INSN_FCSR = 4, INSN_MEM = 8, INSN_CP0 = 16 };
struct insn_regs {
  uint32_t gpr, fpr; /* bit n: register n; $0 never counts */
  uint32_t special;  /* enum insn_special */
};
struct insn_regs insn_reads(const struct insn *i);
struct insn_regs insn_writes(const struct insn *i);
#endif
