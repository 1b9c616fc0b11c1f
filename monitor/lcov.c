/* monitor/lcov.c: executed lines and functions in the format of lcov's tools (geninfo(1)). */
/* SPDX-License-Identifier: Apache-2.0 */
/* A line counts as often as that of its instructions that was executed most: a loop's head counts its rounds. A
 * function that has several bodies (static in a header, or cloned) counts what they have together. */
#include "monitor/coverage.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct writer {
  const struct mon_dwarf *d;
  const struct mon_stretches *s;
  uint64_t shift;
  size_t line, function; /* the next to write: they are sorted by source */
  FILE *to;
};

/* How often the instructions from `from` on were executed, at most; of none, the one there. */
static uint64_t count_of(const struct writer *w, uint64_t from, uint32_t bytes) {
  from += w->shift;
  return mon_stretches_most(w->s, from, from + (bytes ? bytes : 4));
}

static bool same_function(const struct mon_line_function *a, const struct mon_line_function *b) {
  return a->source == b->source && a->line == b->line && !strcmp(a->name, b->name);
}

static void write_functions(struct writer *w, uint32_t source) {
  const struct mon_line_function *f = w->d->function;
  size_t *i = &w->function, end = w->d->functions;
  unsigned found = 0, hit = 0;
  for (; *i < end && f[*i].source == source; found++) {
    const struct mon_line_function *first = &f[*i];
    uint64_t entered = 0;
    for (; *i < end && same_function(first, &f[*i]); (*i)++) entered += count_of(w, f[*i].entry, 0);
    hit += entered != 0;
    fprintf(w->to, "FN:%u,%s\nFNDA:%" PRIu64 ",%s\n", first->line, first->name, entered, first->name);
  }
  fprintf(w->to, "FNF:%u\nFNH:%u\n", found, hit);
}

static void write_lines(struct writer *w, uint32_t source) {
  const struct mon_line *l = w->d->line;
  size_t *i = &w->line, end = w->d->lines;
  unsigned found = 0, hit = 0;
  for (; *i < end && l[*i].source == source; found++) {
    const uint32_t line = l[*i].line;
    uint64_t most = 0;
    for (; *i < end && l[*i].source == source && l[*i].line == line; (*i)++) {
      uint64_t count = count_of(w, l[*i].from, l[*i].bytes);
      if (count > most) most = count;
    }
    hit += most != 0;
    fprintf(w->to, "DA:%u,%" PRIu64 "\n", line, most);
  }
  fprintf(w->to, "LF:%u\nLH:%u\n", found, hit);
}

void mon_lcov_write(const struct mon_dwarf *d, const struct mon_stretches *s, uint64_t shift, FILE *to) {
  struct writer w = {.d = d, .s = s, .shift = shift, .to = to};
  for (uint32_t i = 0; i < d->sources; i++) {
    fprintf(to, "TN:\nSF:%s\n", d->source[i]);
    write_functions(&w, i);
    write_lines(&w, i);
    fputs("end_of_record\n", to);
  }
}
