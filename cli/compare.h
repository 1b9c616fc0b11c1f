/* cli/compare.h: the parts of mirrorball compare: what is asked for, the runs, what follows from them, two reports. */
/* SPDX-License-Identifier: Apache-2.0 */
/* What was measured and what follows from it is one JSON document, which --json writes, the text is printed from and
 * the page holds. Its keys: guest, workload, repeat, when, host, version same        did all runs with one l2tlb take
 * the same instructions to the same state and console? settings    one for each --l2tlb: l2tlb, instructions,
 * state_hash, console_digest cycles    of the guest: user, kernel, idle; kernel includes the stalls of devices modes
 * one for each mode: mode, wall and cpu (host seconds: median, min, max, all), wall_ratio and cpu_ratio (to bare, of
 * medians), monitor_cycles, percent (user, kernel, monitor, idle, total; the first setting on the bare machine is 100),
 * monitor_parts (the monitor's percent by group of events), traps (kind: count, ns; of --mode trap) events    name,
 * group, count, trap_cycles, translate_cycles (each), ns (host, each: the mean of its kind of trap) services  name,
 * invocations, cycles, share (of the kernel's), and for each mode but bare, by its name: slowdown and what it is the
 * sum of, relative to bare (the paper's Table 2): kernel, tlb_writes, privileged, monitor, kernel_tlb paper       the
 * paper's Fig. 5 and Table 2, as far as they are used */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
  COMPARE_MODES = 3,
  COMPARE_BARE = 0,
  COMPARE_TRAP,
  COMPARE_TRANSLATE,
  COMPARE_SETTINGS = 8,
  COMPARE_REPEAT = 100
};
extern const char *const compare_mode[COMPARE_MODES];

struct compare {
  const char *guest, *workload; /* NULL: described by the options for run; as it is */
  const char *from;             /* a checkpoint in place of these two; NULL: none */
  char *append;                 /* owned; NULL: nothing beside the guest's own */
  bool mode[COMPARE_MODES];
  uint32_t l2tlb[COMPARE_SETTINGS];
  unsigned l2tlbs, repeat;
  const char *html, *json;
  json_t *costs; /* owned; by event: trap, translate */
  char **extra;  /* options for run; NULL ends them */
};

/* What was measured with one l2tlb. */
struct compare_setting {
  json_t *counted;              /* statistics of the run that counts events; owned, as are the others */
  json_t *stats[COMPARE_MODES]; /* of each mode's last run; NULL: it is not asked for */
  double wall[COMPARE_MODES][COMPARE_REPEAT], cpu[COMPARE_MODES][COMPARE_REPEAT];
};

/* compare_runs.c: make all runs. 0; 1 or 2 after a line on stderr. *same: see above; else a line has said where not. */
int compare_measure(const struct compare *c, struct compare_setting *settings, bool *same);
/* compare_model.c: the document. NULL: out of memory. */
json_t *compare_document(const struct compare *c, const struct compare_setting *settings, bool same);
/* compare_text.c */
void compare_print(const json_t *document, FILE *to);
/* compare_page.c: is what the page is drawn by there? 0 or 2; 0 or 1. */
int compare_page_check(void);
int compare_page(const json_t *document, const char *path);
#endif
