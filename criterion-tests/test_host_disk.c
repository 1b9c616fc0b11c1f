/* criterion-tests/test_host_disk.c: disk images in files: the three modes against a model, locks, errors. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "iosys/host_disk.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 37 * 512 }; /* the last block is no whole one */
static char path[64];
static uint8_t model[SIZE], got[SIZE];

/* In place of the C library's: how often the host was asked to make things stable, and what it answers. */
static unsigned n_synced;
static bool sync_fails;
int fdatasync(int fd) {
  struct stat st;
  n_synced++;
  return fstat(fd, &st) || sync_fails ? -1 : 0;
}

static void make_file(void) {
  snprintf(path, sizeof path, "/tmp/test_host_disk.XXXXXX");
  int fd = mkstemp(path);
  for (unsigned i = 0; i < SIZE; i++) model[i] = (uint8_t)(i * 7 + i / 512);
  cr_assert(fd >= 0 && write(fd, model, SIZE) == SIZE);
  close(fd);
}
static void remove_file(void) {
  unlink(path);
}
static void file_is(const uint8_t *want) {
  int fd = open(path, O_RDONLY);
  cr_assert(fd >= 0 && read(fd, got, SIZE) == SIZE);
  close(fd);
  cr_expect_arr_eq(got, want, SIZE);
}

static struct io_disk open_disk(struct io_host_disk *d, struct io_image *image, enum io_disk_mode mode) {
  const char *why = io_image_open(image, path, mode == IO_DISK_PERSIST);
  cr_assert_null(why, "%s", why);
  io_host_disk_init(d, image, mode);
  return io_host_disk(d);
}

static uint32_t dice(uint32_t *x) {
  *x ^= *x << 13, *x ^= *x >> 17, *x ^= *x << 5;
  return *x;
}

/* Random reads, writes and zeroings, of any alignment. */
static void play(struct io_disk *d, uint32_t seed) {
  static uint8_t data[SIZE];
  for (int i = 0; i < 3000; i++) {
    uint32_t at = dice(&seed) % SIZE, n = dice(&seed) % (i & 1 ? 600 : SIZE), what = dice(&seed) % 8;
    if (what == 0) at &= ~4095u, n = 8192;
    if (n > SIZE - at) n = SIZE - at;
    if (what < 2) {
      cr_assert_eq(d->zero(d->ctx, at, n), 0);
      memset(model + at, 0, n);
    } else if (what < 5) {
      for (unsigned k = 0; k < n; k++) data[k] = (uint8_t)dice(&seed);
      cr_assert_eq(d->write(d->ctx, at, data, n), 0);
      memcpy(model + at, data, n);
    } else {
      memset(got, 0x5a, sizeof got);
      cr_assert_eq(d->read(d->ctx, at, got, n), 0);
      cr_assert_arr_eq(got, model + at, n, "step %d: %u bytes at %u", i, n, at);
    }
  }
}

static void note_block(void *ctx, uint64_t block, const uint8_t *bytes) {
  uint64_t *next = ctx;
  unsigned n = block * IO_DISK_BLOCK + IO_DISK_BLOCK > SIZE ? SIZE % IO_DISK_BLOCK : IO_DISK_BLOCK;
  cr_expect_geq(block, *next, "in order");
  *next = block + 1;
  for (unsigned i = 0; i < n; i++) cr_assert_eq(bytes ? bytes[i] : 0, model[block * IO_DISK_BLOCK + i]);
}

