/* frontend/cpu.c: making, resetting and timing a cpu, and what the jit is told of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "frontend/code.h"
#include "frontend/decode.h"
#include "frontend/helpers.h"
#include "frontend/tally.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What generated code and lifters rely on: slots within reach of a 16-bit offset, $0 first. */
_Static_assert(offsetof(struct cpu, j) == 0, "the jit_cpu comes first");
_Static_assert(offsetof(struct cpu, fpu) < UINT16_MAX, "slots have 16-bit offsets");

_Static_assert(offsetof(struct cpu, hi) < offsetof(struct cpu, lo) &&
                   offsetof(struct cpu, lo) < offsetof(struct cpu, fpr),
               "integer registers first");

int mips_cpu_init(struct cpu *c, const struct cpu_config *cfg) {
  const struct cpu_model *m = cfg->model;
  memset(c, 0, sizeof *c);
  c->cfg = *cfg;
  c->peer = c;
  c->reset_at = UINT64_C(0xffffffffbfc00000);
  c->index = malloc(sizeof *c->index);
  c->ir = malloc(sizeof *c->ir);
  if (jit_cpu_init(&c->j) || !c->index || !c->ir || insn_index_init(c->index, m->isa) ||
      mmu_guest_init(&c->mmu, m->tlb_entries, m->segbits, m->pabits, &c->j.tlb) ||
      mmu_l2tlb_resize(&c->mmu, cfg->l2tlb) || mips_traps_init(c) || (cfg->numa && mips_numa_init(c))) {
    mips_cpu_fini(c);
    return -1;
  }
  if (cfg->tally) c->j.tally = cfg->tally->count;
  if (cfg->check) c->mmu.view_after = INT32_MAX; /* the soft TLB is to tell where an access led */
  if (cfg->pmap) mmu_pmap_join(cfg->pmap, &c->mmu);
  mips_cpu_reset(c);
  return 0;
}

/* RAM from guest-physical 0 on whose pages stand side by side, and that kseg0 reaches. */
static uint64_t side_by_side(const struct mmu_pmap *p) {
  enum { KSEG0_PAGES = 0x20000000 / MMU_PAGE_SIZE };
  uint64_t n = 0;
  while (n < p->pages && n < KSEG0_PAGES && p->page[n] && p->page[n]->host == p->page[0]->host + n * MMU_PAGE_SIZE) n++;
  return n;
}

void mips_find_linear(struct cpu *c) {
  bool seen = c->watching || c->cfg.trap || (mips_numa_sees_all(c) && mips_numa_line(c)) ||
              (c->cfg.debug && c->cfg.debug->watches);
  uint64_t pages = seen ? 0 : side_by_side(c->cfg.pmap);
  c->j.linear.host = pages ? c->cfg.pmap->page[0]->host : NULL;
  for (int k = 0; k < 4; k++) c->j.linear.limit[k] = pages * MMU_PAGE_SIZE >> k;
  c->j.linear.open = mmu_machine_tlb_open(&c->mmu);
}

void mips_cpu_join(struct cpu *c, struct cpu *with) {
  c->peer = with->peer;
  with->peer = c;
}

static void leave_peers(struct cpu *c) {
  struct cpu *p = c;
  while (p->peer != c) p = p->peer;
  p->peer = c->peer;
  c->peer = c;
}

void mips_cpu_fini(struct cpu *c) {
  mips_code_forget(c);
  leave_peers(c);
  mips_traps_fini(c);
  if (c->cfg.numa) c->cfg.numa->lost = NULL;
  if (c->cfg.pmap) mmu_pmap_leave(c->cfg.pmap, &c->mmu);
  mmu_guest_fini(&c->mmu);
  jit_cpu_fini(&c->j);
  free(c->index);
  free(c->ir);
  c->index = NULL;
  c->ir = NULL;
}

