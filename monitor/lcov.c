/* monitor/lcov.c: executed lines and functions in the format of lcov's tools (geninfo(1)). */
/* SPDX-License-Identifier: Apache-2.0 */
/* A line counts as often as that of its instructions that was executed most: a loop's head counts its rounds. A
 * function that has several bodies (static in a header, or cloned) counts what they have together. */
#include "monitor/coverage.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a part has of a source. */
struct piece {
  struct mon_lcov_part *part;
  uint32_t source;
};

static const char *path_of(const struct piece *p) {
  return p->part->d->source[p->source];
}

static int by_path(const void *a, const void *b) {
  const struct piece *x = a, *y = b;
  int order = strcmp(path_of(x), path_of(y));
  return order ? order : x->part < y->part ? -1 : x->part > y->part;
}

/* All of them, by path; *n of them. NULL: no memory. */
static struct piece *pieces_of(struct mon_lcov_part *part, size_t parts, size_t *n) {
  size_t room = 1;
  for (size_t i = 0; i < parts; i++) room += part[i].d->sources;
  struct piece *p = malloc(room * sizeof *p);
  *n = 0;
  for (size_t i = 0; p && i < parts; i++)
    for (uint32_t k = 0; k < part[i].d->sources; k++) p[(*n)++] = (struct piece){&part[i], k};
  if (p) qsort(p, *n, sizeof *p, by_path);
  return p;
}

struct writer {
  const struct piece *piece; /* of the source */
  size_t pieces;
  const struct mon_stretches *s;
  FILE *to;
};

/* How often the instructions from `from` on were executed, at most; of none, the one there. */
static uint64_t count_of(const struct writer *w, const struct mon_lcov_part *p, uint64_t from, uint32_t bytes) {
  from += p->shift;
  return mon_stretches_most(w->s, from, from + (bytes ? bytes : 4));
}

/* The next function of a piece; NULL: it has no more. */
static const struct mon_line_function *next_function(const struct piece *p) {
  const struct mon_line_function *f = &p->part->d->function[p->part->function];
  return p->part->function < p->part->d->functions && f->source == p->source ? f : NULL;
}

static const struct mon_line *next_line(const struct piece *p) {
  const struct mon_line *l = &p->part->d->line[p->part->line];
  return p->part->line < p->part->d->lines && l->source == p->source ? l : NULL;
}

static int by_name(const struct mon_line_function *a, const struct mon_line_function *b) {
  return a->line != b->line ? (a->line < b->line ? -1 : 1) : strcmp(a->name, b->name);
}

static void write_functions(const struct writer *w) {
  unsigned found = 0, hit = 0;
  for (;; found++) {
    const struct mon_line_function *first = NULL, *f;
    uint64_t entered = 0;
    for (size_t i = 0; i < w->pieces; i++)
      if ((f = next_function(&w->piece[i])) && (!first || by_name(f, first) < 0)) first = f;
    if (!first) break;
    for (size_t i = 0; i < w->pieces; i++)
      for (; (f = next_function(&w->piece[i])) && !by_name(f, first); w->piece[i].part->function++)
        entered += count_of(w, w->piece[i].part, f->entry, 0);
    hit += entered != 0;
    fprintf(w->to, "FN:%u,%s\nFNDA:%" PRIu64 ",%s\n", first->line, first->name, entered, first->name);
  }
  fprintf(w->to, "FNF:%u\nFNH:%u\n", found, hit);
}

static void write_lines(const struct writer *w) {
  unsigned found = 0, hit = 0;
  for (;; found++) {
    const struct mon_line *l;
    uint32_t line = 0;
    uint64_t most = 0;
    for (size_t i = 0; i < w->pieces; i++)
      if ((l = next_line(&w->piece[i])) && (!line || l->line < line)) line = l->line;
    if (!line) break;
    for (size_t i = 0; i < w->pieces; i++)
      for (; (l = next_line(&w->piece[i])) && l->line == line; w->piece[i].part->line++) {
        uint64_t count = count_of(w, w->piece[i].part, l->from, l->bytes);
        if (count > most) most = count;
      }
    hit += most != 0;
    fprintf(w->to, "DA:%u,%" PRIu64 "\n", line, most);
  }
  fprintf(w->to, "LF:%u\nLH:%u\n", found, hit);
}

/* The first of n rows, sorted by source, that is not of an earlier one. `source`: of the first row. */
static size_t first_of(const uint32_t *source, size_t row_bytes, size_t n, uint32_t wanted) {
  size_t low = 0, high = n;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    const uint32_t *at = (const void *)((const char *)source + mid * row_bytes);
    if (*at < wanted)
      low = mid + 1;
    else
      high = mid;
  }
  return low;
}

/* Where a source's lines and functions begin. */
static void begin_source(const struct piece *p) {
  const struct mon_dwarf *d = p->part->d;
  p->part->line = d->lines ? first_of(&d->line->source, sizeof *d->line, d->lines, p->source) : 0;
  p->part->function = d->functions ? first_of(&d->function->source, sizeof *d->function, d->functions, p->source) : 0;
}

bool mon_lcov_write(struct mon_lcov_part *part, size_t parts, const struct mon_stretches *s, FILE *to) {
  size_t n;
  struct piece *piece = pieces_of(part, parts, &n);
  if (!piece) return false;
  for (size_t i = 0, end; i < n; i = end) {
    for (end = i; end < n && !strcmp(path_of(&piece[end]), path_of(&piece[i])); end++) begin_source(&piece[end]);
    struct writer w = {&piece[i], end - i, s, to};
    fprintf(to, "TN:\nSF:%s\n", path_of(&piece[i]));
    write_functions(&w);
    write_lines(&w);
    fputs("end_of_record\n", to);
  }
  free(piece);
  return true;
}
