/* monitor/rounds.c: the VMs of a machine side by side: rounds of equal virtual time. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Each VM has a clock of its own. In a round each that runs has its turn, in the order in which they were added, in
 * which it lives on to the round's end: to the first boundary of its own rounds (sched.c) behind it, so that it is
 * never cut where it would not be cut alone. What a guest sees therefore does not depend on its neighbours.
 *
 * VMs on a subnet do hear of each other, and when depends on the order of turns. So a round that is stopped is not
 * over: who had not had all of its turn has the rest when all go on, to the same end, before the next round begins. */
#include "monitor/balance.h"
#include "monitor/jobs.h"
#include "monitor/status.h"
#include "monitor/tape.h"
#include "monitor/threads.h"
#include <stdatomic.h>

#define ROUND_NS 1000000u  /* virtual */
#define LONG_NS  10000000u /* if nobody hears from anybody: several threads then wait for each other less often */
#define LOOK_NS  1000000u  /* wall: the host is not looked at more often */

static void stop_all(struct mb_machine *m, enum mb_stop why) {
  for (unsigned i = 0; i < m->vms; i++)
    if (!m->vm[i]->stopping) {
      mon_tape_stopped(m->vm[i]);
      mon_stop(m->vm[i], why);
    }
}

/* What comes from outside comes in a round of this VM, and between two of the others. */
static void say_where(struct mb_machine *m, const struct mb_vm *in) {
  for (unsigned i = 0; i < m->vms; i++) mon_tape_where(m->vm[i]->tape, m->vm[i] == in ? MON_AT_ROUND : MON_BETWEEN);
}

static void say_nowhere(struct mb_machine *m) {
  for (unsigned i = 0; i < m->vms; i++) mon_tape_where(m->vm[i]->tape, MON_BY_COUNT);
}

bool mon_interrupted(const struct mb_machine *m) {
  return atomic_load_explicit(&m->interrupted, memory_order_relaxed);
}

void mon_heed_interrupt(struct mb_machine *m) {
  if (!mon_interrupted(m)) return;
  atomic_store(&m->interrupted, false);
  stop_all(m, MB_STOP_INTERRUPTED);
}

static void look(struct mb_machine *m) {
  mon_heed_interrupt(m);
  uint64_t now = mon_wall_ns();
  bool hurry = false;
  for (unsigned i = 0; i < m->vms; i++) hurry |= mon_nets_hurry(m->vm[i]);
  if (now - m->looked < LOOK_NS && !hurry) return;
  m->looked = now;
  m->net_ready = false;
  for (unsigned i = 0; i < m->vms; i++) {
    if (!m->vm[i]->stopping) mon_nets_look(m->vm[i]);
    mon_console_flush(&m->vm[i]->console);
    mon_console_poll(&m->vm[i]->console);
  }
  double spent = (double)(m->wall_ns + (now - m->begun)) / 1e9;
  if (m->config.timeout > 0 && spent >= m->config.timeout && !m->goes_back) stop_all(m, MB_STOP_TIMEOUT);
  mon_record_look(m);
}

bool mon_look_at_host(struct mb_machine *m, struct mb_vm *in) {
  say_where(m, in);
  look(m);
  say_nowhere(m);
  return mon_status_asked(m) || mon_stdio_asked(m->stdio);
}

void mon_tell(struct mb_machine *m) {
  mon_status_answer(m);
  mon_stdio_tell(m->stdio);
}

/* Once one of these has happened the VM is over. */
static bool is_final(enum mb_stop why) {
  switch (why) {
  case MB_STOP_LIMIT:
  case MB_STOP_CONSOLE:
  case MB_STOP_TIMEOUT:
  case MB_STOP_INTERRUPTED:
  case MB_STOP_TOGETHER:
  case MB_STOP_RETURNED: return false;
  case MB_STOP_POWER_OFF:
  case MB_STOP_RESET:
  case MB_STOP_EXIT:
  case MB_STOP_HALTED:
  case MB_STOP_STUCK:
  case MB_STOP_DEAD:
  case MB_STOP_POLICY:
  case MB_STOP_ERROR: break;
  }
  return true;
}

