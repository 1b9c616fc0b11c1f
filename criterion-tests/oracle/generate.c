/* criterion-tests/oracle/generate.c: random user-level blocks made from insns.def. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Fields are random, then bent until the manual says what must happen: 32-bit operations get sign-extended operands,
 * bit fields fit, addresses lie in the scratch memory, nothing traps. What is needed for that is written in front of
 * the instruction; in a delay slot only what needs nothing is used. */
#include "criterion-tests/encode.h"
#include "criterion-tests/harness.h"
#include "criterion-tests/oracle/oracle.h"
#include <assert.h>
#include <string.h>

enum { HILO = 32, PENDING = 6, TAIL = 2, ROOM = 24 }; /* a step writes at most ROOM words */

enum patch { PATCH_OFFSET, PATCH_JUMP, PATCH_LOAD };
/* A branch whose target is not yet known. */
struct pending {
  enum patch kind;
  unsigned at, steps; /* index of its word (PATCH_LOAD: of the lui); steps to go until its target */
  uint64_t narrow;    /* as it was at the branch */
};

struct gen {
  const struct oracle_config *cfg;
  const struct insn_index *x;
  struct oracle_block *b;
  uint64_t seed;
  uint64_t narrow; /* bit n: register n holds a sign-extended 32-bit value on every way here; bit 32: HI and LO do */
  bool linked;     /* an LL has been written */
  bool slot;       /* the next instruction stands in a delay slot */
  bool full;
  unsigned favourite; /* a row that most steps write, or INSN_ROWS: long blocks of one kind strain the translator */
  struct pending pending[PENDING];
  unsigned pendings;
};

static unsigned below(struct gen *g, unsigned n) {
  return rig_below(&g->seed, n);
}

static void put(struct gen *g, uint32_t word) {
  if (g->b->words < ORACLE_WORDS)
    g->b->word[g->b->words++] = word;
  else
    g->full = true;
}

static bool is(const struct insn *i, enum insn_row row) {
  return i->row == row;
}
static bool name_has(unsigned row, const char *part) {
  return strstr(insn_info[row].name, part);
}
static bool name_ends(unsigned row, const char *end) {
  size_t n = strlen(insn_info[row].name), k = strlen(end);
  return n >= k && !strcmp(insn_info[row].name + n - k, end);
}

/* --- which rows --- */

static bool never_traps(unsigned row) {
  return row == INSN_TNE || row == INSN_TLT || row == INSN_TLTU; /* with twice the same register */
}

static bool wants_fr(unsigned row) {
  return name_ends(row, "_PS") || name_has(row, "_PS_") || name_ends(row, "_PL") || name_ends(row, "_PU") ||
         name_has(row, "_L_") || name_ends(row, "_L") || row == INSN_LUXC1 || row == INSN_SUXC1;
}

const char *oracle_excluded(const struct oracle_config *cfg, const struct insn_index *x, enum insn_row row) {
  const struct insn_info *i = &insn_info[row];
  int cop = insn_coprocessor(x->pattern[row].match, x->isa);
  if (!insn_in_isa(row, x->isa)) return "the model does not have it";
  if (cop == 0 || row == INSN_CACHE) return "privileged";
  if (cop == 2) return "no coprocessor 2";
  if (cop == 1 && !cfg->fpu) return "no FPU";
  if (cop == 1 && !cfg->fr && (x->isa & ISA_MIPS32) && wants_fr(row)) return "needs 64-bit FPU registers";
  bool cop1x = !strncmp(i->pattern, "010011", 6);
  if (cop1x && !cfg->fpu) return "no FPU";
  if (cop1x && cfg->xx) return "QEMU refuses it";
  if (!cfg->bits64 && insn_is_64bit(row)) return "64-bit";
  if (i->form == FORM_CODE) return "always traps";
  if ((i->form == FORM_RS_RT_CODE && !never_traps(row)) || i->form == FORM_RS_IMM) return "may trap";
  return NULL;
}

/* --- fields --- */

static void set_field(const struct gen *g, uint32_t *word, unsigned row, char letter, uint32_t v) {
  const struct insn_pattern *p = &g->x->pattern[row];
  for (unsigned k = 0; k < p->fields; k++)
    if (p->field[k].letter == letter) {
      uint32_t mask = (UINT32_C(1) << p->field[k].width) - 1;
      *word = (*word & ~(mask << p->field[k].shift)) | (v & mask) << p->field[k].shift;
    }
}