void mips_cpu_reset(struct cpu *c) {
  const struct cpu_model *m = c->cfg.model;
  uint64_t now = mips_boundary(c);
  memset(&c->cp0, 0, sizeof c->cp0);
  memset(c->gpr, 0, sizeof c->gpr);
  memset(c->shadow, 0, sizeof c->shadow);
  c->ll_bit = 0;
  c->irq = 0;
  c->waiting = false;
  c->nested = 0;
  c->watch_fetch = c->watching = false;
  mips_find_linear(c);
  c->dead = NULL;
  c->cp0.prid = m->prid;
  memcpy(c->cp0.config, m->config, sizeof c->cp0.config);
  /* The R4000 and R10000 have Config.BE in the same place as MIPS32. */
  if (c->cfg.big_endian) c->cp0.config[0] |= 1 << 15;
  if (!c->cfg.gcr) c->cp0.config[3] &= ~(uint32_t)CONFIG3_CMGCR;
  c->cp0.status = ST_BEV | ST_ERL;
  c->cp0.ebase = 0x80000000 | c->cfg.number;
  c->cp0.intctl = 7u << 29 | 7u << 26; /* IPTI, IPPCI: hardware interrupt 5 */
  c->cp0.srsctl = (uint32_t)m->shadow_sets << 26;
  c->cp0.debug = 1 << 15; /* EJTAG version 0 */
  c->cp0.random_state = 1;
  c->fpu = (struct mips_fpu){.fcsr_rw = m->fcsr_rw, .fir = m->fcr0};
  mips_set_fcsr(c, m->fcsr_reset);
  for (int i = 0; i < m->watch; i++) c->cp0.watchhi[i] = i + 1 < m->watch ? 1u << 31 : 0;
  mips_timer_rearm(c, now);
  c->j.pc = c->reset_at;
  mips_mode_changed(c);
}

static enum mmu_priv privilege(const struct cpu *c) {
  uint32_t s = c->cp0.status;
  if (s & (ST_EXL | ST_ERL) || c->cp0.debug & DEBUG_DM) return MMU_KERNEL;
  return s & ST_USER ? MMU_USER : s & ST_SUPERVISOR ? MMU_SUPERVISOR : MMU_KERNEL;
}

/* All that the mode depends on, but the model; not 0. */
static uint64_t mode_key(const struct cpu *c) {
  const uint32_t bits =
      ST_EXL | ST_ERL | ST_SUPERVISOR | ST_USER | ST_UX | ST_SX | ST_KX | ST_PX | ST_CU0 | ST_CU1 | ST_FR | ST_XX;
  return (c->cp0.status & bits) | (uint64_t)(uint8_t)c->cp0.entryhi << 32 |
         (uint64_t) !!(c->cp0.debug & DEBUG_DM) << 40 | UINT64_C(1) << 63;
}

static struct cpu_mode find_mode(const struct cpu *c) {
  const struct cpu_model *m = c->cfg.model;
  uint32_t s = c->cp0.status, mode;
  enum mmu_priv p = privilege(c);
  bool wide = m->isa & ISA_MIPS3, kx = s & ST_KX, sx = s & ST_SX, ux = s & ST_UX, px = s & ST_PX;
  bool addr64 = p == MMU_KERNEL ? kx : p == MMU_SUPERVISOR ? sx : ux;
  bool ops64 = p == MMU_KERNEL || (p == MMU_SUPERVISOR ? sx : ux || px);
  mode = (uint32_t)p;
  if (wide && addr64) mode |= MODE_ADDR64;
  if (wide && ops64) mode |= MODE_OPS64;
  if (p == MMU_KERNEL || s & ST_CU0) mode |= MODE_CP0;
  if (s & ST_CU1 && m->isa & ISA_FPU) mode |= MODE_CU1;
  if (s & ST_FR) mode |= MODE_FR;
  if (c->cfg.big_endian) mode |= MODE_BIG;
  /* PRA vol. I: MIPS IV user code needs Status.XX on MIPS IV, 64-bit operations on MIPS64 release 1. */
  bool cop1x = m->isa & ISA_MIPS32R2 ? true : m->isa & ISA_MIPS64 ? ops64 : p == MMU_KERNEL || s & ST_XX;
  if (cop1x) mode |= MODE_COP1X;
  if (!wide) mode |= MODE_NARROW;
  /* A kernel's code without FPU instructions is the same whether the process it serves has the FPU or not. */
  uint32_t jump_mode = p == MMU_KERNEL ? (mode & ~(uint32_t)(MODE_CU1 | MODE_FR)) | MODE_ANY_FPU : mode;
  return (struct cpu_mode){.key = mode_key(c),
                           .mode = mode,
                           .jump_mode = jump_mode,
                           .mmu = {.priv = (uint8_t)p,
                                   .asid = (uint8_t)c->cp0.entryhi,
                                   .erl = s & ST_ERL,
                                   .kx = wide && kx,
                                   .sx = wide && sx,
                                   .ux = wide && ux}};
}

