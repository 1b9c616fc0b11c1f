/* jit/store.c: compiled regions on disk. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "jit/store.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { VERSION = 1, NAME = 32, FILE_MAX = 64 << 20, STALE_SECONDS = 3600, FIRST_ROOM = 1024 };

struct name {
  uint64_t a, b; /* both 0: nobody */
};

struct jit_store {
  int folder; /* or -1: cannot be used */
  pthread_mutex_t lock;
  struct name *known; /* files there are, hashed; under the lock, as all below */
  size_t room, names;
  bool full; /* writing has failed: never again */
  unsigned temporaries;
  char trouble[256];
};

struct header {
  char magic[8];
  uint32_t version, key_size;
  uint64_t value_size, checksum;
};
static const char magic[8] = "mbregion";

/* --- hashes --- */

uint64_t store_hash(const void *bytes, size_t n, uint64_t h) {
  const uint8_t *p = bytes;
  for (h ^= n * UINT64_C(0x9e3779b97f4a7c15); n;) {
    uint64_t v = 0;
    size_t k = n < 8 ? n : 8;
    memcpy(&v, p, k);
    h = (h ^ v) * UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 32;
    p += k, n -= k;
  }
  return h ^ h >> 29;
}

static struct name name_of(struct store_bytes key) {
  return (struct name){store_hash(key.bytes, key.size, 1) | 1, store_hash(key.bytes, key.size, 2)};
}

static void print_name(struct name n, char out[NAME + 1]) {
  snprintf(out, NAME + 1, "%016" PRIx64 "%016" PRIx64, n.a, n.b);
}

static bool parse_name(const char *text, struct name *n) {
  if (strlen(text) != NAME || strspn(text, "0123456789abcdef") != NAME) return false;
  char half[NAME / 2 + 1] = {0};
  memcpy(half, text, NAME / 2);
  n->a = strtoull(half, NULL, 16);
  n->b = strtoull(text + NAME / 2, NULL, 16);
  return n->a != 0;
}

/* Only the first object is asked: the program itself. */
static int find_build_id(struct dl_phdr_info *info, size_t size, void *ctx) {
  struct store_bytes *found = ctx;
  (void)size;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    if (info->dlpi_phdr[i].p_type != PT_NOTE) continue;
    char *at = (char *)(uintptr_t)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr),
         *end = at + info->dlpi_phdr[i].p_memsz;
    while (end - at >= (ptrdiff_t)sizeof(ElfW(Nhdr))) {
      ElfW(Nhdr) n;
      memcpy(&n, at, sizeof n);
      char *id = at + sizeof n + ((n.n_namesz + 3) & ~3u);
      if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == sizeof "GNU" && !memcmp(at + sizeof n, "GNU", sizeof "GNU")) {
        *found = (struct store_bytes){id, n.n_descsz};
        return 1;
      }
      at = id + ((n.n_descsz + 3) & ~3u);
    }
  }
  return 1;
}

struct store_bytes store_build_id(void) {
  struct store_bytes found = {0};
  dl_iterate_phdr(find_build_id, &found);
  return found;
}

/* --- which files there are: without asking the host each time --- */

static struct name *place(struct name *known, size_t room, struct name n) {
  size_t i = n.b & (room - 1);
  while (known[i].a && (known[i].a != n.a || known[i].b != n.b)) i = (i + 1) & (room - 1);
  return &known[i];
}

static void remember(struct jit_store *s, struct name n) {
  if (s->names * 2 >= s->room) {
    size_t room = s->room ? 2 * s->room : FIRST_ROOM;
    struct name *fresh = calloc(room, sizeof *fresh);
    if (!fresh) return;
    for (size_t i = 0; i < s->room; i++)
      if (s->known[i].a) *place(fresh, room, s->known[i]) = s->known[i];
    free(s->known);
    s->known = fresh;
    s->room = room;
  }
  struct name *at = place(s->known, s->room, n);
  s->names += !at->a;
  *at = n;
}

static bool is_known(const struct jit_store *s, struct name n) {
  return s->room && place(s->known, s->room, n)->a;
}

static void trouble(struct jit_store *s, const char *what) {
  if (!s->trouble[0]) snprintf(s->trouble, sizeof s->trouble, "%s: %s", what, strerror(errno));
}

/* --- opening --- */

struct found {
  struct name name;
  int64_t used;
  uint64_t size;
};

static int by_use(const void *a, const void *b) {
  const struct found *x = a, *y = b;
  return x->used < y->used ? -1 : x->used > y->used;
}

static void drop_oldest(const struct jit_store *s, struct found *f, size_t *n, uint64_t total, uint64_t max_bytes) {
  size_t gone = 0;
  char name[NAME + 1];
  qsort(f, *n, sizeof *f, by_use);
  for (; gone < *n && total > max_bytes - max_bytes / 4; gone++) {
    print_name(f[gone].name, name);
    if (!unlinkat(s->folder, name, 0)) total -= f[gone].size;
  }
  memmove(f, f + gone, (*n - gone) * sizeof *f);
  *n -= gone;
}

/* A file that another process left half-written, long ago? */
static bool is_stale(const char *name, const struct stat *st) {
  return !strncmp(name, "new-", 4) && time(NULL) - st->st_mtime > STALE_SECONDS;
}

