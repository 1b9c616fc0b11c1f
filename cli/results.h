/* cli/results.h: what experiments have found, in one SQLite file. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: experiment (name, title, about, description: the file's text as it was last run), cell (experiment, position,
 * the level of each axis, key), run (key, version, machine, words, exit_code, wall, cpu, finished, stats: JSON),
 * page_log (key, bytes: how long it is, packed: by zlib). Runs are kept by key, so experiments share those that are
 * equal, and a run that is there is never made again. Each change is one transaction: whatever ends the program,
 * finished runs stay. Several programs may use a file at once. */
#ifndef CLI_RESULTS_H
#define CLI_RESULTS_H
#include "cli/experiment.h"
#include <jansson.h>

struct results;

/* Open `path`; `write`: make it if it is not there. 0, or 2 after a line that begins with `command`. */
int results_open(struct results **r, const char *command, const char *path, bool write);
void results_close(struct results *r);
/* From here on these are the experiment's cells. This and what follows: 0, or 1 after a line. */
int results_register(struct results *r, const struct experiment *e, const struct cell *cells);
int results_has(struct results *r, const char *key, bool *has);

struct result {
  int exit_code;
  double wall, cpu; /* host seconds */
  json_t *stats;
  const void *page_log; /* `log_bytes` of text; NULL: none */
  size_t log_bytes;
};
int results_keep(struct results *r, const struct cell *c, const struct result *result);

/* {"experiments": [{"name", "title", "about", "cells": [{"workload", "vms", "machine", "policy", "fidelity": the names
 * of its levels, "key", "done", and if so "version", "machine_file", "words", "exit_code", "wall", "cpu", "finished",
 * "stats": as run --stats writes it, and "page_log": its text, if `logs` are wanted and there is one}]}]}.
 * `experiment`: that one alone, or NULL. Owned by the caller. NULL: complained.
 */
json_t *results_document(struct results *r, const char *experiment, bool logs);
#endif
