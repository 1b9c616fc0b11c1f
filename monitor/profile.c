/* monitor/profile.c: takes samples of the guest at exact instruction counts and adds up those that are alike. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A sample is taken at the first boundary between instructions at which a multiple of `every` is reached, so it is the
 * same in every tier. Memory is bounded: when many different stacks have come, new ones are kept without their callers,
 * then not at all; both are counted. */
#include "monitor/profile.h"
#include "monitor/monitor.h"
#include "monitor/unwind.h"
#include <stdlib.h>
#include <string.h>

enum { STACKS_FULL = 1 << 19, STACKS_MAX = 1 << 20, CALLS_FULL = 1 << 23, SLOTS_FIRST = 1 << 12 };

int mon_profile_new(struct mon_profile **out, uint64_t every) {
  struct mon_profile *p = *out = calloc(1, sizeof *p);
  if (!p) return MB_ERR_MEMORY;
  p->every = p->due = every;
  p->slot = calloc(SLOTS_FIRST, sizeof *p->slot);
  p->slots = SLOTS_FIRST;
  p->left = calloc(MON_LEFT_PLACES, sizeof *p->left);
  return p->slot && p->left ? MB_OK : MB_ERR_MEMORY;
}

void mon_profile_free(struct mon_profile *p) {
  if (!p) return;
  free(p->stack);
  free(p->call);
  free(p->slot);
  free(p->left);
  free(p);
}

static bool grow(void **p, size_t *room, size_t need, size_t each) {
  if (need <= *room) return true;
  size_t more = need * 2 > 1024 ? need * 2 : 1024;
  void *q = realloc(*p, more * each);
  if (!q) return false;
  *p = q;
  *room = more;
  return true;
}

static uint64_t mixed(uint64_t h, uint64_t v) {
  h = (h ^ v) * UINT64_C(0x9fb21c651e98df25);
  return h ^ h >> 29;
}

static uint64_t hash_of(const struct mon_stack *s, const uint64_t *call) {
  uint64_t h = mixed(s->asid | s->user << 8 | s->vector << 9, s->depth);
  for (unsigned i = 0; i < s->depth; i++) h = mixed(h, call[i]);
  return h;
}

static bool alike(const struct mon_profile *p, const struct mon_stack *a, const struct mon_stack *b,
                  const uint64_t *call) {
  return a->hash == b->hash && a->depth == b->depth && a->asid == b->asid && a->user == b->user &&
         a->vector == b->vector && !memcmp(p->call + a->call, call, a->depth * sizeof *call);
}

/* Where the stack is in the table, or where it would go. */
static uint32_t *find(const struct mon_profile *p, const struct mon_stack *s, const uint64_t *call) {
  for (size_t i = s->hash;; i++) {
    uint32_t *slot = &p->slot[i & (p->slots - 1)];
    if (!*slot || alike(p, &p->stack[*slot - 1], s, call)) return slot;
  }
}

static bool rehash(struct mon_profile *p) {
  uint32_t *fresh = calloc(p->slots * 2, sizeof *fresh);
  if (!fresh) return false;
  free(p->slot);
  p->slot = fresh;
  p->slots *= 2;
  for (size_t k = 0; k < p->stacks; k++) {
    size_t i = p->stack[k].hash;
    while (fresh[i & (p->slots - 1)]) i++;
    fresh[i & (p->slots - 1)] = (uint32_t)(k + 1);
  }
  return true;
}

/* A new stack. False: no memory. */
static bool keep(struct mon_profile *p, const struct mon_stack *s, const uint64_t *call, uint64_t samples) {
  if ((p->stacks + 1) * 2 > p->slots && !rehash(p)) return false;
  if (!grow((void **)&p->stack, &p->stack_room, p->stacks + 1, sizeof *p->stack) ||
      !grow((void **)&p->call, &p->call_room, p->calls + s->depth, sizeof *p->call))
    return false;
  uint32_t *slot = find(p, s, call);
  memcpy(p->call + p->calls, call, s->depth * sizeof *call);
  p->stack[p->stacks] = *s;
  p->stack[p->stacks].call = p->calls;
  p->stack[p->stacks].samples = samples;
  p->calls += s->depth;
  *slot = (uint32_t)++p->stacks;
  return true;
}

void mon_profile_add(struct mon_profile *p, const struct mon_stack *from, const uint64_t *call, uint64_t samples) {
  bool full = p->stacks >= STACKS_FULL || p->calls >= CALLS_FULL;
  struct mon_stack s = *from;
  s.hash = hash_of(&s, call);
  uint32_t *slot = find(p, &s, call);
  p->samples += samples;
  if (!*slot && full && s.depth > 1) {
    p->cut += samples;
    s.depth = 1;
    s.hash = hash_of(&s, call);
    slot = find(p, &s, call);
  }
  if (*slot)
    p->stack[*slot - 1].samples += samples;
  else if (p->stacks >= STACKS_MAX || !keep(p, &s, call, samples))
    p->lost += samples;
}

void mon_profile_left(void *ctx, uint64_t pc, enum jit_exit_kind kind) {
  struct mb_vm *vm = ctx;
  struct mon_profile *p = vm->profile;
  if (++p->left_seen % MON_LEFT_EVERY) return;
  size_t at = mixed(pc, kind);
  for (unsigned i = 0; i < 16; i++) {
    struct mon_left *l = &p->left[(at + i) % MON_LEFT_PLACES];
    if (l->samples && (l->pc != pc || l->kind != kind)) continue;
    *l = (struct mon_left){pc, kind, l->samples + 1};
    return;
  }
  p->left_lost++;
}

void mon_profile_look(struct mb_vm *vm) {
  const struct cpu *c = mon_cpu(vm);
  struct mon_profile *p = vm->profile;
  uint64_t call[MON_STACK_MAX], done = mon_instructions(vm);
  if (!p || done < p->due) return;
  p->due = (done / p->every + 1) * p->every;
  struct mon_stack s = {.user = (c->j.mode & MODE_PRIV) == MMU_USER, .vector = c->cp0.status & (ST_EXL | ST_ERL)};
  if (s.user) s.asid = (uint8_t)c->cp0.entryhi;
  s.depth = (uint16_t)mon_unwind(c, NULL, call, MON_STACK_MAX);
  mon_profile_add(p, &s, call, 1);
}
