/* frontend/run.c: the run loop: find a block, run it, and act on why it was left. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Time is counted in instructions attempted, plus bus stalls. The budget is what is left of the slice; a block whose
 * length does not fit is not entered, the remaining units (an instruction, or a branch with its slot) are then run one
 * by one. So an event falls on the same instruction however code is cut into blocks. */
#include "frontend/code.h"
#include "frontend/disasm.h"
#include "frontend/translate.h"
#include <assert.h>
#include <inttypes.h>

enum { MAX_INSNS = 64, BRANCH_REACH = 1 << 18 };

/* --- finding and making blocks --- */

/* Words from pc to the end of what one block may hold. False: an exception was raised. */
static bool read_words(struct cpu *c, struct mmu_page *f, uint64_t pc, uint32_t *word, unsigned *n) {
  unsigned first = (pc & (MMU_PAGE_SIZE - 1)) / 4;
  *n = JIT_PAGE_WORDS - first < MAX_INSNS + 1 ? JIT_PAGE_WORDS - first : MAX_INSNS + 1;
  if (!f && *n > 2) *n = 2; /* from a device: a unit is all that is wanted */
  for (unsigned i = 0; i < *n; i++) {
    if (f) {
      uint32_t w = __atomic_load_n((const uint32_t *)(const void *)f->host + first + i, __ATOMIC_RELAXED);
      word[i] = mips_big(c) ? __builtin_bswap32(w) : w;
    } else if (!mips_fetch_word(c, pc + 4 * i, &word[i])) {
      return false;
    }
  }
  return true;
}

/* The first instructions of what begins at pc were executed, and no more of it. */
static void tally(struct cpu *c, uint64_t pc, unsigned insns) {
  if (!c->cfg.tally || !insns) return;
  bool user = (c->j.mode & MODE_PRIV) == MMU_USER;
  uint32_t row = mips_tally_row(c->cfg.tally, pc, insns, user);
  c->cfg.tally->count[row]++;
  if (c->cfg.paths && !user) mips_path_count(c, row);
}

static void tally_unfetched(struct cpu *c) {
  if (c->cfg.tally) c->cfg.tally->unfetched++;
}

/* The slot on the next page could not be fetched: the exception is the slot's, whose branch was executed. */
static void raise_in_slot(struct cpu *c, uint64_t branch_pc) {
  tally(c, branch_pc, 1);
  tally_unfetched(c);
  c->j.budget -= 2;
  mips_exception_enter(c, branch_pc + 4, true);
  c->j.trouble = JIT_FAULT;
  c->fetch_faulted = true;
}

static struct jit_block *keep(struct cpu *c, struct mmu_page *f, const struct jit_key *k, struct jit_shape shape) {
  return f ? mips_code_add(c, f, k, shape) : jit_orphan(c->cfg.jit, k, shape, c->ir);
}

