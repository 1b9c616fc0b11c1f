/* cli/cmd_diff.c: mirrorball diff: did a change to a kernel cost something, and where? */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diff.h"
#include "cli/options.h"
#include "cli/page.h"
#include <stdlib.h>
#include <string.h>

int cmd_diff(int argc, char **argv);

enum row { O_SCENARIO, O_GUEST, O_THRESHOLD, O_HTML, O_JSON, O_RECORD, O_HELP };
static const struct option_row rows[] = {
    [O_SCENARIO] = {"scenario", "FILE",
                    "what is done with each (docs/regression-testing.md). Without it options\n"
                    "for run say so, such as --until and --type"},
    [O_GUEST] = {"guest", "NAME", "the guest whose kernel is replaced by A and B, if these are kernel files"},
    [O_THRESHOLD] = {"threshold", "PERCENT",
                     "what may grow without being bad (1): each total by so much, each function\n"
                     "by so much of all instructions. 0: nothing may"},
    [O_HTML] = {"html", "FILE", "write a page of plots that needs nothing else"},
    [O_JSON] = {"json", "FILE", "write everything (cli/diff.h says what each key is)"},
    [O_RECORD] = {"record", "DIR", "keep the recordings, in DIR/a and DIR/b; either can be A or B another time"},
    [O_HELP] = {"help", NULL, "this text"},
    {0},
};

static void print_help(void) {
  puts("Usage: mirrorball diff [OPTION...] A B [-- OPTIONS FOR RUN]\n"
       "\n"
       "Runs two kernels through the same, and says what differs: instructions by function, TLB\n"
       "misses, exceptions, the phases of the boot, the console with its times masked, and what the\n"
       "kernel newly complains of. A and B are guests (mirrorball guests list), kernel files, or\n"
       "recordings of runs. Nothing here is measured: a difference of one instruction is a fact.\n");
  options_help(stdout, rows);
  puts("\n"
       "Exit codes: 0 nothing grew by more than the threshold; 1 something did, or B's kernel has a new\n"
       "complaint, or a run failed; 2 bad input.\n"
       "\n"
       "Try it:\n"
       "  mirrorball diff debian-4kc debian-5kc -- --until 'console:# '\n"
       "  mirrorball diff old/vmlinuz new/vmlinuz --guest debian-4kc --html diff.html -- --until 'console:# '\n"
       "  mirrorball diff vmlinux.old vmlinux.new --guest debian-4kc --scenario boot.test --threshold 0\n"
       "  mirrorball diff monday/b vmlinux --guest debian-4kc --scenario boot.test --record tuesday");
}

/* --- what is asked for --- */

static int set_threshold(struct diff *d, const char *v) {
  char *end;
  d->threshold = strtod(v, &end);
  if (end == v || *end || !(d->threshold >= 0 && d->threshold <= 1e6))
    return options_fail("diff: --threshold %s: not a number of percent", v);
  return 0;
}

static int set_option(struct diff *d, enum row row, const char *v) {
  switch (row) {
  case O_SCENARIO: return d->scenario = v, 0;
  case O_GUEST: return d->guest = v, 0;
  case O_THRESHOLD: return set_threshold(d, v);
  case O_HTML: d->html = v; return page_check("diff");
  case O_JSON: return d->json = v, 0;
  case O_RECORD: return d->record = v, 0;
  case O_HELP: print_help(); return -1;
  }
  return 0;
}

static int set_name(struct diff *d, const char *v) {
  if (d->name[1]) return options_fail("diff: A and B, and \"%s\"? Options for run stand behind --", v);
  d->name[d->name[0] != NULL] = v;
  return 0;
}

static int parse(struct diff *d, int argc, char **argv) {
  struct options o;
  int end = 1, bad = 0;
  while (end < argc && strcmp(argv[end], "--")) end++;
  d->extra = argv + (end < argc ? end + 1 : argc);
  options_begin(&o, end, argv, rows);
  while (!bad) {
    int row = options_next(&o);
    if (row == OPTIONS_END) break;
    if (row == OPTIONS_ERROR) return 2;
    bad = row == OPTIONS_WORD ? set_name(d, o.value) : set_option(d, (enum row)row, o.value);
  }
  if (bad) return bad;
  if (!d->name[1]) return options_fail("diff: which two? Give A and B (mirrorball diff --help)");
  if (d->scenario && *d->extra) return options_fail("diff: --scenario says what is done, not \"%s\"", *d->extra);
  return 0;
}

int cmd_diff(int argc, char **argv) {
  struct diff d = {.threshold = 1};
  json_t *recording[2] = {NULL}, *document = NULL;
  int code = parse(&d, argc, argv);
  if (code) return code < 0 ? 0 : code;
  code = diff_record(&d, recording);
  if (!code && !(document = diff_model(recording[0], recording[1], d.threshold)))
    code = options_fail("diff: out of memory") - 1;
  if (!code) {
    diff_print(document, stdout);
    if (d.json && json_dump_file(document, d.json, JSON_INDENT(1)))
      code = options_fail("diff: --json %s: cannot be written", d.json) - 1;
    if (!code && d.html) code = diff_page(document, d.html);
    if (!code) code = json_array_size(json_object_get(document, "grown")) != 0;
  }
  json_decref(document);
  json_decref(recording[0]);
  json_decref(recording[1]);
  return code;
}
