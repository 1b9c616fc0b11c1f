/* cli/guests_debug.c: debug information out of a kernel's -dbg package: the kernel's, and of modules that a guest has.
 */
/* SPDX-License-Identifier: Apache-2.0 */
/* The package has some 3000 modules in 3 GB. Wanted are those that lie in the guest's initrd, whose first part is a
 * plain archive with them. All is taken in one pass: unpacking is what takes time. */
#include "cli/guests_parts.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct debug {
  const char *deb, *folder;
  char **name; /* of modules; owned */
  size_t names;
  bool kernel; /* was there */
};

static int add_name(struct debug *d, const char *path) {
  char *name = guests_module_name(path, strlen(path));
  if (!name) return 0;
  char **more = realloc(d->name, (d->names + 1) * sizeof *more);
  if (more) d->name = more;
  if (!more) return free(name), guests_fail("out of memory");
  d->name[d->names++] = name;
  return 0;
}

static int read_names(struct debug *d, const char *initrd) {
  struct archive *a = archive_read_new();
  struct archive_entry *e;
  int r = ARCHIVE_FATAL, bad = 0;
  if (!a) return guests_fail("out of memory");
  archive_read_support_format_cpio(a);
  if (!archive_read_open_filename(a, initrd, 64 << 10))
    while (!bad && ((r = archive_read_next_header(a, &e)) == ARCHIVE_OK || r == ARCHIVE_WARN))
      bad = add_name(d, archive_entry_pathname(e));
  if (!bad && r != ARCHIVE_EOF) bad = guests_fail("cannot read %s: %s", initrd, archive_error_string(a));
  archive_read_free(a);
  return bad;
}

static bool has_name(const struct debug *d, const char *name) {
  for (size_t i = 0; i < d->names; i++)
    if (!strcmp(d->name[i], name)) return true;
  return false;
}

static int take(void *ctx, struct archive *a, const char *path, size_t n) {
  struct debug *d = ctx;
  const bool kernel = !fnmatch("usr/lib/debug/boot/vmlinux-*", path, 0);
  char *name =
      kernel || fnmatch("usr/lib/debug/lib/modules/*", path, 0) ? NULL : guests_module_name(path, strlen(path));
  char *to = kernel                      ? guests_text("%s/vmlinux", d->folder)
             : name && has_name(d, name) ? guests_text("%s/modules/%s.ko", d->folder, name)
                                         : NULL;
  (void)n;
  const int result = to && guests_image_copy(a, d->deb, to) ? 2 : 0;
  if (kernel && to) d->kernel = true;
  free(name);
  free(to);
  return result;
}

int guests_debug_take(const char *deb, const char *initrd, const char *folder) {
  struct debug d = {.deb = deb, .folder = folder};
  char *modules = guests_text("%s/modules", folder);
  int result = !modules ? guests_fail("out of memory") : read_names(&d, initrd);
  if (!result && mkdir(modules, 0755)) result = guests_fail("cannot create %s: %s", modules, strerror(errno));
  if (!result) result = guests_image_each(deb, take, &d);
  if (!result && !d.kernel)
    result = guests_fail("%s holds no vmlinux: Debian has changed its packages; please report it", deb);
  for (size_t i = 0; i < d.names; i++) free(d.name[i]);
  free(d.name);
  free(modules);
  return result;
}
