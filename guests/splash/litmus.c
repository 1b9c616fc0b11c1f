/* guests/splash/litmus.c: what vcpus may and may not see of each other's stores. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Each test is done again and again, by threads that meet before each time. What must never happen is counted. */
#include "splash.h"

static unsigned n = 300;
const char splash_name[] = "litmus";
const struct param splash_params[] = {{"n", &n, 1, 1000000}, {0}};

enum { LINE = 32 }; /* words, so that no two of what races are in one line of a cache */
static unsigned x[LINE], y[LINE], count[LINE], turn[LINE], here[LINE], wrong[LINE];
static struct lock lock;

#define FENCE()     __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define GET(v)      __atomic_load_n(&(v), __ATOMIC_RELAXED)
#define PUT(v, new) __atomic_store_n(&(v), new, __ATOMIC_RELAXED)
#define ADD(v, by)  __atomic_fetch_add(&(v), by, __ATOMIC_RELAXED)

/* Spinning, since going to sleep takes too long for the others to be there at the same time. */
static void meet(unsigned all) {
  unsigned was = GET(turn[0]);
  FENCE();
  if (ADD(here[0], 1) + 1 == all) {
    PUT(here[0], 0);
    FENCE();
    PUT(turn[0], was + 1);
  }
  for (unsigned spins = 1; GET(turn[0]) == was; spins++)
    if (spins % 1024 == 0) thread_yield();
  FENCE();
}

/* Two store, then load what the other has stored: one of them at least sees it. */
static void store_buffering(unsigned id, void *arg) {
  static unsigned seen[2][LINE];
  (void)arg;
  for (unsigned i = 0; i < n; i++) {
    if (id == 0) PUT(x[0], 0), PUT(y[0], 0);
    meet(threads);
    if (id < 2) {
      PUT(*(id ? &y[0] : &x[0]), 1);
      FENCE();
      seen[id][0] = GET(*(id ? &x[0] : &y[0]));
    }
    meet(threads);
    if (id == 0 && !seen[0][0] && !seen[1][0]) ADD(wrong[0], 1);
  }
}

/* Who sees the flag sees what was stored before it. */
static void message_passing(unsigned id, void *arg) {
  (void)arg;
  for (unsigned i = 1; i <= n; i++) {
    meet(threads);
    if (id == 0) {
      PUT(x[0], i);
      FENCE();
      PUT(y[0], i);
      continue;
    }
    for (unsigned spins = 1; GET(y[0]) != i; spins++)
      if (spins % 1024 == 0) thread_yield();
    FENCE();
    if (GET(x[0]) != i) ADD(wrong[0], 1);
  }
}

/* LL and SC lose nothing, on a word and on the bytes of one. */
static void counting(unsigned id, void *arg) {
  uint8_t *byte = (uint8_t *)&count[1] + id % 4;
  (void)arg;
  meet(threads);
  for (unsigned i = 0; i < 10 * n; i++) {
    ADD(count[0], 1);
    ADD(*byte, 1);
  }
}

static void locking(unsigned id, void *arg) {
  (void)id, (void)arg;
  meet(threads);
  for (unsigned i = 0; i < n; i++) {
    lock_take(&lock);
    PUT(x[0], GET(x[0]) + 1); /* not atomic: the lock is to see to that */
    PUT(y[0], GET(y[0]) + 3);
    lock_give(&lock);
  }
}

/* One writes a function, all call it. */
static uint32_t code[LINE] __attribute__((aligned(128)));
static void patching(unsigned id, void *arg) {
  unsigned (*call)(void) = (unsigned (*)(void))(uintptr_t)code;
  (void)arg;
  for (unsigned i = 1; i <= n && i < 0x8000; i++) {
    if (id == i % threads) {
      code[1] = 0x24020000 | i;                                   /* li $2, i */
      if (i == 1) code[0] = 0, code[2] = 0x03e00008, code[3] = 0; /* nop; jr $31; nop */
      __asm__ volatile("sync\n\tsynci 0(%0)\n\tsync" : : "r"(code) : "memory");
    }
    meet(threads);
    __asm__ volatile("synci 0(%0)\n\tsync\n\tehb" : : "r"(code) : "memory");
    if (call() != i) ADD(wrong[0], 1);
    meet(threads);
  }
}

/* One maps another page in place of the one that all look at. Once all have said that they know, nobody may load from
 * the old one or store to it. */
enum { WORD = 8, WORDS = 100 };
static unsigned *page[2];
static void remapping(unsigned id, void *arg) {
  unsigned *at = (unsigned *)PAGE_VA, own = WORD * (1 + id % WORDS);
  (void)arg;
  for (unsigned i = 1; i <= n; i++) {
    unsigned *old = page[~i & 1], *new = page[i & 1], seen;
    bool maps = id == i % threads;
    if (maps) {
      PUT(new[0], i);
      page_map(new);
      PUT(old[0], ~i);
    }
    for (unsigned spins = 1; (seen = GET(at[0])) != i; spins++) {
      if (maps || seen != i - 1) ADD(wrong[0], 1);
      if (spins % 1024 == 0) thread_yield();
    }
    PUT(at[own], i);
    meet(threads);
    if (GET(at[0]) != i || GET(new[own]) != i || GET(old[own]) == i) ADD(wrong[0], 1);
    meet(threads);
  }
}

static bool check(const char *what, void (*fn)(unsigned id, void *arg), unsigned expected) {
  x[0] = y[0] = count[0] = count[1] = wrong[0] = 0;
  run_all(fn, NULL);
  bool fine = !wrong[0];
  if (fn == counting) fine &= count[0] == expected * 10;
  if (fn == counting && threads <= 4)
    for (unsigned i = 0; i < threads; i++) fine &= ((uint8_t *)&count[1])[i] == (uint8_t)(10 * n);
  if (fn == locking) fine &= x[0] == expected && y[0] == 3 * expected;
  print("litmus: %s: %s\n", what, fine ? "fine" : "WRONG");
  return fine;
}

int splash_main(void) {
  bool fine = check("store buffering", store_buffering, 0);
  fine &= check("message passing", message_passing, 0);
  fine &= check("LL and SC", counting, threads * n);
  fine &= check("locks", locking, threads * n);
  fine &= check("code that another writes", patching, 0);
  page[0] = take_memory(4096);
  page[1] = take_memory(4096);
  for (unsigned i = 0; i < 4096 / sizeof(unsigned); i++) page[0][i] = page[1][i] = 0;
  page_map(page[0]);
  fine &= check("a page that another maps", remapping, 0);
  return !fine;
}
