/* guests/bare/segments.c: 64-bit address space: xuseg, xkphys, xkseg, their holes, XTLB refill, UX and KX. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

static unsigned peek(reg va) {
  unsigned v = 0xdead;
  __asm__ volatile(TRY("lw %0, 0(%1)") : "+&r"(v) : "r"(va) : "$8", "memory");
  return v;
}
static void poke(reg va, unsigned v) {
  __asm__ volatile(TRY("sw %0, 0(%1)") : : "r"(v), "r"(va) : "$8", "memory");
}

static void report_load(const char *name, reg va) {
  unsigned before = traps, v = peek(va);
  if (traps == before)
    REPORT(name, HEX " reads %x", va, v);
  else
    REPORT(name, HEX " code %u vector %lx badvaddr " HEX, va, trap_code(&caught), caught.vector, caught.badvaddr);
}

static void report_xcontext(const char *name) {
  REPORT(name, "entryhi " HEX " xcontext " HEX, caught.entryhi & ~(reg)0xff, caught.xcontext & 0x1ffffffffful);
}

void program(void) {
  *(volatile unsigned *)KSEG0(SCRATCH) = 0x1111;
  *(volatile unsigned *)KSEG0(SCRATCH + 0x1000) = 0x2222;
  setreg(CP0_ENTRYHI, ~0ul << 13);
  reg bits = getreg(CP0_ENTRYHI);
  unsigned segbits = 0;
  while (bits >> (13 + segbits) & 1 && segbits < 62) segbits++;
  segbits += 13;
  REPORT("segbits", "%u", segbits);
  setreg(CP0_ENTRYHI, 0);

  status_change(0, STATUS_UX); /* for xuseg: UX in user mode, KX in kernel mode, both to be sure */
  report_load("xkphys-cached", 0x9800000000000000ul | SCRATCH);
  report_load("xkphys-uncached", 0x9000000000000000ul | SCRATCH);
  report_load("xkphys-hole", 0x9808000000000000ul);
  report_load("xuseg-miss", 0x123456000ul);
  report_xcontext("xuseg-miss");
  tlb_write(0, 0, 0x123456000ul, LO(SCRATCH, LO_V), LO(SCRATCH + 0x1000, LO_V));
  report_load("xuseg", 0x123456000ul);
  report_load("xuseg-odd", 0x123457000ul);
  report_load("xuseg-other", 0x023456000ul);
  poke(0x123456000ul, 1);
  REPORT("xuseg-store", "code %u vector %lx", trap_code(&caught), caught.vector);
  report_load("xuseg-top", (1ul << segbits) - 4096);
  report_load("xuseg-hole", 1ul << segbits);
  report_load("xkseg-miss", 0xc000000000002000ul);
  report_xcontext("xkseg-miss");
  tlb_write(1, 0, 0xc000000000002000ul, LO(SCRATCH, LO_V | LO_G), LO(SCRATCH + 0x1000, LO_V | LO_G));
  report_load("xkseg", 0xc000000000002000ul);
  report_load("xkseg-odd", 0xc000000000003000ul);
  report_load("xuseg-like-xkseg", 0x2000);
  report_load("xkseg-top", 0xc000000000000000ul + (1ul << segbits) - 0x80000000ul - 4096);
  report_load("xkseg-hole", 0xc000000000000000ul + (1ul << segbits));
  report_load("ckseg0", (reg)(intptr_t)(int32_t)(0x80000000u + SCRATCH));
  report_load("ckseg0-short", 0x80000000ul + SCRATCH);

  status_change(STATUS_KX | STATUS_UX, 0); /* kernel without 64-bit addresses */
  report_load("kx-off-refill", 0x00800000);
  report_load("kx-off-xuseg", 0x123456000ul);
  report_load("kx-off-xkphys", 0x9800000000000000ul | SCRATCH);
  status_change(0, STATUS_KX);

  uint32_t *code = KSEG0(SCRATCH + 0x2000); /* lw $2, 0($4); daddu $2, $2, $0; syscall */
  code[0] = 0x8c820000, code[1] = 0x0040102d, code[2] = 0x0000000c;
  icache_sync(code, 16);
  tlb_clear();
  tlb_write(0, 0, 0x00400000, LO(SCRATCH + 0x2000, LO_V), LO(SCRATCH, LO_V));
  tlb_write(1, 0, 0x123456000ul, LO(SCRATCH, LO_V), LO(SCRATCH + 0x1000, LO_V));
  static const struct {
    const char *name;
    uint32_t bits;
    reg address;
  } modes[] = {{"user-32-low", 0, 0x00401000},
               {"user-32-wide", 0, 0x123456000ul},
               {"user-64-low", STATUS_UX, 0x00401000},
               {"user-64-wide", STATUS_UX, 0x123456000ul},
               {"user-64-miss", STATUS_UX, 0x00500000},
               {"user-64-xkphys", STATUS_UX, 0x9800000000000000ul},
               {"user-64-xkseg", STATUS_UX, 0xc000000000000000ul},
               {"user-px-low", STATUS_PX, 0x00401000},
               {"user-32-miss", 0, 0x00500000}};
  for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
    status_change(STATUS_UX | STATUS_PX, modes[i].bits);
    setreg(CP0_ENTRYHI, 0);
    user_run(0x00400000, modes[i].address, 0, 0);
    REPORT(modes[i].name, "code %u vector %lx epc %ld result %lx", trap_code(&caught), caught.vector,
           (long)(caught.epc - 0x00400000), trap_code(&caught) == 8 ? caught.r[2] : 0);
  }
}
