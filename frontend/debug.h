/* frontend/debug.h: where a debugger wants the guest to stop: instructions and accesses. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is written to guest memory. Where an instruction was ever to be stopped at (a site) its translations begin
 * with a call that looks whether it still is; pages that are watched never enter soft TLBs, so that each access of them
 * takes the slow path. Whichever finds something asks for its unit to be run again, and the run ends before it:
 * nothing of it has been done, and no time has passed. So a run that was stopped and goes on is the run it would have
 * been. Shared by cpus that take turns; owner: the thread that runs them. */
#ifndef FRONTEND_DEBUG_H
#define FRONTEND_DEBUG_H
#include "mmu/mmu.h"

struct cpu;

/* Kinds of breakpoints, as bits: who asks tells its own apart; they all do the same. */
enum { MIPS_BREAK_SOFT = 1, MIPS_BREAK_HARD = 2, MIPS_BREAK_OWN = 4 };
/* Kinds of watched accesses, as bits. */
enum { MIPS_WATCH_WRITE = 1, MIPS_WATCH_READ = 2 };

struct mips_site {
  uint64_t pc;
  unsigned kinds; /* MIPS_BREAK_*; 0: not to be stopped at any more */
};
struct mips_watch {
  uint64_t va, last; /* bytes */
  unsigned kinds;
};
/* Why the run was stopped. */
struct mips_hit {
  enum { MIPS_HIT_NONE, MIPS_HIT_BREAK, MIPS_HIT_WATCH } what;
  unsigned kinds; /* of the breakpoint or watchpoint */
  uint64_t va;    /* the first byte of the access that is watched */
};
/* One instruction that is not to be stopped at once: where the run has just been stopped. */
struct mips_pass {
  const struct cpu *c; /* NULL: none */
  uint64_t pc, at;     /* at this instruction count */
};
struct mips_debug {
  struct mips_site *site; /* owned; by pc */
  size_t sites, site_room;
  struct mips_watch *watch; /* owned */
  size_t watches, watch_room;
  struct mips_hit hit; /* to be cleared before the run goes on */
  bool blind;          /* nothing stops it */
  struct mips_pass pass;
};

void mips_debug_fini(struct mips_debug *d);
/* Set a kind of breakpoint at pc, for all cpus that share c's pages and c->cfg.debug. Between instructions, as all
 * here. -1: no memory, and nothing has changed. */
__attribute__((warn_unused_result)) int mips_debug_break(struct cpu *c, uint64_t pc, unsigned kind);
/* To clear one that is not there does nothing. */
void mips_debug_unbreak(struct cpu *c, uint64_t pc, unsigned kind);
/* The same for accesses of `bytes` bytes from va on. */
__attribute__((warn_unused_result)) int mips_debug_watch(struct cpu *c, uint64_t va, uint64_t bytes, unsigned kinds);
void mips_debug_unwatch(struct cpu *c, uint64_t va, uint64_t bytes, unsigned kinds);
/* Clear all. */
void mips_debug_clear(struct cpu *c);
/* Where va leads a kernel, in the present address space: what a debugger may see. False: nowhere. */
bool mips_debug_translate(const struct cpu *c, uint64_t va, gpa_t *at);

/* --- within the frontend --- */
/* Is there a site among so many instructions from pc on? d may be NULL. */
bool mips_debug_has_site(const struct mips_debug *d, uint64_t pc, unsigned insns);
/* Is an access of the page of va (size 0), or this one, watched? If so, which? d may be NULL. */
const struct mips_watch *mips_debug_watched(const struct mips_debug *d, uint64_t va, unsigned size,
                                            enum mmu_access kind);
/* An access is about to be made. True: it is watched; trouble asks for its unit to be run again. */
bool mips_debug_stops(struct cpu *c, uint64_t va, unsigned size, enum mmu_access kind);
#endif
