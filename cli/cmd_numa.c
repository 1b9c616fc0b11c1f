/* cli/cmd_numa.c: mirrorball numa: a matrix of runs, machine by policy by workload by VMs, from one description. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/children.h"
#include "cli/experiment_files.h"
#include "cli/options.h"
#include "cli/page.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/results.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int cmd_numa(int argc, char **argv);

enum { OWN_WORDS = 8 };
enum row { O_DB, O_JOBS, O_LIST, O_HTML, O_JSON, O_HELP };
static const struct option_row rows[] = {
    [O_DB] = {"db", "FILE", "where results are kept (the experiment's name, with .db for what follows\nits last dot)"},
    [O_JOBS] = {"jobs", "N", "runs at a time (as many as the host has cpus)"},
    [O_LIST] = {"list", NULL, "say what the runs are and which are done, and run nothing"},
    [O_HTML] = {"html", "FILE", "write the page that mirrorball report makes"},
    [O_JSON] = {"json", "FILE", "write everything (cli/results.h says what each key is)"},
    [O_HELP] = {"help", NULL, "this text"},
    {0},
};

static void print_help(void) {
  puts("Usage: mirrorball numa [OPTION...] EXPERIMENT\n"
       "\n"
       "Makes the runs that the file EXPERIMENT describes (docs/numa-experiments.md), each a mirrorball run of\n"
       "its own: every workload with every number of VMs, on every machine, under every policy, at every\n"
       "fidelity. A run that is in the results already is not made again, so one that was broken off goes on\n"
       "where it was, whatever ended it.\n");
  options_help(stdout, rows);
  puts("\n"
       "A run is kept under what decides it: this program, byte by byte, its options, and what its files hold.\n"
       "\n"
       "Exit codes: 0 done; 1 a run failed, a line says how, and the others were made; 2 bad input.\n"
       "\n"
       "Try it:\n"
       "  mirrorball numa perf/disco/quick.experiment --list\n"
       "  mirrorball numa perf/disco/quick.experiment --db quick.db --html quick.html\n"
       "  mirrorball report quick.db --html again.html\n"
       "  sqlite3 quick.db \"SELECT workload, stats->>'virtual_ns' FROM cell JOIN run USING(key)\"");
}

/* What is asked for, and what has been made of it. */
struct numa {
  const char *file, *db, *html, *json;
  bool list;
  unsigned jobs;
  char *own_db; /* owned: `db`, when it is not given */
  struct experiment e;
  struct cell *cells;
  struct results *results;
  size_t *pending, pendings; /* numbers of cells to run: one for each key */
};

static int no_memory(void) {
  return options_fail("numa: out of memory") - 1;
}

/* --- what is asked for --- */

static int set_option(struct numa *n, enum row row, const char *v) {
  uint64_t jobs;
  switch (row) {
  case O_DB: n->db = v; return 0;
  case O_JOBS:
    if (!options_number(v, false, MB_JOBS_MAX, &jobs) || !jobs)
      return options_fail("numa: --jobs %s: not a number from 1 to %d", v, MB_JOBS_MAX);
    n->jobs = (unsigned)jobs;
    return 0;
  case O_LIST: n->list = true; return 0;
  case O_HTML: n->html = v; return page_check("numa");
  case O_JSON: n->json = v; return 0;
  case O_HELP: print_help(); return -1;
  }
  return 0;
}

static int default_db(struct numa *n) {
  const char *slash = strrchr(n->file, '/'), *name = slash ? slash + 1 : n->file, *dot = strrchr(name, '.');
  int stem = (int)(dot && dot > name ? dot - n->file : (ptrdiff_t)strlen(n->file));
  if (asprintf(&n->own_db, "%.*s.db", stem, n->file) < 0) return n->own_db = NULL, no_memory();
  n->db = n->own_db;
  return strcmp(n->db, n->file) ? 0 : options_fail("numa: %s: would be overwritten by the results: give --db", n->file);
}

