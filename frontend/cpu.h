/* frontend/cpu.h: the state of one MIPS cpu, and what the rest of the frontend does to it. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Everything the architecture can show is a row of cpu_slots.def; state not listed there does not
 * exist. 32-bit registers are kept as the manual wants them in a 64-bit register: sign-extended. */
#ifndef FRONTEND_CPU_H
#define FRONTEND_CPU_H
#include "frontend/check.h"
#include "frontend/debug.h"
#include "frontend/events.h"
#include "frontend/fpu.h"
#include "frontend/model.h"
#include "frontend/numa.h"
#include "frontend/paths.h"
#include "frontend/tally.h"
#include "frontend/trap.h"
#include "jit/jit.h"
#include "mmu/mmu.h"
#include "numa-model/model.h"

/* Exception codes of Cause.ExcCode (MIPS64 PRA vol. III, table "Cause Register ExcCode Field"). */
enum mips_exc {
  EXC_INT = 0,
  EXC_MOD = 1,
  EXC_TLBL = 2,
  EXC_TLBS = 3,
  EXC_ADEL = 4,
  EXC_ADES = 5,
  EXC_IBE = 6,
  EXC_DBE = 7,
  EXC_SYS = 8,
  EXC_BP = 9,
  EXC_RI = 10,
  EXC_CPU = 11, /* coprocessor unusable; which one is in cpu->fault.ce */
  EXC_OV = 12,
  EXC_TR = 13,
  EXC_FPE = 15,
  EXC_TLBRI = 19,
  EXC_TLBXI = 20,
  EXC_WATCH = 23,
  EXC_MCHECK = 24,
  EXC_CODES = 32,
  /* Raised by lifters with a coprocessor number: EXC_CPU with Cause.CE set. */
  EXC_CPU0 = 64,
  EXC_CPU1,
  EXC_CPU2,
  EXC_CPU3,
};

/* Status (PRA vol. III, "Status Register"). */
enum mips_status {
  ST_IE = 1,
  ST_EXL = 1 << 1,
  ST_ERL = 1 << 2,
  ST_SUPERVISOR = 1 << 3, /* KSU */
  ST_USER = 2 << 3,
  ST_UX = 1 << 5,
  ST_SX = 1 << 6,
  ST_KX = 1 << 7,
  ST_IM = 0xff00,
  ST_BEV = 1 << 22,
  ST_PX = 1 << 23,
  ST_FR = 1 << 26,
  ST_CU0 = 1 << 28,
  ST_CU1 = 1 << 29,
};
#define ST_XX (1u << 31) /* MIPS IV; CU3 before */
/* Cause. */
enum mips_cause {
  CAUSE_CODE = 0x7c,
  CAUSE_IP = 0xff00,
  CAUSE_WP = 1 << 22,
  CAUSE_IV = 1 << 23,
  CAUSE_DC = 1 << 27,
  CAUSE_CE = 3 << 28,
  CAUSE_TI = 1 << 30
};
#define CAUSE_BD (1u << 31)
enum { DEBUG_DM = 1 << 30 };

/* State bits a translation depends on (part of the block key); rewritten only by
 * mips_mode_changed(). */
enum mips_mode {
  MODE_PRIV = 3,        /* enum mmu_priv: 0 kernel, 1 supervisor, 2 user */
  MODE_OPS64 = 1 << 2,  /* 64-bit operations are enabled */
  MODE_ADDR64 = 1 << 3, /* addresses are 64 bits wide */
  MODE_CP0 = 1 << 4,    /* coprocessor 0 usable */
  MODE_CU1 = 1 << 5,
  MODE_CU2 = 1 << 6,
  MODE_FR = 1 << 7,
  MODE_BIG = 1 << 8,
  MODE_ANY_FPU = 1 << 10, /* in a block's key: it has no FPU instruction, CU1 and FR do not matter (and are 0) */
  MODE_NARROW = 1 << 11,  /* the cpu's registers have 32 bits */
  MODE_VIEW = 1 << 12,    /* memory is seen through a view (mmu_view_want()) */
  MODE_LINES = 1 << 13,   /* the modelled machine is told of memory: by lines, with FETCHED (numa.h). No view then */
  MODE_PAIRS = 1 << 14,   /* all loads and stores go through a machine TLB that is modelled; no view then, either */
  MODE_COP1X = 1 << 9,    /* COP1X, MOVCI and other MIPS IV codes are enabled in this mode */
};

