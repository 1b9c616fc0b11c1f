/* cli/request.h: what a run is asked to do: the machine, and each of its VMs, by options or by a machine file. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A key of a VM in a machine file is an option of mirrorball run, and takes what the option takes. */
#ifndef CLI_REQUEST_H
#define CLI_REQUEST_H
#include "cli/guests.h"
#include "cli/options.h"
#include "mirrorball.h"

enum { REQUEST_STEPS = 64, REQUEST_PROFILES = 8, REQUEST_COVERAGES = 8, REQUEST_EXACTS = 8 };

/* An option and its value, as they were given. */
struct request_given {
  int row;
  const char *value; /* NULL: none */
};

/* One VM. */
struct request {
  struct request_run *run; /* that it is a part of */
  struct mb_config config;
  const char *name, *kernel, *initrd, *symbols_file, *host_calls, *check_allow, *gdb, *until_text, *console,
      *type[REQUEST_STEPS], *profile[REQUEST_PROFILES], *exact[REQUEST_EXACTS], *coverage[REQUEST_COVERAGES],
      *debug_info;
  char *disk_path[MB_DISKS_MAX];
  unsigned types, profiles, exacts, coverages;
  bool symbols, has_raw, host_time;
  struct mb_raw raw;
  uint64_t until_insns, until_ns; /* UINT64_MAX: not */
  struct guest guest;
  const char *file; /* it is described in this machine file, */
  int line;         /* its present key in this line, */
  int begins;       /* itself from this line on */
  struct request_given *given;
  size_t givens;
};

/* The machine and how it is run. */
struct request_run {
  struct mb_machine_config machine;
  const char *stats, *status, *code_store, *boot_store, *file, *from, *checkpoint, *record, *replay;
  bool print, has_replay_to;
  struct request options; /* the one VM that the options describe, or what they say about all */
  struct request **vm;    /* those of the machine file */
  size_t vms;
  char **text; /* words the requests borrow */
  size_t texts;
};

void request_begin(struct request *r, struct request_run *run);
void request_fini(struct request *r);
/* Set what an option or a key says. 0, 2 (one line was printed), or -1: all is done. */
int request_set(struct request *r, int row, const char *value);
/* Complain about the key or option under way, which `fmt` begins with as in "--mem ..."; returns 2. */
int request_fail(const struct request *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Is coverage wanted by source line? */
bool request_wants_lines(const struct request *r);
/* When all has been set: does it go together? 0 or 2. */
int request_check(struct request *r);

/* The options, and which of them describe a VM. A row that repeats may have several values. */
extern const struct option_row request_rows[];
bool request_is_key(int row);
bool request_is_machine_key(int row); /* they describe the machine that VMs are put into, in a machine file, too */
bool request_repeats(int row);

/* A copy of text that lives as long as the run. NULL: no memory. */
const char *request_keep(struct request_run *run, const char *text);

/* machine_file.c: run->file into run->machine and run->vm; 0 or 2. */
int machine_file_read(struct request_run *run);
/* One key of a VM; 0 or 2. */
struct config_setting_t; /* libconfig's */
int machine_file_key(struct request *r, const struct config_setting_t *key);
/* The machine that is asked for, as such a file. 0 or 1. */
int machine_file_print(const struct request_run *run, FILE *to);

/* boot.c: is there a guest of this name? 0, or 2 after a complaint that says which is meant. */
int request_known_guest(const struct request *r, const char *name);
/* What the guest's name stands for, where no option says otherwise; 0 or 2. */
int boot_guest(struct request *r);
/* Where optimized code is kept, as --code-store says: the caller frees. NULL: nowhere. */
char *boot_code_store(const char *v);
/* Let it have the kernel's debug information, as asked for or as the guest has it. Returns what the library says. */
int boot_debug_info(struct mb_vm *vm, const struct request *r);
/* Add it to a machine, with its console and all it loads: 0 or 2. */
int boot_vm(struct mb_machine *m, const struct request *r);
/* Build it all, run it, say how it ended: the exit code. */
int boot_run(struct request_run *run);

enum {
  EXIT_POWER_OFF = 0,
  EXIT_OURS = 1,
  EXIT_INPUT = 2,
  EXIT_RESET = 3,
  EXIT_STUCK = 4,
  EXIT_DEAD = 5,
  EXIT_UNTIL = 6,
  EXIT_TIMEOUT = 7,
  EXIT_INTERRUPTED = 8,
  EXIT_GUEST = 64, /* + the guest's code, 1..63 */
};
#endif
