/* monitor/file.c: a file's bytes in memory, and gzip taken off them. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Files are mapped, so what is not looked at costs nothing; unpacked data goes into a mapping reserved at its limit,
 * of which the host backs only what is written. */
#define _GNU_SOURCE
#include "monitor/file.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static int reserve(struct mon_file *f, uint64_t room) {
  void *p = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return -1;
  *f = (struct mon_file){.bytes = p, .room = room};
  return 0;
}

void mon_file_close(struct mon_file *f) {
  if (f->bytes) munmap(f->bytes, f->room);
  *f = (struct mon_file){0};
}

static int map_regular(struct mon_file *f, int fd, uint64_t size) {
  if (!size) return 0;
  void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (p == MAP_FAILED) return -1;
  *f = (struct mon_file){.bytes = p, .n = size, .room = size};
  return 0;
}

static int read_pipe(struct mon_file *f, int fd, uint64_t limit) {
  if (reserve(f, limit + 1)) return -1;
  while (f->n < f->room) {
    ssize_t k = read(fd, f->bytes + f->n, f->room - f->n);
    if (!k) break;
    if (k < 0 && errno != EINTR) return -1;
    if (k > 0) f->n += (size_t)k;
  }
  return 0;
}

int mon_file_open(struct mon_file *f, const char *what, const char *path, uint64_t limit, struct mon_error *e) {
  *f = (struct mon_file){0};
  /* O_NONBLOCK: opening a pipe nobody writes to must not hang us before we have looked at it. */
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), code = MB_OK;
  struct stat st;
  if (fd < 0 || fstat(fd, &st)) {
    code = mon_fail(e, MB_ERR_FILE, "%s %s: %s", what, path, strerror(errno));
  } else if (S_ISDIR(st.st_mode)) {
    code = mon_fail(e, MB_ERR_FILE, "%s %s: is a folder, not a file", what, path);
  } else if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode)) {
    code = mon_fail(e, MB_ERR_FILE, "%s %s: is neither a file nor a pipe", what, path);
  } else {
    int bad = S_ISREG(st.st_mode) ? map_regular(f, fd, (uint64_t)st.st_size)
                                  : (fcntl(fd, F_SETFL, 0) || read_pipe(f, fd, limit));
    if (bad)
      code = mon_fail(e, errno == ENOMEM ? MB_ERR_MEMORY : MB_ERR_FILE, "%s %s: %s", what, path, strerror(errno));
    else if (f->n > limit)
      code = mon_fail(e, MB_ERR_FIT, "%s %s: larger than the %" PRIu64 " MiB that could be of use", what, path,
                      limit >> 20);
    else if (!f->n)
      code = mon_fail(e, MB_ERR_FORMAT, "%s %s: is empty", what, path);
  }
  if (fd >= 0) close(fd);
  if (code) mon_file_close(f);
  return code;
}

bool mon_is_gzip(const uint8_t *bytes, size_t n) {
  return n >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

/* zlib counts in 32 bits: hand it windows. */
static unsigned window(size_t n) {
  return n > 1u << 30 ? 1u << 30 : (unsigned)n;
}

/* One member. Returns Z_STREAM_END and how much it took, Z_OK when the output is full, or what is wrong. */
static int unpack_member(z_stream *z, struct mon_file *out, const uint8_t *bytes, size_t n, size_t *used) {
  int r = Z_OK;
  *used = 0;
  while (r == Z_OK) {
    unsigned in = window(n - *used), room = window(out->room - out->n);
    z->next_in = (Bytef *)(uintptr_t)(bytes + *used);
    z->avail_in = in;
    z->next_out = out->bytes + out->n;
    z->avail_out = room;
    r = inflate(z, Z_NO_FLUSH);
    *used += in - z->avail_in;
    out->n += room - z->avail_out;
    if (r != Z_STREAM_END && out->n == out->room) return Z_OK;
  }
  return r;
}

static bool all_zero(const uint8_t *bytes, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (bytes[i]) return false;
  return true;
}

int mon_gunzip(struct mon_file *out, const char *path, const uint8_t *bytes, size_t n, uint64_t limit,
               struct mon_error *e) {
  z_stream z = {0};
  int code = MB_OK, r;
  size_t at = 0, used;
  if (reserve(out, limit + 1)) return mon_fail(e, MB_ERR_MEMORY, "%s: out of memory", path);
  if (inflateInit2(&z, 15 + 16) != Z_OK) {
    mon_file_close(out);
    return mon_fail(e, MB_ERR_MEMORY, "%s: out of memory", path);
  }
  do {
    r = unpack_member(&z, out, bytes + at, n - at, &used);
    at += used;
    if (r == Z_BUF_ERROR)
      code = mon_fail(e, MB_ERR_FORMAT, "%s: truncated: its gzip data ends too early, after %zu bytes", path, n);
    else if (r == Z_OK)
      code = mon_fail(e, MB_ERR_FIT, "%s: unpacks to more than %" PRIu64 " MiB", path, limit >> 20);
    else if (r != Z_STREAM_END)
      code = mon_fail(e, MB_ERR_FORMAT, "%s: damaged: its gzip data has %s near byte %zu", path,
                      z.msg ? z.msg : "an error", at);
    else if (!mon_is_gzip(bytes + at, n - at) && !all_zero(bytes + at, n - at))
      code = mon_fail(e, MB_ERR_FORMAT, "%s: damaged: %zu bytes of junk after its gzip data", path, n - at);
  } while (!code && mon_is_gzip(bytes + at, n - at) && inflateReset(&z) == Z_OK);
  inflateEnd(&z);
  if (!code && !out->n) code = mon_fail(e, MB_ERR_FORMAT, "%s: unpacks to nothing", path);
  if (code) mon_file_close(out);
  return code;
}
