/* frontend/model.h: what distinguishes one cpu model from another: a row of the table in model.c.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FRONTEND_MODEL_H
#define FRONTEND_MODEL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Instruction sets and extensions, as bits: insns.def names the least one that has the instruction.
 */
enum mips_isa {
  ISA_MIPS1 = 1 << 0,
  ISA_MIPS2 = 1 << 1,
  ISA_MIPS3 = 1 << 2,
  ISA_MIPS4 = 1 << 3,
  ISA_MIPS32 = 1 << 4,
  ISA_MIPS32R2 = 1 << 5,
  ISA_MIPS64 = 1 << 6,
  ISA_MIPS64R2 = 1 << 7,
  ISA_FPU = 1 << 8, /* has a floating-point unit */
  ISA_PS = 1 << 9,  /* paired singles */
  ISA_EJTAG = 1 << 10,
};

enum { CONFIG3_CMGCR = 1 << 29 }; /* made to stand beside others, with a coherence manager (CMGCRBase) */

struct cpu_model {
  const char *name;
  const char *about;
  uint32_t isa; /* all sets it has */
  uint32_t prid;
  uint32_t config[8];
  uint32_t config_rw[8]; /* bits software may write */
  uint32_t status_rw;
  uint32_t fcr0, fcsr_rw, fcsr_reset;
  uint8_t tlb_entries;
  uint8_t segbits, pabits; /* virtual and physical address width */
  uint8_t ccres;           /* cycles per Count */
  uint8_t shadow_sets;     /* beyond the first */
  uint8_t watch;           /* watch register pairs */
  uint32_t intctl, pagegrain_rw, hwrena_rw;
  uint64_t pagemask_rw;
};

extern const struct cpu_model cpu_models[];
extern const size_t cpu_model_count;
/* NULL when unknown. Names compare without case. */
const struct cpu_model *cpu_model_find(const char *name);
#endif
