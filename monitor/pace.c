/* monitor/pace.c: wall time against virtual time: when to sleep, and for how long. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing here is visible to the guest, except that somebody typing at a terminal finds the guest at the moment the
 * wall clock shows. A VM that runs alone sleeps through its idle time at once; several go through theirs in rounds, and
 * the machine sleeps between these. */
#define _GNU_SOURCE
#include "monitor/status.h"
#include "monitor/tape.h"
#include <poll.h>
#include <time.h>

#define QUIET_NS   2000000000u /* idle this long without output: nobody is waiting for the machine */
#define QUANTUM_NS 10000000u   /* sleep at least this: virtual time lags, but never leads */
#define SHORT_NS   1000000u    /* for a network: sleep at least this, */
#define LONG_NS    100000000u  /* and no longer: the host wants to be looked at */

static uint64_t clock_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t mon_wall_ns(void) {
  return clock_ns(CLOCK_MONOTONIC);
}

struct mon_took mon_took_begin(void) {
  return (struct mon_took){mon_wall_ns(), clock_ns(CLOCK_PROCESS_CPUTIME_ID)};
}

void mon_took_end(struct mon_took *sum, const struct mon_took *begun) {
  sum->wall_ns += mon_wall_ns() - begun->wall_ns;
  sum->cpu_ns += clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begun->cpu_ns;
}

/* The VM at the terminal tells: is a person there who waits for nothing? `ns`: the present. */
static bool wants_real(const struct mb_machine *m, uint64_t ns) {
  if (m->pace.pace != MB_PACE_AUTO) return m->pace.pace == MB_PACE_REAL;
  if (!m->shown || m->shown->stopping || !mon_stdio_is_tty(m->stdio)) return false;
  uint64_t last = m->shown->console.last_out_ns;
  return ns > last && ns - last > QUIET_NS;
}

/* Sleep up to ns, less when something is typed, when a network's socket (m->polls) has something, or on a signal. */
static void sleep_ns(struct mb_machine *m, uint64_t ns) {
  struct io_polls *p = &m->polls;
  struct timespec t = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
  unsigned sockets = p->n;
  for (unsigned i = 0; i < m->vms; i++) {
    struct mon_console *c = &m->vm[i]->console;
    mon_console_flush(c);
    int key = c->host.fd && !c->in_ended ? c->host.fd(c->host.ctx) : -1;
    if (key >= 0) (void)io_polls_add(p, key, POLLIN); /* without memory for it the sleep ends in time all the same */
    int gdb = mon_gdb_fd(m->vm[i]);
    if (gdb >= 0) (void)io_polls_add(p, gdb, POLLIN);
  }
  mon_status_polls(m, p);
  if (ppoll(p->fd, p->n, &t, NULL) <= 0) return;
  for (unsigned i = 0; i < sockets; i++) m->net_ready |= p->fd[i].revents != 0;
}

/* Somebody outside may have something for a guest: idle time takes as long as it does on the wall, from now on, so that
 * no time-out comes before an answer had a chance to. What a busy guest has gained or lost counts for nothing. Short
 * waits are slept through together: the host's timers are no better. Returns how much of `ns`, which may be endless,
 * has passed. */
static uint64_t sleep_for_answers(struct mb_machine *m, uint64_t ns) {
  struct mon_pace *p = &m->pace;
  p->owed += ns < LONG_NS ? ns : LONG_NS;
  if (p->owed < SHORT_NS) return ns;
  uint64_t begun = mon_wall_ns(), owed = p->owed;
  p->owed = 0;
  sleep_ns(m, owed < LONG_NS ? owed : LONG_NS);
  uint64_t spent = mon_wall_ns() - begun;
  return ns < LONG_NS && spent >= owed ? ns : spent < ns ? spent : ns;
}

/* Sleep until the wall clock has come to a virtual time `ns`, from `now_ns` on. Returns the virtual time that it then
 * shows: less than `ns` if woken early, by a key, a frame or a signal. */
static uint64_t sleep_until(struct mb_machine *m, uint64_t now_ns, uint64_t ns) {
  struct mon_pace *p = &m->pace;
  if (!p->anchored) {
    p->anchored = true;
    p->wall0 = mon_wall_ns();
    p->virtual0 = now_ns;
  }
  uint64_t ahead = ns > p->virtual0 ? ns - p->virtual0 : 0, wall = mon_wall_ns() - p->wall0;
  if (ahead <= wall) return ns;
  sleep_ns(m, ahead - wall > QUANTUM_NS ? ahead - wall : QUANTUM_NS);
  wall = mon_wall_ns() - p->wall0;
  return ahead <= wall ? ns : p->virtual0 + wall;
}

