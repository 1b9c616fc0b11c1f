/* iosys/dev_virtio_blk.c: virtio block card on a struct io_disk. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Virtio 1.2, 5.2. A request: 16-byte header, data, one status byte at the very end of the part the card writes. */
#include "iosys/virtio.h"
#include <string.h>

enum { F_SEG_MAX = 1 << 2, F_READ_ONLY = 1 << 5, F_BLOCK_SIZE = 1 << 6, F_FLUSH = 1 << 9 };
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8 };
enum { S_OK = 0, S_ERROR = 1, S_UNSUPPORTED = 2 };
enum { SECTOR = 512, HEADER = 16, ID_BYTES = 20 };

static void fill(void *ctx) {
  struct io_virtio_blk *b = ctx;
  io_virtio_config_put(&b->virtio, 0, b->disk.size / SECTOR, 8);
  io_virtio_config_put(&b->virtio, 12, IO_VIRTIO_QUEUE_SIZE - 2, 4); /* seg_max */
  io_virtio_config_put(&b->virtio, 20, SECTOR, 4);
}

static bool in_range(const struct io_virtio_blk *b, uint64_t at, uint64_t n) {
  return n % SECTOR == 0 && at <= b->disk.size && n <= b->disk.size - at;
}

/* Both directions, a buffer at a time. `*moved` counts what went into guest memory. */
static uint8_t transfer(struct io_virtio_blk *b, const struct io_virtio_chain *c, uint64_t sector, bool in,
                        uint64_t *moved) {
  uint64_t n = in ? c->in_len - 1 : c->out_len - HEADER;
  if (sector > UINT64_MAX / SECTOR || !in_range(b, sector * SECTOR, n)) return S_ERROR;
  if (!in && (b->disk.read_only || !b->disk.write)) return S_ERROR;
  for (uint64_t at = 0; at < n;) {
    uint64_t k = n - at < sizeof b->buffer ? n - at : sizeof b->buffer, disk_at = sector * SECTOR + at;
    if (in) {
      if (b->disk.read(b->disk.ctx, disk_at, b->buffer, k)) return S_ERROR;
      if (io_virtio_write(&b->virtio, c, at, b->buffer, k) != k) return S_ERROR;
      *moved += k;
    } else {
      if (io_virtio_read(&b->virtio, c, HEADER + at, b->buffer, k) != k) return S_ERROR;
      if (b->disk.write(b->disk.ctx, disk_at, b->buffer, k)) return S_ERROR;
    }
    at += k;
  }
  return S_OK;
}

static uint8_t serve(struct io_virtio_blk *b, const struct io_virtio_chain *c, uint64_t *moved) {
  uint8_t header[HEADER];
  if (io_virtio_read(&b->virtio, c, 0, header, HEADER) != HEADER) return S_ERROR;
  uint64_t sector = io_virtio_number(&b->virtio, header + 8, 8);
  static const char id[ID_BYTES] = "mirrorball";
  switch (io_virtio_number(&b->virtio, header, 4)) {
  case T_IN: return transfer(b, c, sector, true, moved);
  case T_OUT: return transfer(b, c, sector, false, moved);
  case T_FLUSH: return b->disk.flush && b->disk.flush(b->disk.ctx) ? S_ERROR : S_OK;
  case T_GET_ID:
    *moved = io_virtio_write(&b->virtio, c, 0, id, c->in_len - 1 < ID_BYTES ? c->in_len - 1 : ID_BYTES);
    return S_OK;
  default: return S_UNSUPPORTED;
  }
}

static void notify(void *ctx, unsigned q) {
  struct io_virtio_blk *b = ctx;
  struct io_virtio_chain c;
  while (io_virtio_pop(&b->virtio, q, &c)) {
    uint64_t moved = 0;
    if (c.in_len) { /* without a status byte there is no way to answer */
      uint8_t status = serve(b, &c, &moved);
      moved += io_virtio_write(&b->virtio, &c, c.in_len - 1, &status, 1);
    }
    io_virtio_push(&b->virtio, q, &c, (uint32_t)moved);
  }
}

int io_virtio_blk_init(struct io_virtio_blk *b, struct io_dma dma, bool big_endian, struct io_disk disk) {
  b->disk = disk;
  struct io_virtio_config config = {.type = VIRTIO_BLK,
                                    .dma = dma,
                                    .big_endian = big_endian,
                                    .queues = 1,
                                    .features = F_SEG_MAX | F_BLOCK_SIZE | F_FLUSH | (disk.read_only ? F_READ_ONLY : 0),
                                    .config_len = 60,
                                    .fill = fill,
                                    .notify = notify,
                                    .ctx = b};
  return io_virtio_init(&b->virtio, &config);
}
