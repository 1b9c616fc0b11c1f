/* perf/workloads/atomics.c: uncontended atomic increments and compare-exchange (LL/SC), N. */
/* SPDX-License-Identifier: 0BSD */
#include "common.h"
int main(int c, char **v) {
  long n = arg(c, v, 1, 10000000);
  uint32_t a = 0, b = 0;
  while (n--) {
    __atomic_fetch_add(&a, 3, __ATOMIC_SEQ_CST);
    uint32_t e = b;
    __atomic_compare_exchange_n(&b, &e, e ^ a, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  }
  printf("atomics %08x %08x\n", a, b);
  return 0;
}
