/* perf/workloads/nbody.c: five-body gravity, N steps (mul/div/sqrt doubles). */
/* SPDX-License-Identifier: 0BSD */
#include "common.h"
#include <math.h>
struct B {
  double x[3], v[3], m;
};
int main(int c, char **v) {
  long n = arg(c, v, 1, 300000);
  struct B b[5];
  for (int i = 0; i < 5; i++) {
    for (int k = 0; k < 3; k++) {
      b[i].x[k] = (double)((i * 7 + k * 3) % 11) - 5 + 0.25 * i;
      b[i].v[k] = 0.01 * ((i * 5 + k) % 7 - 3);
    }
    b[i].m = 1.0 / (1 + i);
  }
  const double dt = 0.001;
  while (n--) {
    for (int i = 0; i < 5; i++)
      for (int j = i + 1; j < 5; j++) {
        double d[3], r = 0.01;
        for (int k = 0; k < 3; k++) {
          d[k] = b[i].x[k] - b[j].x[k];
          r += d[k] * d[k];
        }
        double g = dt / (r * sqrt(r));
        for (int k = 0; k < 3; k++) {
          b[i].v[k] -= d[k] * b[j].m * g;
          b[j].v[k] += d[k] * b[i].m * g;
        }
      }
    for (int i = 0; i < 5; i++)
      for (int k = 0; k < 3; k++) b[i].x[k] += dt * b[i].v[k];
  }
  double e = 0;
  for (int i = 0; i < 5; i++)
    for (int k = 0; k < 3; k++) e += b[i].m * b[i].v[k] * b[i].v[k] * 0.5;
  printf("nbody %.9f\n", e);
  return 0;
}
