/* jit/listing.c: lowered code and host code as a person may read them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "jit/code.h"
#include "jit/memory_ops.h"
#include "jit/stencils/abi.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const opcode_name[JIT_OPCODES] = {
#define JIT_OPCODE(name) [J_##name] = #name,
#include "jit/opcodes.def"
};

/* What an operation has beside its operands. */
enum more { MORE_NOTHING, MORE_IMM, MORE_MEMORY, MORE_MEMORY_IF, MORE_EXIT, MORE_THIRD };
static const uint8_t more[JIT_OPCODES] = {
#define MORE_V(name)
#define MORE_VV(name)          [J_##name##_I] = MORE_IMM,
#define MORE_VVV(name)         [J_##name] = MORE_THIRD,
#define CLASS_PURE(name, form) MORE_##form(name)
#define CLASS_CMP(name, form)  MORE_##form(name)[J_EXIT_##name] = MORE_EXIT,
#define MORE_MEM_V             MORE_MEMORY
#define MORE_MEM_VV            MORE_MEMORY
#define MORE_MEM_VVV           MORE_MEMORY_IF
#define CLASS_MEM(name, form)  [J_##name] = MORE_MEM_##form,
#define CLASS_FPU(name, form)
#define CLASS_CONST(name, form)
#define CLASS_GET(name, form)
#define CLASS_SET(name, form)
#define CLASS_CALL(name, form)
#define CLASS_TALLY(name, form)
#define CLASS_TRAP(name, form)
#define CLASS_EXIT(name, form)
#define OP(name, form, class, meaning) CLASS_##class(name, form)
#include "jit/ir_ops.def"
    [J_MOVI] = MORE_IMM, [J_TALLY] = MORE_IMM, [J_EXIT_STOP] = MORE_IMM, [J_EXIT] = MORE_EXIT, [J_EXIT_IF] = MORE_EXIT,
};

/* What lives at this offset from the cpu, or NULL. */
static const char *field_name(uint32_t offset) {
  static const struct {
    const char *name;
    uint32_t at, size;
  } field[] = {
#define FIELD(name, member) {name, offsetof(struct jit_cpu, member), sizeof(((struct jit_cpu *)0)->member)}
      FIELD("budget", budget),
      FIELD("pc", pc),
      FIELD("read TLB", tlb.table[MMU_READ].entry),
      FIELD("read TLB mask", tlb.table[MMU_READ].mask),
      FIELD("write TLB", tlb.table[MMU_WRITE].entry),
      FIELD("write TLB mask", tlb.table[MMU_WRITE].mask),
      FIELD("fetch TLB", tlb.table[MMU_FETCH].entry),
      FIELD("fetch TLB mask", tlb.table[MMU_FETCH].mask),
      FIELD("tally", tally),
      FIELD("linear memory", linear.host),
      FIELD("linear limit", linear.limit[0]),
      FIELD("linear limit for 2 bytes", linear.limit[1]),
      FIELD("linear limit for 4 bytes", linear.limit[2]),
      FIELD("linear limit for 8 bytes", linear.limit[3]),
      FIELD("trouble", trouble),
      FIELD("mode", mode),
      FIELD("attention", attention),
      FIELD("at", at),
      FIELD("block", block),
      FIELD("running", running),
      FIELD("left", left),
      FIELD("blocks", blocks),
      FIELD("stored", stored),
      FIELD("fp.ready", fp.ready),
      FIELD("fp.last", fp.last),
      FIELD("fp.a", fp.a),
      FIELD("fp.b", fp.b),
      FIELD("fp.c", fp.c),
      FIELD("jump cache", jump),
#undef FIELD
  };
  for (size_t i = 0; i < sizeof field / sizeof *field; i++)
    if (offset == field[i].at) return field[i].name;
  return NULL;
}

const char *jit_slot_text(const struct jit_guest *g, uint32_t offset, char *buf, size_t n) {
  for (unsigned i = 0; i < g->slots; i++)
    if ((g->slot[i].offset & ~7u) == (offset & ~7u)) {
      snprintf(buf, n, "%s%s", g->slot[i].name, offset == g->slot[i].offset ? "" : ".hi");
      return buf;
    }
  uint32_t temp = offset - offsetof(struct jit_cpu, temp);
  if (temp < 8 * JIT_TEMPS)
    snprintf(buf, n, "t%u", temp / 8);
  else if (field_name(offset))
    snprintf(buf, n, "%s", field_name(offset));
  else
    return NULL;
  return buf;
}

static const char *operand(const struct jit_guest *g, uint16_t offset, char *buf, size_t n) {
  return offset && jit_slot_text(g, offset, buf, n) ? buf : "-"; /* no operand is the budget, which is at 0 */
}

