/* iosys/dev_virtio_blk.c: virtio block card on a struct io_disk. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Virtio 1.2, 5.2. A request: 16-byte header, data, one status byte at the very end of the part the card writes. */
#include "iosys/virtio.h"
#include <string.h>

enum {
  F_SIZE_MAX = 1 << 1,
  F_SEG_MAX = 1 << 2,
  F_READ_ONLY = 1 << 5,
  F_BLOCK_SIZE = 1 << 6,
  F_FLUSH = 1 << 9,
  F_CONFIG_WCE = 1 << 11,
  F_DISCARD = 1 << 13,
  F_WRITE_ZEROES = 1 << 14
};
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK = 0, S_ERROR = 1, S_UNSUPPORTED = 2 };
enum { SECTOR = 512, HEADER = 16, ID_BYTES = 20, RANGE = 16, RANGE_UNMAP = 1, CONFIG_WRITEBACK = 32 };
/* What one request may move or zero, so that a hostile one does not stop the clock for minutes. */
enum { SEGMENT_MAX = 512 << 10, SEGMENTS = IO_VIRTIO_QUEUE_SIZE - 2, REQUEST_MAX = SEGMENT_MAX * SEGMENTS };

static void fill(void *ctx) {
  struct io_virtio_blk *b = ctx;
  const struct {
    unsigned off;
    int size;
    uint64_t value;
  } fields[] = {
      {0, 8, b->disk.size / SECTOR},
      {8, 4, SEGMENT_MAX},
      {12, 4, SEGMENTS},
      {20, 4, SECTOR},
      {CONFIG_WRITEBACK, 1, b->writeback},
      {36, 4, REQUEST_MAX / SECTOR}, /* discard: sectors, ranges, alignment */
      {40, 4, 1},
      {44, 4, 1},
      {48, 4, REQUEST_MAX / SECTOR}, /* write zeroes: sectors, ranges, "may unmap" */
      {52, 4, 1},
      {56, 1, 1},
  };
  for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++)
    io_virtio_config_put(&b->virtio, fields[i].off, fields[i].value, fields[i].size);
}

static void set(void *ctx, unsigned off, uint8_t byte) {
  struct io_virtio_blk *b = ctx;
  if (off == CONFIG_WRITEBACK && b->virtio.accepted & F_CONFIG_WCE) b->writeback = byte & 1;
}

static void reset(void *ctx) {
  ((struct io_virtio_blk *)ctx)->writeback = true;
}

static uint8_t flush(struct io_virtio_blk *b) {
  return b->disk.flush && b->disk.flush(b->disk.ctx) ? S_ERROR : S_OK;
}

/* Something was written. A driver that has turned the cache off, or knows nothing of flushes, takes it for stable
 * (5.2.6.2). */
static uint8_t written(struct io_virtio_blk *b) {
  uint64_t f = b->virtio.accepted;
  bool cached = f & F_CONFIG_WCE ? b->writeback : (f & F_FLUSH) != 0;
  return cached ? S_OK : flush(b);
}

static bool in_range(const struct io_virtio_blk *b, uint64_t at, uint64_t n) {
  return n % SECTOR == 0 && n <= REQUEST_MAX && at <= b->disk.size && n <= b->disk.size - at;
}

/* The same as below, piece by piece of guest memory, so that whole blocks need not be copied. */
static uint8_t read_blocks(struct io_virtio_blk *b, const struct io_virtio_chain *c, uint64_t disk_at, uint64_t n,
                           uint64_t *moved) {
  for (uint64_t k, gpa; *moved < n; *moved += k) {
    k = io_virtio_place(c, *moved, &gpa);
    if (k > n - *moved) k = n - *moved;
    if (!k || io_disk_to_memory(&b->disk, disk_at + *moved, &b->virtio.dma, gpa, k, b->buffer, sizeof b->buffer))
      return S_ERROR;
  }
  return S_OK;
}

