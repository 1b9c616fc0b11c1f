/* cli/guests_parts.h: what guests.c asks of its helpers: packages and archives. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_GUESTS_PARTS_H
#define CLI_GUESTS_PARTS_H
#include <signal.h>
#include <stdbool.h>

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

/* Download a package, checked by apt against the signed lists, into `folder`. Returns the path of
 * the .deb, owned by the caller, or NULL after one line on stderr. */
char *guests_apt_download(const char *apt, const char *package, const char *folder);

/* Drop what apt can make again; call when done with the folder. */
void guests_apt_tidy(const char *apt);

/* --- guests_image.c: archives --- */

/* Copy the first regular file of a .deb whose path matches the glob `member` to `to`. Returns 0, or
 * 2 after one line on stderr. */
int guests_image_extract(const char *deb, const char *member, const char *to);

/* Write the initramfs (newc cpio, gzip) described by the table in guests_image.c; files come from
 * `folder`. */
int guests_image_initramfs(const char *folder, const char *to);

/* A number that changes when the initramfs would come out differently from the same files. */
unsigned guests_image_recipe(void);

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
