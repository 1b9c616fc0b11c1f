/* iosys/board.c: the table of boards, and what all of them have: buses, serial ports, boot flash, building, reset. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "iosys/board_parts.h"
#include <stdio.h>
#include <string.h>

static const struct io_board_kind *const kinds[] = {&io_board_malta, &io_board_disco};
enum { N_KINDS = sizeof kinds / sizeof *kinds };
static const int64_t default_date = 1704067200; /* 2024-01-01 00:00 UTC */

const struct io_board_kind *io_board_kind(size_t i) {
  return i < N_KINDS ? kinds[i] : NULL;
}

const struct io_board_kind *io_board_find(const char *name) {
  for (size_t i = 0; i < N_KINDS; i++)
    if (!strcmp(kinds[i]->name, name)) return kinds[i];
  return NULL;
}

struct irq_line io_board_cpu(const struct io_board *b, unsigned vcpu, int n) {
  struct irq_line l = b->config.cpu_irq;
  l.n += IO_CPU_LINE((int)vcpu, n);
  return l;
}

int64_t io_board_date(const struct io_board *b) {
  return b->config.rtc_start ? b->config.rtc_start : default_date;
}

static int add_rows(struct io_board *b) {
  char *self = (char *)b;
  for (unsigned i = 0; i < b->kind->n_rows; i++) {
    const struct io_board_row *r = &b->kind->rows[i];
    struct io_bus_row row = {.base = r->base,
                             .size = r->size,
                             .ops = r->ops,
                             .dev = self + r->dev,
                             .stall_ns = r->stall_ns,
                             .width = r->width,
                             .little_endian = r->little_endian};
    int slot = io_bus_add((struct io_bus *)(self + r->bus), &row);
    if (slot < 0) return slot;
  }
  return IO_OK;
}

int io_board_init(struct io_board *b, const struct io_board_config *config) {
  const struct io_board_kind *kind = config->kind ? config->kind : kinds[0];
  if (!config->clock || config->ram > BOARD_RAM_MAX || config->flash_size > BOARD_FLASH_SIZE) return IO_ERR_RANGE;
  if (config->vcpus > kind->vcpus) return IO_ERR_RANGE;
  memset(b, 0, sizeof *b);
  b->config = *config;
  b->kind = kind;
  if (!b->config.vcpus) b->config.vcpus = 1;
  io_bus_init(&b->bus, config->clock, 0);
  b->bus.big_endian = config->big_endian;
  b->bus.log = config->log;
  b->bus.trace = config->trace;
  b->bus.log_ctx = b->bus.trace_ctx = config->hook_ctx;
  io_flash_init(&b->flash, config->flash, config->flash_size);
  int err = kind->init(b);
  if (!err) err = add_rows(b);
  if (err) {
    io_board_fini(b);
    return err;
  }
  io_board_reset(b);
  return IO_OK;
}

void io_board_fini(struct io_board *b) {
  if (!b || !b->config.clock) return;
  struct io_clock *c = b->config.clock;
  b->kind->fini(b);
  io_timer_cancel(c, &b->virtio_console.timer);
  for (int i = 0; i < 3; i++) {
    io_timer_cancel(c, &b->uart[i].rx_timer);
    io_timer_cancel(c, &b->uart[i].tx_timer);
  }
  b->config.clock = NULL;
}

void io_board_reset(struct io_board *b) {
  for (unsigned i = 0; i < b->kind->n_rows; i++) {
    const struct io_board_row *r = &b->kind->rows[i];
    if (r->ops->reset) r->ops->reset((char *)b + r->dev);
  }
  b->kind->reset(b);
}

void io_board_firmware(struct io_board *b) {
  b->kind->firmware(b);
}

const char *io_board_display(const struct io_board *b, uint8_t *leds) {
  if (leds) *leds = b->fpga.leds;
  return b->fpga.digits;
}

void io_board_state(struct io_board *b, struct snap *s) {
  for (unsigned i = 0; i < b->kind->n_parts; i++) {
    const struct io_board_part *p = &b->kind->parts[i];
    snap_begin(s, p->name, p->version);
    p->state((char *)b + p->dev, s);
    snap_end(s);
  }
  snap_check(s, b->bus.master < b->config.vcpus);
}

static unsigned describe(const struct io_bus *bus, const char *space, char *buf, unsigned size, unsigned at) {
  for (unsigned i = 0; i < bus->used && at < size; i++) {
    const struct io_bus_row *r = &bus->row[i];
    if (!r->size) continue;
    int n = snprintf(buf + at, size - at, "%-5s %08llx-%08llx %s\n", space, (unsigned long long)r->base,
                     (unsigned long long)(r->base + r->size - 1), r->ops ? r->ops->name : "pci window");
    at += n > 0 ? (unsigned)n : 0;
  }
  return at;
}

void io_board_describe(const struct io_board *b, char *buf, unsigned size) {
  if (!size) return;
  buf[0] = 0;
  unsigned at = describe(&b->bus, "cpu", buf, size, 0);
  at = describe(&b->ports, "port", buf, size, at);
  describe(&b->mem, "pci", buf, size, at);
}
