/* jit/no_llvm.c: stands in for the LLVM tier where it was not built. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "jit/code.h"

bool jit_regions_present(void) {
  return false;
}
int jit_regions_new(struct jit_regions **out, const struct jit_guest *g, const struct jit_regions_config *c) {
  (void)g, (void)c;
  *out = NULL;
  return JIT_NO_TIER;
}
void jit_regions_free(struct jit_regions *rs) {
  (void)rs;
}
void jit_regions_want(struct jit_regions *rs, struct jit_block *b) {
  (void)rs, (void)b;
}
void jit_regions_sample(struct jit_regions *rs, struct jit_block *b, bool in_region) {
  (void)rs, (void)b, (void)in_region;
}
uint64_t jit_regions_fault(const struct jit_regions *rs, uint64_t pc) {
  (void)rs, (void)pc;
  return 0;
}
void jit_regions_settle(struct jit_regions *rs) {
  (void)rs;
}
void jit_regions_relink(struct jit_regions *rs) {
  (void)rs;
}
void jit_regions_forget(struct jit_regions *rs, struct jit_block *b) {
  (void)rs, (void)b;
}
const char *jit_regions_trouble(struct jit_regions *rs) {
  (void)rs;
  return NULL;
}
int jit_regions_list(struct jit_regions *rs, struct jit_block *b, struct jit_listing *l) {
  (void)rs, (void)b, (void)l;
  return -1;
}
void jit_regions_stats(const struct jit_regions *rs, struct jit_stats *out) {
  (void)rs, (void)out;
}