Test(host_disk, cow_leaves_the_file_alone, .init = make_file, .fini = remove_file) {
  struct io_image image;
  struct io_host_disk d, other;
  static uint8_t first[SIZE];
  struct io_disk disk = open_disk(&d, &image, IO_DISK_COW);
  io_host_disk_init(&other, &image, IO_DISK_COW);
  memcpy(first, model, SIZE);
  cr_expect_eq(disk.size, SIZE);
  cr_expect_not(disk.read_only);
  play(&disk, 1);
  cr_expect_eq(disk.flush(disk.ctx), 0);
  file_is(first);
  struct io_disk untouched = io_host_disk(&other);
  cr_expect_eq(untouched.read(untouched.ctx, 0, got, SIZE), 0);
  cr_expect_arr_eq(got, first, SIZE, "another disk of the same image sees nothing of it");
  uint64_t next = 0;
  io_host_disk_each(&d, note_block, &next);
  cr_expect_eq(d.kept, 5);
  cr_expect_eq(other.kept, 0);
  cr_expect_eq(next, 5);
  io_host_disk_fini(&other);
  io_host_disk_fini(&d);
  io_host_disk_fini(&d);
  io_image_close(&image);
  io_image_close(&image);
}

Test(host_disk, persist_is_the_file, .init = make_file, .fini = remove_file) {
  struct io_image image;
  struct io_host_disk d;
  struct io_disk disk = open_disk(&d, &image, IO_DISK_PERSIST);
  play(&disk, 2);
  file_is(model);
  cr_expect_eq(n_synced, 0);
  cr_expect_eq(disk.flush(disk.ctx), 0);
  cr_expect_eq(d.flushes, 1);
  cr_expect_eq(n_synced, 1);
  sync_fails = true;
  cr_expect_eq(disk.flush(disk.ctx), -1);
  sync_fails = false;
  cr_expect_eq(disk.flush(disk.ctx), -1, "what the host has lost it may not say twice");
  cr_expect_eq(disk.write(disk.ctx, 0, got, 512), -1);
  cr_expect_eq(disk.zero(disk.ctx, 0, 512), -1);
  cr_expect_eq(disk.read(disk.ctx, 0, got, 512), 0);
  io_host_disk_fini(&d);
  io_image_close(&image);
}

static struct io_host_disk *undone;
static unsigned n_told;
static void undo(void *ctx, uint64_t block, const uint8_t *bytes) {
  cr_expect_eq(ctx, &undone);
  cr_assert(io_host_disk_under(undone, block, bytes), "each block once");
  n_told++;
}

Test(host_disk, what_persists_can_be_undone, .init = make_file, .fini = remove_file) {
  struct io_image image, copy;
  struct io_host_disk d, old = {0};
  static uint8_t first[SIZE];
  struct io_disk disk = open_disk(&d, &image, IO_DISK_PERSIST);
  memcpy(first, model, SIZE);
  copy = image;
  io_host_disk_init(&old, &copy, IO_DISK_COW);
  undone = &old;
  d.before = undo;
  d.before_ctx = &undone;
  cr_expect_eq(disk.write(disk.ctx, 4095, first, 2), 0);
  cr_expect_eq(n_told, 2, "a write over an edge changes two blocks");
  cr_expect_eq(disk.write(disk.ctx, 4095, first + 4095, 2), 0);
  cr_expect_eq(n_told, 2);
  play(&disk, 4);
  cr_expect_eq(n_told, (SIZE + IO_DISK_BLOCK - 1) / IO_DISK_BLOCK);
  struct io_disk as_it_was = io_host_disk(&old);
  cr_expect_eq(as_it_was.read(as_it_was.ctx, 0, got, SIZE), 0);
  cr_expect_arr_eq(got, first, SIZE);
  cr_expect_not(io_host_disk_under(&old, n_told, first), "there is no such block");
  uint64_t next = 0;
  io_host_disk_each(&d, note_block, &next);
  cr_expect_eq(next, n_told, "the blocks that were written, as they are");
  cr_expect_not(io_host_disk_under(&d, 0, first), "what persists has no blocks of its own");
  io_host_disk_fini(&old);
  io_host_disk_fini(&d);
  io_image_close(&image);
}

Test(host_disk, read_only_has_no_way_to_write, .init = make_file, .fini = remove_file) {
  struct io_image image;
  struct io_host_disk d;
  struct io_disk disk = open_disk(&d, &image, IO_DISK_RO);
  cr_expect(disk.read_only && !disk.write && !disk.zero);
  cr_expect_eq(disk.read(disk.ctx, SIZE - 512, got, 512), 0);
  cr_expect_arr_eq(got, model + SIZE - 512, 512);
  io_host_disk_fini(&d);
  io_image_close(&image);
}

