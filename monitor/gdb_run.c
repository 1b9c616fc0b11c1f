/* monitor/gdb_run.c: when gdb stops a VM, and when it goes on. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A stopped VM is one between two instructions of the vcpu whose turn it is; to go on is to go on with that turn. So
 * nothing that gdb looks at, and no stop, is anything the guest could notice. */
#include "monitor/gdbstub.h"
#include "monitor/status.h"
#include <inttypes.h>
#include <string.h>

#define LOOK_NS 1000000u /* wall: how soon Ctrl-C is seen */
enum { WAIT_MS = 100 };  /* how soon a signal to this process is */

static const char *watch_name(unsigned kinds) {
  return kinds == MIPS_WATCH_WRITE ? "watch" : kinds == MIPS_WATCH_READ ? "rwatch" : "awatch";
}

void gdb_stop(struct mon_gdb *g, unsigned signal, const char *words, bool tell) {
  unsigned n = g->vm->turn;
  g->stopped = true;
  g->about = g->moved = n;
  snprintf(g->stop, sizeof g->stop, "T%02xthread:%x;%s", signal, n + 1, words);
  if (tell && g->attached) gdb_reply(g, g->stop);
}

/* --- stepping --- */

static void step_begins(struct mon_gdb *g) {
  const struct cpu *c = gdb_cpu(g, g->step.vcpu);
  g->step.begun = mips_instructions(c);
  g->step.interrupts = c->n.interrupts;
}

static void step_ends(struct mon_gdb *g) {
  if (g->step.away) mips_debug_unbreak(gdb_cpu(g, 0), g->step.back, MIPS_BREAK_OWN);
  g->step.on = g->step.away = false;
}

void gdb_go_on(struct mon_gdb *g) {
  gdb_back_look(g);
  g->stopped = false;
  g->debug.hit = (struct mips_hit){0};
  if (g->step.on) step_begins(g);
}

/* The step began with an interrupt: it is meant for where that came, so its handler is let run. False: it cannot be. */
static bool let_return(struct mon_gdb *g, struct cpu *c) {
  if (mips_debug_break(c, c->cp0.epc, MIPS_BREAK_OWN)) return false;
  g->step.away = true;
  g->step.back = c->cp0.epc;
  g->step.sp = c->gpr[29];
  return true;
}

static bool has_returned(struct mon_gdb *g, const struct cpu *c) {
  return g->step.away && g->vm->turn == g->step.vcpu && c->j.pc == g->step.back && c->gpr[29] == g->step.sp;
}

/* A vcpu that is stepped has run. */
static void stepped(struct mon_gdb *g, struct cpu *c) {
  if (mips_instructions(c) == g->step.begun) return; /* it waits */
  if (c->n.interrupts != g->step.interrupts && let_return(g, c)) return;
  if (c->j.pc - g->step.from < g->step.to - g->step.from) return step_begins(g);
  step_ends(g);
  gdb_stop(g, GDB_SIGTRAP, "", true);
}

uint64_t mon_gdb_cut(const struct mb_vm *vm) {
  const struct mon_gdb *g = vm->gdb;
  if (!g) return UINT64_MAX;
  bool stepping = g->step.on && !g->step.away && g->step.vcpu == vm->turn && !gdb_back_busy(g);
  return stepping ? mips_now(mon_cpu(vm)) + 1 : gdb_back_cut(g);
}

/* Somewhere a breakpoint or a watchpoint has been hit. */
static void was_hit(struct mon_gdb *g, struct cpu *c) {
  struct mips_hit h = g->debug.hit;
  if (h.what == MIPS_HIT_BREAK && has_returned(g, c)) {
    mips_debug_unbreak(c, g->step.back, MIPS_BREAK_OWN);
    g->step.away = false;
    step_begins(g);
  }
  if (h.what == MIPS_HIT_BREAK && !(h.kinds & (MIPS_BREAK_SOFT | MIPS_BREAK_HARD))) {
    g->debug.pass = (struct mips_pass){c, c->j.pc, mips_instructions(c)}; /* somebody else has come here */
    return;
  }
  gdb_stop_hit(g, &h);
}

void gdb_stop_hit(struct mon_gdb *g, const struct mips_hit *h) {
  char words[64] = "";
  if (h->what == MIPS_HIT_WATCH)
    snprintf(words, sizeof words, "%s:%" PRIx64 ";", watch_name(h->kinds), h->va);
  else if (h->kinds & MIPS_BREAK_SOFT && g->swbreak)
    strcpy(words, "swbreak:;");
  else if (h->kinds & MIPS_BREAK_HARD && g->hwbreak)
    strcpy(words, "hwbreak:;");
  step_ends(g);
  gdb_stop(g, GDB_SIGTRAP, words, true);
}

bool mon_gdb_hit(const struct mb_vm *vm) {
  return vm->gdb->debug.hit.what != MIPS_HIT_NONE;
}

void mon_gdb_ran(struct mb_vm *vm) {
  struct mon_gdb *g = vm->gdb;
  struct cpu *c = mon_cpu(vm);
  if (vm->stopping || gdb_back_busy(g)) return;
  gdb_back_ran(g);
  if (mon_gdb_hit(vm)) {
    was_hit(g, c);
    g->debug.hit = (struct mips_hit){0};
  } else if (g->step.on && !g->step.away && g->step.vcpu == vm->turn) {
    stepped(g, c);
  }
}

