/* perf/workloads/smc.c: guest JIT: write a new small function into a page, flush caches, call it; N times. */
/* SPDX-License-Identifier: 0BSD */
#include "common.h"
#include <sys/mman.h>
int main(int c, char **v) {
  long n = arg(c, v, 1, 100000);
  size_t sz = 65536;
  uint32_t x = 0;
  char *m = mmap(0, sz, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (m == MAP_FAILED) die("mmap");
  for (long i = 0; i < n; i++) {
    char *q = m + (i * 64 & (sz - 1));
    uint32_t *p = (uint32_t *)q;
    uint16_t k = i & 0x7fff;
#if defined(__mips__)
    p[0] = 0x24820000u | k; /* addiu v0,a0,k */
    p[1] = 0x00021040u;     /* sll v0,v0,1 */
    p[2] = 0x03e00008u;     /* jr ra */
    p[3] = 0x38420055u;     /* xori v0,v0,0x55 (delay slot) */
    __builtin___clear_cache(q, q + 16);
#elif defined(__x86_64__)
    uint8_t *b = (uint8_t *)q;
    *b++ = 0x8d;
    *b++ = 0x87;
    memcpy(b, &(uint32_t){k}, 4);
    b += 4; /*lea eax,[rdi+k]*/
    *b++ = 0x01;
    *b++ = 0xc0;
    *b++ = 0x83;
    *b++ = 0xf0;
    *b++ = 0x55;
    *b++ = 0xc3;
    (void)p;
#endif
    x = ((uint32_t(*)(uint32_t))q)(x);
  }
  printf("smc %08x\n", x);
  return 0;
}