struct mips_cp0 {
  uint32_t index, wired, pagegrain, hwrena, intctl, srsctl, srsmap, status, cause, prid, debug, taglo, taghi, datalo,
      datahi, errctl, cacheerr, perfctl[4], config[8], watchhi[8];
  uint64_t entrylo0, entrylo1, context, contextconfig, pagemask, badvaddr, entryhi, epc, ebase, xcontext, errorepc,
      depc, desave, kscratch[6], userlocal, watchlo[8];
  uint32_t compare;
  uint64_t random_state; /* of the generator behind Random */
  uint64_t count_base;   /* Count = (cycles / model->ccres + count_base) mod 2^32, while Cause.DC is clear */
  uint32_t count_frozen; /* Count while Cause.DC is set */
  uint32_t timer;        /* 1: Count has met Compare since Compare was last written */
  uint64_t timer_at;     /* cycle at which it next will */
};

struct cpu;
struct insn_index;
struct mips_gang;
struct gang_code;

/* Why nothing can ever happen again. */
enum mips_death {
  MIPS_ALIVE, /* NULL */
  MIPS_DEAD_NO_MEMORY,
  MIPS_DEAD_AT_VECTOR,
  MIPS_DEAD_NESTED,
  MIPS_DEAD_STUCK,
  MIPS_DEAD_HALTED,
  MIPS_DEATHS
};
extern const char *const mips_deaths[MIPS_DEATHS];

/* What the monitor lends a cpu. */
struct cpu_config {
  const struct cpu_model *model;
  struct mmu_pmap *pmap; /* must outlive the cpu, as must the jit */
  struct jit *jit;       /* made by mips_jit_new(); may be shared by cpus of one model that take turns */
  /* The cpus with this pmap run at the same time, on threads of their own (gang.h), each with a jit of its own; number
   * is below MIPS_GANG_MAX. NULL: they take turns. */
  struct mips_gang *gang;
  bool big_endian;
  unsigned number;        /* EBase.CPUNum */
  uint64_t gcr;           /* guest-physical address of the coherence manager's registers; 0: the board has none */
  unsigned l2tlb;         /* entries of the second-level TLB, as for mmu_l2tlb_resize() */
  bool trap;              /* the kernel is de-privileged: what it may not do is a host trap (trap.c) */
  unsigned machine_tlb;   /* then: entries of the machine TLB; 0: as many as usual, but none for kseg0 */
  struct numa_vcpu *numa; /* borrowed: what memory costs is modelled; not with `trap` or in a gang. NULL: it is not */
  /* Device access at a guest-physical address outside RAM. */
  uint64_t (*io_read)(void *ctx, uint64_t gpa, int size);
  void (*io_write)(void *ctx, uint64_t gpa, uint64_t v, int size);
  /* Called before each device access with the exact present (cycles); returns nothing. */
  void (*io_now)(void *ctx, uint64_t cycles);
  uint64_t (*io_stall)(void *ctx); /* cycles to charge for the access just made */
  /* An instruction fetched from outside RAM (boot flash); false: bus error. NULL: always a bus error. */
  bool (*io_fetch)(void *ctx, uint64_t gpa, uint32_t *word);
  void *ctx;
  FILE *trace_insn, *trace_exc, *trace_tlb; /* borrowed; NULL: off */
  struct mips_check *check;                 /* borrowed; NULL: nothing is checked. Not in a gang */
  struct mips_debug *debug;                 /* borrowed; NULL: no debugger will come. Not in a gang */
  /* Called each time generated code is left for the run loop; pc is that of the block it was left from. NULL: not. */
  void (*left)(void *ctx, uint64_t pc, enum jit_exit_kind kind);
  /* Called where the guest goes from one thing to another. NULL: not, and events are not counted. */
  void (*moved)(void *ctx, struct cpu *c, enum mips_move move);
  struct mips_tally *tally; /* what is executed is counted there, but by no gang; NULL: it is not */
  struct mips_paths *paths; /* ... and there by call path; only beside a tally. NULL: it is not */
  uint64_t (*clock)(void);  /* host nanoseconds, to measure with; NULL: measure nothing */
};

