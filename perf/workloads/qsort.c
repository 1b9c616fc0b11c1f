/* perf/workloads/qsort.c: own quicksort on 1M uint32, N rounds. */
/* SPDX-License-Identifier: 0BSD */
#include "common.h"
static void qs(uint32_t *a, long l, long r) {
  while (l < r) {
    uint32_t p = a[(l + r) / 2];
    long i = l, j = r;
    while (i <= j) {
      while (a[i] < p) i++;
      while (a[j] > p) j--;
      if (i <= j) {
        uint32_t t = a[i];
        a[i] = a[j];
        a[j] = t;
        i++;
        j--;
      }
    }
    if (j - l < r - i) {
      qs(a, l, j);
      l = i;
    } else {
      qs(a, i, r);
      r = j;
    }
  }
}
int main(int c, char **v) {
  long n = arg(c, v, 1, 4), s = 1000000;
  uint32_t *a = malloc(s * 4), x = 0;
  while (n--) {
    for (long i = 0; i < s; i++) a[i] = rng();
    qs(a, 0, s - 1);
    x ^= a[s / 3] + a[s / 2];
  }
  printf("qsort %08x\n", x);
  return 0;
}
