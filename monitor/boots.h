/* monitor/boots.h: booted once: the machine as it was when its kernel first ran user code, kept for the next run. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Up to there a run depends on nothing but the machine, its kernel and its initrd: so the next run of the same may
 * begin there, and is the same run, to the last bit. It is kept as a checkpoint, known by a digest of all that decides
 * the boot, this program included; what the console has shown is in its description and is shown again. Only a machine
 * with one VM, without disks and networks, that nobody types at or watches in a way that needs all of the run has it.
 * Nothing that goes wrong here is more than a kernel booted again. */
#ifndef MONITOR_BOOTS_H
#define MONITOR_BOOTS_H
#include "monitor/console.h"

struct json_t;
struct mb_machine;
struct mb_vm;

struct mon_boots {
  char *path; /* of the file; NULL: nothing is kept */
  bool found; /* the machine goes on from it */
  struct mon_shown shown;
  struct mon_error trouble; /* in keeping it; empty: none */
};

/* The machine is about to be started: has it been booted before? Then m->checkpoint is what to go on from. */
void mon_boots_find(struct mb_machine *m);
/* It has been started: show what was shown, or wait for user code. */
void mon_boots_begin(struct mb_machine *m);
/* The vcpu that has just run stands before its first instruction in user mode. */
void mon_boots_reached(struct mb_vm *vm);
void mon_boots_fini(struct mon_boots *b);

/* What has been shown, as JSON, new; and back. False: no memory, or it makes no sense. */
struct json_t *mon_shown_json(const struct mon_shown *s);
__attribute__((warn_unused_result)) bool mon_shown_read(struct mon_shown *s, const struct json_t *o);
#endif
