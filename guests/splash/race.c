/* guests/splash/race.c: vcpus that share words with and without synchronisation, for --check race to tell apart. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "splash.h"

enum { UNLOCKED, LOCKED, ATOMIC, FLAG, FLAG_WITHOUT_SYNC, STORES, HANDED_ON, SEEN, HOWS };
static unsigned how, n = 200;
const char splash_name[] = "race";
const struct param splash_params[] = {{"how", &how, 0, HOWS - 1}, {"n", &n, 1, 1000000}, {0}};

enum { LINE = 32 }; /* words */
static unsigned count[LINE], data[LINE], flag[LINE];
static struct lock lock;

/* What a compiler neither leaves out nor makes an atomic access of. */
#define PLAIN(v) (*(volatile unsigned *)&(v))

__attribute__((noinline)) static void add_one(void) {
  PLAIN(count[0]) = PLAIN(count[0]) + 1;
}

__attribute__((noinline)) static void store_own(unsigned id) {
  PLAIN(data[0]) = id;
}

/* From vcpu to vcpu, who each wait for the flag to say that it is theirs. */
__attribute__((noinline)) static void hand_over(unsigned id, bool sync) {
  while (PLAIN(flag[0]) % threads != id) {
  }
  if (sync) __atomic_thread_fence(__ATOMIC_ACQUIRE);
  PLAIN(data[0]) = PLAIN(data[0]) + 1;
  unsigned next = PLAIN(flag[0]) + 1;
  if (sync) __atomic_thread_fence(__ATOMIC_RELEASE);
  PLAIN(flag[0]) = next;
}

/* A word that one stores to once it has seen what the other has: as queues of waiters do, without a SYNC. */
__attribute__((noinline)) static void answer(unsigned id) {
  while (PLAIN(flag[0]) % 2 != id % 2) {
  }
  for (volatile unsigned late = 0; late < 50; late++) {
  }
  PLAIN(flag[0]) = id + 1;
}

static void work(unsigned id, void *arg) {
  (void)arg;
  for (unsigned i = 0; i < n; i++) switch (how) {
    case UNLOCKED: add_one(); break;
    case LOCKED:
      lock_take(&lock);
      add_one();
      lock_give(&lock);
      break;
    case ATOMIC: __atomic_fetch_add(&count[0], 1, __ATOMIC_RELAXED); break;
    case FLAG: hand_over(id, true); break;
    case FLAG_WITHOUT_SYNC: hand_over(id, false); break;
    case STORES: store_own(id); break;
    case SEEN: answer(id); break;
    case HANDED_ON: /* by interrupts and locks of the system's own */
      if (id == 0) add_one();
      return;
    }
}

int splash_main(void) {
  run_all(work, NULL);
  if (how == HANDED_ON) add_one();
  print("race: %u %u\n", count[0], data[0]);
  return 0;
}
