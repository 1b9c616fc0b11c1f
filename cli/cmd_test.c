/* cli/cmd_test.c: mirrorball test: run scenarios on guests, and judge. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/test.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cmd_test(int argc, char **argv);

enum row {
  O_JOBS,
  O_KEEP,
  O_FRESH,
  O_KERNEL,
  O_SYMBOLS,
  O_GUEST,
  O_SET,
  O_TAP,
  O_JUNIT,
  O_RESULTS,
  O_RECORD,
  O_UPDATE,
  O_LIST,
  O_SHARD,
  O_LIST_SHARDS,
  O_MERGE,
  O_BISECT,
  O_BUILD,
  O_HELP
};
static const struct option_row rows[] = {
    [O_JOBS] = {"jobs", "N", "tests at a time (as many as the host has cpus); never changes a result"},
    [O_KEEP] = {"keep-going", NULL, "run all, also when one has failed"},
    [O_FRESH] = {"fresh", NULL,
                 "begin at power-on. Unless given a guest that has come to its shell is kept\n"
                 "as a checkpoint, from which other tests on it begin; it is the same run"},
    [O_KERNEL] = {"kernel", "FILE", "run this kernel instead of each guest's own"},
    [O_SYMBOLS] = {"symbols", "FILE", "its names (System.map or ELF), if it does not bring them"},
    [O_GUEST] = {"guest", "NAME", "only the tests on this guest"},
    [O_SET] = {"set", "KEY=VALUE", "an option of mirrorball run for all of them, e.g. tier=eval; may be\nrepeated"},
    [O_TAP] = {"tap", NULL, "report as TAP (test anything protocol)"},
    [O_JUNIT] = {"junit", "FILE", "write a JUnit report, too; its times are virtual"},
    [O_RESULTS] = {"results", "FILE", "write all there is to know, as JSON (cli/test.h says what each key is)"},
    [O_RECORD] = {"record", "DIR", "keep what each test was like in DIR/1, DIR/2, ... (mirrorball diff compares two)"},
    [O_UPDATE] = {"update", NULL, "keep what this run was like beside each scenario, as FILE.golden"},
    [O_LIST] = {"list", NULL, "write which tests there are, and run none"},
    [O_SHARD] = {"shard", "I/N", "only every N-th test, from the I-th on"},
    [O_LIST_SHARDS] = {"list-shards", "[N]",
                       "write the commands that run these tests in N shards (one for each\n"
                       "test), one a line: for GNU parallel, or a Slurm array"},
    [O_MERGE] = {"merge", NULL, "the FILEs are --results of shards: report them as one"},
    [O_BISECT] = {"bisect", NULL,
                  "GOOD BAD FILE...: find the commit between the two that broke it, in the\n"
                  "git working tree one stands in"},
    [O_BUILD] = {"build", "COMMAND", "--bisect: what makes the kernel there, for --kernel"},
    [O_HELP] = {"help", NULL, "this text"},
    {0},
};

static void print_help(void) {
  puts("Usage: mirrorball test [OPTION...] FILE...\n"
       "\n"
       "Runs scenarios (docs/regression-testing.md says how they are written), each on each guest it\n"
       "names, and judges. No verdict depends on wall time or on what else the host does: what is good\n"
       "once is good always, with the same instruction count and state hash.\n");
  options_help(stdout, rows);
  puts("\n"
       "Exit codes, as git bisect run takes them:\n"
       "  0    all are good\n"
       "  1    one is bad\n"
       "  125  none is bad, but one could not be judged (its kernel does not load, a guest cannot be\n"
       "       fetched, a process was killed)\n"
       "  2    bad input: one line on stderr says what\n"
       "\n"
       "Try it:\n"
       "  mirrorball test guests/suites/*.test\n"
       "  mirrorball test guests/suites/*.test --guest debian-4kc --kernel ~/linux/vmlinuz\n"
       "  mirrorball test boot.test --update; mirrorball test boot.test --set tier=eval\n"
       "  mirrorball test guests/suites/*.test --list-shards=8 | parallel\n"
       "  mirrorball test --bisect v6.1 HEAD --build 'make -j8 vmlinuz' --kernel vmlinuz boot.test");
}

/* --- options --- */

struct command {
  struct test_options o;
  const char **word;
  size_t words;
  bool list, list_shards, merge, bisect;
  uint64_t in_shards; /* 0: as many as tests */
  const char *build;
};

static int set_jobs(struct command *c, const char *v) {
  uint64_t n;
  if (!options_number(v, false, MB_JOBS_MAX, &n) || !n)
    return options_fail("test: --jobs %s: not a number from 1 to %d", v, MB_JOBS_MAX);
  c->o.jobs = (unsigned)n;
  return 0;
}

static int set_shard(struct command *c, const char *v) {
  const char *slash = strchr(v, '/');
  char first[16] = "";
  uint64_t i, n;
  if (slash && slash - v < 16) memcpy(first, v, (size_t)(slash - v));
  if (!slash || !options_number(first, false, 1 << 20, &i) || !options_number(slash + 1, false, 1 << 20, &n) || !i ||
      i > n)
    return options_fail("test: --shard %s: not I/N, such as 1/8", v);
  c->o.shard = (unsigned)i;
  c->o.shards = (unsigned)n;
  return 0;
}

