/* criterion-tests/test_host_nat.c: NAT with a hand-made guest: DHCP, pings, TCP both ways, virtual time, bad frames. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "iosys/host_nat.h"
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct io_clock clock_;
static struct io_nat nat;
static struct io_net net;
static uint8_t got[IO_NET_FRAME_MAX];
static unsigned got_n, n_got;
static uint64_t got_ns;
enum { ETH = 14, IP = ETH, IP_BYTES = 20, L4 = ETH + IP_BYTES, ROOM = 1514, GUEST = 15, GATEWAY = 2 };
static const uint8_t guest_mac[6] = {2, 0, 0, 0, 0, 1};

static void arrived(void *card) {
  (void)card;
  unsigned n;
  while ((n = net.recv(net.ctx, got, sizeof got))) {
    got_n = n;
    n_got++;
    got_ns = io_clock_ns(&clock_);
  }
}

static void start(const struct io_nat_config *c) {
  unsigned bad;
  const char *why = io_nat_init(&nat, c, &bad);
  cr_assert_null(why, "%s", why);
  io_clock_init(&clock_, 1000);
  net = io_nat_net(&nat, &clock_);
  net.listen(net.ctx, arrived, NULL);
  n_got = got_n = 0;
}
static void stop(void) {
  io_nat_fini(&nat);
  io_nat_fini(&nat);
  cr_expect_null(clock_.first, "no timer is left behind");
}
static void pass_ms(unsigned ms) {
  io_clock_advance(&clock_, clock_.now + ms * 1000000ull);
}

/* --- frames --- */

static void put16(uint8_t *p, unsigned v) {
  p[0] = (uint8_t)(v >> 8), p[1] = (uint8_t)v;
}
static void put32(uint8_t *p, uint32_t v) {
  put16(p, v >> 16), put16(p + 2, v & 0xffff);
}
static uint32_t get32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static unsigned sum(const uint8_t *p, unsigned n, uint32_t s) {
  for (unsigned i = 0; i < n; i++) s += i & 1 ? p[i] : (uint32_t)p[i] << 8;
  while (s >> 16) s = (s & 0xffff) + (s >> 16);
  return s;
}

/* n bytes behind the IP header are there already. Returns the frame's length. */
static unsigned wrap(uint8_t *f, unsigned protocol, uint32_t from, uint32_t to, unsigned n) {
  memset(f, 0xff, 6);
  memcpy(f + 6, guest_mac, 6);
  put16(f + 12, 0x0800);
  memset(f + IP, 0, IP_BYTES);
  f[IP] = 0x45;
  put16(f + IP + 2, IP_BYTES + n);
  f[IP + 8] = 64;
  f[IP + 9] = (uint8_t)protocol;
  put32(f + IP + 12, from);
  put32(f + IP + 16, to);
  put16(f + IP + 10, ~sum(f + IP, IP_BYTES, 0) & 0xffff);
  return L4 + n;
}
static uint32_t in_net(unsigned host) {
  return 0x0a000200 + host;
}
static void send_frame(const uint8_t *f, unsigned n) {
  net.send(net.ctx, f, n);
}

/* Who is the gateway? So libslirp learns who the guest is. */
static unsigned arp(uint8_t *f) {
  static const uint8_t head[] = {0, 1, 8, 0, 6, 4, 0, 1};
  memset(f, 0, 42);
  memset(f, 0xff, 6);
  memcpy(f + 6, guest_mac, 6);
  put16(f + 12, 0x0806);
  memcpy(f + ETH, head, sizeof head);
  memcpy(f + ETH + 8, guest_mac, 6);
  put32(f + ETH + 14, in_net(GUEST));
  put32(f + ETH + 24, in_net(GATEWAY));
  return 42;
}

static unsigned ping(uint8_t *f, unsigned to, unsigned n) {
  uint8_t *p = f + L4;
  memset(p, 0, 8 + n);
  p[0] = 8;
  for (unsigned i = 0; i < n; i++) p[8 + i] = (uint8_t)i;
  put16(p + 2, ~sum(p, 8 + n, 0) & 0xffff);
  return wrap(f, 1, in_net(GUEST), in_net(to), 8 + n);
}

