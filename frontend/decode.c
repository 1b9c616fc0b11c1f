/* frontend/decode.c: the instruction table as numbers, and the look-up of a word in it. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A word's bucket is its major opcode and, where that has a second level, the function field, REGIMM's rt, or the
 * coprocessor's rs and function. A bucket lists the rows that may match: one or two, at most a handful. */
#include "frontend/decode.h"
#include "frontend/lift_rows.h"
#include <string.h>

const struct insn_info insn_info[INSN_ROWS] = {
#define INSN(name, pattern, form, isa, fn) [INSN_##name] = {#name, pattern, FORM_##form, IN_##isa, fn},
#include "frontend/insns.def"
};

int insn_pattern_parse(const char *text, struct insn_pattern *out) {
  memset(out, 0, sizeof *out);
  int bit = 31;
  char last = 0;
  for (const char *p = text; *p; p++) {
    if (*p == ' ') continue;
    if (bit < 0) return -1;
    uint32_t one = UINT32_C(1) << bit;
    if (*p == '0' || *p == '1') {
      out->mask |= one;
      if (*p == '1') out->match |= one;
    } else if (*p != 'x') {
      if (*p != last) {
        if (out->fields == INSN_FIELDS) return -1;
        out->field[out->fields++] = (struct insn_field){*p, 0, 0};
      }
      struct insn_field *f = &out->field[out->fields - 1];
      f->shift = (uint8_t)bit;
      f->width++;
      out->used |= one;
    }
    last = *p;
    bit--;
  }
  out->used |= out->mask;
  return bit == -1 ? 0 : -1;
}

/* The one place where a letter becomes a field. */
static void take_field(struct insn *out, char letter, uint32_t v) {
  switch (letter) {
  case 's': out->rs = (uint8_t)v; break;
  case 't': out->rt = (uint8_t)v; break;
  case 'd': out->rd = (uint8_t)v; break;
  case 'a': out->sa = (uint8_t)v; break;
  case 'S': out->fs = (uint8_t)v; break;
  case 'T': out->ft = (uint8_t)v; break;
  case 'D': out->fd = (uint8_t)v; break;
  case 'R': out->fr = (uint8_t)v; break;
  case 'm': out->msb = (uint8_t)v; break;
  case 'k': out->cc = (uint8_t)v; break;
  case 'n': out->cond = (uint8_t)v; break;
  case 'e': out->sel = (uint8_t)v; break;
  case 'h': out->hint = (uint8_t)v; break;
  case 'i': out->imm = (int16_t)v; break;
  case 'c': out->code = v; break;
  case 'j': out->target = v; break;
  }
}

void insn_fields(const struct insn_index *x, enum insn_row row, uint32_t word, struct insn *out) {
  *out = (struct insn){.word = word, .row = (uint16_t)row};
  const struct insn_pattern *p = &x->pattern[row];
  for (unsigned i = 0; i < p->fields; i++) {
    const struct insn_field *f = &p->field[i];
    take_field(out, f->letter, word >> f->shift & ((UINT32_C(1) << f->width) - 1));
  }
}

bool insn_in_isa(enum insn_row row, uint32_t isa_bits) {
  uint32_t isa = insn_info[row].isa, extensions = isa & ~(uint32_t)IN_SETS;
  return (isa & isa_bits & IN_SETS) && (isa_bits & extensions) == extensions;
}

/* The second level: which bits of the word, and how many buckets they make. */
enum level { LEVEL_NONE, LEVEL_FUNCT, LEVEL_RT, LEVEL_RS_FUNCT };

static enum level level_of(unsigned opcode) {
  switch (opcode) {
  case 0x00:
  case 0x13:
  case 0x1c:
  case 0x1f: return LEVEL_FUNCT;
  case 0x01: return LEVEL_RT;
  case 0x10:
  case 0x11:
  case 0x12: return LEVEL_RS_FUNCT;
  default: return LEVEL_NONE;
  }
}

static unsigned level_size(enum level v) {
  static const uint16_t size[] = {[LEVEL_NONE] = 1, [LEVEL_FUNCT] = 64, [LEVEL_RT] = 32, [LEVEL_RS_FUNCT] = 2048};
  return size[v];
}

/* Where each opcode's buckets start; the three large ones last, so that this stays arithmetic. */
static unsigned bucket_base(unsigned opcode) {
  if (opcode >= 0x10 && opcode <= 0x12) return 512 + (opcode - 0x10) * 2048;
  switch (opcode) {
  case 0x00: return 64;
  case 0x13: return 128;
  case 0x1c: return 192;
  case 0x1f: return 256;
  case 0x01: return 320;
  default: return opcode;
  }
}

static unsigned bucket_of(uint32_t word) {
  unsigned opcode = word >> 26, base = bucket_base(opcode);
  switch (level_of(opcode)) {
  case LEVEL_NONE: return base;
  case LEVEL_FUNCT: return base + (word & 63);
  case LEVEL_RT: return base + (word >> 16 & 31);
  case LEVEL_RS_FUNCT: return base + (word >> 15 & 0x7c0) + (word & 63);
  }
  return base;
}

/* The bits of a word that choose bucket `sub` of an opcode. */
static uint32_t bucket_bits(unsigned opcode, unsigned sub, uint32_t *mask) {
  uint32_t word = opcode << 26;
  *mask = UINT32_C(0xfc000000);
  switch (level_of(opcode)) {
  case LEVEL_NONE: break;
  case LEVEL_FUNCT:
    *mask |= 63;
    word |= sub;
    break;
  case LEVEL_RT:
    *mask |= 31 << 16;
    word |= sub << 16;
    break;
  case LEVEL_RS_FUNCT:
    *mask |= 31 << 21 | 63;
    word |= (sub >> 6) << 21 | (sub & 63);
    break;
  }
  return word;
}

