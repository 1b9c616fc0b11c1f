/* cli/compare_runs.c: the runs of mirrorball compare: each a mirrorball run of its own, by turns, and are they the
 * same? */
/* SPDX-License-Identifier: Apache-2.0 */
/* All keep no optimized code, or the first would pay for the others. */
#include "cli/children.h"
#include "cli/compare.h"
#include "cli/options.h"
#include <stdlib.h>

enum { WORDS = 24, COUNTING = COMPARE_MODES, COUNTING_WEIGHT = 4 };

/* --- one run --- */

static void add_words(const struct compare *c, char **word, char *l2tlb, int mode) {
  unsigned n = 0;
  if (c->append) word[n++] = (char *)"--append", word[n++] = c->append;
  word[n++] = (char *)"--code-store", word[n++] = (char *)"none";
  word[n++] = (char *)"--console", word[n++] = (char *)"none";
  if (c->from)
    word[n++] = (char *)"--from", word[n++] = (char *)c->from;
  else
    word[n++] = (char *)"--l2tlb", word[n++] = l2tlb;
  word[n++] = (char *)"--mode", word[n++] = (char *)compare_mode[mode == COUNTING ? COMPARE_BARE : mode];
  if (mode == COUNTING) word[n++] = (char *)"--events";
  for (char **e = c->extra; *e; e++) word[n++] = *e;
  if (c->guest) word[n++] = (char *)c->guest;
  word[n] = NULL;
}

static int start(struct child *child, const struct compare *c, uint32_t l2tlb, int mode) {
  unsigned extra = 0;
  while (c->extra[extra]) extra++;
  char **word = malloc((WORDS + extra) * sizeof *word), size[16];
  if (!word) return options_fail("compare: out of memory") - 1;
  snprintf(size, sizeof size, "%u", l2tlb);
  add_words(c, word, size, mode);
  int code = child_start(child, "compare", word, (const int[]){-1});
  free(word);
  return code;
}

/* Bad input of the child's is ours, in its own words. */
static int judge(int code, const struct child *child, const char *what) {
  if (child_went_well(code)) return 0;
  char *said = child_said(child);
  if (code == 2 && said && *said)
    fprintf(stderr, "%s\n", said);
  else
    options_fail("compare: the run (%s) ended with exit code %d%s%s", what, code, said && *said ? ": " : "",
                 said ? said : "");
  free(said);
  return code == 2 ? 2 : 1;
}

static int run(const struct compare *c, uint32_t l2tlb, int mode, struct progress *p, double *cpu, json_t **stats) {
  char what[64];
  struct child child = CHILD_NONE;
  snprintf(what, sizeof what, "%s, l2tlb %u", mode == COUNTING ? "counting events" : compare_mode[mode], l2tlb);
  int code = start(&child, c, l2tlb, mode);
  if (code) return code;
  while (!child_ended(&child, &code)) {
    progress_show(p, what);
    children_wait();
  }
  progress_clear(p);
  code = judge(code, &child, what);
  p->done += mode == COUNTING ? COUNTING_WEIGHT : 1;
  *cpu = child.cpu;
  *stats = code ? NULL : child_stats(&child);
  if (!code && !*stats) code = options_fail("compare: the run (%s) left no statistics", what) - 1;
  child_free(&child);
  return code;
}

/* --- all runs --- */

/* False, after a line that says where: it was another run. */
static bool same_run(const json_t *a, const json_t *b, const char *what, uint32_t l2tlb) {
  static const char *const key[] = {"instructions",   "idle_cycles", "stall_cycles",
                                    "console_digest", "state_hash",  "exit"};
  for (size_t i = 0; i < sizeof key / sizeof *key; i++) {
    json_t *x = json_object_get(a, key[i]), *y = json_object_get(b, key[i]);
    if (json_equal(x, y)) continue;
    char *s = json_dumps(x, JSON_ENCODE_ANY), *t = json_dumps(y, JSON_ENCODE_ANY);
    options_fail("compare: not the same run: %s is %s with %s and %s in the run that counts (l2tlb %u)", key[i],
                 t ? t : "?", what, s ? s : "?", l2tlb);
    free(s);
    free(t);
    return false;
  }
  return true;
}

static int timed_run(const struct compare *c, struct compare_setting *s, unsigned at, int m, struct progress *p,
                     bool *same) {
  unsigned l2tlb = c->l2tlb[at % COMPARE_SETTINGS], k = at / COMPARE_SETTINGS;
  json_t *stats;
  int code = run(c, l2tlb, m, p, &s->cpu[m][k], &stats);
  if (code) return code;
  s->wall[m][k] = json_number_value(json_object_get(stats, "wall_seconds"));
  json_decref(s->stats[m]);
  s->stats[m] = stats;
  if (*same) *same = same_run(s->counted, stats, compare_mode[m], l2tlb);
  return 0;
}

int compare_measure(const struct compare *c, struct compare_setting *settings, bool *same) {
  struct progress p = {.command = "compare", .begun = children_seconds()};
  unsigned modes = 0;
  int code = 0;
  for (int m = 0; m < COMPARE_MODES; m++) modes += c->mode[m];
  p.total = c->l2tlbs * (COUNTING_WEIGHT + modes * c->repeat);
  for (unsigned i = 0; !code && i < c->l2tlbs; i++) {
    double cpu;
    code = run(c, c->l2tlb[i], COUNTING, &p, &cpu, &settings[i].counted);
  }
  /* Turns: what else the host does meanwhile hits all alike; every other round goes the other way. */
  for (unsigned k = 0; k < c->repeat; k++)
    for (unsigned i = 0; i < c->l2tlbs; i++)
      for (int n = 0; n < COMPARE_MODES; n++) {
        int m = k % 2 ? COMPARE_MODES - 1 - n : n;
        if (!code && c->mode[m]) code = timed_run(c, &settings[i], k * COMPARE_SETTINGS + i, m, &p, same);
      }
  return code;
}
