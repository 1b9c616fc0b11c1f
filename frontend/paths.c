/* frontend/paths.c: the tree of call paths, each thread's calls, and what was executed where. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "frontend/paths.h"
#include "frontend/cpu.h"
#include "frontend/helpers.h"
#include <stdlib.h>

enum {
  PAIRS_FIRST = 1 << 14,
  BUCKETS = 1 << 18,
  CALLS_MAX = 256,
  GONE = 64 << 10,
  POPPED = 16,
  JUMPED = 8,
  THREADS_MAX = 1 << 13
};

struct call {
  uint64_t to, sp; /* what its return goes to, with this stack pointer */
  uint32_t node;   /* on which it was made */
  bool exception;
};
/* What one thread of the kernel's is in the middle of. */
struct mips_path_thread {
  struct mips_path_thread *next;
  uint64_t key; /* $28; 0: not known yet */
  bool running;
  uint32_t node;
  unsigned depth;
  struct call call[CALLS_MAX];
};

int mips_paths_init(struct mips_paths *p, uint32_t room) {
  *p = (struct mips_paths){.nodes = 1, .room = room, .places = PAIRS_FIRST};
  p->node = calloc(room, sizeof *p->node);
  p->bucket = calloc(BUCKETS, sizeof *p->bucket);
  p->pair = calloc(p->places, sizeof *p->pair);
  return p->node && p->bucket && p->pair ? 0 : -1;
}

void mips_paths_fini(struct mips_paths *p) {
  for (struct mips_path_thread *t = p->thread, *next; t; t = next) {
    next = t->next;
    free(t);
  }
  free(p->node);
  free(p->bucket);
  free(p->pair);
  *p = (struct mips_paths){0};
}

static uint64_t mixed(uint64_t v) {
  return v * UINT64_C(0x9fb21c651e98df25);
}

/* --- the tree --- */

static uint32_t find_child(const struct mips_paths *p, uint32_t above, uint64_t site, uint32_t **head) {
  *head = &p->bucket[mixed(site ^ (uint64_t)above << 34) >> 40 & (BUCKETS - 1)];
  uint32_t i = **head;
  while (i && (p->node[i].site != site || p->node[i].above != above)) i = p->node[i].next;
  return i;
}

static uint32_t add_child(struct mips_paths *p, uint32_t above, uint64_t site, uint32_t *head) {
  p->node[p->nodes] = (struct mips_path_node){site, above, *head, (uint16_t)(p->node[above].depth + 1)};
  return *head = p->nodes++;
}

/* The node below another, made if need be. Where there is no more room it is one for all. */
static uint32_t child(struct mips_paths *p, uint32_t above, uint64_t site) {
  uint32_t *head, i = find_child(p, above, site, &head);
  if (i) return i;
  if (p->node[above].depth >= MIPS_PATH_DEPTH) return above;
  if (p->nodes + 1 < p->room) return add_child(p, above, site, head);
  i = find_child(p, 0, MIPS_PATH_SITE(MIPS_PATH_NO_ROOM), &head);
  return i ? i : add_child(p, 0, MIPS_PATH_SITE(MIPS_PATH_NO_ROOM), head);
}

/* --- counting --- */

static struct mips_path_pair *place(struct mips_path_pair *pair, size_t places, uint64_t key) {
  size_t i = mixed(key) >> 32;
  while (pair[i & (places - 1)].key && pair[i & (places - 1)].key != key) i++;
  return &pair[i & (places - 1)];
}

static bool more_places(struct mips_paths *p) {
  size_t places = p->places * 2;
  struct mips_path_pair *pair = places <= MIPS_PATH_PAIRS ? calloc(places, sizeof *pair) : NULL;
  if (!pair) return false;
  for (size_t i = 0; i < p->places; i++)
    if (p->pair[i].key) *place(pair, places, p->pair[i].key) = p->pair[i];
  free(p->pair);
  p->pair = pair;
  p->places = places;
  return true;
}

/* A pair that is not there yet, or NULL. */
static struct mips_path_pair *add_pair(struct mips_paths *p, uint64_t key) {
  if (2 * p->pairs >= p->places && !more_places(p) && p->pairs + 1 >= p->places) return NULL;
  struct mips_path_pair *at = place(p->pair, p->places, key);
  at->key = key;
  p->pairs++;
  return at;
}

static void count(struct mips_paths *p, const struct mips_path_thread *t, uint32_t row) {
  if (row <= MIPS_TALLY_LOST) return;
  uint64_t key = (uint64_t)(t ? t->node : 0) << 32 | row;
  struct mips_path_pair *at = place(p->pair, p->places, key);
  if (!at->key && !(at = add_pair(p, key)))
    p->uncounted++;
  else
    at->count++;
}

/* --- threads --- */

static struct mips_path_thread *add_thread(struct mips_paths *p, uint64_t key) {
  struct mips_path_thread *t = calloc(1, sizeof *t);
  if (!t) return NULL;
  t->key = key;
  t->next = p->thread;
  return p->thread = t;
}

