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

int guests_image_copy(struct archive *a, const char *deb, const char *to) {
  int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), bad = fd < 0;
  static char chunk[64 << 10];
  la_ssize_t n = 0;
  while (!bad && (n = archive_read_data(a, chunk, sizeof chunk)) > 0) bad = write_all(fd, chunk, (size_t)n) != 0;
  if (fd >= 0 && (fsync(fd) | close(fd))) bad = 1;
  if (bad) return guests_fail("cannot write %s: %s", to, strerror(errno));
  if (n < 0) return guests_fail("cannot unpack %s: %s", deb, archive_error_string(a));
  return 0;
}

static int read_data(struct archive *inner, const char *deb, guests_each *fn, void *ctx) {
  struct archive_entry *e;
  int r, done = 0;
  while (!done && ((r = archive_read_next_header(inner, &e)) == ARCHIVE_OK || r == ARCHIVE_WARN)) {
    const char *path = archive_entry_pathname(e);
    if (!path || archive_entry_filetype(e) != AE_IFREG || archive_entry_size(e) <= 0) continue;
    if (!strncmp(path, "./", 2)) path += 2;
    done = fn(ctx, inner, path, (size_t)archive_entry_size(e));
  }
  if (done) return done == 1 ? 0 : done;
  return r == ARCHIVE_EOF ? 0 : guests_fail("cannot unpack %s: %s", deb, archive_error_string(inner));
}

static int find_data(struct archive *outer, const char *deb, guests_each *fn, void *ctx) {
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
      result = read_data(inner, deb, fn, ctx);
  } else
    guests_fail("out of memory");
  archive_read_free(inner);
  free(reader);
  return result;
}

int guests_image_each(const char *deb, guests_each *fn, void *ctx) {
  struct archive *outer = archive_read_new();
  if (!outer) return guests_fail("out of memory");
  archive_read_support_format_ar(outer);
  int result;
  if (archive_read_open_filename(outer, deb, 64 << 10))
    result = guests_fail("cannot unpack %s: %s", deb, archive_error_string(outer));
  else
    result = find_data(outer, deb, fn, ctx);
  archive_read_free(outer);
  return result;
}

struct extract {
  const char *deb, *member, *to;
  bool found;
};

static int extract_one(void *ctx, struct archive *a, const char *path, size_t n) {
  struct extract *x = ctx;
  (void)n;
  if (fnmatch(x->member, path, 0)) return 0;
  x->found = true;
  return guests_image_copy(a, x->deb, x->to) ? 2 : 1;
}

int guests_image_extract(const char *deb, const char *member, const char *to) {
  struct extract x = {deb, member, to, false};
  int result = guests_image_each(deb, extract_one, &x);
  if (result || x.found) return result;
  return guests_fail("%s holds no %s: Debian has changed its packages; please report it", deb, member);
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
    "probe() {\n"
    "  ids=\n"
    "  for f in /sys/bus/$1/devices/*/modalias; do [ -r \"$f\" ] && read -r id <\"$f\" && ids=\"$ids $id\"; done\n"
    "  [ -z \"$ids\" ] || modprobe -qa $ids\n"
    "}\n"
    "probe pci\n"
    "probe platform\n"
    "probe virtio\n"
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

/* What busybox's udhcpc calls with what it has been given. */
static const char udhcpc_text[] = "#!/bin/sh\n"
                                  "case $1 in\n"
                                  "  deconfig) ip addr flush dev $interface; ip link set $interface up ;;\n"
                                  "  bound | renew)\n"
                                  "    ip addr flush dev $interface\n"
                                  "    ip addr add $ip/${mask:-24} broadcast + dev $interface\n"
                                  "    for r in $router; do ip route add default via $r dev $interface && break; done\n"
                                  "    for d in $dns; do echo \"nameserver $d\"; done >/etc/resolv.conf ;;\n"
                                  "esac\n";

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
    {LINK, "sbin/modprobe", 0777, "../bin/busybox"}, /* where the kernel looks for it */
    {TEXT, "init", 0755, init_text},
    {TEXT, "etc/profile", 0644, profile_text},
    {FOLDER, "etc/udhcpc", 0755, NULL},
    {TEXT, "etc/udhcpc/default.script", 0755, udhcpc_text},
    {TEXT, "etc/passwd", 0644, "root::0:0:root:/root:/bin/sh\n"},
    {TEXT, "etc/group", 0644, "root:x:0:\ntty:x:5:\n"},
};
enum { ENTRIES = sizeof entries / sizeof *entries };

#define MODULES_FILE "modules.cpio"

