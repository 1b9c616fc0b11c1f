/* monitor/gdb_back.c: the machine of a debugged VM goes back: to a moment that was kept, and from there forward again.
 */
/* SPDX-License-Identifier: Apache-2.0 */
/* Moments are kept while gdb is attached: where it stopped first, and now and then, always in the VM's turn. They hold
 * all of the machine: other VMs go back, too, and what was written to cow disks. What has come from outside since is on
 * the VMs' tapes and comes again; nobody is heard before all are where they had got to. So history is one, and looking
 * at it changes nothing. */
#include "monitor/gdbstub.h"
#include "monitor/tape.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_EVERY 20000000u /* instructions from one moment to the next, at first */
enum { MOMENTS = 12 };

/* What a moment knows of a VM beside its state. */
struct taped {
  size_t at; /* items of the tape that had been met */
  struct mon_tape_count count;
  bool in_ended;
};

struct gdb_moment {
  uint64_t instructions; /* of the debugged VM */
  struct snap state;
  uint32_t *page, pages; /* those that are not zeros, */
  uint8_t *bytes;        /* and what they hold */
  struct taped taped[MB_VMS_MAX];
};

struct gdb_back {
  struct gdb_moment moment[MOMENTS]; /* in their order */
  unsigned n;
  uint64_t every;
  bool behind; /* they are in the past: not as far as they have ever come, which is: */
  struct {
    uint64_t instructions, cycle;
  } far[MB_VMS_MAX];
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
  struct mb_machine *m = g->vm->machine;
  struct gdb_back *b = g->back;
  if (b->n == MOMENTS) thin(b);
  struct gdb_moment *k = &b->moment[b->n];
  *k = (struct gdb_moment){.instructions = mon_instructions(g->vm)};
  for (unsigned i = 0; i < m->vms; i++) {
    const struct mon_tape *t = m->vm[i]->tape;
    k->taped[i] = (struct taped){t->at, t->count, m->vm[i]->console.in_ended};
  }
  mon_vms_state(m, &k->state);
  if (!k->state.bad && keep_pages(k, &m->memmap))
    b->n++;
  else
    drop(k);
}

/* Why can it not go back? NULL: it can. */
static const char *refusal(const struct mon_gdb *g, char *text, size_t n) {
  const struct mb_machine *m = g->vm->machine;
  if (m->config.numa != MB_NUMA_OFF || m->cpus.seats) return "a machine with --numa or --sched cannot go back";
  for (unsigned i = 0; i < m->vms; i++) {
    const struct mb_vm *vm = m->vm[i];
    if (vm->threads) return "VMs with parallel vcpus cannot go back: let them take turns";
    if (vm->gdb && vm->gdb != g)
      return "all VMs would go back, which those with a gdb of their own do not: have one gdb";
    for (unsigned k = 0; k < vm->config.disks; k++)
      if (vm->config.disk[k].mode == MB_DISK_PERSIST) {
        snprintf(text, n, "going back would undo what is in the file %s: make it a cow disk", vm->config.disk[k].path);
        return text;
      }
  }
  return NULL;
}

static bool may_go_back(const struct mon_gdb *g) {
  char text[8];
  return !refusal(g, text, sizeof text);
}

int mon_gdb_tape(struct mb_machine *m) {
  const struct mon_gdb *g = NULL;
  for (unsigned i = 0; i < m->vms; i++) g = m->vm[i]->gdb ? m->vm[i]->gdb : g;
  if (!g || m->replay || !may_go_back(g)) return MB_OK;
  for (unsigned i = 0; i < m->vms; i++) {
    int code = mon_tape_new(m->vm[i]);
    if (code) return code;
    m->vm[i]->tape->keeps = true;
    mon_tape_attach(m->vm[i]);
  }
  return MB_OK;
}

void gdb_back_look(struct mon_gdb *g) {
  struct gdb_back *b = g->back;
  if (!g->attached || g->vm->stopping || !g->vm->tape || !may_go_back(g)) return;
  if (!b && (!(b = g->back = calloc(1, sizeof *b)))) return;
  uint64_t now = mon_instructions(g->vm);
  if (!b->n) b->every = KEEP_EVERY, b->target = UINT64_MAX;
  if (!b->n || now >= b->moment[b->n - 1].instructions + b->every) keep(g);
}

void gdb_back_free(struct mon_gdb *g) {
  for (unsigned i = 0; g->back && i < g->back->n; i++) drop(&g->back->moment[i]);
  free(g->back);
  g->back = NULL;
}

/* --- going there --- */

static void leave_present(struct mon_gdb *g) {
  struct mb_machine *m = g->vm->machine;
  struct gdb_back *b = g->back;
  for (unsigned i = 0; i < m->vms && !b->behind; i++) {
    b->far[i].instructions = mon_instructions(m->vm[i]);
    b->far[i].cycle = m->vm[i]->clock.now;
  }
  b->behind = true;
}

