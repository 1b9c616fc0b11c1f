/* iosys/dev_i8254.c: i8254 interval timer, and the speaker port 0x61 that gates and shows channel 2. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing ticks: a channel remembers when its counting began, and its count and output are worked out from the
 * virtual clock when somebody looks. Only OUT0 has a timer, set to its next edge. "8254" = Intel data sheet 231164. */
#include "iosys/devices.h"

enum { PIT_HZ = 1193182 };
enum { STATUS_OUT = 0x80, STATUS_NULL = 0x40 };
enum { PORT61_GATE2 = 1, PORT61_SPEAKER = 2, PORT61_REFRESH = 0x10, PORT61_OUT2 = 0x20 };

static uint64_t ticks_of(uint64_t ns) {
  return ns / 1000000000u * PIT_HZ + ns % 1000000000u * PIT_HZ / 1000000000u;
}
/* First nanosecond at which that many ticks have passed. */
static uint64_t ns_of(uint64_t ticks) {
  return ticks / PIT_HZ * 1000000000u + (ticks % PIT_HZ * 1000000000u + PIT_HZ - 1) / PIT_HZ;
}

/* Ticks since counting began. Counted on the global tick grid, so that periods do not drift by rounding. */
static uint64_t elapsed(const struct io_pit *p, const struct io_pit_channel *c) {
  uint64_t now = ticks_of(io_clock_ns(p->clock));
  return now > c->start ? now - c->start : 0;
}

static bool periodic(const struct io_pit_channel *c) {
  return c->mode == 2 || c->mode == 3;
}
static uint32_t full(const struct io_pit_channel *c) {
  return c->bcd ? 10000 : 0x10000;
}

static uint32_t count_now(const struct io_pit *p, const struct io_pit_channel *c) {
  if (!c->counting) return c->held;
  uint64_t t = elapsed(p, c);
  uint32_t n = c->count, wrap = full(c);
  switch (c->mode) {
  case 2: return n - (uint32_t)(t % n);
  case 3: return n - (uint32_t)(2 * t % n) - (n & 1 && 2 * t % n == 0 ? 1 : 0); /* by twos, odd counts from n - 1 */
  default: return (uint32_t)((n + wrap - t % wrap) % wrap);                     /* runs on below zero */
  }
}

static bool output(const struct io_pit *p, const struct io_pit_channel *c) {
  uint64_t t = elapsed(p, c);
  if (!c->counting) return c->mode != 0; /* the control word alone sets OUT high, in mode 0 low */
  switch (c->mode) {
  case 0: return t >= c->count;
  case 1: return t >= c->count;
  case 2: return t % c->count != c->count - 1;
  case 3: return t % c->count < (c->count + 1) / 2;
  default: return t != c->count; /* 4, 5: one low tick */
  }
}

/* Ticks after the start at which the output next changes, 0: never again. */
static uint64_t next_edge(const struct io_pit *p, const struct io_pit_channel *c) {
  uint64_t t = elapsed(p, c), n = c->count, base = t - t % n, in = t % n;
  switch (c->mode) {
  case 2: return base + (in < n - 1 ? n - 1 : n);
  case 3: return base + (in < (n + 1) / 2 ? (n + 1) / 2 : n);
  case 4:
  case 5: return t < n ? n : t == n ? n + 1 : 0;
  default: return t < n ? n : 0;
  }
}

static void follow_out0(void *pit) {
  struct io_pit *p = pit;
  struct io_pit_channel *c = &p->ch[0];
  io_irq_set(&p->line, output(p, c));
  uint64_t edge = c->counting ? next_edge(p, c) : 0;
  if (edge)
    io_timer_set(p->clock, &p->timer, ns_of(c->start + edge));
  else
    io_timer_cancel(p->clock, &p->timer);
}

static void start(struct io_pit *p, struct io_pit_channel *c) {
  c->start = ticks_of(io_clock_ns(p->clock));
  c->counting = c->gate || c->mode == 1 || c->mode == 5;
  c->null_count = false;
  c->held = (uint16_t)c->count;
}

