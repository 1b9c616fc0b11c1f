/* perf/workloads/int64.c: 64-bit multiply/divide/modulo mix (HI/LO traffic; libgcc on 32-bit). */
/* SPDX-License-Identifier: 0BSD */
#include "common.h"
int main(int c, char **v) {
  long n = arg(c, v, 1, 2000000);
  uint64_t x = 88172645463325252ull, s = 0;
  while (n--) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    s += x * 6364136223846793005ull >> 7;
    s ^= x % 1000003u;
    s += (int64_t)x / ((int32_t)x | 1);
    s ^= (uint32_t)x / ((uint32_t)(x >> 40) | 1);
  }
  printf("int64 %016llx\n", (unsigned long long)s);
  return 0;
}
