/* frontend/tally.h: how often each piece of guest code was executed, exactly. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A row is some instructions, one behind the other, and how often they were executed together. Translations count
 * themselves where they have got to their end (IR's TALLY); what faults on the way, or is run again from the middle, is
 * counted by the run loop, as far as it got. So the sum of all rows' instructions is mips_instructions(), and what an
 * instruction has is the same in every tier, however code is cut into blocks. Rows outlive translations. One owner;
 * cpus that take turns share it. */
#ifndef FRONTEND_TALLY_H
#define FRONTEND_TALLY_H
#include <stdbool.h>
#include <stdint.h>

/* Row n, for n from 1 on, has n instructions of pieces for which there was no more room. */
enum { MIPS_TALLY_LOST = 65, MIPS_TALLY_ROWS = 1 << 22 };

struct mips_tally_row {
  uint64_t pc;
  uint32_t next; /* with this hash; 0: none */
  uint8_t insns; /* at most 64 and a slot */
  bool user;     /* in user mode, whoever's */
};

struct mips_tally {
  uint64_t *count; /* by row, as is: */
  struct mips_tally_row *row;
  uint32_t *bucket;
  uint32_t rows, room; /* in use; room is less in tests */
  uint64_t unfetched;  /* instructions attempted that could not be fetched: they belong to no row */
};

/* 0 or -1 (no memory). _fini takes a zeroed or initialized one. */
int mips_tally_init(struct mips_tally *t, uint32_t room);
void mips_tally_fini(struct mips_tally *t);
/* The row of a piece, made if need be. */
uint32_t mips_tally_row(struct mips_tally *t, uint64_t pc, unsigned insns, bool user);
#endif
