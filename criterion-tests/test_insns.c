/* criterion-tests/test_insns.c: the instruction table: overlaps, decoding, registers, text; capstone as witness. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Where capstone disagrees, one of the two tables below says why. Each line was decided by hand from the MIPS64 manual
 * (vol. I and II); GNU objdump was asked too, and agrees with us. */
#include "frontend/disasm.h"
#include <criterion/criterion.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

enum {
  SETS_MIPS3 = ISA_MIPS1 | ISA_MIPS2 | ISA_MIPS3,
  SETS_MIPS32 = ISA_MIPS1 | ISA_MIPS2 | ISA_MIPS32 | ISA_EJTAG,
  SETS_MIPS32R2 = SETS_MIPS32 | ISA_MIPS32R2 | ISA_FPU,
  SETS_MIPS4 = SETS_MIPS3 | ISA_MIPS4 | ISA_FPU,
  SETS_MIPS64 = SETS_MIPS4 | SETS_MIPS32 | ISA_MIPS64,
  SETS_ALL_32 = SETS_MIPS32R2 | ISA_PS,
  SETS_ALL_64 = SETS_MIPS64 | SETS_ALL_32 | ISA_MIPS64R2,
};
static const uint32_t sets[] = {SETS_MIPS3,    SETS_MIPS3 | ISA_FPU, SETS_MIPS4,  SETS_MIPS32,
                                SETS_MIPS32R2, SETS_ALL_32,          SETS_MIPS64, SETS_ALL_64};
enum { SETS = sizeof sets / sizeof sets[0] };

static struct insn_index index32, index64;

static uint32_t next_random(uint64_t *s) { /* xorshift64 */
  *s ^= *s << 13;
  *s ^= *s >> 7;
  *s ^= *s << 17;
  return (uint32_t)(*s >> 16);
}

static void setup(void) {
  cr_assert_eq(insn_index_init(&index32, SETS_ALL_32), 0);
  cr_assert_eq(insn_index_init(&index64, SETS_ALL_64), 0);
}
TestSuite(insns, .init = setup);

/* A random word of a row; bits the hardware ignores are 0, as assemblers and disassemblers want them. */
static uint32_t word_of(const struct insn_pattern *p, uint64_t *s) {
  return (next_random(s) & p->used & ~p->mask) | p->match;
}

/* Every word of `special` is also one of `general`, but not the other way round. */
static bool is_special_case(const struct insn_pattern *special, const struct insn_pattern *general) {
  return (special->mask & general->mask) == general->mask && special->mask != general->mask &&
         (special->match & general->mask) == general->match;
}

Test(insns, patterns_are_whole) {
  static const struct insn_field width[] = {{'s', 21, 5}, {'t', 16, 5}, {'d', 11, 5}, {'a', 6, 5},  {'S', 11, 5},
                                            {'T', 16, 5}, {'D', 6, 5},  {'R', 21, 5}, {'i', 0, 16}, {'j', 0, 26},
                                            {'m', 11, 5}, {'n', 0, 4},  {'e', 0, 3}};
  for (unsigned r = 0; r < INSN_ROWS; r++) {
    struct insn_pattern p;
    cr_assert_eq(insn_pattern_parse(insn_info[r].pattern, &p), 0, "%s", insn_info[r].name);
    cr_assert_eq(p.mask >> 26, 63u, "%s: the major opcode is not fixed", insn_info[r].name);
    for (unsigned f = 0; f < p.fields; f++)
      for (size_t w = 0; w < sizeof width / sizeof width[0]; w++)
        if (p.field[f].letter == width[w].letter)
          cr_assert(p.field[f].shift == width[w].shift && p.field[f].width == width[w].width, "%s: field %c",
                    insn_info[r].name, p.field[f].letter);
  }
  struct insn_pattern p;
  cr_assert_eq(insn_pattern_parse("000000", &p), -1);
  cr_assert_eq(insn_pattern_parse("000000 000000 000000 000000 000000 000", &p), -1);
}

