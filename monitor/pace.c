/* monitor/pace.c: wall time against virtual time: when to sleep, and for how long. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing here is visible to the guest, except that somebody typing at a terminal finds the guest at the moment the
 * wall clock shows. */
#define _GNU_SOURCE
#include "monitor/monitor.h"
#include <poll.h>
#include <time.h>

#define QUIET_NS   2000000000u /* idle this long without output: nobody is waiting for the machine */
#define QUANTUM_NS 10000000u   /* sleep at least this: virtual time lags, but never leads */
#define SHORT_NS   1000000u    /* for a network: sleep at least this, */
#define LONG_NS    100000000u  /* and no longer: the host wants to be looked at */

uint64_t mon_wall_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool wants_real(struct mb_machine *m, uint64_t ns) {
  const struct mon_pace *p = &m->pace;
  if (p->pace != MB_PACE_AUTO) return p->pace == MB_PACE_REAL;
  return p->at_terminal && ns - m->console.last_out_ns > QUIET_NS;
}

/* Sleep up to ns, less when something is typed, when a network's socket (m->polls) has something, or on a signal. */
static void sleep_ns(struct mb_machine *m, uint64_t ns) {
  const struct mb_console *host = &m->console.host;
  struct io_polls *p = &m->polls;
  struct timespec t = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
  unsigned sockets = p->n;
  mon_console_flush(&m->console);
  int key = host->fd && !m->console.in_ended ? host->fd(host->ctx) : -1;
  if (key >= 0) (void)io_polls_add(p, key, POLLIN); /* without memory for it the sleep ends in time all the same */
  if (ppoll(p->fd, p->n, &t, NULL) <= 0) return;
  for (unsigned i = 0; i < sockets; i++) m->net_ready |= p->fd[i].revents != 0;
}

static uint64_t cycles_of(const struct mb_machine *m, uint64_t ns) {
  uint64_t mhz = m->config.mhz;
  return ns / 1000 * mhz + ns % 1000 * mhz / 1000;
}

/* Somebody outside may have something for the guest: idle time takes as long as it does on the wall, from now on, so
 * that no time-out comes before an answer had a chance to. What a busy guest has gained or lost counts for nothing.
 * Short waits are slept through together: the host's timers are no better. */
static uint64_t idle_for_answers(struct mb_machine *m, uint64_t now, uint64_t to) {
  struct mon_pace *p = &m->pace;
  p->owed += to == UINT64_MAX ? LONG_NS : mon_ns(m, to) - mon_ns(m, now);
  if (p->owed < SHORT_NS) return to;
  uint64_t begun = mon_wall_ns();
  sleep_ns(m, p->owed < LONG_NS ? p->owed : LONG_NS);
  uint64_t spent = mon_wall_ns() - begun, cycles = now + cycles_of(m, spent);
  bool whole = spent >= p->owed && to != UINT64_MAX;
  p->owed = 0;
  return whole || cycles > to ? to : cycles;
}

uint64_t mon_pace_idle(struct mb_machine *m, uint64_t now, uint64_t to) {
  struct mon_pace *p = &m->pace;
  uint64_t now_ns = mon_ns(m, now);
  m->polls.n = 0;
  mon_nets_sockets(m);
  bool real = wants_real(m, now_ns);
  if (!real || to == UINT64_MAX) p->anchored = false;
  if (m->polls.n && to > now && !p->anchored) return idle_for_answers(m, now, to);
  if (!real || to == UINT64_MAX) return to;
  uint64_t to_ns = mon_ns(m, to);
  if (!p->anchored) {
    p->anchored = true;
    p->wall0 = mon_wall_ns();
    p->virtual0 = now_ns;
  }
  uint64_t ahead = to_ns - p->virtual0, wall = mon_wall_ns() - p->wall0;
  if (ahead <= wall) return to;
  sleep_ns(m, ahead - wall > QUANTUM_NS ? ahead - wall : QUANTUM_NS);
  wall = mon_wall_ns() - p->wall0;
  if (ahead <= wall) return to;
  /* Woken early, by a key, a frame or a signal: go on from the moment it is. */
  uint64_t present = cycles_of(m, p->virtual0 + wall);
  return present > now ? present : now;
}
