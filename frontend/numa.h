/* frontend/numa.h: the cpu's references to memory, told to the modelled machine and charged as time. */
/* SPDX-License-Identifier: Apache-2.0 */
/* What the model says a reference waits for comes off the budget, as a slow device's time does, before the access is
 * made. When the budget is used up by that the unit is begun again alone; what has been told of it is not told again.
 */
#ifndef FRONTEND_NUMA_H
#define FRONTEND_NUMA_H
#include "mmu/mmu.h"

struct cpu;

/* Within mips_cpu_init(), when cfg.numa is set: no memory but by the soft TLB, which is what the machine TLB allows. 0
 * or -1 (no memory). */
int mips_numa_init(struct cpu *c);
/* May no reference be missed, in all of the run? Else there are times in which nothing is told. */
bool mips_numa_sees_all(const struct cpu *c);
/* From now on the model is told of references, or (not on) of none: soft TLBs, views and linear memory serve all then,
 * and nothing is charged. Caches are modelled. Between two runs. */
void mips_numa_tell(struct cpu *c, bool on);
/* Bytes of a line of instructions of which the model is to be told; 0: it is not. */
unsigned mips_numa_line(const struct cpu *c);
/* Within a load or store whose page soft TLBs have: does `pages` have it, while lines are told? Its entry, or NULL. */
const struct softtlb_entry *mips_numa_entry(const struct cpu *c, uint64_t va, unsigned size, enum mmu_access kind);
/* An access of memory is about to be made, at this host address. False: not now, the unit is begun again. */
bool mips_numa_refer(struct cpu *c, uint64_t va, const uint8_t *host, enum mmu_access kind);
/* Instructions at va are about to be executed, in the same line as those before, or not. */
void mips_numa_fetched(struct cpu *c, uint64_t va);
/* A page is about to be accessed that the soft TLB does not have. False: not now, the unit is begun again. */
bool mips_numa_page(struct cpu *c, uint64_t va, const struct mmu_page *f, enum mmu_access kind);
/* Count which pages are in use, from now on, although the machine TLB has them. Between instructions. */
void mips_numa_sample(struct cpu *c);
#endif
