/* jit/code.h: lowered code: IR with its values placed in slots and temporaries. */
/* SPDX-License-Identifier: Apache-2.0 */
/* What the slot-to-slot tiers run. Each operation names its operands by byte offset from the cpu; a guest register is
 * read and written in place, a value that has no register of its own lives in jit_cpu.temp. The opcodes are derived
 * from ir_ops.def in opcodes.def. Operands that an operation wants 4 bytes of (of FPU operations, what ST32 stores,
 * what SET32 takes) and 4-byte results may be halves of slots, at offsets that are no multiples of 8. */
#ifndef JIT_CODE_H
#define JIT_CODE_H
#include "jit/jit.h"

enum jit_opcode {
#define JIT_OPCODE(name) J_##name,
#include "jit/opcodes.def"
  JIT_OPCODES
};

struct jit_op {
  uint16_t op;
  uint16_t d, a, b; /* byte offsets from the jit_cpu */
  union {
    int64_t imm; /* forms with an immediate, exits: pc */
    struct {
      int32_t offset; /* memory: displacement. CALL, RAISE, FPU: which. EXIT_x: instructions refunded */
      uint16_t c;     /* CALL, SELECT, FPU, conditional stores: third operand. EXIT_x: index into the block's exits */
      uint8_t at;
      uint8_t hint; /* enum jit_hint */
    };
  };
};
/* What a tier may make use of. */
enum jit_hint {
  JIT_UNNOTED = 1,   /* FPU: another one follows before anybody can ask for the note */
  JIT_IN_MEMORY = 2, /* load, MOV, MOVI (where `a` has the hint): nobody wants the value in a register */
  JIT_MOVES = 4,     /* MOVI (in `a`): an address as far from the block's wherever that is */
};
_Static_assert(sizeof(struct jit_op) == 16, "four to a cache line");

enum { JIT_MAX_CODE = 2 * IR_MAX_OPS };

/* An exit to a known address; owned by its block. `to` is followed without asking anyone. `seen` is where it led when
 * it was last asked: on another page that may be mapped differently by now. At most one of them is set. */
struct jit_exit {
  uint64_t pc;
  struct jit_block *to, *seen;
  struct jit_block *owner;
  struct jit_exit *next, **prev; /* among the exits that lead to `to` or `seen` */
  uint32_t jump, stub;      /* compiled: the displacement of its jump; where that goes while `to` is not compiled */
  uint32_t look_up, resets; /* code that looks its address up, made after that many resets; 0: none */
  const void *go;           /* where regions go; NULL: no region has this exit */
};

enum { JIT_EXITS = 2 };

struct jit_block {
  /* What finding and entering it looks at: one cache line. */
  struct jit_key key;
  struct jit_shape shape;
  uint16_t ops;
  uint32_t heat;          /* visits until it is compiled; 1 once it is; JIT_COLD: never */
  uint32_t host;          /* offset in code memory of what runs it, or 0: the region it begins, or its stencils */
  struct jit_page *page;  /* NULL: an orphan */
  struct jit_block *next; /* in its bucket, or among the dead */
  struct jit_exit exit[JIT_EXITS];
  struct jit_exit *incoming;
  uint32_t stencils;             /* offset of its stencils, or 0 */
  int16_t samples;               /* times the clock has struck here, of late */
  struct jit_region *region;     /* the one it begins */
  struct region_member *regions; /* those it is in */
  struct jit_block *next_compiled, **prev_compiled;
  struct jit_op code[];
};

/* Let no cpu jump to where b was from now on. */
void jit_forget_jumps(struct jit *j, const struct jit_block *b);
/* Lower ir. Exits' addresses go to exit_pc[]. Returns the number of operations, 0 when temporaries ran out. */
unsigned jit_lower(const struct jit_guest *g, const struct ir_block *ir, struct jit_op out[JIT_MAX_CODE],
                   uint64_t exit_pc[JIT_EXITS]);
/* Find a block on a page, or NULL. Not one that runs ALONE. */
struct jit_block *jit_page_block(const struct jit_page *page, const struct jit_key *k);
/* What the soft TLB gives for fetches from the page; 0: not known yet. */
uint64_t jit_page_frame(const struct jit_page *page);
enum { JIT_SWITCH = -1 }; /* from jit_eval: cpu->block is to be run by another tier */
#define JIT_COLD UINT32_MAX
/* The eval tier's loop; see jit_run(). Returns an enum jit_exit_kind or JIT_SWITCH. */
int jit_eval(const struct jit_guest *g, struct jit_block *b, struct jit_cpu *cpu);

/* --- listing.c --- */
bool jit_listing_add(struct jit_listing *l, uint32_t from, uint32_t to, int op, bool aside);
const char *jit_opcode_text(unsigned op);

