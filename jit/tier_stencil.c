/* jit/tier_stencil.c: the stencil tier: lowered code turned into host code by copying and patching. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Within a block, guest slots and temporaries travel in host registers. A guest slot is written to memory whenever it
 * changes, so that slots are precise wherever a block can be left; a temporary only when its register is wanted for
 * something else. Likely code goes to one half of code memory, slow paths and ways out to the other. Code memory is
 * never freed piece by piece: when it is full, all of it is forgotten. */
#include "jit/stencil_emit.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

uint64_t jit_stencils_fault(const struct jit_stencils *s, uint64_t pc) {
  uint64_t at = pc - (uint64_t)(uintptr_t)s->memory.exec;
  if (at < s->hot.begin || at >= s->hot.at) return 0;
  size_t low = 0, high = s->accesses; /* the first that ends behind the instruction */
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (s->access[middle].end > at)
      high = middle;
    else
      low = middle + 1;
  }
  return low < s->accesses ? (uint64_t)(uintptr_t)(s->memory.exec + s->access[low].slow) : 0;
}

int jit_stencils_compile(struct jit_stencils *s, struct jit_block *b) {
  struct emit e = stencil_emit_begin(s, b);
  if (!stencil_emit_room(s, b->ops)) return s->hot.at == s->hot.begin && s->cold.at == s->cold.begin ? -2 : -1;
  uint32_t at = s->hot.at;
  stencil_emit_head(&e);
  for (unsigned i = 0; i < b->ops; i++) stencil_emit_op(&e, &b->code[i]);
  assert(s->hot.at < s->hot.end && s->cold.at < s->cold.end);
  b->stencils = at;
  if (!b->host) b->host = at;
  b->heat = 1;
  b->next_compiled = s->compiled;
  b->prev_compiled = &s->compiled;
  if (s->compiled) s->compiled->prev_compiled = &b->next_compiled;
  s->compiled = b;
  for (int i = 0; i < JIT_EXITS; i++)
    if (b->exit[i].to) jit_stencils_link(s, &b->exit[i]);
  jit_stencils_enter_at(s, b);
  return 0;
}

int jit_stencils_list(struct jit_stencils *s, struct jit_block *b, struct jit_listing *l) {
  struct emit e = stencil_emit_begin(s, b);
  bool fine = stencil_emit_room(s, b->ops);
  for (int i = -1; fine && i < b->ops; i++) {
    uint32_t hot = s->hot.at, cold = s->cold.at;
    if (i < 0)
      stencil_emit_head(&e);
    else
      stencil_emit_op(&e, &b->code[i]);
    fine = jit_listing_add(l, hot, s->hot.at, i, false) && jit_listing_add(l, cold, s->cold.at, i, true);
  }
  l->code = s->memory.exec;
  l->cpu = "r13"; /* the second and third argument of a preserve_none function */
  l->budget = "r14";
  return fine ? 0 : -1;
}

bool jit_stencils_label(const struct jit_stencils *s, uint32_t at, char *buf, size_t n) {
  const struct {
    const char *name;
    uint32_t at;
  } label[] = {{"leave", s->leave},
               {"leave, going to rax", s->leave_at_t},
               {"look up rax", s->look_up_neighbour},
               {"go on at rax", s->go_on},
               {"go on at pc", s->go_on_at_pc},
               {"call the helper", s->call},
               {"raise", s->raise},
               {"trouble", s->trouble},
               {"slow load", s->region_load},
               {"slow store", s->region_store},
               {"slow FPU", s->region_fpu},
               {"raise", s->region_raise},
               {"leave the region", s->region_leave}};
  buf[0] = 0;
  for (size_t i = 0; i < sizeof label / sizeof *label; i++)
    if (at && at == label[i].at) snprintf(buf, n, "%s", label[i].name);
  for (unsigned op = 0; op < JIT_OPCODES; op++)
    if (s->shared[op] && at == s->shared[op]) snprintf(buf, n, "slow %s", jit_opcode_text(op));
  return buf[0];
}

/* --- the rest of the tier --- */

bool jit_stencils_present(void) {
  return true;
}

int jit_stencils_new(struct jit_stencils **out, const struct jit_guest *g, size_t max_bytes, size_t region_bytes) {
  struct jit_stencils *s = calloc(1, sizeof *s);
  *out = NULL;
  if (!s) return -1;
  s->guest = g;
  max_bytes = (max_bytes + CODE_MEMORY_PAGE - 1) & ~(size_t)(CODE_MEMORY_PAGE - 1);
  if (code_memory_init(&s->memory, max_bytes + region_bytes)) {
    free(s);
    return -1;
  }
  uint32_t half = (uint32_t)(max_bytes / 2);
  s->hot = (struct arena){STENCIL_COPY, STENCIL_COPY, half - STENCIL_COPY}; /* no block begins at 0 */
  s->cold = (struct arena){half, half, (uint32_t)max_bytes - STENCIL_COPY};
  s->regions = (uint32_t)max_bytes;
  stencil_emit_shared(s);
  *out = s;
  return 0;
}

