/* cli/cmd_report.c: mirrorball report: what mirrorball numa has found, as a table or a page of plots. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"
#include "cli/page.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/results.h"
#include <stdlib.h>
#include <string.h>

int cmd_report(int argc, char **argv);

enum row { O_EXPERIMENT, O_HTML, O_JSON, O_HELP };
static const struct option_row rows[] = {
    [O_EXPERIMENT] = {"experiment", "NAME", "this one alone (all that are in the file)"},
    [O_HTML] = {"html", "FILE", "write a page of plots that needs nothing else"},
    [O_JSON] = {"json", "FILE", "write everything (cli/results.h says what each key is)"},
    [O_HELP] = {"help", NULL, "this text"},
    {0},
};

static void print_help(void) {
  puts("Usage: mirrorball report [OPTION...] RESULTS\n"
       "\n"
       "Shows what mirrorball numa has found and kept in the file RESULTS: how long each run took, in the time\n"
       "of its guests, and next to the first of its workload. --html makes a page: where the time goes, misses,\n"
       "moves of pages, traffic between nodes, and page by page what happened when.\n");
  options_help(stdout, rows);
  puts("\n"
       "Exit codes: 0 done; 1 a file cannot be written; 2 bad input.\n"
       "\n"
       "Try it:\n"
       "  mirrorball numa perf/disco/quick.experiment --db quick.db; mirrorball report quick.db --html quick.html");
}

struct report {
  const char *db, *experiment, *html, *json;
};

static int parse(struct report *r, int argc, char **argv) {
  struct options o;
  options_begin(&o, argc, argv, rows);
  for (int row; (row = options_next(&o)) != OPTIONS_END;) {
    if (row == OPTIONS_ERROR) return EXIT_INPUT;
    if (row == OPTIONS_WORD && r->db)
      return options_fail("report: one file at a time, not both %s and %s", r->db, o.value);
    switch (row) {
    case OPTIONS_WORD: r->db = o.value; break;
    case O_EXPERIMENT: r->experiment = o.value; break;
    case O_HTML: r->html = o.value; break;
    case O_JSON: r->json = o.value; break;
    default: print_help(); return -1;
    }
  }
  if (!r->db) return options_fail("report: which results? Give the file (mirrorball report --help)");
  return r->html ? page_check("report") : 0;
}

static int show(const struct report *r, const json_t *document) {
  int code = 0;
  if (!json_array_size(json_object_get(document, "experiments")))
    return r->experiment ? options_fail("report: %s: there is no experiment \"%s\"", r->db, r->experiment)
                         : options_fail("report: %s: holds no experiments", r->db);
  if (!r->html && !r->json) report_print(document, stdout);
  if (r->json && json_dump_file(document, r->json, JSON_INDENT(2)))
    code = options_fail("report: --json %s: cannot be written", r->json) - 1;
  if (r->html) code |= report_page("report", document, r->html);
  return code;
}

int cmd_report(int argc, char **argv) {
  struct report r = {0};
  struct results *results = NULL;
  json_t *document = NULL;
  int code = parse(&r, argc, argv);
  if (!code) code = results_open(&results, "report", r.db, false);
  if (!code && !(document = results_document(results, r.experiment, r.html))) code = EXIT_OURS;
  if (!code) code = show(&r, document);
  json_decref(document);
  results_close(results);
  return code < 0 ? 0 : code;
}
