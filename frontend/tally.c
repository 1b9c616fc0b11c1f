/* frontend/tally.c: the table of executed pieces of code. */
/* SPDX-License-Identifier: Apache-2.0 */
/* It has its full size from the beginning, so that translations may hold its address; the host gives memory to what is
 * used. */
#include "frontend/tally.h"
#include <assert.h>
#include <stdlib.h>

enum { BUCKETS = 1 << 20 };

int mips_tally_init(struct mips_tally *t, uint32_t room) {
  assert(room > MIPS_TALLY_LOST && room <= MIPS_TALLY_ROWS);
  *t = (struct mips_tally){.rows = MIPS_TALLY_LOST + 1, .room = room};
  t->count = calloc(room, sizeof *t->count);
  t->row = calloc(room, sizeof *t->row);
  t->bucket = calloc(BUCKETS, sizeof *t->bucket);
  if (!t->count || !t->row || !t->bucket) return -1;
  for (unsigned n = 1; n <= MIPS_TALLY_LOST; n++) t->row[n].insns = (uint8_t)n;
  return 0;
}

void mips_tally_fini(struct mips_tally *t) {
  free(t->count);
  free(t->row);
  free(t->bucket);
  *t = (struct mips_tally){0};
}

static uint32_t *bucket_of(const struct mips_tally *t, uint64_t pc, unsigned insns, bool user) {
  uint64_t h = (pc >> 2 ^ (uint64_t)insns << 56 ^ (uint64_t)user << 55) * UINT64_C(0x9fb21c651e98df25);
  return &t->bucket[h >> 40 & (BUCKETS - 1)];
}

uint32_t mips_tally_row(struct mips_tally *t, uint64_t pc, unsigned insns, bool user) {
  assert(insns && insns <= MIPS_TALLY_LOST);
  uint32_t *head = bucket_of(t, pc, insns, user);
  for (uint32_t i = *head; i; i = t->row[i].next)
    if (t->row[i].pc == pc && t->row[i].insns == insns && t->row[i].user == user) return i;
  if (t->rows == t->room) return insns;
  t->row[t->rows] = (struct mips_tally_row){pc, *head, (uint8_t)insns, user};
  return *head = t->rows++;
}
