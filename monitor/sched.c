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
#include "monitor/monitor.h"
#include <stdatomic.h>
#include <string.h>

#define ALONE_NS 1000000u /* virtual: the rounds of one vcpu */
#define LOOK_NS  1000000u /* wall: the host is not looked at more often */

enum { ROUND_CYCLES = 10000, STATUS_IM_TIMER = 1 << 15 };

static uint64_t least(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

uint64_t mon_instructions(const struct mb_machine *m) {
  uint64_t n = 0;
  for (unsigned i = 0; i < m->vm.vcpus; i++) n += mips_instructions(&m->vm.cpu[i]);
  return n;
}

static bool lives(const struct mon_vm *vm, unsigned i) {
  return vm->vcpu[i].up && (vm->vcpu[i].start || !vm->cpu[i].dead);
}

static void look_at_host(struct mb_machine *m, struct mon_limits *l) {
  if (atomic_load_explicit(&m->interrupted, memory_order_relaxed)) {
    atomic_store(&m->interrupted, false);
    mon_stop(m, MB_STOP_INTERRUPTED);
  }
  uint64_t now = mon_wall_ns();
  if (now - l->looked < LOOK_NS && !mon_nets_hurry(m)) return;
  l->looked = now;
  mon_nets_look(m);
  mon_console_flush(&m->console);
  mon_console_poll(&m->console);
  double spent = (double)(m->wall_ns + (now - l->begun_wall)) / 1e9;
  if (m->config.timeout > 0 && spent >= m->config.timeout) mon_stop(m, MB_STOP_TIMEOUT);
}

/* --- waiting --- */

/* Has the keyboard been unplugged for good? Scripted steps type only after output, and output needs an event first. */
static bool input_is_over(const struct mb_machine *m) {
  const struct mon_console *c = &m->console;
  const struct io_uart *u = &m->vm.board.uart[0];
  return !c->typing && c->in_at == c->in_n && (c->in_ended || !c->host.get) && !u->rx_n && !u->kept_n;
}

/* When a waiting cpu will be woken by its own timer. */
static uint64_t own_timer(const struct cpu *c) {
  return c->cp0.status & STATUS_IM_TIMER ? mips_timer_deadline(c) : UINT64_MAX;
}

/* The next cycle at which something can happen to vcpus that all wait; UINT64_MAX: never. */
static uint64_t next_event(const struct mb_machine *m) {
  const struct io_timer *first = m->vm.clock.first;
  uint64_t next = io_clock_next(&m->vm.clock);
  /* A serial port that looks for keys nobody will ever press is no event. */
  if (first == &m->vm.board.uart[0].rx_timer && !first->next && input_is_over(m)) next = UINT64_MAX;
  for (unsigned i = 0; i < m->vm.vcpus; i++)
    if (lives(&m->vm, i)) next = least(next, own_timer(&m->vm.cpu[i]));
  return next;
}

static bool all_wait(const struct mon_vm *vm) {
  for (unsigned i = 0; i < vm->vcpus; i++) {
    const struct cpu *c = &vm->cpu[i];
    if (lives(vm, i) && (vm->vcpu[i].start || !mips_waits(c) || own_timer(c) <= vm->round_end)) return false;
  }
  return true;
}

/* Go to the next event. */
static void skip(struct mb_machine *m) {
  struct mon_vm *vm = &m->vm;
  uint64_t next = next_event(m), to = next > vm->round_end ? mon_pace_idle(m, vm->round_end, next) : next;
  if (to == UINT64_MAX) mon_stop(m, MB_STOP_STUCK);
  if (to == UINT64_MAX || next <= vm->round_end) return;
  vm->round_end = to;
  for (unsigned i = 0; i < vm->vcpus; i++)
    if (lives(vm, i)) mips_idle_to(&vm->cpu[i], vm->round_end);
  io_clock_advance(&vm->clock, vm->round_end);
  if (mon_nets_hurry(m)) mon_nets_look(m); /* an answer was waited for: now, not a round later */
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
static void all_dead(struct mb_machine *m) {
  struct mon_vm *vm = &m->vm;
  bool stuck = false, halted = false;
  for (unsigned i = 0; i < vm->vcpus; i++) {
    if (!vm->vcpu[i].up) continue;
    if (!halted) vm->turn = i; /* to be shown */
    halted |= has_halted(&vm->cpu[i]);
    stuck |= is_stuck(&vm->cpu[i]);
  }
  mon_stop(m, stuck && !halted ? MB_STOP_STUCK : MB_STOP_HALTED);
}

static bool any_lives(const struct mon_vm *vm) {
  bool any = false;
  for (unsigned i = 0; i < vm->vcpus; i++) any |= lives(vm, i);
  return any;
}

/* To the cpu all who do nothing any more are dead; people see a difference between a guest that went back to the
 * firmware, one that took an exception it had no handler for, and what need not be the end of the others. */
static void dies(struct mb_machine *m) {
  const struct cpu *c = mon_cpu(m);
  if (mon_in_rom(c))
    mon_stop(m, c->j.pc - MON_ROM_VA < MON_ROM_VECTORS ? MB_STOP_RESET : MB_STOP_DEAD);
  else if (!has_halted(c) && !is_stuck(c))
    mon_stop(m, MB_STOP_DEAD);
  else if (!any_lives(&m->vm))
    all_dead(m);
}

/* --- turns and rounds --- */

void mon_vcpu_set(void *machine, unsigned vcpu, bool up, uint64_t at) {
  struct mb_machine *m = machine;
  m->vm.vcpu[vcpu] = (struct mon_vcpu){.up = up, .start = up, .at = at};
  if (vcpu == m->vm.turn) mips_run_until(mon_cpu(m), 0);
}

static void start_vcpu(struct mon_vm *vm, struct cpu *c, struct mon_vcpu *v) {
  v->start = false;
  mips_idle_to(c, vm->clock.now);
  c->reset_at = v->at;
  mips_cpu_reset(c);
}

/* Run to the deadline, with a look wherever a sample is due. */
static enum mips_stop run_to(struct mb_machine *m, uint64_t deadline) {
  struct cpu *c = mon_cpu(m);
  enum mips_stop stop;
  if (!m->profile) return mips_run(c, deadline);
  do {
    stop = mips_run_cut(c, deadline, mips_now(c) + (m->profile->due - mon_instructions(m)));
    mon_profile_look(m);
    deadline = c->deadline;
  } while (stop == MIPS_STOP_CUT);
  return stop;
}

static void begin_round(struct mb_machine *m, struct mon_limits *l) {
  struct mon_vm *vm = &m->vm;
  uint64_t cycles = vm->vcpus > 1 ? ROUND_CYCLES : (uint64_t)m->config.mhz * (ALONE_NS / 1000);
  vm->turn = 0;
  io_clock_advance(&vm->clock, vm->round_end);
  look_at_host(m, l);
  if (m->stopping) return;
  if (m->pace.pace == MB_PACE_REAL) mon_pace_idle(m, vm->round_end, vm->round_end);
  if (!any_lives(vm)) /* the last one has powered itself down */
    all_dead(m);
  else if (all_wait(vm))
    skip(m);
  vm->round_end = least(vm->round_end + cycles, io_clock_next(&vm->clock));
}

/* Is there more of this turn? */
static bool goes_on(struct mb_machine *m) {
  struct mon_vm *vm = &m->vm;
  struct mon_vcpu *v = &vm->vcpu[vm->turn];
  struct cpu *c = mon_cpu(m);
  if (v->up && v->start) start_vcpu(vm, c, v);
  return v->up && !c->dead && mips_now(c) < vm->round_end;
}

static void run(struct mb_machine *m, uint64_t instructions) {
  struct mon_vm *vm = &m->vm;
  struct cpu *c = mon_cpu(m);
  vm->board.bus.master = vm->turn;
  uint64_t now = mips_now(c);
  switch (run_to(m, now + least(vm->round_end - now, instructions))) {
  case MIPS_STOP_CUT:
  case MIPS_STOP_TIME: break;
  case MIPS_STOP_WAIT:
    if (!m->stopping) mips_idle_to(c, least(vm->round_end, own_timer(c)));
    break;
  case MIPS_STOP_DEAD: dies(m); break;
  }
  vm->round_end = least(vm->round_end, io_clock_next(&vm->clock));
}

void mon_step(struct mb_machine *m, struct mon_limits *l) {
  struct mon_vm *vm = &m->vm;
  uint64_t done = mon_instructions(m);
  if (done >= l->instructions) {
    mon_stop(m, MB_STOP_LIMIT);
  } else if (goes_on(m)) {
    run(m, l->instructions - done);
  } else if (vm->turn + 1 < vm->vcpus) {
    mon_cpu(m)->ll_bit = 0;
    vm->turn++;
  } else {
    mon_cpu(m)->ll_bit &= vm->vcpus == 1;
    begin_round(m, l);
  }
}
