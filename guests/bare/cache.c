/* guests/bare/cache.c: code that changes under the cpu's feet, made visible with SYNCI and with CACHE. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

static uint32_t code[1024] __attribute__((aligned(4096)));
typedef int call(void);

static void write_function(unsigned at, unsigned value) {
  code[at] = 0x24020000 | (value & 0xffff); /* addiu $2, $0, value */
  code[at + 1] = 0x03e00008;                /* jr $31 */
  code[at + 2] = 0;
}
static int run(unsigned at) {
  return ((call *)(uintptr_t)&code[at])();
}

#define CACHE(op, p) __asm__ volatile("cache %0, 0(%1)" : : "i"(op), "r"(p) : "memory")
static void cache_sync(char *p, size_t n) { /* as before SYNCI: write back D, drop I, by address */
  for (char *q = p; q < p + n; q += 4) CACHE(0x15, q);
  __asm__ volatile("sync");
  for (char *q = p; q < p + n; q += 4) CACHE(0x10, q);
  __asm__ volatile("sync\n\tehb");
}

void program(void) {
  unsigned sum = 0;
  write_function(0, 1);
  icache_sync(code, 16);
  REPORT("first", "%d", run(0));
  write_function(0, 2);
  icache_sync(code, 16);
  REPORT("synci", "%d", run(0));
  write_function(0, 3);
  cache_sync((char *)code, 16);
  REPORT("cache", "%d", run(0));
  for (unsigned i = 0; i < 200; i++) { /* patch one of many functions on a page, call them all */
    write_function(i % 64 * 16, i);
    icache_sync(&code[i % 64 * 16], 16);
    for (unsigned k = 0; k <= i && k < 64; k++) sum = sum * 31 + (unsigned)run(k * 16);
  }
  REPORT("many", "%08x", sum);
  volatile uint32_t *alias = KSEG1((uint32_t)(uintptr_t)code & 0x1fffffff); /* through the uncached alias */
  icache_sync(code, 16);                                                    /* writes back what kseg0 holds */
  alias[0] = 0x24020000 | 77;
  cache_sync((char *)code, 16);
  REPORT("alias", "%d", run(0));
  uint32_t *page = KSEG0(SCRATCH);
  for (unsigned i = 0; i < 2; i++) { /* the same virtual page on two frames, one after the other */
    page[i * 1024] = 0x24020000 | (100 + i);
    page[i * 1024 + 1] = 0x03e00008;
    page[i * 1024 + 2] = 0;
  }
  icache_sync(page, 8192);
  for (unsigned i = 0; i < 4; i++) {
    tlb_write(0, 0, 0x00400000, LO(SCRATCH + i % 2 * 4096, LO_V | LO_G), LO(SCRATCH, LO_V | LO_G));
    REPORT("remapped", "%d", ((call *)0x00400000)());
  }
  uint32_t config1 = get32(CP0_CONFIG1);
  unsigned line = config1 >> 19 & 7;
  REPORT("icache-line", "%u", line ? 2u << line : 0);
}
