/* jit/region.c: growing regions from a hot block. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "jit/region.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXTS = 64, BACK = 12 };

struct context { /* a call within the region */
  int16_t parent;
  uint8_t depth;
  struct jit_block *after; /* where it returns to */
};

struct grow {
  const struct jit_guest *g;
  struct region_bounds bounds;
  struct jit_block *block[REGION_NODES]; /* of each node */
  struct region_node node[REGION_NODES];
  unsigned nodes, ops, insns;
  struct context context[CONTEXTS];
  unsigned contexts;
};

bool region_takes(const struct jit_block *b) {
  return b->page && !(b->shape.flags & JIT_BLOCK_ALONE);
}

static uint64_t behind(const struct jit_block *b) {
  return b->key.pc + 4u * b->shape.insns;
}

/* Does b put the address behind itself into a slot, as a call does? */
static bool links(const struct jit_block *b) {
  for (unsigned i = 0; i < b->ops; i++)
    if (b->code[i].op == J_MOVI && (uint64_t)b->code[i].imm == behind(b)) return true;
  return false;
}

/* The block that a call from b returns to. */
static struct jit_block *returns_to(const struct jit_block *b) {
  const struct jit_key k = {.pc = behind(b), .mode = b->key.mode};
  if (!links(b) || (k.pc ^ b->key.pc) & MMU_PAGE_MASK) return NULL;
  return jit_page_block(b->page, &k);
}

static int find_node(const struct grow *w, const struct jit_block *b, int context) {
  for (unsigned i = 0; i < w->nodes; i++)
    if (w->block[i] == b && w->node[i].context == context) return (int)i;
  return REGION_NONE;
}

static int add_node(struct grow *w, struct jit_block *b, int context) {
  int n = find_node(w, b, context);
  if (n != REGION_NONE) return n;
  if (!region_takes(b) || w->nodes == w->bounds.nodes || w->ops + b->ops > w->bounds.ops) return REGION_NONE;
  n = (int)w->nodes++;
  w->block[n] = b;
  w->node[n] = (struct region_node){.key = b->key,
                                    .shape = b->shape,
                                    .ops = b->ops,
                                    .code = w->ops,
                                    .exit_pc = {b->exit[0].pc, b->exit[1].pc},
                                    .to = {REGION_NONE, REGION_NONE},
                                    .returns = REGION_NONE,
                                    .context = (int16_t)context};
  w->ops += b->ops;
  w->insns += b->shape.insns;
  return n;
}

/* The context in which what b calls runs; `context` itself when b calls nothing. -1: too deep. */
static int enter_call(struct grow *w, struct jit_block *b, int context) {
  struct jit_block *after = returns_to(b);
  if (!after) return links(b) ? 0 : context;
  for (unsigned i = 1; i < w->contexts; i++)
    if (w->context[i].parent == context && w->context[i].after == after) return (int)i;
  unsigned depth = w->context[context].depth + 1u;
  if (depth > w->bounds.calls || w->contexts == CONTEXTS) return REGION_NONE;
  w->context[w->contexts] = (struct context){.parent = (int16_t)context, .depth = (uint8_t)depth, .after = after};
  return (int)w->contexts++;
}

/* May control pass from a to b without asking where b's address leads? */
static bool same_map(const struct grow *w, const struct jit_block *a, const struct jit_block *b) {
  if (a->page == b->page && !((a->key.pc ^ b->key.pc) & MMU_PAGE_MASK)) return true;
  return w->g->fixed && w->g->fixed(a->key.pc) && w->g->fixed(b->key.pc);
}

static int follow(struct grow *w, struct jit_block *from, struct jit_block *to, int context, bool *check) {
  *check = !same_map(w, from, to);
  if (*check && !jit_page_frame(to->page)) return REGION_NONE;
  return add_node(w, to, context);
}

static void expand(struct grow *w, unsigned n) {
  struct jit_block *b = w->block[n];
  int context = w->node[n].context;
  for (int i = 0; i < JIT_EXITS; i++) {
    struct jit_block *to = b->exit[i].to ? b->exit[i].to : b->exit[i].seen;
    if (!to) continue;
    int inner = enter_call(w, b, context);
    if (inner == REGION_NONE) { /* deep recursion comes back to the outermost */
      int again = find_node(w, to, 0);
      if (again != REGION_NONE && same_map(w, b, to)) w->node[n].to[i] = (int16_t)again;
      continue;
    }
    w->node[n].to[i] = (int16_t)follow(w, b, to, inner, &w->node[n].check_to[i]);
  }
  unsigned last = b->code[b->ops - 1].op;
  if (last != J_EXIT_REG || !context || links(b)) return;
  const struct context *c = &w->context[context];
  w->node[n].returns = (int16_t)follow(w, b, c->after, c->parent, &w->node[n].check_returns);
}

/* Mark the nodes from which control can come back to the seed; returns whether the seed is one. */
static bool find_loop(const struct grow *w, bool in_loop[REGION_NODES]) {
  memset(in_loop, 0, REGION_NODES * sizeof in_loop[0]);
  bool seed = false;
  for (bool grew = true; grew;) {
    grew = false;
    for (unsigned i = 0; i < w->nodes; i++) {
      const int16_t to[] = {w->node[i].to[0], w->node[i].to[1], w->node[i].returns};
      for (int k = 0; k < 3 && !in_loop[i]; k++)
        if (to[k] == 0 || (to[k] > 0 && in_loop[to[k]])) grew = in_loop[i] = true;
    }
  }
  seed = in_loop[0];
  return seed;
}

static int16_t renumbered(int16_t to, const int16_t *number) {
  return to == REGION_NONE ? REGION_NONE : number[to];
}