bool mon_may_go_on(const struct mb_vm *vm) {
  return !is_final(vm->why);
}

/* All have been stopped at once, not each for a reason of its own. */
static bool is_common(enum mb_stop why) {
  return why == MB_STOP_INTERRUPTED || why == MB_STOP_TIMEOUT;
}

/* Those go on that may; after a common stop only those that it stopped. */
static void resume(struct mb_machine *m) {
  bool common = false;
  for (unsigned i = 0; i < m->vms; i++) common |= m->vm[i]->stopping && is_common(m->vm[i]->why);
  for (unsigned i = 0; i < m->vms; i++)
    if (!is_final(m->vm[i]->why) && (!common || is_common(m->vm[i]->why))) {
      m->vm[i]->stopping = m->vm[i]->told = false;
      if (m->vm[i]->tape) m->vm[i]->tape->stop.there = false;
    }
}

/* One VM by itself need not be interrupted. */
static bool in_rounds(const struct mb_machine *m) {
  return m->running > 1 || m->config.merge || m->balance || m->cpus.seats;
}

static bool any_runs(const struct mb_machine *m) {
  bool any = false;
  for (unsigned i = 0; i < m->vms; i++) any |= !m->vm[i]->stopping;
  return any;
}

/* Has the round been stopped, and is it to go on? Not if somebody runs now who did not then. */
static bool is_open(const struct mb_machine *m) {
  bool due = false, new = false;
  for (unsigned i = 0; i < m->vms; i++) {
    if (m->vm[i]->stopping) continue;
    due |= m->vm[i]->part == MON_DUE;
    new |= m->vm[i]->part == MON_OUT;
  }
  return due && !new;
}

/* Count those that run, of whom there are some, and see how far all of them have come. Rounds end at round numbers. */
static void begin_round(struct mb_machine *m) {
  uint64_t least = UINT64_MAX;
  m->running = 0;
  for (unsigned i = 0; i < m->vms; i++) {
    struct mb_vm *vm = m->vm[i];
    vm->part = vm->stopping ? MON_OUT : MON_DUE;
    if (vm->stopping) continue;
    uint64_t ns = io_clock_ns(&vm->clock);
    least = ns < least ? ns : least;
    m->running++;
  }
  m->now = least;
  mon_sampling(m, least);
  mon_balance(m, least);
  mon_cpus_round(m, least);
  uint64_t length = m->jobs && !m->joined && !m->cpus.seats ? LONG_NS : ROUND_NS;
  m->end = in_rounds(m) ? (least / length + 1) * length : UINT64_MAX;
  if (m->running > 1) mon_pace_round(m);
}

void mon_round_state(struct mb_machine *m, struct snap *s) {
  unsigned running = m->running;
  SNAP(s, m->now);
  SNAP(s, m->end);
  SNAP(s, running);
  SNAP(s, m->endless);
  for (unsigned i = 0; i < m->vms; i++) {
    uint8_t part = m->vm[i]->part;
    SNAP(s, part);
    if (!snap_check(s, part <= MON_DONE)) return;
    m->vm[i]->part = (enum mon_part)part;
  }
  bool sound = m->end == UINT64_MAX || (m->now <= m->end && m->end - m->now <= LONG_NS);
  if (!snap_check(s, running <= m->vms && sound)) return;
  m->running = running;
  /* It is a new machine, or one of other rounds. */
  if (s->restoring && (m->config.anew || in_rounds(m) != (m->end < UINT64_MAX)))
    for (unsigned i = 0; i < m->vms; i++) m->vm[i]->part = MON_OUT;
}

/* A step that has been stopped in the middle is one of this turn, however far devices have advanced the clock in it. */
static bool has_turn(const struct mb_vm *vm) {
  const struct mb_machine *m = vm->machine;
  return vm->paused || vm->between || vm->clock.now < (in_rounds(m) ? mon_cycles(vm, m->end) : UINT64_MAX);
}

