/* guests/bare/user.c: user mode: what it may not do, how its exceptions look, RDHWR and UserLocal. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

#define CODE 0x00400000ul /* one page of code, one of data */
#define DATA 0x00401000ul
static volatile uint32_t *const code = KSEG0(SCRATCH), *const data = KSEG0(SCRATCH + 0x1000);
#define TEXT_MAX 4

/* One case: up to four words run in user mode with $4 = a0; if nothing stops them, a syscall does ($2 is shown). */
static const struct {
  const char *name;
  reg a0;
  uint32_t words[TEXT_MAX];
} cases[] = {
    {"syscall", 0, {0}},
    {"mfc0", 0, {0x40026000}},
    {"mtc0", 0, {0x40826000}},
    {"tlbwi", 0, {0x42000002}},
    {"eret", 0, {0x42000018}},
    {"wait", 0, {0x42000020}},
    {"di", 0, {0x41606000}},
    {"cache", DATA, {0xbc950000}},
    {"load", DATA, {0x8c820000}},
    {"store", DATA, {0xac840004, 0x8c820004}},
    {"load-unmapped", 0x00800000, {0x8c820000}},
    {"store-unmapped", 0x00800ffc, {0xac820000}},
    {"store-read-only", CODE, {0xac820000}},
    {"load-kseg0", (reg)(intptr_t)(int32_t)0x80000000, {0x8c820000}},
    {"store-kseg0", (reg)(intptr_t)(int32_t)0x80100000, {0xac820000}},
    {"load-kseg1", (reg)(intptr_t)(int32_t)0xbfc00000, {0x8c820000}},
    {"load-kseg2", (reg)(intptr_t)(int32_t)0xc0000000, {0x8c820000}},
    {"jump-kseg0", (reg)(intptr_t)(int32_t)0x80100000, {0x00800008, 0}},
    {"jump-unmapped", 0x00900000, {0x00800008, 0}},
    {"jump-odd", CODE + 2, {0x00800008, 0}},
    {"slot-fault", 0x00800004, {0x10000002, 0x8c820000}},
    {"cop1", 0, {0x44020000}},
    {"reserved", 0, {0xec000000}},
    {"break", 0, {0x0000000d}},
    {"overflow", 0x7fffffff, {0x20820001}},
    {"daddu", 1, {0x0084102d}},
    {"rdhwr-cpu", 0, {0x7c02003b}},
    {"rdhwr-step", 0, {0x7c02083b}},
    {"rdhwr-ccres", 0, {0x7c02183b}},
    {"rdhwr-local", 0, {0x7c02e83b}},
    {"rdhwr-reserved", 0, {0x7c02503b}},
};

static void run(const char *prefix, unsigned i) {
  for (unsigned w = 0; w < 16; w++) code[w] = w < TEXT_MAX ? cases[i].words[w] : 0x0000000c;
  data[0] = 0x11223344;
  icache_sync((void *)code, 64);
  setreg(CP0_ENTRYHI, 7);
  user_run(CODE, cases[i].a0, 0, 0);
  unsigned code_seen = trap_code(&caught);
  print("%s %s%s code %u vector %lx epc %ld slot %u", program_name, prefix, cases[i].name, code_seen, caught.vector,
        (long)(caught.epc - CODE), trap_slot(&caught));
  if (code_seen == 8) print(" result %lx", (unsigned long)caught.r[2] & 0xffffffff);
  if (code_seen == 11) print(" ce %lu", caught.cause >> 28 & 3);
  if (code_seen >= 1 && code_seen <= 5) print(" badvaddr " HEX, caught.badvaddr);
  print("\n");
}

void program(void) {
  tlb_write(0, 0, CODE | 7, LO(SCRATCH, LO_V), LO(SCRATCH + 0x1000, LO_V | LO_D));
  set32(CP0_HWRENA, 0);
  status_change(STATUS_CU0, 0);
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) run("", i);
  set32(CP0_HWRENA, 0x2000000f & ~(get32(CP0_CONFIG3) & 1u << 13 ? 0 : 1u << 29));
  if (get32(CP0_CONFIG3) & 1u << 13) setreg(CP0_USERLOCAL, 0x13579bdf);
  REPORT("hwrena", "%08x", get32(CP0_HWRENA) & 0x2000000f);
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
    if (cases[i].words[0] >> 26 == 0x1f) run("enabled-", i);
  status_change(0, STATUS_CU0); /* user mode may use CP0 if the kernel says so */
  run("cu0-", 1);
  status_change(0, STATUS_CU1);
  run("cu1-", 21);
  REPORT("status", "user bits in the frame %lx", caught.status & 0x1f);
}