Test(insns, rows_do_not_overlap) {
  for (unsigned a = 0; a < INSN_ROWS; a++)
    for (unsigned b = a + 1; b < INSN_ROWS; b++) {
      const struct insn_pattern *p = &index64.pattern[a], *q = &index64.pattern[b];
      if ((p->match ^ q->match) & p->mask & q->mask) continue;
      bool together = false;
      for (unsigned s = 0; s < SETS; s++) together |= insn_in_isa(a, sets[s]) && insn_in_isa(b, sets[s]);
      cr_expect(!together || is_special_case(p, q) || is_special_case(q, p), "%s and %s overlap", insn_info[a].name,
                insn_info[b].name);
    }
}

Test(insns, words_of_a_pattern_decode_to_its_row) {
  uint64_t seed = 1;
  for (unsigned s = 0; s < SETS; s++) {
    cr_assert_eq(insn_index_init(&index32, sets[s]), 0);
    for (unsigned r = 0; r < INSN_ROWS; r++) {
      if (!insn_in_isa(r, sets[s])) continue;
      const struct insn_pattern *p = &index32.pattern[r];
      for (int n = 0; n < 200; n++) {
        uint32_t word = (next_random(&seed) & ~p->mask) | p->match; /* ignored bits at random too */
        struct insn i;
        cr_assert(insn_decode(&index32, word, &i), "%s %08x", insn_info[r].name, word);
        cr_assert(i.row == r || is_special_case(&index32.pattern[i.row], p), "%s %08x: %s", insn_info[r].name, word,
                  insn_info[i.row].name);
      }
    }
  }
}

/* What decoding means, without the index: the matching row of the set with the most fixed bits. */
static unsigned search(const struct insn_index *x, uint32_t word) {
  unsigned best = INSN_ROWS;
  for (unsigned r = 0; r < INSN_ROWS; r++) {
    if ((word & x->pattern[r].mask) != x->pattern[r].match || !insn_in_isa(r, x->isa)) continue;
    if (best == INSN_ROWS || is_special_case(&x->pattern[r], &x->pattern[best])) best = r;
  }
  return best;
}

/* Random words, every second one with a major opcode that has a second level. */
static uint32_t any_word(uint64_t *s, unsigned n) {
  static const uint8_t levels[] = {0x00, 0x01, 0x10, 0x11, 0x12, 0x13, 0x1c, 0x1f};
  uint32_t word = next_random(s);
  if (n & 1) word = (word & 0x03ffffff) | (uint32_t)levels[n / 2 % 8] << 26;
  if ((n & 17) == 17) word &= ~UINT32_C(0x7c0); /* often a required zero */
  if ((n & 33) == 33) word &= ~UINT32_C(0x03e00000);
  return word;
}

Test(insns, index_agrees_with_a_search) {
  uint64_t seed = 2;
  for (unsigned s = 0; s < SETS; s++) {
    cr_assert_eq(insn_index_init(&index32, sets[s]), 0);
    for (unsigned n = 0; n < 100000; n++) {
      uint32_t word = any_word(&seed, n);
      struct insn i;
      insn_decode(&index32, word, &i);
      cr_assert_eq(i.row, search(&index32, word), "%08x", word);
    }
  }
}

struct membership {
  uint32_t word, isa;
  int row;
};

