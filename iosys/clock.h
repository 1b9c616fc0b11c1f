/* iosys/clock.h: virtual time: guest cycles, and timers that fire at an exact cycle. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Time is what the cpu has executed (plus bus stalls and skipped idle time); nothing here reads a host clock.
 * Two timers due at one cycle fire in the order they were set. */
#ifndef IOSYS_CLOCK_H
#define IOSYS_CLOCK_H
#include "numa-model/snap.h"

struct io_timer {
  uint64_t at;  /* cycle it fires at; meaningful while armed */
  uint64_t seq; /* breaks ties */
  void (*fn)(void *ctx);
  void *ctx;
  struct io_timer *next; /* sorted list of armed timers; owned by the clock */
  int armed;
};

struct io_clock {
  uint64_t now;   /* cycles since power-on */
  uint64_t stall; /* of these: charged by the bus for slow devices, taken up by the cpu after each access */
  uint32_t mhz;   /* cycles per virtual microsecond */
  uint64_t seq;
  struct io_timer *first;
};

void io_clock_init(struct io_clock *c, uint32_t mhz);
/* Virtual nanoseconds since power-on, rounded down. */
uint64_t io_clock_ns(const struct io_clock *c);
/* Arm (or re-arm) t to fire once io_clock_ns() has reached ns; a past ns fires at the next advance. */
void io_timer_set(struct io_clock *c, struct io_timer *t, uint64_t ns);
void io_timer_cancel(struct io_clock *c, struct io_timer *t);
/* Their state. A clock's is restored before that of its timers. */
void io_clock_state(struct io_clock *c, struct snap *s);
void io_timer_state(struct io_clock *c, struct io_timer *t, struct snap *s);
/* Cycle of the next timer, UINT64_MAX when none is armed. */
uint64_t io_clock_next(const struct io_clock *c);
/* Move to cycle `now` and fire all timers due, each seeing its own due time as the present. */
void io_clock_advance(struct io_clock *c, uint64_t now);
/* Charge the access under way ns of bus time: the cpu adds it to the present after the instruction. */
void io_clock_charge(struct io_clock *c, uint32_t ns);
#endif
