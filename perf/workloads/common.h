/* perf/workloads/common.h: what the workloads share: arguments, random numbers, dying. */
/* SPDX-License-Identifier: 0BSD */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static uint32_t rng_s = 0x12345678u;
static inline uint32_t rng(void) {
  uint32_t x = rng_s;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return rng_s = x;
}
static inline long arg(int c, char **v, int i, long d) {
  return c > i ? strtol(v[i], 0, 0) : d;
}
static inline void die(const char *m) {
  perror(m);
  exit(2);
}