/* The cpu's rows sorted by opcode: first[op] .. first[op + 1], rows with more fixed bits first. */
struct sorted {
  uint16_t row[INSN_ROWS];
  uint16_t first[65];
};

static void sort_rows(const struct insn_index *x, struct sorted *s) {
  unsigned n = 0;
  for (unsigned op = 0; op < 64; op++) {
    s->first[op] = (uint16_t)n;
    for (int bits = 32; bits >= 6; bits--)
      for (unsigned r = 0; r < INSN_ROWS; r++)
        if (x->pattern[r].match >> 26 == op && __builtin_popcount(x->pattern[r].mask) == bits &&
            insn_in_isa((enum insn_row)r, x->isa))
          s->row[n++] = (uint16_t)r;
  }
  s->first[64] = (uint16_t)n;
}

int insn_index_init(struct insn_index *x, uint32_t isa_bits) {
  memset(x, 0, sizeof *x);
  x->isa = isa_bits;
  for (unsigned r = 0; r < INSN_ROWS; r++)
    if (insn_pattern_parse(insn_info[r].pattern, &x->pattern[r])) return -1;
  struct sorted s;
  sort_rows(x, &s);
  unsigned n = 0;
  x->list[n++] = INSN_ROWS; /* the empty list */
  for (unsigned op = 0; op < 64; op++)
    for (unsigned sub = 0; sub < level_size(level_of(op)); sub++) {
      uint32_t mask, word = bucket_bits(op, sub, &mask);
      unsigned start = n;
      for (unsigned k = s.first[op]; k < s.first[op + 1]; k++) {
        const struct insn_pattern *p = &x->pattern[s.row[k]];
        if ((p->match ^ word) & p->mask & mask) continue;
        if (n + 2 > INSN_LIST) return -1;
        x->list[n++] = s.row[k];
      }
      if (n > start) x->list[n++] = INSN_ROWS;
      x->bucket[bucket_of(word)] = (uint16_t)(n > start ? start : 0);
    }
  return 0;
}

bool insn_decode(const struct insn_index *x, uint32_t word, struct insn *out) {
  for (const uint16_t *r = &x->list[x->bucket[bucket_of(word)]]; *r != INSN_ROWS; r++)
    if ((word & x->pattern[*r].mask) == x->pattern[*r].match) {
      insn_fields(x, (enum insn_row) * r, word, out);
      return true;
    }
  *out = (struct insn){.word = word, .row = INSN_ROWS};
  return false;
}

int insn_coprocessor(uint32_t word, uint32_t isa_bits) {
  switch (word >> 26) {
  case 0x00: /* MOVCI reads the FPU's condition codes */ return (word & 63) == 1 && (isa_bits & IN_MIPS4_32) ? 1 : -1;
  case 0x10:
  case 0x2f: return 0;
  case 0x11:
  case 0x31:
  case 0x35:
  case 0x39:
  case 0x3d: return 1;
  case 0x12:
  case 0x32:
  case 0x36:
  case 0x3a:
  case 0x3e: return 2;
  case 0x13: return isa_bits & IN_MIPS4_32R2 ? 1 : 3;
  default: return -1;
  }
}

bool insn_is_64bit(enum insn_row row) {
  uint32_t in_32bit_sets = ISA_MIPS1 | ISA_MIPS2 | ISA_MIPS32 | ISA_MIPS32R2;
  return !(insn_info[row].isa & in_32bit_sets);
}

bool insn_is_mips4(enum insn_row row, uint32_t isa_bits) {
  uint32_t isa = insn_info[row].isa;
  if (!strncmp(insn_info[row].pattern, "010011", 6)) return true; /* COP1X */
  return !(isa_bits & ISA_MIPS32) && (isa & ISA_MIPS4) && !(isa & (ISA_MIPS1 | ISA_MIPS2 | ISA_MIPS3));
}

struct form_regs {
  const char *reads, *writes;
};
static const struct form_regs form_regs[INSN_FORMS] = {
#define FORM(name, syntax, reads, writes) [FORM_##name] = {reads, writes},
#include "frontend/insn_forms.def"
};

static struct insn_regs regs_of(const struct insn *i, const char *letters) {
  struct insn_regs r = {0};
  for (const char *p = letters; *p; p++) switch (*p) {
    case 's': r.gpr |= UINT32_C(1) << i->rs; break;
    case 't': r.gpr |= UINT32_C(1) << i->rt; break;
    case 'd': r.gpr |= UINT32_C(1) << i->rd; break;
    case 'r': r.gpr |= UINT32_C(1) << 31; break;
    case 'S': r.fpr |= UINT32_C(1) << i->fs; break;
    case 'T': r.fpr |= UINT32_C(1) << i->ft; break;
    case 'D': r.fpr |= UINT32_C(1) << i->fd; break;
    case 'R': r.fpr |= UINT32_C(1) << i->fr; break;
    case 'h': r.special |= INSN_HI; break;
    case 'l': r.special |= INSN_LO; break;
    case 'f': r.special |= INSN_FCSR; break;
    case 'm': r.special |= INSN_MEM; break;
    case 'c': r.special |= INSN_CP0; break;
    }
  r.gpr &= ~UINT32_C(1);
  return r;
}

struct insn_regs insn_reads(const struct insn *i) {
  return regs_of(i, form_regs[insn_info[i->row].form].reads);
}

struct insn_regs insn_writes(const struct insn *i) {
  return regs_of(i, form_regs[insn_info[i->row].form].writes);
}
