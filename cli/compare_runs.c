/* cli/compare_runs.c: the runs of mirrorball compare: each a mirrorball run of its own, by turns, and are they the
 * same? */
/* SPDX-License-Identifier: Apache-2.0 */
/* A child writes its statistics into a file in memory that it inherits, so there is nothing to clean up, and dies with
 * us. All keep no optimized code, or the first would pay for the others. */
#define _GNU_SOURCE
#include "cli/compare.h"
#include "cli/options.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORDS = 24, POLL_NS = 20 * 1000 * 1000, UNTIL_REACHED = 6, COUNTING = COMPARE_MODES, COUNTING_WEIGHT = 4 };

/* --- progress --- */

struct progress {
  unsigned total, done;
  double begun, shown;
};

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* For who waits longer than two seconds: on a terminal one line that changes, else one now and then. */
static void show(struct progress *p, const char *what) {
  bool tty = isatty(STDERR_FILENO);
  double now = seconds(), passed = now - p->begun;
  if (passed < 2 || now - p->shown < (tty ? 0.5 : 10)) return;
  p->shown = now;
  char left[64] = "";
  double rest = p->done ? passed / p->done * (p->total - p->done) - 0 : 0;
  if (p->done) snprintf(left, sizeof left, ", about %.0f s left", rest);
  fprintf(stderr, "%smirrorball: compare: %u %% %s%s%s", tty ? "\r" : "", p->done * 100 / p->total, what, left,
          tty ? "\033[K" : "\n");
  fflush(stderr);
}

static void clear_line(const struct progress *p) {
  if (p->shown > 0 && isatty(STDERR_FILENO)) fputs("\r\033[K", stderr);
}

/* --- one run --- */

struct child {
  json_t *stats;
  double cpu;
};

static void add_words(const struct compare *c, char **word, char *texts[3], int mode) {
  unsigned n = 0;
  word[n++] = (char *)"mirrorball";
  word[n++] = (char *)"run";
  if (c->append) word[n++] = (char *)"--append", word[n++] = c->append;
  word[n++] = (char *)"--code-store", word[n++] = (char *)"none";
  word[n++] = (char *)"--console", word[n++] = (char *)"none";
  word[n++] = (char *)"--l2tlb", word[n++] = texts[0];
  word[n++] = (char *)"--stats", word[n++] = texts[1];
  word[n++] = (char *)"--mode", word[n++] = (char *)compare_mode[mode == COUNTING ? COMPARE_BARE : mode];
  if (mode == COUNTING) word[n++] = (char *)"--events";
  for (char **e = c->extra; *e; e++) word[n++] = *e;
  if (c->guest) word[n++] = (char *)c->guest;
  word[n] = NULL;
}

static pid_t start(const struct compare *c, uint32_t l2tlb, int mode, int stats, int words) {
  unsigned extra = 0;
  while (c->extra[extra]) extra++;
  char **word = malloc((WORDS + extra) * sizeof *word), size[16], path[48], *texts[3] = {size, path, NULL};
  if (!word) return -1;
  snprintf(size, sizeof size, "%u", l2tlb);
  snprintf(path, sizeof path, "/proc/self/fd/%d", stats);
  add_words(c, word, texts, mode);
  fflush(NULL);
  pid_t parent = getpid(), pid = fork();
  if (!pid) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || !freopen("/dev/null", "r", stdin) || !freopen("/dev/null", "w", stdout) ||
        dup2(words, STDERR_FILENO) < 0)
      _exit(1);
    execv("/proc/self/exe", word);
    _exit(1);
  }
  free(word);
  return pid;
}

static int wait_for(pid_t pid, struct progress *p, const char *what, double *cpu) {
  int status;
  struct rusage u;
  for (;;) {
    pid_t got = wait4(pid, &status, WNOHANG, &u);
    if (got < 0 && errno != EINTR) return -1;
    if (got == pid) break;
    show(p, what);
    nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
  }
  *cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* What the child had to say, its first line only; freed by the caller. */
static char *first_line(int fd) {
  char *text = calloc(1, 1024);
  ssize_t n = text ? pread(fd, text, 1023, 0) : 0;
  if (n > 0) text[strcspn(text, "\n")] = 0;
  return text;
}

/* Bad input of the child's is ours, in its own words. */
static int judge(int code, int words, const char *what) {
  if (!code || code == UNTIL_REACHED) return 0;
  char *said = first_line(words);
  if (code == 2 && said && *said)
    fprintf(stderr, "%s\n", said);
  else
    options_fail("compare: the run (%s) ended with exit code %d%s%s", what, code, said && *said ? ": " : "",
                 said ? said : "");
  free(said);
  return code == 2 ? 2 : 1;
}

static int run(const struct compare *c, uint32_t l2tlb, int mode, struct progress *p, struct child *out) {
  char what[64];
  snprintf(what, sizeof what, "%s, l2tlb %u", mode == COUNTING ? "counting events" : compare_mode[mode], l2tlb);
  int stats = memfd_create("stats", 0), words = memfd_create("words", MFD_CLOEXEC);
  pid_t pid = stats < 0 || words < 0 ? -1 : start(c, l2tlb, mode, stats, words);
  int code = pid < 0 ? -1 : wait_for(pid, p, what, &out->cpu);
  clear_line(p);
  if (code < 0)
    code = options_fail("compare: the host has no room for another process") - 1;
  else
    code = judge(code, words, what);
  p->done += mode == COUNTING ? COUNTING_WEIGHT : 1;
  out->stats = code || lseek(stats, 0, SEEK_SET) ? NULL : json_loadfd(stats, 0, NULL);
  if (!code && !out->stats) code = options_fail("compare: the run (%s) left no statistics", what) - 1;
  if (stats >= 0) close(stats);
  if (words >= 0) close(words);
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
  struct child child = {0};
  int code = run(c, l2tlb, m, p, &child);
  if (code) return code;
  s->wall[m][k] = json_number_value(json_object_get(child.stats, "wall_seconds"));
  s->cpu[m][k] = child.cpu;
  json_decref(s->stats[m]);
  s->stats[m] = child.stats;
  if (*same) *same = same_run(s->counted, child.stats, compare_mode[m], l2tlb);
  return 0;
}

int compare_measure(const struct compare *c, struct compare_setting *settings, bool *same) {
  struct progress p = {.begun = seconds()};
  unsigned modes = 0;
  int code = 0;
  for (int m = 0; m < COMPARE_MODES; m++) modes += c->mode[m];
  p.total = c->l2tlbs * (COUNTING_WEIGHT + modes * c->repeat);
  for (unsigned i = 0; !code && i < c->l2tlbs; i++) {
    struct child child = {0};
    code = run(c, c->l2tlb[i], COUNTING, &p, &child);
    settings[i].counted = child.stats;
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
