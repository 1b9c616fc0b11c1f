/* iosys/wire.c: frames on their way to one network card, each due at its virtual time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "iosys/wire.h"
#include <stdlib.h>
#include <string.h>

struct io_wire_frame {
  struct io_wire_frame *next;
  uint64_t due; /* virtual ns */
  unsigned n;
  struct io_net_pages pages;
  uint8_t bytes[];
};

/* Wait for the first frame that is not there yet; those that are need no timer: the card has been told. */
static void await_next(struct io_wire *w) {
  const struct io_wire_frame *f = w->first;
  uint64_t now = io_clock_ns(w->clock);
  while (f && f->due <= now) f = f->next;
  if (f) io_timer_set(w->clock, &w->timer, f->due);
}

static void due(void *wire) {
  struct io_wire *w = wire;
  if (w->arrived) w->arrived(w->card);
  if (!w->timer.armed) await_next(w);
}

void io_wire_init(struct io_wire *w, struct io_clock *clock) {
  *w = (struct io_wire){.clock = clock, .timer = {.fn = due, .ctx = w}};
}

void io_wire_listen(struct io_wire *w, void (*arrived)(void *card), void *card) {
  w->arrived = arrived;
  w->card = card;
}

static struct io_wire_frame *take_first(struct io_wire *w) {
  struct io_wire_frame *f = w->first;
  w->first = f->next;
  w->waiting -= f->n;
  return f;
}

void io_wire_fini(struct io_wire *w) {
  while (w->first) free(take_first(w));
  if (w->clock) io_timer_cancel(w->clock, &w->timer);
}

void io_wire_put(struct io_wire *w, const uint8_t *frame, unsigned n, uint64_t sent_ns,
                 const struct io_net_pages *pages) {
  struct io_wire_frame *f = !w->cut && n <= IO_WIRE_ROOM - w->waiting ? malloc(sizeof *f + n) : NULL;
  if (!f) {
    w->lost++;
    return;
  }
  uint64_t now = io_clock_ns(w->clock), at = (sent_ns > now ? sent_ns : now) + IO_WIRE_NS;
  *f = (struct io_wire_frame){.due = w->first && w->last->due > at ? w->last->due : at, .n = n};
  memcpy(f->bytes, frame, n);
  if (pages) f->pages = *pages;
  if (w->first)
    w->last->next = f;
  else
    w->first = f;
  w->last = f;
  w->waiting += n;
  w->frames++;
  w->bytes += n;
  if (!w->timer.armed) io_timer_set(w->clock, &w->timer, f->due);
}

unsigned io_wire_get(struct io_wire *w, uint8_t *frame, unsigned room, struct io_net_pages *pages) {
  uint64_t now = io_clock_ns(w->clock);
  while (w->first && w->first->due <= now) {
    struct io_wire_frame *f = take_first(w);
    unsigned n = f->n <= room ? f->n : 0;
    memcpy(frame, f->bytes, n);
    if (pages) *pages = f->pages;
    free(f);
    if (n) return n;
    w->lost++;
  }
  return 0;
}

/* --- state --- */

void io_net_pages_state(struct io_net_pages *p, struct snap *s) {
  SNAP(s, p->n);
  if (!snap_check(s, p->n <= IO_NET_PAGES)) return;
  for (unsigned i = 0; i < p->n; i++) {
    SNAP(s, p->page[i].at);
    SNAP(s, p->page[i].page);
  }
}

static void frame_state(struct io_wire_frame *f, struct snap *s) {
  SNAP(s, f->due);
  io_net_pages_state(&f->pages, s);
  snap_bytes(s, f->bytes, f->n);
}

static uint32_t count_frames(const struct io_wire *w) {
  uint32_t n = 0;
  for (const struct io_wire_frame *f = w->first; f; f = f->next) n++;
  return n;
}

/* A frame of the file, at the end of the line. */
static void restore_frame(struct io_wire *w, struct snap *s) {
  unsigned n = 0;
  SNAP(s, n);
  if (!snap_check(s, n <= IO_NET_FRAME_MAX && n <= IO_WIRE_ROOM - w->waiting)) return;
  struct io_wire_frame *f = calloc(1, sizeof *f + n), **end = w->first ? &w->last->next : &w->first;
  if (!snap_check(s, f)) return;
  f->n = n;
  frame_state(f, s);
  w->last = *end = f;
  w->waiting += n;
}

void io_wire_state(struct io_wire *w, struct snap *s) {
  uint32_t n = count_frames(w);
  SNAP(s, w->cut);
  SNAP(s, w->frames);
  SNAP(s, w->bytes);
  SNAP(s, w->lost);
  io_timer_state(w->clock, &w->timer, s);
  SNAP(s, n);
  if (s->restoring) {
    while (w->first) free(take_first(w));
    while (n-- && !s->bad) restore_frame(w, s);
    return;
  }
  for (struct io_wire_frame *f = w->first; f; f = f->next) {
    SNAP(s, f->n);
    frame_state(f, s);
  }
}
