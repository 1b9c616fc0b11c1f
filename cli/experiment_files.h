/* cli/experiment_files.h: the files of a cell's run, all in memory: its machine, its page log, the consoles of its VMs.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_EXPERIMENT_FILES_H
#define CLI_EXPERIMENT_FILES_H
#include "cli/experiment.h"
#include "mirrorball.h"
#include <jansson.h>

struct cell_files {
  int machine, log, console[MB_VMS_MAX]; /* descriptors; -1: none */
};
enum { CELL_FILES = MB_VMS_MAX + 2 };
extern const struct cell_files cell_files_none;

/* For a run, or for the check whether it can be run. 0, or -1: no memory. Close them all the same; twice is harmless.
 */
int cell_files_open(struct cell_files *f, const struct cell *c, bool check);
void cell_files_close(struct cell_files *f);
/* The descriptors that are open, ended by -1. */
void cell_files_list(const struct cell_files *f, int out[CELL_FILES + 1]);

/* What consoles say in lines that begin with "@": [{"vm": number from 1, "mark": what is behind the "@", "seconds" and
 * "instructions" of the VM when the line begins}]. NULL: no memory. */
json_t *cell_files_marks(const struct cell_files *f);
/* The page log, which the caller unmaps. NULL: there is none, or nothing in it. */
void *cell_files_log(const struct cell_files *f, size_t *bytes);
#endif