void jit_stencils_free(struct jit_stencils *s) {
  if (!s) return;
  code_memory_fini(&s->memory);
  free(s->access);
  free(s);
}

void jit_stencils_forget(struct jit_stencils *s, struct jit_block *b) {
  if (!b->stencils) return;
  *b->prev_compiled = b->next_compiled;
  if (b->next_compiled) b->next_compiled->prev_compiled = b->prev_compiled;
  if (b->host == b->stencils) b->host = 0;
  b->stencils = 0;
  for (int i = 0; i < JIT_EXITS; i++) b->exit[i].jump = 0;
  jit_stencils_enter_at(s, b);
}

void jit_stencils_reset(struct jit_stencils *s) {
  while (s->compiled) jit_stencils_forget(s, s->compiled);
  s->hot.at = s->hot.begin;
  s->cold.at = s->cold.begin;
  s->accesses = 0;
  s->resets++;
}

static bool looks_up(const struct jit_stencils *s, const struct jit_exit *x) {
  return x->look_up && x->resets == s->resets;
}

void jit_stencils_link(struct jit_stencils *s, struct jit_exit *x) {
  bool known = x->to && x->to->host;
  if (x->jump) stencil_aim(s, x->jump, known ? x->to->host : x->stub);
  if (x->go) x->go = s->memory.exec + (known ? x->to->host : looks_up(s, x) ? x->look_up : s->leave);
}

void jit_stencils_look_up(struct jit_stencils *s, struct jit_exit *x) {
  if (!looks_up(s, x)) {
    if (!stencil_emit_room(s, 1)) return;
    x->look_up = stencil_emit_look_up(s, x->pc);
    x->resets = s->resets;
  }
  if (x->jump) stencil_aim(s, x->jump, x->look_up);
  x->jump = 0; /* it never changes again */
  if (x->go) x->go = s->memory.exec + x->look_up;
}

void jit_stencils_remember(struct jit_stencils *s, struct jit_block *b, struct jit_cpu *cpu) {
  struct jit_jump *j = &cpu->jump[JIT_JUMP_HASH(b->key.pc)], *neighbour = &cpu->jump[JIT_JUMP_NEIGHBOUR(b->key.pc)];
  if (!b->page || b->key.mode != jit_jump_mode(cpu)) return;
  if (j->pc == b->key.pc && j->stamp == cpu->tlb.stamp && j->code == s->memory.exec + b->host) return;
  struct jit_jump to = {.pc = b->key.pc, .stamp = cpu->tlb.stamp, .code = s->memory.exec + b->host};
  if (!s->guest->fixed || !s->guest->fixed(b->key.pc)) {
    const struct softtlb_entry *e = softtlb_find(&cpu->tlb.table[MMU_FETCH], b->key.pc, 4);
    if (!e) return;
    to.frame = e->addend;
  }
  /* What was here goes next door, unless somebody at home there would be put out by somebody who is not at home here.
   */
  bool at_home = &cpu->jump[JIT_JUMP_HASH(j->pc)] == j,
       other_at_home = &cpu->jump[JIT_JUMP_HASH(neighbour->pc)] == neighbour;
  if ((j->pc != to.pc || (j->stamp ^ to.stamp) & MMU_STAMP_MODE) && (at_home || !other_at_home)) *neighbour = *j;
  *j = to;
}

uint64_t jit_stencils_run(const struct jit_stencils *s, uint32_t code, struct jit_cpu *cpu) {
  return s->enter(cpu, s->memory.exec + code);
}

struct jit_region_memory jit_stencils_region_memory(const struct jit_stencils *s) {
  return (struct jit_region_memory){s->memory.exec, s->regions, (uint32_t)s->memory.size};
}

uint64_t jit_stencils_shared(const struct jit_stencils *s, const char *name) {
  const struct {
    const char *name;
    uint32_t at;
  } known[] = {{"look_up_neighbour", s->look_up_neighbour},
               {"go_on", s->go_on},
               {"go_on_at_pc", s->go_on_at_pc},
               {"trouble", s->trouble},
               {"slow_load", s->region_load},
               {"slow_store", s->region_store},
               {"slow_fpu", s->region_fpu},
               {"raise", s->region_raise},
               {"leave", s->region_leave}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (!strcmp(known[i].name, name)) return (uint64_t)(uintptr_t)(s->memory.exec + known[i].at);
  return 0;
}

void jit_stencils_enter_at(struct jit_stencils *s, struct jit_block *b) {
  for (struct jit_exit *x = b->incoming; x; x = x->next)
    if (x->to) jit_stencils_link(s, x);
}

void jit_stencils_give_cell(struct jit_stencils *s, struct jit_exit *x) {
  x->go = s->memory.exec + s->leave;
  jit_stencils_link(s, x);
}

size_t jit_stencils_bytes(const struct jit_stencils *s) {
  return s->hot.at - s->hot.begin + s->cold.at - s->cold.begin;
}
