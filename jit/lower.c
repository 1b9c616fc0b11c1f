/* jit/lower.c: from IR to slot-to-slot code: which value lives where. */
/* SPDX-License-Identifier: Apache-2.0 */
/* One backward pass finds last uses and how long each slot keeps its value; one forward pass places values and emits.
 * A value read from a slot is used in place while the slot keeps it; a value stored right after it is computed is
 * computed into the slot. Everything else, constants that fit no immediate included, gets a temporary. */
#include "jit/code.h"
#include <assert.h>
#include <string.h>

enum { NEVER = 0xffff, NO_HOME = 0xffff };

struct lower {
  const struct jit_guest *g;
  const struct ir_block *ir;
  struct jit_op *out;
  unsigned n;
  uint64_t *exit_pc;
  unsigned exits;
  uint16_t last_use[IR_MAX_OPS]; /* index of the last operation that reads value i; 0: none */
  uint16_t uses[IR_MAX_OPS];
  uint16_t kill[IR_MAX_OPS];     /* GET, GET32, SET: next operation after i that may change the slot (the half) */
  uint16_t home[IR_MAX_OPS];     /* byte offset of value i once placed */
  bool sunk[IR_MAX_OPS];         /* comparison that is emitted with its branch */
  bool in_registers[IR_MAX_OPS]; /* value i is an operand of something that is best done in general registers */
  bool whole[IR_MAX_OPS];        /* all 64 bits of value i are wanted by someone */
  bool in_half[IR_MAX_OPS];      /* value i was computed into the half that it is stored to */
  bool dead[IR_MAX_OPS];         /* SET: see find_dead */
  bool unnoted[IR_MAX_OPS];      /* FPU: see JIT_UNNOTED */
  uint16_t free_temp[JIT_TEMPS];
  unsigned free_temps, temps; /* given back; ever used */
  bool failed;
};

static enum ir_class class_of(const struct ir_op *o) {
  return ir_opinfo[o->op].class;
}

static const struct {
  uint8_t to, from; /* bytes */
} fpu[IR_OPCODES] = {
#define FPU(name, form, result, operand, ...) [IR_##name] = {sizeof(result), sizeof(operand)},
#include "jit/fpu_ops.def"
};

/* Does o read its k-th operand from memory, 4 bytes of it? */
static bool takes_half(const struct ir_op *o, int k) {
  return fpu[o->op].from == 4 || o->op == IR_SET32 || (k == 1 && (o->op == IR_ST32 || o->op == IR_ST32_X));
}

static void count_uses(struct lower *l) {
  for (unsigned i = 0; i < l->ir->n; i++) {
    const struct ir_op *o = &l->ir->op[i];
    const ir_ref r[3] = {o->a, o->b, o->c};
    for (int k = 0; k < 3; k++) {
      if (r[k] == IR_NONE) continue;
      l->uses[r[k]]++, l->last_use[r[k]] = (uint16_t)i;
      if (!fpu[o->op].from && o->op != IR_SET) l->in_registers[r[k]] = true;
      if (!takes_half(o, k)) l->whole[r[k]] = true;
    }
  }
}

/* A comparison used by one branch alone moves down to it; its operands must live as long. */
static void sink_comparisons(struct lower *l) {
  for (unsigned i = 0; i < l->ir->n; i++) {
    const struct ir_op *o = &l->ir->op[i];
    if (o->op != IR_EXIT_IF || l->uses[o->a] != 1 || class_of(&l->ir->op[o->a]) != IR_CLASS_CMP) continue;
    const struct ir_op *cmp = &l->ir->op[o->a];
    l->sunk[o->a] = true;
    if (l->last_use[cmp->a] < i) l->last_use[cmp->a] = (uint16_t)i;
    if (l->last_use[cmp->b] < i) l->last_use[cmp->b] = (uint16_t)i;
  }
}

