/* iosys/dev_i8259.c: the pair of i8259A interrupt controllers inside PIIX4. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Section numbers are those of Intel's 8259A data sheet (231468). The slave's INT drives input 2 of the master. ELCR
 * (ports 0x4d0/0x4d1) makes single inputs level-triggered, which PCI interrupts need (82371AB 8.5.3). */
#include "iosys/devices.h"

enum { CASCADE = 2 };
enum { ICW1_ICW4 = 1, ICW1_SINGLE = 2, ICW1 = 0x10 };
enum { ICW4_AUTO_EOI = 2, ICW4_NESTED = 16 };
enum { OCW3 = 8, OCW3_READ = 2, OCW3_READ_ISR = 1, OCW3_POLL = 4, OCW3_SMM = 0x20, OCW3_SET_SMM = 0x40 };

/* Position in the priority order, 0 the highest, of the best bit in `bits`; 8 when there is none. */
static int best_rank(const struct io_pic *c, uint8_t bits) {
  for (int rank = 0; rank < 8; rank++)
    if (bits >> ((rank + c->lowest + 1) & 7) & 1) return rank;
  return 8;
}

static int at_rank(const struct io_pic *c, int rank) {
  return (rank + c->lowest + 1) & 7;
}

/* The input that would be acknowledged now, or -1. */
static int pending(const struct io_pic *c, bool master) {
  int want = best_rank(c, c->irr & (uint8_t)~c->imr);
  uint8_t busy = c->isr;
  if (c->special_mask) busy &= (uint8_t)~c->imr;              /* "Special Mask Mode": a masked level inhibits nothing */
  if (c->nested && master) busy &= (uint8_t) ~(1 << CASCADE); /* "Special Fully Nested Mode" */
  if (want == 8 || want >= best_rank(c, busy)) return -1;
  return at_rank(c, want);
}

static void pin(struct io_pic *c, int n, int level) {
  uint8_t bit = (uint8_t)(1 << n);
  bool was = c->level & bit;
  c->level = (uint8_t)(level ? c->level | bit : c->level & ~bit);
  if (c->elcr & bit)
    c->irr = (uint8_t)(level ? c->irr | bit : c->irr & ~bit);
  else if (level && !was)
    c->irr |= bit;
  else if (!level)
    c->irr &= (uint8_t)~bit; /* an edge request must stay high until INTA: "IRR" */
}

static void update(struct io_pics *p) {
  /* Followed as a level: with automatic EOI the slave's INT may stay up across an acknowledge. */
  struct io_pic *m = &p->chip[0];
  uint8_t bit = 1 << CASCADE;
  m->irr = (uint8_t)(pending(&p->chip[1], false) >= 0 ? m->irr | bit : m->irr & ~bit);
  io_irq_set(&p->out, pending(&p->chip[0], true) >= 0);
}

void io_pics_irq(void *pics, int n, int level) {
  struct io_pics *p = pics;
  if (n == CASCADE) return;
  pin(&p->chip[n >> 3 & 1], n & 7, level);
  update(p);
}

static void rotate_to(struct io_pic *c, int n) {
  c->lowest = (uint8_t)(n & 7);
}

static void acknowledge(struct io_pic *c, int n) {
  uint8_t bit = (uint8_t)(1 << n);
  if (!(c->elcr & bit)) c->irr &= (uint8_t)~bit;
  if (!c->auto_eoi)
    c->isr |= bit;
  else if (c->rotate_auto)
    rotate_to(c, n);
}

int io_pics_ack(struct io_pics *p) {
  struct io_pic *m = &p->chip[0], *s = &p->chip[1];
  int n = pending(m, true);
  if (n < 0) return m->vector + 7; /* spurious: input 7 without its ISR bit */
  acknowledge(m, n);
  int vector = m->vector + n;
  if (n == CASCADE && !m->single) {
    int k = pending(s, false);
    if (k >= 0) acknowledge(s, k);
    vector = s->vector + (k < 0 ? 7 : k);
  }
  update(p);
  return vector;
}

static void icw1(struct io_pic *c, uint8_t v) {
  c->imr = c->isr = c->vector = 0;
  c->irr = c->level & c->elcr; /* the edge latches are cleared: an edge input must rise again */
  c->lowest = 7;
  c->special_mask = c->read_isr = c->poll = c->auto_eoi = c->rotate_auto = c->nested = false;
  c->need_icw4 = v & ICW1_ICW4;
  c->single = v & ICW1_SINGLE;
  c->icw = 2;
}