struct mips_fault { /* details of the exception under way */
  enum mips_exc code;
  uint64_t badvaddr;
  bool refill; /* TLB refill: use the refill vector */
  bool has_va;
  uint8_t ce;
};

struct mips_counters {
  uint64_t exceptions[EXC_CODES], refills, interrupts, eret, tlbwi, tlbwr, device_accesses, code_writes, alone;
  uint64_t warn_tlb_duplicate, warn_unpredictable;
  uint64_t exits[JIT_EXIT_KINDS]; /* from generated code to the run loop */
  uint64_t translate_ns;          /* host time for making blocks, if cfg.clock is set */
};

/* What follows from the bits of CP0 in `key`; see mips_mode_changed(). */
struct cpu_mode {
  uint64_t key;             /* 0: nothing */
  uint32_t mode, jump_mode; /* but for MODE_VIEW */
  struct mmu_state mmu;
};

/* What the modelled machine has been told: of which attempted instruction (its number; 0: none) a data access; of which
 * the fetch of these lines. */
enum { MIPS_TOLD_LINES = 2 }; /* a branch and its slot */
struct mips_told {
  uint64_t data_at, fetch_at, line[MIPS_TOLD_LINES];
  unsigned lines;
};

/* One cpu. Owner: its VCPU thread. The first group is known to generated code by offset. */
struct cpu {
  struct jit_cpu j; /* must be first */
  uint64_t gpr[32], hi, lo;
  uint64_t fpr[32];
  uint64_t fcc[MIPS_FPU_CODES]; /* FCSR.FCC, 0 or 1 each; in fpu.fcsr it is out of date */
  struct mips_fpu fpu;          /* fcsr: but for FCC, and Cause while j.fp.last is not 0; see mips_fcsr() */
  /* warm */
  uint32_t ll_bit;         /* 1: SC to mmu.link.va may store. Whoever lets another cpu run, and ERET, clear it */
  struct mips_bases bases; /* where events are counted */
  struct mips_cp0 cp0;
  struct cpu_mode modes[16]; /* the last with each of EXL, ERL and KSU */
  struct mmu_guest mmu;      /* architectural TLB, address contexts, the tables j.tlb points into */
  uint32_t irq;              /* hardware interrupt lines 0..5, level */
  struct mips_fault fault;
  bool alone; /* running an ALONE block: code writes happen now, and so do device accesses of helpers */
  struct {
    bool there;
    uint64_t va, value;
  } made;             /* a device access that was made before its unit was restarted */
  bool waiting;       /* WAIT executed, no interrupt yet */
  bool told_off;      /* the modelled machine is told of nothing just now: see mips_numa_tell() */
  bool watching;      /* a watch register wants something */
  bool watch_fetch;   /* a watch register wants instruction fetches: every unit runs alone */
  bool fetch_faulted; /* mips_block() has entered the exception of a slot on the next page */
  uint64_t cycles;    /* time at the end of the present slice: now = cycles - j.budget */
  uint64_t slice_end; /* ... and of what it is a part of, see run_slice() */
  uint64_t deadline;  /* of mips_run() */
  uint64_t idled;     /* cycles of it that were skipped in WAIT */
  struct mips_counters n;
  struct mips_traps traps;
  struct mips_told told;
  uint64_t shadow[16][32];         /* register sets other than the current one */
  struct mips_hazards hazards;     /* where they are checked */
  uint32_t nested;                 /* exceptions in a row that were taken with EXL set */
  const char *dead;                /* why nothing can ever happen again: of mips_deaths[] */
  uint64_t sample_due;             /* in cycles: when the jit is to see what is running */
  uint64_t reset_at;               /* the reset vector; those of exceptions with Status.BEV set lie behind it */
  uint64_t *events;                /* borrowed: MIPS_EVENTS of them, where they are counted just now; NULL: nowhere */
  uint64_t event_thread, event_sp; /* $28 and $29 at the last one */
  struct mips_path_thread *path;   /* borrowed: the kernel's thread, while cfg.paths are counted; NULL: none yet */
  struct cpu *peer;                /* the next of the cpus that share the pmap: a ring */
  uint64_t ll_value;               /* in a gang: what LL has loaded */
  struct gang_code *outdated;      /* in a gang: what this cpu's jit is to drop; see code.c */
  bool heed_user; /* stop once before the first instruction in user mode; cleared by that stop. Not in a gang */
  /* cold, set once by mips_cpu_init() */
  struct insn_index *index; /* owned */
  struct ir_block *ir;      /* owned; scratch of the translator */
  struct cpu_config cfg;
};