/* The thread that c runs, as far as that is known; NULL: no memory. */
static struct mips_path_thread *present(struct cpu *c) {
  if (!c->path && (c->path = add_thread(c->cfg.paths, 0))) c->path->running = true;
  return c->path;
}

static void begin(struct mips_paths *p, struct mips_path_thread *t) {
  t->depth = 0;
  t->node = child(p, 0, MIPS_PATH_SITE(MIPS_PATH_THREAD));
}

/* Has another thread got c? *other says so. */
static struct mips_path_thread *look_at_thread(struct cpu *c, bool *other) {
  struct mips_paths *p = c->cfg.paths;
  struct mips_path_thread *t = present(c), **link = &p->thread, *found;
  uint64_t key = c->gpr[28];
  unsigned n = 0;
  *other = false;
  if (!t || !(key >> 63) || t->key == key) return t; /* the kernel's own is at a kernel's address */
  for (; (found = *link) && found->key != key; n++) link = &found->next;
  if (!found && !t->key) {
    t->key = key;
    return t;
  }
  if (found) { /* to the front: it may soon be looked for again */
    if (found->running) return t;
    *link = found->next;
    found->next = p->thread;
    p->thread = found;
  } else if (n >= THREADS_MAX || !(found = add_thread(p, key))) {
    return t;
  } else {
    begin(p, found);
  }
  t->running = false;
  found->running = *other = true;
  return c->path = found;
}

/* --- moves --- */

static void push(struct mips_path_thread *t, const struct call *call) {
  if (t->depth < CALLS_MAX) t->call[t->depth++] = *call;
}

static void make_call(struct cpu *c, uint64_t site) {
  bool other;
  struct mips_path_thread *t = look_at_thread(c, &other);
  if (!t || t->depth == CALLS_MAX) return; /* its return will not be one, either */
  push(t, &(struct call){site + 8, c->gpr[29], t->node, false});
  t->node = child(c->cfg.paths, t->node, site);
}

static bool back_to(struct mips_path_thread *t, unsigned depth) {
  t->depth = depth;
  t->node = t->call[depth].node;
  return true;
}

/* Does a jump return from a call? From how far down is no matter: those above were left without a return. Linux's
 * _mcount pops what its caller has pushed. */
static bool find_return(struct mips_path_thread *t, uint64_t to, uint64_t sp, unsigned at_most) {
  for (unsigned d = t->depth; d && at_most; d--, at_most--) {
    const struct call *k = &t->call[d - 1];
    if (k->exception) return false;
    if (k->to == to && sp - k->sp <= POPPED) return back_to(t, d - 1);
  }
  return false;
}

static void make_return(struct cpu *c, uint64_t to) {
  bool other;
  struct mips_path_thread *t = look_at_thread(c, &other);
  uint64_t sp = c->gpr[29];
  if (!t || find_return(t, to, sp, CALLS_MAX)) return;
  if (other) { /* a new thread, where another was once */
    begin(c->cfg.paths, t);
    return;
  }
  c->cfg.paths->unmatched += t->depth != 0;
  while (t->depth && !t->call[t->depth - 1].exception && sp - t->call[t->depth - 1].sp - 1 < GONE)
    back_to(t, t->depth - 1);
}

static void make_eret(struct cpu *c) {
  struct mips_path_thread *t = present(c);
  if (!t) return;
  if ((c->j.mode & MODE_PRIV) == MMU_USER) {
    t->depth = t->node = 0;
    return;
  }
  for (unsigned d = t->depth; d; d--)
    if (t->call[d - 1].exception) {
      back_to(t, d - 1);
      return;
    }
}

void mips_path_enter(struct cpu *c, uint64_t pc, unsigned event) {
  struct mips_path_thread *t = present(c);
  if (!t) return;
  bool user = (c->j.mode & MODE_PRIV) == MMU_USER;
  if (user) t->depth = t->node = 0;
  bool root = user || event == MIPS_EVENT_INTERRUPT;
  uint32_t from = root ? 0 : child(c->cfg.paths, t->node, pc & ~UINT64_C(3));
  /* With EXL set one ERET will leave both. */
  if (!(c->cp0.status & (ST_EXL | ST_ERL))) push(t, &(struct call){.node = t->node, .exception = true});
  t->node = child(c->cfg.paths, from, MIPS_PATH_SITE(event));
}

void mips_path_count(struct cpu *c, uint32_t row) {
  count(c->cfg.paths, present(c), row);
}

/* a: the row, and how the block ends above it. */
uint64_t mips_help_PATH(void *cpu, uint64_t a, uint64_t value, uint64_t site) {
  struct cpu *c = cpu;
  c->j.tally[(uint32_t)a]++;
  count(c->cfg.paths, c->path, (uint32_t)a);
  switch ((enum mips_path_end)(a >> 32)) {
  case MIPS_PATH_ON: break;
  case MIPS_PATH_CALL:
    if (value) make_call(c, site);
    break;
  case MIPS_PATH_RETURN: make_return(c, value); break;
  case MIPS_PATH_JUMP:
    if (c->path) (void)find_return(c->path, value, c->gpr[29], JUMPED);
    break;
  case MIPS_PATH_ERET: make_eret(c); break;
  }
  return 0;
}