/* Keep the first `most` of the nodes marked. The seed is. */
static void keep(struct grow *w, const bool *mark, unsigned most) {
  int16_t number[REGION_NODES];
  unsigned n = 0;
  for (unsigned i = 0; i < w->nodes; i++) number[i] = mark[i] && n < most ? (int16_t)n++ : REGION_NONE;
  w->ops = w->insns = 0;
  for (unsigned i = 0; i < w->nodes; i++) {
    if (number[i] == REGION_NONE) continue;
    struct region_node *to = &w->node[number[i]];
    *to = w->node[i];
    w->block[number[i]] = w->block[i];
    for (int k = 0; k < JIT_EXITS; k++) to->to[k] = renumbered(to->to[k], number);
    to->returns = renumbered(to->returns, number);
    to->code = w->ops;
    w->ops += to->ops;
    w->insns += to->shape.insns;
  }
  w->nodes = n;
}

/* What is worth compiling: the loop, or some blocks when there is none. */
static void prune(struct grow *w) {
  bool mark[REGION_NODES];
  bool loop = find_loop(w, mark);
  if (!loop) memset(mark, 1, sizeof mark);
  keep(w, mark, loop ? w->bounds.nodes : w->bounds.straight);
}

/* Number the distinct blocks; returns how many. */
static unsigned number_blocks(struct grow *w, struct jit_block *distinct[REGION_NODES]) {
  unsigned blocks = 0;
  for (unsigned i = 0; i < w->nodes; i++) {
    unsigned k = 0;
    while (k < blocks && distinct[k] != w->block[i]) k++;
    if (k == blocks) distinct[blocks++] = w->block[i];
    w->node[i].block = (uint16_t)k;
  }
  return blocks;
}

static struct region_source *copy(const struct grow *w, unsigned blocks) {
  struct region_source *s = calloc(1, sizeof *s + w->ops * sizeof s->code[0]);
  if (!s) return NULL;
  s->nodes = w->nodes;
  s->ops = w->ops;
  s->blocks = blocks;
  memcpy(s->node, w->node, w->nodes * sizeof w->node[0]);
  for (unsigned i = 0; i < w->nodes; i++)
    memcpy(&s->code[w->node[i].code], w->block[i]->code, w->node[i].ops * sizeof s->code[0]);
  return s;
}

static struct jit_region *finish(struct grow *w) {
  struct jit_block *distinct[REGION_NODES];
  unsigned blocks = number_blocks(w, distinct);
  struct jit_region *r = calloc(1, sizeof *r + blocks * sizeof r->member[0]);
  if (!r) return NULL;
  if (!(r->source = copy(w, blocks))) {
    free(r);
    return NULL;
  }
  r->insns = w->insns;
  r->members = blocks;
  for (unsigned i = 0; i < blocks; i++) {
    struct region_member *m = &r->member[i];
    *m = (struct region_member){r, distinct[i], distinct[i]->regions, &distinct[i]->regions};
    if (m->next) m->next->prev = &m->next;
    distinct[i]->regions = m;
  }
  return r;
}

struct jit_region *region_grow(const struct jit_guest *g, struct jit_block *seed, struct region_bounds bounds) {
  struct grow *w = calloc(1, sizeof *w);
  if (!w) return NULL;
  w->g = g;
  w->bounds = bounds;
  w->contexts = 1;
  struct jit_region *r = NULL;
  if (add_node(w, seed, 0) == 0) {
    for (unsigned i = 0; i < w->nodes; i++) expand(w, i);
    prune(w);
    r = finish(w);
  }
  free(w);
  return r;
}

void region_free(struct jit_region *r) {
  if (!r) return;
  assert(!r->compiling);
  free(r->source);
  region_table_fini(&r->table);
  free(r->object.bytes);
  free(r);
}

/* --- where to begin --- */

struct path {
  struct jit_block *block[REGION_NODES];
  int16_t from[REGION_NODES];
  unsigned n;
};

static struct jit_block *target(const struct jit_exit *x) {
  return x->to ? x->to : x->seen;
}

/* The shortest way from b along chained exits back to b: index of its last block in p, or -1. */
static int cycle(struct jit_block *b, struct path *p) {
  p->block[0] = b, p->from[0] = -1, p->n = 1;
  for (unsigned i = 0; i < p->n; i++)
    for (int k = 0; k <= JIT_EXITS; k++) { /* calls are taken to return */
      struct jit_block *to = k < JIT_EXITS ? target(&p->block[i]->exit[k]) : returns_to(p->block[i]);
      if (!to || !region_takes(to)) continue;
      if (to == b) return (int)i;
      unsigned seen = 0;
      while (seen < p->n && p->block[seen] != to) seen++;
      if (seen < p->n || p->n == REGION_NODES) continue;
      p->from[p->n] = (int16_t)i;
      p->block[p->n++] = to;
    }
  return -1;
}

/* In a loop: the target of its jump back. Else: up to where control enters by a computed jump. */
struct jit_block *region_seed(struct jit_block *b) {
  struct path p;
  int last = cycle(b, &p);
  struct jit_block *seed = b;
  if (last >= 0) {
    for (int i = last, next = 0; i >= 0; next = i, i = p.from[i]) {
      struct jit_block *to = p.block[next];
      if (p.block[i]->key.pc >= to->key.pc && to->key.pc <= seed->key.pc) seed = to;
    }
    return seed;
  }
  for (int i = 0; i < BACK && seed->incoming; i++) {
    struct jit_block *up = seed->incoming->owner;
    if (!region_takes(up) || up->key.mode != seed->key.mode || links(up) || up == b) break;
    seed = up;
  }
  return seed;
}