static inline bool mips_big(const struct cpu *c) {
  return c->j.mode & MODE_BIG;
}

/* The exact present, also in the middle of a block (in helpers and slow paths), in cycles since
 * power-on. */
uint64_t mips_now(const struct cpu *c);
/* Guest instructions attempted so far. */
uint64_t mips_instructions(const struct cpu *c);

int mips_cpu_init(struct cpu *c, const struct cpu_config *cfg);
void mips_cpu_fini(struct cpu *c);
/* Let a cpu share the pmap with another, and those that it shares it with. They are a gang, or have one jit and run by
 * turns, on one thread: whoever lets another run clears ll_bit. */
void mips_cpu_join(struct cpu *c, struct cpu *with);
void mips_cpu_reset(struct cpu *c); /* cold reset (PRA vol. III 'Reset Exception') */
/* The guest description a jit for this cpu needs; static storage. */
const struct jit_guest *mips_jit_guest(void);

enum mips_stop {
  MIPS_STOP_TIME, /* the deadline is reached */
  MIPS_STOP_WAIT, /* WAIT, and no interrupt pending: time may be skipped */
  MIPS_STOP_CUT,  /* the cut is reached, and the deadline is not; or a debugger wants to stop here (cfg.debug->hit), or
                     user code that was waited for has come (heed_user) */
  MIPS_STOP_DEAD, /* can never do anything again: see mips_dead_reason() */
};
/* Run until the deadline (cycles), exactly (in a gang: up to 64 cycles less); or until nothing can be done before an
 * interrupt. VCPU thread. */
enum mips_stop mips_run(struct cpu *c, uint64_t deadline);
/* The same, but comes back at `cut` (cycles), exactly, if that is sooner. Nothing is done there: to go on with
 * c->deadline, which may have come nearer, is the same run as without the cut. */
enum mips_stop mips_run_cut(struct cpu *c, uint64_t deadline, uint64_t cut);
/* Within mips_run(), from a device access: stop at `deadline` if that is sooner. Exact: takes effect at the end of the
 * unit that made the access. */
void mips_run_until(struct cpu *c, uint64_t deadline);
/* Does it wait, with no interrupt that would end that? */
bool mips_waits(const struct cpu *c);
/* Skip idle time: WAIT goes on, time becomes `cycles`. */
void mips_idle_to(struct cpu *c, uint64_t cycles);
/* Somebody else has had the cpu for so many cycles, or kept it waiting. Between two runs. */
void mips_stall(struct cpu *c, uint64_t cycles);
/* Cycle at which Count reaches Compare, UINT64_MAX when it cannot matter. */
uint64_t mips_timer_deadline(const struct cpu *c);
/* The next instruction meets a bus error, or a parity error of the data cache. Between instructions only, and not while
 * Status.EXL or ERL is set: the kernel's way back would be lost. */
void mips_bus_error(struct cpu *c);
void mips_cache_error(struct cpu *c);
/* Level of hardware interrupt line 0..5. Between instructions only. */
void mips_irq_set(struct cpu *c, int line, int level);
/* Somebody else (DMA, another cpu) stores to guest-physical memory: a link to it is broken, SC will fail. In a gang SC
 * finds out by itself, from the value. */
void mips_stored_by_other(struct cpu *c, uint64_t gpa, uint64_t bytes);
/* Why the cpu is dead: one line; static or in buf. */
const char *mips_dead_reason(const struct cpu *c, char *buf, size_t n);
/* Saved or restored: all of cpu_slots.def and what else decides what will happen. Between instructions, of a cpu not in
 * a gang; restored into one that has just been made of the same model. Its pmap's pages are restored before. */