Test(insns, sets_differ_where_the_manuals_do) {
  static const struct membership m[] = {
      {0x70431020, SETS_MIPS32, INSN_CLZ},     {0x70431020, SETS_MIPS4, INSN_ROWS},
      {0x0043100a, SETS_MIPS4, INSN_MOVZ},     {0x0043100a, SETS_MIPS3, INSN_ROWS},
      {0x00231082, SETS_MIPS32, INSN_SRL},     {0x00231082, SETS_MIPS32R2, INSN_ROTR},
      {0x000000c0, SETS_MIPS32, INSN_SLL},     {0x000000c0, SETS_MIPS32R2, INSN_EHB},
      {0x03e00408, SETS_MIPS32, INSN_JR},      {0x03e00408, SETS_MIPS32R2, INSN_JR_HB},
      {0x0043102d, SETS_MIPS3, INSN_DADDU},    {0x0043102d, SETS_MIPS32R2, INSN_ROWS},
      {0x4c220001, SETS_MIPS32R2, INSN_LDXC1}, {0x4c220001, SETS_MIPS32, INSN_ROWS},
      {0x46c41080, SETS_MIPS32R2, INSN_ROWS},  {0x46c41080, SETS_ALL_32, INSN_ADD_PS},
      {0x42000018, SETS_MIPS3, INSN_ERET},     {0x42000018, ISA_MIPS1 | ISA_MIPS2, INSN_ROWS},
      {0x4620108a, SETS_MIPS32, INSN_ROWS},    {0x4620108a, SETS_MIPS3, INSN_CEIL_L_D},
      {0x7000003f, SETS_MIPS4, INSN_ROWS},     {0x7000003f, SETS_MIPS32, INSN_SDBBP},
  };
  for (size_t n = 0; n < sizeof m / sizeof m[0]; n++) {
    struct insn i;
    cr_assert_eq(insn_index_init(&index32, m[n].isa), 0);
    insn_decode(&index32, m[n].word, &i);
    cr_expect_eq(i.row, m[n].row, "line %zu: %08x", n, m[n].word);
  }
}

Test(insns, gates_follow_from_the_table) {
  cr_expect_not(insn_is_64bit(INSN_ADDU));
  cr_expect_not(insn_is_64bit(INSN_ERET));
  cr_expect_not(insn_is_64bit(INSN_CVT_L_D), "64-bit formats are the FPU's matter");
  cr_expect(insn_is_64bit(INSN_DADDU));
  cr_expect(insn_is_64bit(INSN_DMFC1));
  cr_expect(insn_is_64bit(INSN_DCLZ));
  cr_expect(insn_is_64bit(INSN_DINSU));
  cr_expect(insn_is_mips4(INSN_MOVZ, SETS_MIPS4));
  cr_expect_not(insn_is_mips4(INSN_MOVZ, SETS_MIPS32));
  cr_expect(insn_is_mips4(INSN_MADD_S, SETS_MIPS64));
  cr_expect_eq(insn_coprocessor(0x40026000, SETS_MIPS32), 0);   /* mfc0 */
  cr_expect_eq(insn_coprocessor(0xbc000000, SETS_MIPS32), 0);   /* cache */
  cr_expect_eq(insn_coprocessor(0xc4000000, SETS_MIPS32), 1);   /* lwc1 */
  cr_expect_eq(insn_coprocessor(0x00000001, SETS_MIPS32), 1);   /* movf */
  cr_expect_eq(insn_coprocessor(0x00000001, SETS_MIPS3), -1);   /* reserved there */
  cr_expect_eq(insn_coprocessor(0x4c000000, SETS_MIPS32), 3);   /* COP3 */
  cr_expect_eq(insn_coprocessor(0x4c000000, SETS_MIPS32R2), 1); /* COP1X */
  cr_expect_eq(insn_coprocessor(0x48000000, SETS_MIPS32), 2);
  cr_expect_eq(insn_coprocessor(0x24020001, SETS_MIPS32), -1);
}

struct line {
  uint32_t word;
  const char *text;
  uint32_t reads, writes;             /* general registers */
  uint32_t other_reads, other_writes; /* enum insn_special */
};
#define R(n) (UINT32_C(1) << (n))