static void find_kills(struct lower *l) {
  uint16_t next[IR_MAX_SLOTS], next_half[2 * IR_MAX_SLOTS], call = NEVER;
  memset(next, 0xff, sizeof next);
  memset(next_half, 0xff, sizeof next_half);
  for (unsigned i = l->ir->n; i-- > 0;) {
    const struct ir_op *o = &l->ir->op[i];
    switch ((int)o->op) {
    case IR_CALL:
    case IR_CALL_BY_TRAP: call = (uint16_t)i; break;
    case IR_GET: l->kill[i] = next[o->imm] < call ? next[o->imm] : call; break;
    case IR_SET:
      l->kill[i] = next[o->imm] < call ? next[o->imm] : call;
      next[o->imm] = next_half[2 * o->imm] = next_half[2 * o->imm + 1] = (uint16_t)i;
      break;
    case IR_GET32: l->kill[i] = next_half[o->imm] < call ? next_half[o->imm] : call; break;
    case IR_SET32: next[o->imm / 2] = next_half[o->imm] = (uint16_t)i; break;
    default: break;
    }
  }
}

/* A SET that is overwritten before a fault, a helper or an exit could show it does nothing. */
static void find_dead(struct lower *l) {
  bool again[IR_MAX_SLOTS] = {false};
  for (unsigned i = l->ir->n; i-- > 0;) {
    const struct ir_op *o = &l->ir->op[i];
    switch (class_of(o)) {
    case IR_CLASS_SET:
    case IR_CLASS_GET: {
      bool half = o->op == IR_SET32 || o->op == IR_GET32, set = o->op == IR_SET;
      bool *a = &again[half ? o->imm / 2 : o->imm];
      l->dead[i] = set && *a;
      if (l->dead[i]) l->uses[o->a]--;
      *a = set;
      break;
    }
    case IR_CLASS_CONST:
    case IR_CLASS_PURE:
    case IR_CLASS_CMP:
    case IR_CLASS_TALLY: break;
    default: memset(again, 0, sizeof again);
    }
  }
}

/* What an operation notes is overwritten by the next; in between, faults, helpers and exits may want to know. */
static void find_unnoted(struct lower *l) {
  bool again = false;
  for (unsigned i = l->ir->n; i-- > 0;) {
    enum ir_class class = class_of(&l->ir->op[i]);
    l->unnoted[i] = class == IR_CLASS_FPU && again;
    if (class == IR_CLASS_FPU) again = true;
    if (class == IR_CLASS_MEM || class == IR_CLASS_CALL || class == IR_CLASS_TRAP || class == IR_CLASS_EXIT)
      again = false;
  }
}

static uint16_t temp_get(struct lower *l) {
  if (l->free_temps) return l->free_temp[--l->free_temps];
  if (l->temps == JIT_TEMPS) {
    l->failed = true;
    return 0;
  }
  return (uint16_t)(offsetof(struct jit_cpu, temp) + 8 * l->temps++);
}

static struct jit_op *emit(struct lower *l, unsigned op) {
  if (l->n == JIT_MAX_CODE) {
    l->failed = true;
    l->n = 0;
  }
  l->out[l->n] = (struct jit_op){.op = (uint16_t)op};
  return &l->out[l->n++];
}

static bool is_temp(uint16_t home) {
  return home >= offsetof(struct jit_cpu, temp) && home < offsetof(struct jit_cpu, temp) + 8 * JIT_TEMPS;
}

static bool is_constant(const struct ir_op *o) {
  return o->op == IR_CONST || o->op == IR_PC;
}

/* Where value r can be read. Constants are brought into a temporary on their first such use. */
static uint16_t place(struct lower *l, ir_ref r) {
  if (r == IR_NONE) return l->g->slot[l->g->zero_slot].offset;
  const struct ir_op *o = &l->ir->op[r];
  if (is_constant(o) && l->home[r] == NO_HOME) {
    if (o->imm == 0 && o->op == IR_CONST) return l->g->slot[l->g->zero_slot].offset;
    struct jit_op *j = emit(l, J_MOVI);
    j->d = l->home[r] = temp_get(l);
    j->imm = o->imm;
    j->a = o->op == IR_PC ? JIT_MOVES : 0;
  }
  assert(l->home[r] != NO_HOME);
  return l->home[r];
}

