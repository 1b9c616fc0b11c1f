/* mmu/hash.c: a digest of a page. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mmu/hash.h"
#include "mmu/softtlb.h"
#include <string.h>

uint64_t mmu_page_hash(const uint8_t *bytes, uint64_t seed) {
  uint64_t lane[4] = {seed + 1, seed + 2, seed + 3, seed + 4}, any = 0;
  for (unsigned i = 0; i < MMU_PAGE_SIZE; i += 32) {
    uint64_t w[4];
    memcpy(w, bytes + i, sizeof w);
    any |= w[0] | w[1] | w[2] | w[3];
    for (int k = 0; k < 4; k++) lane[k] = mmu_hash_mix(lane[k], w[k]);
  }
  return any ? mmu_hash_mix(mmu_hash_mix(mmu_hash_mix(lane[0], lane[1]), lane[2]), lane[3]) | 1 : 0;
}
