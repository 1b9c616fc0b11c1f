/* criterion-tests/test_switch.c: the virtual ethernet with fake stations: who gets what, when, and how much. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "iosys/bus.h"
#include "iosys/switch.h"
#include <criterion/criterion.h>
#include <string.h>

/* A machine with a clock and a card that takes everything. */
struct peer {
  struct io_clock clock;
  struct io_station station;
  struct io_net net;
  unsigned got, last_n;
  uint64_t at_ns; /* when the last frame came */
  uint8_t last[IO_NET_FRAME_MAX];
};
static struct peer peers[3];
static struct io_switch hub;

static void arrived(void *peer) {
  struct peer *p = peer;
  unsigned n;
  while ((n = p->net.recv(p->net.ctx, p->last, sizeof p->last))) {
    p->got++;
    p->last_n = n;
    p->at_ns = io_clock_ns(&p->clock);
  }
}

static void join_all(void) {
  memset(&hub, 0, sizeof hub);
  for (unsigned i = 0; i < 3; i++) {
    peers[i] = (struct peer){0};
    io_clock_init(&peers[i].clock, 1000);
    cr_assert_eq(io_switch_join(&hub, &peers[i].station, &peers[i].clock), IO_OK);
    peers[i].net = io_station_net(&peers[i].station);
    peers[i].net.listen(peers[i].net.ctx, arrived, &peers[i]);
  }
}
static void leave_all(void) {
  for (unsigned i = 0; i < 3; i++) io_switch_leave(&peers[i].station);
}
TestSuite(switch, .init = join_all, .fini = leave_all);

static uint8_t frame[IO_NET_FRAME_MAX];
enum { EVERYBODY = 99 };
static void send_n(unsigned from, unsigned to, unsigned n) {
  memset(frame, to == EVERYBODY ? 0xff : 2, 6);
  if (to != EVERYBODY) frame[5] = (uint8_t)to;
  memset(frame + 6, 2, 6);
  frame[11] = (uint8_t)from;
  for (unsigned i = 12; i < n; i++) frame[i] = (uint8_t)(i * 7);
  peers[from].net.send(peers[from].net.ctx, frame, n);
}
static void pass(uint64_t ns) {
  for (unsigned i = 0; i < 3; i++) io_clock_advance(&peers[i].clock, peers[i].clock.now + ns);
}
static void expect_got(unsigned a, unsigned b, unsigned c) {
  cr_expect_eq(peers[0].got, a, "0 has %u", peers[0].got);
  cr_expect_eq(peers[1].got, b, "1 has %u", peers[1].got);
  cr_expect_eq(peers[2].got, c, "2 has %u", peers[2].got);
}

Test(switch, learns_who_is_where) {
  send_n(0, 1, 60);
  pass(1000000);
  expect_got(0, 1, 1); /* nobody knows where 1 is */
  send_n(1, 0, 60);
  pass(1000000);
  expect_got(1, 1, 1);
  send_n(0, 1, 60);
  pass(1000000);
  expect_got(1, 2, 1);
  send_n(2, EVERYBODY, 60);
  pass(1000000);
  expect_got(2, 3, 1);
  cr_expect_eq(hub.flooded, 2);
  send_n(0, 0, 60); /* to itself, as the switch has it */
  pass(1000000);
  expect_got(2, 3, 1);
  io_switch_leave(&peers[1].station);
  send_n(0, 1, 60);
  pass(1000000);
  expect_got(2, 3, 2); /* forgotten with its station */
  peers[1].net.send(peers[1].net.ctx, frame, 60);
  pass(1000000);
  expect_got(2, 3, 2); /* a cable that is out */
}

Test(switch, follows_an_address_that_moves) {
  send_n(1, EVERYBODY, 60);
  frame[11] = 1;
  peers[2].net.send(peers[2].net.ctx, frame, 60); /* 1 speaks from 2's place now */
  send_n(0, 1, 60);
  pass(1000000);
  cr_expect_eq(peers[2].got, 2);
  cr_expect_eq(peers[1].got, 1);
}

