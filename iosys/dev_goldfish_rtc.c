/* iosys/dev_goldfish_rtc.c: goldfish real-time clock: Unix nanoseconds, and an alarm. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the low half of the time keeps the high half for the read that follows; writing the low half of time or alarm
 * takes the high half written before. */
#include "iosys/disco.h"

enum {
  TIME_LOW = 0x00,
  TIME_HIGH = 0x04,
  ALARM_LOW = 0x08,
  ALARM_HIGH = 0x0c,
  IRQ_ENABLED = 0x10,
  CLEAR_ALARM = 0x14,
  ALARM_STATUS = 0x18,
  CLEAR_INTERRUPT = 0x1c
};

static uint64_t now(const struct io_goldfish_rtc *r) {
  return r->start + io_clock_ns(r->clock);
}

static void update(struct io_goldfish_rtc *r) {
  io_irq_set(&r->line, r->pending && r->enabled);
}

static void rings(void *rtc) {
  struct io_goldfish_rtc *r = rtc;
  r->pending = true;
  update(r);
}

static void set_alarm(struct io_goldfish_rtc *r, uint64_t at) {
  r->alarm = at;
  if (at <= now(r))
    rings(r);
  else
    io_timer_set(r->clock, &r->timer, io_clock_ns(r->clock) + (at - now(r)));
}

static uint64_t rtc_read(void *dev, uint32_t off, int size) {
  struct io_goldfish_rtc *r = dev;
  (void)size;
  switch (off) {
  case TIME_LOW: r->time_high = (uint32_t)(now(r) >> 32); return (uint32_t)now(r);
  case TIME_HIGH: return r->time_high;
  case ALARM_LOW: return (uint32_t)r->alarm;
  case ALARM_HIGH: return r->alarm >> 32;
  case IRQ_ENABLED: return r->enabled;
  case ALARM_STATUS: return r->timer.armed;
  default: return 0;
  }
}

static void rtc_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_goldfish_rtc *r = dev;
  (void)size;
  switch (off) {
  case TIME_LOW: r->start = ((uint64_t)r->set_high << 32 | (uint32_t)v) - io_clock_ns(r->clock); break;
  case TIME_HIGH: r->set_high = (uint32_t)v; break;
  case ALARM_LOW: set_alarm(r, (uint64_t)r->alarm_high << 32 | (uint32_t)v); break;
  case ALARM_HIGH: r->alarm_high = (uint32_t)v; break;
  case IRQ_ENABLED: r->enabled = v & 1; break;
  case CLEAR_ALARM: io_timer_cancel(r->clock, &r->timer); break;
  case CLEAR_INTERRUPT: r->pending = false; break;
  default: break;
  }
  update(r);
}

/* The time runs on. */
static void rtc_reset(void *dev) {
  struct io_goldfish_rtc *r = dev;
  io_timer_cancel(r->clock, &r->timer);
  r->enabled = r->pending = false;
  update(r);
}

void io_goldfish_rtc_init(struct io_goldfish_rtc *r, struct io_clock *clock, struct irq_line line, int64_t start) {
  *r = (struct io_goldfish_rtc){
      .clock = clock, .line = line, .start = (uint64_t)start * 1000000000u, .timer = {.fn = rings, .ctx = r}};
  rtc_reset(r);
}

const struct dev_ops goldfish_rtc_ops = {"rtc", rtc_read, rtc_write, rtc_reset};

void io_goldfish_rtc_state(void *rtc, struct snap *s) {
  struct io_goldfish_rtc *r = rtc;
  SNAP(s, r->start);
  SNAP(s, r->alarm);
  SNAP(s, r->time_high);
  SNAP(s, r->alarm_high);
  SNAP(s, r->set_high);
  SNAP(s, r->enabled);
  SNAP(s, r->pending);
  io_timer_state(r->clock, &r->timer, s);
}
