/* cli/test_jobs.c: tests run, each in a process of its own, some at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/test.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct job {
  pid_t pid;
  size_t test;
  int result, words; /* files in memory: the result, and what it said on stderr */
};

/* --- in the process of a test --- */

static _Noreturn void be_test(struct test *t, const struct job *j) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(j->words, 2);
  signal(SIGXFSZ, SIG_IGN);
  json_t *o = test_run(t);
  _exit(!o || json_dumpfd(o, j->result, 0) ? TEST_NONE : 0);
}

/* --- here --- */

static bool start(struct job *j, struct test *t, size_t at) {
  *j = (struct job){
      .test = at, .result = memfd_create("result", MFD_CLOEXEC), .words = memfd_create("words", MFD_CLOEXEC)};
  fflush(NULL);
  j->pid = j->result < 0 || j->words < 0 ? -1 : fork();
  if (!j->pid) be_test(t, j);
  return j->pid > 0;
}

/* The first line it has said, without the program's name. NULL: nothing. */
static char *first_line(int words) {
  char text[1024];
  ssize_t n = words < 0 ? 0 : pread(words, text, sizeof text - 1, 0);
  if (n <= 0) return NULL;
  text[n] = 0;
  text[strcspn(text, "\n")] = 0;
  const char *from = !strncmp(text, "mirrorball: ", 12) ? text + 12 : text;
  return strdup(from);
}

static json_t *no_result(const struct test *t, int status) {
  if (status < 0)
    return json_pack("{s:s, s:s, s:s, s:s}", "scenario", t->scenario->path, "guest", t->guest, "verdict", "none", "why",
                     "the host has no room for another process");
  json_t *why = WIFSIGNALED(status) ? json_sprintf("its process was killed: %s", strsignal(WTERMSIG(status)))
                                    : json_sprintf("its process ended with code %d", WEXITSTATUS(status));
  return json_pack("{s:s, s:s, s:s, s:o}", "scenario", t->scenario->path, "guest", t->guest, "verdict", "none", "why",
                   why);
}

/* What came of a test whose process is over (status; -1: there was none). */
static json_t *collect(const struct job *j, const struct test *t, int status, const struct test_options *o) {
  json_t *result = status < 0 || lseek(j->result, 0, SEEK_SET) ? NULL : json_loadfd(j->result, 0, NULL);
  if (!result) result = no_result(t, status);
  char *said = first_line(j->words), *command = test_command(t, o);
  const char *why = json_string_value(json_object_get(result, "why"));
  const char *verdict = json_string_value(json_object_get(result, "verdict"));
  bool good = verdict && !strcmp(verdict, "good");
  if (said && !good && (!why || !*why)) json_object_set_new(result, "why", json_string(said));
  if (command && !good) json_object_set_new(result, "reproduce", json_string(command));
  test_golden_note(result);
  free(said);
  free(command);
  if (j->result >= 0) close(j->result);
  if (j->words >= 0) close(j->words);
  return result;
}

/* Wait for any test to end: which job. */
static struct job *wait_any(struct job *job, unsigned jobs, int *status) {
  for (;;) {
    pid_t pid = waitpid(-1, status, 0);
    if (pid < 0 && errno != EINTR) return NULL;
    for (unsigned i = 0; i < jobs; i++)
      if (pid > 0 && job[i].pid == pid) return &job[i];
  }
}

static bool is_good(const json_t *result) {
  const char *verdict = json_string_value(json_object_get(result, "verdict"));
  return verdict && !strcmp(verdict, "good");
}

/* Show, in order, those that are there. */
static void show(json_t *results, const json_t *done, size_t tests, const struct test_options *o) {
  char key[24];
  for (size_t i = json_array_size(results); i < tests; i++) {
    snprintf(key, sizeof key, "%zu", i);
    json_t *r = json_object_get(done, key);
    if (!r) return;
    json_array_append(results, r);
    test_report_one(r, i + 1, o);
  }
}

json_t *test_jobs(const struct test_list *l, const struct test_options *o) {
  struct job *job = calloc(o->jobs, sizeof *job);
  json_t *results = json_array(), *done = json_object(); /* by number */
  unsigned running = 0;
  size_t next = 0;
  bool stop = false;
  while (job && (running || (next < l->tests && !stop))) {
    int status = -1;
    struct job *j = NULL;
    if (next < l->tests && !stop && running < o->jobs) {
      for (j = job; j->pid > 0;) j++; /* a free one */
      if (start(j, &l->test[next], next)) running++, status = 0;
      next++;
      if (!status) continue;
    } else if ((j = wait_any(job, o->jobs, &status))) {
      running--;
    } else {
      break;
    }
    char key[24];
    snprintf(key, sizeof key, "%zu", j->test);
    json_t *r = collect(j, &l->test[j->test], status, o);
    j->pid = 0;
    if (!is_good(r) && !o->keep_going) stop = true;
    json_object_set_new(done, key, r);
    show(results, done, l->tests, o);
  }
  json_decref(done);
  free(job);
  return results;
}
