/* jit/no_stencils.c: stands in for the stencil tier where it was not built: other hosts, or no clang-19. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "jit/code.h"
#include <assert.h>

bool jit_stencils_present(void) {
  return false;
}
int jit_stencils_new(struct jit_stencils **out, const struct jit_guest *g, size_t max_bytes, size_t region_bytes) {
  (void)g, (void)max_bytes, (void)region_bytes;
  *out = NULL;
  return JIT_NO_TIER;
}
void jit_stencils_free(struct jit_stencils *s) {
  (void)s;
}
int jit_stencils_compile(struct jit_stencils *s, struct jit_block *b) {
  (void)s, (void)b;
  return -2;
}
int jit_stencils_list(struct jit_stencils *s, struct jit_block *b, struct jit_listing *l) {
  (void)s, (void)b, (void)l;
  return -1;
}
bool jit_stencils_label(const struct jit_stencils *s, uint32_t at, char *buf, size_t n) {
  (void)s, (void)at, (void)buf, (void)n;
  return false;
}
void jit_stencils_reset(struct jit_stencils *s) {
  (void)s;
}
void jit_stencils_forget(struct jit_stencils *s, struct jit_block *b) {
  (void)s, (void)b;
}
void jit_stencils_link(struct jit_stencils *s, struct jit_exit *x) {
  (void)s, (void)x;
}
void jit_stencils_look_up(struct jit_stencils *s, struct jit_exit *x) {
  (void)s, (void)x;
}
void jit_stencils_remember(struct jit_stencils *s, struct jit_block *b, struct jit_cpu *cpu) {
  (void)s, (void)b, (void)cpu;
}
uint64_t jit_stencils_run(const struct jit_stencils *s, uint32_t code, struct jit_cpu *cpu) {
  (void)s, (void)code, (void)cpu;
  assert(!"no block is ever compiled");
  return 0;
}
uint64_t jit_stencils_fault(const struct jit_stencils *s, uint64_t pc) {
  (void)s, (void)pc;
  return 0;
}
size_t jit_stencils_bytes(const struct jit_stencils *s) {
  (void)s;
  return 0;
}
