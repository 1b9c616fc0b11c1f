/* jit/region.h: regions: hot blocks that LLVM compiles as one function. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A region is grown from a seed along chained exits. Its nodes are blocks; a block that is reached by calls from
 * different places is a node for each, so that where it returns to is known (and checked). What the compiler gets is a
 * copy: blocks may die while it works. */
#ifndef JIT_REGION_H
#define JIT_REGION_H
#include "jit/code.h"

enum { REGION_NODES = 80, REGION_NONE = -1 };

/* How large a region may grow. */
struct region_bounds {
  unsigned nodes, ops;
  unsigned calls;    /* depth */
  unsigned straight; /* nodes, where there is no loop */
};
#define REGION_SMALL ((struct region_bounds){40, 1000, 3, 12})
#define REGION_LARGE ((struct region_bounds){REGION_NODES, 2000, 4, 24}) /* takes LLVM some tenths of a second */

struct region_node {
  struct jit_key key;
  struct jit_shape shape;
  uint16_t ops;
  uint16_t block; /* among the region's blocks; names its symbols in the object */
  uint32_t code;  /* index of its first operation */
  uint64_t exit_pc[JIT_EXITS];
  int16_t to[JIT_EXITS];    /* the node an exit leads to, or REGION_NONE: out of the region */
  bool check_to[JIT_EXITS]; /* ... on another page, which may be mapped differently by then */
  int16_t returns;          /* the node a computed jump most likely leads to */
  bool check_returns;
  /* While it grows. */
  int16_t context;
};

/* Everything the compiler needs; owns nothing else. */
struct region_source {
  unsigned nodes, ops, blocks;
  unsigned view; /* not 0: memory is accessed through a view for addresses of so many bits; see jit_guest.view */
  bool exact;    /* no access may remember what the soft TLB said before; see jit_set_exact() */
  bool lines;    /* accesses look into jit_cpu.line; see struct jit_guest */
  struct region_node node[REGION_NODES]; /* the first is the seed */
  struct jit_op code[];
};

struct jit_object { /* host code, not yet at an address */
  void *bytes;
  size_t size;
};

/* Where a region calls out of line: which of its blocks, the instruction within it, the IR opcode of a load, store or
 * FPU operation; the budget that must be left, or the region must be left, should it have become less. */
#define REGION_WHERE(block, at, op, rest)                                                                              \
  ((uint64_t)(block) | (uint64_t)(at) << 16 | (uint64_t)(op) << 24 | (uint64_t)(rest) << 32)
/* Where the values of slots are at each call out of line of a region. */
enum region_place { PLACE_REGISTER, PLACE_MEMORY, PLACE_CONSTANT };
struct region_value {
  uint16_t slot;
  uint8_t place, reg; /* DWARF number; MEMORY: the base */
  bool narrow;        /* 32 bits, to be sign-extended */
  int64_t value;      /* CONSTANT; MEMORY: offset */
};
struct region_site {
  uint32_t at; /* return address of the call, from the function's start */
  uint32_t first, values;
};
/* A host instruction that may fault, because it accesses a view, and where to go on then; from the function's start. */
struct region_fault {
  uint32_t at, to;
};
/* The section of an object that names them: pairs of 64-bit addresses. */
#define REGION_FAULTS ".mirrorball_faults"
/* The order of sites and faults, which both begin with `at`: for qsort and bsearch. */
int region_by_at(const void *a, const void *b);
struct region_table {
  const struct jit_guest *guest;
  uint64_t code; /* the function's address */
  uint64_t stack_size;
  const struct region_member *member; /* for the addresses of blocks */
  unsigned sites;
  struct region_site *site; /* by `at` */
  struct region_value *value;
  unsigned faults;
  struct region_fault *fault; /* by `at` */
};

/* One block's place in a region. */
struct region_member {
  struct jit_region *region;
  struct jit_block *block; /* NULL: it died, and the region with it */
  struct region_member *next, **prev;
};

