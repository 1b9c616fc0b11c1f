/* jit/pool.h: compiled regions that jits of one process have in common, so that each is compiled once. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Guests with the same kernel find the same code hot, often at the same time. Who is the first to want a region
 * compiles it; others take a copy, or wait for it. Keys are those of the store, so the same lowered code is the same
 * region. Any thread. */
#ifndef JIT_POOL_H
#define JIT_POOL_H
#include "jit/store.h"

struct jit_pool;
/* What has been put under this key; bytes NULL: nothing yet. The caller frees. Never waits. */
struct store_bytes pool_get(struct jit_pool *p, struct store_bytes key);
/* Is the caller to compile this? True: and then to pool_put() it, or nothing. False: *value is what somebody else has
 * compiled, who may have been waited for; the caller frees. */
bool pool_claim(struct jit_pool *p, struct store_bytes key, struct store_bytes *value);
void pool_put(struct jit_pool *p, struct store_bytes key, struct store_bytes value);
#endif