static uint64_t later(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

static uint64_t pace_alone(struct mb_vm *vm, uint64_t now, uint64_t to) {
  struct mb_machine *m = vm->machine;
  bool endless = to == UINT64_MAX;
  uint64_t now_ns = mon_ns(vm, now), to_ns = endless ? UINT64_MAX : mon_ns(vm, to);
  bool real = wants_real(m, now_ns);
  m->polls.n = 0;
  mon_nets_sockets(vm, &m->polls);
  if (!real || endless) m->pace.anchored = false;
  if (m->polls.n && to > now && !m->pace.anchored) {
    uint64_t passed = sleep_for_answers(m, endless ? UINT64_MAX : to_ns - now_ns);
    return !endless && passed >= to_ns - now_ns ? to : now + mon_cycles(vm, passed);
  }
  if (!real || endless) return to;
  uint64_t present = sleep_until(m, now_ns, to_ns);
  return present >= to_ns ? to : later(mon_cycles(vm, present), now);
}

static bool has_sockets(struct mb_vm *vm) {
  struct io_polls p = {0};
  mon_nets_sockets(vm, &p);
  bool any = p.n;
  io_polls_fini(&p);
  return any;
}

static uint64_t to_end_of_round(const struct mb_vm *vm, uint64_t now, uint64_t to) {
  uint64_t end = later(mon_cycles(vm, vm->machine->end), now);
  return end < to ? end : to;
}

static uint64_t pace(struct mb_vm *vm, uint64_t now, uint64_t to) {
  struct mb_machine *m = vm->machine;
  if (m->running == 1) return pace_alone(vm, now, to);
  if (!has_sockets(vm) && !mon_nets_joined(vm) && (to == UINT64_MAX || !m->pace.real)) return to;
  if (to == UINT64_MAX && m->endless) return to;
  return to_end_of_round(vm, now, to);
}

/* The same if nobody outside has a say, and there is nothing to wait for. */
static uint64_t pace_plainly(const struct mb_vm *vm, uint64_t now, uint64_t to) {
  return vm->machine->running == 1 || !mon_nets_joined(vm) ? to : to_end_of_round(vm, now, to);
}

uint64_t mon_pace_idle(struct mb_vm *vm, uint64_t now, uint64_t to) {
  if (!vm->tape) return pace(vm, now, to);
  uint64_t plain = pace_plainly(vm, now, to);
  if (vm->tape->plays) return to > now ? mon_tape_idle(vm, now, plain, to) : to;
  uint64_t end = pace(vm, now, to);
  if (end != plain) mon_tape_put_idle(vm, now, end);
  return end;
}

/* Do all wait, and if so: can anything happen without somebody outside? What waits until some time may then do
 * something about it. */
static bool all_wait(const struct mb_machine *m, bool *endless) {
  *endless = true;
  for (unsigned i = 0; i < m->vms; i++) {
    const struct mb_vm *vm = m->vm[i];
    if (vm->stopping) continue;
    if (!mon_all_wait(vm)) return false;
    *endless &= mon_next_event(vm) == UINT64_MAX && vm->time_limit == UINT64_MAX;
  }
  return true;
}

/* Nobody who is heard waits for a VM whose past is played. */
static bool any_plays(const struct mb_machine *m) {
  bool any = false;
  for (unsigned i = 0; i < m->vms; i++) any |= mon_tape_plays(m->vm[i]->tape);
  return any;
}

void mon_pace_round(struct mb_machine *m) {
  bool endless, wait = all_wait(m, &endless), real = m->pace.real = !any_plays(m) && wants_real(m, m->now);
  m->polls.n = 0;
  for (unsigned i = 0; i < m->vms; i++)
    if (!m->vm[i]->stopping) mon_nets_sockets(m->vm[i], &m->polls);
  m->endless = wait && endless && !m->polls.n;
  if (real && (wait || m->pace.pace == MB_PACE_REAL))
    (void)sleep_until(m, m->now, m->now);
  else if (wait && m->polls.n && !any_plays(m))
    (void)sleep_for_answers(m, m->end - m->now);
  if (!real) m->pace.anchored = false;
}