/* Few registers, so that results are used; now and then any. */
static unsigned any_register(struct gen *g) {
  return below(g, 4) ? 1 + (unsigned)((g->b->seed >> below(g, 6) * 5) % 31) : below(g, 32);
}
/* A register to prepare something in: any but $0. */
static unsigned spare_register(struct gen *g) {
  return 1 + below(g, 31);
}

static uint32_t random_field(struct gen *g, char letter) {
  switch (letter) {
  case 's':
  case 't':
  case 'd': return any_register(g);
  case 'S':
  case 'T':
  case 'D':
  case 'R': return g->cfg->fr ? below(g, 4) ? below(g, 8) : below(g, 32) : below(g, 32);
  case 'i': return below(g, 2) ? (uint32_t)oracle_value(&g->seed) : below(g, 0x10000);
  default: return (uint32_t)rig_random(&g->seed);
  }
}

static uint32_t random_word(struct gen *g, unsigned row) {
  const struct insn_pattern *p = &g->x->pattern[row];
  uint32_t word = p->match;
  for (unsigned k = 0; k < p->fields; k++)
    set_field(g, &word, row, p->field[k].letter, random_field(g, p->field[k].letter));
  return word;
}

/* Doubles in pairs of registers have even numbers. */
static uint32_t even_registers(const struct gen *g, unsigned row, uint32_t word) {
  bool wide = name_has(row, "_D") || row == INSN_LDC1 || row == INSN_SDC1 || row == INSN_LDXC1 || row == INSN_SDXC1;
  if (g->cfg->fr || !wide) return word;
  struct insn i;
  insn_fields(g->x, row, word, &i);
  set_field(g, &word, row, 'S', i.fs & 30u);
  set_field(g, &word, row, 'T', i.ft & 30u);
  set_field(g, &word, row, 'D', i.fd & 30u);
  set_field(g, &word, row, 'R', i.fr & 30u);
  return word;
}

/* Field position and size that fit (MIPS64 vol. II, EXT to DINSU). */
static uint32_t fit_bit_field(struct gen *g, unsigned row, uint32_t word) {
  unsigned pos = below(g, 32), size;
  set_field(g, &word, row, 'a', pos);
  switch (row) {
  case INSN_EXT:
  case INSN_DEXTU: set_field(g, &word, row, 'm', below(g, 32 - pos)); break;
  case INSN_DEXTM: set_field(g, &word, row, 'm', below(g, 32 - pos)); break;
  case INSN_INS:
  case INSN_DINS:
  case INSN_DINSU:
    size = below(g, 32 - pos);
    set_field(g, &word, row, 'm', pos + size);
    break;
  default: break; /* DEXT, DINSM: all fit */
  }
  return word;
}

/* Condition codes: only 0 before MIPS IV; even ones for pairs. */
static uint32_t fit_condition(const struct gen *g, unsigned row, uint32_t word) {
  struct insn i;
  insn_fields(g->x, row, word, &i);
  if (!(g->x->isa & IN_MIPS4_32)) i.cc = 0;
  if (name_ends(row, "_PS")) i.cc &= 6;
  set_field(g, &word, row, 'k', i.cc);
  return word;
}

/* --- what stands in front of an instruction --- */

static void put_constant(struct gen *g, unsigned reg, uint32_t v) {
  put(g, LUI(reg, (int)(v >> 16)));
  put(g, ORI(reg, reg, (int)(v & 0xffff)));
  g->narrow |= UINT64_C(1) << reg;
}

/* Operands that must be sign-extended words, as letters; h: HI and LO (MIPS64 vol. II, each under "Restrictions"). */
static const char *narrow_operands(unsigned row) {
  switch (row) {
  case INSN_SRL:
  case INSN_SRA:
  case INSN_ROTR:
  case INSN_SRLV:
  case INSN_SRAV:
  case INSN_ROTRV:
  case INSN_WSBH:
  case INSN_SEB:
  case INSN_SEH:
  case INSN_LWR: /* where it does not load bit 31, the upper half may stay or be its copies */ return "t";
  case INSN_CLZ:
  case INSN_CLO:
  case INSN_ADDIU:
  case INSN_EXT: return "s";
  case INSN_ADDU:
  case INSN_SUBU:
  case INSN_MUL:
  case INSN_MULT:
  case INSN_MULTU:
  case INSN_DIV:
  case INSN_DIVU:
  case INSN_INS: return "st";
  case INSN_MADD:
  case INSN_MADDU:
  case INSN_MSUB:
  case INSN_MSUBU: return "sth";
  default: return "";
  }
}