static int set_list_shards(struct command *c, const char *v) {
  c->list_shards = true;
  if (v && (!options_number(v, false, 1 << 20, &c->in_shards) || !c->in_shards))
    return options_fail("test: --list-shards=%s: not a number of shards", v);
  return 0;
}

static int set(struct command *c, enum row row, const char *v) {
  switch (row) {
  case O_JOBS: return set_jobs(c, v);
  case O_KEEP: return c->o.keep_going = true, 0;
  case O_FRESH: return c->o.fresh = true, 0;
  case O_KERNEL: return c->o.kernel = v, 0;
  case O_SYMBOLS: return c->o.symbols = v, 0;
  case O_GUEST: return c->o.guest = v, 0;
  case O_SET: return c->o.set[c->o.sets++] = v, 0;
  case O_TAP: return c->o.tap = true, 0;
  case O_JUNIT: return c->o.junit = v, 0;
  case O_RESULTS: return c->o.results = v, 0;
  case O_RECORD: return c->o.record = v, 0;
  case O_UPDATE: return c->o.update = true, 0;
  case O_LIST: return c->list = true, 0;
  case O_SHARD: return set_shard(c, v);
  case O_LIST_SHARDS: return set_list_shards(c, v);
  case O_MERGE: return c->merge = true, 0;
  case O_BISECT: return c->bisect = true, 0;
  case O_BUILD: return c->build = v, 0;
  case O_HELP: print_help(); return -1;
  }
  return 0;
}

static int parse(struct command *c, int argc, char **argv) {
  struct options o;
  options_begin(&o, argc, argv, rows);
  for (int bad = 0; !bad;) {
    int row = options_next(&o);
    if (row == OPTIONS_END) return 0;
    if (row == OPTIONS_ERROR) return 2;
    if (row == OPTIONS_WORD)
      c->word[c->words++] = o.value;
    else if ((bad = set(c, (enum row)row, o.value)))
      return bad;
  }
  return 0;
}

static int check(struct command *c) {
  if (!c->words) return options_fail("test: which FILE? (mirrorball test --help)");
  if (c->bisect && c->words < 3) return options_fail("test: --bisect wants GOOD BAD FILE...");
  if (c->build && !c->bisect) return options_fail("test: --build goes with --bisect");
  if (c->merge && (c->o.shards || c->list || c->list_shards || c->bisect || c->o.results))
    return options_fail("test: --merge goes with --junit and --tap alone");
  if (c->o.kernel && access(c->o.kernel, R_OK) && !c->bisect)
    return options_fail("test: --kernel %s: cannot be read", c->o.kernel);
  return 0;
}

/* --- what is asked for --- */

static int list_tests(const struct test_list *l) {
  for (size_t i = 0; i < l->tests; i++)
    printf("%zu %s %s%s%s\n", i + 1, l->test[i].scenario->path, l->test[i].guest,
           l->test[i].scenario->about ? "  # " : "", l->test[i].scenario->about ? l->test[i].scenario->about : "");
  return 0;
}

/* The words of this command again, with --shard and --results. */
static int list_shards(const struct test_list *l, const struct command *c, char **argv) {
  size_t n = c->in_shards ? (size_t)c->in_shards : l->tests;
  for (size_t i = 1; i <= n; i++) {
    fputs("mirrorball", stdout);
    for (char **word = argv; *word; word++)
      if (strncmp(*word, "--list-shards", 13)) test_put_word(stdout, *word);
    printf(" --keep-going --shard %zu/%zu --results shard-%zu.json\n", i, n, i);
  }
  return 0;
}

static int run(struct test_list *l, const struct test_options *o) {
  int code = test_list_prepare(l, o);
  if (code) return code;
  json_t *results = test_jobs(l, o);
  code = results ? test_report_all(results, l->tests, o) : TEST_NONE;
  json_decref(results);
  return code;
}

static int read_and_run(struct command *c, char **argv) {
  struct test_list l;
  size_t skip = c->bisect ? 2 : 0;
  int code = test_list_read(&l, c->word + skip, c->words - skip, &c->o);
  if (!code && c->bisect) {
    const struct test_bisect b = {
        .good = c->word[0], .bad = c->word[1], .build = c->build, .scenario = c->word + 2, .scenarios = c->words - 2};
    code = test_bisect(&b, &c->o);
  } else if (!code) {
    code = c->list ? list_tests(&l) : c->list_shards ? list_shards(&l, c, argv) : run(&l, &c->o);
  }
  test_list_free(&l);
  return code;
}

int cmd_test(int argc, char **argv) {
  struct command c = {.o.jobs = (unsigned)sysconf(_SC_NPROCESSORS_ONLN)};
  c.word = calloc((size_t)argc + 1, sizeof *c.word);
  c.o.set = calloc((size_t)argc + 1, sizeof *c.o.set);
  if (c.o.jobs < 1 || c.o.jobs > MB_JOBS_MAX) c.o.jobs = 1;
  int code = !c.word || !c.o.set ? options_fail("out of memory") : parse(&c, argc, argv);
  if (!code) code = check(&c);
  if (!code) code = c.merge ? test_report_merge(c.word, c.words, &c.o) : read_and_run(&c, argv);
  free(c.word);
  free(c.o.set);
  return code < 0 ? 0 : code;
}
