/* iosys/host_nat.h: a network behind NAT on the host's sockets, by libslirp. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The guest finds a gateway (10.0.2.2, which is also this host's 127.0.0.1), a name server (10.0.2.3, the host's own)
 * and DHCP, which gives it 10.0.2.15. What libslirp answers by itself (DHCP, ARP, pings of the gateway) is there at a
 * fixed virtual time after the question. What comes from host sockets comes when somebody polls: io_nat_look(). Timers
 * run on virtual time. IPv4 only, and no fragments. VCPU thread only.
 *
 * All that reaches the guest, and all that touches its clock, comes of visits to libslirp: when the guest sends, when a
 * timer is due, when somebody looks. A tape keeps what came of each, and can stand in for libslirp. */
#ifndef IOSYS_HOST_NAT_H
#define IOSYS_HOST_NAT_H
#include "iosys/wire.h"
#include <poll.h>

/* A port of the host's 127.0.0.1 that leads to one of the guest's. */
struct io_nat_forward {
  bool udp;
  uint16_t host, guest;
};
struct io_nat_config {
  const struct io_nat_forward *forward; /* borrowed during the call */
  unsigned forwards;
  bool restricted; /* the guest reaches nothing but the gateway's own services; forwards work */
  bool absent;     /* there is no network: all comes from a tape */
};

/* A list of descriptors to poll; its memory is owned, a zeroed one is empty. */
struct io_polls {
  struct pollfd *fd;
  unsigned n, room;
};
void io_polls_fini(struct io_polls *p);
/* Returns its place, or -1: out of memory. */
int io_polls_add(struct io_polls *p, int fd, short events);

/* What one visit to libslirp has led to, as bytes: frames for the guest, and when its timers are due. */
struct io_nat_tape {
  /* After a visit that led to something. `outside`: it was io_nat_look() that came by. */
  void (*wrote)(void *ctx, const uint8_t *bytes, size_t n, bool outside);
  /* A visit begins that no look is; they are counted to know them by. */
  void (*visited)(void *ctx);
  /* Instead of a visit, while plays() is true: what one like it has led to; NULL: nothing. */
  const uint8_t *(*read)(void *ctx, size_t *n);
  bool (*plays)(const void *ctx);
  void *ctx;
};

struct Slirp; /* libslirp's */
struct io_nat {
  struct io_nat_tape tape; /* zeros: none */
  struct snap note;        /* of the visit under way */
  struct Slirp *slirp;
  struct io_wire wire;   /* towards the card; its clock is the card's */
  struct io_timer timer; /* for libslirp's own */
  struct io_polls polls;
  bool spoken;        /* the guest has used its card */
  bool eager;         /* a buffer has room again: look at the sockets soon */
  bool outside;       /* what libslirp sends now is due to a host socket */
  uint64_t refreshed; /* virtual ns at which libslirp last saw the clock */
  uint64_t frames, bytes, refused, from_outside;
};

/* Open the ports. NULL, or static text on what is wrong; then `*bad` is the forward it is about, or c->forwards. */
__attribute__((warn_unused_result)) const char *io_nat_init(struct io_nat *n, const struct io_nat_config *c,
                                                            unsigned *bad);
/* Twice is harmless, and so is a zeroed one. */
void io_nat_fini(struct io_nat *n);
/* Frames under way, and what has been counted. Connections end: what the guest sends on an old one is answered as the
 * network behind a router that was switched off and on would answer it. */
void io_nat_state(struct io_nat *n, struct snap *s);
/* What a card is handed whose machine lives by `clock`; its MAC address is for the caller to set. */
struct io_net io_nat_net(struct io_nat *n, struct io_clock *clock);
/* Let what host sockets have for the guest in, without waiting. */
void io_nat_look(struct io_nat *n);
/* Let in what a look has once let in; `n` bytes of a tape, which may make no sense: then false. */
bool io_nat_play(struct io_nat *nat, const uint8_t *bytes, size_t n, bool outside);
/* Add the sockets something may come from to a list. None: only the guest itself can make anything happen. */
void io_nat_sockets(struct io_nat *n, struct io_polls *to);
#endif
