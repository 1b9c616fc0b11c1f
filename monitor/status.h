/* monitor/status.h: what a running machine answers to those who ask, over a Unix socket or by a key. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Nobody is waited for, and no guest sees that somebody asked. Questions are noticed whenever the host is looked at,
 * and answered when no vcpu runs. One who asks at a time. The machine's thread only. */
#ifndef MONITOR_STATUS_H
#define MONITOR_STATUS_H
#include "monitor/monitor.h"

/* Removes the socket, too. Takes NULL. */
void mon_status_free(struct mon_status *s);
/* Is there a question? Also goes on with an answer under way. */
bool mon_status_asked(struct mb_machine *m);
/* Answer it. */
void mon_status_answer(struct mb_machine *m);
/* What a sleep of the host is to end for. */
void mon_status_polls(const struct mb_machine *m, struct io_polls *to);
#endif
