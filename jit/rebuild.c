/* jit/rebuild.c: what regions call out of line, and how guest slots are rebuilt when they do not come back. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Called through REGION_TROUBLE and REGION_LEAVE of stencils.c, which have saved all registers. */
#include "jit/fp.h"
#include "jit/region.h"
#include "jit/stencils/abi.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SAVED = 16, REG_RSP = 7 };

/* Returned in rax and rdx. leave_at: the stack pointer to leave the region with, or 0. */
struct answer {
  uint64_t value, leave_at;
};

static uint64_t register_value(const uint64_t *saved, unsigned reg) {
  /* Behind the saved ones is the return address; then comes what was the stack's end. */
  return reg == REG_RSP ? (uint64_t)(uintptr_t)(saved + SAVED + 1) : saved[reg];
}

static const struct region_site *find_site(const struct region_table *t, uint64_t address) {
  const uint32_t at = (uint32_t)(address - t->code);
  const struct region_site *s = bsearch(&at, t->site, t->sites, sizeof t->site[0], region_by_at);
  assert(s);
  return s;
}

static uint64_t value_of(const struct region_value *v, const uint64_t *saved) {
  uint64_t x = 0;
  switch ((enum region_place)v->place) {
  case PLACE_REGISTER: x = register_value(saved, v->reg); break;
  case PLACE_MEMORY:
    memcpy(&x, (const char *)(uintptr_t)register_value(saved, v->reg) + v->value, v->narrow ? 4 : 8);
    break;
  case PLACE_CONSTANT: x = (uint64_t)v->value; break;
  }
  return v->narrow ? (uint64_t)(int64_t)(int32_t)(uint32_t)x : x;
}

/* Bring memory up to date. Returns the stack pointer with which the region was entered. */
static uint64_t rebuild(struct jit_cpu *cpu, const struct region_table *t, const uint64_t *saved) {
  const struct region_site *s = find_site(t, saved[SAVED]);
  for (unsigned i = 0; i < s->values; i++) {
    const struct region_value *v = &t->value[s->first + i];
    uint64_t x = value_of(v, saved);
    memcpy((char *)cpu + t->guest->slot[v->slot].offset, &x, 8);
  }
  return register_value(saved, REG_RSP) + t->stack_size;
}

static unsigned ir_op(uint64_t where) {
  return (uint8_t)(where >> 24);
}

static void say_where(struct jit_cpu *cpu, const struct region_table *t, uint64_t where, int64_t budget) {
  cpu->budget = budget;
  cpu->at = (uint8_t)(where >> 16);
  cpu->block = t->member[(uint16_t)where].block;
  cpu->reserve = (int64_t)(where >> 32);
}

/* Back to the region, unless there is trouble. */
static struct answer finished(struct jit_cpu *cpu, const struct region_table *t, const uint64_t *saved,
                              struct answer a) {
  cpu->reserve = 0;
  if (cpu->trouble) a.leave_at = rebuild(cpu, t, saved);
  return a;
}

static struct answer region_load(struct jit_cpu *cpu, uint64_t va, uint64_t where, int64_t budget, uint64_t unused,
                                 const struct region_table *t, const uint64_t *saved) {
  (void)unused;
  say_where(cpu, t, where, budget);
  struct answer a = {.value = t->guest->load(cpu, va, ir_op(where))};
  return finished(cpu, t, saved, a);
}

static struct answer region_store(struct jit_cpu *cpu, uint64_t va, uint64_t where, int64_t budget, uint64_t v,
                                  const struct region_table *t, const uint64_t *saved) {
  struct answer a = {0};
  say_where(cpu, t, where, budget);
  t->guest->store(cpu, va, v, ir_op(where));
  return finished(cpu, t, saved, a);
}

/* What an FPU operation gives when it is not the ordinary case, or a rare one. */
static uint64_t floating(struct jit_cpu *cpu, enum ir_opcode op, uint32_t which, jit_helper helper) {
#define OPERAND(type, name)                                                                                            \
  type name;                                                                                                           \
  memcpy(&name, &cpu->fp.name, sizeof name)
#define OPERANDS_V(type) OPERAND(type, a)
#define OPERANDS_VV(type)                                                                                              \
  OPERANDS_V(type);                                                                                                    \
  OPERAND(type, b)
#define OPERANDS_VVV(type)                                                                                             \
  OPERANDS_VV(type);                                                                                                   \
  OPERAND(type, c)
#define READY_NOTED cpu->fp.ready
#define READY_EXACT true
#define NOTE_NOTED  which
#define NOTE_EXACT  JIT_FP_EXACT
  uint64_t v = 0;
  switch ((int)op) {
#define FPU(name, form, to, from, kind, meaning, good, also)                                                           \
  case IR_##name: {                                                                                                    \
    OPERANDS_##form(from);                                                                                             \
    to r = meaning;                                                                                                    \
    if (!(READY_##kind && ((good) || (also)))) break;                                                                  \
    cpu->fp.last = NOTE_##kind;                                                                                        \
    memcpy(&v, &r, sizeof r);                                                                                          \
    return v;                                                                                                          \
  }
#include "jit/fpu_ops.def"
  default: assert(!"not an FPU operation");
  }
  return helper(cpu, cpu->fp.a, cpu->fp.b, cpu->fp.c);
}

static struct answer region_fpu(struct jit_cpu *cpu, uint64_t which, uint64_t where, int64_t budget, uint64_t unused,
                                const struct region_table *t, const uint64_t *saved) {
  (void)unused;
  say_where(cpu, t, where, budget);
  struct answer a = {.value = floating(cpu, (enum ir_opcode)ir_op(where), (uint32_t)which, t->guest->helper[which])};
  return finished(cpu, t, saved, a);
}

static struct answer region_raise(struct jit_cpu *cpu, uint64_t exception, uint64_t where, int64_t budget,
                                  uint64_t unused, const struct region_table *t, const uint64_t *saved) {
  (void)unused;
  say_where(cpu, t, where, budget);
  cpu->reserve = 0;
  t->guest->raise(cpu, (unsigned)exception);
  return (struct answer){.leave_at = rebuild(cpu, t, saved)};
}

static struct answer region_leave(struct jit_cpu *cpu, uint64_t nothing, uint64_t where, int64_t budget,
                                  uint64_t unused, const struct region_table *t, const uint64_t *saved) {
  (void)nothing, (void)unused;
  say_where(cpu, t, where, budget);
  cpu->reserve = 0;
  return (struct answer){(uint64_t)(uintptr_t)cpu->block | LEAVE_REGION_BUDGET, rebuild(cpu, t, saved)};
}

struct jit_region_calls region_calls(void) {
  return (struct jit_region_calls){(uintptr_t)region_load, (uintptr_t)region_store, (uintptr_t)region_fpu,
                                   (uintptr_t)region_raise, (uintptr_t)region_leave};
}
