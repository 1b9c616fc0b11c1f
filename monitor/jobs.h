/* monitor/jobs.h: host threads that take the turns of VMs that have nothing to do with each other. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_JOBS_H
#define MONITOR_JOBS_H
#include "monitor/monitor.h"

/* Start the threads that are worth it; m->jobs stays NULL when the caller's own does as well. Undone by
 * mon_jobs_free(). */
void mon_jobs_start(struct mb_machine *m);
void mon_jobs_free(struct mon_jobs *j);
/* A turn for each VM that runs; back when all have had it. */
void mon_jobs_round(struct mon_jobs *j);
#endif