void mips_mode_changed(struct cpu *c) {
  /* Between a process and its kernel a cpu goes back and forth. */
  struct cpu_mode *m = &c->modes[c->cp0.status >> 1 & 15];
  if (m->key != mode_key(c)) *m = find_mode(c);
  if (!mmu_set_state(&c->mmu, &m->mmu)) {
    uint32_t way = mips_numa_line(c) ? MODE_LINES : mips_numa_sees_all(c) ? MODE_PAIRS : c->j.tlb.view ? MODE_VIEW : 0;
    c->j.mode = m->mode | way;
    jit_set_jump_mode(&c->j, m->jump_mode | way);
    if (c->heed_user && (m->mode & MODE_PRIV) == MMU_USER) c->j.attention = 1;
    return;
  }
  c->dead = mips_deaths[MIPS_DEAD_NO_MEMORY];
  c->j.attention = 1;
}

uint64_t mips_boundary(const struct cpu *c) {
  return c->cycles - (uint64_t)c->j.budget;
}

uint64_t mips_now(const struct cpu *c) {
  /* The block head has charged the whole block: give back what has not run yet. */
  if (!c->j.running) return mips_boundary(c);
  return mips_boundary(c) - (jit_block_shape(c->j.block).insns - c->j.at);
}

uint64_t mips_instructions(const struct cpu *c) {
  return mips_now(c) - c->j.stalled - c->idled;
}

void mips_irq_update(struct cpu *c) {
  uint32_t lines = c->irq | (c->cp0.timer ? 1u << 5 : 0);
  c->cp0.cause = (c->cp0.cause & ~0xfc00u) | lines << 10;
  if (c->cfg.model->isa & ISA_MIPS32R2)
    c->cp0.cause = (c->cp0.cause & ~(uint32_t)CAUSE_TI) | (c->cp0.timer ? CAUSE_TI : 0);
  mips_look_at_interrupts(c);
}

void mips_irq_set(struct cpu *c, int line, int level) {
  assert(line >= 0 && line < 6);
  c->irq = (c->irq & ~(1u << line)) | (level ? 1u << line : 0);
  mips_irq_update(c);
}

uint32_t mips_count(const struct cpu *c, uint64_t now) {
  if (c->cp0.cause & CAUSE_DC) return c->cp0.count_frozen;
  return (uint32_t)(now / c->cfg.model->ccres + c->cp0.count_base);
}

void mips_timer_rearm(struct cpu *c, uint64_t now) {
  uint64_t ticks = now / c->cfg.model->ccres;
  uint32_t ahead = c->cp0.compare - mips_count(c, now);
  c->cp0.timer_at = (ticks + (ahead ? ahead : UINT64_C(1) << 32)) * c->cfg.model->ccres;
  if (c->cp0.cause & CAUSE_DC) c->cp0.timer_at = UINT64_MAX;
  c->j.attention = 1; /* the slice may end sooner */
}

uint64_t mips_timer_deadline(const struct cpu *c) {
  return c->cp0.timer_at;
}

void mips_shadow_switch(struct cpu *c, unsigned from, unsigned to) {
  if (from == to) return;
  memcpy(c->shadow[from], c->gpr, sizeof c->gpr);
  memcpy(c->gpr, c->shadow[to], sizeof c->gpr);
  c->gpr[0] = 0;
}

