/* guests/bare/tlb.c: the TLB seen from CP0 and from loads and stores: refill, invalid, modified, ASIDs, page sizes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

#define PAGE_A (SCRATCH) /* pages to map: 16 MB and 32 MB, so that 16 MB pages work too */
#define PAGE_B (SCRATCH + 0x1000000)
#define VA     0x02000000ul

static unsigned peek(reg va) {
  unsigned v = 0xdead;
  __asm__ volatile(TRY("lw %0, 0(%1)") : "+&r"(v) : "r"(va) : "$8", "memory");
  return v;
}
static void poke(reg va, unsigned v) {
  __asm__ volatile(TRY("sw %0, 0(%1)") : : "r"(v), "r"(va) : "$8", "memory");
}

/* What the last access raised; 0 exceptions is printed as "none". */
static void report_access(const char *name, unsigned before) {
  if (traps == before)
    REPORT(name, "none");
  else
    REPORT(name, "code %u vector %lx badvaddr " HEX " vpn2 " HEX " asid %lx context %lx", trap_code(&caught),
           caught.vector, caught.badvaddr, caught.entryhi & ~(reg)0x1fff, caught.entryhi & 0xff,
           caught.context & 0x7fffff);
}

static void registers(void) {
  REPORT("size", "%u", tlb_size());
  for (uint32_t mask = 0; mask <= 0x1fffe000; mask = mask << 2 | 0x6000) {
    set32(CP0_PAGEMASK, mask);
    REPORT("pagemask", "%08x reads %08x", mask, get32(CP0_PAGEMASK));
  }
  set32(CP0_PAGEMASK, 0);
  unsigned n = tlb_size(), inside = 1;
  set32(CP0_WIRED, 3);
  for (int i = 0; i < 500; i++) {
    unsigned r = get32(CP0_RANDOM);
    inside &= r >= 3 && r < n;
  }
  REPORT("random", "wired %u in-range %u", get32(CP0_WIRED), inside);
  set32(CP0_WIRED, 0);
  setreg(CP0_ENTRYHI, 0x00345fff);
  REPORT("entryhi", HEX, getreg(CP0_ENTRYHI));
  setreg(CP0_CONTEXT, (reg)0x5800000);
  REPORT("context", HEX, getreg(CP0_CONTEXT) & ~(reg)0x7fffff);
}

static void instructions(void) {
  tlb_clear();
  tlb_write(2, 0x6000, 0x00408000 | 0x12, LO(PAGE_A, LO_V | LO_D), LO(PAGE_B, LO_V));
  setreg(CP0_ENTRYHI, 0);
  set32(CP0_PAGEMASK, 0);
  __asm__ volatile("tlbr\n\tehb");
  REPORT("tlbr", "hi " HEX " mask %08x lo0 %lx lo1 %lx", getreg(CP0_ENTRYHI), get32(CP0_PAGEMASK), getreg(CP0_ENTRYLO0),
         getreg(CP0_ENTRYLO1));
  static const struct {
    const char *name;
    reg hi;
  } probes[] = {{"tlbp-hit", 0x00408012},
                {"tlbp-hit-inside", 0x0040e012},
                {"tlbp-asid", 0x00408013},
                {"tlbp-below", 0x00406012},
                {"tlbp-above", 0x00410012}};
  for (unsigned i = 0; i < sizeof probes / sizeof *probes; i++) {
    setreg(CP0_ENTRYHI, probes[i].hi);
    set32(CP0_INDEX, 5);
    __asm__ volatile("tlbp\n\tehb");
    uint32_t index = get32(CP0_INDEX);
    if (index >> 31)
      REPORT(probes[i].name, "miss");
    else
      REPORT(probes[i].name, "%u", index);
  }
  tlb_write(4, 0, 0x00600000 | 0x12, LO(PAGE_A, LO_V | LO_G), LO(PAGE_B, LO_V)); /* G only in one half: not global */
  __asm__ volatile("tlbr\n\tehb");
  REPORT("global-half", "%lx %lx", getreg(CP0_ENTRYLO0) & 7, getreg(CP0_ENTRYLO1) & 7);
  tlb_write(4, 0, 0x00600000 | 0x12, LO(PAGE_A, LO_V | LO_G), LO(PAGE_B, LO_V | LO_G));
  setreg(CP0_ENTRYHI, 0x00600077);
  __asm__ volatile("tlbp\n\tehb");
  REPORT("global-probe", "%u", get32(CP0_INDEX));
}

