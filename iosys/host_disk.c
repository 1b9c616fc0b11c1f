/* iosys/host_disk.c: disk images in host files: read-only, copy-on-write, persistent. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The C library's search tree (balanced, ordered) holds the blocks a COW disk has of its own. Nothing is kept back in
 * this process: a persistent disk's writes are in the host's page cache when they return, so that a dying process loses
 * none of them, and on its disk when a flush returns. */
#define _GNU_SOURCE
#include "iosys/host_disk.h"
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* --- images --- */

static const char *lock(int fd, bool writable) {
  if (!flock(fd, (writable ? LOCK_EX : LOCK_SH) | LOCK_NB)) return NULL;
  if (errno == EWOULDBLOCK)
    return writable ? "is in use as a disk already: what is written to has one user"
                    : "is written to by its one user, as a persist disk";
  return writable ? "cannot be locked, so that it might get a second user" : NULL; /* some file systems have no locks */
}

const char *io_image_open(struct io_image *image, const char *path, bool writable) {
  struct stat st;
  *image = (struct io_image){.fd = -1};
  int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hang us */
  const char *why = fd < 0 || fstat(fd, &st) ? strerrordesc_np(errno) : NULL;
  if (!why && S_ISDIR(st.st_mode)) why = "is a folder, not a file";
  if (!why && !S_ISREG(st.st_mode)) why = "is no file";
  if (!why && !st.st_size) why = "is empty";
  if (!why && st.st_size % IO_SECTOR) why = "its size is not a multiple of 512 bytes";
  if (!why) why = lock(fd, writable);
  if (!why)
    *image =
        (struct io_image){.fd = fd, .size = (uint64_t)st.st_size, .writable = writable, .file = {st.st_dev, st.st_ino}};
  else if (fd >= 0)
    close(fd);
  return why;
}

uint64_t io_image_changed(const struct io_image *image) {
  const struct timespec tick = {.tv_nsec = 20000000}; /* a file system's clock has no finer ones */
  struct timespec now;
  struct stat st;
  for (;;) {
    if (fstat(image->fd, &st) || clock_gettime(CLOCK_REALTIME, &now)) return 0;
    int64_t ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    int64_t age = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - ns;
    if (age < 0 || age > tick.tv_nsec) return (uint64_t)ns;
    nanosleep(&tick, NULL);
  }
}

void io_image_close(struct io_image *image) {
  if (image->size) close(image->fd);
  *image = (struct io_image){.fd = -1};
}

int io_read_all(int fd, uint64_t at, void *to, uint64_t n) {
  for (uint8_t *p = to; n;) {
    ssize_t k = pread(fd, p, n, (off_t)at);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) return -1;
    p += k, at += (uint64_t)k, n -= (uint64_t)k;
  }
  return 0;
}

int io_write_all(int fd, uint64_t at, const void *from, uint64_t n) {
  for (const uint8_t *p = from; n;) {
    ssize_t k = pwrite(fd, p, n, (off_t)at);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) return -1;
    p += k, at += (uint64_t)k, n -= (uint64_t)k;
  }
  return 0;
}

int io_image_read(const struct io_image *image, uint64_t at, void *to, uint64_t n) {
  return io_read_all(image->fd, at, to, n);
}

static int image_write(const struct io_image *image, uint64_t at, const void *from, uint64_t n) {
  return io_write_all(image->fd, at, from, n);
}

/* --- a COW disk's own blocks --- */

struct block {
  uint64_t number;
  uint8_t *bytes; /* NULL: zeros */
};

static int by_number(const void *a, const void *b) {
  uint64_t x = ((const struct block *)a)->number, y = ((const struct block *)b)->number;
  return (x > y) - (x < y);
}

static void forget(void *block) {
  free(((struct block *)block)->bytes);
  free(block);
}

static struct block *find_block(void *const *tree, uint64_t number) {
  struct block key = {.number = number}, **found = *tree ? tfind(&key, tree, by_number) : NULL;
  return found ? *found : NULL;
}

static struct block *own_block(const struct io_host_disk *d, uint64_t number) {
  return find_block(&d->blocks, number);
}

