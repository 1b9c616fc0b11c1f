/* cli/options.h: one table-driven option parser for all subcommands, and their common way of complaining. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A subcommand has a table of rows; its --help is printed from the same table. Options are --name VALUE or
 * --name=VALUE, in any order with plain words; "--" ends them. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct option_row {
  const char *name; /* without the dashes; NULL ends the table */
  const char *arg;  /* "FILE"; NULL: takes none; "[FILE]": only as --name=FILE, and may be left out */
  const char *help; /* may have several lines */
};

struct options {
  int argc; /* argv[0] is the subcommand */
  char **argv;
  const struct option_row *rows;
  int at;
  bool ended;        /* "--" has been seen */
  const char *value; /* of the row or word just returned; NULL when an optional one was left out */
};

enum { OPTIONS_END = -1, OPTIONS_WORD = -2, OPTIONS_ERROR = -3 };
void options_begin(struct options *o, int argc, char **argv, const struct option_row *rows);
/* Index of the next option's row, or OPTIONS_WORD (value is the word), _END, _ERROR (one line was printed). */
int options_next(struct options *o);
/* The rows as help text. */
void options_help(FILE *to, const struct option_row *rows);

/* "mirrorball: ..." on stderr, one line; returns 2 so that it can be returned. */
int options_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The name most like `word` among those name(ctx, 0..) yields until NULL; NULL when none is near. */
const char *options_nearest(const char *word, const char *(*name)(const void *ctx, size_t i), const void *ctx);

/* A number in C notation, whole text, at most `max`. With `sizes` a K, M or G may follow. False: it is none. */
bool options_number(const char *text, bool sizes, uint64_t max, uint64_t *out);
/* Undo backslash escapes (n r t e 0 \\ xNN) in a fresh copy, owned by the caller. NULL: a bad escape, or no memory. */
char *options_unescape(const char *text, size_t n, size_t *out_n);
#endif
