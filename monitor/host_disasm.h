/* monitor/host_disasm.h: host code as text. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_HOST_DISASM_H
#define MONITOR_HOST_DISASM_H
#include "jit/jit.h"

/* Write the parts of a listing, each operation ahead of what was made of it, with the names of what is known as
 * comments. 0, or -1: this host's code cannot be shown. */
int mon_host_disasm(const struct jit_listing *l, FILE *to);
#endif