/* Both directions, a buffer at a time. `*moved` counts what went into guest memory. */
static uint8_t transfer(struct io_virtio_blk *b, const struct io_virtio_chain *c, uint64_t sector, bool in,
                        uint64_t *moved) {
  uint64_t n = in ? c->in_len - 1 : c->out_len - HEADER;
  if (sector > UINT64_MAX / SECTOR || !in_range(b, sector * SECTOR, n)) return S_ERROR;
  if (!in && (b->disk.read_only || !b->disk.write)) return S_ERROR;
  if (in && b->disk.shared) return read_blocks(b, c, sector * SECTOR, n, moved);
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
  return in ? S_OK : written(b);
}

/* Discarded sectors read as zeros, too: any other answer would be chance. */
static uint8_t zero(struct io_virtio_blk *b, const struct io_virtio_chain *c, bool may_unmap) {
  uint8_t range[RANGE];
  if (!b->disk.zero) return S_UNSUPPORTED;
  if (c->out_len != HEADER + RANGE || io_virtio_read(&b->virtio, c, HEADER, range, RANGE) != RANGE) return S_ERROR;
  uint64_t sector = io_virtio_number(&b->virtio, range, 8), n = io_virtio_number(&b->virtio, range + 8, 4) * SECTOR;
  if (io_virtio_number(&b->virtio, range + 12, 4) & ~(uint64_t)(may_unmap ? RANGE_UNMAP : 0)) return S_UNSUPPORTED;
  if (sector > UINT64_MAX / SECTOR || !in_range(b, sector * SECTOR, n)) return S_ERROR;
  return b->disk.zero(b->disk.ctx, sector * SECTOR, n) ? S_ERROR : written(b);
}

static uint8_t serve(struct io_virtio_blk *b, const struct io_virtio_chain *c, uint64_t *moved) {
  uint8_t header[HEADER];
  if (io_virtio_read(&b->virtio, c, 0, header, HEADER) != HEADER) return S_ERROR;
  uint64_t sector = io_virtio_number(&b->virtio, header + 8, 8);
  switch (io_virtio_number(&b->virtio, header, 4)) {
  case T_IN: return transfer(b, c, sector, true, moved);
  case T_OUT: return transfer(b, c, sector, false, moved);
  case T_FLUSH: return flush(b);
  case T_DISCARD: return zero(b, c, false);
  case T_WRITE_ZEROES: return zero(b, c, true);
  case T_GET_ID:
    *moved = io_virtio_write(&b->virtio, c, 0, b->disk.serial, c->in_len - 1 < ID_BYTES ? c->in_len - 1 : ID_BYTES);
    return S_OK;
  default: return S_UNSUPPORTED;
  }
}

static void notify(void *ctx, unsigned q) {
  struct io_virtio_blk *b = ctx;
  struct io_virtio_chain c;
  for (unsigned left = b->virtio.q[q].size; left && io_virtio_pop(&b->virtio, q, &c); left--) {
    uint64_t moved = 0;
    if (c.in_len) { /* without a status byte there is no way to answer */
      uint8_t status = serve(b, &c, &moved);
      moved += io_virtio_write(&b->virtio, &c, c.in_len - 1, &status, 1);
    }
    io_virtio_push(&b->virtio, q, &c, (uint32_t)moved);
  }
}

int io_virtio_blk_init(struct io_virtio_blk *b, struct io_dma dma, bool big_endian, struct io_disk disk) {
  static const uint64_t features = F_SIZE_MAX | F_SEG_MAX | F_BLOCK_SIZE | F_FLUSH | F_CONFIG_WCE;
  b->disk = disk;
  struct io_virtio_config config = {.type = VIRTIO_BLK,
                                    .dma = dma,
                                    .big_endian = big_endian,
                                    .queues = 1,
                                    .features = features | (disk.read_only ? F_READ_ONLY : 0) |
                                                (disk.zero ? F_DISCARD | F_WRITE_ZEROES : 0),
                                    .config_len = 60,
                                    .fill = fill,
                                    .set = set,
                                    .reset = reset,
                                    .notify = notify,
                                    .ctx = b};
  return io_virtio_init(&b->virtio, &config);
}

void io_virtio_blk_state(void *blk, struct snap *s) {
  struct io_virtio_blk *b = blk;
  io_virtio_state(&b->virtio, s);
  SNAP(s, b->writeback);
}
