/* iosys/dev_dma8237.c: the ISA DMA controllers of PIIX4, as registers: no ISA device asks for a transfer. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels program the cascade channel and probe the address counters; both must read back (Intel 8237A, fig. 6). The
 * second controller's registers are two bytes apart. */
#include "iosys/devices.h"
#include <string.h>

enum { COMMAND_STATUS = 8, REQUEST, MASK_ONE, MODE, CLEAR_FLIPFLOP, MASTER_CLEAR, CLEAR_MASK, MASK_ALL };

static uint8_t chip_read(struct io_dma8237 *d, int chip, unsigned reg) {
  if (reg < 8) {
    uint16_t v = d->now[chip][reg >> 1][reg & 1];
    d->high[chip] = !d->high[chip];
    return (uint8_t)(d->high[chip] ? v : v >> 8);
  }
  return reg == MASK_ALL ? d->mask[chip] | 0xf0 : 0; /* status: no requests, no terminal counts */
}

static void chip_write(struct io_dma8237 *d, int chip, unsigned reg, uint8_t v) {
  if (reg < 8) {
    uint16_t *base = &d->base[chip][reg >> 1][reg & 1];
    *base = (uint16_t)(d->high[chip] ? (*base & 0xff) | v << 8 : (*base & 0xff00) | v);
    d->now[chip][reg >> 1][reg & 1] = *base;
    d->high[chip] = !d->high[chip];
    return;
  }
  uint8_t bit = (uint8_t)(1 << (v & 3));
  switch (reg) {
  case COMMAND_STATUS: d->command[chip] = v; break;
  case REQUEST: break;
  case MASK_ONE: d->mask[chip] = (uint8_t)(v & 4 ? d->mask[chip] | bit : d->mask[chip] & ~bit); break;
  case MODE: d->mode[chip][v & 3] = v; break;
  case CLEAR_FLIPFLOP: d->high[chip] = false; break;
  case MASTER_CLEAR:
    d->high[chip] = false;
    d->mask[chip] = 15;
    d->command[chip] = 0;
    break;
  case CLEAR_MASK: d->mask[chip] = 0; break;
  case MASK_ALL: d->mask[chip] = v & 15; break;
  }
}

static uint64_t dma0_read(void *dev, uint32_t off, int size) {
  (void)size;
  return chip_read(dev, 0, off & 15);
}
static void dma0_write(void *dev, uint32_t off, uint64_t v, int size) {
  (void)size;
  chip_write(dev, 0, off & 15, (uint8_t)v);
}
static uint64_t dma1_read(void *dev, uint32_t off, int size) {
  (void)size;
  return chip_read(dev, 1, off >> 1 & 15);
}
static void dma1_write(void *dev, uint32_t off, uint64_t v, int size) {
  (void)size;
  chip_write(dev, 1, off >> 1 & 15, (uint8_t)v);
}
static uint64_t page_read(void *dev, uint32_t off, int size) {
  (void)size;
  return ((struct io_dma8237 *)dev)->page[off & 15];
}
static void page_write(void *dev, uint32_t off, uint64_t v, int size) {
  (void)size;
  ((struct io_dma8237 *)dev)->page[off & 15] = (uint8_t)v;
}

static void dma_reset(void *dev) {
  struct io_dma8237 *d = dev;
  memset(d, 0, sizeof *d);
  d->mask[0] = d->mask[1] = 15;
}
static void no_reset(void *dev) {
  (void)dev;
}

void io_dma8237_init(struct io_dma8237 *d) {
  dma_reset(d);
}

const struct dev_ops dma0_ops = {"dma0", dma0_read, dma0_write, dma_reset};
const struct dev_ops dma1_ops = {"dma1", dma1_read, dma1_write, no_reset};
const struct dev_ops dma_page_ops = {"dma-page", page_read, page_write, no_reset};

void io_dma8237_state(void *dma8237, struct snap *s) {
  struct io_dma8237 *d = dma8237;
  SNAP_ARRAY(s, d->base, d->base[0][0][0]);
  SNAP_ARRAY(s, d->now, d->now[0][0][0]);
  SNAP_ARRAY(s, d->mode, d->mode[0][0]);
  SNAP_ARRAY(s, d->mask, d->mask[0]);
  SNAP_ARRAY(s, d->command, d->command[0]);
  SNAP_ARRAY(s, d->page, d->page[0]);
  SNAP(s, d->high[0]);
  SNAP(s, d->high[1]);
}
