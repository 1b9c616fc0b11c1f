/* cli/children.h: runs of mirrorball as processes of their own, and telling people how far they are. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A child writes its statistics and what it says into files in memory that it inherits, so there is nothing to clean
 * up, and dies with us, however we die. From one thread. */
#ifndef CLI_CHILDREN_H
#define CLI_CHILDREN_H
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

struct child {
  pid_t pid;        /* 0: not under way */
  int stats, words; /* files in memory, while it is under way and until child_free(); else -1 */
  double begun;     /* by children_seconds() */
  double wall, cpu; /* host seconds it has taken, once it has ended */
};
#define CHILD_NONE ((struct child){.stats = -1, .words = -1})

/* Start `mirrorball run WORD...` with its statistics kept for child_stats(). `words` ends with NULL; the child inherits
 * the descriptors in `inherit`, which -1 ends. 0, or 1 after a line that begins with `command`. */
int child_start(struct child *c, const char *command, char *const *words, const int *inherit);
/* The same with `mirrorball test WORD...`; it leaves no statistics there. */
int child_start_test(struct child *c, const char *command, char *const *words);
/* Has it ended? Then *code is its exit code (128 + n: signal n), -1 if the host does not know. */
bool child_ended(struct child *c, int *code);
/* Did a run with this exit code do what was asked: end by itself, or reach --until? */
bool child_went_well(int code);
/* The first line it wrote to stderr, freed by the caller; NULL: no memory. */
char *child_said(const struct child *c);
/* Its statistics, owned by the caller; NULL: it left none. */
json_t *child_stats(const struct child *c);
/* Kill it if it is under way, and give back what it holds. Harmless on CHILD_NONE and twice. */
void child_free(struct child *c);

/* For who waits longer than two seconds: on a terminal one line that changes, else one now and then. */
struct progress {
  const char *command;
  unsigned total, done; /* pieces of work, of equal length as far as anybody knows */
  double begun, shown;
};
/* Seconds since some moment; never goes back. */
double children_seconds(void);
/* Call it often. `what` is under way. */
void progress_show(struct progress *p, const char *what);
/* Before other lines are written. */
void progress_clear(const struct progress *p);
/* Sleep for a moment between looking at children. */
void children_wait(void);
#endif