/* Values whose last use is operation i give their temporaries back. */
static void release(struct lower *l, unsigned i, ir_ref r) {
  if (r == IR_NONE || l->last_use[r] != i || l->home[r] == NO_HOME || !is_temp(l->home[r])) return;
  l->free_temp[l->free_temps++] = l->home[r];
  l->home[r] = NO_HOME;
}

static void release_operands(struct lower *l, unsigned i, const struct ir_op *o) {
  release(l, i, o->a);
  if (o->b != o->a) release(l, i, o->b);
  if (o->c != o->a && o->c != o->b) release(l, i, o->c);
}

/* Choose where value i goes: into the slot that the next operation stores it to, else into a temporary. */
static uint16_t destination(struct lower *l, unsigned i) {
  const struct ir_op *next = &l->ir->op[i + 1];
  if (i + 1 < l->ir->n && next->op == IR_SET && next->a == i && !l->dead[i + 1] && l->kill[i + 1] >= l->last_use[i])
    return l->home[i] = l->g->slot[next->imm].offset;
  return l->home[i] = temp_get(l);
}

static void lower_get(struct lower *l, unsigned i, const struct ir_op *o) {
  uint16_t slot = l->g->slot[o->imm].offset;
  if (l->kill[i] >= l->last_use[i]) {
    l->home[i] = slot;
    return;
  }
  struct jit_op *j = emit(l, J_MOV);
  j->a = slot;
  j->d = l->home[i] = temp_get(l);
}

static unsigned plain_opcode(enum ir_opcode op) {
  switch (op) {
#define JIT_MAP_N(name)
#define JIT_MAP_V(name)                                                                                                \
  case IR_##name:                                                                                                      \
    return J_##name;
#define JIT_MAP_VV(name)               JIT_MAP_V(name)
#define JIT_MAP_VVV(name)              JIT_MAP_V(name)
#define OP(name, form, class, meaning) JIT_MAP_##form(name)
#include "jit/ir_ops.def"
  default: assert(!"no opcode of its own"); return 0;
  }
}

static unsigned exit_opcode(enum ir_opcode op) {
  switch ((int)op) {
#define JIT_EXITOP_CMP(name)                                                                                           \
  case IR_##name:                                                                                                      \
    return J_EXIT_##name;
#define JIT_EXITOP_CONST(name)
#define JIT_EXITOP_GET(name)
#define JIT_EXITOP_SET(name)
#define JIT_EXITOP_PURE(name)
#define JIT_EXITOP_FPU(name)
#define JIT_EXITOP_MEM(name)
#define JIT_EXITOP_CALL(name)
#define JIT_EXITOP_TALLY(name)
#define JIT_EXITOP_TRAP(name)
#define JIT_EXITOP_EXIT(name)
#define OP(name, form, class, meaning) JIT_EXITOP_##class(name)
#include "jit/ir_ops.def"
  default: assert(!"not a comparison"); return 0;
  }
}

static void lower_pure(struct lower *l, unsigned i, const struct ir_op *o) {
  if (!l->uses[i] || l->sunk[i]) return;
  const struct ir_op *bop = o->b == IR_NONE ? NULL : &l->ir->op[o->b];
  bool immediate = ir_opinfo[o->op].form == IR_FORM_VV && bop->op == IR_CONST;
  uint16_t a = place(l, o->a), b = immediate ? 0 : place(l, o->b), c = place(l, o->c);
  release_operands(l, i, o);
  struct jit_op *j = emit(l, plain_opcode(o->op) + (immediate ? 1 : 0)); /* the _I form stands next */
  j->a = a, j->b = b, j->d = destination(l, i);
  if (immediate)
    j->imm = bop->imm;
  else
    j->c = c;
}

/* Where half a slot is, on little-endian hosts. */
static uint16_t half_offset(const struct lower *l, int64_t half) {
  return (uint16_t)(l->g->slot[half / 2].offset + 4 * (half & 1));
}

