/* iosys/dev_rtc.c: MC146818 clock and CMOS RAM as in PIIX4, ports 0x70..0x73. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Time is start + virtual time, worked out when looked at. An update ends at each full second; the UIP bit goes up
 * 244 us before the update begins and the update itself takes 1984 us (MC146818 data sheet, "Update cycle"). Flags of
 * register C are worked out lazily for the time since they were last looked at; the timer only serves interrupts. */
#include "iosys/devices.h"

enum {
  SECONDS,
  SEC_ALARM,
  MINUTES,
  MIN_ALARM,
  HOURS,
  HOUR_ALARM,
  WEEKDAY,
  DAY,
  MONTH,
  YEAR,
  A,
  B,
  C,
  D,
  CENTURY = 0x32
};
enum { A_UIP = 0x80, A_DIVIDER = 0x70, A_RUN = 0x20, A_RATE = 15 };
enum { B_SET = 0x80, B_PIE = 0x40, B_AIE = 0x20, B_UIE = 0x10, B_BINARY = 4, B_24H = 2 };
enum { C_IRQ = 0x80, C_PF = 0x40, C_AF = 0x20, C_UF = 0x10 };
enum { D_VALID = 0x80 };
#define SECOND     1000000000u
#define UIP_NS     2228000u /* 244 us warning + 1984 us update */
#define DAY_LENGTH 86400

static uint64_t board_ns(const struct io_rtc *r) {
  return io_clock_ns(r->clock) + r->phase;
}
static int64_t unix_now(const struct io_rtc *r) {
  return r->start + (int64_t)(board_ns(r) / SECOND);
}
static bool running(const struct io_rtc *r) {
  return (r->cmos[A] & A_DIVIDER) == A_RUN && !(r->cmos[B] & B_SET);
}

static uint8_t encode(const struct io_rtc *r, int v) {
  return (uint8_t)(r->cmos[B] & B_BINARY ? v : v / 10 << 4 | v % 10);
}
static int decode(const struct io_rtc *r, uint8_t v) {
  return r->cmos[B] & B_BINARY ? v : (v >> 4) * 10 + (v & 15);
}

static uint8_t encode_hour(const struct io_rtc *r, int h) {
  if (r->cmos[B] & B_24H) return encode(r, h);
  return (uint8_t)(encode(r, h % 12 ? h % 12 : 12) | (h >= 12 ? 0x80 : 0));
}
static int decode_hour(const struct io_rtc *r, uint8_t v) {
  if (r->cmos[B] & B_24H) return decode(r, v);
  return decode(r, v & 0x7f) % 12 + (v & 0x80 ? 12 : 0);
}

/* Days since 1970-01-01 to a civil date and back, by whole 400-year eras that begin on the first of March. */
static int64_t days_from(int64_t y, int m, int d) {
  y -= m <= 2;
  int64_t era = (y >= 0 ? y : y - 399) / 400;
  int64_t yoe = y - era * 400, doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}
static void date_of(int64_t days, int *y, int *m, int *d) {
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097, doe = days - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
  *d = (int)(doy - (153 * mp + 2) / 5 + 1);
  *m = (int)(mp < 10 ? mp + 3 : mp - 9);
  *y = (int)(yoe + era * 400 + (*m <= 2));
}

static int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b < 0);
}

/* Write the present into the time bytes. */
static void show(struct io_rtc *r) {
  int64_t t = unix_now(r), days = floor_div(t, DAY_LENGTH);
  int s = (int)(t - days * DAY_LENGTH), y, m, d;
  date_of(days, &y, &m, &d);
  r->cmos[SECONDS] = encode(r, s % 60);
  r->cmos[MINUTES] = encode(r, s / 60 % 60);
  r->cmos[HOURS] = encode_hour(r, s / 3600);
  r->cmos[WEEKDAY] = encode(r, (int)((days % 7 + 7 + 4) % 7) + 1);
  r->cmos[DAY] = encode(r, d);
  r->cmos[MONTH] = encode(r, m);
  r->cmos[YEAR] = encode(r, y % 100);
  r->cmos[CENTURY] = (uint8_t)(y / 100 / 10 << 4 | y / 100 % 10);
}

