/* frontend/gang.h: cpus that run at the same time, each on a thread of its own: who may run, and who may run alone. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A thread has the right to run while it runs guest code, or touches what guest code touches. It gives it back between
 * slices, when somebody wants to run alone, and before it waits for anything else: so "alone" is a matter of a slice.
 * Everything here may be called from any thread; a right belongs to the thread that took it. */
#ifndef FRONTEND_GANG_H
#define FRONTEND_GANG_H
#include <stdbool.h>
#include <stdint.h>

enum { MIPS_GANG_MAX = 16 };

struct mips_gang;
/* 0 or -1 (no memory). */
int mips_gang_new(struct mips_gang **out);
void mips_gang_free(struct mips_gang *g);
/* Take the right to run; waits while somebody is alone or wants to be. */
void mips_gang_enter(struct mips_gang *g);
void mips_gang_leave(struct mips_gang *g);
/* Does somebody wait to be alone? Cheap: for between slices. */
bool mips_gang_wanted(const struct mips_gang *g);
/* For one who has the right: wait until nobody else has. Others may have been alone before: what was looked at must be
 * looked at again. */
void mips_gang_alone(struct mips_gang *g);
/* Others may run again. The caller has kept the right: nobody was alone in between, nor is before it gives it back. */
void mips_gang_together(struct mips_gang *g);
/* A lock for a few instructions, under which nothing is waited for. Only with the right. */
void mips_gang_lock(struct mips_gang *g);
void mips_gang_unlock(struct mips_gang *g);
/* How often somebody was alone. */
uint64_t mips_gang_alone_count(const struct mips_gang *g);
#endif
