/* jit/jit.h: blocks of translated code, the cache that keeps them, and the tiers that run them. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The jit knows its guest as data: where its slots are and which helpers it has. Blocks hang on
 * machine frames, so that they move and are shared with the page; a block is found by frame,
 * offset, virtual page and mode. */
#ifndef JIT_JIT_H
#define JIT_JIT_H
#include "jit/ir.h"
#include "mmu/softtlb.h"
#include <stdatomic.h>

enum { JIT_TEMPS = 256, JIT_RECENT = 16384, JIT_JUMPS = 131072 };

/* Why a block was left before its end, told by helpers and memory slow paths in jit_cpu.trouble. */
enum jit_trouble {
  JIT_FINE,
  JIT_FAULT,   /* the guest takes an exception; the frontend has kept its details */
  JIT_RESTART, /* nothing was done: run this instruction again on its own (device access, write to
                  code) */
};

/* Where compiled code goes on for an address it has computed. An address is in
 * the place its hash says or in that one's neighbour. */
struct jit_jump {
  uint64_t pc;
  uint64_t stamp; /* struct softtlb's while pc is known to lead there */
  const void *code;
  uint64_t frame; /* what a fetch from pc must lead to when the stamp is another one; 0: it is mapped alike for ever */
};
_Static_assert(sizeof(struct jit_jump) == 32, "indexed by a shift, and within a cache line");
#define JIT_JUMP_HASH(pc)      ((pc) >> 2 & (JIT_JUMPS - 1))
#define JIT_JUMP_NEIGHBOUR(pc) (JIT_JUMP_HASH(pc) ^ 1)

/* What ordinary floating-point operations (fpu_ops.def) leave behind instead of working out whether they were exact. */
struct jit_fp {
  uint32_t ready;   /* not 0: operations of kind NOTED may take their ordinary way; kept by the frontend */
  uint32_t last;    /* the helper that stands for the last operation, JIT_FP_EXACT, or 0: the frontend knows all */
  uint64_t a, b, c; /* its operands; of 4-byte ones the low half counts */
};
#define JIT_FP_EXACT UINT32_MAX

/* Guest memory that some modes reach without a TLB: what is at JIT_LINEAR_VA and behind is at `host` and behind. Loads
 * there need not ask the soft TLB. An address is good for 2^k bytes when its offset, rotated right by k, is below
 * limit[k]: so the unaligned are not. All limits are 0 when there is no such memory. */
#define JIT_LINEAR_VA UINT64_C(0xffffffff80000000)
struct jit_linear {
  const uint8_t *host;
  uint64_t limit[4];
  const uint8_t *open; /* in modes of JIT_LINEAR_OPEN: by page of MMU_PAGE_SIZE: not 0: loads may go there; borrowed */
};
enum jit_linear_way { JIT_LINEAR_NO, JIT_LINEAR_FREE, JIT_LINEAR_OPEN };

/* The part of a guest cpu that generated code knows; first member of the frontend's struct cpu. */
struct jit_cpu {
  int64_t budget; /* cycles to the next event: a block runs only if its length fits */
  uint64_t pc;    /* where to go on */
  struct softtlb tlb;
  struct jit_linear linear;
  int64_t reserve;         /* what a load or store that takes time must leave of the budget, or ask for a restart */
  uint32_t trouble;        /* enum jit_trouble */
  uint32_t mode;           /* the frontend's state bits, as in struct jit_key */
  uint32_t attention;      /* not 0: exits that STOP must leave generated code; kept by the frontend */
  uint32_t at;             /* guest instruction within `block` that left it or calls a helper */
  struct jit_block *block; /* running, or just left */
  uint32_t running;        /* 1 within jit_run; kept by the frontend */
  struct jit_exit *left;   /* the exit JIT_EXIT_NEXT was taken through; NULL: to an address in a register */
  uint64_t blocks;         /* blocks entered, for statistics */
  uint64_t *tally;         /* what TALLY counts; borrowed. NULL: no block has any */
  uint64_t stored;         /* a value on its way to a slow store */
  uint64_t trapped;        /* faults_ticks() before the last CALL_BY_TRAP */
  struct jit_fp fp;
  struct jit_jump *jump;     /* JIT_JUMPS of them */
  struct jit_block **recent; /* JIT_RECENT blocks lately found, by pc */
  struct jit *jit;           /* that knows of these tables, and takes out what is gone */
  struct jit_cpu *next_cpu;  /* the jit's */
  uint64_t stalled; /* what devices, not instructions, have taken off the budget so far; kept by the frontend */
  /* In modes with lines (struct jit_guest): pieces of memory that may be used untold, see mmu_lines_init(); and where
   * instructions were last fetched from. */
  struct softtlb_table line[MMU_ACCESS_KINDS];
  uint64_t fetched;
  uint64_t temp[JIT_TEMPS];
};
/* Mode of the blocks that may be run now, kept by the frontend. */
static inline void jit_set_jump_mode(struct jit_cpu *cpu, uint32_t mode) {
  cpu->tlb.stamp = (cpu->tlb.stamp & ~(uint64_t)MMU_STAMP_MODE) | mode;
}
static inline uint32_t jit_jump_mode(const struct jit_cpu *cpu) {
  return (uint32_t)cpu->tlb.stamp & MMU_STAMP_MODE;
}
/* Make the tables. 0 or -1 (no memory). _fini takes a zeroed or initialized one; before or after its jit is freed. */
int jit_cpu_init(struct jit_cpu *cpu);
void jit_cpu_fini(struct jit_cpu *cpu);