Test(host_disk, nothing_beyond_the_end, .init = make_file, .fini = remove_file) {
  static const uint64_t bad[][2] = {{SIZE, 1}, {SIZE - 1, 2}, {0, SIZE + 1}, {UINT64_MAX, 2}, {2, UINT64_MAX}};
  for (int mode = IO_DISK_COW; mode <= IO_DISK_PERSIST; mode++) {
    struct io_image image;
    struct io_host_disk d;
    struct io_disk disk = open_disk(&d, &image, (enum io_disk_mode)mode);
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
      cr_expect_eq(disk.read(disk.ctx, bad[i][0], got, bad[i][1]), -1);
      cr_expect_eq(disk.write(disk.ctx, bad[i][0], got, bad[i][1]), -1);
      cr_expect_eq(disk.zero(disk.ctx, bad[i][0], bad[i][1]), -1);
    }
    cr_expect_eq(disk.write(disk.ctx, SIZE, got, 0), 0);
    io_host_disk_fini(&d);
    io_image_close(&image);
  }
  file_is(model);
}

Test(host_disk, one_user_of_what_is_written, .init = make_file, .fini = remove_file) {
  struct io_image a, b;
  cr_assert_null(io_image_open(&a, path, true));
  cr_expect_not_null(io_image_open(&b, path, true));
  cr_expect_not_null(io_image_open(&b, path, false));
  io_image_close(&b);
  io_image_close(&a);
  cr_assert_null(io_image_open(&a, path, false));
  cr_assert_null(io_image_open(&b, path, false), "readers do not mind each other");
  io_image_close(&b);
  cr_expect_not_null(io_image_open(&b, path, true));
  io_image_close(&a);
  cr_assert_null(io_image_open(&b, path, true));
  io_image_close(&b);
  cr_expect_str_eq(io_image_open(&a, "/tmp", false), "is a folder, not a file");
  cr_expect_str_eq(io_image_open(&a, "/dev/null", false), "is no file");
  cr_expect_str_eq(io_image_open(&a, "/nowhere/at/all", false), "No such file or directory");
  cr_assert_eq(truncate(path, 1000), 0);
  cr_expect_not_null(strstr(io_image_open(&a, path, false), "512"));
  cr_assert_eq(truncate(path, 0), 0);
  cr_expect_str_eq(io_image_open(&a, path, false), "is empty");
}

/* What the host refuses is an answer, not the end: a file that has shrunk, and one that may not grow. */
Test(host_disk, host_errors, .init = make_file, .fini = remove_file) {
  for (int mode = IO_DISK_COW; mode <= IO_DISK_PERSIST; mode++) {
    struct io_image image;
    struct io_host_disk d;
    struct io_disk disk = open_disk(&d, &image, (enum io_disk_mode)mode);
    cr_assert_eq(truncate(path, 4096), 0);
    cr_expect_eq(disk.read(disk.ctx, 8192, got, 512), -1);
    cr_expect_eq(disk.read(disk.ctx, 0, got, 4096), 0);
    cr_expect_eq(disk.write(disk.ctx, 8192, got, 512), mode == IO_DISK_COW ? -1 : 0);
    struct rlimit small = {4096, RLIM_INFINITY}, before;
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    cr_expect_eq(disk.write(disk.ctx, 12288, got, 4096), mode == IO_DISK_COW ? 0 : -1);
    setrlimit(RLIMIT_FSIZE, &before);
    io_host_disk_fini(&d);
    io_image_close(&image);
    cr_assert_eq(truncate(path, SIZE), 0);
  }
}

/* --- to memory --- */

enum { MEMORY = 6 * IO_DISK_BLOCK };
static uint8_t memory[MEMORY];
static unsigned n_blocks;

