/* cli/options.c: one table-driven option parser for all subcommands, and their common way of complaining. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 40, HELP_COLUMN = 26 };

int options_fail(const char *fmt, ...) {
  char text[1024];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  for (char *s = text; *s; s++)
    if (iscntrl((unsigned char)*s)) *s = '?';
  fprintf(stderr, "mirrorball: %s\n", text);
  return 2;
}

/* --- nearest name --- */

static unsigned least(unsigned a, unsigned b, unsigned c) {
  unsigned m = a < b ? a : b;
  return m < c ? m : c;
}

/* Levenshtein's distance, letters without case. */
static unsigned distance(const char *a, const char *b) {
  unsigned row[WORD_MAX + 1];
  size_t na = strlen(a), nb = strlen(b);
  if (na > WORD_MAX || nb > WORD_MAX) return WORD_MAX;
  for (unsigned j = 0; j <= nb; j++) row[j] = j;
  for (unsigned i = 1; i <= na; i++) {
    unsigned diagonal = row[0];
    row[0] = i;
    for (unsigned j = 1; j <= nb; j++) {
      unsigned change = tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]);
      unsigned here = least(row[j] + 1, row[j - 1] + 1, diagonal + change);
      diagonal = row[j];
      row[j] = here;
    }
  }
  return row[nb];
}

const char *options_nearest(const char *word, const char *(*name)(const void *ctx, size_t i), const void *ctx) {
  const char *best = NULL, *s;
  unsigned best_distance = (unsigned)strlen(word) / 3 + 2; /* further off is no typing error */
  for (size_t i = 0; (s = name(ctx, i)); i++) {
    unsigned d = distance(word, s);
    if (d >= best_distance) continue;
    best_distance = d;
    best = s;
  }
  return best;
}

/* --- parsing --- */

void options_begin(struct options *o, int argc, char **argv, const struct option_row *rows) {
  *o = (struct options){.argc = argc, .argv = argv, .rows = rows, .at = 1};
}

static const char *row_name(const void *rows, size_t i) {
  return ((const struct option_row *)rows)[i].name;
}

static int unknown(const struct options *o, const char *name, size_t n) {
  char word[WORD_MAX + 1];
  snprintf(word, sizeof word, "%.*s", (int)(n > WORD_MAX ? WORD_MAX : n), name);
  const char *near = options_nearest(word, row_name, o->rows);
  if (near)
    options_fail("%s: there is no option --%s; did you mean --%s?", o->argv[0], word, near);
  else
    options_fail("%s: there is no option --%s (mirrorball %s --help)", o->argv[0], word, o->argv[0]);
  return OPTIONS_ERROR;
}

static int take_value(struct options *o, int row, const char *attached) {
  const struct option_row *r = &o->rows[row];
  o->value = attached;
  if (!r->arg && attached) {
    options_fail("%s: --%s takes no value", o->argv[0], r->name);
    return OPTIONS_ERROR;
  }
  if (!r->arg || attached || r->arg[0] == '[') return row;
  if (o->at == o->argc) {
    options_fail("%s: --%s wants %s", o->argv[0], r->name, r->arg);
    return OPTIONS_ERROR;
  }
  o->value = o->argv[o->at++];
  return row;
}

int options_next(struct options *o) {
  if (o->at == o->argc) return OPTIONS_END;
  const char *word = o->argv[o->at++];
  if (!o->ended && !strcmp(word, "--")) {
    o->ended = true;
    return options_next(o);
  }
  if (o->ended || word[0] != '-' || !word[1]) {
    o->value = word;
    return OPTIONS_WORD;
  }
  if (!strcmp(word, "-h")) word = "--help";
  if (word[1] != '-') {
    options_fail("%s: there is no option %s; options begin with two dashes", o->argv[0], word);
    return OPTIONS_ERROR;
  }
  const char *name = word + 2, *equals = strchr(name, '=');
  size_t n = equals ? (size_t)(equals - name) : strlen(name);
  for (int i = 0; o->rows[i].name; i++)
    if (strlen(o->rows[i].name) == n && !memcmp(o->rows[i].name, name, n))
      return take_value(o, i, equals ? equals + 1 : NULL);
  return unknown(o, name, n);
}

/* --- help --- */

static void print_help_text(FILE *to, const char *help) {
  for (const char *end; (end = strchr(help, '\n')); help = end + 1)
    fprintf(to, "%.*s\n%*s", (int)(end - help), help, HELP_COLUMN, "");
  fprintf(to, "%s\n", help);
}

void options_help(FILE *to, const struct option_row *rows) {
  for (; rows->name; rows++) {
    char left[80];
    const char *arg = rows->arg ? rows->arg : "";
    if (*arg == '[')
      snprintf(left, sizeof left, "  --%s[=%s", rows->name, arg + 1);
    else
      snprintf(left, sizeof left, "  --%s%s%s", rows->name, *arg ? " " : "", arg);
    fprintf(to, "%-*s", HELP_COLUMN, left);
    if (strlen(left) >= HELP_COLUMN) fprintf(to, "\n%*s", HELP_COLUMN, "");
    print_help_text(to, rows->help);
  }
}

/* --- values --- */

bool options_number(const char *text, bool sizes, uint64_t max, uint64_t *out) {
  char *end;
  unsigned shift = 0;
  if (!isdigit((unsigned char)*text)) return false;
  errno = 0;
  unsigned long long v = strtoull(text, &end, 0);
  if (errno) return false;
  if (sizes && *end) {
    static const char letters[] = "KMG";
    const char *at = strchr(letters, toupper((unsigned char)*end));
    if (!at) return false;
    shift = 10 * (unsigned)(at - letters + 1);
    end++;
    if (*end == 'i') end++;
    if (*end == 'B') end++;
  }
  if (*end || v > max >> shift) return false;
  *out = (uint64_t)v << shift;
  return true;
}

static int hex_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* The byte after a backslash; *i moves past it. -1: none we know. */
static int escaped(const char *text, size_t n, size_t *i) {
  static const char letters[] = "nrte0\\", bytes[] = "\n\r\t\033\0\\";
  if (*i == n) return -1;
  char c = text[(*i)++];
  if (c == 'x') {
    if (n - *i < 2 || hex_digit(text[*i]) < 0 || hex_digit(text[*i + 1]) < 0) return -1;
    *i += 2;
    return hex_digit(text[*i - 2]) << 4 | hex_digit(text[*i - 1]);
  }
  const char *at = memchr(letters, c, sizeof letters - 1);
  return at ? (unsigned char)bytes[at - letters] : -1;
}

char *options_unescape(const char *text, size_t n, size_t *out_n) {
  char *out = malloc(n + 1);
  size_t k = 0, i = 0;
  while (out && i < n) {
    char c = text[i++];
    int byte = c == '\\' ? escaped(text, n, &i) : (unsigned char)c;
    if (byte < 0) {
      free(out);
      return NULL;
    }
    out[k++] = (char)byte;
  }
  if (out) out[k] = 0;
  *out_n = k;
  return out;
}
