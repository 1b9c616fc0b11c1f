/* criterion-tests/test_dev_rtc.c: calendar, formats, the update cycle, alarm, periodic and update interrupts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "test_dev_steps.h"

enum { IDX = 0x70, DATA = 0x71 };
#define MS 1000000ull
#define S  1000000000ull
#define GET(r, v)                                                                                                      \
  {WR, IDX, (r)}, {                                                                                                    \
    RD, DATA, (v)                                                                                                      \
  }
#define SEE(r, v, m)                                                                                                   \
  {WR, IDX, (r)}, {                                                                                                    \
    RD, DATA, (v), .mask = (m)                                                                                         \
  }
#define SET(r, v)                                                                                                      \
  {WR, IDX, (r)}, {                                                                                                    \
    WR, DATA, (v)                                                                                                      \
  }

struct date {
  int64_t unix_time;
  int y, mo, d, wd, h, mi, s;
};
static const struct date dates[] = {
    {0, 1970, 1, 1, 5, 0, 0, 0},
    {951782400, 2000, 2, 29, 3, 0, 0, 0},
    {951868800, 2000, 3, 1, 4, 0, 0, 0},
    {1704067200, 2024, 1, 1, 2, 0, 0, 0},
    {1709251199, 2024, 2, 29, 5, 23, 59, 59},
    {4107542400, 2100, 3, 1, 2, 0, 0, 0},
    {-1, 1969, 12, 31, 4, 23, 59, 59},
    {1735689599, 2024, 12, 31, 3, 23, 59, 59},
};

static int bcd(uint64_t v) {
  return (int)((v >> 4) * 10 + (v & 15));
}
static uint64_t reg(struct bench *b, unsigned r) {
  io_board_write(&b->board, BOARD_PCI_IO + IDX, r, 1);
  return io_board_read(&b->board, BOARD_PCI_IO + DATA, 1);
}

Test(rtc, calendar) {
  static struct bench b;
  for (unsigned i = 0; i < sizeof dates / sizeof *dates; i++) {
    const struct date *t = &dates[i];
    bench_config(&b);
    bench_start(&b);
    b.board.rtc.start = t->unix_time; /* the config treats 0 as "default" */
    cr_expect_eq(bcd(reg(&b, 0x32)) * 100 + bcd(reg(&b, 9)), t->y, "row %u", i);
    cr_expect_eq(bcd(reg(&b, 8)), t->mo, "row %u", i);
    cr_expect_eq(bcd(reg(&b, 7)), t->d, "row %u", i);
    cr_expect_eq((int)reg(&b, 6), t->wd, "row %u: %d", i, (int)reg(&b, 6));
    cr_expect_eq(bcd(reg(&b, 4)), t->h, "row %u", i);
    cr_expect_eq(bcd(reg(&b, 2)), t->mi, "row %u", i);
    cr_expect_eq(bcd(reg(&b, 0)), t->s, "row %u", i);
  }
}

#define CASE(name, ...)                                                                                                \
  Test(rtc, name) {                                                                                                    \
    static struct bench b;                                                                                             \
    bench_init(&b);                                                                                                    \
    static const struct step steps[] = {__VA_ARGS__};                                                                  \
    BENCH_RUN(&b, steps);                                                                                              \
  }
/* Slave i8259 open for IRQ8. */
#define PICS                                                                                                           \
  {WR, 0x20, 0x11}, {WR, 0x21, 0}, {WR, 0x21, 4}, {WR, 0x21, 1}, {WR, 0x21, 0xfb}, {WR, 0xa0, 0x11}, {WR, 0xa1, 8},    \
      {WR, 0xa1, 2}, {WR, 0xa1, 1}, {                                                                                  \
    WR, 0xa1, 0xfe                                                                                                     \
  }
#define EOI                                                                                                            \
  {WR, 0xa0, 0x20}, {                                                                                                  \
    WR, 0x20, 0x20                                                                                                     \
  }

/* clang-format off */
CASE(runs_on_virtual_time, GET(0, 0), {PASS, S - 1}, GET(0, 0), {PASS, 1}, GET(0, 1), {PASS, 3661 * S}, GET(0, 2), GET(2, 1), GET(4, 1))
CASE(update_in_progress, GET(10, 0x26), {PASS, S - 2228001}, GET(10, 0x26), {PASS, 2}, GET(10, 0xa6), {PASS, 2227998},
     GET(10, 0xa6), GET(0, 0), {PASS, 1}, GET(10, 0x26), GET(0, 1), GET(13, 0x80))
