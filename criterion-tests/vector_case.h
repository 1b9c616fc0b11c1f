/* criterion-tests/vector_case.h: the cases of a file in vectors/, as numbers. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRITERION_TESTS_VECTOR_CASE_H
#define CRITERION_TESTS_VECTOR_CASE_H
#include "criterion-tests/harness.h"

enum {
  VECTOR_SCRATCH = 0x4000,
  VECTOR_GPA = 0x20000,
  VECTOR_STRIDE = 0x600, /* each group of cases has its code at VECTOR_FRONT in its own piece */
  VECTOR_FRONT = 0x400,
  VECTOR_WRITES = 8,
  VECTOR_CASES = 600,
};
#define VECTOR_VA KSEG0(VECTOR_GPA)

struct vector_state {
  uint64_t gpr[32], fpr[32], hi, lo;
  uint32_t fcsr;
  uint8_t scratch[VECTOR_SCRATCH];
};

struct vector_write {
  uint16_t at;
  uint8_t size;
  bool ordered; /* a value in the guest's byte order; else bytes */
  uint64_t value;
  uint8_t bytes[16];
};

/* What one side of the arrow names. */
struct vector_side {
  uint32_t gprs, fprs; /* bit n: register n is named */
  uint32_t low, high;  /* bit n: a half of $fn is named */
  uint32_t relative;   /* bit n: $n is relative to the case's first instruction */
  uint64_t gpr[32], fpr[32], hi, lo;
  uint32_t half[32][2];
  uint32_t fcsr;
  bool has_hi, has_lo, has_fcsr;
  struct vector_write write[VECTOR_WRITES];
  unsigned writes;
};

struct vector_case {
  const char *file;
  char text[200];
  unsigned line, group, words;
  bool user, fr0, no_cu1, no_64, only_64, only_32, only_big, only_little;
  struct vector_side before, after;
  const char *exception; /* NULL: none */
  char exception_name[8];
  unsigned epc, bd, ce; /* epc: word of the case */
  bool has_badva;
  uint64_t badva;
};

struct vector_file {
  char path[512], name[64];
  char assembly[64]; /* a temporary file for the assembler */
  struct vector_case *list;
  unsigned cases, groups;
};

/* 0, or -1 with the reason on stderr. Undo with vector_free. */
int vector_read(const char *folder, const char *name, struct vector_file *out);
void vector_free(struct vector_file *f);
/* Count the case's words: up to the jump to itself that stands behind it. */
void vector_words(struct vector_case *c, const struct rig_program *p);
#endif
