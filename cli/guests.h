/* cli/guests.h: the guests mirrorball knows by name, and the folder that keeps them. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A guest is a row of guests.c: where its files come from and how it likes to be started. Debian's
 * come from the archive through apt (which checks signatures and checksums) and stay in the cache
 * folder: $MIRRORBALL_CACHE, else cache/ of the checkout the program was built in, else
 * $XDG_CACHE_HOME/mirrorball/guests. The project's own guests are built by guests/build. Progress
 * and errors go to stderr. Safe to call from several processes at once; from one thread of each. */
#ifndef CLI_GUESTS_H
#define CLI_GUESTS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a kernel parameter makes it run one command and power off. */
enum guest_command {
  GUEST_COMMAND_NONE,
  GUEST_COMMAND_QUOTED, /* mb.run="COMMAND", to a shell */
  GUEST_COMMAND_COMMAS, /* run=COMMAND, with commas for blanks */
};

struct guest {
  const char *name, *about;
  const char *arch;   /* as Debian calls it: mips, mipsel, mips64, mips64el */
  const char *board;  /* it runs on unless asked otherwise */
  const char *cpu;    /* cpu model to run it on unless asked otherwise */
  const char *append; /* kernel parameters */
  const char *from;   /* packages or folder it is made from */
  uint32_t mem_mib;
  enum guest_command command;
  bool present;          /* files are there: kernel and initrd are set and readable */
  char *kernel, *initrd; /* paths, owned by the caller once filled; initrd is NULL when there is none */
  char *debug;           /* where the kernel's debug information is once it has been fetched; NULL: nowhere */
};

/* Fill *out for row i of the catalogue without fetching anything. Returns false past the last row.
 */
bool guests_row(size_t i, struct guest *out);

/* Fill *out for `name`, fetching or building what is absent (or, with refresh, looking for newer
 * packages). Returns 0, or 2 after one line on stderr that says what is missing and what to do;
 * *out is then empty. */
int guests_get(const char *name, bool refresh, struct guest *out) __attribute__((warn_unused_result));

/* Fetch the debug information of a guest that is there: of exactly its kernel, into out->debug. Returns 0, or 2 after
 * one line on stderr. */
int guests_get_debug(const char *name, struct guest *out) __attribute__((warn_unused_result));

/* As guests_get, but never fetches: an absent guest has present == false and the paths it would
 * have. Returns 0, or 2 (with the line on stderr) for a name that is not in the catalogue. */
int guests_find(const char *name, struct guest *out) __attribute__((warn_unused_result));

/* The folder guests are kept in; owned by the caller, NULL when memory is out. */
char *guests_folder(void);

/* Free the paths; harmless on an empty struct and twice. */
void guests_free(struct guest *g);
#endif
