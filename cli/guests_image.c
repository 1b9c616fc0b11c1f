/* cli/guests_image.c: a file out of a .deb, and the initramfs of Debian's kernels. */
/* SPDX-License-Identifier: Apache-2.0 */
/* All through libarchive. The same inputs give the same initramfs, byte for byte: no times, no
 * owners. */
#define _GNU_SOURCE
#include "cli/guests_parts.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* --- out of a .deb: an ar archive whose member data.tar.* holds the files --- */

struct member_reader {
  struct archive *outer;
  char chunk[64 << 10];
};

static la_ssize_t read_member(struct archive *inner, void *ctx, const void **data) {
  struct member_reader *r = ctx;
  la_ssize_t n = archive_read_data(r->outer, r->chunk, sizeof r->chunk);
  *data = r->chunk;
  if (n < 0) archive_set_error(inner, archive_errno(r->outer), "%s", archive_error_string(r->outer));
  return n;
}

static int write_all(int fd, const void *data, size_t n) {
  for (const char *p = data; n;) {
    ssize_t done = write(fd, p, n);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return -1;
    p += done, n -= (size_t)done;
  }
  return 0;
}

/* Copy the file the archive stands at to `to`. */
static int copy_out(struct archive *a, const char *deb, const char *to) {
  int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), bad = fd < 0;
  static char chunk[64 << 10];
  la_ssize_t n = 0;
  while (!bad && (n = archive_read_data(a, chunk, sizeof chunk)) > 0) bad = write_all(fd, chunk, (size_t)n) != 0;
  if (fd >= 0 && (fsync(fd) | close(fd))) bad = 1;
  if (bad) return guests_fail("cannot write %s: %s", to, strerror(errno));
  if (n < 0) return guests_fail("cannot unpack %s: %s", deb, archive_error_string(a));
  return 0;
}

static int find_and_copy(struct archive *inner, const char *deb, const char *member, const char *to) {
  struct archive_entry *e;
  int r;
  while ((r = archive_read_next_header(inner, &e)) == ARCHIVE_OK || r == ARCHIVE_WARN) {
    const char *path = archive_entry_pathname(e);
    if (!path || archive_entry_filetype(e) != AE_IFREG || archive_entry_size(e) <= 0) continue;
    if (!strncmp(path, "./", 2)) path += 2;
    if (!fnmatch(member, path, 0)) return copy_out(inner, deb, to);
  }
  if (r != ARCHIVE_EOF) return guests_fail("cannot unpack %s: %s", deb, archive_error_string(inner));
  return guests_fail("%s holds no %s: Debian has changed its packages; please report it", deb, member);
}

static int extract_from_data(struct archive *outer, const char *deb, const char *member, const char *to) {
  struct archive_entry *e;
  int r;
  while ((r = archive_read_next_header(outer, &e)) == ARCHIVE_OK || r == ARCHIVE_WARN)
    if (!strncmp(archive_entry_pathname(e), "data.tar", 8)) break;
  if (r != ARCHIVE_OK && r != ARCHIVE_WARN) return guests_fail("cannot unpack %s: it is no Debian package", deb);
  struct member_reader *reader = malloc(sizeof *reader);
  struct archive *inner = archive_read_new();
  int result = 2;
  if (reader && inner) {
    reader->outer = outer;
    archive_read_support_filter_all(inner);
    archive_read_support_format_tar(inner);
    if (archive_read_open(inner, reader, NULL, read_member, NULL))
      guests_fail("cannot unpack %s: %s", deb, archive_error_string(inner));
    else
      result = find_and_copy(inner, deb, member, to);
  } else
    guests_fail("out of memory");
  archive_read_free(inner);
  free(reader);
  return result;
}

int guests_image_extract(const char *deb, const char *member, const char *to) {
  struct archive *outer = archive_read_new();
  if (!outer) return guests_fail("out of memory");
  archive_read_support_format_ar(outer);
  int result;
  if (archive_read_open_filename(outer, deb, 64 << 10))
    result = guests_fail("cannot unpack %s: %s", deb, archive_error_string(outer));
  else
    result = extract_from_data(outer, deb, member, to);
  archive_read_free(outer);
  return result;
}