static unsigned from_bcd(unsigned v) {
  return (v & 15) + (v >> 4 & 15) * 10 + (v >> 8 & 15) * 100 + (v >> 12 & 15) * 1000;
}
static unsigned to_bcd(unsigned v) {
  return v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 | v / 1000 % 10 << 12;
}

static void load(struct io_pit *p, struct io_pit_channel *c, unsigned v) {
  unsigned n = c->bcd ? from_bcd(v) : v;
  if (!n) n = full(c);
  if (n == 1 && periodic(c)) n = 2; /* 1 is illegal in modes 2 and 3 (8254, fig. 14) */
  bool running = periodic(c) && c->counting;
  uint64_t t = running ? elapsed(p, c) : 0;
  uint32_t old = c->count;
  c->count = n;
  if (c->mode == 1 || c->mode == 5) {
    c->null_count = true; /* waits for the gate */
  } else if (running) {
    /* A new count takes effect at the end of the current cycle: pretend the next one began a whole number of new
     * periods ago. Until then the old period is cut or stretched by at most one period. */
    c->start += t - t % old;
    if (t % old >= n) c->start += t % old - t % old % n;
    c->null_count = false;
  } else {
    start(p, c);
  }
  if (c == &p->ch[0]) follow_out0(p);
}

static void latch_count(const struct io_pit *p, struct io_pit_channel *c) {
  if (c->latch_full) return; /* 8254: later latch commands are ignored until it is read */
  uint32_t n = count_now(p, c);
  c->latched = (uint16_t)(c->bcd ? to_bcd(n % 10000) : n);
  c->latch_full = true;
}

static void latch_status(const struct io_pit *p, struct io_pit_channel *c) {
  if (c->status_full) return;
  c->status = (uint8_t)((output(p, c) ? STATUS_OUT : 0) | (c->null_count ? STATUS_NULL : 0) | c->rw << 4 |
                        c->mode << 1 | c->bcd);
  c->status_full = true;
}

static void control(struct io_pit *p, uint8_t v) {
  if (v >> 6 == 3) { /* read-back command */
    for (int i = 0; i < 3; i++) {
      if (!(v >> (i + 1) & 1)) continue;
      if (!(v & 0x20)) latch_count(p, &p->ch[i]);
      if (!(v & 0x10)) latch_status(p, &p->ch[i]);
    }
    return;
  }
  struct io_pit_channel *c = &p->ch[v >> 6];
  if (!(v >> 4 & 3)) {
    latch_count(p, c);
    return;
  }
  c->rw = v >> 4 & 3;
  c->mode = v >> 1 & 7;
  if (c->mode > 5) c->mode -= 4; /* modes 2 and 3 have a don't-care bit */
  c->bcd = v & 1;
  c->counting = c->read_high = c->write_high = c->latch_full = c->status_full = false;
  c->null_count = true;
  if (c == &p->ch[0]) follow_out0(p);
}

static uint64_t pit_read(void *dev, uint32_t off, int size) {
  struct io_pit *p = dev;
  (void)size;
  if ((off & 3) == 3) return 0xff; /* write-only; the data bus floats */
  struct io_pit_channel *c = &p->ch[off & 3];
  if (c->status_full) {
    c->status_full = false;
    return c->status;
  }
  uint32_t n = c->latch_full ? c->latched : count_now(p, c);
  if (!c->latch_full && c->bcd) n = to_bcd(n % 10000);
  bool high = c->rw == 2 || (c->rw == 3 && c->read_high);
  if (c->rw == 3) c->read_high = !c->read_high;
  if (c->rw != 3 || high) c->latch_full = false;
  return high ? n >> 8 & 0xff : n & 0xff;
}