void mips_cpu_state(struct cpu *c, struct snap *s);
/* 64-bit digest of all state in cpu_slots.def and the TLB. */
uint64_t mips_hash(const struct cpu *c, uint64_t seed);
void mips_dump(const struct cpu *c, FILE *to);

/* FCSR as the guest would read it; and to set it, which raises nothing. */
uint32_t mips_fcsr(const struct cpu *c);
void mips_set_fcsr(struct cpu *c, uint32_t fcsr);

/* The bytes of the page that the guest would read at va, in its present mode, or NULL: not mapped, or no RAM. Nothing
 * the guest or a statistic could see changes. Between instructions only; good until the next. */
const uint8_t *mips_peek_page(const struct cpu *c, uint64_t va);

/* --- within the frontend --- */
uint64_t mips_boundary(const struct cpu *c);                    /* the present, between instructions */
uint64_t mips_load(struct cpu *c, uint64_t va, unsigned ir_op); /* as an IR load would; trouble is in c->j */
void mips_store(struct cpu *c, uint64_t va, uint64_t v, unsigned ir_op);
/* As mips_store(), if memory holds `expected`, in one step with that. False: it did not, or there is trouble. */
bool mips_store_if(struct cpu *c, uint64_t va, uint64_t expected, uint64_t v, unsigned ir_op);
/* Load and store for an instruction's only access: if a device is touched, no restart is asked for unless it must be.
 */
uint64_t mips_load_at_once(struct cpu *c, uint64_t va, unsigned ir_op);
void mips_store_at_once(struct cpu *c, uint64_t va, uint64_t v, unsigned ir_op);
/* The page that holds the instruction at pc, or NULL: `trouble` set, or (*device set) to be fetched by the bus. */
struct mmu_page *mips_fetch(struct cpu *c, uint64_t pc, gpa_t *device);
bool mips_fetch_word(struct cpu *c, uint64_t pc, uint32_t *word); /* false: an exception was raised */
/* A block for the address in j.pc, translated if need be. NULL: an exception was raised (or memory ran out). */
struct jit_block *mips_block(struct cpu *c, bool alone);
bool mips_unmapped(uint64_t va); /* in kseg0, kseg1 or xkphys? */
bool mips_uncached(uint64_t va); /* ... where it is reached around the caches? */
uint32_t mips_count(const struct cpu *c, uint64_t now);
void mips_timer_rearm(struct cpu *c, uint64_t now); /* after Count, Compare or Cause.DC changed */
void mips_code_write(struct cpu *c, struct mmu_page *f, uint32_t offset, uint32_t bytes);
/* Forget all translations of the pages of the pmap; they are made again when needed. */
void mips_drop_code(struct cpu *c);
void mips_find_linear(struct cpu *c);  /* after the pmap or `watching` has changed: what is jit_cpu.linear now? */
void mips_mode_changed(struct cpu *c); /* after Status, Config or Debug changed: recompute mode and address context */
/* Note the exception; it is taken when the block is left. Helpers return 0 after calling this. */
void mips_raise(struct cpu *c, enum mips_exc code);
void mips_raise_va(struct cpu *c, enum mips_exc code, uint64_t va, bool refill);
/* Take the exception that trouble tells of, at j.at of j.block; see take_fault in struct jit_guest. */
void mips_take_fault(struct cpu *c);
/* Enter the handler: EPC, Cause, Status, vector. pc and slot of the victim given. */
void mips_exception_enter(struct cpu *c, uint64_t pc, bool in_slot);
bool mips_interrupt_pending(const struct cpu *c);
/* Status, Cause or a line has changed: have the run loop look if an interrupt is to be taken. */
void mips_look_at_interrupts(struct cpu *c);
/* Exchange the general registers of set `from`, now in gpr[], for those of set `to`. */
void mips_shadow_switch(struct cpu *c, unsigned from, unsigned to);
extern const char *const mips_exc_name[EXC_CODES];
void mips_irq_update(struct cpu *c); /* Cause.IP from lines and timer */
#endif