static bool is_narrow(const struct gen *g, unsigned reg) {
  return !g->cfg->bits64 || reg == 0 || g->narrow >> reg & 1;
}

/* False: something would be needed, in a slot. */
static bool narrow(struct gen *g, const struct insn *i) {
  for (const char *p = narrow_operands(i->row); *p; p++) {
    unsigned reg = *p == 's' ? i->rs : *p == 't' ? i->rt : HILO;
    if (is_narrow(g, reg)) continue;
    if (g->slot) return false;
    put(g, reg == HILO ? enc_r(0, spare_register(g), 0, 0, 0x19) : SLL(reg, reg, 0)); /* multu $0, x */
    g->narrow |= UINT64_C(1) << reg;
  }
  return true;
}

/* Halve the operands of an addition that would trap on overflow. */
static bool halve(struct gen *g, const struct insn *i) {
  if (g->slot) return false;
  bool wide = name_has(i->row, "DADD") || name_has(i->row, "DSUB");
  bool immediate = insn_info[i->row].form == FORM_RT_RS_IMM;
  unsigned reg[2] = {i->rs, i->rt}, sa = immediate ? 2 : 1;
  for (int k = 0; k < (immediate ? 1 : 2); k++) {
    if (!reg[k]) continue;
    if (!wide) put(g, SLL(reg[k], reg[k], 0));
    put(g, wide ? DSRA(reg[k], reg[k], sa) : SRA(reg[k], reg[k], sa));
    if (!wide) g->narrow |= UINT64_C(1) << reg[k];
    if (wide) g->narrow &= ~(UINT64_C(1) << reg[k]);
  }
  return true;
}

static unsigned access_size(unsigned row) {
  switch (row) {
  case INSN_LH:
  case INSN_LHU:
  case INSN_SH: return 2;
  case INSN_LW:
  case INSN_LWU:
  case INSN_SW:
  case INSN_LL:
  case INSN_SC:
  case INSN_LWC1:
  case INSN_SWC1:
  case INSN_LWXC1:
  case INSN_SWXC1: return 4;
  case INSN_LD:
  case INSN_SD:
  case INSN_LLD:
  case INSN_SCD:
  case INSN_LDC1:
  case INSN_SDC1:
  case INSN_LDXC1:
  case INSN_SDXC1: return 8;
  default: return 1; /* bytes, and those that take any address */
  }
}

static uint32_t scratch_address(struct gen *g, unsigned row) {
  unsigned size = access_size(row);
  return ORACLE_SCRATCH + below(g, ORACLE_SCRATCH_SIZE / size) * size;
}

/* Aim base and offset at the scratch memory. */
static void aim(struct gen *g, uint32_t *word, const struct insn *i) {
  uint32_t at = scratch_address(g, i->row);
  if (g->slot || !below(g, 4)) { /* straight off $0 */
    set_field(g, word, i->row, 's', 0);
    set_field(g, word, i->row, 'i', at);
    return;
  }
  unsigned base = i->rs ? i->rs : spare_register(g);
  int32_t offset = (int16_t)(below(g, 2) ? below(g, 64) : below(g, 0x10000));
  put_constant(g, base, at - (uint32_t)offset);
  set_field(g, word, i->row, 's', base);
  set_field(g, word, i->row, 'i', (uint32_t)offset);
}

/* The same with an index register. */
static bool aim_indexed(struct gen *g, uint32_t *word, const struct insn *i) {
  if (g->slot) return false;
  uint32_t at = scratch_address(g, i->row), part = below(g, 0x2000);
  unsigned base = below(g, 3) ? spare_register(g) : 0, index = spare_register(g);
  if (index == base) index = index == 31 ? 1 : index + 1;
  if (base) put_constant(g, base, at - part);
  put_constant(g, index, base ? part : at);
  set_field(g, word, i->row, 's', base);
  set_field(g, word, i->row, 't', index);
  return true;
}