/* *again: another cpu has written there meanwhile. */
static struct jit_block *try_translate(struct cpu *c, struct mmu_page *f, struct jit_key *k, bool alone, bool *again) {
  uint32_t word[MAX_INSNS + 1];
  bool fpu = false;
  struct translate_config t = {.model = c->cfg.model,
                               .index = c->index,
                               .mode = c->j.mode,
                               .pc = k->pc,
                               .word = word,
                               .max_insns = MAX_INSNS,
                               .alone = alone || !f,
                               .counting = c->cfg.moved != NULL,
                               .check = c->cfg.check ? c->cfg.check->kinds : 0,
                               .trap = c->cfg.trap,
                               .gang = c->cfg.gang,
                               .debug = c->cfg.debug,
                               .tally = c->cfg.tally,
                               .paths = c->cfg.paths,
                               .line = mips_numa_line(c),
                               .fpu = &fpu};
  struct jit_shape shape;
  if (!read_words(c, f, k->pc, word, &t.words)) return NULL;
  for (;;) {
    switch (mips_translate_block(&t, c->ir, &shape)) {
    case TRANSLATE_OK: {
      struct jit_key key = *k;
      mips_check_fetched(c, f, k->pc, shape.insns);
      if (!fpu) key.mode = key.any_mode;
      mips_code_lock(c);
      *again = !mips_code_unchanged(c, f, k->pc, word, t.words);
      /* What runs alone does not look at its slot again: it is used once. */
      struct jit_block *b = *again ? NULL : keep(c, alone && t.slot_known ? NULL : f, &key, shape);
      mips_code_unlock(c);
      if (b || *again) return b;
      if (t.max_insns <= 2) c->dead = mips_deaths[MIPS_DEAD_NO_MEMORY];
      if (c->dead) return NULL;
      t.max_insns /= 2; /* temporaries ran out */
      break;
    }
    case TRANSLATE_TOO_LONG: t.max_insns /= 2; break;
    case TRANSLATE_SLOT_MISSING:
      if (shape.insns > 1) {
        t.split = shape.insns - 1u;
        break;
      }
      if (!mips_fetch_word(c, k->pc + 4, &t.slot_word)) {
        raise_in_slot(c, k->pc);
        return NULL;
      }
      t.slot_known = true;
      t.slot_may_change = !t.alone;
      break;
    }
    assert(t.max_insns >= 2);
  }
}

static struct jit_block *translate(struct cpu *c, struct mmu_page *f, struct jit_key *k, bool alone) {
  struct jit_block *b;
  bool again = false;
  do {
    if (f && !mips_code_watch(c, f)) {
      c->dead = mips_deaths[MIPS_DEAD_NO_MEMORY];
      return NULL;
    }
    b = try_translate(c, f, k, alone, &again);
  } while (again);
  return b;
}

static struct jit_block *translate_timed(struct cpu *c, struct mmu_page *f, struct jit_key *k, bool alone) {
  if (!c->cfg.clock) return translate(c, f, k, alone);
  uint64_t before = c->cfg.clock();
  struct jit_block *b = translate(c, f, k, alone);
  c->n.translate_ns += c->cfg.clock() - before;
  return b;
}

/* The block of a process that maps the page elsewhere than another did, or has got a view since. */
static struct jit_block *copy(struct cpu *c, struct mmu_page *f, const struct jit_key *k) {
  bool wraps = !(k->mode & MODE_ADDR64) && k->pc + BRANCH_REACH >= UINT64_C(1) << 31;
  if (mips_debug_has_site(c->cfg.debug, k->pc, MAX_INSNS + 1)) return NULL; /* what is copied may not look there */
  return wraps || jit_full(c->cfg.jit) ? NULL : jit_add_copy(c->cfg.jit, mips_code_page(c, f), k, k->mode ^ MODE_VIEW);
}

struct jit_block *mips_block(struct cpu *c, bool alone) {
  gpa_t device;
  struct jit_key k = {.pc = c->j.pc, .mode = c->j.mode, .any_mode = jit_jump_mode(&c->j)};
  c->fetch_faulted = false;
  struct mmu_page *f = mips_fetch(c, k.pc, &device);
  if (!f && c->j.trouble) return NULL;
  struct jit_block *b = f ? jit_find(c->cfg.jit, &c->j, mips_code_page(c, f), &k, alone) : NULL;
  if (!b && f && !alone && (k.mode & MODE_PRIV) == MMU_USER) b = copy(c, f, &k);
  return b ? b : translate_timed(c, f, &k, alone);
}

/* --- acting on exits --- */

bool mips_unmapped(uint64_t va) {
  return mmu_unmapped(va);
}

/* The block was left at instruction `at`: where that is, and whether in a delay slot. */
static uint64_t left_at(const struct cpu *c, bool *in_slot) {
  struct jit_shape s = jit_block_shape(c->j.block);
  *in_slot = s.flags & JIT_BLOCK_SLOT && c->j.at == s.insns - 1u;
  return jit_block_key(c->j.block)->pc + 4 * c->j.at;
}