/* A new one, which reads as zeros. NULL: out of memory. */
static struct block *add_block(void **tree, uint64_t number) {
  struct block *b = calloc(1, sizeof *b);
  if (!b) return NULL;
  b->number = number;
  if (tsearch(b, tree, by_number)) return b;
  free(b);
  return NULL;
}

/* The disk's own block, which the caller fills. NULL: out of memory. */
static struct block *make_own(struct io_host_disk *d, uint64_t number) {
  struct block *b = own_block(d, number);
  if (b || !(b = add_block(&d->blocks, number))) return b;
  d->kept++;
  return b;
}

/* The part of [at, at + n) that lies in at's block. */
static uint64_t piece(uint64_t at, uint64_t n) {
  uint64_t room = IO_DISK_BLOCK - at % IO_DISK_BLOCK;
  return n < room ? n : room;
}

/* Within one block, or anywhere if there is nothing but the image. */
static int under_read(const struct io_host_disk *d, uint64_t at, uint8_t *to, uint64_t n) {
  const struct block *b = find_block(&d->under, at / IO_DISK_BLOCK);
  if (!b) return io_image_read(d->image, at, to, n);
  memcpy(to, b->bytes + at % IO_DISK_BLOCK, n);
  return 0;
}

static int cow_read(const struct io_host_disk *d, uint64_t at, uint8_t *to, uint64_t n) {
  bool own = d->kept && d->mode == IO_DISK_COW;
  for (uint64_t k; n; at += k, to += k, n -= k) {
    k = own || d->under ? piece(at, n) : n;
    const struct block *b = own ? own_block(d, at / IO_DISK_BLOCK) : NULL;
    if (!b) {
      if (under_read(d, at, to, k)) return -1;
    } else if (b->bytes) {
      memcpy(to, b->bytes + at % IO_DISK_BLOCK, k);
    } else {
      memset(to, 0, k);
    }
  }
  return 0;
}

/* A block that is written for the first time, at `at`, n bytes of it: the rest is the image's. NULL: out of memory, or
 * the image cannot be read. */
static struct block *split(struct io_host_disk *d, uint64_t at, uint64_t n) {
  uint64_t start = at - at % IO_DISK_BLOCK, all = d->image->size - start;
  uint8_t *bytes = calloc(1, IO_DISK_BLOCK);
  struct block *b = NULL;
  if (all > IO_DISK_BLOCK) all = IO_DISK_BLOCK;
  if (bytes && (n == all || !under_read(d, start, bytes, all))) b = make_own(d, at / IO_DISK_BLOCK);
  if (b)
    b->bytes = bytes;
  else
    free(bytes);
  return b;
}

static int cow_write(struct io_host_disk *d, uint64_t at, const uint8_t *from, uint64_t n) {
  for (uint64_t k; n; at += k, from += k, n -= k) {
    k = piece(at, n);
    struct block *b = own_block(d, at / IO_DISK_BLOCK);
    if (!b && !(b = split(d, at, k))) return -1;
    if (!b->bytes && !(b->bytes = calloc(1, IO_DISK_BLOCK))) return -1;
    memcpy(b->bytes + at % IO_DISK_BLOCK, from, k);
  }
  return 0;
}

static int cow_zero(struct io_host_disk *d, uint64_t at, uint64_t n) {
  static const uint8_t zeros[IO_DISK_BLOCK];
  for (uint64_t k; n; at += k, n -= k) {
    k = piece(at, n);
    if (k < IO_DISK_BLOCK) {
      if (cow_write(d, at, zeros, k)) return -1;
      continue;
    }
    struct block *b = make_own(d, at / IO_DISK_BLOCK);
    if (!b) return -1;
    free(b->bytes);
    b->bytes = NULL;
  }
  return 0;
}

bool io_host_disk_under(struct io_host_disk *d, uint64_t block, const uint8_t *bytes) {
  if (d->mode != IO_DISK_COW || block > (d->image->size - 1) / IO_DISK_BLOCK || find_block(&d->under, block))
    return false;
  uint8_t *copy = malloc(IO_DISK_BLOCK);
  struct block *b = copy ? add_block(&d->under, block) : NULL;
  if (!b) return free(copy), false;
  memcpy(copy, bytes, IO_DISK_BLOCK);
  b->bytes = copy;
  return true;
}

