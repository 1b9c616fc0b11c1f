/* iosys/dev_virtio_console.c: virtio console card with one port (Linux's hvc0) on a struct io_tty. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Virtio 1.2, 5.3. Queue 0 carries what is typed, queue 1 what is shown. While the driver has receive buffers waiting
 * the tty is looked at every millisecond; a byte is taken only when there is a buffer for it. */
#include "iosys/virtio.h"

enum { RECEIVE, TRANSMIT, POLL_NS = 1000000, CHUNK = 64 };

static void look(void *ctx) {
  struct io_virtio_console *c = ctx;
  struct io_virtio_chain chain;
  while (io_virtio_waiting(&c->virtio, RECEIVE)) {
    uint8_t bytes[CHUNK];
    unsigned n = 0;
    int byte = c->tty.get ? c->tty.get(c->tty.ctx) : -1;
    if (byte < 0) {
      io_timer_set(c->clock, &c->timer, io_clock_ns(c->clock) + POLL_NS);
      return;
    }
    if (!io_virtio_pop(&c->virtio, RECEIVE, &chain)) return;
    while (byte >= 0) {
      bytes[n++] = (uint8_t)byte;
      byte = n < CHUNK && n < chain.in_len ? c->tty.get(c->tty.ctx) : -1;
    }
    io_virtio_push(&c->virtio, RECEIVE, &chain, (uint32_t)io_virtio_write(&c->virtio, &chain, 0, bytes, n));
  }
}

static void show(struct io_virtio_console *c) {
  struct io_virtio_chain chain;
  for (unsigned left = c->virtio.q[TRANSMIT].size; left && io_virtio_pop(&c->virtio, TRANSMIT, &chain); left--) {
    uint8_t bytes[CHUNK];
    uint64_t at = 0, n;
    while ((n = io_virtio_read(&c->virtio, &chain, at, bytes, CHUNK)) != 0) {
      for (uint64_t i = 0; i < n && c->tty.put; i++) c->tty.put(c->tty.ctx, bytes[i]);
      at += n;
    }
    io_virtio_push(&c->virtio, TRANSMIT, &chain, 0);
  }
}

static void notify(void *ctx, unsigned q) {
  struct io_virtio_console *c = ctx;
  if (q == TRANSMIT)
    show(c);
  else if (!c->timer.armed)
    look(c);
}

static void reset(void *ctx) {
  struct io_virtio_console *c = ctx;
  io_timer_cancel(c->clock, &c->timer);
}

int io_virtio_console_init(struct io_virtio_console *c, struct io_clock *clock, struct io_dma dma, bool big_endian,
                           struct io_tty tty) {
  c->clock = clock;
  c->tty = tty;
  c->timer = (struct io_timer){.fn = look, .ctx = c};
  struct io_virtio_config config = {.type = VIRTIO_CONSOLE,
                                    .dma = dma,
                                    .big_endian = big_endian,
                                    .queues = 2,
                                    .config_len = 12,
                                    .notify = notify,
                                    .reset = reset,
                                    .ctx = c};
  return io_virtio_init(&c->virtio, &config);
}

void io_virtio_console_state(void *console, struct snap *s) {
  struct io_virtio_console *c = console;
  io_virtio_state(&c->virtio, s);
  io_timer_state(c->clock, &c->timer, s);
}
