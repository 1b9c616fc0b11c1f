/* frontend/events.h: what a guest does that costs a monitor something, counted exactly when that is wanted. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Counting is on when struct cpu_config has `moved`: then translations hold a call behind each instruction that counts,
 * and behind each access of the kernel's. It is the same run, instruction for instruction, only slower. An instruction
 * that faults has not been executed: its exception counts. */
#ifndef FRONTEND_EVENTS_H
#define FRONTEND_EVENTS_H
#include <stdint.h>

struct cpu;
struct insn;
struct lift;

enum mips_event {
#define EVENT(id, name, group, trap, translate) MIPS_EVENT_##id,
#include "frontend/events.def"
  MIPS_EVENTS
};
/* What they have in common; PRIVILEGED and TLB_WRITE are instructions. */
enum mips_event_group {
  MIPS_EVENT_PRIVILEGED,
  MIPS_EVENT_TLB_WRITE,
  MIPS_EVENT_SEGMENT,
  MIPS_EVENT_DEVICE,
  MIPS_EVENT_REFILL,
  MIPS_EVENT_REFLECTED,
  MIPS_EVENT_MONITOR,
  MIPS_EVENT_GROUPS
};
struct mips_event_info {
  const char *name;
  enum mips_event_group group;
  uint32_t trap, translate; /* modelled cycles */
};
extern const struct mips_event_info mips_event_info[MIPS_EVENTS];

/* Why `moved` is called, at an exact instruction count. Who is called may set cpu->events. */
enum mips_move {
  MIPS_MOVE_ENTER,  /* an exception (cpu->fault) is about to be entered; mode and Status are still the victim's */
  MIPS_MOVE_RETURN, /* ERET or DERET has been executed */
  MIPS_MOVE_WAIT,   /* WAIT is executed */
  MIPS_MOVE_THREAD, /* $28 is not what it was at the last event; cpu->event_sp is what $29 was then */
};

/* The base registers of the kernel's accesses that a translating monitor has moved, and holds moved (events.def, MOVE).
 * Cleared whenever control leaves the straight line. */
enum { MIPS_BASES_HELD = 2 };
struct mips_bases {
  uint64_t known;                /* bit by register: is among those held, and has not been written since */
  uint8_t held[MIPS_BASES_HELD]; /* the latest used first */
};

/* events: NULL counts nothing. */
static inline void mips_event_add(uint64_t *events, enum mips_event e) {
  if (events) events[e]++;
}
/* Within the frontend. The exception under way (c->fault) as an event. */
enum mips_event mips_event_of_fault(const struct cpu *c);
/* Append the count of the instruction just lifted, whose operations begin at `from`. */
void mips_event_lift(struct lift *l, const struct insn *i, unsigned from);
/* Control leaves the straight line here if cond, a value, is not 0: by a branch that is taken. */
void mips_event_leave(struct lift *l, uint16_t cond);
#endif