/* Due at the sender's time or the receiver's, whichever is later, plus what the wire takes; in order. */
Test(switch, delivers_at_virtual_times) {
  io_clock_advance(&peers[0].clock, 5000000);
  send_n(0, 1, 60);
  io_clock_advance(&peers[1].clock, 5000000 + IO_WIRE_NS - 1);
  cr_expect_eq(peers[1].got, 0);
  io_clock_advance(&peers[1].clock, 9000000);
  cr_expect_eq(peers[1].got, 1);
  cr_expect_eq(peers[1].at_ns, 5000000 + IO_WIRE_NS);
  send_n(0, 1, 61); /* from the past of 1 */
  io_clock_advance(&peers[1].clock, 20000000);
  cr_expect_eq(peers[1].at_ns, 9000000 + IO_WIRE_NS);
  io_clock_advance(&peers[0].clock, 30000000);
  send_n(0, 1, 62);
  send_n(2, 1, 63); /* sent earlier, by a clock that is behind; it came second */
  io_clock_advance(&peers[1].clock, 30000000 + IO_WIRE_NS - 1);
  cr_expect_eq(peers[1].got, 2);
  io_clock_advance(&peers[1].clock, 30000000 + IO_WIRE_NS);
  cr_expect_eq(peers[1].got, 4);
  cr_expect_eq(peers[1].last_n, 63);
}

Test(switch, has_no_mtu_below_64_kib) {
  static const unsigned fine[] = {IO_NET_HEADER, 60, 1514, 9014, 65549, IO_NET_FRAME_MAX};
  for (unsigned i = 0; i < sizeof fine / sizeof *fine; i++) {
    send_n(0, 1, fine[i]);
    pass(1000000);
    cr_expect_eq(peers[1].last_n, fine[i]);
    cr_expect_arr_eq(peers[1].last, frame, fine[i]);
  }
  unsigned got = peers[1].got;
  peers[0].net.send(peers[0].net.ctx, frame, IO_NET_HEADER - 1);
  peers[0].net.send(peers[0].net.ctx, frame, IO_NET_FRAME_MAX + 1);
  pass(1000000);
  cr_expect_eq(peers[1].got, got, "no frames at all");
}

/* A card that takes nothing: the wire fills, and then loses; what it holds is still right. */
Test(switch, loses_what_does_not_fit) {
  peers[1].net.listen(peers[1].net.ctx, NULL, NULL);
  for (unsigned i = 0; i < 100; i++) send_n(0, 1, 60000);
  pass(1000000);
  unsigned held = IO_WIRE_ROOM / 60000;
  cr_expect_eq(peers[1].station.wire.lost, 100 - held);
  arrived(&peers[1]);
  cr_expect_eq(peers[1].got, held);
  uint8_t small[100];
  send_n(0, 1, 200);
  send_n(0, 1, 50);
  pass(1000000);
  cr_expect_eq(peers[1].net.recv(peers[1].net.ctx, small, sizeof small), 50, "one that is too long is lost");
}

Test(switch, is_full_after_so_many) {
  static struct io_station more[IO_SWITCH_STATIONS];
  unsigned n = 0;
  while (n < IO_SWITCH_STATIONS && io_switch_join(&hub, &more[n], &peers[0].clock) == IO_OK) n++;
  cr_expect_eq(n, IO_SWITCH_STATIONS - 3);
  io_switch_leave(&more[0]);
  io_switch_leave(&more[0]);
  cr_expect_eq(io_switch_join(&hub, &more[n], &peers[0].clock), IO_OK);
  for (unsigned i = 0; i <= n; i++) io_switch_leave(&more[i]);
}

/* Random traffic from random addresses: everybody's own frames arrive in order, and two runs are the same run. */
static uint64_t traffic(void) {
  uint32_t x = 88172645;
  uint64_t digest = 0;
  for (unsigned i = 0; i < 20000; i++) {
    x ^= x << 13, x ^= x >> 17, x ^= x << 5;
    unsigned from = x % 3;
    send_n(from, x >> 8 & 7, 14 + (x >> 12) % 3000);
    frame[7] = (uint8_t)(x >> 16), frame[10] = (uint8_t)(x >> 24);
    if (x & 0x100) peers[from].net.send(peers[from].net.ctx, frame, 100);
    io_clock_advance(&peers[(x >> 20) % 3].clock, peers[(x >> 20) % 3].clock.now + (x >> 22));
    for (unsigned k = 0; k < 3; k++) digest = digest * 31 + peers[k].got * 7 + peers[k].last_n + peers[k].at_ns;
  }
  return digest;
}

Test(switch, the_same_twice) {
  uint64_t first = traffic();
  leave_all();
  join_all();
  cr_expect_eq(traffic(), first);
  cr_expect_gt(peers[0].got, 1000);
}
