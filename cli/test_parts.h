/* cli/test_parts.h: what the files that run one test ask of each other. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_TEST_PARTS_H
#define CLI_TEST_PARTS_H
#include "cli/test.h"
#include "cli/test_console.h"

/* A number that a later step compares with. */
enum { TEST_KEPT = 32 };
struct test_kept {
  const char *name; /* the scenario's */
  uint64_t number;
};

/* One of its VMs. */
struct test_vm {
  const struct scenario_vm *said;
  struct request *request;
  struct mb_vm *vm;
  struct test_console console;
  bool shell;        /* takes commands, */
  unsigned commands; /* and has had so many */
};

struct test_going {
  struct test *test;
  const struct scenario *s;
  struct mb_machine *m;
  struct test_vm *vm; /* owned; as many as the scenario has */
  struct test_vm *on; /* the one that the step under way is done on, or that has spoilt it */
  size_t at;          /* step under way */
  char *kept_at;      /* where a checkpoint goes; owned; NULL: nowhere */
  bool restored;      /* from one */
  bool ours;          /* what is wrong is no guest's fault: no verdict */
  struct test_kept kept[TEST_KEPT];
  size_t kepts;
  char why[1024]; /* what is wrong; empty: nothing yet */
};

/* --- test_run.c --- */

/* Say what is wrong; returns false. */
bool test_bad(struct test_going *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The library refused to do it: a step that cannot be done here. Returns false. */
bool test_refused(struct test_going *t);
/* Let t->on run so long (ns), and so many instructions (0: any number), and the other VMs as long as it does. */
void test_limit(struct test_going *t, uint64_t ns, uint64_t insns);
/* Run until what the console of t->on awaits is there, or the time (ns) has passed, or so many instructions (0: no such
 * limit). False: neither, or a complaint came, of any VM; `why` has it. *found: it was not the time. */
bool test_go(struct test_going *t, uint64_t ns, uint64_t insns, bool *found);

/* --- test_steps.c --- */

/* Do the step at t->at; false: t->why. */
bool test_step(struct test_going *t);
/* Have t->on take commands. */
bool test_start_shell(struct test_going *t);

/* --- test_kept.c --- */

/* Where a checkpoint of these guests with their shells up is kept, or would be; owned by the caller. NULL: nowhere. */
char *test_kept_path(const struct test_going *t);
/* Begin with it: machine and consoles are as they were. False: there is none, and the machine is empty. */
bool test_kept_restore(struct test_going *t, const char *path);
/* Keep one, if that can be: nobody is told if not. */
void test_kept_save(struct test_going *t, const char *path);

/* --- test_files.c --- */

/* Put a VM's files behind its initrd, and make its disks: in memory, for this process. 0 or 2. */
int test_files_make(const struct scenario_vm *v, struct request *r);
#endif
