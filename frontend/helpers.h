/* frontend/helpers.h: the C functions that generated code calls for rare or long instructions. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Each runs on the VCPU thread with jit_cpu.at naming its instruction; one that calls mips_raise() has done nothing
 * else, and its result is ignored. Numbers and meanings: helpers.def. */
#ifndef FRONTEND_HELPERS_H
#define FRONTEND_HELPERS_H
#include "frontend/fpu.h" /* MIPS_FPU_OPS */

enum mips_helper {
#define HELPER(name) HELPER_##name,
#include "frontend/helpers.def"
  HELPERS
};

#define HELPER(name) uint64_t mips_help_##name(void *cpu, uint64_t a, uint64_t b, uint64_t c);
#include "frontend/helpers.def"
#endif