typedef uint64_t (*jit_helper)(void *cpu, uint64_t a, uint64_t b, uint64_t c);

struct jit_slot {
  const char *name;
  uint16_t offset; /* bytes from the jit_cpu; 8-byte slots */
};

enum { JIT_LINE_BITS = 5 };

/* What the jit must be told of its guest. Borrowed: outlives the jit. */
struct jit_guest {
  const struct jit_slot *slot;
  unsigned slots;
  unsigned zero_slot;  /* a slot that always holds 0 */
  unsigned kept_slots; /* the first so many change by generated code and helpers alone, not by loads and stores */
  const jit_helper *helper;
  const char *const *helper_name;
  unsigned helpers;
  /* Memory slow paths: op is the IR_LD... or IR_ST... opcode. Set trouble when the access did not
   * happen. */
  uint64_t (*load)(void *cpu, uint64_t va, unsigned op);
  void (*store)(void *cpu, uint64_t va, uint64_t v, unsigned op);
  void (*raise)(void *cpu, unsigned exception); /* sets trouble to JIT_FAULT */
  /* Take the exception that `trouble` (JIT_FAULT) tells of, at cpu->at of cpu->block: what was charged for the rest of
   * the block is given back, pc and mode become the handler's, trouble JIT_FINE. */
  void (*take_fault)(void *cpu);
  /* Do loads in this mode most likely go to linear memory, and may they? NULL: never. */
  enum jit_linear_way (*linear)(uint32_t mode);
  /* For modes whose memory is seen through a view (struct softtlb): how many bits of an address that takes; where
   * these are 32, addresses are sign-extended ones. 0: none. NULL: never. */
  unsigned (*view)(uint32_t mode);
  /* Does code in this mode, which has FETCHED in it, look into jit_cpu.line, pieces of 1 << JIT_LINE_BITS bytes, not
   * into the soft TLB? Each load and store does then, as with jit_set_exact(). NULL: never. */
  bool (*lines)(uint32_t mode);
  /* Called at each sample, when nothing is running: the mode may change to one that has a view, or has none any more.
   * NULL: never. */
  void (*want_view)(void *cpu);
  /* Does this slot, in this mode, always hold a sign-extended 32-bit value? NULL: no. */
  bool (*narrow)(unsigned slot, uint32_t mode);
  /* Is pc, fetched from in some mode, always mapped alike in that mode? NULL: never. */
  bool (*fixed)(uint64_t pc);
};

enum jit_exit_kind {
  JIT_EXIT_NEXT,    /* go on at cpu->pc */
  JIT_EXIT_STOP,    /* go on at cpu->pc; if cpu->attention is set (else it may be _NEXT), look at interrupts first */
  JIT_EXIT_BUDGET,  /* the block at cpu->pc does not fit in what is left of the budget; nothing of it
                       was run */
  JIT_EXIT_FAULT,   /* cpu->at of cpu->block raised an exception */
  JIT_EXIT_RESTART, /* cpu->at of cpu->block must be run on its own */
  JIT_EXIT_KINDS
};

struct jit_block;
struct jit_page; /* the translations of one frame; frame->code points to it */
struct jit;

/* What identifies a block. */
struct jit_key {
  uint64_t pc;
  uint32_t mode;     /* the frontend's state bits */
  uint32_t any_mode; /* to find: a block made for this mode will do, too; 0: none. To make: the same as mode */
};
enum jit_block_flags {
  JIT_BLOCK_SLOT = 1,  /* the last instruction is a delay slot */
  JIT_BLOCK_ALONE = 2, /* one unit, never chained: what runs when a device is accessed or an event is near */
  JIT_BLOCK_FIXED = 4, /* what it does depends on where it is */
};
struct jit_shape {
  uint8_t insns;
  uint8_t flags;
};

