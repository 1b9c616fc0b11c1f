/* frontend/cp0.h: coprocessor 0 registers as MFC0 and MTC0 see them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FRONTEND_CP0_H
#define FRONTEND_CP0_H
#include "frontend/cpu.h"

/* Value as DMFC0 reads it; registers a model lacks read as 0. Count is exact: c is within a block or between two. */
uint64_t cp0_read(struct cpu *c, unsigned rd, unsigned sel);
/* As MFC0 reads it: 32 bits, sign-extended. */
uint64_t cp0_read_narrow(struct cpu *c, unsigned rd, unsigned sel);
/* Write as DMTC0 does; `narrow`: the value is MTC0's, sign-extended. Side effects on mode, timer and interrupts are
 * done; the caller ends the block. */
void cp0_write(struct cpu *c, unsigned rd, unsigned sel, uint64_t v, bool narrow);
/* Random: a number from Wired up; drawn anew by each TLBWR. */
uint64_t cp0_random(const struct cpu *c);
void cp0_random_step(struct cpu *c);
/* What do the watch registers want? */
void cp0_find_watches(struct cpu *c);
#endif
