/* frontend/trap.h: a de-privileged guest: its host traps, taken, decoded, emulated and counted. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FRONTEND_TRAP_H
#define FRONTEND_TRAP_H
#include "mmu/mmu.h"

enum mips_trap {
#define TRAP(id, name) MIPS_TRAP_##id,
#include "frontend/traps.def"
  MIPS_TRAPS
};
extern const char *const mips_trap_name[MIPS_TRAPS];

struct mips_traps {
  uint64_t count[MIPS_TRAPS], ticks[MIPS_TRAPS];
  uint64_t began_ticks, began_ns; /* to tell how long a tick is */
  uint64_t from;                  /* when the trap that is being dealt with was taken; 0: none */
  enum mips_trap kind;            /* what it is */
  bool further;                   /* what is accessed now belongs to an instruction that has trapped already */
  struct mmu_view *shut;          /* host address space that may not be accessed; owned */
  uint8_t *window;                /* ... from here on, for the low 32 bits of a guest address */
};

struct cpu;
/* 0 or -1 (no memory). */
int mips_traps_init(struct cpu *c);
void mips_traps_fini(struct cpu *c);
/* Host nanoseconds spent on a kind, from the instruction that trapped until the guest went on. */
uint64_t mips_trap_ns(const struct cpu *c, enum mips_trap kind);

/* --- within the frontend; c->cfg.trap is set --- */
/* An access of va, which leads to memory, is made: by a trap, unless the machine TLB has it. May soft TLBs have the
 * page? */
bool mips_trap_page(struct cpu *c, uint64_t va, enum mmu_access kind);
/* Trap for an access of va for another reason. mips_trap_done() when it has been dealt with. */
void mips_trap_access(struct cpu *c, enum mips_trap why, uint64_t va, enum mmu_access kind);
void mips_trap_done(struct cpu *c);
/* An exception other than an interrupt is entered: a trap has been taken for it, or is now. */
void mips_trap_reflect(struct cpu *c);
#endif
