/* guests/splash/disk.c: the start of the first virtio disk of the board, one request at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Virtio 1.2, 5.2. */
#include "virtio.h"

enum { FLUSH_OFFERED = 1 << 9, CAPACITY = 0 /* in sectors, 64 bits */ };
enum { READ = 0, WRITE = 1, FLUSH = 4, SECTOR = 512, CHUNK = 128 << 10 };

static struct virtio disk;

static bool request(uint32_t type, uint64_t sector, const void *at, size_t n) {
  static struct { uint64_t type, sector; /* the type has 32 bits; what lies above them is reserved, as 0 */ } header;
  static volatile uint8_t status;
  header.type = LITTLE64((uint64_t)type);
  header.sector = LITTLE64(sector);
  status = 0xff;
  struct virtio_piece piece[3] = {{&header, sizeof header, false}, {(void *)(reg)at, n, type == READ}};
  piece[n ? 2 : 1] = (struct virtio_piece){&status, 1, true};
  virtio_ask(&disk, 0, piece, n ? 3 : 2);
  virtio_await(&disk, 0);
  return !status;
}

/* The whole sectors that n bytes take; 0: there is no disk with as many. */
static size_t begin(size_t n) {
  size_t whole = (n + SECTOR - 1) & -(size_t)SECTOR;
  if (!disk.at && !virtio_begin(&disk, VIRTIO_BLOCK, 1, FLUSH_OFFERED)) return 0;
  return whole / SECTOR <= virtio_config(&disk, CAPACITY) || virtio_config(&disk, CAPACITY + 4) ? whole : 0;
}

static bool pass(uint32_t type, const char *at, size_t whole) {
  for (size_t done = 0; done < whole; done += CHUNK)
    if (!request(type, done / SECTOR, at + done, whole - done < CHUNK ? whole - done : CHUNK)) return false;
  return whole;
}

bool disk_write(const void *from, size_t n) {
  return pass(WRITE, from, begin(n)) && (!disk.features || request(FLUSH, 0, NULL, 0));
}

bool disk_read(void *to, size_t n) {
  return pass(READ, to, begin(n));
}
