/* perf/workloads/stream.c: word-wise C loop: a[i]=b[i]+3*c[i] over 3 x 4 MiB uint32, N times. */
/* SPDX-License-Identifier: 0BSD */
#include "common.h"
int main(int c, char **v) {
  long n = arg(c, v, 1, 50), k = 1 << 20;
  uint32_t *a = malloc(k * 4), *b = malloc(k * 4), *d = malloc(k * 4);
  for (long i = 0; i < k; i++) {
    b[i] = rng();
    d[i] = rng();
  }
  uint32_t x = 0;
  while (n--) {
    for (long i = 0; i < k; i++) a[i] = b[i] + 3 * d[i];
    x ^= a[n * 12345 & (k - 1)];
    b[n & 1023] ^= x;
  }
  printf("stream %08x\n", x);
  return 0;
}