/* A floating-point operand that is no NaN, and a Cause of 0: see the known differences of ABS and NEG. */
static bool no_nan(struct gen *g, const struct insn *i) {
  if (g->slot) return false;
  uint32_t v = oracle_single(&g->seed);
  if ((v & 0x7fffffff) > 0x7f800000) v &= 0xff800000;
  unsigned r = spare_register(g), fs = i->fs, other = (fs + 2) & 30;
  put_constant(g, r, v);
  put(g, MTC1(r, fs));
  if (name_ends(i->row, "_D"))
    put(g, 0x46000021u | fs << 11 | fs << 6); /* cvt.d.s fs, fs: exact */
  else
    put(g, 0x46800021u | fs << 11 | other << 6);                                     /* cvt.d.w other, fs: exact */
  if (name_ends(i->row, "_PS")) put(g, 0x46c0002cu | fs << 16 | fs << 11 | fs << 6); /* pll.ps fs, fs, fs */
  return true;
}

/* A control register and a value without Enables, Unimplemented or FS. */
static bool control(struct gen *g, uint32_t *word, const struct insn *i) {
  static const uint8_t reg[] = {31, 31, 25, 26, 28};
  static const uint32_t bits[] = {0xfe81f07f, 0xfe83007f, 0xff, 0x0001f07c, 0x3};
  unsigned k = below(g, 5);
  if (k > 1 && !(g->x->isa & (ISA_MIPS32 | ISA_MIPS64))) k = 0; /* 25, 26, 28 came with MIPS32 */
  if (is(i, INSN_CFC1)) {
    if (k == 1) k = 0;
    if (g->cfg->fs) return false;
    bool fir = g->cfg->fir && !below(g, 6);
    set_field(g, word, i->row, 'd', fir ? 0 : reg[k]);
    return true;
  }
  if (g->slot) return false;
  unsigned r = spare_register(g);
  uint32_t fs = !g->cfg->fs ? 0 : k == 4 ? 4 : 1u << 24;
  put_constant(g, r, ((uint32_t)rig_random(&g->seed) & bits[k] & ~UINT32_C(0x20000)) | (k < 2 || k == 4 ? fs : 0));
  set_field(g, word, i->row, 't', r);
  set_field(g, word, i->row, 'd', reg[k]);
  return true;
}

/* Bend the word until it is allowed, writing in front of it what it needs. False: try another row. */
static bool prepare(struct gen *g, uint32_t *word, struct insn *i) {
  switch (insn_info[i->row].form) {
  case FORM_RT_MEM:
  case FORM_RT_MEM_OLD:
  case FORM_MEM_RT:
  case FORM_FT_MEM:
  case FORM_MEM_FT:
  case FORM_MEM_ONLY: aim(g, word, i); break;
  case FORM_FD_MEMX:
  case FORM_MEMX_FS:
    if (!aim_indexed(g, word, i)) return false;
    break;
  case FORM_RT_FCR:
  case FORM_FCR_RT:
    if (!control(g, word, i)) return false;
    break;
  case FORM_FD_FS_FT_RS: /* ALNV.PS: 0 or 4 modulo 8 */
    if (g->slot) return false;
    if (i->rs) put(g, ANDI(i->rs, i->rs, 4));
    g->narrow |= UINT64_C(1) << i->rs;
    break;
  case FORM_RT_HWR: set_field(g, word, i->row, 'd', "\0\1\3"[below(g, 3)]); break; /* CPUNum, SYNCI_Step, CCRes */
  case FORM_RS_RT_CODE: set_field(g, word, i->row, 't', i->rs); break;
  default: break;
  }
  switch (i->row) {
  case INSN_ADD:
  case INSN_SUB:
  case INSN_ADDI:
  case INSN_DADD:
  case INSN_DSUB:
  case INSN_DADDI: return halve(g, i);
  case INSN_ABS_S:
  case INSN_ABS_D:
  case INSN_ABS_PS:
  case INSN_NEG_S:
  case INSN_NEG_D:
  case INSN_NEG_PS: return no_nan(g, i);
  default: break;
  }
  insn_fields(g->x, i->row, *word, i);
  return narrow(g, i);
}