/* pc is 0xffffffff80001000 */
static const struct line lines[] = {
    {0x00221821, "addu $3, $1, $2", R(1) | R(2), R(3), 0, 0},
    {0x00000000, "nop", 0, 0, 0, 0},
    {0x00021883, "sra $3, $2, 2", R(2), R(3), 0, 0},
    {0x2443fffc, "addiu $3, $2, -4", R(2), R(3), 0, 0},
    {0x3443fffc, "ori $3, $2, 0xfffc", R(2), R(3), 0, 0},
    {0x3c031234, "lui $3, 0x1234", 0, R(3), 0, 0},
    {0x0062102b, "sltu $2, $3, $2", R(2) | R(3), R(2), 0, 0},
    {0x00620018, "mult $3, $2", R(2) | R(3), 0, 0, INSN_HI | INSN_LO},
    {0x70620000, "madd $3, $2", R(2) | R(3), 0, INSN_HI | INSN_LO, INSN_HI | INSN_LO},
    {0x0062001a, "div $0, $3, $2", R(2) | R(3), 0, 0, INSN_HI | INSN_LO},
    {0x00001810, "mfhi $3", 0, R(3), INSN_HI, 0},
    {0x0043100a, "movz $2, $2, $3", R(2) | R(3), R(2), 0, 0},
    {0x7c4339c0, "ext $3, $2, 7, 8", R(2), R(3), 0, 0},
    {0x7c4371c4, "ins $3, $2, 7, 8", R(2) | R(3), R(3), 0, 0},
    {0x7c43e1c1, "dextm $3, $2, 7, 61", R(2), R(3), 0, 0},
    {0x7c43b582, "dextu $3, $2, 54, 23", R(2), R(3), 0, 0},
    {0x7c431785, "dinsm $3, $2, 30, 5", R(2) | R(3), R(3), 0, 0},
    {0x7c43d3c6, "dinsu $3, $2, 47, 12", R(2) | R(3), R(3), 0, 0},
    {0x1062ffff, "beq $3, $2, 0xffffffff80001000", R(2) | R(3), 0, 0, 0},
    {0x04510001, "bgezal $2, 0xffffffff80001008", R(2), R(31), 0, 0},
    {0x08000400, "j 0xffffffff80001000", 0, 0, 0, 0},
    {0x03e00008, "jr $31", R(31), 0, 0, 0},
    {0x03e00408, "jr.hb $31", R(31), 0, 0, 0},
    {0x0040f809, "jalr $31, $2", R(2), R(31), 0, 0},
    {0x45010001, "bc1t 0xffffffff80001008", 0, 0, INSN_FCSR, 0},
    {0x45050001, "bc1t $fcc1, 0xffffffff80001008", 0, 0, INSN_FCSR, 0},
    {0x8c43fffc, "lw $3, -4($2)", R(2), R(3), INSN_MEM, 0},
    {0x8843fffc, "lwl $3, -4($2)", R(2) | R(3), R(3), INSN_MEM, 0},
    {0xac43fffc, "sw $3, -4($2)", R(2) | R(3), 0, 0, INSN_MEM},
    {0xe0430000, "sc $3, 0($2)", R(2) | R(3), R(3), 0, INSN_MEM},
    {0xbc550000, "cache 21, 0($2)", R(2), 0, 0, 0},
    {0x40036001, "mfc0 $3, $12, 1", 0, R(3), INSN_CP0, 0},
    {0x40836000, "mtc0 $3, $12", R(3), 0, 0, INSN_CP0},
    {0x42000002, "tlbwi", 0, 0, INSN_CP0, INSN_CP0},
    {0x0000000c, "syscall", 0, 0, 0, 0},
    {0x0007000d, "break 0x1c00", 0, 0, 0, 0},
    {0x7c03e83b, "rdhwr $3, $29", 0, R(3), 0, 0},
    {0x0000000f, "sync", 0, 0, 0, 0},
    {0x46041080, "add.s $f2, $f2, $f4", 0, 0, INSN_FCSR, INSN_FCSR},
    {0x46241032, "c.eq.d $f2, $f4", 0, 0, INSN_FCSR, INSN_FCSR},
    {0x4624113f, "c.ngt.d $fcc1, $f2, $f4", 0, 0, INSN_FCSR, INSN_FCSR},
    {0x00401801, "movf $3, $2, $fcc0", R(2) | R(3), R(3), INSN_FCSR, 0},
    {0x4c621101, "ldxc1 $f4, $2($3)", R(2) | R(3), 0, INSN_MEM, 0},
    {0x4c6410a0, "madd.s $f2, $f3, $f2, $f4", 0, 0, INSN_FCSR, INSN_FCSR},
    {0xd4440008, "ldc1 $f4, 8($2)", R(2), 0, INSN_MEM, 0},
};

