/* iosys/wire.h: frames on their way to one network card, each due at its virtual time. */
/* SPDX-License-Identifier: Apache-2.0 */
/* What a host end (NAT, switch) puts in comes out at the card's side of a struct io_net, in the same order, at a time
 * that follows from virtual time alone. A wire that is full loses frames, as wires do. VCPU thread only. */
#ifndef IOSYS_WIRE_H
#define IOSYS_WIRE_H
#include "iosys/clock.h"
#include "iosys/dev.h"

enum { IO_WIRE_NS = 20000, IO_WIRE_ROOM = 4 << 20 }; /* how long a frame is under way; bytes that may wait */

struct io_wire_frame;
struct io_wire {
  struct io_clock *clock; /* the card's; borrowed */
  struct io_timer timer;
  void (*arrived)(void *card);
  void *card;
  struct io_wire_frame *first, *last; /* owned */
  uint64_t waiting;                   /* bytes */
  bool cut;                           /* what is put in is lost, and so should be what the card sends */
  uint64_t frames, bytes, lost;       /* since it was made; `lost` ones are not among the others */
};

void io_wire_init(struct io_wire *w, struct io_clock *clock);
/* Drops what is under way. Twice is harmless, and so is a zeroed one. The clock must still be there. */
void io_wire_fini(struct io_wire *w);
/* Send a copy of a frame: it is there IO_WIRE_NS after `sent_ns`, the sender's time, or after the card's own if that is
 * later, and not before those sent earlier. */
void io_wire_put(struct io_wire *w, const uint8_t *frame, unsigned n, uint64_t sent_ns,
                 const struct io_net_pages *pages);
/* As a struct io_net's recv and listen. Here and above `pages` may be NULL. */
unsigned io_wire_get(struct io_wire *w, uint8_t *frame, unsigned room, struct io_net_pages *pages);
/* What is under way. */
void io_wire_state(struct io_wire *w, struct snap *s);
void io_net_pages_state(struct io_net_pages *p, struct snap *s);
void io_wire_listen(struct io_wire *w, void (*arrived)(void *card), void *card);
#endif
