/* frontend/check_parts.h: what the parts of checking share. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FRONTEND_CHECK_PARTS_H
#define FRONTEND_CHECK_PARTS_H
#include "frontend/check.h"
#include "frontend/cpu.h"

/* A load or store that was made, to RAM. */
struct check_access {
  uint64_t va, at; /* at: within all RAM of the pmap */
  uint32_t bytes;
  bool store, linked /* LL or SC */, part /* it may have stored fewer bytes */;
};

/* The instruction that is being executed. */
uint64_t check_present_pc(const struct cpu *c);
void check_found(struct cpu *c, const struct mips_finding *f);
void check_found_at(struct cpu *c, enum mips_finding_kind kind, uint64_t va, uint64_t before); /* by it */

static inline uint64_t check_hash(uint64_t v) {
  return v * UINT64_C(0x9e3779b97f4a7c15);
}
/* The byte of all RAM. */
static inline const uint8_t *check_ram(const struct mips_check *k, uint64_t at) {
  return k->pmap->host + at;
}

/* --- check_race.c --- NULL: no memory. The others want one --- */
struct check_race *check_race_new(uint64_t bytes, unsigned vcpus); /* at most 16, and one at least */
void check_race_free(struct check_race *r);                        /* NULL will do */
void check_race_access(struct cpu *c, const struct check_access *a);
void check_race_device_store(struct cpu *c);
void check_race_sync(struct cpu *c);
void check_race_interrupt(struct cpu *c);

/* --- check_tlb.c --- the same --- */
struct check_tlb *check_tlb_new(uint64_t bytes, unsigned vcpus); /* likewise */
void check_tlb_free(struct check_tlb *t);
void check_tlb_access(struct cpu *c, const struct check_access *a);
void check_tlb_returned(struct cpu *c);
#endif
