/* jit/llvm_plan.c: what to know of a region before it is written down in LLVM's IR. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Which slots it uses; which of them may be newer than memory where a node begins; which nodes check the budget; which
 * base registers are worth remembering the page of. */
#include "jit/llvm_emit.h"
#include "jit/memory_ops.h"
#include <string.h>

int emit_slot_at(const struct emitter *e, uint16_t offset) {
  int i = e->index[offset / 8] - 1;
  return offset / 8 == e->zero / 8 ? -1 : i;
}

bool emit_is_step(const struct jit_op *o) {
  return (o->op == J_ADD32_I || o->op == J_ADD_I) && o->a == o->d;
}

static bool is_even(const struct emitter *e, uint16_t offset) {
  int slot = emit_slot_at(e, offset);
  return slot >= 0 ? emit_set_has(&e->even, (unsigned)slot) : offset == e->zero;
}

bool emit_is_even(const struct emitter *e, const struct jit_op *o) {
  switch (o->op) {
  case J_MOVI: return true;
  case J_MOV:
  case J_ADD_I:
  case J_ADD32_I:
  case J_SHL_I:
  case J_SHL32_I: return is_even(e, o->a);
  case J_ADD:
  case J_ADD32:
  case J_SUB:
  case J_SUB32: return is_even(e, o->a) && is_even(e, o->b);
  default: return false;
  }
}