/* --- the stencil tier (tier_stencil.c, or no_stencils.c where there is none) --- */
struct jit_stencils;
/* 0, -1 (no memory), or JIT_NO_TIER. */
int jit_stencils_new(struct jit_stencils **out, const struct jit_guest *g, size_t max_bytes, size_t region_bytes);
void jit_stencils_free(struct jit_stencils *s);
bool jit_stencils_present(void);
/* Give b stencils. 0; -1: no room, forget everything and try again; -2: it does not even fit then. */
int jit_stencils_compile(struct jit_stencils *s, struct jit_block *b);
/* The same for a block that will never run, which is not changed; l gets the parts. 0 or -1. */
int jit_stencils_list(struct jit_stencils *s, struct jit_block *b, struct jit_listing *l);
/* The name of code that blocks share. False: this is none. */
bool jit_stencils_label(const struct jit_stencils *s, uint32_t at, char *buf, size_t n);
/* Forget all code; no block is compiled any more. */
void jit_stencils_reset(struct jit_stencils *s);
void jit_stencils_forget(struct jit_stencils *s, struct jit_block *b);
/* Let the jump of x lead where x->to says. */
void jit_stencils_link(struct jit_stencils *s, struct jit_exit *x);
/* Let the jump of x look its address up from now on. */
void jit_stencils_look_up(struct jit_stencils *s, struct jit_exit *x);
/* Enter b in the jump cache of a cpu on which it is about to run. */
void jit_stencils_remember(struct jit_stencils *s, struct jit_block *b, struct jit_cpu *cpu);
/* Run the code at this offset. Returns an address and an enum stencil_leave. */
uint64_t jit_stencils_run(const struct jit_stencils *s, uint32_t code, struct jit_cpu *cpu);
size_t jit_stencils_bytes(const struct jit_stencils *s);
/* Where to go on after a host fault at this address; 0: it is not of these. */
uint64_t jit_stencils_fault(const struct jit_stencils *s, uint64_t pc);
/* The part of code memory that is for regions. */
struct jit_region_memory {
  const uint8_t *exec; /* the beginning of all code memory */
  uint32_t begin, end;
};
struct jit_region_memory jit_stencils_region_memory(const struct jit_stencils *s);
/* C functions that regions call, through code that saves all registers. Before anything is compiled. */
struct jit_region_calls {
  uintptr_t load, store, fpu, raise, leave;
};
void jit_stencils_make_region_shared(struct jit_stencils *s, const struct jit_region_calls *c);
/* The address of shared code, by name: go_on, go_on_at_pc, trouble, slow_load, slow_store, slow_fpu, raise, leave. 0:
 * unknown. */
uint64_t jit_stencils_shared(const struct jit_stencils *s, const char *name);
/* b->region has come or gone: let everything that leads to b do so. */
void jit_stencils_enter_at(struct jit_stencils *s, struct jit_block *b);
/* Regions have this exit from now on. */
void jit_stencils_give_cell(struct jit_stencils *s, struct jit_exit *x);

/* --- the LLVM tier (tier_llvm.c, or no_llvm.c where there is none) --- */
struct jit_regions;
struct jit_regions_config {
  struct jit *jit;
  struct jit_stencils *stencils;
  bool exact;        /* see jit_set_exact() */
  bool wait;         /* compile at once, on the caller's thread */
  const char *store; /* folder in which regions are kept, or NULL */
  uint64_t store_bytes;
  struct jit_pool *pool; /* borrowed, or NULL */
  struct jit_tuning tuning;
};
int jit_regions_new(struct jit_regions **out, const struct jit_guest *g, const struct jit_regions_config *c);
void jit_regions_free(struct jit_regions *rs);
bool jit_regions_present(void);
/* b is hot, or at least due: make a region that has it. */
void jit_regions_want(struct jit_regions *rs, struct jit_block *b);
/* The clock has struck in b, within a region or not. */
void jit_regions_sample(struct jit_regions *rs, struct jit_block *b, bool in_region);
/* Where to go on after a host fault at this address; 0: no region has it. */
uint64_t jit_regions_fault(const struct jit_regions *rs, uint64_t pc);
/* Nothing runs now: put finished regions into use, free dead ones. */
void jit_regions_settle(struct jit_regions *rs);
/* Stencils are gone: no exit of a region may lead there. */
void jit_regions_relink(struct jit_regions *rs);
/* b dies. */
void jit_regions_forget(struct jit_regions *rs, struct jit_block *b);
/* What went wrong with the store first, or NULL. */
const char *jit_regions_trouble(struct jit_regions *rs);
/* Compile a region of b alone, which will never run; l gets its code. 0 or -1. */
int jit_regions_list(struct jit_regions *rs, struct jit_block *b, struct jit_listing *l);
void jit_regions_stats(const struct jit_regions *rs, struct jit_stats *out);
#endif