static uint32_t hash(uint32_t h, const void *data, size_t n) { /* FNV-1a */
  for (const uint8_t *p = data; n; n--) h = (h ^ *p++) * 16777619u;
  return h;
}

unsigned guests_image_recipe(const char *const *modules) {
  uint32_t h = 2166136261u;
  for (const struct entry *e = entries; e < entries + ENTRIES; e++) {
    h = hash(h, &e->kind, sizeof e->kind);
    h = hash(h, &e->mode, sizeof e->mode);
    h = hash(h, e->path, strlen(e->path) + 1);
    if (e->from) h = hash(h, e->from, strlen(e->from) + 1);
  }
  for (const char *const *m = modules; *m; m++) h = hash(h, *m, strlen(*m) + 1);
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

int guests_image_put(struct archive *a, const struct guests_file *f) {
  struct archive_entry *out = archive_entry_new();
  if (!out) return guests_fail("out of memory");
  archive_entry_set_pathname(out, f->path);
  archive_entry_set_mode(out, f->mode);
  archive_entry_set_size(out, (la_int64_t)f->n);
  archive_entry_set_mtime(out, 0, 0);
  archive_entry_set_nlink(out, 1);
  if (S_ISLNK(f->mode)) archive_entry_set_symlink(out, f->link);
  if (S_ISCHR(f->mode)) archive_entry_set_rdev(out, f->device);
  int r = archive_write_header(a, out);
  if (r == ARCHIVE_OK && f->n && archive_write_data(a, f->bytes, f->n) < 0) r = ARCHIVE_FATAL;
  archive_entry_free(out);
  return r == ARCHIVE_OK ? 0 : guests_fail("cannot write the initramfs: %s", archive_error_string(a));
}

static int put_entry(struct archive *a, const struct entry *e, const char *folder) {
  static const mode_t types[] = {
      [FOLDER] = S_IFDIR, [LINK] = S_IFLNK, [TEXT] = S_IFREG, [FILE_FROM] = S_IFREG, [DEVICE] = S_IFCHR};
  char *path = e->kind == FILE_FROM ? guests_text("%s/%s", folder, e->from) : NULL, *file = NULL;
  size_t n = e->kind == TEXT ? strlen(e->from) : 0;
  if (e->kind == FILE_FROM && (!path || !(file = slurp(path, &n)))) {
    guests_fail("cannot read %s/%s: %s", folder, e->from, strerror(errno));
    return free(path), 2;
  }
  struct guests_file f = {.path = e->path,
                          .mode = types[e->kind] | e->mode,
                          .link = e->from,
                          .device = makedev(e->major, e->minor),
                          .bytes = file ? file : e->from,
                          .n = n};
  int result = guests_image_put(a, &f);
  free(file);
  free(path);
  return result;
}

int guests_image_modules(const char *deb, const char *const *modules, const char *folder) {
  char *to = guests_text("%s/" MODULES_FILE, folder);
  int result = to ? guests_modules_write(deb, modules, to) : guests_fail("out of memory");
  free(to);
  return result;
}

/* The modules come first and as they are: for the kernel that is a copy, where unpacking costs it ten times as much. */
static int put_modules(int fd, const char *folder) {
  char *path = guests_text("%s/" MODULES_FILE, folder);
  size_t n = 0;
  char *bytes = path ? slurp(path, &n) : NULL;
  int bad = !bytes || !n || write_all(fd, bytes, n) || unlink(path);
  if (bad) guests_fail("cannot move %s into the initramfs: %s", path ? path : MODULES_FILE, strerror(errno));
  free(bytes);
  free(path);
  return bad ? 2 : 0;
}

static int put_entries(struct archive *a, int fd, const char *folder, const char *to) {
  archive_write_set_format_cpio_newc(a);
  archive_write_add_filter_gzip(a);
  archive_write_set_options(a, "gzip:!timestamp");
  int bad = archive_write_open_fd(a, fd);
  for (const struct entry *e = entries; !bad && e < entries + ENTRIES; e++)
    if (put_entry(a, e, folder)) return 2;
  if (!bad) bad = archive_write_close(a);
  return bad ? guests_fail("cannot write %s: %s", to, archive_error_string(a)) : 0;
}

int guests_image_initramfs(const char *folder, const char *to) {
  struct archive *a = archive_write_new();
  int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), result = 2;
  if (!a)
    guests_fail("out of memory");
  else if (fd < 0)
    guests_fail("cannot write %s: %s", to, strerror(errno));
  else if (!(result = put_modules(fd, folder)))
    result = put_entries(a, fd, folder, to);
  archive_write_free(a);
  if (fd >= 0 && close(fd) && !result) result = guests_fail("cannot write %s: %s", to, strerror(errno));
  return result;
}