static void wired(void) {
  tlb_clear();
  for (unsigned i = 0; i < 4; i++) tlb_write(i, 0, 0x00800000 + i * 0x2000, LO(PAGE_A, LO_V), LO(PAGE_B, LO_V));
  set32(CP0_WIRED, 4);
  for (unsigned i = 0; i < 200; i++) { /* each at its own address: no duplicates */
    setreg(CP0_ENTRYHI, 0x01000000 + i * 0x2000);
    __asm__ volatile("tlbwr\n\tehb");
  }
  unsigned kept = 0, random = 0;
  for (unsigned i = 0; i < tlb_size(); i++) {
    set32(CP0_INDEX, i);
    __asm__ volatile("tlbr\n\tehb");
    if (i < 4)
      kept += getreg(CP0_ENTRYHI) == 0x00800000 + i * 0x2000;
    else
      random += getreg(CP0_ENTRYHI) - 0x01000000 < 200 * 0x2000;
  }
  REPORT("tlbwr", "wired kept %u, random written %u", kept, random > 0);
  tlb_clear();
}

static void exceptions(void) {
  unsigned before = traps;
  setreg(CP0_ENTRYHI, 0x55);
  peek(VA + 0x1234 - 0x1234 % 4);
  report_access("refill-load", before), before = traps;
  poke(VA + 0x3ffc, 1);
  report_access("refill-store", before), before = traps;
  peek(0x7ffffffc);
  report_access("refill-top", before), before = traps;
  peek((reg)(intptr_t)(int32_t)0xc0000100);
  report_access("refill-kseg2", before), before = traps;
  status_change(0, STATUS_EXL);
  peek(VA);
  report_access("refill-nested", before), before = traps;
  tlb_write(0, 0, VA | 0x55, LO(PAGE_A, LO_D), LO(PAGE_B, LO_V));
  peek(VA + 8);
  report_access("invalid-load", before), before = traps;
  poke(VA + 8, 1);
  report_access("invalid-store", before), before = traps;
  peek(VA + 0x1008);
  report_access("valid-load", before), before = traps;
  poke(VA + 0x1008, 2);
  report_access("modified", before), before = traps;
  REPORT("modified-memory", "%x", *(volatile unsigned *)KSEG0(PAGE_B + 8));
}

static void asids(void) {
  tlb_clear();
  *(volatile unsigned *)KSEG0(PAGE_A) = 0xaaaa;
  *(volatile unsigned *)KSEG0(PAGE_B) = 0xbbbb;
  tlb_write(0, 0, VA | 1, LO(PAGE_A, LO_V), LO(PAGE_A, LO_V));
  tlb_write(1, 0, VA | 2, LO(PAGE_B, LO_V), LO(PAGE_B, LO_V));
  tlb_write(2, 0, (VA + 0x2000) | 1, LO(PAGE_A, LO_V | LO_G), LO(PAGE_B, LO_V | LO_G));
  for (unsigned asid = 1; asid <= 3; asid++) {
    unsigned before = traps;
    setreg(CP0_ENTRYHI, asid);
    unsigned own = peek(VA), missed = traps - before;
    REPORT("asid", "%u sees %x missed %u, global %x %x", asid, own, missed, peek(VA + 0x2000), peek(VA + 0x3000));
  }
  setreg(CP0_ENTRYHI, 1); /* an entry replaced must not be seen any more */
  peek(VA);
  tlb_write(0, 0, VA | 1, LO(PAGE_B, LO_V), LO(PAGE_B, LO_V));
  REPORT("replaced", "%x", peek(VA));
}

static void page_sizes(void) {
  for (uint32_t mask = 0, size = 0x1000; size <= 0x1000000; size <<= 2, mask = mask << 2 | 0x6000) {
    tlb_clear();
    uint32_t places[2] = {PAGE_A, PAGE_B}, last = size - 4;
    for (int i = 0; i < 2; i++) {
      *(volatile unsigned *)KSEG0(places[i]) = size + (unsigned)i;
      *(volatile unsigned *)KSEG0(places[i] + last) = size + 2 + (unsigned)i;
    }
    set32(CP0_WIRED, 0);
    tlb_write(1, mask, VA, LO(PAGE_A, LO_V | LO_D), LO(PAGE_B, LO_V));
    unsigned before = traps;
    REPORT("page", "%u KB: %x %x %x %x missed %u", size >> 10, peek(VA), peek(VA + last), peek(VA + size),
           peek(VA + size + last), traps - before);
    before = traps;
    peek(VA + 2 * (reg)size);
    unsigned beyond = traps - before;
    poke(VA + last, 0x77);
    poke(VA + size, 0x77);
    REPORT("page-edge", "%u KB: beyond %u even %x odd %x", size >> 10, beyond,
           *(volatile unsigned *)KSEG0(PAGE_A + last), *(volatile unsigned *)KSEG0(PAGE_B));
  }
  tlb_clear();
}

void program(void) {
  registers();
  instructions();
  wired();
  exceptions();
  asids();
  page_sizes();
}
