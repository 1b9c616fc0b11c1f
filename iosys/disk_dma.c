/* iosys/disk_dma.c: from a disk into guest memory: whole blocks of an image by frame, the rest by copy. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "iosys/dev.h"

static bool by_frame(const struct io_disk *d, uint64_t at, const struct io_dma *dma, uint64_t gpa, uint64_t n) {
  if (!d->shared || !dma->block || (at | gpa) % IO_DISK_BLOCK || n < IO_DISK_BLOCK) return false;
  const struct io_image *image = d->shared(d->ctx, at);
  return image && dma->block(dma->ctx, gpa, image, at / IO_DISK_BLOCK);
}

int io_disk_to_memory(const struct io_disk *d, uint64_t at, const struct io_dma *dma, uint64_t gpa, uint64_t n,
                      uint8_t *buffer, uint64_t room) {
  bool pieces = d->shared && dma->block;
  for (uint64_t k; n; at += k, gpa += k, n -= k) {
    k = IO_DISK_BLOCK - at % IO_DISK_BLOCK;
    if (by_frame(d, at, dma, gpa, n)) continue;
    if (!pieces || k > room) k = room;
    if (k > n) k = n;
    if (d->read(d->ctx, at, buffer, k)) return -1;
    if (!dma->write || dma->write(dma->ctx, gpa, buffer, k) != k) return -1;
  }
  return 0;
}
