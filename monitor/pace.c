/* monitor/pace.c: wall time against virtual time: when to sleep, and for how long. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing here is visible to the guest, except that somebody typing at a terminal finds the guest at the moment the
 * wall clock shows. */
#include "monitor/monitor.h"
#include <time.h>

#define QUIET_NS   2000000000u /* idle this long without output: nobody is waiting for the machine */
#define QUANTUM_NS 10000000u   /* sleep at least this: virtual time lags, but never leads */

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

static void sleep_ns(struct mb_machine *m, uint64_t ns) {
  const struct mb_console *host = &m->console.host;
  mon_console_flush(&m->console);
  if (host->wait && !m->console.in_ended) {
    host->wait(host->ctx, ns);
  } else {
    struct timespec t = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
    nanosleep(&t, NULL);
  }
}

uint64_t mon_pace_idle(struct mb_machine *m, uint64_t now, uint64_t to) {
  struct mon_pace *p = &m->pace;
  uint64_t now_ns = mon_ns(m, now), to_ns = mon_ns(m, to);
  if (!wants_real(m, now_ns)) {
    p->anchored = false;
    return to;
  }
  if (!p->anchored) {
    *p = (struct mon_pace){p->pace, p->at_terminal, true, mon_wall_ns(), now_ns};
  }
  uint64_t ahead = to_ns - p->virtual0, wall = mon_wall_ns() - p->wall0;
  if (ahead <= wall) return to;
  sleep_ns(m, ahead - wall > QUANTUM_NS ? ahead - wall : QUANTUM_NS);
  wall = mon_wall_ns() - p->wall0;
  if (ahead <= wall) return to;
  /* Woken early, by a key or a signal: go on from the moment it is. */
  uint64_t present = p->virtual0 + wall, mhz = m->config.mhz;
  uint64_t cycles = present / 1000 * mhz + present % 1000 * mhz / 1000;
  return cycles > now ? cycles : now;
}
