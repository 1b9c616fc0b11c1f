/* cli/diff.h: mirrorball diff: two kernels through the same run, and what of it differs. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A recording is a folder: stats.json and coverage.json, as mirrorball run writes them, and console, what the guest has
 * shown. Read, it is an object with the keys name, stats, coverage, console. What comes of two of them is the document:
 *   a, b          names
 *   same          the same instructions, final state and console
 *   threshold     percent
 *   totals        counts of the whole run: name, a, b
 *   functions     that executed another number of instructions, the largest difference first: name, a, b, entered_a,
 *                 entered_b
 *   phases        from one landmark on the console to the next: name, a, b, in microseconds by the
 *                 kernels' own clocks
 *   console       lines, in order: in ("a", "b", "both", or "skipped": so many are alike), text; time is masked
 *   complaints    lines of b's kernel that say something is wrong with it, and that a does not have
 *   grown         one line for each thing that grew by more than the threshold, or is a new complaint */
#ifndef CLI_DIFF_H
#define CLI_DIFF_H
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct diff {
  const char *name[2];  /* guests, kernel files, or recordings */
  const char *scenario; /* NULL: run's options say what is done */
  const char *guest;    /* whose kernel is replaced by a kernel file; NULL: nobody's */
  const char *html, *json, *record;
  char **extra;     /* options for run; NULL ends them */
  double threshold; /* percent */
};

/* diff_runs.c: make or read the recordings. 0, 1 or 2, after a line that says why. */
int diff_record(const struct diff *d, json_t *recording[2]);

/* diff_model.c: the document; NULL: no memory. */
json_t *diff_model(const json_t *a, const json_t *b, double threshold);

/* diff_console.c: put phases, console and complaints into the document. False: no memory. */
bool diff_console(json_t *document, const char *a, const char *b);

/* diff_text.c */
void diff_print(const json_t *document, FILE *to);

/* diff_page.c: 0, or 1 after a line that says why. */
int diff_page(const json_t *document, const char *path);
#endif
