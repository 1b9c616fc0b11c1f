/* iosys/clock.c: virtual time: conversions, and the sorted list of armed timers. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A board has about a dozen timers and most stay disarmed: a list beats a heap and keeps ties in order. */
#include "iosys/clock.h"
#include <stddef.h>

void io_clock_init(struct io_clock *c, uint32_t mhz) {
  *c = (struct io_clock){.mhz = mhz ? mhz : 1};
}

uint64_t io_clock_ns(const struct io_clock *c) {
  /* In two parts, so that it does not wrap before the cycle count itself does. */
  return c->now / c->mhz * 1000 + c->now % c->mhz * 1000 / c->mhz;
}

static uint64_t cycle_reaching(const struct io_clock *c, uint64_t ns) {
  uint64_t us = ns / 1000, rest = (ns % 1000 * c->mhz + 999) / 1000;
  if (us > (UINT64_MAX - rest) / c->mhz) return UINT64_MAX;
  return us * c->mhz + rest;
}

void io_timer_cancel(struct io_clock *c, struct io_timer *t) {
  if (!t->armed) return;
  struct io_timer **link = &c->first;
  while (*link != t) link = &(*link)->next;
  *link = t->next;
  t->next = NULL;
  t->armed = 0;
}

static void arm(struct io_clock *c, struct io_timer *t) {
  struct io_timer **link = &c->first;
  while (*link && ((*link)->at < t->at || ((*link)->at == t->at && (*link)->seq < t->seq))) link = &(*link)->next;
  t->next = *link;
  t->armed = 1;
  *link = t;
}

void io_timer_set(struct io_clock *c, struct io_timer *t, uint64_t ns) {
  io_timer_cancel(c, t);
  t->at = cycle_reaching(c, ns);
  t->seq = c->seq++;
  arm(c, t);
}

void io_timer_state(struct io_clock *c, struct io_timer *t, struct snap *s) {
  bool armed = t->armed;
  if (s->restoring) io_timer_cancel(c, t);
  SNAP(s, armed);
  SNAP(s, t->at);
  SNAP(s, t->seq);
  if (s->restoring && armed && !s->bad) arm(c, t);
}

void io_clock_state(struct io_clock *c, struct snap *s) {
  SNAP(s, c->now);
  SNAP(s, c->stall);
  SNAP(s, c->seq);
}

uint64_t io_clock_next(const struct io_clock *c) {
  return c->first ? c->first->at : UINT64_MAX;
}

void io_clock_advance(struct io_clock *c, uint64_t now) {
  while (c->first && c->first->at <= now) {
    struct io_timer *t = c->first;
    if (t->at > c->now) c->now = t->at; /* a timer set in the past fires in the present */
    io_timer_cancel(c, t);
    t->fn(t->ctx);
  }
  if (now > c->now) c->now = now;
}

void io_clock_charge(struct io_clock *c, uint32_t ns) {
  c->stall += (uint64_t)ns * c->mhz / 1000;
}