/* Primary opcodes of LDL, LDR, LWL, LWR. */
#define OPCODES_PARTIAL (UINT64_C(3) << 0x1a | UINT64_C(1) << 0x22 | UINT64_C(1) << 0x26)
/* LWL and its kin load the aligned word that their address lies in; BadVAddr is the address itself. */
static void exact_badvaddr(struct cpu *c, uint64_t pc) {
  struct mips_fault f = c->fault;
  struct insn i;
  uint32_t word;
  if (!f.has_va || f.badvaddr & 3) return;
  if (mips_fetch_word(c, pc, &word) && OPCODES_PARTIAL >> (word >> 26) & 1 && insn_decode(c->index, word, &i) &&
      (i.row == INSN_LWL || i.row == INSN_LWR || i.row == INSN_LDL || i.row == INSN_LDR))
    f.badvaddr = mmu_canonical(&c->mmu, c->gpr[i.rs] + (uint64_t)(int64_t)i.imm);
  c->fault = f;
}

void mips_take_fault(struct cpu *c) {
  bool in_slot;
  uint64_t pc = left_at(c, &in_slot);
  exact_badvaddr(c, pc);
  tally(c, jit_block_key(c->j.block)->pc, c->j.at + 1);
  c->j.budget += jit_block_shape(c->j.block).insns - c->j.at - 1; /* the faulting instruction counts */
  mips_exception_enter(c, pc, in_slot);
}

static void fetch_fault(struct cpu *c) {
  if (c->fetch_faulted) { /* in a slot: already entered */
    c->j.trouble = JIT_FINE;
    return;
  }
  c->j.budget -= 1;
  tally_unfetched(c);
  mips_exception_enter(c, c->j.pc, false);
}

static void trace_unit(struct cpu *c, const struct jit_block *b) {
  for (unsigned i = 0; i < jit_block_shape(b).insns; i++) {
    char text[64];
    uint32_t word;
    uint64_t pc = jit_block_key(b)->pc + 4 * i;
    if (!mips_fetch_word(c, pc, &word)) {
      c->j.trouble = JIT_FINE;
      return;
    }
    insn_disasm(c->index, word, pc, text, sizeof text);
    fprintf(c->cfg.trace_insn, "insn %" PRIu64 " %016" PRIx64 " %08x %s\n", mips_instructions(c) + i, pc, word, text);
  }
}

/* The fetch of the unit has looked at its first instruction only. */
static bool watched_slot(struct cpu *c, const struct jit_block *b) {
  gpa_t device;
  uint64_t pc = jit_block_key(b)->pc;
  if (jit_block_shape(b).insns < 2 || mips_fetch(c, pc + 4, &device) || !c->j.trouble) return false;
  raise_in_slot(c, pc);
  c->j.trouble = JIT_FINE;
  return true;
}

static bool debugger_stops(const struct cpu *c) {
  return c->cfg.debug && c->cfg.debug->hit.what != MIPS_HIT_NONE;
}

/* The block was left in a unit of which nothing has been done: back to where that begins. */
static void back_to_unit(struct cpu *c) {
  bool in_slot;
  uint64_t pc = left_at(c, &in_slot);
  unsigned done = c->j.at - in_slot;
  tally(c, jit_block_key(c->j.block)->pc, done);
  c->j.budget += jit_block_shape(c->j.block).insns - done;
  c->j.pc = pc - 4 * in_slot;
  c->j.trouble = JIT_FINE;
}

/* Run the unit at j.pc by itself: a device may be touched, code written, an event be near. */
static void run_alone(struct cpu *c) {
  struct jit_block *b = mips_block(c, true);
  c->n.alone++;
  if (!b) {
    if (!c->dead) fetch_fault(c);
    return;
  }
  if (c->cfg.trace_insn) trace_unit(c, b);
  if (c->watch_fetch && watched_slot(c, b)) return;
  c->alone = true;
  c->j.running = true;
  enum jit_exit_kind kind = jit_run(c->cfg.jit, b, &c->j);
  c->j.running = false;
  c->alone = false;
  c->j.left = NULL;
  assert((kind != JIT_EXIT_RESTART || debugger_stops(c)) && kind != JIT_EXIT_BUDGET);
  if (kind == JIT_EXIT_RESTART) back_to_unit(c);
  if (kind == JIT_EXIT_FAULT) mips_take_fault(c);
}