static void pit_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_pit *p = dev;
  uint8_t b = (uint8_t)v;
  (void)size;
  if ((off & 3) == 3) {
    control(p, b);
    return;
  }
  struct io_pit_channel *c = &p->ch[off & 3];
  if (c->rw == 1) {
    load(p, c, b);
  } else if (c->rw == 2) {
    load(p, c, (unsigned)b << 8);
  } else if (!c->write_high) {
    c->low = b;
    c->write_high = true;
    if (c->mode == 0) { /* the first byte stops the counting (8254, mode 0) */
      c->counting = false;
      if (c == &p->ch[0]) follow_out0(p);
    }
  } else {
    c->write_high = false;
    load(p, c, c->low | (unsigned)b << 8);
  }
}

static void set_gate(struct io_pit *p, struct io_pit_channel *c, bool gate) {
  bool rising = gate && !c->gate;
  bool pausing = c->mode == 0 || c->mode == 4;
  bool expired = pausing && elapsed(p, c) >= c->count; /* OUT stays as it is then */
  if (!gate && c->gate && c->counting && !expired && (pausing || periodic(c))) {
    c->held = (uint16_t)count_now(p, c);
    c->counting = false;
  }
  c->gate = gate;
  if (!rising || !c->count) return;
  if (pausing) {
    if (!c->null_count && !c->counting) { /* go on where it stopped */
      c->start = ticks_of(io_clock_ns(p->clock)) - (c->count - c->held);
      c->counting = true;
    }
  } else {
    start(p, c); /* modes 1, 2, 3, 5: the rising edge (re)loads */
  }
}

static uint64_t speaker_read(void *dev, uint32_t off, int size) {
  struct io_pit *p = dev;
  (void)off;
  (void)size;
  /* The refresh bit toggles every 15 us: old delay loops count its edges. */
  bool refresh = io_clock_ns(p->clock) / 15085 & 1;
  return (p->port61 & 0x0f) | (refresh ? PORT61_REFRESH : 0) | (output(p, &p->ch[2]) ? PORT61_OUT2 : 0);
}

static void speaker_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_pit *p = dev;
  (void)off;
  (void)size;
  p->port61 = v & 0x0f;
  set_gate(p, &p->ch[2], v & PORT61_GATE2);
}

static void pit_reset(void *dev) {
  struct io_pit *p = dev;
  for (int i = 0; i < 3; i++)
    p->ch[i] = (struct io_pit_channel){.count = 0x10000, .rw = 3, .mode = 3, .gate = i != 2, .null_count = true};
  p->port61 = 0;
  follow_out0(p); /* high: the first mode written is no edge unless it is mode 0 */
}
static void no_reset(void *dev) {
  (void)dev;
}

void io_pit_init(struct io_pit *p, struct io_clock *clock, struct irq_line line) {
  *p = (struct io_pit){.clock = clock, .line = line, .timer = {.fn = follow_out0, .ctx = p}};
  pit_reset(p);
}

const struct dev_ops pit_ops = {"i8254", pit_read, pit_write, pit_reset};
const struct dev_ops speaker_ops = {"port61", speaker_read, speaker_write, no_reset};

void io_pit_state(void *pit, struct snap *s) {
  struct io_pit *p = pit;
  for (struct io_pit_channel *c = p->ch; c < p->ch + 3; c++) {
    SNAP(s, c->count);
    SNAP(s, c->start);
    SNAP(s, c->latched);
    SNAP(s, c->mode);
    SNAP(s, c->rw);
    SNAP(s, c->bcd);
    SNAP(s, c->status);
    SNAP(s, c->latch_full);
    SNAP(s, c->status_full);
    SNAP(s, c->gate);
    SNAP(s, c->null_count);
    SNAP(s, c->counting);
    SNAP(s, c->read_high);
    SNAP(s, c->write_high);
    SNAP(s, c->low);
    SNAP(s, c->held);
    snap_check(s, c->count > (unsigned)periodic(c) && c->count <= 0x10000);
  }
  io_timer_state(p->clock, &p->timer, s);
  SNAP(s, p->port61);
}