static uint64_t to_memory(void *ctx, uint64_t gpa, const void *from, uint64_t n) {
  if (gpa > MEMORY) return 0;
  if (n > MEMORY - gpa) n = MEMORY - gpa;
  memcpy(memory + gpa, from, n);
  return n;
}

static bool as_block(void *ctx, uint64_t gpa, const struct io_image *image, uint64_t block) {
  n_blocks++;
  cr_assert_eq(gpa % IO_DISK_BLOCK, 0);
  return gpa < MEMORY && block % 3 && !io_image_read(image, block * IO_DISK_BLOCK, memory + gpa, IO_DISK_BLOCK);
}

Test(host_disk, whole_blocks_of_a_shared_image_go_to_memory_by_frame, .init = make_file, .fini = remove_file) {
  struct io_image image;
  struct io_host_disk d;
  static uint8_t want[MEMORY];
  struct io_dma dma = {.write = to_memory, .block = as_block};
  struct io_disk disk = open_disk(&d, &image, IO_DISK_COW);
  uint32_t seed = 3;
  cr_expect_null(disk.shared, "nobody else has it");
  image.shared = 1;
  disk = io_host_disk(&d);
  cr_expect_eq(disk.shared(disk.ctx, 4096), &image);
  cr_expect_null(disk.shared(disk.ctx, SIZE / 4096 * 4096), "no whole block");
  for (int i = 0; i < 2000; i++) {
    uint8_t buffer[1024];
    uint64_t at = dice(&seed) % SIZE / 512 * 512, to = dice(&seed) % MEMORY, n = dice(&seed) % (SIZE - at) / 512 * 512;
    if (i & 1) to = to / 4096 * 4096;
    if (i & 2) at = at / 4096 * 4096;
    if (i == 1000) { /* from here on one block is the disk's own */
      cr_assert_eq(disk.write(disk.ctx, 5000, "own", 3), 0);
      memcpy(model + 5000, "own", 3);
      cr_expect_null(disk.shared(disk.ctx, 4096));
    }
    memcpy(memory, want, MEMORY);
    int bad = io_disk_to_memory(&disk, at, &dma, to, n, buffer, sizeof buffer);
    cr_assert_eq(bad, to + n > MEMORY ? -1 : 0);
    if (bad) continue;
    memcpy(want + to, model + at, n);
    cr_assert_arr_eq(memory + to, want + to, n, "step %d", i);
  }
  cr_expect_gt(n_blocks, 100);
  io_host_disk_fini(&d);
  io_image_close(&image);
}

/* A disk goes back to what it was: blocks that it has got since are the image's again. */
Test(host_disk, cow_goes_back, .init = make_file, .fini = remove_file) {
  struct io_image image;
  struct io_host_disk d;
  struct snap early = {0}, late = {0}, from;
  static uint8_t then[SIZE], now[SIZE];
  struct io_disk disk = open_disk(&d, &image, IO_DISK_COW);
  cr_assert_eq(disk.write(disk.ctx, 5000, "own", 3), 0);
  cr_assert_eq(disk.zero(disk.ctx, 8192, 4096), 0);
  cr_assert_eq(disk.read(disk.ctx, 0, then, SIZE), 0);
  io_host_disk_state(&d, &early);
  play(&disk, 4);
  cr_assert_eq(disk.read(disk.ctx, 0, now, SIZE), 0);
  io_host_disk_state(&d, &late);
  for (int i = 0; i < 3; i++) {
    const struct snap *to = i == 1 ? &late : &early;
    snap_open(&from, to->bytes, to->n);
    io_host_disk_state(&d, &from);
    cr_assert(!from.bad && from.at == from.n);
    cr_expect_eq(d.kept, i == 1 ? 5 : 2);
    cr_assert_eq(disk.read(disk.ctx, 0, got, SIZE), 0);
    cr_expect_arr_eq(got, i == 1 ? now : then, SIZE, "step %d", i);
  }
  snap_free(&early);
  snap_free(&late);
  io_host_disk_fini(&d);
  io_image_close(&image);
}
