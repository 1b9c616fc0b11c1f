/* cli/test_files.c: the files of a scenario, in the initramfs and on disks. */
/* SPDX-License-Identifier: Apache-2.0 */
/* All is made in memory, by memfd, and is the same bytes each time: no times, no owners. */
#define _GNU_SOURCE
#include "cli/guests_parts.h"
#include "cli/test_parts.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* A new file in memory; *path, as long as the run, leads to it. -1: none. */
static int new_file(struct request *r, const char *what, const char **path) {
  char text[40];
  int fd = memfd_create(what, 0);
  snprintf(text, sizeof text, "/proc/self/fd/%d", fd);
  *path = fd < 0 ? NULL : request_keep(r->run, text);
  if (*path) return fd;
  if (fd >= 0) close(fd);
  options_fail("out of memory for %s", what);
  return -1;
}

/* --- archives --- */

static int put_bytes(struct archive *a, const struct scenario_file *f) {
  struct guests_file out = {
      .path = f->to, .mode = S_IFREG | f->mode, .bytes = f->text, .n = f->text ? strlen(f->text) : 0};
  struct stat st;
  int fd = f->from ? open(f->from, O_RDONLY | O_CLOEXEC) : -1;
  void *map = NULL;
  if (f->from && (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))) {
    if (fd >= 0) close(fd);
    return options_fail("the file %s cannot be read: %s", f->from, fd < 0 ? strerror(errno) : "it is no file");
  }
  if (f->from && st.st_size) {
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    out.bytes = map;
    out.n = (size_t)st.st_size;
  }
  int bad = map == MAP_FAILED ? options_fail("out of memory for %s", f->from) : guests_image_put(a, &out);
  if (map && map != MAP_FAILED) munmap(map, out.n);
  if (fd >= 0) close(fd);
  return bad;
}

/* The folders that lead to it; it does no harm that some are there. */
static int put_folders(struct archive *a, const char *to) {
  int bad = 0;
  for (const char *slash = to; !bad && (slash = strchr(slash, '/')); slash++) {
    char *path = strndup(to, (size_t)(slash - to));
    struct guests_file out = {.path = path, .mode = S_IFDIR | 0755};
    bad = path ? guests_image_put(a, &out) : options_fail("out of memory");
    free(path);
  }
  return bad;
}

static int put_all(int fd, int (*format)(struct archive *), const struct scenario_files *f) {
  struct archive *a = archive_write_new();
  int bad = !a || format(a) || archive_write_add_filter_none(a) || archive_write_open_fd(a, fd)
                ? options_fail("out of memory for files")
                : 0;
  for (size_t i = 0; !bad && i < f->n; i++) {
    bad = put_folders(a, f->file[i].to);
    if (!bad) bad = put_bytes(a, &f->file[i]);
  }
  if (!bad && archive_write_close(a)) bad = options_fail("files cannot be packed: %s", archive_error_string(a));
  archive_write_free(a);
  return bad;
}

/* --- initramfs and disks --- */

/* Linux unpacks one archive behind the other, and takes those that are not packed where a multiple of 4 bytes is. */
static int copy_padded(int to, const char *path) {
  struct stat st;
  int from = open(path, O_RDONLY | O_CLOEXEC);
  off_t at = 0;
  bool copied = from >= 0 && !fstat(from, &st);
  while (copied && at < st.st_size) copied = sendfile(to, from, &at, (size_t)(st.st_size - at)) > 0;
  if (from >= 0) close(from);
  if (!copied) return options_fail("initrd %s: %s", path, strerror(errno));
  off_t whole = (st.st_size + 3) & ~(off_t)3;
  return ftruncate(to, whole) || lseek(to, whole, SEEK_SET) < 0 ? options_fail("out of memory for the initrd") : 0;
}

static int make_initrd(const struct scenario_vm *v, struct request *r) {
  const char *path;
  int fd = new_file(r, "initrd", &path), bad = fd < 0 ? 2 : 0;
  if (!bad && r->initrd) bad = copy_padded(fd, r->initrd);
  if (!bad) bad = put_all(fd, archive_write_set_format_cpio_newc, &v->files);
  r->initrd = path;
  return bad;
}

static int make_disk(const struct scenario_disk *d, struct request *r) {
  const char *path;
  struct stat st;
  struct mb_config *c = &r->config;
  if (c->disks == MB_DISKS_MAX) return request_fail(r, "more than %d disks", MB_DISKS_MAX);
  int fd = new_file(r, "disk", &path), bad = fd < 0 ? 2 : 0;
  if (!bad && d->files.n) bad = put_all(fd, archive_write_set_format_ustar, &d->files);
  if (!bad && !fstat(fd, &st) && (uint64_t)st.st_size < d->size && ftruncate(fd, (off_t)d->size))
    bad = options_fail("a disk of %llu bytes: %s", (unsigned long long)d->size, strerror(errno));
  c->disk[c->disks++] = (struct mb_disk){.path = path, .mode = MB_DISK_COW, .bus = MB_DISK_VIRTIO};
  return bad;
}

int test_files_make(const struct scenario_vm *v, struct request *r) {
  int bad = v->files.n ? make_initrd(v, r) : 0;
  for (size_t i = 0; !bad && i < v->disks; i++) bad = make_disk(&v->disk[i], r);
  return bad;
}