static void print_more(const struct jit_guest *g, const struct jit_block *b, const struct jit_op *o, FILE *to) {
  char third[16];
  switch ((enum more)more[o->op]) {
  case MORE_NOTHING: break;
  case MORE_IMM: fprintf(to, "  %#" PRIx64, (uint64_t)o->imm); return;
  case MORE_MEMORY: fprintf(to, "  %+d", o->offset); return;
  case MORE_MEMORY_IF: fprintf(to, "  %+d if %s", o->offset, operand(g, o->c, third, sizeof third)); return;
  case MORE_THIRD: fprintf(to, " %s", operand(g, o->c, third, sizeof third)); return;
  case MORE_EXIT:
    fprintf(to, "  to %#" PRIx64, b->exit[o->c].pc);
    if (o->op != J_EXIT && o->offset) fprintf(to, ", %d instructions less", o->offset);
    return;
  }
  if (o->op == J_CALL || o->op == J_CALL_BY_TRAP)
    fprintf(to, " %s  %s", operand(g, o->c, third, sizeof third), g->helper_name[o->offset]);
  else if (o->op == J_RAISE || o->op == J_RAISE_IF)
    fprintf(to, "  exception %d", o->offset);
}

void jit_op_print(const struct jit_guest *g, const struct jit_block *b, unsigned i, FILE *to) {
  const struct jit_op *o = &b->code[i];
  char d[16], x[16], y[16];
  fprintf(to, "%-10s %-5s <- %-5s %s", opcode_name[o->op], operand(g, o->d, d, sizeof d), operand(g, o->a, x, sizeof x),
          operand(g, o->b, y, sizeof y));
  print_more(g, b, o, to);
}

void jit_block_print(const struct jit_guest *g, const struct jit_block *b, FILE *to) {
  fprintf(to, "block %016" PRIx64 " mode %03x: %u instructions, %u operations\n", b->key.pc, b->key.mode,
          b->shape.insns, b->ops);
  for (unsigned i = 0; i < b->ops; i++) {
    fputs("  ", to);
    jit_op_print(g, b, i, to);
    fputc('\n', to);
  }
}

/* --- host code --- */

void jit_listing_free(struct jit_listing *l) {
  free(l->part);
  *l = (struct jit_listing){0};
}

bool jit_listing_add(struct jit_listing *l, uint32_t from, uint32_t to, int op, bool aside) {
  if (from == to) return true;
  struct jit_part *part = realloc(l->part, (l->parts + 1) * sizeof *part);
  if (!part) return false;
  l->part = part;
  l->part[l->parts++] = (struct jit_part){from, to - from, op, aside};
  return true;
}

static bool named(char *buf, size_t n, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool named(char *buf, size_t n, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(buf, n, format, args);
  va_end(args);
  return true;
}

/* What C has: the block itself and its exits, as operands of ways out, and functions. */
static bool name_value(const struct jit_listing *l, uint64_t v, char *buf, size_t n) {
  static const char *const how[] = {
      [LEAVE_EXIT] = "exit", [LEAVE_BUDGET] = "budget", [LEAVE_REG] = "reg", [LEAVE_STOP] = "stop"};
  const struct jit_block *b = l->block;
  const struct jit_guest *g = l->guest;
  uint64_t block = (uint64_t)(uintptr_t)b, in_block = v & ((UINT64_C(1) << STENCIL_AT_SHIFT) - 1);
  for (int i = 0; i < JIT_EXITS; i++)
    if ((v & ~(uint64_t)LEAVE_MASK) == (uint64_t)(uintptr_t)&b->exit[i])
      return named(buf, n, "exit to %#" PRIx64, b->exit[i].pc);
  if (v == (block | LEAVE_BUDGET) || v == (block | LEAVE_REGION_BUDGET))
    return named(buf, n, "this block, %s", how[LEAVE_BUDGET]);
  if (in_block == block) return named(buf, n, "this block, instruction %u", (unsigned)(v >> STENCIL_AT_SHIFT));
  if (l->table && v == (uint64_t)(uintptr_t)l->table) return named(buf, n, "this region");
  for (unsigned i = 0; i < g->helpers; i++)
    if (v == (uint64_t)(uintptr_t)g->helper[i]) return named(buf, n, "%s", g->helper_name[i]);
  return false;
}

const char *jit_listing_name(const struct jit_listing *l, uint64_t v, char *buf, size_t n) {
  if (name_value(l, v, buf, n)) return buf;
  uint64_t at = v - (uint64_t)(uintptr_t)l->code;
  return at < UINT32_MAX && jit_stencils_label(l->stencils, (uint32_t)at, buf, n) ? buf : NULL;
}

const char *jit_opcode_text(unsigned op) {
  return op < JIT_OPCODES ? opcode_name[op] : "?";
}
