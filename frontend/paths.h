/* frontend/paths.h: by which calls a kernel came to what it executes, and how often, exactly. */
/* SPDX-License-Identifier: Apache-2.0 */
/* On when struct cpu_config has `paths`, beside `tally`. Then each block of the kernel's ends with a call that counts
 * the block for the path that the running thread is on, and follows it: a call leads to a node of a tree, the return
 * back to where it was made. A node is the place of a call below another node; the function that runs is told by the
 * counted piece's own address, so that a tail call, or code that falls into the next function, is where it is.
 * - A return goes behind a call of this thread, with the stack pointer that this had, or hardly more. One that does not
 *   (`unmatched`) leaves what the stack pointer says is gone.
 * - The running thread is told by $28, as Linux/MIPS keeps it, at calls and returns. A kernel that has something else
 *   there has one thread for each cpu.
 * - What an exception is about to do lies below the path of the instruction that caused it; an interrupt, and what
 *   comes from user mode, has a root of its own.
 * - Calls, returns and exceptions end blocks, so nothing depends on how code is cut. User programs are counted by the
 *   tally alone.
 * One owner; cpus that take turns share it. */
#ifndef FRONTEND_PATHS_H
#define FRONTEND_PATHS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu;

/* How a block ends. */
enum mips_path_end {
  MIPS_PATH_ON,
  MIPS_PATH_CALL,   /* if the helper's value is not 0 */
  MIPS_PATH_RETURN, /* jr $31; the value is where to */
  MIPS_PATH_JUMP,   /* jr to elsewhere: a return if it goes where one would */
  MIPS_PATH_ERET,
};

/* Sites of nodes that are no calls: never addresses of code. */
#define MIPS_PATH_SITE(n) ((uint64_t)(n) << 2 | 1)
/* Numbers of such: MIPS_EVENT_* for an exception, or */
enum { MIPS_PATH_THREAD = 0x1000, MIPS_PATH_NO_ROOM, MIPS_PATH_UNFETCHED };

enum { MIPS_PATH_NODES = 1 << 22, MIPS_PATH_PAIRS = 1 << 24, MIPS_PATH_DEPTH = 384 };

struct mips_path_node {
  uint64_t site;
  uint32_t above, next; /* next with this hash; 0: none */
  uint16_t depth;
};
/* So often was a row of the tally executed on a path. */
struct mips_path_pair {
  uint64_t key; /* node << 32 | row; 0: free */
  uint64_t count;
};
struct mips_path_thread;

struct mips_paths {
  struct mips_path_node *node; /* node 0 is the root: above all, and what nobody called */
  uint32_t *bucket;
  uint32_t nodes, room; /* room is less in tests */
  struct mips_path_pair *pair;
  size_t pairs, places; /* places: a power of two */
  struct mips_path_thread *thread;
  uint64_t unmatched; /* returns */
  uint64_t uncounted; /* times that there was no room for a pair: the tally has them, and no path */
};

/* 0 or -1 (no memory). _fini takes a zeroed or initialized one. */
int mips_paths_init(struct mips_paths *p, uint32_t room);
void mips_paths_fini(struct mips_paths *p);

/* --- within the frontend --- */
/* A row of the kernel's was executed: as far as no block of its own counts it. */
void mips_path_count(struct cpu *c, uint32_t row);
/* An exception (enum mips_event) of the instruction at pc is about to be entered; mode and Status are still the
 * victim's. */
void mips_path_enter(struct cpu *c, uint64_t pc, unsigned event);
#endif