/* Let a VM live on to the end of the round. */
static void take_turn(struct mb_vm *vm) {
  struct mb_machine *m = vm->machine;
  uint64_t begun = mon_wall_ns();
  if (vm->threads) mon_threads_turn(vm, in_rounds(m) ? mon_cycles(vm, m->end) : UINT64_MAX);
  while (!vm->threads && !vm->stopping && has_turn(vm)) mon_step(vm);
  if (vm->stopping)
    mon_console_flush(&vm->console);
  else
    vm->part = MON_DONE;
  vm->wall_ns += mon_wall_ns() - begun;
}

/* The group is looked at first: VMs of others are other threads'. Once a VM has stopped, and all are to, who comes
 * behind it has this turn when they go on: what it then hears of the others' turns is what it would have. */
void mon_take_turns(struct mb_machine *m, unsigned first, bool of_group) {
  for (unsigned i = first; i < m->vms; i++) {
    struct mb_vm *vm = m->vm[i];
    if ((of_group && vm->group != first) || vm->stopping || vm->part != MON_DUE) continue;
    take_turn(vm);
    if (vm->stopping && m->config.together) return;
  }
}

void mon_round_step(struct mb_machine *m, struct mb_vm *by_steps) {
  unsigned i = 0;
  if (!is_open(m)) begin_round(m);
  while (m->vm[i]->stopping || m->vm[i]->part != MON_DUE) i++;
  if (m->vm[i] != by_steps)
    take_turn(m->vm[i]);
  else if (has_turn(by_steps))
    mon_step(by_steps);
  else
    by_steps->part = MON_DONE;
}

static void take_turns(struct mb_machine *m) {
  if (m->jobs && m->running > 1) {
    if (mon_look_at_host(m, NULL)) mon_tell(m);
    mon_jobs_round(m->jobs);
    mon_stdio_show(m);
  } else {
    mon_take_turns(m, 0, false);
  }
  mon_merge(m);
  bool any = false;
  for (unsigned i = 0; i < m->vms; i++) {
    struct mb_vm *vm = m->vm[i];
    if (!vm->stopping || vm->told) continue;
    vm->told = true;
    if (!is_common(vm->why)) mon_stdio_stopped(vm);
    if (!is_common(vm->why) && vm->gdb) mon_gdb_ended(vm);
    any |= vm->stopping;
  }
  if (any && m->config.together) stop_all(m, MB_STOP_TOGETHER);
}

/* The first reason, in the order of the VMs, that is not a good end; the first, if all ends are good. Whom another VM
 * has stopped has none. */
static enum mb_stop reason(const struct mb_machine *m) {
  enum mb_stop first = MB_STOP_TOGETHER;
  for (unsigned i = 0; i < m->vms; i++)
    if (is_common(m->vm[i]->why)) return m->vm[i]->why;
  for (unsigned i = 0; i < m->vms; i++) {
    const struct mb_vm *vm = m->vm[i];
    bool good =
        vm->why == MB_STOP_POWER_OFF || vm->why == MB_STOP_HALTED || (vm->why == MB_STOP_EXIT && !vm->guest_code);
    if (vm->why == MB_STOP_TOGETHER) continue;
    if (!good) return vm->why;
    if (first == MB_STOP_TOGETHER) first = vm->why;
  }
  return first;
}

enum mb_stop mb_machine_run(struct mb_machine *m) {
  if (!m->started) {
    mon_fail(&m->error, MB_ERR_STATE, "the machine has not been started");
    return MB_STOP_ERROR;
  }
  m->begun = mon_wall_ns();
  m->looked = 0;
  m->pace.anchored = false;
  resume(m);
  mon_jobs_start(m);
  while (any_runs(m)) {
    if (!is_open(m)) begin_round(m);
    take_turns(m);
  }
  mon_jobs_free(m->jobs);
  m->jobs = NULL;
  for (unsigned i = 0; i < m->vms; i++) {
    mon_console_flush(&m->vm[i]->console);
    if (m->vm[i]->trace) fflush(m->vm[i]->trace);
  }
  m->wall_ns += mon_wall_ns() - m->begun;
  return reason(m);
}

void mb_machine_interrupt(struct mb_machine *m) {
  atomic_store(&m->interrupted, true);
}