static void list(struct jit_store *s, uint64_t max_bytes) {
  struct found *f = NULL;
  size_t n = 0, room = 0;
  uint64_t total = 0;
  int fd = dup(s->folder);
  DIR *d = fd < 0 ? NULL : fdopendir(fd);
  if (!d && fd >= 0) close(fd);
  for (struct dirent *e; d && (e = readdir(d));) {
    struct stat st;
    struct name name;
    if (fstatat(s->folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode)) continue;
    if (is_stale(e->d_name, &st)) unlinkat(s->folder, e->d_name, 0);
    if (!parse_name(e->d_name, &name)) continue;
    if (n == room) {
      struct found *more = realloc(f, (room = room ? 2 * room : FIRST_ROOM) * sizeof *f);
      if (!more) break;
      f = more;
    }
    f[n++] = (struct found){name, st.st_mtime, (uint64_t)st.st_size};
    total += (uint64_t)st.st_size;
  }
  if (d) closedir(d);
  if (f && total > max_bytes) drop_oldest(s, f, &n, total, max_bytes);
  for (size_t i = 0; i < n; i++) remember(s, f[i].name);
  free(f);
}

/* As mkdir -p. */
static int make_folders(const char *path) {
  char part[4096];
  size_t n = strlen(path);
  if (n >= sizeof part) return errno = ENAMETOOLONG, -1;
  for (size_t i = 1; i <= n; i++) {
    if (path[i] && path[i] != '/') continue;
    memcpy(part, path, i);
    part[i] = 0;
    if (mkdir(part, 0777) && errno != EEXIST) return -1;
  }
  return 0;
}

struct jit_store *store_open(const char *folder, uint64_t max_bytes) {
  struct jit_store *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  pthread_mutex_init(&s->lock, NULL);
  s->folder = make_folders(folder) ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (s->folder < 0)
    trouble(s, folder);
  else
    list(s, max_bytes);
  return s;
}

void store_close(struct jit_store *s) {
  if (!s) return;
  if (s->folder >= 0) close(s->folder);
  pthread_mutex_destroy(&s->lock);
  free(s->known);
  free(s);
}

const char *store_trouble(struct jit_store *s) {
  if (!s) return NULL;
  pthread_mutex_lock(&s->lock);
  bool any = s->trouble[0]; /* it is never changed again */
  pthread_mutex_unlock(&s->lock);
  return any ? s->trouble : NULL;
}

/* --- reading and writing --- */

static bool read_all(int fd, void *to, size_t n) {
  for (ssize_t got; n; to = (char *)to + got, n -= (size_t)got)
    if ((got = read(fd, to, n)) <= 0) return false;
  return true;
}
static bool write_all(int fd, const void *from, size_t n) {
  for (ssize_t put; n; from = (const char *)from + put, n -= (size_t)put)
    if ((put = write(fd, from, n)) <= 0) return false;
  return true;
}

static uint64_t checksum(struct store_bytes key, const void *value, size_t n) {
  return store_hash(value, n, store_hash(key.bytes, key.size, VERSION));
}

/* The value in an open file, if it is whole and its key is this one. */
static struct store_bytes read_value(int fd, struct store_bytes key) {
  struct header h;
  struct stat st;
  struct store_bytes none = {0}, v = {0};
  if (fstat(fd, &st) || st.st_size > FILE_MAX || !read_all(fd, &h, sizeof h)) return none;
  if (memcmp(h.magic, magic, sizeof magic) != 0 || h.version != VERSION || h.key_size != key.size) return none;
  if ((uint64_t)st.st_size != sizeof h + h.key_size + h.value_size) return none;
  v.size = h.value_size;
  char *bytes = malloc(h.key_size + v.size + 1);
  if (!bytes) return none;
  v.bytes = bytes;
  if (read_all(fd, bytes, h.key_size + v.size) && !memcmp(bytes, key.bytes, key.size) &&
      checksum(key, bytes + key.size, v.size) == h.checksum) {
    memmove(bytes, bytes + key.size, v.size);
    return v;
  }
  free(bytes);
  return none;
}

struct store_bytes store_get(struct jit_store *s, struct store_bytes key) {
  struct name n = name_of(key);
  struct store_bytes v = {0};
  pthread_mutex_lock(&s->lock);
  bool known = s->folder >= 0 && is_known(s, n);
  pthread_mutex_unlock(&s->lock);
  if (!known) return v;
  char name[NAME + 1];
  print_name(n, name);
  int fd = openat(s->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return v;
  v = read_value(fd, key);
  struct stat st;
  if (v.bytes && !fstat(fd, &st) && time(NULL) - st.st_mtime > STALE_SECONDS) futimens(fd, NULL); /* was used */
  close(fd);
  return v;
}

static bool write_value(int fd, struct store_bytes key, struct store_bytes value) {
  struct header h = {.version = VERSION, .key_size = (uint32_t)key.size, .value_size = value.size};
  memcpy(h.magic, magic, sizeof magic);
  h.checksum = checksum(key, value.bytes, value.size);
  return write_all(fd, &h, sizeof h) && write_all(fd, key.bytes, key.size) && write_all(fd, value.bytes, value.size);
}

void store_put(struct jit_store *s, struct store_bytes key, struct store_bytes value) {
  char fresh[64], name[NAME + 1];
  struct name n = name_of(key);
  pthread_mutex_lock(&s->lock);
  bool usable = s->folder >= 0 && !s->full;
  snprintf(fresh, sizeof fresh, "new-%ld-%p-%u", (long)getpid(), (void *)s, s->temporaries++);
  pthread_mutex_unlock(&s->lock);
  if (!usable) return;
  print_name(n, name);
  int fd = openat(s->folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  bool good = fd >= 0 && write_value(fd, key, value);
  if (fd >= 0 && close(fd)) good = false;
  if (good) good = !renameat(s->folder, fresh, s->folder, name);
  int why = errno;
  if (!good && fd >= 0) unlinkat(s->folder, fresh, 0);
  pthread_mutex_lock(&s->lock);
  errno = why;
  if (good) {
    remember(s, n);
  } else {
    s->full = true;
    trouble(s, "writing");
  }
  pthread_mutex_unlock(&s->lock);
}
