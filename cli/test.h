/* cli/test.h: mirrorball test: scenarios run on guests, judged, and reported. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A test is a scenario on one guest. It runs in a process of its own, so that any number of them at once are the runs
 * they are one by one, and whatever befalls one befalls it alone. What came of it is a JSON object:
 *   scenario, guest      what was run
 *   verdict              "good", "bad", or "none": it could not be judged
 *   why                  one line; empty when good
 *   step, line           number of the step, from 1, and its line in the file; 0: none
 *   doing                the step, as text
 *   stop                 how the guest had stopped, one line
 *   console, backtrace   the last lines it has shown; its calls, innermost first: of those that are not good
 *   reproduce            the command
 *   from                 "power-on", or "checkpoint"
 *   checks               what they found, as lines; the same
 *   instructions, virtual_ns, console_digest, state_hash  at the end
 *   vms                  of a scenario with several: of each its name, the last, stop, console, backtrace; what stands
 *                        beside is all instructions, the latest time, digests of the digests
 *   golden               the same of the golden run, if there is one
 *   host_seconds         of no verdict */
#ifndef CLI_TEST_H
#define CLI_TEST_H
#include "cli/scenario.h"
#include <jansson.h>

enum {
  TEST_GOOD = 0,
  TEST_BAD = 1,
  TEST_NONE = 125, /* as git bisect run understands it */
};

struct test {
  const struct scenario *scenario;
  struct request_run run; /* the machine */
  const char *guest;      /* what it is called in reports */
  char *record;           /* folder for a recording (cli/diff.h), owned; NULL: none is kept */
  bool fresh;             /* from power-on, whatever is kept */
};

/* What the command line says. */
struct test_options {
  const char **set; /* KEY=VALUE: options of mirrorball run for all */
  size_t sets;
  const char *kernel, *symbols, *guest; /* NULL: as the scenarios say */
  unsigned jobs, shard, shards;
  const char *junit, *results, *record;
  bool tap, keep_going, update, fresh;
};

/* --- test_list.c --- */

struct test_list {
  struct scenario *scenario; /* owned, with what follows */
  size_t scenarios;
  struct test *test;
  size_t tests;
};
/* Read the scenarios and make the tests; 0 or 2. Free it either way. */
int test_list_read(struct test_list *l, const char *const *path, size_t n, const struct test_options *o);
/* Those of the shard, in order, stay; the guests they need are fetched: 0, or TEST_NONE. */
int test_list_prepare(struct test_list *l, const struct test_options *o);
void test_list_free(struct test_list *l);
/* The command that runs just this test, owned by the caller. NULL: no memory. */
char *test_command(const struct test *t, const struct test_options *o);
/* A blank, and a word as a shell takes it. */
void test_put_word(FILE *to, const char *word);

/* --- test_jobs.c --- */

/* Run them all, some at a time: results in the order of the list; each is shown as it comes. NULL: no memory. */
json_t *test_jobs(const struct test_list *l, const struct test_options *o);

/* --- test_run.c --- */

/* Run one, in this process: what came of it. NULL: no memory. */
json_t *test_run(struct test *t);

/* --- test_golden.c --- */

/* Put what the golden file beside the scenario has into a result; with `update` into the file what the result has. */
void test_golden_note(json_t *result);
int test_golden_update(const json_t *results);

/* --- test_report.c --- */

/* A result as it comes: a line, or TAP's. `number` from 1. */
void test_report_one(const json_t *result, size_t number, const struct test_options *o);
/* The end of the report; the files that were asked for. The exit code. `expected`: how many tests there should be. */
int test_report_all(const json_t *results, size_t expected, const struct test_options *o);
int test_report_merge(const char *const *path, size_t n, const struct test_options *o);

/* --- test_bisect.c --- */

/* Drive git bisect in the working tree this is called in. */
struct test_bisect {
  const char *good, *bad, *build;
  const char *const *scenario;
  size_t scenarios;
};
int test_bisect(const struct test_bisect *b, const struct test_options *o);
#endif
