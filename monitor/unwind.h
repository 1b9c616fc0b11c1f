/* monitor/unwind.h: who called whom, from the guest's stack and its code. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_UNWIND_H
#define MONITOR_UNWIND_H
#include "frontend/cpu.h"

struct mon_kernel_map;

/* The pc goes to call[0], the calls that led there (addresses of jal, jalr, ...) behind it, innermost first. Returns
 * how many, at least 1, at most `max`. Needs no symbols; ends where it is in doubt. Nothing the guest or a statistic
 * could see changes. Between instructions only. k: by which code of a kernel's is found that the TLB does not have, as
 * that of modules; NULL: it is not. */
unsigned mon_unwind(const struct cpu *c, const struct mon_kernel_map *k, uint64_t *call, unsigned max);
#endif
