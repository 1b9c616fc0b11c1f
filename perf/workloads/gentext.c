/* perf/workloads/gentext.c: deterministic text file generator: K KiB on stdout. */
/* SPDX-License-Identifier: 0BSD */
#include "common.h"
int main(int c, char **v) {
  long k = arg(c, v, 1, 1024) * 1024, o = 0;
  static const char *w[] = {"alpha",  "kernel", "page",  "fault", "of",   "memory", "table",
                            "and",    "block",  "cache", "the",   "a",    "in",     "register",
                            "branch", "load",   "store", "delay", "slot", "tlb"};
  while (o < k) {
    int n = 5 + rng() % 8;
    for (int i = 0; i < n; i++) {
      const char *s = w[rng() % 20];
      fputs(s, stdout);
      o += strlen(s) + 1;
      putchar(i == n - 1 ? '\n' : ' ');
    }
    {
      unsigned a = rng() % 100000, b = rng() % 997;
      o += printf("%u %u\n", a, b);
    }
  }
  return 0;
}