enum jit_tier { JIT_AUTO, JIT_EVAL, JIT_STENCIL, JIT_LLVM };
enum { JIT_NO_TIER = -2 };
/* Translations take at most about max_bytes of the host. The tier is JIT_AUTO. */
int jit_new(struct jit **out, const struct jit_guest *g, size_t max_bytes);
/* Before the first block is made. JIT_AUTO: blocks get stencils after some visits, hot ones become regions for LLVM on
 * another thread; JIT_STENCIL: stencils at once, but for blocks that run ALONE; JIT_LLVM: regions after some visits, at
 * once. JIT_NO_TIER: this build has no such tier. */
int jit_set_tier(struct jit *j, enum jit_tier tier);
bool jit_has_tier(enum jit_tier tier);
/* Measure compile_ns by this clock of host nanoseconds; NULL: measure nothing. */
void jit_set_clock(struct jit *j, uint64_t (*clock)(void));
/* Before the first block is made: let compiled code take this much; a quarter is for regions. When its part is full,
 * stencils are forgotten, regions recycled. */
void jit_set_code_cache(struct jit *j, size_t bytes);
/* Before the first block is made: every load and store looks into the soft TLB, so that who takes an entry out sees the
 * next access of its page. */
void jit_set_exact(struct jit *j);
/* For tests, the same: let stencils, or regions, take this much. */
void jit_set_code_bytes(struct jit *j, size_t bytes);
void jit_set_region_bytes(struct jit *j, size_t bytes);
/* For tests, likewise: when code counts as hot, and for how long regions are held back. */
struct jit_tuning {
  int64_t sample_period; /* cycles; 0: as usual */
  int hot;               /* samples; 0: as usual */
  int hot_for_view;      /* the same for code that uses a view */
  uint32_t visits;       /* JIT_LLVM: visits until a block is compiled; 0: as usual */
  uint64_t delay_seed;   /* not 0: the compiler's thread waits at random */
  bool eager;            /* the compiler's thread does not give way to the guest's */
};
void jit_tune(struct jit *j, const struct jit_tuning *t);
/* Before the first block is made: keep what LLVM compiles in this folder, as much as max_bytes. No memory: not done. */
void jit_set_store(struct jit *j, const char *folder, uint64_t max_bytes);
/* What LLVM compiles for one of several jits is compiled once: before the first block is made. The pool outlives its
 * jits. NULL: no memory. */
struct jit_pool;
struct jit_pool *jit_pool_new(void);
void jit_pool_free(struct jit_pool *p);
void jit_set_pool(struct jit *j, struct jit_pool *p);
/* The first thing that went wrong with the store, or NULL. */
const char *jit_store_trouble(struct jit *j);
void jit_free(struct jit *j);

/* Find a block of a frame by pc, mode and the ALONE flag; NULL when there is none yet. */
struct jit_block *jit_find(struct jit *j, struct jit_cpu *cpu, const struct jit_page *page, const struct jit_key *k,
                           bool alone);
/* Compile ir and keep it in *page (made when NULL). Returns NULL when out of memory. */
struct jit_block *jit_add(struct jit *j, struct jit_page **page, const struct jit_key *k, struct jit_shape shape,
                          const struct ir_block *ir);
/* The block for k as a copy of one that the page has of the same instructions, at another address or for the mode
 * `like`, in which they mean the same. NULL: it knows of none, or memory is out. */
struct jit_block *jit_add_copy(struct jit *j, struct jit_page *page, const struct jit_key *k, uint32_t like);
/* A block that belongs to no frame (code on a device page): dead from the start, gone at the next jit_add. */
struct jit_block *jit_orphan(struct jit *j, const struct jit_key *k, struct jit_shape shape, const struct ir_block *ir);
/* Words of a page that some block comes from. */
enum { JIT_PAGE_WORDS = MMU_PAGE_SIZE / 4 };
struct jit_words {
  uint64_t bit[JIT_PAGE_WORDS / 64];
};
static inline void jit_words_add(struct jit_words *w, uint64_t pc, unsigned insns) {
  unsigned first = (pc & (MMU_PAGE_SIZE - 1)) / 4;
  for (unsigned i = first; i < first + insns && i < JIT_PAGE_WORDS; i++) w->bit[i / 64] |= UINT64_C(1) << i % 64;
}
/* Is there one among these bytes? */
static inline bool jit_words_hit(const struct jit_words *w, uint32_t offset, uint32_t bytes) {
  for (uint32_t i = offset / 4; i <= (offset + bytes - 1) / 4 && i < JIT_PAGE_WORDS; i++)
    if (w->bit[i / 64] >> i % 64 & 1) return true;
  return false;
}
/* Does a translation on the page come from any of these bytes? */
bool jit_page_covers(const struct jit_page *page, uint32_t offset, uint32_t bytes);
/* The page was written or is gone: forget its blocks. The running block may be among them: its memory lives until the
 * next jit_add. */
