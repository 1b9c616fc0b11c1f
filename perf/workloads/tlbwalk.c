/* perf/workloads/tlbwalk.c: read one word in each of P pages in order, N rounds: TLB refill with good cache locality.
 */
/* SPDX-License-Identifier: 0BSD */
#include "common.h"
#include <sys/mman.h>
int main(int c, char **v) {
  long n = arg(c, v, 1, 1000), p = arg(c, v, 2, 1024);
  char *m = mmap(0, p * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (m == MAP_FAILED) die("mmap");
  madvise(m, p * 4096, 15);
  for (long i = 0; i < p; i++) *(uint32_t *)(m + i * 4096 + (i * 64 & 4095)) = i;
  uint32_t x = 0;
  while (n--)
    for (long i = 0; i < p; i++) x += *(volatile uint32_t *)(m + i * 4096 + (i * 64 & 4095));
  printf("tlbwalk %u\n", x);
  return 0;
}
