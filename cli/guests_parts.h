/* cli/guests_parts.h: what guests.c asks of its helpers: packages and archives. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_GUESTS_PARTS_H
#define CLI_GUESTS_PARTS_H
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* --- guests_apt.c: an apt of our own --- */

enum guests_package {
  GUESTS_PACKAGE_NAMED,   /* the package itself */
  GUESTS_PACKAGE_DEPENDS, /* a metapackage: the first package it depends on */
  GUESTS_PACKAGE_NEWEST,  /* a pattern: the match that sorts last by version */
};

/* Bring the package lists for one architecture up to date, in folder `apt` (created), from those of
 * the host's apt sources that are Debian's. Returns 0, or 2 after one line on stderr. */
int guests_apt_update(const char *apt, const char *arch);

/* The name of the package that `what` stands for today; owned by the caller, NULL after one line on
 * stderr. */
char *guests_apt_resolve(const char *apt, enum guests_package how, const char *what);

/* Download a package, or one version of it (NAME=VERSION), checked by apt against the signed lists, into `folder`.
 * Returns the path of the .deb, owned by the caller, or NULL after one line on stderr. */
char *guests_apt_download(const char *apt, const char *package, const char *folder);

/* Drop what apt can make again; call when done with the folder. */
void guests_apt_tidy(const char *apt);

/* --- guests_image.c: archives --- */

struct archive; /* libarchive's */

/* Is called for each regular file of a .deb, `n` bytes long, whose contents can be read from `a`. Returns 0 to go on, 1
 * when it has seen enough, 2 after one line on stderr. */
typedef int guests_each(void *ctx, struct archive *a, const char *path, size_t n);
/* Returns 0, or 2 after one line on stderr. */
int guests_image_each(const char *deb, guests_each *fn, void *ctx);

/* Copy the first regular file of a .deb whose path matches the glob `member` to `to`. Returns 0, or
 * 2 after one line on stderr. */
int guests_image_extract(const char *deb, const char *member, const char *to);

/* Copy the file of a .deb at which `a` stands to `to`. Returns 0, or 2 after one line on stderr. */
int guests_image_copy(struct archive *a, const char *deb, const char *to);

/* A file for an archive: its mode says which kind. */
struct guests_file {
  const char *path, *link;
  mode_t mode;
  dev_t device;
  const void *bytes;
  size_t n;
};
/* Add it. Returns 0, or 2 after one line on stderr. */
int guests_image_put(struct archive *a, const struct guests_file *f);

/* Take `modules` (names; NULL ends them) for the initramfs out of a kernel's package, into a file in `folder`. */
int guests_image_modules(const char *deb, const char *const *modules, const char *folder);

/* Write the initramfs described by the tables in guests_image.c: an archive of the modules in `folder`, as it is, and
 * one of the rest (newc cpio, gzip), with files from `folder`. */
int guests_image_initramfs(const char *folder, const char *to);

/* A number that changes when the initramfs would come out differently from the same files. */
unsigned guests_image_recipe(const char *const *modules);

/* --- guests_modules.c --- */

/* Write those of the kernel modules in a .deb that are `wanted` (names; NULL ends them), and all they depend on, as an
 * archive (newc cpio) with the tables that modprobe reads. What is built into the kernel is not missed. Returns 0, or 2
 * after one line on stderr. */
int guests_modules_write(const char *deb, const char *const *wanted, const char *to);

/* "drivers/virtio/virtio-rng.ko" -> "virtio_rng"; owned by the caller. NULL: this is no module, or no memory. */
char *guests_module_name(const char *path, size_t n);

/* --- guests_debug.c --- */

/* Take out of a -dbg package what there is of the kernel, into vmlinux in `folder`, and of the modules in the guest's
 * initrd, into modules/NAME.ko. Returns 0, or 2 after one line on stderr. */
int guests_debug_take(const char *deb, const char *initrd, const char *folder);

/* --- guests.c --- */

/* Set by SIGINT and SIGTERM while a guest is being fetched; the handler passes the signal on to guests_child (0: none),
 * so that what waits for the child comes back and cleans up. */
extern volatile sig_atomic_t guests_stopped, guests_child;

/* Print "mirrorball: ..." on stderr; returns 2 so that it can be returned. */
int guests_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* As above for news, without a verdict. Silent when MIRRORBALL_QUIET is set. */
void guests_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* asprintf that returns the string, or NULL. */
char *guests_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#endif