/* Take the time bytes as the new present: the next update comes a full second later (or `into` ns sooner). */
static void take(struct io_rtc *r, uint64_t into) {
  int century = (r->cmos[CENTURY] >> 4) * 10 + (r->cmos[CENTURY] & 15);
  int m = decode(r, r->cmos[MONTH]), d = decode(r, r->cmos[DAY]);
  if (m < 1 || m > 12) m = 1; /* garbage from the guest counts as something */
  int64_t days = days_from(century * 100 + decode(r, r->cmos[YEAR]), m, d);
  int64_t t = days * DAY_LENGTH + decode_hour(r, r->cmos[HOURS]) * 3600 + decode(r, r->cmos[MINUTES]) * 60 +
              decode(r, r->cmos[SECONDS]);
  uint64_t now = io_clock_ns(r->clock);
  r->phase = (SECOND + into - now % SECOND) % SECOND;
  r->start = t - (int64_t)((now + r->phase) / SECOND);
  r->seen = now + r->phase;
}

/* Period of the periodic flag in ns, 0: none (data sheet table 5: rates 1 and 2 repeat 8 and 9). */
static uint64_t period(const struct io_rtc *r) {
  unsigned rate = r->cmos[A] & A_RATE;
  if (!rate || (r->cmos[A] & A_DIVIDER) != A_RUN) return 0;
  if (rate < 3) rate += 7;
  return ((uint64_t)SECOND << (rate - 1)) / 32768;
}

static bool alarm_matches(const struct io_rtc *r, int64_t t) {
  int s = (int)(t - floor_div(t, DAY_LENGTH) * DAY_LENGTH);
  const uint8_t *c = r->cmos; /* the two top bits set mean "any" */
  return (c[SEC_ALARM] >= 0xc0 || decode(r, c[SEC_ALARM]) == s % 60) &&
         (c[MIN_ALARM] >= 0xc0 || decode(r, c[MIN_ALARM]) == s / 60 % 60) &&
         (c[HOUR_ALARM] >= 0xc0 || decode_hour(r, c[HOUR_ALARM]) == s / 3600);
}

/* Raise the flags of everything that happened since the last look. */
static void catch_up(struct io_rtc *r) {
  uint64_t now = board_ns(r), p = period(r);
  if (p && now / p != r->seen / p) r->cmos[C] |= C_PF;
  uint64_t from = r->seen / SECOND, to = now / SECOND;
  if (running(r) && to != from) {
    r->cmos[C] |= C_UF;
    if (to - from > DAY_LENGTH) from = to - DAY_LENGTH;
    while (from++ < to && !(r->cmos[C] & C_AF))
      if (alarm_matches(r, r->start + (int64_t)from)) r->cmos[C] |= C_AF;
  }
  if (now > r->seen) r->seen = now;
}

/* IRQF and the line follow the flags; the timer waits for the next event that could raise an enabled one. */
static void update(void *rtc) {
  struct io_rtc *r = rtc;
  catch_up(r);
  bool irq = r->cmos[C] & r->cmos[B] & (C_PF | C_AF | C_UF);
  r->cmos[C] = (uint8_t)((r->cmos[C] & ~C_IRQ) | (irq ? C_IRQ : 0));
  io_irq_set(&r->line, irq);
  uint64_t now = board_ns(r), next = UINT64_MAX, p = period(r);
  if (p && r->cmos[B] & B_PIE && !(r->cmos[C] & C_PF)) next = (now / p + 1) * p;
  if (running(r) && r->cmos[B] & (B_AIE | B_UIE)) {
    uint64_t second = (now / SECOND + 1) * SECOND;
    if (second < next) next = second;
  }
  if (next == UINT64_MAX)
    io_timer_cancel(r->clock, &r->timer);
  else
    io_timer_set(r->clock, &r->timer, next - r->phase);
}