/* --- the initramfs --- */

/* Its first line on the console is what scripts wait for. mb.run=COMMAND (or mb.run="COMMAND WITH
 * ARGUMENTS") among the kernel parameters runs that instead of a shell; its exit code goes to the
 * monitor where there is one (guests/mirrorball-guest.h) and is printed in any case. */
static const char init_text[] =
    "#!/bin/sh\n"
    "# The first process of mirrorball's small Debian guest: a console to type at, or one command "
    "(mb.run=).\n"
    "echo \"mirrorball: init on $(uname -s) $(uname -r) ($(uname -m))\"\n"
    "export PATH=/bin:/sbin HOME=/root TERM=\"${TERM:-vt100}\"\n"
    "mount -t proc proc /proc\n"
    "mount -t sysfs sys /sys\n"
    "mount -t devtmpfs dev /dev\n"
    "mkdir -p /dev/pts /dev/shm\n"
    "mount -t devpts pts /dev/pts\n"
    "mount -t tmpfs tmp /tmp\n"
    "mount -t tmpfs run /run\n"
    "busybox --install -s /bin\n"
    "hostname mirrorball\n"
    "ip link set lo up 2>/dev/null\n"
    "line=$(cat /proc/cmdline)\n"
    "run=\n"
    "case $line in\n"
    "  *mb.run=\\\"*) run=${line#*mb.run=\\\"} run=${run%%\\\"*} ;;\n"
    "  *\\\"mb.run=*) run=${line#*mb.run=} run=${run%%\\\"*} ;;\n"
    "  *mb.run=*) run=${line#*mb.run=} run=${run%% *} ;;\n"
    "esac\n"
    "cd /root\n"
    "if [ -n \"$run\" ]; then\n"
    "  sh -c \"$run\" </dev/null\n"
    "  code=$?\n"
    "  echo \"mirrorball: exit $code\"\n"
    "  devmem 0x1f000a00 32 $((0x4d420000 + code)) 2>/dev/null\n"
    "else\n"
    "  echo 'mirrorball: this is Debian with busybox; \"exit\" powers the machine off'\n"
    "  setsid cttyhack sh -l\n"
    "fi\n"
    "sync\n"
    "poweroff -f\n"
    "sleep 5\n";

static const char profile_text[] = "PS1='debian:\\w# '\n";

enum kind { FOLDER, LINK, TEXT, FILE_FROM, DEVICE };
static const struct entry {
  enum kind kind;
  const char *path;
  unsigned mode;
  const char *from; /* link: target; text: contents; file: name in the guest's folder */
  unsigned major, minor;
} entries[] = {
    {FOLDER, "bin", 0755, NULL},
    {FOLDER, "sbin", 0755, NULL},
    {FOLDER, "dev", 0755, NULL},
    {FOLDER, "etc", 0755, NULL},
    {FOLDER, "proc", 0755, NULL},
    {FOLDER, "root", 0700, NULL},
    {FOLDER, "run", 0755, NULL},
    {FOLDER, "sys", 0755, NULL},
    {FOLDER, "tmp", 01777, NULL},
    {FOLDER, "mnt", 0755, NULL},
    {DEVICE, "dev/console", 0600, NULL, 5, 1},
    {DEVICE, "dev/null", 0666, NULL, 1, 3},
    {FILE_FROM, "bin/busybox", 0755, "busybox"},
    {LINK, "bin/sh", 0777, "busybox"},
    {LINK, "bin/uname", 0777, "busybox"},
    {LINK, "bin/mount", 0777, "busybox"},
    {LINK, "bin/mkdir", 0777, "busybox"},
    {TEXT, "init", 0755, init_text},
    {TEXT, "etc/profile", 0644, profile_text},
    {TEXT, "etc/passwd", 0644, "root::0:0:root:/root:/bin/sh\n"},
    {TEXT, "etc/group", 0644, "root:x:0:\ntty:x:5:\n"},
};
enum { ENTRIES = sizeof entries / sizeof *entries };

