/* guests/splash/radix.c: a parallel radix sort. */
/* SPDX-License-Identifier: Apache-2.0 */
/* In the spirit of SPLASH-2's: each thread counts the digits of its part of the keys; from the counts of all follows
 * where each thread's keys go; then it puts them there, all over the memory of others. */
#include "splash.h"

const char splash_name[] = "radix";
static unsigned keys = 1 << 18, radix = 256, seed = 1;
const struct param splash_params[] = {
    {"n", &keys, 1, 1 << 24}, {"radix", &radix, 2, 1 << 16}, {"seed", &seed, 0, UINT32_MAX}, {0}};

static uint32_t *from, *to;
static unsigned *counts; /* of a thread: radix of them, then where its next key of a digit goes within the digit */
static unsigned *totals; /* of a digit */
static unsigned bits;    /* of a digit */
static struct barrier barrier;
static struct lock sums;                       /* of the following */
static uint64_t sum_before, sum_after, digest; /* of keys in any order; in theirs */
static unsigned unsorted;

/* The share of thread `id` of n things: from share(id) to share(id + 1). */
static unsigned share(unsigned id, unsigned n) {
  unsigned more = n % threads; /* how many get one more */
  return n / threads * id + (id < more ? id : more);
}

static void fill(unsigned id, void *arg) {
  uint64_t sum = 0;
  (void)arg;
  for (unsigned i = share(id, keys); i < share(id + 1, keys); i++) {
    from[i] = (uint32_t)mix((uint64_t)seed << 32 | i);
    sum += mix(from[i]);
  }
  lock_take(&sums);
  sum_before += sum;
  lock_give(&sums);
}

static void count(unsigned id, unsigned shift) {
  unsigned *mine = counts + (size_t)id * radix;
  for (unsigned d = 0; d < radix; d++) mine[d] = 0;
  for (unsigned i = share(id, keys); i < share(id + 1, keys); i++) mine[from[i] >> shift & (radix - 1)]++;
}

/* For its digits: the threads' keys stand in the order of the threads. */
static void rank(unsigned id) {
  for (unsigned d = share(id, radix); d < share(id + 1, radix); d++) {
    unsigned sum = 0;
    for (unsigned t = 0; t < threads; t++) {
      unsigned *of = &counts[(size_t)t * radix + d], n = *of;
      *of = sum;
      sum += n;
    }
    totals[d] = sum;
  }
}

static void permute(unsigned id, unsigned shift) {
  unsigned *mine = counts + (size_t)id * radix, before = 0;
  for (unsigned d = 0; d < radix; d++) {
    mine[d] += before;
    before += totals[d];
  }
  for (unsigned i = share(id, keys); i < share(id + 1, keys); i++) to[mine[from[i] >> shift & (radix - 1)]++] = from[i];
}

static void sort(unsigned id, void *arg) {
  (void)arg;
  for (unsigned shift = 0; shift < 32; shift += bits) {
    count(id, shift);
    barrier_wait(&barrier);
    rank(id);
    barrier_wait(&barrier);
    permute(id, shift);
    barrier_wait(&barrier);
    if (!id) {
      uint32_t *other = from;
      from = to;
      to = other;
    }
    barrier_wait(&barrier);
  }
}

static void check(unsigned id, void *arg) {
  uint64_t sum = 0, order = 0;
  unsigned wrong = 0;
  (void)arg;
  for (unsigned i = share(id, keys); i < share(id + 1, keys); i++) {
    sum += mix(from[i]);
    order += mix((uint64_t)i << 32 | from[i]);
    wrong += i + 1 < keys && from[i] > from[i + 1];
  }
  lock_take(&sums);
  sum_after += sum;
  digest += order;
  unsorted += wrong;
  lock_give(&sums);
}

int splash_main(void) {
  while (1u << (bits + 1) <= radix) bits++;
  radix = 1u << bits;
  from = take_memory(keys * sizeof *from);
  to = take_memory(keys * sizeof *to);
  counts = take_memory((size_t)threads * radix * sizeof *counts);
  totals = take_memory(radix * sizeof *totals);
  print("radix: n=%u radix=%u seed=%u\n", keys, radix, seed);
  uint64_t t = now();
  run_all(fill, NULL);
  t = phase("keys", t);
  run_all(sort, NULL);
  t = phase("sort", t);
  run_all(check, NULL);
  phase("check", t);
  bool right = !unsorted && sum_before == sum_after;
  print("radix: %s, digest %08x%08x\n",
        right      ? "sorted"
        : unsorted ? "NOT SORTED"
                   : "KEYS LOST",
        (unsigned)(digest >> 32), (unsigned)digest);
  return !right;
}