CASE(formats, {PASS, 13 * 3600 * S + 45 * S}, GET(4, 0x13), SET(11, 6), GET(4, 13), GET(0, 45), SET(11, 4), GET(4, 0x81),
     SET(11, 0), GET(4, 0x81), GET(0, 0x45), {PASS, 11 * 3600 * S}, GET(4, 0x12), SET(11, 2), GET(4, 0x00))
CASE(set_stops_and_sets, SET(11, 0x82), {PASS, 5 * S}, GET(0, 0), GET(10, 0x26), SET(0, 0x58), SET(2, 0x59), SET(4, 0x23),
     SET(7, 0x28), SET(8, 2), SET(9, 0x23), SET(0x32, 0x20), {PASS, 5 * S}, GET(0, 0x58), SET(11, 2), GET(0, 0x58),
     {PASS, 2 * S}, GET(0, 0), GET(2, 0), GET(4, 0), GET(7, 1), GET(8, 3), GET(9, 0x23))
CASE(garbage_date_is_survived, SET(11, 0x82), SET(8, 0xff), SET(7, 0xff), SET(9, 0xff), SET(4, 0xff), SET(11, 2), {PASS, S}, GET(10, 0x26))
CASE(divider_reset, SET(10, 0x70), {PASS, 10 * S}, GET(0, 0), SET(10, 0x26), {PASS, S / 2 - 1}, GET(0, 0), {PASS, 1}, GET(0, 1))
CASE(update_flag_polled, {WR, IDX, 12}, {RD, DATA, 0}, {PASS, S}, SEE(12, 0x10, 0x90), SEE(12, 0, 0x90), {PASS, S / 2}, SEE(12, 0, 0x90))
CASE(update_interrupt, PICS, SET(11, 0x12), {PASS, S - 1}, {LINE, 0, 0}, {PASS, 1}, {LINE, 0, 1}, {ACK, 0, 8}, SEE(12, 0x90, 0x90),
     EOI, {LINE, 0, 0}, {PASS, S}, {LINE, 0, 1}, {ACK, 0, 8}, EOI, {PASS, 5 * S}, {LINE, 0, 0}, /* until C is read */
     SEE(12, 0x90, 0x90), {PASS, S}, {LINE, 0, 1})
CASE(periodic_interrupt, PICS, SET(10, 0x26), SET(11, 0x42), {PASS, 976562}, {LINE, 0, 1}, {ACK, 0, 8}, GET(12, 0xc0), EOI,
     {LINE, 0, 0}, {PASS, 976562}, {LINE, 0, 1}, {ACK, 0, 8}, GET(12, 0xc0), EOI, SET(10, 0x20), {PASS, S / 2}, {LINE, 0, 0})
CASE(alarm, PICS, SET(1, 0x05), SET(3, 0xc0), SET(5, 0xff), SET(11, 0x22), {PASS, 5 * S - 1}, {LINE, 0, 0}, {PASS, 1}, {LINE, 0, 1},
     {ACK, 0, 8}, SEE(12, 0xb0, 0xb0), EOI, {PASS, 59 * S}, {LINE, 0, 0}, {PASS, S}, {LINE, 0, 1}, GET(1, 5))
CASE(alarm_seen_late, SET(1, 0), SET(3, 0), SET(5, 0x12), {PASS, 12 * 3600 * S - 1}, SEE(12, 0, 0x20), {PASS, 1}, SEE(12, 0x20, 0x20),
     {PASS, 100 * 86400 * S}, SEE(12, 0x20, 0x20))
CASE(cmos_ram, SET(0x40, 0x12), SET(0x7f, 0x34), GET(0x40, 0x12), GET(0x7f, 0x34), GET(0xff, 0x34), {RD, IDX, 0xff})
/* clang-format on */

Test(rtc, reset_keeps_time_and_ram) {
  static struct bench b;
  bench_init(&b);
  static const struct step before[] = {SET(0x40, 0x77), SET(11, 0x52), {PASS, 7 * S}};
  static const struct step after[] = {GET(0x40, 0x77), GET(0, 7), GET(11, 2), {LINE, 0, 0}, {PASS, S}, GET(0, 8)};
  BENCH_RUN(&b, before);
  io_board_reset(&b.board);
  io_board_firmware(&b.board);
  BENCH_RUN(&b, after);
}
