/* cli/experiment.h: experiments: a matrix of runs, described by a file, and each of its cells as words for a run. */
/* SPDX-License-Identifier: Apache-2.0 */
/* docs/numa-experiments.md is about the file. Each axis has levels; a level sets options of mirrorball run; a cell has
 * one level of each axis and is one run. An axis that is not in the file has one level without a name, which sets
 * nothing. */
#ifndef CLI_EXPERIMENT_H
#define CLI_EXPERIMENT_H
#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>

/* In the order in which cells vary and options win: the later ones vary faster, and win. */
enum experiment_axis { AXIS_WORKLOAD, AXIS_VMS, AXIS_MACHINE, AXIS_POLICY, AXIS_FIDELITY, AXES };
extern const char *const experiment_axis[AXES]; /* "workload" ... */

/* What stands behind a level's name for people: " VMs", or nothing. */
const char *experiment_unit(enum experiment_axis axis, const char *name);

/* An option and its value. */
struct experiment_set {
  int row;           /* of request_rows, or EXPERIMENT_GUEST */
  const char *value; /* NULL: a flag */
  int line;          /* of the file */
};
enum { EXPERIMENT_GUEST = -1 };

struct experiment_level {
  const char *name; /* "": the axis is not in the file */
  unsigned vms;     /* of the axis of VMs: how many; else 0 */
  bool page_log;    /* keep what becomes of pages */
  int line;
  struct experiment_set *set;
  size_t sets;
};

struct experiment {
  const char *file, *name, *title, *about; /* title and about may be NULL */
  struct experiment_level all;             /* what holds for all runs */
  struct experiment_level *level[AXES];
  size_t levels[AXES], cells;
  config_t config; /* owns all texts but those in `number` */
  char **number;
  size_t numbers;
  bool read;
};

/* Read `path`, which must outlive *e. 0, or 2 after a line that names file, line and key. Then free it all the same. */
int experiment_read(struct experiment *e, const char *path);
void experiment_free(struct experiment *e);

enum { CELL_KEY = 33 };
struct cell {
  const struct experiment *e;
  const struct experiment_level *level[AXES];
  char *name;         /* for people: the levels' names */
  char *machine;      /* the machine file that describes its VMs */
  char **words;       /* options for the run beside that; NULL ends them */
  bool page_log;      /* is a page log wanted? */
  char key[CELL_KEY]; /* in hex: equal for equal runs, i.e. of what the program and all files named hold, and of all
                         options that decide a run */
};

/* Make cell i, guests fetched if need be. 0, 1 or 2 after one line. Free it all the same. */
int cell_make(struct cell *c, const struct experiment *e, size_t i);
void cell_free(struct cell *c);
/* Say what the run of a cell complained about, in the words of the file. Returns 2. */
int cell_fail(const struct cell *c, const char *said);
unsigned cell_vms(const struct cell *c);
/* The machine file in a file in memory, which the caller closes: for the run, with each VM's console in one of these
 * descriptors, or (NULL) for the check whether it can be run. -1: no memory. */
int cell_machine_file(const struct cell *c, const int *consoles);
#endif
