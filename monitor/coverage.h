/* monitor/coverage.h: what of a guest was executed, and how often: by address, by function, by line. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_COVERAGE_H
#define MONITOR_COVERAGE_H
#include "frontend/tally.h"
#include "monitor/dwarf.h"
#include <stddef.h>
#include <stdio.h>

/* Instructions one behind the other that were executed equally often. */
struct mon_stretch {
  uint64_t from, to; /* bytes */
  uint64_t count;    /* not 0 */
};

/* Sorted by address. */
struct mon_stretches {
  struct mon_stretch *stretch; /* owned */
  size_t n;
};

struct mon_coverage {
  struct mips_tally tally;
};

/* 0 or MB_ERR_MEMORY; *out is to be freed either way. */
__attribute__((warn_unused_result)) int mon_coverage_new(struct mon_coverage **out);
void mon_coverage_free(struct mon_coverage *c);

/* The present counts of the kernel's instructions, or of user programs'. False: no memory. */
bool mon_stretches_read(struct mon_stretches *out, const struct mips_tally *t, bool user);
void mon_stretches_free(struct mon_stretches *s);
/* The first that ends behind va: an index, s->n if there is none. */
size_t mon_stretches_find(const struct mon_stretches *s, uint64_t va);
/* How often the most executed instruction from `from` to before `to` was. */
uint64_t mon_stretches_most(const struct mon_stretches *s, uint64_t from, uint64_t to);

/* Code for whose lines there is one table: the kernel's image, a module. */
struct mon_lcov_part {
  const struct mon_dwarf *d;
  uint64_t shift;        /* bytes from where it was linked to where it runs */
  size_t line, function; /* the writer's: the next of a source */
};
/* Lines and functions as lcov's tools read them, by source; what several parts have of a source is one. False: no
 * memory. */
__attribute__((warn_unused_result)) bool mon_lcov_write(struct mon_lcov_part *part, size_t parts,
                                                        const struct mon_stretches *s, FILE *to);
#endif
