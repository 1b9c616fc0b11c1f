/* monitor/gdb_back.c: a debugged VM goes back: to a moment that was kept, and from there forward to where it is wanted.
 */
/* SPDX-License-Identifier: Apache-2.0 */
/* Moments are kept while gdb is attached: where it stopped first, and now and then. What has come from outside since is
 * on the VM's tape and comes again; nobody is heard before the VM is where it had got to. So history is one, and
 * looking at it changes nothing. For a VM that is alone on its machine and has no disk. */
#include "monitor/gdbstub.h"
#include "monitor/tape.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_EVERY 20000000u /* instructions from one moment to the next, at first */
enum { MOMENTS = 12 };

struct gdb_moment {
  uint64_t instructions;
  struct snap state;
  uint32_t *page, pages; /* those that are not zeros, */
  uint8_t *bytes;        /* and what they hold */
  size_t taped;          /* items of the tape that had been met */
  struct mon_tape_count count;
  bool in_ended;
};

struct gdb_back {
  struct gdb_moment moment[MOMENTS]; /* in their order */
  unsigned n;
  uint64_t every;
  uint64_t now;    /* as far as the VM has ever come */
  uint64_t target; /* run until so many instructions; UINT64_MAX: no such run is under way */
};

/* --- moments --- */

static void drop(struct gdb_moment *k) {
  snap_free(&k->state);
  free(k->page);
  free(k->bytes);
  *k = (struct gdb_moment){0};
}

static bool is_zero(const uint8_t *bytes) {
  return !bytes[0] && !memcmp(bytes, bytes + 1, MMU_PAGE_SIZE - 1);
}

static bool keep_pages(struct gdb_moment *k, const struct mmu_memmap *map) {
  uint32_t n = 0;
  if (!(k->page = malloc(map->given * sizeof *k->page))) return false;
  for (uint32_t i = 0; i < map->given; i++)
    if (map->page[i].frame != NUMA_NO_FRAME && !is_zero(map->page[i].host)) k->page[n++] = i;
  if (!(k->bytes = malloc((size_t)n * MMU_PAGE_SIZE + 1))) return false;
  for (uint32_t i = 0; i < n; i++)
    memcpy(k->bytes + (size_t)i * MMU_PAGE_SIZE, map->page[k->page[i]].host, MMU_PAGE_SIZE);
  k->pages = n;
  return true;
}

/* Room for one more: every other one goes, the first stays. */
static void thin(struct gdb_back *b) {
  unsigned n = 0;
  for (unsigned i = 0; i < b->n; i++)
    if (i % 2)
      drop(&b->moment[i]);
    else
      b->moment[n++] = b->moment[i];
  for (unsigned i = n; i < b->n; i++) b->moment[i] = (struct gdb_moment){0};
  b->n = n;
  b->every *= 2;
}

static void keep(struct mon_gdb *g) {
  struct mb_vm *vm = g->vm;
  struct gdb_back *b = g->back;
  const struct mon_tape *t = vm->tape;
  if (b->n == MOMENTS) thin(b);
  struct gdb_moment *k = &b->moment[b->n];
  *k = (struct gdb_moment){
      .instructions = mon_instructions(vm), .taped = t->at, .count = t->count, .in_ended = vm->console.in_ended};
  mon_vms_state(vm->machine, &k->state);
  if (!k->state.bad && keep_pages(k, &vm->machine->memmap))
    b->n++;
  else
    drop(k);
}

bool mon_gdb_may_go_back(const struct mb_vm *vm) {
  const struct mb_machine *m = vm->machine;
  return m->vms == 1 && !vm->config.disks && !vm->config.parallel && m->config.numa == MB_NUMA_OFF && !m->cpus.seats;
}

int mon_gdb_tape(struct mb_machine *m) {
  struct mb_vm *vm = m->vm[0];
  if (!vm->gdb || m->replay || !mon_gdb_may_go_back(vm)) return MB_OK;
  int code = mon_tape_new(vm);
  if (code) return code;
  vm->tape->keeps = true;
  mon_tape_attach(vm);
  return MB_OK;
}

void gdb_back_look(struct mon_gdb *g) {
  struct gdb_back *b = g->back;
  if (!g->attached || g->vm->stopping || !g->vm->tape || !mon_gdb_may_go_back(g->vm)) return;
  if (!b && (!(b = g->back = calloc(1, sizeof *b)))) return;
  uint64_t now = mon_instructions(g->vm);
  if (!b->n) b->every = KEEP_EVERY, b->target = UINT64_MAX;
  if (now > b->now) b->now = now;
  if (!b->n || now >= b->moment[b->n - 1].instructions + b->every) keep(g);
}

void gdb_back_free(struct mon_gdb *g) {
  for (unsigned i = 0; g->back && i < g->back->n; i++) drop(&g->back->moment[i]);
  free(g->back);
  g->back = NULL;
}

/* --- going there --- */