/* --- what is known afterwards --- */

static bool gives_narrow(const struct insn *i) {
  switch (i->row) {
  case INSN_ADD:
  case INSN_ADDI:
  case INSN_SUB:
  case INSN_SLL:
  case INSN_SLLV:
  case INSN_LUI:
  case INSN_LB:
  case INSN_LBU:
  case INSN_LH:
  case INSN_LHU:
  case INSN_LW:
  case INSN_LWL:
  case INSN_LL:
  case INSN_SC:
  case INSN_SCD:
  case INSN_SLT:
  case INSN_SLTU:
  case INSN_SLTI:
  case INSN_SLTIU:
  case INSN_ANDI:
  case INSN_MFC1:
  case INSN_MFHC1:
  case INSN_CFC1:
  case INSN_RDHWR: return true;
  case INSN_LWR:
  default: return *narrow_operands(i->row);
  }
}

static void note(struct gen *g, const struct insn *i) {
  struct insn_regs w = insn_writes(i);
  uint64_t written = w.gpr | (w.special & (INSN_HI | INSN_LO) ? UINT64_C(1) << HILO : 0);
  if (!gives_narrow(i))
    g->narrow &= ~written;
  else if ((w.special & (INSN_HI | INSN_LO)) != INSN_HI && (w.special & (INSN_HI | INSN_LO)) != INSN_LO)
    g->narrow |= written;
}

/* --- branches --- */

static bool is_branch(enum insn_form f) {
  switch ((int)f) {
  case FORM_JUMP:
  case FORM_JUMP_LINK:
  case FORM_RS:
  case FORM_RD_RS_JALR:
  case FORM_RS_BRANCH:
  case FORM_RS_BRANCH_LINK:
  case FORM_RS_RT_BRANCH:
  case FORM_CC_BRANCH: return true;
  default: return false;
  }
}

static bool is_likely(unsigned row) {
  static const uint16_t likely[] = {INSN_BEQL,  INSN_BNEL,    INSN_BLEZL,   INSN_BGTZL, INSN_BLTZL,
                                    INSN_BGEZL, INSN_BLTZALL, INSN_BGEZALL, INSN_BC1FL, INSN_BC1TL};
  for (size_t k = 0; k < sizeof likely / sizeof likely[0]; k++)
    if (likely[k] == row) return true;
  return false;
}

static unsigned random_row(struct gen *g) {
  if (g->favourite < INSN_ROWS && !g->slot && below(g, 8)) return g->favourite;
  for (;;) {
    unsigned row = below(g, INSN_ROWS);
    if (!oracle_excluded(g->cfg, g->x, row)) return row;
  }
}

/* Write one instruction that is no branch. */
static void put_plain(struct gen *g) {
  for (;;) {
    unsigned row = random_row(g);
    enum insn_form f = insn_info[row].form;
    struct insn i;
    if (is_branch(f) || row == INSN_LL || row == INSN_LLD || f == FORM_RT_MEM_RT) continue;
    uint32_t word = fit_condition(g, row, even_registers(g, row, random_word(g, row)));
    if (f >= FORM_EXT && f <= FORM_INSU) word = fit_bit_field(g, row, word);
    insn_fields(g->x, row, word, &i);
    if (!prepare(g, &word, &i)) continue;
    insn_fields(g->x, row, word, &i);
    put(g, word);
    note(g, &i);
    return;
  }
}

/* The target is here: complete the branch. */
static void bind(struct gen *g, const struct pending *p) {
  uint32_t va = g->b->va + 4 * g->b->words, *w = &g->b->word[p->at];
  switch (p->kind) {
  case PATCH_OFFSET: *w = (*w & 0xffff0000) | ((g->b->words - p->at - 1) & 0xffff); break;
  case PATCH_JUMP: *w |= va >> 2 & 0x03ffffff; break;
  case PATCH_LOAD:
    w[0] |= va >> 16;
    w[1] |= va & 0xffff;
    break;
  }
  g->narrow &= p->narrow;
}

