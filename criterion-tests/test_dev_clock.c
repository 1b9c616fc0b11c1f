/* criterion-tests/test_dev_clock.c: virtual time: conversions, timers in order, each at its own moment. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "iosys/clock.h"
#include <criterion/criterion.h>

Test(clock, converts) {
  static const struct {
    uint32_t mhz;
    uint64_t now, ns;
  } rows[] = {
      {100, 0, 0},
      {100, 1, 10},
      {100, 123, 1230},
      {3, 1, 333},
      {3, 3, 1000},
      {1, 5, 5000},
      {200, 1u << 31, 10737418240u},
      {333, 999, 3000},
      {1000, 18000000000000000000u, 18000000000000000000u},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct io_clock c;
    io_clock_init(&c, rows[i].mhz);
    c.now = rows[i].now;
    cr_expect_eq(io_clock_ns(&c), rows[i].ns, "row %u: %lu", i, (unsigned long)io_clock_ns(&c));
  }
}

struct probe {
  struct io_clock *clock;
  struct io_timer timer;
  uint64_t seen_ns;
  int order;
  uint64_t again; /* re-arm once, this many ns later */
};
static int fired;
static void note(void *ctx) {
  struct probe *p = ctx;
  p->seen_ns = io_clock_ns(p->clock);
  p->order = ++fired;
  if (p->again) {
    uint64_t at = p->seen_ns + p->again;
    p->again = 0;
    io_timer_set(p->clock, &p->timer, at);
  }
}
static void probe_init(struct probe *p, struct io_clock *c, uint64_t ns) {
  *p = (struct probe){.clock = c, .timer = {.fn = note, .ctx = p}};
  io_timer_set(c, &p->timer, ns);
}

Test(clock, fires_in_order_at_its_time) {
  struct io_clock c;
  struct probe a, b, d;
  fired = 0;
  io_clock_init(&c, 3); /* a rate that does not divide: 1000 ns is cycle 3, 1001 ns cycle 4 */
  probe_init(&a, &c, 2000);
  probe_init(&b, &c, 1001);
  probe_init(&d, &c, 2000);
  cr_expect_eq(io_clock_next(&c), 4);
  io_clock_advance(&c, 3);
  cr_expect_eq(fired, 0);
  io_clock_advance(&c, 100);
  cr_expect_eq(b.order, 1);
  cr_expect_eq(a.order, 2, "a tie goes in the order it was set");
  cr_expect_eq(d.order, 3);
  cr_expect_eq(b.seen_ns, 1333);
  cr_expect_eq(a.seen_ns, 2000);
  cr_expect_eq(c.now, 100);
  cr_expect_eq(io_clock_next(&c), UINT64_MAX);
}

Test(clock, cancel_rearm_and_past) {
  struct io_clock c;
  struct probe a, b;
  fired = 0;
  io_clock_init(&c, 100);
  probe_init(&a, &c, 500);
  probe_init(&b, &c, 600);
  io_timer_cancel(&c, &a.timer);
  io_timer_cancel(&c, &a.timer);
  b.again = 50;
  io_timer_set(&c, &b.timer, 100); /* moves it */
  io_clock_advance(&c, 12);
  cr_expect_eq(fired, 1);
  cr_expect_eq(b.seen_ns, 100);
  io_clock_advance(&c, 1000);
  cr_expect_eq(fired, 2, "re-armed from its own callback");
  cr_expect_eq(b.seen_ns, 150);
  io_timer_set(&c, &a.timer, 5); /* long past */
  io_clock_advance(&c, 1000);
  cr_expect_eq(a.seen_ns, 10000, "fires in the present, time never runs back");
}

Test(clock, charge_is_stall) {
  struct io_clock c;
  io_clock_init(&c, 200);
  io_clock_charge(&c, 1000);
  io_clock_charge(&c, 100);
  cr_expect_eq(c.stall, 220);
  cr_expect_eq(c.now, 0);
}