/* --- clients --- */

void gdb_detach(struct mon_gdb *g) {
  step_ends(g);
  mips_debug_clear(gdb_cpu(g, 0));
  g->wire.to.hang_up(g->wire.to.ctx);
  g->attached = g->stopped = g->ended = false;
}

static bool client_there(struct mon_gdb *g, int wait_ms) {
  if (!g->attached && g->wire.to.there(g->wire.to.ctx, wait_ms)) {
    g->attached = true;
    gdb_wire_reset(&g->wire);
    gdb_stop(g, GDB_SIGTRAP, "", false); /* it will ask */
  }
  return g->attached;
}

/* One look at what a client wants of a stopped VM. */
static void converse(struct mon_gdb *g) {
  if (!client_there(g, WAIT_MS)) return;
  switch (gdb_wire_next(&g->wire, WAIT_MS)) {
  case GDB_PACKET: gdb_answer(g); break;
  case GDB_GONE: gdb_detach(g); break;
  case GDB_INTERRUPT: /* it is stopped */
  case GDB_NOTHING: break;
  }
}

/* Until it may go on, or the machine is to stop. That takes no time that anybody counts. Others may ask how it goes. */
static void wait_for_word(struct mon_gdb *g) {
  struct mb_machine *m = g->vm->machine;
  uint64_t begun = mon_wall_ns();
  while (g->stopped && !mon_interrupted(m)) {
    for (unsigned i = 0; i < m->vms; i++) {
      mon_console_flush(&m->vm[i]->console);
      mon_console_poll_held(&m->vm[i]->console);
    }
    if (mon_status_asked(m)) mon_status_answer(m);
    converse(g);
  }
  uint64_t took = mon_wall_ns() - begun;
  gdb_back_ran(g);
  m->begun += took;
  g->vm->wall_ns -= took;
  m->pace.anchored = false;
}

/* While it runs. */
static void look(struct mon_gdb *g) {
  uint64_t now = mon_wall_ns();
  if (now - g->looked < LOOK_NS) return;
  g->looked = now;
  if (!client_there(g, 0) || g->stopped) return;
  switch (gdb_wire_next(&g->wire, 0)) {
  case GDB_INTERRUPT:
    step_ends(g);
    gdb_stop(g, GDB_SIGINT, "", true);
    break;
  case GDB_GONE: gdb_detach(g); break;
  case GDB_PACKET: /* nothing may be asked now */
  case GDB_NOTHING: break;
  }
}

bool mon_gdb_holds(struct mb_vm *vm) {
  struct mon_gdb *g = vm->gdb;
  if (gdb_back_busy(g)) return false;
  if (!g->stopped) look(g);
  gdb_back_look(g);
  if (!g->stopped) return false;
  wait_for_word(g);
  mon_heed_interrupt(vm->machine);
  return g->stopped || vm->stopping;
}

int mon_gdb_fd(const struct mb_vm *vm) {
  const struct mon_gdb *g = vm->gdb;
  return !g ? -1 : g->client >= 0 ? g->client : g->listener;
}

/* --- the end --- */

/* Is there something to be looked at? */
static bool is_bad(const struct mb_vm *vm) {
  switch (vm->why) {
  case MB_STOP_POWER_OFF:
  case MB_STOP_HALTED:
  case MB_STOP_INTERRUPTED:
  case MB_STOP_TIMEOUT:
  case MB_STOP_TOGETHER:
  case MB_STOP_RETURNED:
  case MB_STOP_POLICY:
  case MB_STOP_ERROR: return false;
  case MB_STOP_EXIT: return vm->guest_code;
  case MB_STOP_LIMIT:
  case MB_STOP_CONSOLE:
  case MB_STOP_RESET:
  case MB_STOP_STUCK:
  case MB_STOP_DEAD: break;
  }
  return true;
}

void mon_gdb_ended(struct mb_vm *vm) {
  struct mon_gdb *g = vm->gdb;
  gdb_back_ran(g);
  if (!g->attached || g->ended) return;
  step_ends(g);
  if (is_bad(vm)) {
    gdb_stop(g, vm->why == MB_STOP_LIMIT || vm->why == MB_STOP_CONSOLE ? GDB_SIGTRAP : GDB_SIGABRT, "", true);
    wait_for_word(g);
    if (!vm->stopping) { /* it has gone back to a time when it lived */
      vm->told = false;
      return;
    }
  }
  mon_gdb_tell_end(vm);
}

void mon_gdb_tell_end(struct mb_vm *vm) {
  struct mon_gdb *g = vm->gdb;
  char text[8];
  if (!g || !g->attached || g->ended) return;
  bool died = vm->why == MB_STOP_STUCK || vm->why == MB_STOP_DEAD,
       quit = vm->why == MB_STOP_INTERRUPTED || vm->why == MB_STOP_TIMEOUT;
  snprintf(text, sizeof text, "%c%02x", died || quit ? 'X' : 'W',
           died   ? GDB_SIGABRT
           : quit ? GDB_SIGTERM
                  : vm->guest_code & 0xff);
  gdb_reply(g, text);
  g->ended = true;
  g->stopped = false;
}