void jit_page_drop(struct jit *j, struct jit_page **page);
void jit_block_drop(struct jit *j, struct jit_block *b);
/* Changes whenever blocks are dropped: who keeps pointers to blocks compares it. */
uint64_t jit_generation(const struct jit *j);
/* Over its bound: the caller drops pages until it is not. */
bool jit_full(const struct jit *j);

/* Run from `b` on, following chained exits, until something else than the next chained block is to
 * be done. */
enum jit_exit_kind jit_run(struct jit *j, struct jit_block *b, struct jit_cpu *cpu);
/* Let the exit through which cpu last left (JIT_EXIT_NEXT) go straight to `to` from now on, if that
 * is safe: same_map says that both addresses are always mapped alike (same page, or unmapped
 * segments). */
void jit_chain(struct jit *j, struct jit_cpu *cpu, struct jit_block *to, bool same_map);

const struct jit_key *jit_block_key(const struct jit_block *b);
struct jit_shape jit_block_shape(const struct jit_block *b);
struct jit_page *jit_block_page(const struct jit_block *b);

/* --- for people (listing.c) --- */
/* Lowered code as text: operands by slot name, t0.. for temporaries. */
void jit_block_print(const struct jit_guest *g, const struct jit_block *b, FILE *to);
/* Operation i alone, without a newline. */
void jit_op_print(const struct jit_guest *g, const struct jit_block *b, unsigned i, FILE *to);
/* What lives at this offset from the cpu: "$4", "t0", "read TLB", or NULL. */
const char *jit_slot_text(const struct jit_guest *g, uint32_t offset, char *buf, size_t n);

/* Host code of a block, in parts; what belongs to one operation follows each other. Of a region there is one part. */
enum { JIT_PART_ALL = -2 };
struct jit_part {
  uint32_t at, n; /* bytes from `code` */
  int op;         /* index of the lowered operation; -1: the head; JIT_PART_ALL */
  bool aside;     /* away from the others: a slow path or a way out */
};
struct jit_listing {
  const uint8_t *code;   /* good as long as the jit */
  struct jit_part *part; /* owned */
  unsigned parts;
  enum jit_tier tier;
  const char *cpu, *budget; /* host registers that hold them; in a region, on entry */
  const struct jit_guest *guest;
  const struct jit_block *block;
  const struct jit_stencils *stencils;
  const void *table; /* of the region */
};
/* Compile b by a tier (JIT_LLVM: as a region of its own), and say what came out; it is never run, and neither is any
 * other block. No parts: it cannot be part of a region. 0, -1 (no memory), or JIT_NO_TIER. */
int jit_block_list(struct jit *j, struct jit_block *b, enum jit_tier tier, struct jit_listing *out);
void jit_listing_free(struct jit_listing *l);
/* What an address or a constant in the code stands for, or NULL. */
const char *jit_listing_name(const struct jit_listing *l, uint64_t v, char *buf, size_t n);

/* Cycles after which the caller is to end a slice and tell so, to find out what is hot; 0: no need. */
int64_t jit_sample_period(const struct jit *j);
/* The budget was used up in cpu->block (JIT_EXIT_BUDGET). Nothing is running. */
void jit_sample(struct jit *j, struct jit_cpu *cpu);

struct jit_stats {
  uint64_t blocks_made, blocks_dropped, insns_translated;
  uint64_t blocks_compiled, insns_compiled, code_resets;
  uint64_t cycles_stencil; /* of the budget used by stencils, bus stalls apart */
  uint64_t compile_ns;     /* host time for making stencils, if a clock was set */
  uint64_t regions_made, regions_found, regions_for_views, regions_dropped, region_insns, region_queue;
  uint64_t samples, samples_region; /* of those: within regions */
  double llvm_seconds;              /* CPU time of its thread */
  size_t region_bytes;
  size_t bytes;
};
void jit_stats(const struct jit *j, struct jit_stats *out);
#endif