/* A device access or a write to code in the middle of a block: run its unit alone. */
static void restart(struct cpu *c) {
  back_to_unit(c);
  if (!debugger_stops(c)) run_alone(c);
}

/* A slice is cut where the jit is to see what is running. Is there budget left, or was there? */
static bool more_budget(struct cpu *c) {
  uint64_t left = c->slice_end - c->cycles;
  if (left && c->j.budget < MAX_INSNS + 1) {
    uint64_t period = (uint64_t)jit_sample_period(c->cfg.jit), part = left;
    if (period && c->sample_due <= c->cycles) c->sample_due = c->cycles + period;
    if (period && part > c->sample_due - c->cycles) part = c->sample_due - c->cycles;
    c->cycles += part;
    c->j.budget += (int64_t)part;
  }
  return c->j.budget > 0;
}

/* A gang's cpus need not stop to the cycle. The units up to there, one by one, would take as long as all the others. */
static bool near_enough(const struct cpu *c, uint64_t now) {
  return c->cfg.gang && now + MAX_INSNS >= c->deadline;
}

/* Run until the budget is used up or interrupts must be looked at. */
static void run_slice(struct cpu *c) {
  c->j.left = NULL;
  while (more_budget(c) && !c->dead) {
    if (c->cfg.trace_insn || c->watch_fetch) {
      run_alone(c);
      return;
    }
    uint64_t generation = jit_generation(c->cfg.jit);
    struct jit_block *b = mips_block(c, false);
    if (!b) {
      if (!c->dead) fetch_fault(c);
      continue;
    }
    if (c->j.left && generation == jit_generation(c->cfg.jit)) {
      uint64_t from = jit_block_key(c->j.block)->pc, to = c->j.pc;
      jit_chain(c->cfg.jit, &c->j, b, ((from ^ to) & MMU_PAGE_MASK) == 0 || (mips_unmapped(from) && mips_unmapped(to)));
    }
    c->j.running = true;
    enum jit_exit_kind kind = jit_run(c->cfg.jit, b, &c->j);
    c->j.running = false;
    c->n.exits[kind]++;
    if (c->cfg.left) c->cfg.left(c->cfg.ctx, jit_block_key(c->j.block)->pc, kind);
    if (!jit_block_page(c->j.block)) c->j.left = NULL; /* an orphan is gone before it could be chained */
    switch (kind) {
    case JIT_EXIT_NEXT: break;
    case JIT_EXIT_STOP:
      if (c->j.attention) return;
      c->j.left = NULL;
      break;
    case JIT_EXIT_BUDGET:
      c->j.left = NULL;
      if (c->cycles == c->sample_due) jit_sample(c->cfg.jit, &c->j);
      if (c->cycles != c->slice_end) break;
      if (c->j.budget > 0 && !near_enough(c, mips_boundary(c))) run_alone(c);
      return;
    case JIT_EXIT_FAULT: mips_take_fault(c); break;
    case JIT_EXIT_RESTART: restart(c); return;
    case JIT_EXIT_KINDS: assert(!"no such exit");
    }
  }
}

static void take_interrupt(struct cpu *c) {
  c->fault = (struct mips_fault){.code = EXC_INT};
  c->n.interrupts++;
  mips_exception_enter(c, c->j.pc, false);
}

/* WAIT ends with an interrupt that is enabled; whether IE must be set too is up to the core (Config7.WII). */
static bool wakes(const struct cpu *c) {
  return mips_interrupt_pending(c) || (c->cp0.config[7] >> 31 && (c->cp0.cause & c->cp0.status & ST_IM)); /* WII */
}

