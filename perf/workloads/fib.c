/* perf/workloads/fib.c: recursive fib (call/return prediction). */
/* SPDX-License-Identifier: 0BSD */
#include "common.h"
__attribute__((noinline, noclone, optimize("no-optimize-sibling-calls", "no-inline"))) static unsigned fib(unsigned n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}
int main(int c, char **v) {
  printf("fib %u\n", fib(arg(c, v, 1, 35)));
  return 0;
}
