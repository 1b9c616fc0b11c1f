/* guests/bare/hostile.c: writes anything to any device register, and to any page that is not its own; says nothing. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A test of the monitor: whatever this does, it may hurt itself alone. Runs on either board, so it does not even use
 * the console. Addresses of DMA lead anywhere, so it may well destroy itself; the test stops it by instruction count.
 */
#include "../mirrorball-guest.h"
#include "bare.h"
#include "board-map.h"

static uint64_t state = 0x6d697272;
static uint32_t random32(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 32);
}

/* Where devices are; 16 bits of offset behind each. */
static const uint32_t place[] = {
    BOARD_PCI_MEM0, BOARD_PCI_MEM0 + 0x20000,
    BOARD_PCI_IO,   BOARD_PCI_IO + 0x1000,
    BOARD_PCI_MEM1, BOARD_GT,
    BOARD_FLASH,    BOARD_FPGA,
    DISCO_GCR,      DISCO_GIC,
    DISCO_CPC,      DISCO_UART0,
    DISCO_RTC,      DISCO_SYSCON,
    DISCO_VIRTIO,   DISCO_VIRTIO + 0x200,
};

static uint32_t somewhere(void) {
  uint32_t r = random32(), at = random32();
  if (r % 16 == 0) return 0x10000000u | (at & 0x0fffffff);
  if (r % 4 == 0) at &= 0xfff; /* most registers are at the beginning */
  return place[r >> 8 & 15] + (at & 0xffff);
}

/* What drivers write: small numbers, flags, addresses in memory, just behind it and in nowhere. */
static uint32_t something(void) {
  uint32_t r = random32(), v = random32();
  switch (r & 7) {
  case 0: return v;
  case 1: return 1u << (v & 31);
  case 2: return SCRATCH + (v & 0x01fff000);
  case 3: return SCRATCH + (v & 0x03ffffff);
  case 4: return 0x80000000u | (v & 0x00ffffff);
  default: return v & 0xff;
  }
}

static bool skip(struct trap *t) { /* nothing answers there */
  t->epc += 4;
  return true;
}

/* One instruction, and never in a delay slot. */
#define ACCESS(insn, v, at) __asm__ volatile(insn " %0, 0(%1)\n\tnop" : "+r"(v) : "r"(at) : "memory")

static void poke(uint32_t at) {
  uint32_t v = something(), ignored = 0;
  switch (random32() & 3) {
  case 0: ACCESS("sb", v, KSEG1(at)); break;
  case 1: ACCESS("sh", v, KSEG1(at & ~1u)); break;
  case 2: ACCESS("sw", v, KSEG1(at & ~3u)); break;
  default: ACCESS("sw", v, KSEG0(SCRATCH + (random32() & 0x01fffffc))); break; /* rings and descriptors, perhaps */
  }
  if (v & 1) ACCESS("lw", ignored, KSEG1(at & ~3u));
}

void program(void) {
  trap_hook = skip;
  for (;;) {
    uint32_t at = somewhere();
    if ((at & ~3u) != MB_GUEST_EXIT_GPA) poke(at); /* to leave would be to give up */
  }
}
