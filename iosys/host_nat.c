/* iosys/host_nat.c: a network behind NAT on the host's sockets, by libslirp. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A run in which nothing comes from outside must not depend on when the host polled. So libslirp's sockets and timers
 * are kept apart: sockets are shown to it only when one is ready, its timers run only on the virtual clock's.
 * IPv6 is off, as its router advertisements come at random times. */
#include "iosys/host_nat.h"
#include <errno.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS  1000000u
#define REFRESH_NS 100000000u    /* libslirp's clock may be behind by so much when the guest speaks */
enum { NOTHING_TO_TIME = 1000 }; /* slirp_pollfds_fill() asks for no less when no timer of its own is running */

/* --- lists of descriptors --- */

void io_polls_fini(struct io_polls *p) {
  free(p->fd);
  *p = (struct io_polls){0};
}

int io_polls_add(struct io_polls *p, int fd, short events) {
  if (p->n == p->room) {
    unsigned room = p->room ? 2 * p->room : 16;
    struct pollfd *more = realloc(p->fd, room * sizeof *more);
    if (!more) return -1;
    p->fd = more;
    p->room = room;
  }
  p->fd[p->n] = (struct pollfd){.fd = fd, .events = events};
  return (int)p->n++;
}

static const struct {
  int slirp;
  short host;
} events[] = {{SLIRP_POLL_IN, POLLIN},
              {SLIRP_POLL_OUT, POLLOUT},
              {SLIRP_POLL_PRI, POLLPRI},
              {SLIRP_POLL_ERR, POLLERR},
              {SLIRP_POLL_HUP, POLLHUP}};
enum { EVENTS = sizeof events / sizeof *events };

static int add_socket(int fd, int wanted, void *polls) {
  short host = 0;
  for (unsigned i = 0; i < EVENTS; i++)
    if (wanted & events[i].slirp) host |= events[i].host;
  return io_polls_add(polls, fd, host);
}

static int no_socket(int fd, int wanted, void *polls) {
  (void)fd, (void)wanted, (void)polls;
  return -1;
}

static int seen(int at, void *polls) {
  const struct io_polls *p = polls;
  int all = 0;
  for (unsigned i = 0; at >= 0 && i < EVENTS; i++)
    if (p->fd[at].revents & events[i].host) all |= events[i].slirp;
  return all;
}

/* --- what libslirp asks for --- */

enum { NOTE_FRAME = 1, NOTE_TIMER };

static void note(struct io_nat *n, uint8_t what, uint32_t number, const void *bytes) {
  if (!n->tape.wrote) return;
  SNAP(&n->note, what);
  SNAP(&n->note, number);
  if (what == NOTE_FRAME) snap_bytes(&n->note, (void *)(uintptr_t)bytes, number);
}

static void put_frame(struct io_nat *n, const uint8_t *frame, unsigned bytes) {
  io_wire_put(&n->wire, frame, bytes, io_clock_ns(n->wire.clock), NULL);
  n->from_outside += n->outside;
}

static ssize_t to_guest(const void *frame, size_t n, void *nat) {
  put_frame(nat, frame, (unsigned)n);
  note(nat, NOTE_FRAME, (uint32_t)n, frame);
  return (ssize_t)n;
}

static void guest_error(const char *text, void *nat) {
  (void)text, (void)nat; /* the guest's own affair */
}

static int64_t now_ns(void *nat) {
  const struct io_nat *t = nat;
  return t->wire.clock ? (int64_t)io_clock_ns(t->wire.clock) : 0;
}

static void ignore_socket(int fd, void *nat) {
  (void)fd, (void)nat; /* slirp_pollfds_fill() names them all each time */
}

static void notify(void *nat) {
  ((struct io_nat *)nat)->eager = true;
}

/* Timers by callback are for IPv6 alone. */
static void *timer_new(SlirpTimerCb fn, void *ctx, void *nat) {
  (void)fn, (void)ctx;
  return nat;
}
static void timer_free(void *timer, void *nat) {
  (void)timer, (void)nat;
}
static void timer_mod(void *timer, int64_t ms, void *nat) {
  (void)timer, (void)ms, (void)nat;
}