static void restore_vm(struct mb_vm *vm, const struct taped *k) {
  struct mon_tape *t = vm->tape;
  for (unsigned i = 0; i < vm->vcpus; i++) mips_find_linear(&vm->cpu[i]);
  t->plays = true;
  t->at = k->at;
  t->count = k->count;
  vm->console.deaf = vm->console.mute = true;
  vm->console.in_ended = k->in_ended;
}

static bool restore(struct mon_gdb *g, const struct gdb_moment *k) {
  struct mb_machine *m = g->vm->machine;
  struct snap s;
  uint32_t at = 0;
  leave_present(g);
  for (uint32_t i = 0; i < m->memmap.given; i++) {
    bool kept = at < k->pages && k->page[at] == i;
    if (!mon_page_set(m, i, kept ? k->bytes + (size_t)at * MMU_PAGE_SIZE : NULL)) return false;
    at += kept;
  }
  for (unsigned i = 0; i < m->vms; i++) mon_console_forget_steps(&m->vm[i]->console);
  snap_open(&s, k->state.bytes, k->state.n);
  mon_vms_state(m, &s);
  for (unsigned i = 0; i < m->vms; i++) restore_vm(m->vm[i], &k->taped[i]);
  g->debug.pass = (struct mips_pass){0};
  return !s.bad;
}

/* Where it had got to a VM shows what it says, and hears again. Only the debugged one can have been in the middle of a
 * turn there. */
static bool catch_up(const struct gdb_back *b, struct mb_vm *vm, unsigned i) {
  struct mon_tape *t = vm->tape;
  if (mon_instructions(vm) < b->far[i].instructions || vm->clock.now < b->far[i].cycle) return false;
  vm->console.mute = false;
  if (vm->machine->replay) return true;
  if (t->at == t->n) t->plays = vm->console.deaf = false;
  return !t->plays;
}

void gdb_back_ran(struct mon_gdb *g) {
  const struct mb_machine *m = g->vm->machine;
  struct gdb_back *b = g->back;
  bool all = true;
  if (!b || !b->behind || gdb_back_busy(g)) return;
  for (unsigned i = 0; i < m->vms; i++) all &= catch_up(b, m->vm[i], i);
  b->behind = !all;
}

bool gdb_back_busy(const struct mon_gdb *g) {
  return g->back && g->back->target != UINT64_MAX;
}

static uint64_t present(const struct mon_gdb *g) {
  unsigned own = 0;
  while (g->vm->machine->vm[own] != g->vm) own++;
  return g->back->far[own].instructions;
}

uint64_t gdb_back_cut(const struct mon_gdb *g) {
  const struct gdb_back *b = g->back;
  uint64_t now = mon_instructions(g->vm);
  if (!b) return UINT64_MAX;
  uint64_t to = b->target != UINT64_MAX ? b->target : b->behind && now < present(g) ? present(g) : UINT64_MAX;
  return to == UINT64_MAX ? to : mips_now(mon_cpu(g->vm)) + (to > now ? to - now : 1);
}

/* What was met on the way. */
struct met {
  bool there;
  uint64_t at;
  struct mips_hit hit;
};

/* Let the machine run until the VM has done more than so many instructions, or something was hit. */
static void step_past(struct mon_gdb *g, uint64_t instructions) {
  struct mb_vm *vm = g->vm;
  while (!vm->stopping && mon_instructions(vm) <= instructions && g->debug.hit.what == MIPS_HIT_NONE)
    mon_round_step(vm->machine, vm);
}

/* Run to so many instructions; breakpoints and watchpoints stop nothing. `met`: the last of them before that. */
static void run_to(struct mon_gdb *g, uint64_t target, struct met *met) {
  struct mb_vm *vm = g->vm;
  g->back->target = target;
  g->debug.hit = (struct mips_hit){0};
  g->debug.blind = !met;
  vm->machine->goes_back = true;
  while (!vm->stopping && mon_instructions(vm) < target) {
    step_past(g, target - 1);
    if (g->debug.hit.what == MIPS_HIT_NONE) continue;
    uint64_t now = mon_instructions(vm);
    if (now < target && (g->debug.hit.kinds & ~(unsigned)MIPS_BREAK_OWN || g->debug.hit.what == MIPS_HIT_WATCH))
      *met = (struct met){true, now, g->debug.hit};
    g->debug.hit = (struct mips_hit){0};
    g->debug.blind = true; /* past it */
    g->back->target = now + 1;
    step_past(g, now);
    g->back->target = target;
    g->debug.blind = false;
  }
  vm->machine->goes_back = false;
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
  char text[256], reply[sizeof text + 2];
  const char *why = refusal(g, text, sizeof text);
  gdb_back_look(g);
  if (!why && g->back && g->back->n) return true;
  snprintf(reply, sizeof reply, "E.%s", why ? why : "there is no memory to go back with");
  gdb_reply(g, reply);
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
