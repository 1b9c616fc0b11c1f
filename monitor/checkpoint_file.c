/* monitor/checkpoint_file.c: the file that a machine is saved in: header, digests, writing, opening. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "monitor/checkpoint.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

/* VERSION: of what is in this file; the parts of the state have their own. */
enum { MAGIC = 24, VERSION = 2, LEVEL = 1, CHUNK = 64 /* pages read at once */ };
static const char magic[MAGIC] = "mirrorball checkpoint\n";
#define REST_MAX ((uint64_t)16 << 30) /* unpacked */

struct header {
  uint32_t version, page;
  uint64_t pages_at, pages, pages_digest, rest_at, rest_bytes, rest_digest;
  uint64_t own; /* digest of the rest of the header, which follows it */
};

static void header_state(struct header *h, struct snap *s) {
  SNAP(s, h->version);
  SNAP(s, h->page);
  SNAP(s, h->pages_at);
  SNAP(s, h->pages);
  SNAP(s, h->pages_digest);
  SNAP(s, h->rest_at);
  SNAP(s, h->rest_bytes);
  SNAP(s, h->rest_digest);
}

/* --- writing --- */

/* Frames that lie one behind the other in memory are written at once. */
static int write_pages(int fd, const struct mon_checkpoint_parts *p, struct header *h, const struct mb_progress *tell) {
  XXH3_state_t *digest = XXH3_createState();
  if (!digest) return -1;
  XXH3_64bits_reset(digest);
  int bad = 0;
  for (uint32_t i = 0, n; i < p->kept->n && !bad; i += n) {
    const uint8_t *bytes = mmu_frame_bytes(p->map, p->kept->frame[i]);
    for (n = 1; n < CHUNK && i + n < p->kept->n &&
                mmu_frame_bytes(p->map, p->kept->frame[i + n]) == bytes + (size_t)n * MMU_PAGE_SIZE;
         n++) {
    }
    XXH3_64bits_update(digest, bytes, (size_t)n * MMU_PAGE_SIZE);
    bad = io_write_all(fd, h->pages_at + (uint64_t)i * MMU_PAGE_SIZE, bytes, (uint64_t)n * MMU_PAGE_SIZE);
    if (tell && tell->fn) tell->fn(tell->ctx, (uint64_t)(i + n) * MMU_PAGE_SIZE, h->pages * MMU_PAGE_SIZE);
  }
  h->pages_digest = XXH3_64bits_digest(digest);
  XXH3_freeState(digest);
  return bad;
}

/* The description, with its length, and the state, packed. */
static int write_rest(int fd, const struct mon_checkpoint_parts *p, struct header *h) {
  struct snap s = {0};
  uint64_t n = strlen(p->about);
  SNAP(&s, n);
  snap_bytes(&s, (char *)(uintptr_t)p->about, n);
  snap_bytes(&s, (uint8_t *)(uintptr_t)p->state, p->state_n);
  size_t room = ZSTD_compressBound(s.n);
  uint8_t *packed = s.bad ? NULL : malloc(room);
  size_t k = packed ? ZSTD_compress(packed, room, s.bytes, s.n, LEVEL) : 0;
  int bad = !packed || ZSTD_isError(k) ? (errno = ENOMEM, -1) : io_write_all(fd, h->rest_at, packed, k);
  h->rest_bytes = k;
  h->rest_digest = packed ? XXH3_64bits(packed, k) : 0;
  free(packed);
  snap_free(&s);
  return bad;
}

static int write_header(int fd, struct header *h) {
  struct snap s = {0};
  snap_bytes(&s, (char *)(uintptr_t)magic, MAGIC);
  header_state(h, &s);
  uint64_t digest = s.bad ? 0 : XXH3_64bits(s.bytes, s.n);
  SNAP(&s, digest);
  int bad = s.bad ? (errno = ENOMEM, -1) : io_write_all(fd, 0, s.bytes, s.n);
  snap_free(&s);
  return bad;
}

static int write_file(int fd, const struct mon_checkpoint_parts *p, const struct mb_progress *progress) {
  struct header h = {.version = VERSION, .page = MMU_PAGE_SIZE, .pages_at = MMU_PAGE_SIZE, .pages = p->kept->n};
  h.rest_at = h.pages_at + h.pages * MMU_PAGE_SIZE;
  return write_pages(fd, p, &h, progress) || write_rest(fd, p, &h) || write_header(fd, &h) || (!p->loosely && fsync(fd))
             ? -1
             : 0;
}

/* Under another name first: a file of this name is the old one or the new one, whatever befalls us. */
int mon_checkpoint_write(const char *path, const struct mon_checkpoint_parts *p, const struct mb_progress *progress,
                         struct mon_error *e) {
  char *name = NULL;
  struct stat st;
  if (!stat(path, &st) && !S_ISREG(st.st_mode)) return mon_fail(e, MB_ERR_FILE, "checkpoint %s: is no file", path);
  if (asprintf(&name, "%s.XXXXXX", path) < 0) return mon_fail(e, MB_ERR_MEMORY, "out of memory");
  int fd = mkostemp(name, O_CLOEXEC), code = MB_OK;
  mode_t mask = umask(0);
  umask(mask);
  bool written = fd >= 0 && !fchmod(fd, 0666 & ~mask) && !write_file(fd, p, progress) && !rename(name, path);
  if (!written) code = mon_fail(e, MB_ERR_FILE, "checkpoint %s: %s", path, strerror(errno));
  if (!written && fd >= 0) unlink(name);
  if (fd >= 0) close(fd);
  free(name);
  return code;
}

