/* mmu/hash.h: a digest of a page. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MMU_HASH_H
#define MMU_HASH_H
#include <stdint.h>

static inline uint64_t mmu_hash_mix(uint64_t h, uint64_t v) {
  h = (h ^ v) * 0x9fb21c651e98df25u;
  return h ^ h >> 35;
}
/* 0 for a page of zeros, and for no other. */
uint64_t mmu_page_hash(const uint8_t *bytes, uint64_t seed);
#endif
