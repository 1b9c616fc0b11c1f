/* frontend/check.h: mistakes of a guest that real hardware punishes now and then, and that nobody sees here. */
/* SPDX-License-Identifier: Apache-2.0 */
/* What is looked for, and what is said about it, stands in docs/checks.md. Checking is on when struct cpu_config has
 * `check`: then translations hold a call behind each access, and behind what writes or uses coprocessor 0. It is the
 * same run, instruction for instruction, only slower. One for all cpus of a pmap, which take turns. */
#ifndef FRONTEND_CHECK_H
#define FRONTEND_CHECK_H
#include "mmu/mmu.h"

struct cpu;
struct insn;
struct lift;

enum mips_finding_kind {
#define FINDING(id, check, name, text) MIPS_FOUND_##id,
#include "frontend/findings.def"
  MIPS_FINDINGS
};
/* Which are looked for, as bits. */
enum {
  MIPS_CHECK_TLB = 1,
  MIPS_CHECK_UNINIT = 2,
  MIPS_CHECK_CACHE = 4,
  MIPS_CHECK_RACE = 8,
  MIPS_CHECK_RACE_READ = 16
};
struct mips_finding_info {
  unsigned check; /* MIPS_CHECK_* */
  const char *name, *text;
};
extern const struct mips_finding_info mips_finding_info[MIPS_FINDINGS];

struct mips_finding {
  enum mips_finding_kind kind;
  uint64_t pc;     /* of the instruction that shows it */
  uint64_t va;     /* what it is about: an address, or a number; findings.def says */
  uint64_t before; /* pc of the instruction that did not do what was wanted, or was there before; 0: not known */
  uint8_t by;      /* ... which vcpu has executed it */
  bool stores;     /* of a race: the one at pc is the store, or one of two */
};
struct check_race;
struct check_tlb;

struct mips_check {
  unsigned kinds;
  struct mmu_pmap *pmap;   /* borrowed */
  uint8_t *known;          /* owned: a bit for each byte of RAM that was ever written */
  struct check_code *code; /* owned: what caches may hold, by page */
  uint32_t *pending;       /* owned: pages whose code needs maintenance */
  uint32_t pendings;
  unsigned vcpus;          /* that there will be, up to 16; 0: 1 */
  struct check_race *race; /* owned */
  struct check_tlb *tlb;   /* owned */
  uint64_t entries,
      entries_known; /* of the TLB for user space that were written valid, and whose page table is known */
  void (*found)(void *ctx, struct cpu *c, const struct mips_finding *f);
  /* One of these instructions, by hash, has accessed memory on its way to a race: who calls it? See mips_check_ask().
   */
  uint64_t asked[256];
  void (*seen)(void *ctx, struct cpu *c, uint64_t pc);
  void *ctx;
};

/* What a cpu's instructions have written to coprocessor 0 without a barrier since. */
enum { MIPS_HAZARD_REGS = 8 };
struct mips_hazards {
  uint64_t at[MIPS_HAZARD_REGS]; /* instruction count + 1; 0: not since the last barrier */
  uint64_t pc[MIPS_HAZARD_REGS];
};

/* `kinds`, `vcpus`, `found`, `seen` and `ctx` are set: get what is to be kept of the pmap's RAM. -1: no memory; fini
 * all the same. */
__attribute__((warn_unused_result)) int mips_check_init(struct mips_check *k, struct mmu_pmap *pmap);
void mips_check_fini(struct mips_check *k);
/* Pages that have a frame now have been loaded. */
void mips_check_begin(struct mips_check *k);
/* Call `seen` when the instruction next accesses what may race; not if it is not asked for any more. */
void mips_check_ask(struct mips_check *k, uint64_t pc, bool wanted);
/* Somebody else than a cpu has stored there. k may be NULL. */
void mips_check_stored(struct mips_check *k, uint64_t gpa, uint64_t bytes);

/* --- within the frontend --- */
/* Append what is to be looked at of the instruction just lifted, whose operations begin at `from`. */
void mips_check_lift(struct lift *l, const struct insn *i, unsigned from);
/* So many words of a page, from pc on, are fetched to be translated. */
void mips_check_fetched(struct cpu *c, const struct mmu_page *f, uint64_t pc, unsigned words);
/* An exception is entered, or returned from. */
void mips_check_exception(struct cpu *c);
void mips_check_returned(struct cpu *c);
/* A TLB entry was written; the entry that it overlaps, or -1. */
void mips_check_tlb_write(struct cpu *c, int overlaps, bool random);
#endif