/* --- a persistent disk's blocks --- */

/* All of one, and zeros behind the disk's end. */
static int read_block(const struct io_host_disk *d, uint64_t number, uint8_t bytes[IO_DISK_BLOCK]) {
  uint64_t at = number * IO_DISK_BLOCK;
  memset(bytes, 0, IO_DISK_BLOCK);
  return io_image_read(d->image, at, bytes, piece(at, d->image->size - at));
}

/* [at, at + n) is about to be written to. */
static int note_written(struct io_host_disk *d, uint64_t at, uint64_t n) {
  uint8_t bytes[IO_DISK_BLOCK];
  for (uint64_t k = at / IO_DISK_BLOCK; n && k <= (at + n - 1) / IO_DISK_BLOCK; k++) {
    if (own_block(d, k)) continue;
    if ((d->before && read_block(d, k, bytes)) || !make_own(d, k)) return -1;
    if (d->before) d->before(d->before_ctx, k, bytes);
  }
  return 0;
}

/* --- what devices call --- */

static bool in_range(const struct io_host_disk *d, uint64_t at, uint64_t n) {
  return at <= d->image->size && n <= d->image->size - at;
}

static bool touches(const struct io_disk_fault *f, uint64_t at, uint64_t n) {
  return f->times && at < f->at + f->n && f->at < at + n;
}

/* Does this access fail on purpose? */
static bool meets_fault(struct io_host_disk *d, uint64_t at, uint64_t n, bool write) {
  struct io_disk_fault *f = &d->fault;
  if (!touches(f, at, n) || !(write ? f->write : f->read)) return false;
  if (f->times != UINT32_MAX) f->times--;
  d->faults++;
  return true;
}

static int disk_read(void *disk, uint64_t at, void *to, uint64_t n) {
  struct io_host_disk *d = disk;
  if (!in_range(d, at, n) || meets_fault(d, at, n, false)) return -1;
  d->reads++;
  d->bytes_read += n;
  return cow_read(d, at, to, n);
}

static int disk_write(void *disk, uint64_t at, const void *from, uint64_t n) {
  struct io_host_disk *d = disk;
  if (!in_range(d, at, n) || d->failed || meets_fault(d, at, n, true)) return -1;
  if (d->mode == IO_DISK_PERSIST && note_written(d, at, n)) return -1;
  d->writes++;
  d->bytes_written += n;
  return d->mode == IO_DISK_PERSIST ? image_write(d->image, at, from, n) : cow_write(d, at, from, n);
}

static const struct io_image *disk_shared(void *disk, uint64_t at) {
  const struct io_host_disk *d = disk;
  if (!in_range(d, at, IO_DISK_BLOCK)) return NULL;
  if (own_block(d, at / IO_DISK_BLOCK) || find_block(&d->under, at / IO_DISK_BLOCK)) return NULL;
  if (d->fault.read && touches(&d->fault, at, IO_DISK_BLOCK)) return NULL; /* it must be asked */
  return d->image;
}

/* Zeros the host's file system need not store, where it can do that. */
static int image_zero(const struct io_image *image, uint64_t at, uint64_t n) {
  static const uint8_t zeros[1 << 16];
  if (!fallocate(image->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)n)) return 0;
  for (uint64_t k; n; at += k, n -= k) {
    k = n < sizeof zeros ? n : sizeof zeros;
    if (image_write(image, at, zeros, k)) return -1;
  }
  return 0;
}

static int disk_zero(void *disk, uint64_t at, uint64_t n) {
  struct io_host_disk *d = disk;
  if (!in_range(d, at, n) || d->failed || meets_fault(d, at, n, true)) return -1;
  if (!n) return 0;
  if (d->mode == IO_DISK_PERSIST && note_written(d, at, n)) return -1;
  d->writes++;
  return d->mode == IO_DISK_PERSIST ? image_zero(d->image, at, n) : cow_zero(d, at, n);
}