static uint8_t read_cmos(struct io_rtc *r, uint8_t index) {
  if ((index <= YEAR && !(index & 1 && index < WEEKDAY)) || index == CENTURY) {
    if (running(r)) show(r);
    return r->cmos[index];
  }
  uint8_t v = r->cmos[index];
  if (index == A) return (uint8_t)(v | (running(r) && SECOND - board_ns(r) % SECOND <= UIP_NS ? A_UIP : 0));
  if (index == D) return D_VALID;
  if (index == C) {
    update(r);
    v = r->cmos[C];
    r->cmos[C] = 0;
    update(r);
  }
  return v;
}

static void write_cmos(struct io_rtc *r, uint8_t index, uint8_t v) {
  bool was = running(r);
  update(r);
  if (index == C || index == D) return;
  if (was && (index == A || index == B)) show(r); /* the bytes freeze, or are read in the old format */
  bool time_byte = (index <= YEAR && !(index & 1 && index < WEEKDAY)) || index == CENTURY;
  uint64_t into = index == A || index == B ? board_ns(r) % SECOND : 0;
  if (time_byte && was) show(r);
  if (index == A) v &= (uint8_t)~A_UIP;
  if (index == B && v & B_SET) v &= (uint8_t)~B_UIE; /* SET clears UIE: data sheet, register B */
  bool divider_released = index == A && (r->cmos[A] & A_DIVIDER) != A_RUN && (v & A_DIVIDER) == A_RUN;
  if (index == B && was && !(v & B_SET)) { /* a change of format: keep the time, show it anew */
    r->cmos[B] = v;
    show(r);
  } else {
    r->cmos[index] = v;
    if (divider_released) into = SECOND / 2; /* the first update follows half a second later */
    if (running(r) && (!was || time_byte)) take(r, time_byte ? board_ns(r) % SECOND : into);
  }
  update(r);
}

static uint64_t rtc_read(void *dev, uint32_t off, int size) {
  struct io_rtc *r = dev;
  (void)size;
  if (!(off & 1)) return 0xff; /* the index port is write-only on PIIX4 */
  return read_cmos(r, r->index);
}

static void rtc_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_rtc *r = dev;
  (void)size;
  if (off & 1)
    write_cmos(r, r->index, (uint8_t)v);
  else
    r->index = v & 0x7f; /* bit 7 gates the NMI, of which this board has none */
}

/* RESET leaves time and RAM alone, drops the interrupt enables and flags. */
static void rtc_reset(void *dev) {
  struct io_rtc *r = dev;
  r->cmos[B] &= (uint8_t) ~(B_PIE | B_AIE | B_UIE);
  r->cmos[C] = 0;
  r->index = 0;
  update(r);
}

void io_rtc_init(struct io_rtc *r, struct io_clock *clock, struct irq_line line, int64_t start) {
  *r = (struct io_rtc){.clock = clock, .line = line, .start = start, .timer = {.fn = update, .ctx = r}};
  r->cmos[A] = A_RUN | 6;
  r->cmos[B] = B_24H;
  r->seen = board_ns(r);
  show(r);
  rtc_reset(r);
}

const struct dev_ops rtc_ops = {"rtc", rtc_read, rtc_write, rtc_reset};

void io_rtc_state(void *rtc, struct snap *s) {
  struct io_rtc *r = rtc;
  const int64_t end = INT64_C(1) << 48; /* of time */
  SNAP(s, r->start);
  SNAP(s, r->phase);
  SNAP(s, r->index);
  SNAP_ARRAY(s, r->cmos, r->cmos[0]);
  SNAP(s, r->seen);
  io_timer_state(r->clock, &r->timer, s);
  snap_check(s, r->start > -end && r->start < end && r->phase < SECOND && r->index < sizeof r->cmos);
}