static int parse(struct numa *n, int argc, char **argv) {
  struct options o;
  long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  n->jobs = cpus < 1 ? 1 : cpus > MB_JOBS_MAX ? MB_JOBS_MAX : (unsigned)cpus;
  options_begin(&o, argc, argv, rows);
  for (;;) {
    int row = options_next(&o), bad = 0;
    if (row == OPTIONS_END) break;
    if (row == OPTIONS_ERROR) return EXIT_INPUT;
    if (row == OPTIONS_WORD && n->file)
      return options_fail("numa: one experiment at a time, not both %s and %s", n->file, o.value);
    if (row == OPTIONS_WORD)
      n->file = o.value;
    else
      bad = set_option(n, (enum row)row, o.value);
    if (bad) return bad;
  }
  if (!n->file) return options_fail("numa: which experiment? Give its file (mirrorball numa --help)");
  return n->db ? 0 : default_db(n);
}

/* --- what is to be run --- */

static int make_cells(struct numa *n) {
  n->cells = calloc(n->e.cells, sizeof *n->cells);
  n->pending = calloc(n->e.cells, sizeof *n->pending);
  int code = n->cells && n->pending ? 0 : no_memory();
  for (size_t i = 0; !code && i < n->e.cells; i++) code = cell_make(&n->cells[i], &n->e, i);
  return code;
}

static int find_pending(struct numa *n) {
  for (size_t i = 0; i < n->e.cells; i++) {
    bool done;
    if (results_has(n->results, n->cells[i].key, &done)) return EXIT_OURS;
    for (size_t k = 0; k < n->pendings; k++) done |= !strcmp(n->cells[n->pending[k]].key, n->cells[i].key);
    if (!done) n->pending[n->pendings++] = i;
  }
  return 0;
}

static int list(const struct numa *n) {
  for (size_t i = 0; i < n->e.cells; i++) {
    bool done = false;
    if (n->results && results_has(n->results, n->cells[i].key, &done)) return EXIT_OURS;
    printf("%-6s %.12s  %s\n", done ? "done" : "to do", n->cells[i].key, n->cells[i].name);
  }
  return 0;
}

/* --- running --- */

/* One pass over what is to be run, some at a time: a check whether each would run, or the runs. */
struct pass {
  struct numa *n;
  bool check;
  struct child child[MB_JOBS_MAX];
  struct cell_files files[MB_JOBS_MAX];
  size_t cell[MB_JOBS_MAX], next, failed;
  struct progress progress;
  int code;
};

static int start(struct pass *p, unsigned slot, size_t i) {
  const struct cell *c = &p->n->cells[i];
  struct cell_files *f = &p->files[slot];
  int code = cell_files_open(f, c, p->check) ? no_memory() : 0, open[CELL_FILES + 1];
  size_t words = 0, n = 0;
  char machine[48], log[48];
  while (c->words[words]) words++;
  char **word = malloc((words + OWN_WORDS) * sizeof *word);
  if (!word) code = no_memory();
  if (!code) {
    snprintf(machine, sizeof machine, "/proc/self/fd/%d", f->machine);
    snprintf(log, sizeof log, "/proc/self/fd/%d", f->log);
    word[n++] = (char *)"--jobs", word[n++] = (char *)"1";
    word[n++] = (char *)"--machine", word[n++] = machine;
    if (f->log >= 0) word[n++] = (char *)"--page-log", word[n++] = log;
    memcpy(word + n, c->words, (words + 1) * sizeof *word);
    cell_files_list(f, open);
    code = child_start(&p->child[slot], "numa", word, open);
  }
  free(word);
  p->cell[slot] = i;
  return code;
}

/* Into the results, with what its consoles and its page log say. */
static int keep(struct pass *p, const struct cell *c, struct result *result, const struct cell_files *f) {
  void *log = cell_files_log(f, &result->log_bytes);
  json_t *marks = cell_files_marks(f);
  if (json_array_size(marks)) json_object_set(result->stats, "marks", marks);
  result->page_log = log;
  int bad = results_keep(p->n->results, c, result);
  if (log) munmap(log, result->log_bytes);
  json_decref(marks);
  return bad;
}