static unsigned dhcp(uint8_t *f, unsigned type, uint32_t asked) {
  uint8_t *u = f + L4, *b = u + 8, *o = b + 240;
  memset(u, 0, 8 + 300);
  put16(u, 68), put16(u + 2, 67), put16(u + 4, 8 + 300);
  b[0] = b[1] = 1, b[2] = 6;
  put32(b + 4, 0x12345678);
  memcpy(b + 28, guest_mac, 6);
  put32(b + 236, 0x63825363);
  o[0] = 53, o[1] = 1, o[2] = (uint8_t)type;
  o[3] = 50, o[4] = 4;
  put32(o + 5, asked);
  o[9] = 255;
  return wrap(f, 17, 0, 0xffffffff, 8 + 300);
}

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
struct tcp {
  unsigned here, there, host;
  uint32_t seq, ack;
};
static unsigned tcp(uint8_t *f, const struct tcp *t, unsigned flags, const char *text) {
  uint8_t *p = f + L4;
  unsigned n = (unsigned)strlen(text);
  memset(p, 0, 20);
  put16(p, t->here), put16(p + 2, t->there);
  put32(p + 4, t->seq), put32(p + 8, t->ack);
  p[12] = 5 << 4, p[13] = (uint8_t)flags;
  put16(p + 14, 60000);
  memcpy(p + 20, text, n);
  wrap(f, 6, in_net(GUEST), in_net(t->host), 20 + n);
  uint32_t pseudo = sum(f + IP + 12, 8, 6 + 20 + n);
  put16(p + 16, ~sum(p, 20 + n, pseudo) & 0xffff);
  return L4 + 20 + n;
}
static unsigned flags_got(void) {
  return got_n >= L4 + 20 && got[IP + 9] == 6 ? got[L4 + 13] : 0;
}

/* --- what libslirp answers itself --- */

/* Everything at its virtual time, however often the host is looked at, and however far the clock has come. */
static uint64_t local_talk(unsigned looks, unsigned late_ms) {
  static uint8_t f[ROOM];
  uint64_t digest = 0;
  start(&(struct io_nat_config){0});
  pass_ms(late_ms);
  for (unsigned step = 0; step < 6; step++) {
    unsigned n = step == 0   ? dhcp(f, 1, 0)
                 : step == 1 ? dhcp(f, 3, in_net(GUEST))
                 : step == 2 ? arp(f)
                             : ping(f, GATEWAY, 50 * step);
    uint64_t sent = io_clock_ns(&clock_);
    unsigned before = n_got;
    send_frame(f, n);
    cr_expect_eq(n_got, before, "nothing comes at once");
    for (unsigned i = 0; i < looks; i++) io_nat_look(&nat);
    pass_ms(1);
    cr_expect_eq(n_got, before + 1, "step %u", step);
    cr_expect_eq(got_ns - sent, IO_WIRE_NS);
    for (unsigned i = 0; i < got_n; i++) digest = digest * 31 + got[i];
    digest = digest * 31 + got_n;
    if (step == 1) cr_expect_eq(get32(got + L4 + 8 + 16), in_net(GUEST), "the address DHCP gives");
  }
  cr_expect_eq(nat.from_outside, 0);
  stop();
  return digest;
}

Test(host_nat, answers_at_virtual_times) {
  uint64_t first = local_talk(0, 0);
  cr_expect_eq(local_talk(5, 0), first);
  cr_expect_eq(local_talk(1, 3600000), first);
}

Test(host_nat, nobody_to_wait_for) {
  struct io_polls p = {0};
  uint8_t f[ROOM];
  start(&(struct io_nat_config){0});
  io_nat_sockets(&nat, &p);
  send_frame(f, ping(f, GATEWAY, 10));
  pass_ms(1);
  io_nat_sockets(&nat, &p);
  cr_expect_eq(p.n, 0);
  cr_expect_null(clock_.first, "an idle network has no timer");
  io_polls_fini(&p);
  stop();
}

/* --- through host sockets --- */

static int listener(uint16_t *port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t n = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  cr_assert(fd >= 0 && !bind(fd, (struct sockaddr *)&a, n) && !listen(fd, 4));
  cr_assert(!getsockname(fd, (struct sockaddr *)&a, &n));
  *port = ntohs(a.sin_port);
  return fd;
}

/* Look at the host, and let virtual time pass, until a TCP segment with these flags has come. */
static bool await_flags(unsigned flags) {
  for (unsigned i = 0; i < 200; i++) {
    got_n = 0;
    io_nat_look(&nat);
    pass_ms(1);
    if ((flags_got() & flags) == flags) return true;
    usleep(1000);
  }
  return false;
}

Test(host_nat, connects_to_this_host) {
  uint8_t f[ROOM];
  uint16_t port;
  char text[16] = "";
  int fd = listener(&port);
  start(&(struct io_nat_config){0});
  send_frame(f, arp(f));
  struct tcp t = {.here = 5000, .there = port, .host = GATEWAY, .seq = 1000};
  send_frame(f, tcp(f, &t, SYN, ""));
  cr_assert(await_flags(SYN | ACK));
  t.seq++, t.ack = get32(got + L4 + 4) + 1;
  send_frame(f, tcp(f, &t, ACK, ""));
  int peer = accept(fd, NULL, NULL);
  send_frame(f, tcp(f, &t, ACK | PSH, "hello"));
  cr_assert_eq(read(peer, text, sizeof text), 5);
  cr_expect_str_eq(text, "hello");
  t.seq += 5;
  struct io_polls p = {0};
  io_nat_sockets(&nat, &p);
  cr_expect_eq(p.n, 1, "an answer may come");
  io_polls_fini(&p);
  cr_assert_eq(write(peer, "world", 5), 5);
  cr_assert(await_flags(ACK | PSH));
  cr_expect_arr_eq(got + got_n - 5, "world", 5);
  cr_expect_gt(nat.from_outside, 0);
  close(peer);
  close(fd);
  stop();
}

