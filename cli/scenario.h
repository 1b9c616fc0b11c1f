/* cli/scenario.h: scenario files: what is done to a guest, and what must come of it (docs/regression-testing.md). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_SCENARIO_H
#define CLI_SCENARIO_H
#include "cli/request.h"
#include <regex.h>

/* Keys of a step. The first ones say what it does; what may stand beside each is in the table of scenario_step.c. */
enum step_key {
  STEP_EXPECT,
  STEP_MATCH,
  STEP_SEND,
  STEP_WAIT,
  STEP_RUN,
  STEP_CALL,
  STEP_READ,
  STEP_INTERRUPT,
  STEP_DISK_ERROR,
  STEP_MEMORY_ERROR,
  STEP_NET,
  STEP_KINDS,
  KEY_LIMIT = STEP_KINDS,
  KEY_CODE,
  KEY_OUTPUT,
  KEY_MATCHES,
  KEY_ARGS,
  KEY_RETURNS,
  KEY_BYTES,
  KEY_OFFSET,
  KEY_EQUALS,
  KEY_KEEP,
  KEY_SAME,
  KEY_MIN,
  KEY_MAX,
  KEY_VCPU,
  KEY_FOR,
  KEY_FROM,
  KEY_SIZE,
  KEY_TIMES,
  KEY_ON,
  KEY_CARD,
  KEY_VM,
  STEP_KEYS
};

enum { SCENARIO_ARGS = MB_CALL_ARGS, SCENARIO_DISKS = 2 };

struct step_value {
  bool given;
  const char *text; /* of the file; NULL: a number */
  size_t n;         /* its bytes */
  uint64_t number;  /* or time in virtual ns */
  bool insns;       /* a limit: instructions, not ns */
  int choice;       /* of words: which */
  regex_t *regex;   /* owned */
};

struct step {
  enum step_key kind;
  int line;
  size_t vm; /* that it is done on */
  struct step_value value[STEP_KEYS];
  struct mb_value arg[SCENARIO_ARGS];
  size_t args;
};

/* A file for the guest. */
struct scenario_file {
  const char *to, *from, *text;
  unsigned mode;
};
struct scenario_files {
  struct scenario_file *file; /* owned */
  size_t n;
};

/* A disk of its own: bytes that are zero, or a tar archive of files, and as large as is asked for. */
struct scenario_disk {
  uint64_t size;
  struct scenario_files files;
};

struct scenario_regexes {
  regex_t *regex; /* owned */
  const char **text;
  size_t n;
};
/* What it is run on: a guest known by name, or a group of keys of a VM. */
struct scenario_guest {
  const char *name; /* NULL: the group says */
  const void *keys; /* setting; NULL: none */
};
struct scenario_texts {
  const char **text; /* owned, what they point at is the file's */
  int *line;
  size_t n;
};

/* What is said of one VM, by its own keys, or else by those of the scenario. */
struct scenario_vm {
  const char *name; /* NULL: it is the only one, and described by the scenario */
  const void *own;  /* setting: its keys; NULL: likewise */
  const char *prompt;
  struct scenario_files files;
  struct scenario_disk disk[SCENARIO_DISKS];
  size_t disks;
  const char *end; /* NULL: it may run on */
  bool quiet;      /* no complaint of the kernel's is allowed but these: */
  struct scenario_regexes allow, never;
  struct scenario_texts console, covered;
  uint64_t least, most; /* instructions */
};

struct scenario {
  char *path;
  void *config; /* libconfig's: all text is borrowed from it */
  const char *about;
  struct scenario_guest *guest; /* owned */
  size_t guests;
  const void *machine;    /* setting: keys of a VM; NULL: none */
  uint64_t limit;         /* of a step, virtual ns, unless it has its own */
  struct scenario_vm *vm; /* owned; at least one */
  size_t vms;
  struct step *step; /* owned */
  size_t steps;
};

/* 0, or 2 after one line on stderr: file, line, key, what is wrong. *s is to be freed either way. */
int scenario_read(struct scenario *s, const char *path);
void scenario_free(struct scenario *s);
/* Is this a key of a VM that the scenario reads itself? Others are a machine file's. */
bool scenario_is_vm_key(const char *name);

/* --- scenario_step.c --- */

struct config_setting_t; /* libconfig's */
/* Read one step; 0 or 2. What it has is freed with the scenario. */
int scenario_step_read(const struct scenario *s, struct step *step, const struct config_setting_t *from);
void scenario_step_free(struct step *step);
/* "run", "expect", ... and what it takes, for people. */
const char *scenario_step_name(enum step_key kind);
/* Complain about a line; returns 2. */
int scenario_fail(const struct scenario *s, const struct config_setting_t *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "2s", "100ms", "10us", "5 ns": virtual time. */
bool scenario_time(const char *text, uint64_t *ns);
/* Compile an extended regular expression; 0, or 2 after a line on stderr. */
int scenario_regex(const struct scenario *s, const struct config_setting_t *at, const char *text, regex_t *out);
/* A whole number, or a text that is one (1M, 0x10). */
bool scenario_number(const struct config_setting_t *from, uint64_t *out);
#endif