Test(insns, text_and_registers) {
  for (size_t n = 0; n < sizeof lines / sizeof lines[0]; n++) {
    const struct line *e = &lines[n];
    char text[80];
    struct insn i;
    size_t length = insn_disasm(&index64, e->word, UINT64_C(0xffffffff80001000), text, sizeof text);
    cr_expect_str_eq(text, e->text);
    cr_expect_eq(length, strlen(e->text));
    cr_assert(insn_decode(&index64, e->word, &i), "%s", e->text);
    struct insn_regs reads = insn_reads(&i), writes = insn_writes(&i);
    cr_expect(reads.gpr == e->reads && reads.special == e->other_reads, "%s reads %08x %x", e->text, reads.gpr,
              reads.special);
    cr_expect(writes.gpr == e->writes && writes.special == e->other_writes, "%s writes %08x %x", e->text, writes.gpr,
              writes.special);
  }
}

Test(insns, text_is_cut_to_the_buffer) {
  char text[6] = "xxxxx";
  cr_expect_eq(insn_disasm(&index32, 0x00221821, 0, text, sizeof text), 15u);
  cr_expect_str_eq(text, "addu ");
  cr_expect_eq(insn_disasm(&index32, 0x00221821, 0, NULL, 0), 15u);
  char word[32];
  insn_disasm(&index32, 0xfc000000, 0, word, sizeof word);
  cr_expect_str_eq(word, ".word 0xfc000000");
}

Test(insns, floating_registers) {
  struct insn i;
  cr_assert(insn_decode(&index64, 0x4c6410a0, &i)); /* madd.s $f2, $f3, $f2, $f4 */
  cr_expect_eq(insn_reads(&i).fpr, R(2) | R(3) | R(4));
  cr_expect_eq(insn_writes(&i).fpr, R(2));
}

/* --- capstone as a witness --- */