static void ocw2(struct io_pic *c, uint8_t v) {
  int rank = best_rank(c, c->special_mask ? c->isr & (uint8_t)~c->imr : c->isr);
  int top = rank < 8 ? at_rank(c, rank) : -1;
  int n = v & 7;
  switch (v >> 5) {
  case 0: c->rotate_auto = false; break;
  case 1: /* non-specific EOI */
    if (top >= 0) c->isr &= (uint8_t) ~(1 << top);
    break;
  case 2: break;
  case 3: c->isr &= (uint8_t) ~(1 << n); break;
  case 4: c->rotate_auto = true; break;
  case 5:
    if (top >= 0) {
      c->isr &= (uint8_t) ~(1 << top);
      rotate_to(c, top);
    }
    break;
  case 6: rotate_to(c, n); break;
  case 7:
    c->isr &= (uint8_t) ~(1 << n);
    rotate_to(c, n);
    break;
  }
}

static void ocw3(struct io_pic *c, uint8_t v) {
  c->poll = v & OCW3_POLL;
  if (v & OCW3_READ) c->read_isr = v & OCW3_READ_ISR;
  if (v & OCW3_SET_SMM) c->special_mask = v & OCW3_SMM;
}

static void data_write(struct io_pic *c, uint8_t v) {
  switch (c->icw) {
  case 2:
    c->vector = v & 0xf8;
    c->icw = c->single ? (c->need_icw4 ? 4 : 0) : 3;
    break;
  case 3:
    c->icw3 = v;
    c->icw = c->need_icw4 ? 4 : 0;
    break;
  case 4:
    c->auto_eoi = v & ICW4_AUTO_EOI;
    c->nested = v & ICW4_NESTED;
    c->icw = 0;
    break;
  default: c->imr = v; break;
  }
}

static void chip_write(struct io_pics *p, int chip, uint32_t off, uint8_t v) {
  struct io_pic *c = &p->chip[chip];
  if (off & 1)
    data_write(c, v);
  else if (v & ICW1)
    icw1(c, v);
  else if (v & OCW3)
    ocw3(c, v);
  else
    ocw2(c, v);
  update(p);
}

static uint8_t chip_read(struct io_pics *p, int chip, uint32_t off) {
  struct io_pic *c = &p->chip[chip];
  if (c->poll) { /* "Poll Command": the read is the acknowledge */
    c->poll = false;
    int n = pending(c, chip == 0);
    if (n < 0) return 0;
    acknowledge(c, n);
    update(p);
    return (uint8_t)(0x80 | n);
  }
  if (off & 1) return c->imr;
  return c->read_isr ? c->isr : c->irr;
}

static uint64_t pic0_read(void *dev, uint32_t off, int size) {
  (void)size;
  return chip_read(dev, 0, off);
}
static void pic0_write(void *dev, uint32_t off, uint64_t v, int size) {
  (void)size;
  chip_write(dev, 0, off, (uint8_t)v);
}
static uint64_t pic1_read(void *dev, uint32_t off, int size) {
  (void)size;
  return chip_read(dev, 1, off);
}
static void pic1_write(void *dev, uint32_t off, uint64_t v, int size) {
  (void)size;
  chip_write(dev, 1, off, (uint8_t)v);
}
static uint64_t elcr_read(void *dev, uint32_t off, int size) {
  (void)size;
  return ((struct io_pics *)dev)->chip[off & 1].elcr;
}
static void elcr_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_pics *p = dev;
  (void)size;
  p->chip[off & 1].elcr = (uint8_t)v & p->chip[off & 1].elcr_mask;
  update(p);
}

static void pics_reset(void *dev) {
  struct io_pics *p = dev;
  for (int i = 0; i < 2; i++) {
    struct io_pic *c = &p->chip[i];
    /* The timer, keyboard, cascade, RTC and FPU inputs are always edge-triggered (82371AB, ELCR1/2). */
    *c = (struct io_pic){.level = c->level, .lowest = 7, .imr = 0xff, .elcr_mask = i ? 0xde : 0xf8};
  }
  update(p);
}
static void no_reset(void *dev) {
  (void)dev;
}

void io_pics_init(struct io_pics *p, struct irq_line out) {
  *p = (struct io_pics){.out = out};
  pics_reset(p);
}

const struct dev_ops pic0_ops = {"i8259-0", pic0_read, pic0_write, pics_reset};
const struct dev_ops pic1_ops = {"i8259-1", pic1_read, pic1_write, no_reset};
const struct dev_ops elcr_ops = {"elcr", elcr_read, elcr_write, no_reset};

void io_pics_state(void *pics, struct snap *s) {
  for (struct io_pic *c = ((struct io_pics *)pics)->chip, *end = c + 2; c < end; c++) {
    SNAP(s, c->irr);
    SNAP(s, c->isr);
    SNAP(s, c->imr);
    SNAP(s, c->level);
    SNAP(s, c->elcr);
    SNAP(s, c->vector);
    SNAP(s, c->lowest);
    SNAP(s, c->icw);
    SNAP(s, c->icw3);
    SNAP(s, c->need_icw4);
    SNAP(s, c->single);
    SNAP(s, c->auto_eoi);
    SNAP(s, c->rotate_auto);
    SNAP(s, c->special_mask);
    SNAP(s, c->nested);
    SNAP(s, c->poll);
    SNAP(s, c->read_isr);
  }
}
