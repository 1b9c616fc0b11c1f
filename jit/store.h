/* jit/store.h: compiled regions on disk, kept from run to run. */
/* SPDX-License-Identifier: Apache-2.0 */
/* One file a region, named by a hash of all that its code depends on, which stands in it too and is compared. Files are
 * written beside their place and renamed, so that any number of processes may share a folder. What is damaged or of
 * another build counts as absent. Nothing that goes wrong here is more than a region compiled again. */
#ifndef JIT_STORE_H
#define JIT_STORE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jit_store;
struct store_bytes {
  void *bytes;
  size_t size;
};

/* Open (make) a folder, and drop the files not used for longest if there are more than max_bytes. NULL: no memory; when
 * the folder cannot be used, an empty store that keeps nothing. */
struct jit_store *store_open(const char *folder, uint64_t max_bytes);
void store_close(struct jit_store *s);
/* What was put under this key; bytes NULL: nothing. The caller frees. Any thread. */
struct store_bytes store_get(struct jit_store *s, struct store_bytes key);
void store_put(struct jit_store *s, struct store_bytes key, struct store_bytes value);
/* The first thing that went wrong, or NULL. Lives as long as the store. Any thread. */
const char *store_trouble(struct jit_store *s);
/* That of this program, as its linker left it: borrowed; size 0: it has none, and one build cannot be told from
 * another.
 */
struct store_bytes store_build_id(void);
/* 64 bits that tell contents apart. */
uint64_t store_hash(const void *bytes, size_t n, uint64_t seed);
#endif
