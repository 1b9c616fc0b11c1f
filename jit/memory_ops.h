/* jit/memory_ops.h: how each memory operation touches host bytes, as rows for the tiers to expand. */
/* SPDX-License-Identifier: Apache-2.0 */
/* LOADS: name, type in memory, the type its value is extended as, swap. STORES: name, type in memory, swap.
 * STORES_IF: the names of those that have an _IF form. */
#ifndef JIT_MEMORY_OPS_H
#define JIT_MEMORY_OPS_H
#define SWAP_NONE(x) (x)
#define LOADS(X)                                                                                                       \
  X(LD8U, uint8_t, uint8_t, SWAP_NONE)                                                                                 \
  X(LD8S, uint8_t, int8_t, SWAP_NONE)                                                                                  \
  X(LD16U, uint16_t, uint16_t, SWAP_NONE)                                                                              \
  X(LD16S, uint16_t, int16_t, SWAP_NONE)                                                                               \
  X(LD32U, uint32_t, uint32_t, SWAP_NONE)                                                                              \
  X(LD32S, uint32_t, int32_t, SWAP_NONE)                                                                               \
  X(LD64, uint64_t, uint64_t, SWAP_NONE)                                                                               \
  X(LD16U_X, uint16_t, uint16_t, __builtin_bswap16)                                                                    \
  X(LD16S_X, uint16_t, int16_t, __builtin_bswap16)                                                                     \
  X(LD32U_X, uint32_t, uint32_t, __builtin_bswap32)                                                                    \
  X(LD32S_X, uint32_t, int32_t, __builtin_bswap32)                                                                     \
  X(LD64_X, uint64_t, uint64_t, __builtin_bswap64)
#define STORES(X)                                                                                                      \
  X(ST8, uint8_t, SWAP_NONE)                                                                                           \
  X(ST16, uint16_t, SWAP_NONE)                                                                                         \
  X(ST32, uint32_t, SWAP_NONE)                                                                                         \
  X(ST64, uint64_t, SWAP_NONE)                                                                                         \
  X(ST16_X, uint16_t, __builtin_bswap16)                                                                               \
  X(ST32_X, uint32_t, __builtin_bswap32)                                                                               \
  X(ST64_X, uint64_t, __builtin_bswap64)
#define STORES_IF(X) X(ST32) X(ST64) X(ST32_X) X(ST64_X)
#endif
