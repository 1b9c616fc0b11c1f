/* criterion-tests/oracle/oracle.h: random user-level blocks, and QEMU as the judge of what they do. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A block is straight code with forward branches. Its words, at the same addresses and from the same initial state, run
 * in qemu-user and in our cpu. The state is reached through low addresses off $0, so that a block may use every
 * register: [ORACLE_RECORD, + ORACLE_RECORD_SIZE) holds the scratch memory, which straddles a page boundary, and all
 * registers, before a block as well as after it. */
#ifndef CRITERION_TESTS_ORACLE_ORACLE_H
#define CRITERION_TESTS_ORACLE_ORACLE_H
#include "frontend/decode.h"
#include <stdio.h>

enum {
  ORACLE_WORDS = 160, /* a block is no longer */
  ORACLE_CODE = 0x400000,
  ORACLE_CODE_END = 0x700000,
  ORACLE_SCRATCH = 0x3f80,
  ORACLE_SCRATCH_SIZE = 256,
  ORACLE_RECORD = ORACLE_SCRATCH,
  ORACLE_GPR = ORACLE_RECORD + ORACLE_SCRATCH_SIZE, /* 8 bytes each; 32-bit cpus use the first four */
  ORACLE_FPR = ORACLE_GPR + 256,                    /* the even ones where Status.FR is clear */
  ORACLE_HI = ORACLE_FPR + 256,
  ORACLE_LO = ORACLE_HI + 8,
  ORACLE_FCSR = ORACLE_LO + 8,
  ORACLE_RECORD_SIZE = ORACLE_FCSR + 8 - ORACLE_RECORD,
};

/* One way of running blocks. */
struct oracle_config {
  const char *name;
  const char *qemu, *qemu_cpu; /* program, its -cpu */
  const char *model;           /* ours */
  bool big, bits64, fpu, fr;
  bool fir; /* QEMU's cpu shows the same FIR */
  bool xx;  /* MIPS IV: qemu-user leaves Status.XX clear, and so has no COP1X */
  bool fs;  /* FCSR.FS is set: Underflow and Inexact are not compared */
};

struct oracle_state {
  uint64_t gpr[32], fpr[32], hi, lo;
  uint32_t fcsr;
  uint8_t scratch[ORACLE_SCRATCH_SIZE];
};

struct oracle_block {
  uint64_t seed;
  uint32_t va; /* also in.gpr[31]: blocks are entered through it */
  unsigned words;
  uint32_t word[ORACLE_WORDS];
  struct oracle_state in;
};

/* --- generate.c --- */
/* Why the generator never writes a row of insns.def; NULL: it does. */
const char *oracle_excluded(const struct oracle_config *cfg, const struct insn_index *x, enum insn_row row);
/* Make the block of a seed for an address. It ends with a jump to `end`. */
void oracle_generate(const struct oracle_config *cfg, const struct insn_index *x, uint64_t seed, uint32_t va,
                     uint32_t end, struct oracle_block *out);

/* --- program.c --- */
bool oracle_has_qemu(const struct oracle_config *cfg);
/* Where a block jumps to when it is done, and where the first one may stand. */
uint32_t oracle_end(const struct oracle_config *cfg);
uint32_t oracle_first(const struct oracle_config *cfg);
/* Run blocks in one qemu-user process. Returns how many ended normally; *status is what wait() gave. */
unsigned oracle_qemu(const struct oracle_config *cfg, const struct oracle_block *b, unsigned n,
                     struct oracle_state *out, int *status);
/* State to and from the bytes of a record, in the guest's byte order. */
void oracle_pack(const struct oracle_config *cfg, const struct oracle_state *s, uint8_t bytes[ORACLE_RECORD_SIZE]);
void oracle_unpack(const struct oracle_config *cfg, const uint8_t bytes[ORACLE_RECORD_SIZE], struct oracle_state *s);

/* --- values.c --- */
uint64_t oracle_value(uint64_t *seed);  /* an integer, likely at an edge */
uint32_t oracle_single(uint64_t *seed); /* the same for floating point */
uint64_t oracle_double(uint64_t *seed);
void oracle_initial(const struct oracle_config *cfg, uint64_t *seed, uint32_t va, struct oracle_state *out);
#endif