/* An answer that nobody acknowledges is sent again, by virtual time alone. */
Test(host_nat, repeats_by_virtual_time) {
  uint8_t f[ROOM];
  uint16_t port;
  int fd = listener(&port);
  start(&(struct io_nat_config){0});
  send_frame(f, arp(f));
  struct tcp t = {.here = 5000, .there = port, .host = GATEWAY, .seq = 1000};
  send_frame(f, tcp(f, &t, SYN, ""));
  cr_assert(await_flags(SYN | ACK));
  unsigned before = n_got;
  usleep(100000);
  io_nat_look(&nat);
  pass_ms(1);
  cr_expect_eq(n_got, before, "wall time does nothing");
  for (unsigned i = 0; i < 100; i++) pass_ms(100);
  cr_expect_gt(n_got, before);
  close(fd);
  stop();
}

Test(host_nat, forwards_a_port) {
  uint8_t f[ROOM];
  uint16_t port;
  close(listener(&port)); /* one that is free */
  struct io_nat_forward forward = {.host = port, .guest = 80};
  struct io_nat_config c = {.forward = &forward, .forwards = 1, .restricted = true};
  start(&c);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  (void)!connect(fd, (struct sockaddr *)&a, sizeof a);
  struct io_polls p = {0};
  io_nat_sockets(&nat, &p);
  cr_expect_eq(p.n, 0, "the guest's card is not up");
  send_frame(f, arp(f));
  io_nat_sockets(&nat, &p);
  cr_expect_eq(p.n, 1, "somebody may come");
  io_polls_fini(&p);
  cr_assert(await_flags(SYN));
  cr_expect_eq(got[L4 + 2] << 8 | got[L4 + 3], 80);
  close(fd);
  stop();
}

Test(host_nat, leads_nowhere_when_restricted) {
  uint8_t f[ROOM];
  uint16_t port;
  int fd = listener(&port);
  start(&(struct io_nat_config){.restricted = true});
  send_frame(f, arp(f));
  struct tcp t = {.here = 5000, .there = port, .host = GATEWAY, .seq = 1000};
  send_frame(f, tcp(f, &t, SYN, ""));
  cr_expect_not(await_flags(SYN | ACK));
  cr_expect_eq(nat.from_outside, 0);
  close(fd);
  stop();
}

Test(host_nat, port_in_use) {
  uint16_t port;
  unsigned bad;
  int fd = listener(&port);
  struct io_nat_forward forward[2] = {{.udp = true, .host = port, .guest = 1}, {.host = port, .guest = 1}};
  struct io_nat_config c = {.forward = forward, .forwards = 2};
  cr_expect_str_eq(io_nat_init(&nat, &c, &bad), "is in use");
  cr_expect_eq(bad, 1);
  stop();
  close(fd);
}

/* Frames that are nearly right, and random ones, of all lengths. Nothing may come of it but answers. */
Test(host_nat, fuzz) {
  static uint8_t f[IO_NET_FRAME_MAX];
  uint32_t x = 2463534242u;
  start(&(struct io_nat_config){.restricted = true}); /* the host's own network is not to be bothered */
  send_frame(f, arp(f));
  for (unsigned i = 0; i < 100000; i++) {
    x ^= x << 13, x ^= x >> 17, x ^= x << 5;
    struct tcp t = {.here = x & 3, .there = x >> 2 & 3, .host = x >> 4 & 3, .seq = x >> 8, .ack = x >> 12};
    unsigned kind = x >> 28, n = kind < 4    ? ping(f, x & 3, x >> 8 & 1023)
                                 : kind < 7  ? dhcp(f, x & 7, x)
                                 : kind < 8  ? arp(f)
                                 : kind < 13 ? tcp(f, &t, x & 31, "text")
                                             : 14 + (x >> 4) % (x & 0x100 ? 1500 : IO_NET_FRAME_MAX - 13);
    for (unsigned k = 0; k < (x >> 16 & 3); k++) {
      x ^= x << 13, x ^= x >> 17, x ^= x << 5;
      f[12 + x % (n - 12 < 60 ? n - 12 : 60)] = (uint8_t)(x >> 24);
    }
    if (f[IP] == 0x45 && x & 0x800) put16(f + IP + 10, 0), put16(f + IP + 10, ~sum(f + IP, IP_BYTES, 0) & 0xffff);
    if (!(x & 0xf000)) n = 14 + x % (n - 13);
    send_frame(f, n);
    if (i % 16 == 0) pass_ms(x & 127);
    if (i % 64 == 0) io_nat_look(&nat);
  }
  cr_expect_gt(n_got, 1000);
  stop();
}
