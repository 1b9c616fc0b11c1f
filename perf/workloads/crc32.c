/* perf/workloads/crc32.c: byte-wise table CRC-32 of 4 MiB, N passes. */
/* SPDX-License-Identifier: 0BSD */
#include "common.h"
int main(int c, char **v) {
  long n = arg(c, v, 1, 32);
  static uint32_t t[256];
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t x = i;
    for (int k = 0; k < 8; k++) x = x >> 1 ^ (0xedb88320u & -(x & 1));
    t[i] = x;
  }
  size_t sz = 4 << 20;
  uint8_t *b = malloc(sz);
  for (size_t i = 0; i < sz; i++) b[i] = rng();
  uint32_t x = ~0u;
  while (n--)
    for (size_t i = 0; i < sz; i++) x = x >> 8 ^ t[(x ^ b[i]) & 255];
  printf("crc32 %08x\n", ~x);
  return 0;
}
