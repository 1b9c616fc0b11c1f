/* monitor/sched.c: the rotation: whose turn it is, how long, and when all wait: devices, idle time, the end. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual time is decided here and depends on nothing of the host. It goes in rounds. In a round each vcpu has its
 * turn, in the order of their numbers, in which it runs to the round's end: so all of them live through the same
 * stretch of time, as if side by side. Then devices act, and the next round begins. A round ends where the next device
 * timer is due, or after ROUND_CYCLES; so late may a vcpu see what another, with a higher number, has done. A machine
 * with one vcpu has longer rounds, which are cut only to look at wall time, the keyboard and signals: no guest can see
 * that.
 *
 * What a device does while a turn lasts it does at the time of the vcpu that asks, or, since the clock never goes back,
 * at the latest time that any vcpu of the round has shown it. */
#include "monitor/tape.h"
#include "monitor/threads.h"
#include <string.h>

#define ALONE_NS 1000000u /* virtual: the rounds of one vcpu */

enum { ROUND_CYCLES = 10000, STATUS_IM_TIMER = 1 << 15 };

static uint64_t least(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

uint64_t mon_instructions(const struct mb_vm *vm) {
  uint64_t n = 0;
  if (vm->threads) return mon_threads_instructions(vm->threads);
  for (unsigned i = 0; i < vm->vcpus; i++) n += mips_instructions(&vm->cpu[i]);
  return n;
}

static bool lives(const struct mb_vm *vm, unsigned i) {
  return vm->vcpu[i].up && (vm->vcpu[i].start || !vm->cpu[i].dead);
}

/* --- waiting --- */

/* Has the keyboard been unplugged for good? Scripted steps type only after output, and output needs an event first. */
static bool input_is_over(const struct mb_vm *vm) {
  const struct mon_console *c = &vm->console;
  const struct io_uart *u = &vm->board.uart[0];
  return !c->typing && mon_console_is_over(c) && !u->rx_n && !u->kept_n;
}

uint64_t mon_own_timer(const struct cpu *c) {
  return c->cp0.status & STATUS_IM_TIMER ? mips_timer_deadline(c) : UINT64_MAX;
}

uint64_t mon_next_event(const struct mb_vm *vm) {
  const struct io_timer *first = vm->clock.first;
  uint64_t next = io_clock_next(&vm->clock);
  /* A serial port that looks for keys nobody will ever press is no event. */
  if (first == &vm->board.uart[0].rx_timer && !first->next && input_is_over(vm)) next = UINT64_MAX;
  for (unsigned i = 0; i < vm->vcpus; i++)
    if (lives(vm, i)) next = least(next, mon_own_timer(&vm->cpu[i]));
  return next;
}

bool mon_all_wait(const struct mb_vm *vm) {
  for (unsigned i = 0; i < vm->vcpus; i++) {
    const struct cpu *c = &vm->cpu[i];
    if (lives(vm, i) && (vm->vcpu[i].start || !mips_waits(c) || mon_own_timer(c) <= vm->round_end)) return false;
  }
  return true;
}

/* Go to the next event. */
void mon_skip(struct mb_vm *vm) {
  uint64_t next = least(mon_next_event(vm), vm->time_limit),
           to = next > vm->round_end ? mon_pace_idle(vm, vm->round_end, next) : next;
  if (to == UINT64_MAX) mon_stop(vm, MB_STOP_STUCK);
  if (to == UINT64_MAX || next <= vm->round_end) return;
  vm->round_end = to;
  for (unsigned i = 0; i < vm->vcpus; i++)
    if (lives(vm, i)) mips_idle_to(&vm->cpu[i], vm->round_end);
  io_clock_advance(&vm->clock, vm->round_end);
  mon_tape_play(vm, MON_AT_SKIP);
  mon_tape_where(vm->tape, MON_AT_SKIP);
  if (mon_nets_hurry(vm)) mon_nets_look(vm); /* an answer was waited for: now, not a round later */
  mon_tape_where(vm->tape, MON_BY_COUNT);
}

/* --- ends --- */

bool mon_in_rom(const struct cpu *c) {
  return c->j.pc - MON_ROM_VA < MON_ROM_BYTES;
}

static bool has_halted(const struct cpu *c) {
  return c->dead && !strncmp(c->dead, "halted", 6);
}
static bool is_stuck(const struct cpu *c) {
  return c->dead && !strncmp(c->dead, "stuck", 5);
}

/* Nobody lives. Kernels that cannot turn the power off let one vcpu wait, and the others spin, with interrupts off. */
void mon_all_dead(struct mb_vm *vm) {
  bool stuck = false, halted = false;
  for (unsigned i = 0; i < vm->vcpus; i++) {
    if (!vm->vcpu[i].up) continue;
    if (!halted) vm->turn = i; /* to be shown */
    halted |= has_halted(&vm->cpu[i]);
    stuck |= is_stuck(&vm->cpu[i]);
  }
  mon_stop(vm, stuck && !halted ? MB_STOP_STUCK : MB_STOP_HALTED);
}

bool mon_any_lives(const struct mb_vm *vm) {
  bool any = false;
  for (unsigned i = 0; i < vm->vcpus; i++) any |= lives(vm, i);
  return any;
}

/* To the cpu all who do nothing any more are dead; people see a difference between a guest that went back to the
 * firmware, one that took an exception it had no handler for, and what need not be the end of the others. */
void mon_vcpu_died(struct mb_vm *vm) {
  const struct cpu *c = mon_cpu(vm);
  if (mon_in_rom(c))
    mon_stop(vm, c->j.pc - MON_ROM_VA < MON_ROM_VECTORS ? MB_STOP_RESET : MB_STOP_DEAD);
  else if (!has_halted(c) && !is_stuck(c))
    mon_stop(vm, MB_STOP_DEAD);
}

/* --- turns and rounds --- */

void mon_vcpu_set(void *ctx, unsigned vcpu, bool up, uint64_t at) {
  struct mb_vm *vm = ctx;
  vm->vcpu[vcpu] = (struct mon_vcpu){.up = up, .start = up, .at = at};
  if (vm->threads) mon_threads_poke(vm->threads, vcpu);
  if (vcpu == vm->turn) mips_run_until(mon_cpu(vm), 0);
}

void mon_start_vcpu(struct mb_vm *vm, struct cpu *c, struct mon_vcpu *v) {
  v->start = false;
  mips_idle_to(c, vm->clock.now);
  c->reset_at = v->at;
  mips_cpu_reset(c);
}

/* Run to the deadline or the cut, with a look wherever a sample is due, or to where a debugger wants to look. */
static enum mips_stop run_to(struct mb_vm *vm, uint64_t deadline, uint64_t cut) {
  struct cpu *c = mon_cpu(vm);
  enum mips_stop stop;
  uint64_t look = least(cut, mon_gdb_cut(vm)), sample = UINT64_MAX;
  do {
    if (vm->profile) sample = mips_now(c) + (vm->profile->due - mon_instructions(vm));
    stop = mips_run_cut(c, deadline, least(look, sample));
    if (vm->profile) mon_profile_look(vm);
    deadline = c->deadline;
  } while (stop == MIPS_STOP_CUT && vm->profile && mips_now(c) < look && !(vm->gdb && mon_gdb_hit(vm)));
  return stop;
}

/* Stopped here, it goes on here: what is decided by how far others have come is decided once. */
static void begin_round(struct mb_vm *vm) {
  uint64_t cycles = vm->vcpus > 1 ? ROUND_CYCLES : (uint64_t)vm->config.mhz * (ALONE_NS / 1000);
  vm->turn = 0;
  if (!vm->between) {
    io_clock_advance(&vm->clock, vm->round_end);
    mon_numa_round(vm);
  }
  vm->between = true;
  mon_tape_play(vm, MON_AT_ROUND);
  if (!vm->machine->side_by_side && mon_look_at_host(vm->machine, vm)) mon_tell(vm->machine);
  if (vm->clock.now >= vm->time_limit && !vm->threads) mon_stop(vm, MB_STOP_LIMIT);
  if (vm->stopping) return;
  if (vm->machine->pace.pace == MB_PACE_REAL) mon_pace_idle(vm, vm->round_end, vm->round_end);
  if (!mon_any_lives(vm)) /* the last one has powered itself down */
    mon_all_dead(vm);
  else if (mon_all_wait(vm))
    mon_skip(vm);
  vm->round_end = least(vm->round_end + cycles, io_clock_next(&vm->clock));
  vm->between = false;
}

/* Is there more of this turn? */
static bool goes_on(struct mb_vm *vm) {
  struct mon_vcpu *v = &vm->vcpu[vm->turn];
  struct cpu *c = mon_cpu(vm);
  if (v->up && mon_is_kept_waiting(vm)) return false;
  if (v->up && v->start) mon_start_vcpu(vm, c, v);
  return v->up && !c->dead && mips_now(c) < vm->round_end;
}

/* A turn pauses by itself. */
static void has_run(struct mb_vm *vm, struct cpu *c, enum mips_stop stop) {
  switch (stop) {
  case MIPS_STOP_CUT:
  case MIPS_STOP_TIME: break;
  case MIPS_STOP_WAIT:
    if (!vm->stopping) mips_idle_to(c, least(vm->round_end, mon_own_timer(c)));
    break;
  case MIPS_STOP_DEAD:
    mon_vcpu_died(vm);
    if (!vm->stopping && !mon_any_lives(vm)) mon_all_dead(vm);
    break;
  }
  vm->round_end = least(vm->round_end, io_clock_next(&vm->clock));
}

/* A run that is stopped in the middle of a turn and goes on later is the same as one that is not: with the deadline it
 * had, and without what is done where a turn pauses by itself. */
static void run(struct mb_vm *vm, uint64_t instructions) {
  struct cpu *c = mon_cpu(vm);
  vm->board.bus.master = vm->turn;
  if (vm->ran != vm->turn) mips_event_add(c->events, MIPS_EVENT_VCPU_SWITCH);
  vm->ran = vm->turn;
  mmu_pmap_settle(&vm->pmap); /* what a device did on its own */
  mon_numa_turn(vm);
  uint64_t now = mips_now(c), deadline = vm->round_end;
  if (vm->paused) deadline = least(deadline, vm->paused);
  vm->paused = 0;
  vm->within = true;
  enum mips_stop stop = run_to(vm, deadline, instructions < UINT64_MAX - now ? now + instructions : UINT64_MAX);
  vm->within = false;
  if (stop == MIPS_STOP_CUT) vm->paused = c->deadline;
  if (!vm->paused) has_run(vm, c, stop);
  if (vm->gdb) mon_gdb_ran(vm);
  if (vm->console.shown.wanted && !c->heed_user) mon_boots_reached(vm);
}

static void next_turn(struct mb_vm *vm) {
  if (vm->turn + 1 < vm->vcpus) {
    mon_cpu(vm)->ll_bit = 0;
    vm->turn++;
  } else {
    mon_cpu(vm)->ll_bit &= vm->vcpus == 1;
    begin_round(vm);
  }
}

void mon_step(struct mb_vm *vm) {
  if (vm->gdb && mon_gdb_holds(vm)) return;
  if (vm->tape && !vm->paused) {
    mon_tape_play(vm, MON_BETWEEN);
    if (vm->stopping) return;
  }
  uint64_t done = mon_instructions(vm);
  if (done >= vm->limit) {
    mon_stop(vm, MB_STOP_LIMIT);
  } else if (vm->between) {
    begin_round(vm);
  } else if (goes_on(vm)) {
    run(vm, vm->limit - done);
  } else {
    vm->paused = 0; /* others have run on meanwhile, and it has lost its cpu to them */
    next_turn(vm);
  }
}
