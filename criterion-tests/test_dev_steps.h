/* criterion-tests/test_dev_steps.h: a whole board driven by a table of steps, for the test_dev_*.c files. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A step is one guest access, one stretch of virtual time, one look at a wire or at a host end. The table stops at
 * the first surprise and says which row it was. */
#ifndef CRITERION_TESTS_TEST_DEV_STEPS_H
#define CRITERION_TESTS_TEST_DEV_STEPS_H
#include "iosys/board.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum step_op { WR, RD, PASS, LINE, TYPE, SHOWN, ACK, POWER, ISA, AS, SHARED, STARTED };
struct step {
  enum step_op op;
  uint64_t a; /* WR, RD: address (a port when below 64 KiB); PASS: ns; LINE, ISA, SHARED: input; AS, STARTED: vcpu */
  uint64_t v; /* value written, value or level expected */
  int size;   /* 0: 1 for ports, 4 elsewhere */
  const char *text;
  uint64_t mask; /* RD: bits that count, 0: all */
};

struct bench {
  struct io_clock clock;
  struct io_board_config config;
  struct io_board board;
  int line[IO_CPU_LINE(IO_VCPUS, 0)], power; /* -1: nothing happened */
  uint64_t started[IO_VCPUS];                /* where the vcpu was started; 0: it was not, or was stopped */
  char typed[64], shown[256], log[512];
  unsigned typed_at, shown_n;
  uint8_t ram[65536];
};

static void bench_line(void *ctx, int n, int level) {
  ((struct bench *)ctx)->line[n] = level;
}
static void bench_vcpu(void *ctx, unsigned vcpu, bool up, uint64_t at) {
  ((struct bench *)ctx)->started[vcpu] = up ? at : 0;
}
static void bench_power(void *ctx, enum io_power what) {
  ((struct bench *)ctx)->power = (int)what;
}
static int bench_get(void *ctx) {
  struct bench *b = ctx;
  return b->typed[b->typed_at] ? (uint8_t)b->typed[b->typed_at++] : -1;
}
static void bench_put(void *ctx, uint8_t byte) {
  struct bench *b = ctx;
  if (b->shown_n < sizeof b->shown - 1) b->shown[b->shown_n++] = (char)byte;
}
static void bench_log(void *ctx, const char *msg) {
  struct bench *b = ctx;
  strncat(b->log, msg, sizeof b->log - strlen(b->log) - 1);
  strncat(b->log, "\n", sizeof b->log - strlen(b->log) - 1);
}
static uint64_t bench_dma_read(void *ctx, uint64_t gpa, void *to, uint64_t n) {
  struct bench *b = ctx;
  if (gpa >= sizeof b->ram) return 0;
  if (n > sizeof b->ram - gpa) n = sizeof b->ram - gpa;
  memcpy(to, b->ram + gpa, n);
  return n;
}
static uint64_t bench_dma_write(void *ctx, uint64_t gpa, const void *from, uint64_t n) {
  struct bench *b = ctx;
  if (gpa >= sizeof b->ram) return 0;
  if (n > sizeof b->ram - gpa) n = sizeof b->ram - gpa;
  memcpy(b->ram + gpa, from, n);
  return n;
}

/* A board as firmware leaves it, all tty ends on the bench. Edit b->config between the two calls if need be. */
static inline void bench_config(struct bench *b) {
  memset(b, 0, sizeof *b);
  b->power = -1;
  io_clock_init(&b->clock, 1000); /* cycles are nanoseconds */
  struct io_tty tty = {bench_get, bench_put, b};
  b->config = (struct io_board_config){.clock = &b->clock,
                                       .ram = 256u << 20,
                                       .tty = {tty, tty, tty},
                                       .cpu_irq = {bench_line, b, 0},
                                       .power = {bench_power, b},
                                       .vcpu = {bench_vcpu, b},
                                       .dma = {bench_dma_read, bench_dma_write, b},
                                       .log = bench_log,
                                       .hook_ctx = b};
}
static inline void bench_start(struct bench *b) {
  cr_assert_eq(io_board_init(&b->board, &b->config), IO_OK);
  io_board_firmware(&b->board);
}
static inline void bench_init(struct bench *b) {
  bench_config(b);
  bench_start(b);
}

static inline uint64_t bench_address(uint64_t a) {
  return a < 0x10000 ? a + BOARD_PCI_IO : a;
}
static inline void bench_pass(struct bench *b, uint64_t ns) {
  io_clock_advance(&b->clock, b->clock.now + ns * b->clock.mhz / 1000);
}

/* xorshift: the same garbage every time. */
static inline uint32_t bench_dice(uint32_t *x, uint32_t below) {
  *x ^= *x << 13, *x ^= *x >> 17, *x ^= *x << 5;
  return *x % below;
}

/* One step; false and a message in why[160] when it went otherwise. */
static inline bool bench_step(struct bench *b, const struct step *s, char *why) {
  int size = s->size ? s->size : s->a < 0x10000 ? 1 : 4;
  uint64_t got = s->v;
  switch (s->op) {
  case WR: io_board_write(&b->board, bench_address(s->a), s->v, size); break;
  case RD:
    got = io_board_read(&b->board, bench_address(s->a), size);
    if (s->mask) got &= s->mask;
    break;
  case PASS: bench_pass(b, s->a); break;
  case LINE: got = (uint64_t)b->line[s->a]; break;
  case TYPE:
    snprintf(b->typed, sizeof b->typed, "%s", s->text);
    b->typed_at = 0;
    break;
  case SHOWN: {
    bool same = !strcmp(b->shown, s->text);
    snprintf(why, 160, "shown \"%.60s\", expected \"%.60s\"", b->shown, s->text);
    memset(b->shown, 0, sizeof b->shown);
    b->shown_n = 0;
    return same;
  }
  case ACK: got = (uint64_t)io_pics_ack(&b->board.pics); break;
  case POWER: got = (uint64_t)b->power; break;
  case ISA: io_pics_irq(&b->board.pics, (int)s->a, (int)s->v); break;
  case AS: b->board.bus.master = (unsigned)s->a; break;
  case SHARED: io_gic_irq(&b->board.disco.gic, (int)s->a, (int)s->v); break;
  case STARTED: got = b->started[s->a]; break;
  }
  snprintf(why, 160, "at 0x%" PRIx64 ": got 0x%" PRIx64 ", expected 0x%" PRIx64, s->a, got, s->v);
  return got == s->v;
}

static inline void bench_run_steps(struct bench *b, const struct step *steps, unsigned n) {
  char why[160];
  for (unsigned i = 0; i < n; i++)
    if (!bench_step(b, &steps[i], why)) cr_assert_fail("step %u: %s", i, why);
}
#define BENCH_RUN(b, steps) bench_run_steps((b), (steps), sizeof(steps) / sizeof *(steps))
#endif