/* A host that could not write some of it may have dropped that and say so only once, so that no later flush counts. */
static int disk_flush(void *disk) {
  struct io_host_disk *d = disk;
  d->flushes++;
  if (d->mode != IO_DISK_PERSIST) return 0;
  if (!d->failed && fdatasync(d->image->fd)) d->failed = true;
  return d->failed ? -1 : 0;
}

/* --- making --- */

void io_host_disk_init(struct io_host_disk *d, struct io_image *image, enum io_disk_mode mode) {
  *d = (struct io_host_disk){.image = image, .mode = mode};
}

static void drop_blocks(struct io_host_disk *d) {
  tdestroy(d->blocks, forget);
  d->blocks = NULL;
  d->kept = 0;
}

void io_host_disk_fini(struct io_host_disk *d) {
  drop_blocks(d);
  tdestroy(d->under, forget);
  *d = (struct io_host_disk){0};
}

struct io_disk io_host_disk(struct io_host_disk *d) {
  bool read_only = d->mode == IO_DISK_RO;
  return (struct io_disk){.read = disk_read,
                          .write = read_only ? NULL : disk_write,
                          .zero = read_only ? NULL : disk_zero,
                          .flush = disk_flush,
                          .shared = d->image->shared ? disk_shared : NULL,
                          .ctx = d,
                          .size = d->image->size,
                          .read_only = read_only};
}

struct walk {
  const struct io_host_disk *disk; /* NULL: as they are in the tree */
  void (*fn)(void *ctx, uint64_t block, const uint8_t *bytes);
  void *ctx;
};

static void visit(const void *node, VISIT order, void *walk) {
  const struct walk *w = walk;
  const struct block *b = *(struct block *const *)node;
  uint8_t bytes[IO_DISK_BLOCK];
  if (order != postorder && order != leaf) return; /* "postorder" is in between */
  bool in_file = w->disk && w->disk->mode == IO_DISK_PERSIST && !read_block(w->disk, b->number, bytes);
  w->fn(w->ctx, b->number, in_file ? bytes : b->bytes);
}

void io_host_disk_each(const struct io_host_disk *d, void (*fn)(void *ctx, uint64_t block, const uint8_t *bytes),
                       void *ctx) {
  struct walk w = {d, fn, ctx};
  twalk_r(d->blocks, visit, &w);
}

/* --- state --- */

static void save_block(void *snap, uint64_t block, const uint8_t *bytes) {
  struct snap *s = snap;
  bool zeros = !bytes;
  SNAP(s, block);
  SNAP(s, zeros);
  if (bytes) snap_bytes(s, (uint8_t *)(uintptr_t)bytes, IO_DISK_BLOCK);
}

static void restore_block(struct io_host_disk *d, struct snap *s) {
  uint64_t number = 0;
  bool zeros = false;
  SNAP(s, number);
  SNAP(s, zeros);
  if (!snap_check(s, number <= (d->image->size - 1) / IO_DISK_BLOCK)) return;
  struct block *b = make_own(d, number);
  if (!snap_check(s, b && !b->bytes && (zeros || d->mode == IO_DISK_COW)) || zeros) return;
  b->bytes = calloc(1, IO_DISK_BLOCK);
  if (snap_check(s, b->bytes)) snap_bytes(s, b->bytes, IO_DISK_BLOCK);
}

static void fault_state(struct io_disk_fault *f, struct snap *s) {
  SNAP(s, f->at);
  SNAP(s, f->n);
  SNAP(s, f->read);
  SNAP(s, f->write);
  SNAP(s, f->times);
}

void io_host_disk_state(struct io_host_disk *d, struct snap *s) {
  uint64_t kept = d->kept;
  fault_state(&d->fault, s);
  SNAP(s, d->faults);
  SNAP(s, d->failed);
  SNAP(s, d->reads);
  SNAP(s, d->writes);
  SNAP(s, d->flushes);
  SNAP(s, d->bytes_read);
  SNAP(s, d->bytes_written);
  SNAP(s, kept);
  if (s->restoring) drop_blocks(d);
  struct walk all = {NULL, save_block, s};
  if (!s->restoring) twalk_r(d->blocks, visit, &all);
  snap_check(s, !kept || d->mode != IO_DISK_RO);
  while (s->restoring && kept-- && !s->bad) restore_block(d, s);
}