static void lower_set(struct lower *l, unsigned i, const struct ir_op *o) {
  bool half = o->op == IR_SET32;
  uint16_t to = half ? half_offset(l, o->imm) : l->g->slot[o->imm].offset;
  const struct ir_op *v = &l->ir->op[o->a];
  if (l->dead[i]) {
    if (l->uses[o->a]) release_operands(l, i, o);
    return;
  }
  if (!half && is_constant(v) && l->home[o->a] == NO_HOME) {
    struct jit_op *j = emit(l, J_MOVI);
    j->d = to, j->imm = v->imm;
    j->a = (uint16_t)((l->in_registers[o->a] ? 0 : JIT_IN_MEMORY) | (v->op == IR_PC ? JIT_MOVES : 0));
    return;
  }
  uint16_t from = place(l, o->a);
  release_operands(l, i, o);
  if (from == to && (!half || l->in_half[o->a])) return;
  struct jit_op *j = emit(l, half ? J_SET32 : J_MOV);
  j->a = from, j->d = to;
  j->hint = l->in_registers[o->a] ? 0 : JIT_IN_MEMORY;
}

static void lower_mem(struct lower *l, unsigned i, const struct ir_op *o) {
  uint16_t a = place(l, o->a), b = place(l, o->b), c = place(l, o->c);
  release_operands(l, i, o);
  struct jit_op *j = emit(l, plain_opcode(o->op));
  j->a = a, j->b = b, j->c = c, j->at = o->at, j->offset = (int32_t)o->imm;
  j->hint = l->in_registers[i] ? 0 : JIT_IN_MEMORY;
  if (ir_opinfo[o->op].form != IR_FORM_V) return;
  unsigned e = l->n - 1;
  uint16_t d = destination(l, i);
  l->out[e].d = d;
  if (!l->uses[i]) l->free_temp[l->free_temps++] = l->home[i]; /* the value is dropped, the access is made */
}

static void lower_call(struct lower *l, unsigned i, const struct ir_op *o) {
  uint16_t a = place(l, o->a), b = place(l, o->b), c = place(l, o->c);
  release_operands(l, i, o);
  struct jit_op *j = emit(l, plain_opcode(o->op));
  j->a = a, j->b = b, j->c = c, j->at = o->at, j->offset = (int32_t)o->imm;
  uint16_t d = destination(l, i);
  j->d = d;
  if (!l->uses[i]) l->free_temp[l->free_temps++] = l->home[i];
}

static void lower_exit_if(struct lower *l, unsigned i, const struct ir_op *o) {
  const struct ir_op *cmp = &l->ir->op[o->a];
  bool fused = l->sunk[o->a];
  uint16_t a = place(l, fused ? cmp->a : o->a), b = fused ? place(l, cmp->b) : 0;
  if (fused)
    release_operands(l, i, cmp);
  else
    release_operands(l, i, o);
  struct jit_op *j = emit(l, fused ? exit_opcode(cmp->op) : J_EXIT_IF);
  j->a = a, j->b = b, j->offset = o->refund, j->c = (uint16_t)l->exits;
  assert(l->exits < JIT_EXITS);
  l->exit_pc[l->exits++] = (uint64_t)o->imm;
}

static void lower_exit(struct lower *l, unsigned i, const struct ir_op *o) {
  switch ((int)o->op) {
  case IR_EXIT: {
    assert(l->exits < JIT_EXITS);
    emit(l, J_EXIT)->c = (uint16_t)l->exits;
    l->exit_pc[l->exits++] = (uint64_t)o->imm;
    break;
  }
  case IR_EXIT_IF: lower_exit_if(l, i, o); break;
  case IR_EXIT_REG:
  case IR_EXIT_REG_STOP: {
    uint16_t a = place(l, o->a);
    emit(l, plain_opcode(o->op))->a = a;
    break;
  }
  case IR_EXIT_STOP: emit(l, J_EXIT_STOP)->imm = o->imm; break;
  case IR_EXIT_PC: emit(l, J_EXIT_PC); break;
  }
}

static void lower_trap(struct lower *l, unsigned i, const struct ir_op *o) {
  bool always = o->op == IR_RAISE;
  uint16_t a = always ? 0 : place(l, o->a);
  release_operands(l, i, o);
  struct jit_op *j = emit(l, always ? J_RAISE : J_RAISE_IF);
  j->a = a, j->at = o->at, j->offset = (int32_t)o->imm;
}

