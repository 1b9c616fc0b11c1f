/* criterion-tests/harness.h: a bare machine for tests: some RAM, one cpu, a device that remembers what it saw. */
/* SPDX-License-Identifier: Apache-2.0 */
/* No board, no monitor: the cpu room with the rooms below it, and fakes for its hooks. Each exception vector holds a
 * jump to itself, so that a program that raises ends there. All functions stop the test when something is wrong. */
#ifndef CRITERION_TESTS_HARNESS_H
#define CRITERION_TESTS_HARNESS_H
#include "frontend/cpu.h"
#include <stdio.h>

enum {
  RIG_RAM = 8 << 20,
  RIG_DEVICE = 0x1f000000, /* guest-physical; outside RAM */
  RIG_SEEN = 64,
  RIG_LLVM_VISITS = 4, /* until the LLVM tier compiles a block */
};
#define RIG_CODE   UINT64_C(0xffffffff80010000) /* kseg0; where programs usually start */
#define KSEG0(gpa) (UINT64_C(0xffffffff80000000) | (gpa))
#define KSEG1(gpa) (UINT64_C(0xffffffffa0000000) | (gpa))

/* One access the device has seen. */
struct rig_access {
  uint64_t now, gpa, value;
  int size;
  bool write;
};

struct rig {
  struct mmu_memmap memmap;
  struct mmu_pmap pmap;
  struct jit *jit;
  struct cpu *cpu;
  struct rig_access seen[RIG_SEEN];
  unsigned accesses;
  uint64_t now;   /* as the device was last told */
  uint64_t stall; /* cycles each access costs */
  bool raises;    /* each access sets hardware interrupt line 0 */
  uint64_t dma;   /* not 0: each access stores there, too, as far as links are concerned */
};

/* Little- or big-endian; the model must exist. The tier is $MB_TIER's (eval, stencil, auto). Status is a kernel's: CU0,
 * CU1, on 64 bits FR, KX, SX, UX; BEV, EXL, ERL and IE clear. Free with rig_free. */
struct rig *rig_new(const char *model, bool big);
struct rig *rig_new_in(const char *model, bool big, enum jit_tier tier);
void rig_free(struct rig *r);
/* As after rig_new, but for the contents of RAM; translations stay. */
void rig_reset(struct rig *r);

/* Drop all translations. */
void rig_forget_code(struct rig *r);

/* Guest memory by guest-physical address; what is written drops translations, as DMA would. */
void rig_write(struct rig *r, uint64_t gpa, const void *bytes, size_t n);
void rig_read(const struct rig *r, uint64_t gpa, void *bytes, size_t n);
/* Values in the guest's byte order; size 1, 2, 4 or 8. */
void rig_poke(struct rig *r, uint64_t gpa, uint64_t v, unsigned size);
uint64_t rig_peek(const struct rig *r, uint64_t gpa, unsigned size);
/* Instruction words; returns the address behind them. */
uint64_t rig_code(struct rig *r, uint64_t gpa, const uint32_t *word, size_t n);
#define RIG_CODE_AT(r, gpa, ...)                                                                                       \
  rig_code(r, gpa, (const uint32_t[]){__VA_ARGS__}, sizeof(const uint32_t[]){__VA_ARGS__} / sizeof(uint32_t))

void rig_status(struct rig *r, uint32_t status);
/* TLB entry i: the pair of 4 KiB pages at va goes to gpa and gpa + 4096; RIG_MAP_ flags hold for both. */
enum { RIG_MAP_V = 1, RIG_MAP_D = 2, RIG_MAP_G = 4, RIG_MAP_XI = 8, RIG_MAP_ODD_INVALID = 16 };
void rig_map(struct rig *r, unsigned i, uint64_t va, uint64_t gpa, uint8_t asid, unsigned flags);

void rig_go(struct rig *r, uint64_t pc);
/* Run for exactly so many cycles, or until the cpu waits or is dead. */
enum mips_stop rig_run(struct rig *r, uint64_t cycles);
/* Run unit by unit until pc stands at an instruction boundary; false: not within so many cycles. */
bool rig_step_to(struct rig *r, uint64_t pc, uint64_t cycles);
/* Cause.ExcCode when pc is at an exception vector (BEV clear), else -1. */
int rig_exception(const struct rig *r);
uint64_t rig_now(const struct rig *r);
uint64_t rig_hash(const struct rig *r);

/* --- the cross assembler --- */
struct rig_program {
  uint32_t *word; /* in host order; owned */
  size_t words;
};
/* Is there a MIPS assembler? Tests that need one are skipped without. */
bool rig_has_assembler(void);
/* Assemble and link a source file at an address (n64 symbols). False, with the assembler's words on stderr: it failed.
 */
bool rig_assemble(const char *path, bool big, uint64_t va, struct rig_program *out);

/* --- random numbers: splitmix64; the same seed gives the same sequence everywhere --- */
static inline uint64_t rig_random(uint64_t *seed) {
  uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}
static inline unsigned rig_below(uint64_t *seed, unsigned n) {
  return (unsigned)((rig_random(seed) >> 32) * n >> 32);
}
/* An empty file of the test's own; as .init and .fini of a test. */
extern char rig_path[];
void rig_make_path(void);
void rig_remove_path(void);
/* $NAME as a number, or `otherwise`. */
uint64_t rig_setting(const char *name, uint64_t otherwise);
#endif
