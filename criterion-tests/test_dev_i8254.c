/* criterion-tests/test_dev_i8254.c: modes, byte sequences, latches, read-back, gates, the interrupt of channel 0. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "test_dev_steps.h"

enum { C0 = 0x40, C1 = 0x41, C2 = 0x42, CTL = 0x43, P61 = 0x61 };
enum { TICK = 839 }; /* ns, rounded up: a tick is 838.09 ns */
#define TICKS(n)                                                                                                       \
  { PASS, (n)*838095ull / 1000 + 1 }

/* clang-format off */
#define CASE(name, ...)                                                                             \
  Test(i8254, name) {                                                                               \
    static struct bench b;                                                                          \
    bench_init(&b);                                                                                 \
    static const struct step steps[] = {__VA_ARGS__};                                               \
    BENCH_RUN(&b, steps);                                                                           \
  }
#define PICS {WR, 0x20, 0x11}, {WR, 0x21, 0}, {WR, 0x21, 4}, {WR, 0x21, 1}, {WR, 0x21, 0xfe}
#define STATUS(ch, v) {WR, CTL, 0xe0 | 2 << (ch)}, {RD, C0 + (ch), (v)}

CASE(mode0_one_shot, PICS, {WR, CTL, 0x30}, STATUS(0, 0x70), {WR, C0, 0xe8}, {WR, C0, 0x03}, {LINE, 0, 0},
     TICKS(999), STATUS(0, 0x30), {LINE, 0, 0}, TICKS(1), STATUS(0, 0xb0), {LINE, 0, 1}, {ACK, 0, 0},
     {WR, 0x20, 0x20}, TICKS(5000), {LINE, 0, 0}, /* once */
     {WR, C0, 0x10}, STATUS(0, 0x30), {WR, C0, 0}, TICKS(16), {LINE, 0, 1})
CASE(mode2_periodic, PICS, {WR, CTL, 0x34}, {WR, C0, 100}, {WR, C0, 0}, TICKS(98), {LINE, 0, 0}, TICKS(2), {LINE, 0, 1},
     {ACK, 0, 0}, {WR, 0x20, 0x20}, {LINE, 0, 0}, TICKS(100), {LINE, 0, 1}, {ACK, 0, 0}, {WR, 0x20, 0x20},
     TICKS(100), {LINE, 0, 1})
CASE(mode3_square, {WR, CTL, 0x36}, {WR, C0, 100}, {WR, C0, 0}, STATUS(0, 0xb6), TICKS(50), STATUS(0, 0x36),
     TICKS(50), STATUS(0, 0xb6), {WR, CTL, 0x3e}, STATUS(0, 0xf6)) /* mode 7 is mode 3 */
CASE(latch_holds, {WR, CTL, 0x34}, {WR, C0, 0x00}, {WR, C0, 0x10}, TICKS(0x10), {WR, CTL, 0x00}, TICKS(0x100),
     {WR, CTL, 0x00}, {RD, C0, 0xf0}, {RD, C0, 0x0f}, /* a second latch did not disturb the first */
     {RD, C0, 0xf0}, {RD, C0, 0x0e})
CASE(readback_both, {WR, CTL, 0x34}, {WR, C0, 0x00}, {WR, C0, 0x10}, TICKS(0x20), {WR, CTL, 0xc2}, TICKS(7),
     {RD, C0, 0xb4}, {RD, C0, 0xe0}, {RD, C0, 0x0f})
CASE(byte_modes, {WR, CTL, 0x94}, {WR, C2, 40}, {WR, P61, 1}, TICKS(2), {RD, C2, 38}, {RD, C2, 38},
     {WR, CTL, 0xa4}, {WR, C2, 2}, TICKS(1), {RD, C2, 1}, {RD, CTL, 0xff})
CASE(bcd, {WR, CTL, 0x35}, {WR, C0, 0x00}, {WR, C0, 0x20}, TICKS(1), {WR, CTL, 0}, {RD, C0, 0x99}, {RD, C0, 0x19})
CASE(speaker_gate, {WR, CTL, 0xb0}, {WR, C2, 50}, {WR, C2, 0}, TICKS(80), {RD, P61, 0, .mask = 0x2f},
     {WR, P61, 1}, TICKS(20), {WR, P61, 0}, TICKS(500), {RD, P61, 0, .mask = 0x2f}, /* the gate stopped it */
     {WR, P61, 1}, TICKS(31), {RD, P61, 0x21, .mask = 0x2f})
CASE(gate_reloads_mode2, {WR, P61, 1}, {WR, CTL, 0xb4}, {WR, C2, 0xe8}, {WR, C2, 3}, TICKS(600), {WR, P61, 0},
     TICKS(600), {WR, P61, 1}, {WR, CTL, 0x80}, {RD, C2, 0xe8}, {RD, C2, 3})
CASE(mode4_strobe, PICS, {WR, CTL, 0x38}, {WR, C0, 10}, {WR, C0, 0}, TICKS(10), STATUS(0, 0x38), TICKS(1), STATUS(0, 0xb8))
CASE(refresh_toggles, {RD, P61, 0, .mask = 0x10}, {PASS, 15100}, {RD, P61, 0x10, .mask = 0x10}, {PASS, 15100},
     {RD, P61, 0, .mask = 0x10})
/* clang-format on */

/* 1000 periods of mode 2 take 1000 periods: rounding to nanoseconds and cycles does not add up. */
Test(i8254, does_not_drift) {
  static struct bench b;
  bench_init(&b);
  static const struct step steps[] = {PICS, {WR, CTL, 0x34}, {WR, C0, 0x9c}, {WR, C0, 0x2e}}; /* 11932: 100 Hz */
  BENCH_RUN(&b, steps);
  unsigned n = 0;
  for (unsigned ms = 0; ms < 10005; ms++) {
    bench_pass(&b, 1000000);
    if (!b.line[0]) continue;
    n++;
    io_pics_ack(&b.board.pics);
    io_board_write(&b.board, BOARD_PCI_IO + 0x20, 0x20, 1);
  }
  cr_expect_eq(n, 1000, "%u", n); /* 10.005 s * 1193182 / 11932 = 1000.4 */
}