static void lower_get32(struct lower *l, unsigned i, const struct ir_op *o) {
  if (!l->whole[i] && l->kill[i] >= l->last_use[i]) {
    l->home[i] = half_offset(l, o->imm);
    return;
  }
  struct jit_op *j = emit(l, J_GET32);
  j->a = half_offset(l, o->imm);
  uint16_t d = destination(l, i);
  j->d = d;
  if (!l->uses[i]) l->free_temp[l->free_temps++] = l->home[i];
}

/* A 4-byte result goes into the half that the next operation stores it to, or fills up a temporary. */
static void place_half(struct lower *l, unsigned i, unsigned e) {
  const struct ir_op *next = &l->ir->op[i + 1];
  if (i + 1 < l->ir->n && next->op == IR_SET32 && next->a == i && l->uses[i] == 1) {
    l->out[e].d = l->home[i] = half_offset(l, next->imm);
    l->in_half[i] = true;
    return;
  }
  uint16_t d = l->out[e].d = l->home[i] = temp_get(l);
  struct jit_op *j = emit(l, J_GET32);
  j->a = j->d = d;
}

static void lower_fpu(struct lower *l, unsigned i, const struct ir_op *o) {
  uint16_t a = place(l, o->a), b = place(l, o->b), c = place(l, o->c);
  release_operands(l, i, o);
  struct jit_op *j = emit(l, plain_opcode(o->op));
  unsigned e = l->n - 1;
  j->a = a, j->b = b, j->c = c, j->at = o->at, j->offset = (int32_t)o->imm;
  if (l->unnoted[i]) j->hint = JIT_UNNOTED;
  if (fpu[o->op].to == 4) {
    place_half(l, i, e);
  } else {
    uint16_t d = destination(l, i);
    l->out[e].d = d;
  }
  if (!l->uses[i]) l->free_temp[l->free_temps++] = l->home[i];
}

static void lower_op(struct lower *l, unsigned i) {
  const struct ir_op *o = &l->ir->op[i];
  switch (class_of(o)) {
  case IR_CLASS_CONST: break;
  case IR_CLASS_GET:
    if (o->op == IR_GET)
      lower_get(l, i, o);
    else
      lower_get32(l, i, o);
    break;
  case IR_CLASS_SET: lower_set(l, i, o); break;
  case IR_CLASS_PURE:
  case IR_CLASS_CMP: lower_pure(l, i, o); break;
  case IR_CLASS_MEM: lower_mem(l, i, o); break;
  case IR_CLASS_FPU: lower_fpu(l, i, o); break;
  case IR_CLASS_CALL: lower_call(l, i, o); break;
  case IR_CLASS_TALLY: emit(l, J_TALLY)->imm = o->imm; break;
  case IR_CLASS_TRAP: lower_trap(l, i, o); break;
  case IR_CLASS_EXIT: lower_exit(l, i, o); break;
  }
}

unsigned jit_lower(const struct jit_guest *g, const struct ir_block *ir, struct jit_op out[JIT_MAX_CODE],
                   uint64_t exit_pc[JIT_EXITS]) {
  struct lower l; /* large, and most blocks are small */
  l.g = g, l.ir = ir, l.out = out, l.exit_pc = exit_pc;
  l.n = l.exits = l.free_temps = l.temps = 0;
  l.failed = false;
#define FILL(array, with) memset(l.array, with, sizeof l.array[0] * ir->n)
  FILL(kill, 0xff);
  FILL(home, 0xff);
  FILL(last_use, 0);
  FILL(uses, 0);
  FILL(sunk, 0);
  FILL(in_registers, 0);
  FILL(whole, 0);
  FILL(in_half, 0);
  FILL(dead, 0);
  FILL(unnoted, 0);
#undef FILL
  count_uses(&l);
  sink_comparisons(&l);
  find_kills(&l);
  find_dead(&l);
  find_unnoted(&l);
  for (unsigned i = 0; i < ir->n && !l.failed; i++) lower_op(&l, i);
  return l.failed ? 0 : l.n;
}
