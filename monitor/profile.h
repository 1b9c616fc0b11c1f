/* monitor/profile.h: where the guest spends its instructions: samples, by stack. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_PROFILE_H
#define MONITOR_PROFILE_H
#include "jit/jit.h"
#include "monitor/error.h"

struct mb_vm;

enum { MON_STACK_MAX = 64 };

/* Samples that were alike: same pc, same calls, same privilege and, in user mode, same ASID. */
struct mon_stack {
  uint64_t samples, hash;
  size_t call; /* index of the pc among the profile's calls; those that led there follow */
  uint16_t depth;
  uint8_t asid;
  bool user, vector; /* vector: within the first steps of an exception */
};

/* Exits of generated code to the run loop from about one place. */
struct mon_left {
  uint64_t pc; /* of the block */
  uint32_t kind;
  uint32_t samples; /* 0: free */
};
enum { MON_LEFT_PLACES = 1 << 14, MON_LEFT_EVERY = 61 };

struct mon_profile {
  struct mon_left *left; /* hash table of MON_LEFT_PLACES */
  uint64_t left_seen, left_lost;
  uint64_t every, due; /* instructions: from sample to sample; at which the next is taken */
  bool exact;          /* no samples, but all instructions: what is said of one below is said of the other */
  uint64_t samples;
  uint64_t cut; /* samples whose callers were left out for want of memory */
  uint64_t lost;
  struct mon_stack *stack;
  size_t stacks, stack_room;
  uint64_t *call;
  size_t calls, call_room;
  uint32_t *slot; /* hash table: 1 + index of a stack */
  size_t slots;
};

/* 0 or MB_ERR_MEMORY. */
__attribute__((warn_unused_result)) int mon_profile_new(struct mon_profile **out, uint64_t every);
void mon_profile_free(struct mon_profile *p);
/* Count each MON_LEFT_EVERY-th exit, by place and reason; for struct cpu_config. */
void mon_profile_left(void *ctx, uint64_t pc, enum jit_exit_kind kind);
/* Add so many samples of a stack: s has all but `samples`, `hash` and `call`. */
void mon_profile_add(struct mon_profile *p, const struct mon_stack *s, const uint64_t *call, uint64_t samples);
/* Take the sample if it is due. Between instructions only. */
void mon_profile_look(struct mb_vm *vm);
/* profile_exact.c: all instructions so far, by call path: from what cpus have counted. A function's are under its
 * address. 0 or MB_ERR_MEMORY; *out is to be freed either way. */
__attribute__((warn_unused_result)) int mon_profile_of_paths(struct mb_vm *vm, struct mon_profile **out);
#endif