/* --- reading --- */

/* NULL, or what is wrong. */
static const char *read_header(int fd, uint64_t size, struct header *h) {
  uint8_t bytes[MAGIC + sizeof *h];
  struct snap s;
  uint64_t digest = 0;
  if (size < sizeof bytes || io_read_all(fd, 0, bytes, sizeof bytes) || memcmp(bytes, magic, MAGIC))
    return "is no checkpoint of mirrorball";
  snap_open(&s, bytes + MAGIC, sizeof bytes - MAGIC);
  header_state(h, &s);
  size_t n = MAGIC + s.at;
  SNAP(&s, digest);
  if (s.bad || digest != XXH3_64bits(bytes, n)) return "is damaged";
  h->own = digest;
  if (h->version != VERSION)
    return h->version > VERSION ? "was written by a newer mirrorball" : "was written by an older mirrorball";
  bool sound = h->page == MMU_PAGE_SIZE && h->pages_at == MMU_PAGE_SIZE && h->pages < NUMA_NO_FRAME &&
               h->rest_at == h->pages_at + h->pages * MMU_PAGE_SIZE && h->rest_bytes <= size &&
               h->rest_at <= size - h->rest_bytes;
  return sound ? NULL : "is truncated";
}

static const char *check_pages(int fd, const struct header *h) {
  static const char damaged[] = "is damaged: its memory is not what was written";
  enum { BYTES = CHUNK * MMU_PAGE_SIZE };
  uint8_t *bytes = malloc(BYTES);
  XXH3_state_t *digest = XXH3_createState();
  const char *why = bytes && digest ? NULL : "out of memory";
  if (digest) XXH3_64bits_reset(digest);
  for (uint64_t at = 0, n, end = h->pages * MMU_PAGE_SIZE; !why && at < end; at += n) {
    n = end - at < BYTES ? end - at : BYTES;
    if (io_read_all(fd, h->pages_at + at, bytes, n)) why = damaged;
    if (!why) XXH3_64bits_update(digest, bytes, n);
  }
  if (!why && XXH3_64bits_digest(digest) != h->pages_digest) why = damaged;
  XXH3_freeState(digest);
  free(bytes);
  return why;
}

static const char *unpack(struct mon_checkpoint *c, const uint8_t *packed, size_t n) {
  unsigned long long all = ZSTD_getFrameContentSize(packed, n);
  if (all > REST_MAX || !(c->rest = malloc(all + 1))) return "is damaged";
  size_t k = ZSTD_decompress(c->rest, all, packed, n);
  uint64_t about = 0;
  struct snap s;
  if (ZSTD_isError(k) || k != all) return "is damaged";
  snap_open(&s, c->rest, k);
  SNAP(&s, about);
  if (s.bad || about > k - s.at) return "is damaged";
  c->about = json_loadb((const char *)c->rest + s.at, about, 0, NULL);
  c->state = c->rest + s.at + about;
  c->state_n = k - s.at - about;
  return json_is_object(c->about) ? NULL : "is damaged";
}

static const char *read_rest(struct mon_checkpoint *c, const struct header *h) {
  uint8_t *packed = malloc(h->rest_bytes + 1);
  const char *why = "is damaged";
  if (packed && !io_read_all(c->fd, h->rest_at, packed, h->rest_bytes) &&
      XXH3_64bits(packed, h->rest_bytes) == h->rest_digest)
    why = unpack(c, packed, h->rest_bytes);
  free(packed);
  return why;
}

int mon_checkpoint_open(struct mon_checkpoint **out, const char *path, struct mon_error *e) {
  struct mon_checkpoint *c = *out = calloc(1, sizeof *c);
  struct header h;
  struct stat st;
  if (!c) return mon_fail(e, MB_ERR_MEMORY, "out of memory");
  c->path = strdup(path);
  c->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const char *why = c->fd < 0 || fstat(c->fd, &st) ? strerror(errno) : NULL;
  enum mb_error code = why ? MB_ERR_FILE : MB_ERR_FORMAT;
  if (!why && !S_ISREG(st.st_mode)) why = "is no file";
  if (!why) why = read_header(c->fd, (uint64_t)st.st_size, &h);
  if (!why) why = check_pages(c->fd, &h);
  if (!why) why = read_rest(c, &h);
  if (!why && c->path) {
    c->digest = h.own;
    c->pages_at = h.pages_at;
    c->pages = h.pages;
    return MB_OK;
  }
  mon_checkpoint_free(c);
  *out = NULL;
  return mon_fail(e, why ? code : MB_ERR_MEMORY, "checkpoint %s: %s", path, why ? why : "out of memory");
}

void mon_checkpoint_free(struct mon_checkpoint *c) {
  if (!c) return;
  if (c->fd >= 0) close(c->fd);
  json_decref(c->about);
  free(c->rest);
  free(c->path);
  free(c);
}
