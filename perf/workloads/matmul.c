/* perf/workloads/matmul.c: naive double matrix multiply, size S, N rounds. */
/* SPDX-License-Identifier: 0BSD */
#include "common.h"
int main(int c, char **v) {
  long n = arg(c, v, 1, 4), s = arg(c, v, 2, 192);
  double *a = malloc(s * s * 8), *b = malloc(s * s * 8), *d = malloc(s * s * 8), tr = 0;
  for (long i = 0; i < s * s; i++) {
    a[i] = (double)(rng() % 1000) / 7;
    b[i] = (double)(rng() % 1000) / 11;
  }
  while (n--) {
    for (long i = 0; i < s; i++)
      for (long j = 0; j < s; j++) {
        double x = 0;
        for (long k = 0; k < s; k++) x += a[i * s + k] * b[k * s + j];
        d[i * s + j] = x;
      }
    for (long i = 0; i < s; i++) tr += d[i * s + i];
    a[n % s] += 1;
  }
  printf("matmul %.6f\n", tr);
  return 0;
}