static void clear(struct pass *p, unsigned slot) {
  child_free(&p->child[slot]);
  cell_files_close(&p->files[slot]);
}

/* A run has ended: keep what it found. What its input lacked is for people to mend; else the others go on. */
static void ended(struct pass *p, unsigned slot, int code) {
  struct child *child = &p->child[slot];
  const struct cell *c = &p->n->cells[p->cell[slot]];
  struct result result = {.exit_code = code, .wall = child->wall, .cpu = child->cpu};
  char *said = child_said(child);
  p->progress.done++;
  progress_clear(&p->progress);
  if (code == EXIT_INPUT) {
    p->code = cell_fail(c, said ? said : "");
  } else if (!child_went_well(code)) {
    options_fail("numa: %s: ended with exit code %d%s%s", c->name, code, said && *said ? ": " : "", said ? said : "");
    p->failed++;
  } else if (!p->check) {
    result.stats = child_stats(child);
    if (!result.stats) options_fail("numa: %s: left no statistics", c->name), p->failed++;
    if (result.stats && keep(p, c, &result, &p->files[slot])) p->code = EXIT_OURS;
  }
  json_decref(result.stats);
  free(said);
  clear(p, slot);
}

static const char *under_way(const struct pass *p) {
  for (unsigned i = 0; i < p->n->jobs; i++)
    if (p->child[i].pid) return p->n->cells[p->cell[i]].name;
  return "";
}

static int run_pass(struct numa *n, bool check) {
  struct pass p = {.n = n, .check = check};
  p.progress = (struct progress){.command = "numa", .total = (unsigned)n->pendings, .begun = children_seconds()};
  for (unsigned i = 0; i < n->jobs; i++) p.child[i] = CHILD_NONE, p.files[i] = cell_files_none;
  for (bool any = true; any && !p.code;) {
    any = false;
    for (unsigned i = 0; i < n->jobs && !p.code; i++) {
      int code;
      if (p.child[i].pid && child_ended(&p.child[i], &code)) ended(&p, i, code);
      if (!p.child[i].pid && !p.code && p.next < n->pendings) p.code = start(&p, i, n->pending[p.next++]);
      any |= p.child[i].pid;
    }
    progress_show(&p.progress, under_way(&p));
    if (any) children_wait();
  }
  progress_clear(&p.progress);
  for (unsigned i = 0; i < n->jobs; i++) clear(&p, i);
  if (p.failed) options_fail("numa: %zu of %zu runs failed", p.failed, n->pendings);
  return p.code ? p.code : p.failed ? EXIT_OURS : 0;
}

/* --- what came of it --- */

static int tell(struct numa *n) {
  json_t *document = results_document(n->results, n->e.name, n->html);
  if (!document) return EXIT_OURS;
  int code = 0;
  report_print(document, stdout);
  if (n->json && json_dump_file(document, n->json, JSON_INDENT(2)))
    code = options_fail("numa: --json %s: cannot be written", n->json) - 1;
  if (n->html) code |= report_page("numa", document, n->html);
  json_decref(document);
  return code;
}

static int numa(struct numa *n) {
  int code = experiment_read(&n->e, n->file);
  if (!code) code = make_cells(n);
  if (!code && (!n->list || !access(n->db, F_OK))) code = results_open(&n->results, "numa", n->db, !n->list);
  if (!code && n->list) return list(n);
  if (!code) code = find_pending(n);
  if (!code && n->pendings) code = run_pass(n, true);
  if (!code) code = results_register(n->results, &n->e, n->cells);
  if (!code && n->pendings) code = run_pass(n, false);
  int told = !n->results || code == EXIT_INPUT ? 0 : tell(n);
  return code ? code : told;
}

int cmd_numa(int argc, char **argv) {
  struct numa n = {0};
  int code = parse(&n, argc, argv);
  if (!code) code = numa(&n);
  for (size_t i = 0; n.cells && i < n.e.cells; i++) cell_free(&n.cells[i]);
  free(n.cells);
  free(n.pending);
  experiment_free(&n.e);
  results_close(n.results);
  free(n.own_db);
  return code < 0 ? 0 : code;
}