/* Why capstone gives an instruction of ours another name, or none. */
struct disagreement {
  const char *ours;   /* glob over our mnemonic */
  const char *theirs; /* glob over theirs; NULL: capstone does not decode it */
  uint32_t mask, value;
  bool equal;   /* the line holds for words whose masked bits are `value` / are not */
  uint8_t bits; /* 32, 64, or 0 for both */
  const char *reason;
};
#define WHEN(mask, value)   mask, value, true
#define UNLESS(mask, value) mask, value, false
#define RS                  0x03e00000
#define RT                  0x001f0000
#define RD                  0x0000f800
#define ODD_FPR             0x00210840 /* the low bit of each place a floating register stands */
/* clang-format off */
static const struct disagreement known[] = {
    {"or",      "move",  WHEN(RT, 0), 0, "assembler idiom"},
    {"addu",    "move",  WHEN(RT, 0), 0, "assembler idiom"},
    {"daddu",   "move",  WHEN(RT, 0), 0, "assembler idiom"},
    {"sub",     "neg",   WHEN(RS, 0), 0, "assembler idiom"},
    {"subu",    "negu",  WHEN(RS, 0), 0, "assembler idiom"},
    {"nor",     "not",   WHEN(RT, 0), 0, "assembler idiom"},
    {"jalr",    "jr",    WHEN(RD, 0), 0, "the same to the reader; Release 6 has only this encoding"},
    {"beq",     "beqz",  WHEN(RT, 0), 0, "assembler idiom"},
    {"beq",     "b",     WHEN(RS | RT, 0), 0, "assembler idiom"},
    {"bne",     "bnez",  WHEN(RT, 0), 0, "assembler idiom"},
    {"bgezal",  "bal",   WHEN(RS, 0), 0, "assembler idiom"},
    {"rdhwr",   NULL,    UNLESS(RD, 29 << 11), 0, "capstone knows register 29 only; the manual has 0-3, 29-31, and RI at run time"},
    {"rdpgpr",  NULL,    WHEN(0, 0), 0, "capstone lacks shadow sets (vol. II, RDPGPR)"},
    {"wrpgpr",  NULL,    WHEN(0, 0), 0, "capstone lacks shadow sets (vol. II, WRPGPR)"},
    {"wait",    NULL,    UNLESS(0x01ffffc0, 0), 0, "vol. II gives WAIT a 19-bit code"},
    {"prefx",   NULL,    WHEN(0, 0), 0, "capstone lacks it (vol. II, PREFX)"},
    {"recip.?", NULL,    WHEN(0, 0), 0, "capstone lacks it (vol. II, RECIP.fmt)"},
    {"rsqrt.?", NULL,    WHEN(0, 0), 0, "capstone lacks it (vol. II, RSQRT.fmt)"},
    {"*.ps",    NULL,    WHEN(0, 0), 0, "capstone lacks paired singles (vol. II)"},
    {"cvt.ps.s", NULL,   WHEN(0, 0), 0, "capstone lacks paired singles (vol. II)"},
    {"cvt.s.p?", NULL,   WHEN(0, 0), 0, "capstone lacks paired singles (vol. II)"},
    {"c.*.?",   NULL,    UNLESS(0x700, 0), 0, "capstone knows condition code 0 only (vol. II, C.cond.fmt)"},
    {"*",       "bc3?*", WHEN(0xfc000000 | RS, 0x4d000000), 0, "BC3 of MIPS II; from MIPS IV the code is COP1X"},
    {"cop2",    NULL,    WHEN(0, 0), 0, "implementation-dependent operation"},
    {"?fc2",    NULL,    WHEN(0, 0), 0, "the low 16 bits are implementation-dependent; capstone wants a select, or lacks it"},
    {"?tc2",    NULL,    WHEN(0, 0), 0, "the same"},
    {"dm?c2",   NULL,    WHEN(0, 0), 0, "the same"},
    {"m?hc2",   NULL,    WHEN(0, 0), 0, "the same"},
    {"?[wd]c2", "bbit*", WHEN(0, 0), 64, "Cavium Octeon took these codes"},
    /* capstone's 32-bit mode means FR=0 with pairs; ours leaves FR to run time */
    {"*.d",     NULL,    UNLESS(ODD_FPR, 0), 32, "odd double: UNPREDICTABLE with FR=0, right with FR=1"},
    {"cvt.d.?", NULL,    UNLESS(ODD_FPR, 0), 32, "odd double: UNPREDICTABLE with FR=0, right with FR=1"},
    {"m?hc1",   NULL,    UNLESS(ODD_FPR, 0), 32, "odd double: UNPREDICTABLE with FR=0, right with FR=1"},
    {"?[du]xc1", NULL,   UNLESS(ODD_FPR, 0), 32, "odd double: UNPREDICTABLE with FR=0, right with FR=1"},
    {"*.l.?",   NULL,    WHEN(0, 0), 32, "64-bit formats: MIPS32 Release 2 has them"},
    {"cvt.?.l", NULL,    WHEN(0, 0), 32, "64-bit formats: MIPS32 Release 2 has them"},
};