/* --- time --- */

/* Its timers' turn, and the present for it to remember. */
static void refresh(struct io_nat *n) {
  n->refreshed = io_clock_ns(n->wire.clock);
  slirp_pollfds_poll(n->slirp, 1, seen, &n->polls);
}

static void set_timer(struct io_nat *n, uint32_t ms) {
  io_timer_set(n->wire.clock, &n->timer, io_clock_ns(n->wire.clock) + (uint64_t)ms * NS_PER_MS);
}

static void await_timers(struct io_nat *n) {
  uint32_t ms = UINT32_MAX;
  slirp_pollfds_fill(n->slirp, &ms, no_socket, NULL);
  if (ms >= NOTHING_TO_TIME || n->timer.armed) return;
  set_timer(n, ms);
  note(n, NOTE_TIMER, ms, NULL);
}

/* --- visits --- */

static void visit_begins(const struct io_nat *n) {
  if (n->tape.visited) n->tape.visited(n->tape.ctx);
}

static void visit_ends(struct io_nat *n, bool outside) {
  await_timers(n);
  if (n->note.n) n->tape.wrote(n->tape.ctx, n->note.bytes, n->note.n, outside);
  n->note.n = 0;
}

bool io_nat_play(struct io_nat *nat, const uint8_t *bytes, size_t n, bool outside) {
  uint8_t frame[IO_NET_FRAME_MAX], what = 0;
  uint32_t number = 0;
  struct snap s;
  snap_open(&s, bytes, n);
  nat->outside = outside;
  while (!s.bad && s.at < s.n) {
    SNAP(&s, what);
    SNAP(&s, number);
    bool is_frame = what == NOTE_FRAME;
    if (!snap_check(&s, is_frame ? number <= sizeof frame : what == NOTE_TIMER && number < NOTHING_TO_TIME)) break;
    if (is_frame) snap_bytes(&s, frame, number);
    if (s.bad) break;
    if (is_frame)
      put_frame(nat, frame, number);
    else
      set_timer(nat, number);
  }
  nat->outside = false;
  return !s.bad;
}

static bool plays(const struct io_nat *n) {
  return !n->slirp || (n->tape.plays && n->tape.plays(n->tape.ctx));
}

/* A tape that makes no sense is found out by whoever keeps it: the guest hears nothing then. */
static void play_visit(struct io_nat *n) {
  size_t bytes = 0;
  const uint8_t *what = n->tape.read ? n->tape.read(n->tape.ctx, &bytes) : NULL;
  if (what) io_nat_play(n, what, bytes, false);
}

static void timers_due(void *nat) {
  visit_begins(nat);
  if (plays(nat)) return play_visit(nat);
  refresh(nat);
  visit_ends(nat, false);
}

/* --- the card's side --- */

/* What libslirp gets to see: ARP and whole IPv4 packets. It has no use for anything else but fragments, and those it
 * does not survive: version 4.7 runs into nowhere when the last one comes first. */
static bool is_fit(const uint8_t *frame, unsigned n) {
  enum { TYPE = 12, FLAGS = 20, DONT_FRAGMENT = 0x40 }; /* the offset's high bits are in FLAGS, too */
  if (n <= FLAGS + 1 || frame[TYPE] != 0x08) return false;
  if (frame[TYPE + 1] == 0x06) return true;
  return !frame[TYPE + 1] && !(frame[FLAGS] & ~DONT_FRAGMENT) && !frame[FLAGS + 1];
}

static void nat_send(void *nat, const uint8_t *frame, unsigned n) {
  struct io_nat *t = nat;
  t->spoken = true;
  t->frames++;
  t->bytes += n;
  if (t->wire.cut) return;
  if (!is_fit(frame, n)) {
    t->refused++;
    return;
  }
  visit_begins(t);
  if (plays(t)) return play_visit(t);
  if (io_clock_ns(t->wire.clock) - t->refreshed >= REFRESH_NS) refresh(t);
  slirp_input(t->slirp, frame, (int)n);
  visit_ends(t, false);
}

