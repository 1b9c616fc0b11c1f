/* perf/workloads/sieve.c: Eratosthenes over M bytes, N rounds. */
/* SPDX-License-Identifier: 0BSD */
#include "common.h"
int main(int c, char **v) {
  long n = arg(c, v, 1, 20), m = arg(c, v, 2, 2000000), cnt = 0;
  uint8_t *s = malloc(m);
  while (n--) {
    memset(s, 1, m);
    cnt = 0;
    for (long i = 2; i < m; i++)
      if (s[i]) {
        cnt++;
        for (long j = i + i; j < m; j += i) s[j] = 0;
      }
  }
  printf("sieve %ld\n", cnt);
  return 0;
}
