/* iosys/dev_virtio_mmio.c: virtio's memory-mapped transport, version 2. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Virtio 1.2, 4.2.2: nearly every register is one of PCI's common configuration at another place. */
#include "iosys/virtio.h"

enum {
  MAGIC = 0x000,
  VERSION = 0x004,
  DEVICE = 0x008,
  VENDOR = 0x00c,
  QUEUE_MAX = 0x034,
  QUEUE_READY = 0x044,
  NOTIFY = 0x050,
  INTERRUPT = 0x060,
  ACKNOWLEDGE = 0x064,
  NO_MEMORY = 0x0ac, /* shared memory regions: there are none; length and base, each in two halves */
  NO_MEMORY_END = 0x0c0,
  CARD = 0x100
};
enum { NOT_COMMON = -1 };
static const uint32_t magic = 0x74726976, vendor = 0x4b4c4147;

static int common(uint32_t off) {
  static const struct {
    uint16_t at;
    uint8_t common;
  } rows[] = {{0x010, VIRTIO_C_FEATURE},     {0x014, VIRTIO_C_FEATURE_PAGE}, {0x020, VIRTIO_C_ACCEPT},
              {0x024, VIRTIO_C_ACCEPT_PAGE}, {0x030, VIRTIO_C_SELECT},       {0x038, VIRTIO_C_SIZE},
              {0x044, VIRTIO_C_ENABLE},      {0x070, VIRTIO_C_STATUS},       {0x080, VIRTIO_C_DESC},
              {0x084, VIRTIO_C_DESC + 4},    {0x090, VIRTIO_C_AVAIL},        {0x094, VIRTIO_C_AVAIL + 4},
              {0x0a0, VIRTIO_C_USED},        {0x0a4, VIRTIO_C_USED + 4},     {0x0fc, VIRTIO_C_GENERATION}};
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].at == off) return rows[i].common;
  return NOT_COMMON;
}

static uint64_t mmio_read(void *dev, uint32_t off, int size) {
  struct io_virtio *v = *(struct io_virtio **)dev;
  switch (off) {
  case MAGIC: return magic;
  case VERSION: return 2;
  case DEVICE: return v ? v->type : 0;
  case VENDOR: return vendor;
  default: break;
  }
  if (!v) return 0;
  if (off >= CARD) return io_virtio_config_read(v, off - CARD, size);
  if (off >= NO_MEMORY && off < NO_MEMORY_END) return UINT32_MAX;
  if (off == QUEUE_MAX) return io_virtio_queue(v) ? IO_VIRTIO_QUEUE_SIZE : 0;
  if (off == INTERRUPT) return io_virtio_take_isr(v, 0);
  int at = common(off);
  return at == NOT_COMMON ? 0 : io_virtio_common_read(v, (uint32_t)at);
}

static void mmio_write(void *dev, uint32_t off, uint64_t n, int size) {
  struct io_virtio *v = *(struct io_virtio **)dev;
  if (!v) return;
  int at = common(off);
  if (off == QUEUE_READY && !n) {
    if (io_virtio_queue(v)) io_virtio_queue(v)->enabled = false; /* here the driver may take a queue back */
  } else if (off == NOTIFY) {
    io_virtio_ring(v, (unsigned)n & 0xffff);
  } else if (off == ACKNOWLEDGE) {
    io_virtio_take_isr(v, (uint8_t)n);
  } else if (off >= CARD) {
    io_virtio_config_write(v, off - CARD, n, size);
  } else if (at != NOT_COMMON) {
    io_virtio_common_write(v, (uint32_t)at, n);
  }
}

static void mmio_reset(void *dev) {
  struct io_virtio *v = *(struct io_virtio **)dev;
  if (v) io_virtio_common_write(v, VIRTIO_C_STATUS, 0);
}

const struct dev_ops virtio_mmio_ops = {"virtio", mmio_read, mmio_write, mmio_reset};