struct emit_access emit_access_of(const struct jit_op *o, enum ir_opcode op) {
  struct emit_access a = {.o = o, .op = op, .kind = MMU_READ, .size = 8};
  switch ((int)op) {
  case IR_LD8U: a.size = 1; break;
  case IR_FETCHED: a.size = 1, a.kind = MMU_FETCH; break;
  case IR_LD8S: a.size = 1, a.sign = true; break;
  case IR_LD16U: a.size = 2; break;
  case IR_LD16S: a.size = 2, a.sign = true; break;
  case IR_LD32U: a.size = 4; break;
  case IR_LD32S: a.size = 4, a.sign = true; break;
  case IR_LD64: break;
  case IR_LD16U_X: a.size = 2, a.swap = true; break;
  case IR_LD16S_X: a.size = 2, a.sign = a.swap = true; break;
  case IR_LD32U_X: a.size = 4, a.swap = true; break;
  case IR_LD32S_X: a.size = 4, a.sign = a.swap = true; break;
  case IR_LD64_X: a.swap = true; break;
  case IR_ST8: a.size = 1, a.kind = MMU_WRITE; break;
  case IR_ST16: a.size = 2, a.kind = MMU_WRITE; break;
  case IR_ST32: a.size = 4, a.kind = MMU_WRITE; break;
  case IR_ST64: a.kind = MMU_WRITE; break;
  case IR_ST16_X: a.size = 2, a.kind = MMU_WRITE, a.swap = true; break;
  case IR_ST32_X: a.size = 4, a.kind = MMU_WRITE, a.swap = true; break;
  case IR_ST64_X: a.kind = MMU_WRITE, a.swap = true; break;
#define X(name)                                                                                                        \
  case IR_##name##_IF:                                                                                                 \
    a = emit_access_of(o, IR_##name);                                                                                  \
    a.conditional = true;                                                                                              \
    break;
    STORES_IF(X)
#undef X
  default: a.size = 0; break; /* no access */
  }
  return a;
}

static bool is_call(const struct jit_op *o) {
  return o->op == J_CALL || o->op == J_CALL_BY_TRAP;
}

bool emit_has_result(const struct jit_op *o) {
  enum emit_form form;
  enum ir_opcode op = emit_meaning(o->op, &form);
  if (op != IR_OPCODES) return form != EMIT_BRANCH && emit_access_of(o, op).kind != MMU_WRITE;
  return o->op == J_MOV || o->op == J_MOVI || o->op == J_GET32 || o->op == J_SET32 || is_call(o);
}

/* Which operands an operation reads, as offsets; returns how many. */
static unsigned reads(const struct jit_op *o, uint16_t at[4]) {
  enum emit_form form;
  enum ir_opcode op = emit_meaning(o->op, &form);
  unsigned n = 0;
  if (op != IR_OPCODES) {
    enum ir_form operands = ir_opinfo[op].form;
    if (ir_opinfo[op].class == IR_CLASS_FPU && emit_fpu_result_bytes(op) == 4) at[n++] = o->d;
    at[n++] = o->a;
    if (operands >= IR_FORM_VV && form != EMIT_IMMEDIATE) at[n++] = o->b;
    if (operands == IR_FORM_VVV) at[n++] = o->c;
    return n;
  }
  switch (o->op) {
  case J_MOV:
  case J_GET32:
  case J_RAISE_IF:
  case J_EXIT_IF:
  case J_EXIT_REG:
  case J_EXIT_REG_STOP: at[n++] = o->a; break;
  case J_SET32: at[n++] = o->a, at[n++] = o->d; break;
  case J_CALL:
  case J_CALL_BY_TRAP: at[n++] = o->a, at[n++] = o->b, at[n++] = o->c; break;
  default: break;
  }
  return n;
}

static bool set_merge(emit_set *to, const emit_set *from) {
  bool grew = false;
  for (int i = 0; i < 3; i++) {
    grew |= (from->bit[i] & ~to->bit[i]) != 0;
    to->bit[i] |= from->bit[i];
  }
  return grew;
}

/* Flow of `dirty` through a node; the exits' states go to the nodes they lead to. True when one of these grew. */
static bool flow(struct emitter *e, unsigned n) {
  const struct region_node *node = &e->s->node[n];
  emit_set dirty = e->in[n];
  bool grew = false;
  for (unsigned i = 0; i < node->ops; i++) {
    const struct jit_op *o = &e->s->code[node->code + i];
    enum emit_form form;
    if (is_call(o)) dirty = (emit_set){0};
    int slot = emit_has_result(o) ? emit_slot_at(e, o->d) : -1;
    if (slot >= 0) emit_set_add(&dirty, (unsigned)slot);
    bool branch =
        o->op == J_EXIT_IF || o->op == J_EXIT || (emit_meaning(o->op, &form) != IR_OPCODES && form == EMIT_BRANCH);
    int to = branch ? node->to[o->c] : o->op == J_EXIT_REG ? node->returns : REGION_NONE;
    if (to != REGION_NONE) grew |= set_merge(&e->in[to], &dirty);
  }
  return grew;
}

static void find_dirty(struct emitter *e) {
  memset(e->in, 0, sizeof e->in);
  for (bool grew = true; grew;) {
    grew = false;
    for (unsigned n = 0; n < e->s->nodes; n++) grew |= flow(e, n);
  }
}

struct walk {
  enum { NEW, OPEN, CLOSED } state[REGION_NODES];
  bool check[REGION_NODES];
};

/* Depth first: the nodes that jumps back lead to check the budget; for the others add up what follows. */
static void walk(struct emitter *e, struct walk *w, unsigned n) {
  const struct region_node *node = &e->s->node[n];
  const int16_t to[] = {node->to[0], node->to[1], node->returns};
  w->state[n] = OPEN;
  for (int k = 0; k < 3; k++) {
    if (to[k] == REGION_NONE) continue;
    if (w->state[to[k]] == OPEN) w->check[to[k]] = true;
    if (w->state[to[k]] == NEW) walk(e, w, (unsigned)to[k]);
  }
  w->state[n] = CLOSED;
}

static uint32_t longest(struct emitter *e, struct walk *w, unsigned n) {
  const struct region_node *node = &e->s->node[n];
  const int16_t to[] = {node->to[0], node->to[1], node->returns};
  uint32_t most = 0;
  if (e->longest[n]) return e->longest[n];
  for (int k = 0; k < 3; k++) {
    if (to[k] == REGION_NONE || w->check[to[k]]) continue;
    uint32_t then = longest(e, w, (unsigned)to[k]);
    if (then > most) most = then;
  }
  return e->longest[n] = node->shape.insns + most;
}

static void find_checks(struct emitter *e) {
  struct walk w = {0};
  w.check[0] = true;
  for (unsigned n = 0; n < e->s->nodes; n++)
    if (w.state[n] == NEW) walk(e, &w, n);
  memset(e->longest, 0, sizeof e->longest);
  for (unsigned n = 0; n < e->s->nodes; n++) {
    uint32_t most = longest(e, &w, n);
    e->need[n] = w.check[n] ? most : 0;
  }
}

static void find_variables(struct emitter *e) {
  memset(e->var, 0, sizeof e->var);
  for (unsigned i = 0; i < e->s->ops; i++) {
    const struct jit_op *o = &e->s->code[i];
    uint16_t at[5];
    unsigned n = reads(o, at);
    if (emit_has_result(o)) at[n++] = o->d;
    while (n--) {
      int slot = emit_slot_at(e, at[n]);
      if (slot < 0) continue;
      e->var[slot].used = true;
      e->var[slot].narrow = e->g->narrow && e->g->narrow((unsigned)slot, e->s->node[0].key.mode);
    }
  }
}

static unsigned successors(const struct region_node *n, int16_t to[JIT_EXITS + 1]) {
  const int16_t all[] = {n->to[0], n->to[1], n->returns};
  unsigned k = 0;
  for (int i = 0; i < JIT_EXITS + 1; i++)
    if (all[i] != REGION_NONE) to[k++] = all[i];
  return k;
}

/* Mark the nodes of the shortest way from n back to n: about the innermost loop that it is in. None: mark all. */
static void mark_loop(const struct emitter *e, unsigned n, bool mark[REGION_NODES]) {
  int16_t queue[REGION_NODES], from[REGION_NODES], to[JIT_EXITS + 1];
  unsigned head = 0, tail = 0;
  bool seen[REGION_NODES] = {false};
  memset(mark, 0, REGION_NODES * sizeof mark[0]);
  queue[tail++] = (int16_t)n;
  while (head < tail) {
    int16_t at = queue[head++];
    for (unsigned k = successors(&e->s->node[at], to); k-- > 0;) {
      if (to[k] == (int16_t)n) {
        for (mark[n] = true; at != (int16_t)n; at = from[at]) mark[at] = true;
        return;
      }
      if (seen[to[k]]) continue;
      seen[to[k]] = true;
      from[to[k]] = at;
      queue[tail++] = to[k];
    }
  }
  memset(mark, 1, REGION_NODES * sizeof mark[0]);
}

/* In n's loop, slots that hold an even value wherever they are written: all, but for those that something else goes to,
 * or what came of such. */
static void find_even(struct emitter *e, unsigned n) {
  bool mark[REGION_NODES];
  mark_loop(e, n, mark);
  for (int i = 0; i < 3; i++) e->even.bit[i] = UINT64_MAX;
  for (bool grew = true; grew;) {
    grew = false;
    for (unsigned k = 0; k < e->s->nodes; k++)
      for (unsigned i = 0; mark[k] && i < e->s->node[k].ops; i++) {
        const struct jit_op *o = &e->s->code[e->s->node[k].code + i];
        int d = emit_has_result(o) ? emit_slot_at(e, o->d) : -1;
        if (d < 0 || !emit_set_has(&e->even, (unsigned)d) || emit_is_step(o) || emit_is_even(e, o)) continue;
        e->even.bit[d / 64] &= ~(UINT64_C(1) << d % 64);
        grew = true;
      }
  }
  e->even_at[n] = e->even;
}

static struct emit_cache *want_cache(struct emitter *e, int slot, enum mmu_access kind) {
  for (unsigned i = 0; i < e->caches; i++)
    if (e->cache[i].slot == slot && e->cache[i].kind == kind) return &e->cache[i];
  if (e->caches == EMIT_CACHES) return NULL;
  e->cache[e->caches] = (struct emit_cache){.slot = slot, .kind = kind, .steady = true};
  return &e->cache[e->caches++];
}

static void find_caches(struct emitter *e) {
  e->caches = 0;
  if (e->s->exact) return;
  for (unsigned i = 0; i < e->s->ops; i++) {
    enum emit_form form;
    const struct jit_op *o = &e->s->code[i];
    enum ir_opcode op = emit_meaning(o->op, &form);
    if (op == IR_OPCODES) continue;
    struct emit_access a = emit_access_of(o, op);
    int slot = emit_slot_at(e, o->a);
    if (a.size && slot >= 0) want_cache(e, slot, a.kind);
  }
  for (unsigned i = 0; i < e->s->ops; i++) {
    const struct jit_op *o = &e->s->code[i];
    if (!emit_has_result(o) || emit_is_step(o)) continue;
    for (unsigned k = 0; k < e->caches; k++)
      if (e->cache[k].slot == emit_slot_at(e, o->d)) e->cache[k].steady = false;
  }
}

void emit_plan(struct emitter *e) {
  find_variables(e);
  for (unsigned n = 0; n < e->s->nodes; n++) find_even(e, n);
  find_caches(e);
  find_dirty(e);
  find_checks(e);
}
