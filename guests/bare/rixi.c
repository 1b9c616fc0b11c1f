/* guests/bare/rixi.c: read-inhibit and execute-inhibit bits of TLB entries, where the cpu has them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

#define VA    0x00400000ul
#define LO_RI ((reg)1 << (SZ * 8 - 1))
#define LO_XI ((reg)1 << (SZ * 8 - 2))

static void map(reg bits) {
  tlb_write(0, 0, VA, LO(SCRATCH, LO_V | LO_D) | bits, LO(SCRATCH, LO_V));
}
static void load(void) {
  __asm__ volatile(TRY("lw $0, 0(%0)") : : "r"(VA) : "$8", "memory");
}
static void store(void) {
  __asm__ volatile(TRY("sw $0, 64(%0)") : : "r"(VA) : "$8", "memory");
}
static void fetch(void) {
  __asm__ volatile(".set push\n\t.set noat\n\t" TRY("jalr %0") ".set pop" : : "r"(VA) : "$8", "$31", "memory");
}

static void report(const char *name, void (*access)(void)) {
  unsigned before = traps;
  access();
  trap_resume = 0;
  if (traps == before)
    REPORT(name, "none");
  else
    REPORT(name, "code %u vector %lx badvaddr " HEX, trap_code(&caught), caught.vector, caught.badvaddr);
}

void program(void) {
  if (!(get32(CP0_CONFIG3) & 1u << 12)) {
    REPORT("rixi", "absent");
    return;
  }
  uint32_t *code = KSEG0(SCRATCH);
  code[0] = 0x03e00008, code[1] = 0;
  icache_sync(code, 8);
  for (unsigned iec = 0; iec < 2; iec++) { /* PageGrain.IEC: own exception codes instead of TLBL */
    set32(CP0_PAGEGRAIN, 3u << 30 | iec << 27);
    REPORT("pagegrain", "rie %u xie %u iec %u", get32(CP0_PAGEGRAIN) >> 31, get32(CP0_PAGEGRAIN) >> 30 & 1,
           get32(CP0_PAGEGRAIN) >> 27 & 1);
    map(0);
    report("plain-load", load), report("plain-fetch", fetch);
    map(LO_RI);
    report("ri-load", load), report("ri-store", store), report("ri-fetch", fetch);
    map(LO_XI);
    report("xi-fetch", fetch), report("xi-load", load);
    map(LO_RI | LO_XI);
    report("both-fetch", fetch), report("both-load", load);
  }
}
