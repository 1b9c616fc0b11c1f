/* perf/workloads/nqueens.c: bitmask n-queens count. */
/* SPDX-License-Identifier: 0BSD */
#include "common.h"
static unsigned full, cnt;
static void s(unsigned c, unsigned l, unsigned r) {
  if (c == full) {
    cnt++;
    return;
  }
  unsigned p = full & ~(c | l | r);
  while (p) {
    unsigned b = p & -p;
    p -= b;
    s(c | b, (l | b) << 1, (r | b) >> 1);
  }
}
int main(int c, char **v) {
  unsigned n = arg(c, v, 1, 11);
  full = (1u << n) - 1;
  s(0, 0, 0);
  printf("nqueens %u\n", cnt);
  return 0;
}
