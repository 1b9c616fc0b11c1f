/* iosys/host_disk.h: disk images in host files: read-only, copy-on-write, persistent. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Two layers, as in Disco: an *image* is a file, opened and locked once, which any number of disks may read; a *disk*
 * is one machine's view of an image, with what that machine has written. All a disk reads of its image comes through
 * io_image_read(), by blocks of 4 KiB, so that a block that many machines read can be one frame. VCPU thread only. */
#ifndef IOSYS_HOST_DISK_H
#define IOSYS_HOST_DISK_H
#include "iosys/dev.h"
#include "numa-model/snap.h"

enum { IO_SECTOR = 512 };

struct io_image {
  int fd;
  uint64_t size; /* bytes, a multiple of IO_SECTOR; 0: not open */
  bool writable;
  uint64_t file[2]; /* which one it is, on this host */
  unsigned shared;  /* not 0: so the same file is known that other images are, too; set by who opens several */
};
/* Open a regular file and lock it: for `writable` nobody else may have it open as an image, without it nobody may have
 * it writable; the lock goes with the file, however the process ends. NULL, or static text on what is wrong. */
__attribute__((warn_unused_result)) const char *io_image_open(struct io_image *image, const char *path, bool writable);
/* What tells whether the file has changed since: Unix nanoseconds of its last change. It is made sure that a later
 * change is a later time, which may take a file system 20 ms. 0: the host failed. */
uint64_t io_image_changed(const struct io_image *image);
/* Twice is harmless, and so is a zeroed one. */
void io_image_close(struct io_image *image);
/* All n bytes at `at`. 0, or -1 when the host failed (or the file has become shorter). */
__attribute__((warn_unused_result)) int io_image_read(const struct io_image *image, uint64_t at, void *to, uint64_t n);

/* The same of any file: all n bytes at `at`. 0, or -1 when the host failed, or the file ends before. */
__attribute__((warn_unused_result)) int io_read_all(int fd, uint64_t at, void *to, uint64_t n);
__attribute__((warn_unused_result)) int io_write_all(int fd, uint64_t at, const void *from, uint64_t n);

/* RO: the guest may not write. COW: what it writes is kept in memory and goes with the disk. PERSIST: what it writes
 * goes into the file; a flush returns once the host says that it is stable. */
enum io_disk_mode { IO_DISK_RO, IO_DISK_COW, IO_DISK_PERSIST };

/* Reads or writes that touch [at, at + n) fail, so many times (UINT32_MAX: always). */
struct io_disk_fault {
  uint64_t at, n;
  bool read, write;
  uint32_t times;
};

struct io_host_disk {
  struct io_image *image; /* borrowed; writable for PERSIST */
  enum io_disk_mode mode;
  void *blocks;  /* what was written, by number: a search tree of <search.h>; COW: bytes and all */
  uint64_t kept; /* blocks in it */
  void *under;   /* blocks the image has to be taken to have: another such tree */
  bool failed;   /* PERSIST: a flush has failed; what is stable is not known any more */
  uint64_t reads, writes, flushes, bytes_read, bytes_written;
  struct io_disk_fault fault; /* made on purpose; zeroed: none */
  uint64_t faults;            /* that it has made */
  /* PERSIST: told of each block, as it was, before that is written to for the first time. NULL: nobody is. */
  void (*before)(void *ctx, uint64_t block, const uint8_t *bytes);
  void *before_ctx;
};
void io_host_disk_init(struct io_host_disk *d, struct io_image *image, enum io_disk_mode mode);
/* Forgets what was written, if it is not in the file. Twice is harmless, and so is a zeroed one. */
void io_host_disk_fini(struct io_host_disk *d);
/* What was written, if it is not in the file. Restored into a new disk of the same image. */
void io_host_disk_state(struct io_host_disk *d, struct snap *s);
/* Take the image of a COW disk to have IO_DISK_BLOCK other bytes there. False: out of memory, or there is no such
 * block, or it is another already. */
__attribute__((warn_unused_result)) bool io_host_disk_under(struct io_host_disk *d, uint64_t block,
                                                            const uint8_t *bytes);
/* What a device is handed. */
struct io_disk io_host_disk(struct io_host_disk *d);
/* The blocks that have been written to, in order, as they are: `bytes` has IO_DISK_BLOCK of them, NULL: all are zero.
 */
void io_host_disk_each(const struct io_host_disk *d, void (*fn)(void *ctx, uint64_t block, const uint8_t *bytes),
                       void *ctx);
#endif
