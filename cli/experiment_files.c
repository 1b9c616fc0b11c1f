/* cli/experiment_files.c: the files of a cell's run, all in memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/experiment_files.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const struct cell_files cell_files_none = {.machine = -1, .log = -1, .console = {[0 ... MB_VMS_MAX - 1] = -1}};

int cell_files_open(struct cell_files *f, const struct cell *c, bool check) {
  bool good = true;
  *f = cell_files_none;
  for (unsigned i = 0; good && !check && i < cell_vms(c); i++)
    good = (f->console[i] = memfd_create("console", MFD_CLOEXEC)) >= 0;
  if (good && !check && c->page_log) good = (f->log = memfd_create("pages", MFD_CLOEXEC)) >= 0;
  if (good) good = (f->machine = cell_machine_file(c, check ? NULL : f->console)) >= 0;
  return good ? 0 : -1;
}

void cell_files_list(const struct cell_files *f, int out[CELL_FILES + 1]) {
  size_t n = 0;
  if (f->machine >= 0) out[n++] = f->machine;
  if (f->log >= 0) out[n++] = f->log;
  for (unsigned i = 0; i < MB_VMS_MAX; i++)
    if (f->console[i] >= 0) out[n++] = f->console[i];
  out[n] = -1;
}

void cell_files_close(struct cell_files *f) {
  int open[CELL_FILES + 1];
  cell_files_list(f, open);
  for (int *fd = open; *fd >= 0; fd++) close(*fd);
  *f = cell_files_none;
}

/* "[   12.345678   987654321] @begin pmake" */
static void read_mark(json_t *all, unsigned vm, const char *line) {
  double seconds;
  uint64_t instructions;
  int at = 0;
  if (sscanf(line, "[%lf %" SCNu64 "] @%n", &seconds, &instructions, &at) != 2 || !at) return;
  size_t n = strcspn(line + at, "\r\n");
  json_array_append_new(all, json_pack("{s:i,s:s#,s:f,s:I}", "vm", (int)vm, "mark", line + at, n, "seconds", seconds,
                                       "instructions", (json_int_t)instructions));
}

json_t *cell_files_marks(const struct cell_files *f) {
  json_t *all = json_array();
  char *line = NULL;
  size_t room = 0;
  for (unsigned i = 0; all && i < MB_VMS_MAX; i++) {
    int fd = f->console[i] < 0 ? -1 : dup(f->console[i]);
    FILE *from = fd < 0 ? NULL : fdopen(fd, "re");
    if (!from && fd >= 0) close(fd);
    if (!from) continue;
    rewind(from);
    while (getline(&line, &room, from) > 0) read_mark(all, i + 1, line);
    fclose(from);
  }
  free(line);
  return all;
}

void *cell_files_log(const struct cell_files *f, size_t *bytes) {
  off_t n = f->log < 0 ? 0 : lseek(f->log, 0, SEEK_END);
  void *text = n > 0 ? mmap(NULL, (size_t)n, PROT_READ, MAP_SHARED, f->log, 0) : MAP_FAILED;
  *bytes = (size_t)n;
  return text == MAP_FAILED ? NULL : text;
}