static unsigned nat_recv(void *nat, uint8_t *frame, unsigned room) {
  return io_wire_get(&((struct io_nat *)nat)->wire, frame, room, NULL);
}

static void nat_listen(void *nat, void (*arrived)(void *card), void *card) {
  io_wire_listen(&((struct io_nat *)nat)->wire, arrived, card);
}

struct io_net io_nat_net(struct io_nat *n, struct io_clock *clock) {
  io_wire_init(&n->wire, clock);
  n->timer = (struct io_timer){.fn = timers_due, .ctx = n};
  return (struct io_net){.send = nat_send, .recv = nat_recv, .listen = nat_listen, .ctx = n};
}

/* --- the host's side --- */

void io_nat_sockets(struct io_nat *n, struct io_polls *to) {
  uint32_t ms = UINT32_MAX;
  if (n->spoken && !plays(n)) slirp_pollfds_fill(n->slirp, &ms, add_socket, to);
}

void io_nat_look(struct io_nat *n) {
  n->eager = false;
  n->polls.n = 0;
  io_nat_sockets(n, &n->polls);
  if (!n->polls.n || poll(n->polls.fd, n->polls.n, 0) <= 0) return;
  n->outside = true;
  n->refreshed = io_clock_ns(n->wire.clock);
  slirp_pollfds_poll(n->slirp, 0, seen, &n->polls);
  n->outside = false;
  visit_ends(n, true);
}

/* --- making --- */

static struct in_addr address(unsigned host) {
  return (struct in_addr){htonl(0x0a000200u + host)}; /* 10.0.2.x */
}

static Slirp *make(struct io_nat *n, bool restricted) {
  static const SlirpCb callbacks = {.send_packet = to_guest,
                                    .guest_error = guest_error,
                                    .clock_get_ns = now_ns,
                                    .timer_new = timer_new,
                                    .timer_free = timer_free,
                                    .timer_mod = timer_mod,
                                    .register_poll_fd = ignore_socket,
                                    .unregister_poll_fd = ignore_socket,
                                    .notify = notify};
  SlirpConfig c = {.version = 1,
                   .restricted = restricted,
                   .in_enabled = true,
                   .vnetwork = address(0),
                   .vnetmask = {htonl(0xffffff00u)},
                   .vhost = address(2),
                   .vnameserver = address(3),
                   .vdhcp_start = address(15)};
  return slirp_new(&c, &callbacks, n);
}

const char *io_nat_init(struct io_nat *n, const struct io_nat_config *c, unsigned *bad) {
  *n = (struct io_nat){0};
  *bad = c->forwards;
  if (c->absent) return NULL;
  if (!(n->slirp = make(n, c->restricted))) return "libslirp cannot be started";
  for (unsigned i = 0; i < c->forwards; i++) {
    const struct io_nat_forward *f = &c->forward[i];
    struct in_addr here = {htonl(INADDR_LOOPBACK)};
    errno = 0;
    if (!slirp_add_hostfwd(n->slirp, f->udp, here, f->host, address(15), f->guest)) continue;
    *bad = i;
    const char *why = errno == EADDRINUSE ? "is in use"
                      : errno == EACCES   ? "is for the administrator of this host"
                                          : "cannot be listened to";
    io_nat_fini(n);
    return why;
  }
  return NULL;
}

void io_nat_fini(struct io_nat *n) {
  if (n->slirp) slirp_cleanup(n->slirp);
  if (n->wire.clock) io_timer_cancel(n->wire.clock, &n->timer);
  io_wire_fini(&n->wire);
  io_polls_fini(&n->polls);
  snap_free(&n->note);
  *n = (struct io_nat){0};
}

/* --- state --- */

void io_nat_state(struct io_nat *n, struct snap *s) {
  SNAP(s, n->spoken);
  SNAP(s, n->refreshed);
  SNAP(s, n->frames);
  SNAP(s, n->bytes);
  SNAP(s, n->refused);
  SNAP(s, n->from_outside);
  io_timer_state(n->wire.clock, &n->timer, s);
  io_wire_state(&n->wire, s);
}