const char *mips_dead_reason(const struct cpu *c, char *buf, size_t n) {
  uint32_t cause = c->cp0.cause;
  const char *exc = mips_exc_name[cause >> 2 & 31];
  snprintf(buf, n, "%s: pc 0x%" PRIx64 ", epc 0x%" PRIx64 ", cause %s, status 0x%08x, badvaddr 0x%" PRIx64,
           c->dead ? c->dead : "running", c->j.pc, c->cp0.epc, exc ? exc : "?", c->cp0.status, c->cp0.badvaddr);
  return buf;
}

const char *const mips_deaths[MIPS_DEATHS] = {
    [MIPS_DEAD_NO_MEMORY] = "out of host memory",
    [MIPS_DEAD_AT_VECTOR] = "exception loop: the handler's first instruction raises",
    [MIPS_DEAD_NESTED] = "exception loop: the handler raises again and again",
    [MIPS_DEAD_STUCK] = "stuck: a jump to itself with interrupts off",
    [MIPS_DEAD_HALTED] = "halted: WAIT with interrupts off",
};

/* --- what the jit is told --- */

static const struct jit_slot slots[] = {
#define STATE(member, label)
#define STATES(member, label)
#define SLOT(name, member, label, flags) {label, offsetof(struct cpu, member)},
#include "frontend/cpu_slots.def"
};
_Static_assert(sizeof slots / sizeof slots[0] <= IR_MAX_SLOTS, "the IR knows fewer slots");
enum { KEPT_SLOTS = 32 + 2 + 32 + MIPS_FPU_CODES }; /* registers: gpr, hi, lo, fpr, fcc */
static const jit_helper helpers[] = {
#define HELPER(name) mips_help_##name,
#include "frontend/helpers.def"
};
static const char *const helper_names[] = {
#define HELPER(name) #name,
#include "frontend/helpers.def"
};

static uint64_t load_hook(void *c, uint64_t va, unsigned op) {
  if (op == IR_FETCHED) return mips_numa_fetched(c, va), 0;
  return mips_load_at_once(c, va, op);
}
static void store_hook(void *c, uint64_t va, uint64_t v, unsigned op) {
  mips_store_at_once(c, va, v, op);
}
static void raise_hook(void *c, unsigned exception) {
  mips_raise(c, exception);
}
/* On 64 bits most of a kernel's data is in xkphys. */
static enum jit_linear_way linear_hook(uint32_t mode) {
  if ((mode & MODE_PRIV) != MMU_KERNEL || mode & MODE_ADDR64) return JIT_LINEAR_NO;
  return mode & MODE_PAIRS ? JIT_LINEAR_OPEN : JIT_LINEAR_FREE;
}
static unsigned view_hook(uint32_t mode) {
  return !(mode & MODE_VIEW) ? 0 : mode & MODE_NARROW ? 32 : MMU_VIEW_BITS_WIDE;
}
static bool lines_hook(uint32_t mode) {
  return mode & MODE_LINES;
}
static void want_view_hook(void *c) {
  struct cpu *cpu = c;
  if (cpu->j.mode & MODE_LINES) return;
  mmu_view_want(&cpu->mmu);
  if (!cpu->j.tlb.view != !(cpu->j.mode & MODE_VIEW)) mips_mode_changed(cpu);
}
static void fault_hook(void *c) {
  struct cpu *cpu = c;
  cpu->j.running = false; /* time is now that of the instruction that faulted */
  mips_take_fault(cpu);
  cpu->j.running = true;
}

static bool narrow_hook(unsigned slot, uint32_t mode) {
  return mode & MODE_NARROW && slots[slot].offset <= offsetof(struct cpu, lo); /* gpr, hi, lo */
}

const struct jit_guest *mips_jit_guest(void) {
  static const struct jit_guest guest = {
      .slot = slots,
      .slots = sizeof slots / sizeof slots[0],
      .zero_slot = 0,
      .kept_slots = KEPT_SLOTS,
      .helper = helpers,
      .helper_name = helper_names,
      .helpers = sizeof helpers / sizeof helpers[0],
      .load = load_hook,
      .store = store_hook,
      .raise = raise_hook,
      .take_fault = fault_hook,
      .linear = linear_hook,
      .lines = lines_hook,
      .view = view_hook,
      .want_view = want_view_hook,
      .narrow = narrow_hook,
      .fixed = mips_unmapped,
  };
  return &guest;
}
