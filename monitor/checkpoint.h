/* monitor/checkpoint.h: the file that a machine is saved in: written whole or not at all, read only when it is sound.
 */
/* SPDX-License-Identifier: Apache-2.0 */
/* A page with the header; the frames that hold something, page-aligned, so that they can be mapped where they are; then
 * one zstd frame with a description (JSON) and the state of everything else (state.c). XXH3 digests cover all of it and
 * are checked when the file is opened: 256 MiB take some 40 ms, a Debian guest after its boot 5. */
#ifndef MONITOR_CHECKPOINT_H
#define MONITOR_CHECKPOINT_H
#include "monitor/monitor.h"

struct json_t;

struct mon_checkpoint {
  char *path;
  int fd;                   /* -1: handed over */
  uint64_t pages_at, pages; /* frames in the file */
  uint64_t digest;          /* of all of it */
  struct json_t *about;
  uint8_t *rest; /* the description and the state */
  const uint8_t *state;
  size_t state_n;
};
/* Open a file and check it. On failure there is nothing to free. */
__attribute__((warn_unused_result)) int mon_checkpoint_open(struct mon_checkpoint **out, const char *path,
                                                            struct mon_error *e);
void mon_checkpoint_free(struct mon_checkpoint *c);

/* What goes into one. */
struct mon_checkpoint_parts {
  const char *about;
  const struct mmu_memmap *map;
  const struct mmu_kept *kept;
  const uint8_t *state;
  size_t state_n;
  bool loosely; /* nobody will miss it: the host may write it to its disk when it likes */
};
__attribute__((warn_unused_result)) int mon_checkpoint_write(const char *path, const struct mon_checkpoint_parts *p,
                                                             const struct mb_progress *progress, struct mon_error *e);

/* checkpoint.c: as mb_machine_save(), but the machine may be between two turns. */
__attribute__((warn_unused_result)) int mon_checkpoint_save(struct mb_machine *m, const char *path,
                                                            const struct mb_progress *progress, bool loosely);

/* The machine's VMs have been built: let them be what the file says. */
__attribute__((warn_unused_result)) int mon_checkpoint_enter(struct mb_machine *m);

/* checkpoint_about.c: a machine as JSON, new; NULL: out of memory. */
struct json_t *mon_about(struct mb_machine *m);
/* Add the VMs that are described; `what` ("checkpoint FILE") begins what is said if that fails. `how` as
 * mb_machine_restore() has it. */
__attribute__((warn_unused_result)) int mon_about_add(struct mb_machine *m, const char *what,
                                                      const struct json_t *about, const struct mb_config *how);
#endif