static uint32_t hash(uint32_t h, const void *data, size_t n) { /* FNV-1a */
  for (const uint8_t *p = data; n; n--) h = (h ^ *p++) * 16777619u;
  return h;
}

unsigned guests_image_recipe(void) {
  uint32_t h = 2166136261u;
  for (const struct entry *e = entries; e < entries + ENTRIES; e++) {
    h = hash(h, &e->kind, sizeof e->kind);
    h = hash(h, &e->mode, sizeof e->mode);
    h = hash(h, e->path, strlen(e->path) + 1);
    if (e->from) h = hash(h, e->from, strlen(e->from) + 1);
  }
  return h;
}

static char *slurp(const char *path, size_t *n) {
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  char *data = fd >= 0 && !fstat(fd, &st) ? malloc((size_t)st.st_size + 1) : NULL;
  *n = 0;
  while (data && *n < (size_t)st.st_size) {
    ssize_t got = read(fd, data + *n, (size_t)st.st_size - *n);
    if (got <= 0) break;
    *n += (size_t)got;
  }
  if (fd >= 0) close(fd);
  return data;
}

static int put_entry(struct archive *a, struct archive_entry *out, const struct entry *e, const char *folder) {
  static const mode_t types[] = {
      [FOLDER] = AE_IFDIR, [LINK] = AE_IFLNK, [TEXT] = AE_IFREG, [FILE_FROM] = AE_IFREG, [DEVICE] = AE_IFCHR};
  char *path = e->kind == FILE_FROM ? guests_text("%s/%s", folder, e->from) : NULL, *file = NULL;
  size_t n = e->kind == TEXT ? strlen(e->from) : 0;
  if (e->kind == FILE_FROM && (!path || !(file = slurp(path, &n)))) {
    guests_fail("cannot read %s/%s: %s", folder, e->from, strerror(errno));
    return free(path), 2;
  }
  archive_entry_clear(out);
  archive_entry_set_pathname(out, e->path);
  archive_entry_set_filetype(out, types[e->kind]);
  archive_entry_set_perm(out, e->mode);
  archive_entry_set_size(out, (la_int64_t)n);
  archive_entry_set_mtime(out, 0, 0);
  archive_entry_set_nlink(out, 1);
  if (e->kind == LINK) archive_entry_set_symlink(out, e->from);
  if (e->kind == DEVICE) archive_entry_set_rdev(out, makedev(e->major, e->minor));
  int r = archive_write_header(a, out);
  if (r == ARCHIVE_OK && n && archive_write_data(a, file ? file : e->from, n) < 0) r = ARCHIVE_FATAL;
  free(file);
  free(path);
  return r == ARCHIVE_OK ? 0 : guests_fail("cannot write the initramfs: %s", archive_error_string(a));
}

int guests_image_initramfs(const char *folder, const char *to) {
  struct archive *a = archive_write_new();
  struct archive_entry *out = archive_entry_new();
  int result = 2;
  if (!a || !out) {
    guests_fail("out of memory");
    goto done;
  }
  archive_write_set_format_cpio_newc(a);
  archive_write_add_filter_gzip(a);
  archive_write_set_options(a, "gzip:!timestamp");
  if (archive_write_open_filename(a, to)) {
    guests_fail("cannot write %s: %s", to, archive_error_string(a));
    goto done;
  }
  for (const struct entry *e = entries; e < entries + ENTRIES; e++)
    if (put_entry(a, out, e, folder)) goto done;
  if (archive_write_close(a))
    guests_fail("cannot write %s: %s", to, archive_error_string(a));
  else
    result = 0;
done:
  archive_entry_free(out);
  archive_write_free(a);
  return result;
}
