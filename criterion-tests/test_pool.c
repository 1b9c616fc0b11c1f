/* criterion-tests/test_pool.c: what several jits want compiled is compiled by one of them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "jit/jit.h"
#include "jit/pool.h"
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static struct store_bytes text(const char *s) {
  return (struct store_bytes){(void *)(uintptr_t)s, strlen(s) + 1};
}

static void expect_value(struct store_bytes v, const char *want) {
  cr_assert(v.bytes, "there is nothing, not %s", want);
  cr_expect_eq(v.size, strlen(want) + 1);
  cr_expect_str_eq(v.bytes, want);
  free(v.bytes);
}

Test(pool, the_first_compiles_and_others_take_copies) {
  struct jit_pool *p = jit_pool_new();
  struct store_bytes v;
  cr_expect_null(pool_get(p, text("a")).bytes);
  cr_expect(pool_claim(p, text("a"), &v));
  cr_expect_null(pool_get(p, text("a")).bytes, "it is not compiled yet, and get does not wait");
  cr_expect(pool_claim(p, text("ab"), &v), "a longer key is another");
  pool_put(p, text("a"), text("code of a"));
  expect_value(pool_get(p, text("a")), "code of a");
  cr_assert_not(pool_claim(p, text("a"), &v));
  expect_value(v, "code of a");
  jit_pool_free(p); /* with one that nobody has put */
}

Test(pool, what_failed_may_be_tried_again) {
  struct jit_pool *p = jit_pool_new();
  struct store_bytes v;
  cr_expect(pool_claim(p, text("a"), &v));
  pool_put(p, text("a"), (struct store_bytes){0});
  cr_expect(pool_claim(p, text("a"), &v));
  pool_put(p, text("a"), text("at last"));
  expect_value(pool_get(p, text("a")), "at last");
  jit_pool_free(p);
}

Test(pool, is_bounded) {
  enum { VALUE = 1 << 20, MANY = 100, MOST = 64 };
  struct jit_pool *p = jit_pool_new();
  struct store_bytes v, big = {calloc(1, VALUE), VALUE};
  char key[16];
  size_t kept = 0;
  for (int i = 0; i < MANY; i++) {
    snprintf(key, sizeof key, "%d", i);
    cr_expect(pool_claim(p, text(key), &v));
    pool_put(p, text(key), big);
  }
  for (int i = 0; i < MANY; i++) {
    snprintf(key, sizeof key, "%d", i);
    v = pool_get(p, text(key));
    kept += v.size;
    free(v.bytes);
  }
  cr_expect_gt(kept, 0);
  cr_expect_leq(kept, (size_t)MOST * VALUE);
  free(big.bytes);
  jit_pool_free(p);
}

enum { THREADS = 8, KEYS = 50 };
static atomic_uint compiled[KEYS];

static void *want_all(void *pool) {
  for (unsigned i = 0; i < KEYS; i++) {
    char key[16], value[32];
    struct store_bytes v;
    snprintf(key, sizeof key, "key %u", i);
    snprintf(value, sizeof value, "value of %u", i);
    if (pool_claim(pool, text(key), &v)) {
      compiled[i]++;
      pool_put(pool, text(key), text(value));
    } else {
      expect_value(v, value);
    }
  }
  return NULL;
}

Test(pool, each_is_compiled_once_whoever_comes) {
  struct jit_pool *p = jit_pool_new();
  pthread_t t[THREADS];
  for (int i = 0; i < THREADS; i++) cr_assert_not(pthread_create(&t[i], NULL, want_all, p));
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  for (int i = 0; i < KEYS; i++) cr_expect_eq(compiled[i], 1, "key %d: compiled %u times", i, compiled[i]);
  jit_pool_free(p);
}