/* Codes that we do not have and capstone decodes: other architectures in the same space. */
static const struct { uint32_t mask, value; uint8_t bits; const char *reason; } foreign[] = {
    {0xfc000000, 0x74000000, 0, "JALX: MIPS16e or microMIPS, which no model has"},
    {0xfc000000, 0x78000000, 0, "MSA (Release 5)"},
    {0xfc000000, 0x7c000000, 0, "DSP module"},
    {0xfc1f0000, 0x041c0000, 0, "BPOSGE32: DSP module"},
    {0xffe00000, 0x45600000, 0, "BZ.V: MSA"},
    {0xffe00000, 0x45e00000, 0, "BNZ.V: MSA"},
    {0xff000000, 0x47000000, 0, "BZ.df, BNZ.df: MSA"},
    {0xfc00003f, 0x00000005, 0, "LSA: MSA"},
    {0xfc00003f, 0x00000015, 0, "DLSA: MSA"},
    {0xfc00003e, 0x00000018, 0, "MULT, MULTU with an accumulator of the DSP module"},
    {0xfc00003c, 0x00000010, 0, "MFHI ... MTLO with an accumulator of the DSP module"},
    {0xfc00003a, 0x70000000, 0, "MADD, MSUB with an accumulator of the DSP module"},
    {0xffe00000, 0x41000000, 0, "BC0: MIPS II and below"},
    {0xffe00000, 0x4d000000, 0, "BC3: MIPS II and below"},
    {0xff600000, 0x44200000, 32, "DMFC1, DMTC1: capstone has them in its 32-bit mode too"},
    {0xfc000000, 0x70000000, 64, "Cavium Octeon"},
};
/* clang-format on */

static bool is_known(const char *ours, const char *theirs, uint32_t word, unsigned bits) {
  for (size_t n = 0; n < sizeof known / sizeof known[0]; n++) {
    const struct disagreement *d = &known[n];
    if (d->bits && d->bits != bits) continue;
    if (fnmatch(d->ours, ours, 0) || !d->theirs != !theirs || (theirs && fnmatch(d->theirs, theirs, 0))) continue;
    if (((word & d->mask) == d->value) == d->equal) return true;
  }
  return false;
}

static bool is_foreign(uint32_t word, unsigned bits) {
  for (size_t n = 0; n < sizeof foreign / sizeof foreign[0]; n++)
    if ((!foreign[n].bits || foreign[n].bits == bits) && (word & foreign[n].mask) == foreign[n].value) return true;
  return false;
}

/* Compare one word we decode. */
static void ask_about(const struct insn_index *x, struct disasm_witness *w, uint32_t word, unsigned bits) {
  struct insn i;
  struct disasm_text t;
  char ours[32];
  cr_assert(insn_decode(x, word, &i), "%08x", word);
  insn_mnemonic(&i, ours, sizeof ours);
  const char *theirs = disasm_capstone(w, word, 0x1000, &t) ? NULL : t.mnemonic;
  if (theirs && !strcmp(ours, theirs)) return;
  cr_expect(is_known(ours, theirs, word, bits), "%u bits, %08x: %s here, %s there", bits, word, ours,
            theirs ? theirs : "nothing");
}

static void ask(const struct insn_index *x, unsigned bits) {
  struct disasm_witness *w = disasm_witness_new(bits == 64);
  cr_assert_not_null(w);
  uint64_t seed = 3;
  for (unsigned r = 0; r < INSN_ROWS; r++)
    for (int n = 0; n < 500 && insn_in_isa(r, x->isa); n++) ask_about(x, w, word_of(&x->pattern[r], &seed), bits);
  for (unsigned n = 0; n < 1000000; n++) {
    uint32_t word = any_word(&seed, n);
    struct insn i;
    struct disasm_text t;
    if (insn_decode(x, word, &i))
      ask_about(x, w, word & x->pattern[i.row].used, bits);
    else if (!is_foreign(word, bits))
      cr_expect(disasm_capstone(w, word, 0x1000, &t), "%u bits, %08x: nothing here, %s there", bits, word, t.mnemonic);
  }
  disasm_witness_free(w);
}

Test(insns, capstone_agrees_on_mips32r2) {
  ask(&index32, 32);
}
Test(insns, capstone_agrees_on_mips64r2) {
  ask(&index64, 64);
}
