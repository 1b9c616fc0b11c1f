/* frontend/cpu_state.c: all state of a cpu, by the slot table: digested, shown, saved and restored. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "frontend/cp0.h"
#include "frontend/cpu.h"
#include <inttypes.h>
#include <string.h>

static uint64_t mix(uint64_t h, uint64_t v) {
  h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
  return h ^ h >> 29;
}

struct state_row {
  const char *label;
  uint32_t offset, size, count; /* count elements of size bytes */
};
static const struct state_row state_rows[] = {
#define STATE(member, label) {label, offsetof(struct cpu, member), sizeof(((struct cpu *)0)->member), 1},
#define STATES(member, label)                                                                                          \
  {label, offsetof(struct cpu, member), sizeof(((struct cpu *)0)->member[0]),                                          \
   sizeof(((struct cpu *)0)->member) / sizeof(((struct cpu *)0)->member[0])},
#define SLOT(name, member, label, flags) STATE(member, label)
#define SCRATCH(name, member, label)
#include "frontend/cpu_slots.def"
};

static uint64_t state_value(const struct cpu *c, const struct state_row *r, uint32_t i) {
  uint64_t v = 0;
  if (r->offset == offsetof(struct cpu, fpu.fcsr)) return mips_fcsr(c);
  if (r->offset == offsetof(struct cpu, mmu.link.gpa)) return mmu_link_gpa(&c->mmu);
  memcpy(&v, (const char *)c + r->offset + i * r->size, r->size < 8 ? r->size : 8);
  return v;
}

uint64_t mips_hash(const struct cpu *c, uint64_t h) {
  for (size_t r = 0; r < sizeof state_rows / sizeof state_rows[0]; r++)
    for (uint32_t i = 0; i < state_rows[r].count; i++) h = mix(h, state_value(c, &state_rows[r], i));
  return mmu_tlb_hash(&c->mmu, mix(h, mips_boundary(c)));
}

void mips_dump(const struct cpu *c, FILE *to) {
  unsigned column = 0;
  for (size_t r = 0; r < sizeof state_rows / sizeof state_rows[0]; r++) {
    if (state_rows[r].count > 1) continue;
    fprintf(to, "%-10s %016" PRIx64 "%s", state_rows[r].label, state_value(c, &state_rows[r], 0),
            ++column % 4 ? "  " : "\n");
  }
  fputc('\n', to);
}

/* --- saved and restored --- */

/* A value of the table, back into its place. */
static void set_value(struct cpu *c, const struct state_row *r, uint32_t i, uint64_t v, struct snap *s) {
  bool is_bool = r->offset == offsetof(struct cpu, waiting);
  if (!snap_check(s, (r->size >= 8 || !(v >> 8 * r->size)) && (!is_bool || v <= 1))) return;
  memcpy((char *)c + r->offset + i * r->size, &v, r->size < 8 ? r->size : 8);
}

static void rows_state(struct cpu *c, struct snap *s) {
  uint32_t fcsr = mips_fcsr(c);
  for (const struct state_row *r = state_rows, *end = r + sizeof state_rows / sizeof *r; r < end; r++)
    for (uint32_t i = 0; i < r->count; i++) {
      uint64_t v = state_value(c, r, i);
      SNAP(s, v);
      if (!s->restoring || s->bad) continue;
      if (r->offset == offsetof(struct cpu, fpu.fcsr))
        fcsr = (uint32_t)v;
      else
        set_value(c, r, i, v, s);
    }
  if (s->restoring && !s->bad) mips_set_fcsr(c, fcsr);
}

/* What the guest has made happen; what only the host has is not counted on. */
static void counters_state(struct mips_counters *n, struct snap *s) {
  SNAP_ARRAY(s, n->exceptions, n->exceptions[0]);
  SNAP(s, n->refills);
  SNAP(s, n->interrupts);
  SNAP(s, n->eret);
  SNAP(s, n->tlbwi);
  SNAP(s, n->tlbwr);
  SNAP(s, n->device_accesses);
  SNAP(s, n->warn_tlb_duplicate);
  SNAP(s, n->warn_unpredictable);
}

static void death_state(struct cpu *c, struct snap *s) {
  uint8_t death = 0;
  while (mips_deaths[death] != c->dead) death++;
  SNAP(s, death);
  if (snap_check(s, death < MIPS_DEATHS)) c->dead = mips_deaths[death];
}

/* Of a unit that is about to begin again the modelled machine has been told. */
static void told_state(struct cpu *c, struct snap *s) {
  struct mips_told *t = &c->told;
  SNAP(s, c->j.fetched);
  SNAP(s, t->data_at);
  SNAP(s, t->fetch_at);
  SNAP_ARRAY(s, t->line, t->line[0]);
  SNAP(s, t->lines);
  if (!snap_check(s, t->lines <= MIPS_TOLD_LINES)) t->lines = 0;
}

/* What follows from the rest. */
static void settle(struct cpu *c, uint64_t now) {
  c->slice_end = c->cycles = c->deadline = now;
  c->j.budget = 0;
  c->j.attention = 1;
  memset(c->modes, 0, sizeof c->modes);
  cp0_find_watches(c);
  mips_mode_changed(c);
}

void mips_cpu_state(struct cpu *c, struct snap *s) {
  const uint64_t end = UINT64_C(1) << 62, late = UINT64_C(1) << 48; /* of time; what a timer may be overdue */
  uint64_t now = mips_boundary(c);
  rows_state(c, s);
  SNAP(s, now);
  SNAP(s, c->j.stalled);
  SNAP(s, c->idled);
  SNAP(s, c->nested);
  SNAP(s, c->reset_at);
  SNAP(s, c->made.there);
  SNAP(s, c->made.va);
  SNAP(s, c->made.value);
  told_state(c, s);
  death_state(c, s);
  counters_state(&c->n, s);
  mmu_guest_state(&c->mmu, s);
  bool timer = c->cp0.timer_at == UINT64_MAX || (c->cp0.timer_at < end && c->cp0.timer_at + late > now);
  snap_check(s, !s->restoring || (now < end && c->cp0.wired < c->mmu.entries && c->ll_bit <= 1 && timer));
  if (s->restoring && !s->bad) settle(c, now);
  mmu_machine_tlb_state(&c->mmu, s); /* last: a change of mode may have flushed it */
}
