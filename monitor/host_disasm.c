/* monitor/host_disasm.c: host code as text, by capstone, with the names of what it reaches. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/host_disasm.h"
#include <capstone/capstone.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

enum { BYTES_SHOWN = 9, BYTES_COLUMN = 32, TEXT_COLUMN = 44 };

struct comment {
  char text[160];
  size_t n;
};

static void add(struct comment *c, const char *what) {
  if (!what) return;
  int n = snprintf(c->text + c->n, sizeof c->text - c->n, "%s%s", c->n ? ", " : "", what);
  c->n += n > 0 && (size_t)n < sizeof c->text - c->n ? (size_t)n : 0;
}

/* The name of a constant or a jump's target, or NULL. */
static const char *constant(const struct jit_listing *l, csh h, const cs_insn *insn, char *buf, size_t n) {
  const cs_x86 *x = &insn->detail->x86;
  for (int i = 0; i < x->op_count; i++) {
    const cs_x86_op *o = &x->operands[i];
    bool told = o->size == 8 || cs_insn_group(h, insn, CS_GRP_JUMP);
    if (o->type == X86_OP_IMM && told && jit_listing_name(l, (uint64_t)o->imm, buf, n)) return buf;
  }
  return NULL;
}

/* Slots of the cpu by name, then jump targets and constants that mean something. */
static void explain(const struct jit_listing *l, csh h, const cs_insn *insn, struct comment *c) {
  const cs_x86 *x = &insn->detail->x86;
  char buf[64];
  for (int i = 0; i < x->op_count; i++) {
    const cs_x86_op *o = &x->operands[i];
    const char *base = o->type == X86_OP_MEM && o->mem.base ? cs_reg_name(h, o->mem.base) : NULL;
    if (base && !strcmp(base, l->cpu) && !o->mem.index && o->mem.disp >= 0)
      add(c, jit_slot_text(l->guest, (uint32_t)o->mem.disp, buf, sizeof buf));
  }
  add(c, constant(l, h, insn, buf, sizeof buf));
}

/* Addresses are long and differ from run to run: offsets within code memory stand in for them, or names alone. */
static void put_operands(const struct jit_listing *l, csh h, const cs_insn *insn, char *buf, size_t n) {
  const cs_x86 *x = &insn->detail->x86;
  bool jump = cs_insn_group(h, insn, CS_GRP_JUMP) || cs_insn_group(h, insn, CS_GRP_CALL);
  char name[64];
  if (jump && x->op_count == 1 && x->operands[0].type == X86_OP_IMM)
    snprintf(buf, n, "%05" PRIx64, (uint64_t)x->operands[0].imm - (uint64_t)(uintptr_t)l->code);
  else if (constant(l, h, insn, name, sizeof name) && x->operands[0].type == X86_OP_REG)
    snprintf(buf, n, "%s, ...", cs_reg_name(h, x->operands[0].reg));
  else
    snprintf(buf, n, "%s", insn->op_str);
}

static void put_insn(const struct jit_listing *l, csh h, const cs_insn *insn, FILE *to) {
  char operands[160], text[200];
  struct comment c = {.n = 0};
  int column = fprintf(to, "    %05" PRIx64 "  ", insn->address - (uint64_t)(uintptr_t)l->code);
  unsigned shown = insn->size <= BYTES_SHOWN ? insn->size : 2;
  for (unsigned i = 0; i < shown; i++) column += fprintf(to, "%02x", insn->bytes[i]);
  if (shown < insn->size) column += fprintf(to, "..");
  put_operands(l, h, insn, operands, sizeof operands);
  snprintf(text, sizeof text, "%-7s %s", insn->mnemonic, operands);
  explain(l, h, insn, &c);
  fprintf(to, "%*s%s", column < BYTES_COLUMN ? BYTES_COLUMN - column : 1, "", text);
  if (c.n) fprintf(to, "%*s ; %s", strlen(text) < TEXT_COLUMN ? TEXT_COLUMN - (int)strlen(text) : 0, "", c.text);
  fputc('\n', to);
}

static void put_part(const struct jit_listing *l, csh h, const struct jit_part *p, cs_insn *insn, FILE *to) {
  const uint8_t *code = l->code + p->at;
  size_t n = p->n;
  uint64_t address = (uint64_t)(uintptr_t)code;
  while (n && cs_disasm_iter(h, &code, &n, &address, insn)) put_insn(l, h, insn, to);
  for (; n; n--, code++) fprintf(to, "    %05" PRIx64 "  %02x\n", (uint64_t)(code - l->code), *code);
}

static void put_parts(const struct jit_listing *l, csh h, cs_insn *insn, bool aside, FILE *to) {
  for (unsigned i = 0; i < l->parts; i++) {
    const struct jit_part *p = &l->part[i];
    if (p->aside != aside) continue;
    if (p->op == -1) fputs("  HEAD\n", to);
    if (p->op >= 0) {
      fputs("  ", to);
      jit_op_print(l->guest, l->block, (unsigned)p->op, to);
      fputc('\n', to);
    }
    put_part(l, h, p, insn, to);
  }
}

int mon_host_disasm(const struct jit_listing *l, FILE *to) {
  csh h;
  uint32_t n = 0, aside = 0;
#ifdef __x86_64__
  if (cs_open(CS_ARCH_X86, CS_MODE_64, &h) != CS_ERR_OK) return -1;
#else
  return -1;
#endif
  cs_option(h, CS_OPT_DETAIL, CS_OPT_ON);
  cs_insn *insn = cs_malloc(h);
  if (!insn) {
    cs_close(&h);
    return -1;
  }
  for (unsigned i = 0; i < l->parts; i++) *(l->part[i].aside ? &aside : &n) += l->part[i].n;
  if (l->tier == JIT_LLVM)
    fprintf(to, "host code by LLVM, a region of this block alone: %u bytes; on entry %s is the cpu, %s the budget\n", n,
            l->cpu, l->budget);
  else
    fprintf(to, "host code: %u bytes; %s is the cpu, %s the budget\n", n, l->cpu, l->budget);
  put_parts(l, h, insn, false, to);
  if (aside) fprintf(to, "slow paths and ways out, elsewhere: %u bytes\n", aside);
  put_parts(l, h, insn, true, to);
  cs_free(insn, 1);
  cs_close(&h);
  return 0;
}
