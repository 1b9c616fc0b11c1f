/* perf/workloads/memcpyb.c: memcpy of 8 MiB, N times (C library memcpy). */
/* SPDX-License-Identifier: 0BSD */
#include "common.h"
int main(int c, char **v) {
  long n = arg(c, v, 1, 100);
  size_t s = 8 << 20;
  char *a = malloc(s), *b = malloc(s);
  for (size_t i = 0; i < s; i++) a[i] = i * 7;
  while (n--) {
    memcpy(b, a, s);
    a[n & 4095] ^= b[n * 37 & (s - 1)];
    __asm__ volatile("" ::"r"(b) : "memory");
  }
  uint32_t x = 0;
  for (size_t i = 0; i < s; i += 997) x = x * 31 + (uint8_t)b[i];
  printf("memcpy %08x\n", x);
  return 0;
}