static bool restore(struct mon_gdb *g, const struct gdb_moment *k) {
  struct mb_vm *vm = g->vm;
  struct mon_tape *t = vm->tape;
  struct snap s;
  uint32_t at = 0;
  for (uint32_t i = 0; i < vm->machine->memmap.given; i++) {
    bool kept = at < k->pages && k->page[at] == i;
    if (!mon_page_set(vm, i, kept ? k->bytes + (size_t)at * MMU_PAGE_SIZE : NULL)) return false;
    at += kept;
  }
  mon_console_forget_steps(&vm->console);
  snap_open(&s, k->state.bytes, k->state.n);
  mon_vms_state(vm->machine, &s);
  for (unsigned i = 0; i < vm->vcpus; i++) mips_find_linear(&vm->cpu[i]);
  t->plays = true;
  t->at = k->taped;
  t->count = k->count;
  vm->console.deaf = vm->console.mute = true;
  vm->console.in_ended = k->in_ended;
  g->debug.pass = (struct mips_pass){0};
  return !s.bad;
}

/* Where it had got to the VM hears again. */
void gdb_back_ran(struct mon_gdb *g) {
  struct mon_tape *t = g->vm->tape;
  if (!g->back || !t || !t->plays || mon_instructions(g->vm) < g->back->now) return;
  g->vm->console.mute = false;
  if (g->vm->machine->replay || t->at < t->n) return;
  t->plays = g->vm->console.deaf = false;
}

bool gdb_back_busy(const struct mon_gdb *g) {
  return g->back && g->back->target != UINT64_MAX;
}

uint64_t gdb_back_cut(const struct mon_gdb *g) {
  const struct gdb_back *b = g->back;
  uint64_t now = mon_instructions(g->vm);
  if (!b) return UINT64_MAX;
  uint64_t to = b->target != UINT64_MAX ? b->target : g->vm->tape->plays && now < b->now ? b->now : UINT64_MAX;
  return to == UINT64_MAX ? to : mips_now(mon_cpu(g->vm)) + (to > now ? to - now : 1);
}

/* What was met on the way. */
struct met {
  bool there;
  uint64_t at;
  struct mips_hit hit;
};

/* Run to so many instructions; breakpoints and watchpoints stop nothing. `met`: the last of them before that. */
static void run_to(struct mon_gdb *g, uint64_t target, struct met *met) {
  struct mb_vm *vm = g->vm;
  g->back->target = target;
  g->debug.hit = (struct mips_hit){0};
  g->debug.blind = !met;
  while (!vm->stopping && mon_instructions(vm) < target) {
    mon_step(vm);
    if (g->debug.hit.what == MIPS_HIT_NONE) continue;
    uint64_t now = mon_instructions(vm);
    if (now < target && (g->debug.hit.kinds & ~(unsigned)MIPS_BREAK_OWN || g->debug.hit.what == MIPS_HIT_WATCH))
      *met = (struct met){true, now, g->debug.hit};
    g->debug.hit = (struct mips_hit){0};
    g->debug.blind = true; /* past it */
    g->back->target = now + 1;
    while (!vm->stopping && mon_instructions(vm) <= now) mon_step(vm);
    g->back->target = target;
    g->debug.blind = false;
  }
  g->debug.blind = false;
  g->debug.hit = (struct mips_hit){0};
  g->back->target = UINT64_MAX;
}

/* The last moment before so many instructions; -1: there is none. */
static int moment_before(const struct gdb_back *b, uint64_t instructions) {
  int i = (int)b->n - 1;
  while (i >= 0 && b->moment[i].instructions >= instructions) i--;
  return i;
}

static bool go_to(struct mon_gdb *g, unsigned moment, uint64_t instructions) {
  if (!restore(g, &g->back->moment[moment])) return false;
  run_to(g, instructions, NULL);
  return true;
}

static void begin_of_history(struct mon_gdb *g) {
  gdb_stop(g, GDB_SIGTRAP, "replaylog:begin;", true);
}

static bool can_go(struct mon_gdb *g) {
  gdb_back_look(g);
  if (g->back && g->back->n) return true;
  gdb_reply(g, "E.going back is for one VM without disks");
  return false;
}

static void lost(struct mon_gdb *g) {
  gdb_reply(g, "E.there is no memory to go back with");
}

void gdb_back_step(struct mon_gdb *g) {
  if (!can_go(g)) return;
  uint64_t now = mon_instructions(g->vm);
  int i = moment_before(g->back, now);
  if (i < 0) return begin_of_history(g);
  uint64_t first = g->back->moment[i].instructions, to = now - 2 >= first && now >= 2 ? now - 2 : first;
  if (!go_to(g, (unsigned)i, to)) return lost(g);
  uint64_t at = mon_instructions(g->vm);
  run_to(g, at + 1, NULL); /* the step before, or all of a branch and its slot */
  if (at + 1 < now && mon_instructions(g->vm) == now && !go_to(g, (unsigned)i, to)) return lost(g);
  if (at + 1 == now && !go_to(g, (unsigned)i, at)) return lost(g);
  gdb_stop(g, GDB_SIGTRAP, "", true);
}

void gdb_back_continue(struct mon_gdb *g) {
  if (!can_go(g)) return;
  uint64_t end = mon_instructions(g->vm);
  int i = moment_before(g->back, end);
  struct met met = {0};
  for (; i >= 0 && !met.there; i--) {
    if (!restore(g, &g->back->moment[i])) return lost(g);
    run_to(g, end, &met);
    end = g->back->moment[i].instructions;
    if (met.there) break;
  }
  if (i < 0 && (!g->back->n || !go_to(g, 0, 0))) return lost(g);
  if (i < 0) return begin_of_history(g);
  if (!go_to(g, (unsigned)i, met.at)) return lost(g);
  gdb_stop_hit(g, &met.hit);
}