static bool interrupts_possible(const struct cpu *c) {
  return (c->cp0.status & (ST_IE | ST_EXL | ST_ERL)) == ST_IE && c->cp0.status & ST_IM;
}

static bool can_wake(const struct cpu *c) {
  return interrupts_possible(c) || (c->cp0.config[7] >> 31 && c->cp0.status & ST_IM);
}

/* A jump to itself with interrupts off is how bare programs stop. */
static bool spins_for_ever(struct cpu *c) {
  uint32_t word, slot;
  if (interrupts_possible(c) || !mips_fetch_word(c, c->j.pc, &word) || !mips_fetch_word(c, c->j.pc + 4, &slot)) {
    c->j.trouble = JIT_FINE;
    return false;
  }
  uint32_t j_self = 0x08000000 | (uint32_t)(c->j.pc >> 2 & 0x03ffffff);
  return slot == 0 && (word == 0x1000ffff || word == j_self);
}

static void timer_check(struct cpu *c, uint64_t now) {
  if (now < c->cp0.timer_at) return;
  c->cp0.timer = 1;
  c->cp0.timer_at += (UINT64_C(1) << 32) * c->cfg.model->ccres;
  mips_irq_update(c);
}

static void set_slice(struct cpu *c, uint64_t now, uint64_t end) {
  c->slice_end = c->cycles = end;
  c->j.budget = (int64_t)(end - now);
}

/* Let more_budget() hand out the slice. */
static void cut_slice(struct cpu *c, uint64_t now) {
  if (!jit_sample_period(c->cfg.jit)) return;
  c->cycles = now;
  c->j.budget = 0;
}

void mips_run_until(struct cpu *c, uint64_t deadline) {
  if (deadline >= c->deadline) return;
  c->deadline = deadline;
  c->j.attention = 1;
}

bool mips_waits(const struct cpu *c) {
  return c->waiting && !wakes(c);
}

enum mips_stop mips_run_cut(struct cpu *c, uint64_t deadline, uint64_t cut) {
  c->deadline = deadline;
  for (;;) {
    uint64_t now = mips_boundary(c);
    c->j.attention = 0;
    timer_check(c, now);
    if (c->dead) return MIPS_STOP_DEAD;
    if (debugger_stops(c)) return MIPS_STOP_CUT;
    if (c->heed_user && (c->j.mode & MODE_PRIV) == MMU_USER) {
      c->heed_user = false;
      return MIPS_STOP_CUT;
    }
    if (now >= c->deadline || near_enough(c, now)) {
      if (!c->waiting && spins_for_ever(c)) c->dead = mips_deaths[MIPS_DEAD_STUCK];
      return c->dead ? MIPS_STOP_DEAD : MIPS_STOP_TIME;
    }
    if (now >= cut) return MIPS_STOP_CUT;
    if (c->waiting) {
      if (!wakes(c)) {
        if (can_wake(c)) return MIPS_STOP_WAIT;
        c->dead = mips_deaths[MIPS_DEAD_HALTED];
        return MIPS_STOP_DEAD;
      }
      c->waiting = false;
    }
    if (mips_interrupt_pending(c)) take_interrupt(c);
    uint64_t end = c->deadline < cut ? c->deadline : cut;
    set_slice(c, now, c->cp0.timer_at < end ? c->cp0.timer_at : end);
    cut_slice(c, now);
    run_slice(c);
  }
}

enum mips_stop mips_run(struct cpu *c, uint64_t deadline) {
  return mips_run_cut(c, deadline, UINT64_MAX);
}

void mips_idle_to(struct cpu *c, uint64_t cycles) {
  uint64_t now = mips_boundary(c);
  if (cycles <= now) return;
  c->idled += cycles - now;
  set_slice(c, cycles, cycles);
}

void mips_stall(struct cpu *c, uint64_t cycles) {
  uint64_t now = mips_boundary(c);
  c->j.stalled += cycles;
  set_slice(c, now + cycles, now + cycles);
}
