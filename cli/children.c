/* cli/children.c: runs of mirrorball as processes of their own, and telling people how far they are. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/children.h"
#include "cli/options.h"
#include "cli/request.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POLL_NS = 20 * 1000 * 1000, SAID_MAX = 1024, OWN_WORDS = 5 };

/* --- progress --- */

double children_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void progress_show(struct progress *p, const char *what) {
  bool tty = isatty(STDERR_FILENO);
  double now = children_seconds(), passed = now - p->begun;
  if (passed < 2 || now - p->shown < (tty ? 0.5 : 10)) return;
  p->shown = now;
  char left[64] = "";
  if (p->done) snprintf(left, sizeof left, ", about %.0f s left", passed / p->done * (p->total - p->done));
  fprintf(stderr, "%smirrorball: %s: %u %% %s%s%s", tty ? "\r" : "", p->command, p->done * 100 / p->total, what, left,
          tty ? "\033[K" : "\n");
  fflush(stderr);
}

void progress_clear(const struct progress *p) {
  if (p->shown > 0 && isatty(STDERR_FILENO)) fputs("\r\033[K", stderr);
}

void children_wait(void) {
  nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
}

/* --- a child --- */

/* After fork(): become the run, or end. */
static void become(const struct child *c, pid_t parent, char **word, const int *inherit) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  bool good = getppid() == parent && freopen("/dev/null", "r", stdin) && freopen("/dev/null", "w", stdout) &&
              dup2(c->words, STDERR_FILENO) >= 0 && !fcntl(c->stats, F_SETFD, 0);
  for (const int *fd = inherit; good && *fd >= 0; fd++) good = !fcntl(*fd, F_SETFD, 0);
  if (good) execv("/proc/self/exe", word);
  _exit(1);
}

/* `first` is the command; statistics: it is told where to leave them. */
static int start(struct child *c, const char *command, const char *first, char *const *words, const int *inherit,
                 bool statistics) {
  size_t n = 0;
  char path[48];
  while (words[n]) n++;
  *c = (struct child){.stats = memfd_create("stats", MFD_CLOEXEC),
                      .words = memfd_create("words", MFD_CLOEXEC),
                      .begun = children_seconds()};
  char **word = malloc((OWN_WORDS + n) * sizeof *word);
  pid_t parent = getpid(), pid = -1;
  if (word && c->stats >= 0 && c->words >= 0) {
    snprintf(path, sizeof path, "/proc/self/fd/%d", c->stats);
    char *own[] = {(char *)"mirrorball", (char *)first, (char *)"--stats", path};
    size_t owned = statistics ? 4 : 2;
    memcpy(word, own, owned * sizeof *own);
    memcpy(word + owned, words, (n + 1) * sizeof *word);
    fflush(NULL);
    pid = fork();
    if (!pid) become(c, parent, word, inherit);
  }
  free(word);
  c->pid = pid < 0 ? 0 : pid;
  if (pid >= 0) return 0;
  child_free(c);
  options_fail("%s: the host has no room for another process", command);
  return EXIT_OURS;
}

int child_start(struct child *c, const char *command, char *const *words, const int *inherit) {
  return start(c, command, "run", words, inherit, true);
}

int child_start_test(struct child *c, const char *command, char *const *words) {
  return start(c, command, "test", words, (const int[]){-1}, false);
}

bool child_ended(struct child *c, int *code) {
  int status;
  struct rusage u;
  pid_t got = wait4(c->pid, &status, WNOHANG, &u);
  if (!got || (got < 0 && errno == EINTR)) return false;
  c->pid = 0;
  *code = -1;
  if (got < 0) return true;
  c->wall = children_seconds() - c->begun;
  c->cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
  *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return true;
}

bool child_went_well(int code) {
  return code == EXIT_POWER_OFF || code == EXIT_UNTIL;
}

char *child_said(const struct child *c) {
  char *text = calloc(1, SAID_MAX);
  ssize_t n = text ? pread(c->words, text, SAID_MAX - 1, 0) : 0;
  if (n > 0) text[strcspn(text, "\n")] = 0;
  return text;
}

json_t *child_stats(const struct child *c) {
  return lseek(c->stats, 0, SEEK_SET) ? NULL : json_loadfd(c->stats, 0, NULL);
}

void child_free(struct child *c) {
  if (c->pid > 0) {
    kill(c->pid, SIGKILL);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR) {
    }
  }
  if (c->stats >= 0) close(c->stats);
  if (c->words >= 0) close(c->words);
  *c = CHILD_NONE;
}