static void put_branch(struct gen *g, unsigned row) {
  enum insn_form f = insn_info[row].form;
  struct pending p = {.kind = PATCH_OFFSET, .steps = 1 + below(g, 5), .narrow = g->narrow};
  uint32_t word = fit_condition(g, row, random_word(g, row));
  struct insn i;
  insn_fields(g->x, row, word, &i);
  if (f == FORM_RS_BRANCH_LINK && i.rs == 31) set_field(g, &word, row, 's', 30); /* else UNPREDICTABLE */
  if (f == FORM_RS_RT_BRANCH && !below(g, 3)) set_field(g, &word, row, 't', i.rs);
  if (f == FORM_JUMP || f == FORM_JUMP_LINK) {
    p.kind = PATCH_JUMP;
    word = g->x->pattern[row].match;
  }
  if (f == FORM_RS || f == FORM_RD_RS_JALR) {
    unsigned r = spare_register(g);
    p.kind = PATCH_LOAD;
    p.at = g->b->words;
    put_constant(g, r, 0);
    p.narrow = g->narrow;
    set_field(g, &word, row, 's', r);
    if (i.rd == r) set_field(g, &word, row, 'd', r ^ 1);
  }
  if (p.kind != PATCH_LOAD) p.at = g->b->words;
  put(g, word);
  insn_fields(g->x, row, word, &i);
  note(g, &i);
  uint64_t before = p.narrow &= g->narrow;
  g->slot = true;
  put_plain(g);
  g->slot = false;
  p.narrow &= g->narrow;
  if (is_likely(row)) g->narrow &= before;
  g->pending[g->pendings++] = p;
}

/* Load linked, a little arithmetic, store conditional to the same address. */
static void put_linked(struct gen *g, bool wide) {
  unsigned load = wide ? INSN_LLD : INSN_LL, store = wide ? INSN_SCD : INSN_SC;
  uint32_t word = random_word(g, load), at = scratch_address(g, load);
  struct insn i;
  for (int k = 0; k < 2; k++) {
    unsigned row = k ? store : load;
    if (k) word = random_word(g, store);
    set_field(g, &word, row, 's', 0);
    set_field(g, &word, row, 'i', at);
    insn_fields(g->x, row, word, &i);
    put(g, word);
    note(g, &i);
    unsigned r = spare_register(g);
    if (!k && below(g, 2)) {
      put(g, ADDIU(r, 0, (int)below(g, 0x8000)));
      g->narrow |= UINT64_C(1) << r;
    }
  }
  g->linked = true;
}

/* A store conditional that nothing led to: it must fail. */
static void put_unlinked(struct gen *g, unsigned row) {
  uint32_t word = random_word(g, row);
  struct insn i;
  if (g->linked) return;
  set_field(g, &word, row, 's', 0);
  set_field(g, &word, row, 'i', scratch_address(g, row));
  insn_fields(g->x, row, word, &i);
  put(g, word);
  note(g, &i);
}

static void bind_due(struct gen *g, bool all) {
  for (unsigned k = 0; k < g->pendings;) {
    struct pending *p = &g->pending[k];
    if (!all && p->steps-- > 1) {
      k++;
      continue;
    }
    bind(g, p);
    *p = g->pending[--g->pendings];
  }
}

static void step(struct gen *g) {
  unsigned row = random_row(g);
  if (is_branch(insn_info[row].form) && g->pendings < PENDING)
    put_branch(g, row);
  else if (row == INSN_LL || row == INSN_LLD)
    put_linked(g, row == INSN_LLD);
  else if (insn_info[row].form == FORM_RT_MEM_RT)
    put_unlinked(g, row);
  else
    put_plain(g);
}

void oracle_generate(const struct oracle_config *cfg, const struct insn_index *x, uint64_t seed, uint32_t va,
                     uint32_t end, struct oracle_block *out) {
  *out = (struct oracle_block){.seed = seed, .va = va};
  struct gen g = {.cfg = cfg, .x = x, .b = out, .seed = seed, .favourite = INSN_ROWS};
  oracle_initial(cfg, &g.seed, va, &out->in);
  unsigned steps = 1 + below(&g, 24);
  if (!below(&g, 12)) {
    g.favourite = random_row(&g);
    steps = ORACLE_WORDS;
  }
  for (; steps && out->words < ORACLE_WORDS - ROOM - TAIL; steps--) {
    bind_due(&g, false);
    step(&g);
  }
  bind_due(&g, true);
  put(&g, J(end));
  put(&g, NOP);
  assert(!g.full);
}