enum region_state { REGION_QUEUED, REGION_LIVE, REGION_DEAD };
struct jit_region {
  enum region_state state;
  bool compiling;        /* the compiler has it: must not be freed */
  uint32_t at, size;     /* in code memory */
  _Atomic uint32_t heat; /* samples, decaying */
  uint32_t insns;
  uint32_t ticks;             /* samples within it */
  struct jit_region *smaller; /* the one it is to replace; NULL: none, or no more */
  bool has_larger;            /* one was wanted to replace it */
  struct region_source *source;
  struct jit_object object;
  struct region_table table;
  struct jit_linked *linked;
  double seconds;
  struct jit_region *next; /* in the compiler's queues, or among all */
  struct jit_region *next_all, **prev_all;
  unsigned members;
  struct region_member member[]; /* the first is the seed's */
};

/* Can this block be part of a region? */
bool region_takes(const struct jit_block *b);
/* The block at which a region that is to contain b best begins. */
struct jit_block *region_seed(struct jit_block *b);
/* Grow a region. NULL: no memory, or nothing worth it. */
struct jit_region *region_grow(const struct jit_guest *g, struct jit_block *seed, struct region_bounds bounds);
void region_free(struct jit_region *r);

/* --- the compiler: LLVM. Everything below may be called from another thread, one at a time per compiler --- */
struct jit_llvm;
int jit_llvm_new(struct jit_llvm **out, const struct jit_guest *g);
void jit_llvm_free(struct jit_llvm *l);
/* 0, or -1. The object's bytes are the caller's to free. */
int jit_llvm_compile(struct jit_llvm *l, const struct region_source *s, struct jit_object *out);
bool jit_llvm_present(void);

/* Which compiler, for which host: a line of text that lives as long as l. */
const char *jit_llvm_name(const struct jit_llvm *l);

/* --- keys for the store (region_key.c) --- */
struct region_key {
  void *bytes;
  size_t size, room;
  bool failed;
};
/* What all keys of a process begin with. 0, or -1: no memory, or this program cannot be told from others. */
int region_key_begin(struct region_key *k, const struct jit_guest *g, const char *compiler);
int region_key_make(struct region_key *k, const struct region_key *begun, const struct region_source *s);
void region_key_fini(struct region_key *k);

/* Add what an object's sections say, once its code is at t->code: the stack map, the faults. 0 or -1. */
int region_table_read_map(struct region_table *t, const void *bytes, size_t size);
int region_table_read_faults(struct region_table *t, const void *bytes, size_t size);
void region_table_fini(struct region_table *t);
/* The C side of a region's calls out of line (rebuild.c). */
struct jit_region_calls region_calls(void);

/* --- the linker: ORC (llvm_link.c). It is used by one thread at a time --- */
struct jit_linker;
struct jit_linked; /* what is linked, to ORC */
struct link_request {
  const struct jit_object *object;
  /* The address that a name in the object stands for; 0: unknown. */
  uint64_t (*find)(const void *ctx, const char *name);
  const void *ctx;
  uint8_t *room; /* whole pages in which nothing runs, as they are executed */
  size_t size;
};
int jit_linker_new(struct jit_linker **out);
/* What is still linked is unlinked. */
void jit_linker_free(struct jit_linker *l);
/* So many bytes of room are enough for any object of this size. */
uint32_t jit_link_room(const struct jit_object *o);
/* Put an object into its room. The table gets its address and what its sections say; its `guest` must be set. 0 or -1.
 */
int jit_link(struct jit_linker *l, const struct link_request *want, struct region_table *t, struct jit_linked **out);
/* Of its room the first so many bytes are used, and of these so many from its address on are instructions. */
uint32_t jit_linked_size(const struct jit_linked *d);
uint32_t jit_linked_code_size(const struct jit_linked *d);
/* The room is free again. NULL: nothing. */
void jit_unlink(struct jit_linker *l, struct jit_linked *d);
#endif
