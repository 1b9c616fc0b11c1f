/* guests/bare/stale.c: a page table that is changed while the TLB has what it said, with and without a flush. */
/* SPDX-License-Identifier: Apache-2.0 */
/* For --check tlb, which is to tell the cases "forgotten-..." from the others. The old entry goes on to answer on every
 * machine until it is flushed, so what is seen is the same everywhere. */
#include "bare.h"

#define CODE 0x00400000ul
#define DATA 0x00800000ul
#define SLOT 5 /* of the TLB, for the pages of the table */
static volatile uint32_t *const code = KSEG0(SCRATCH);
/* In the manner of Linux: bits of its own below what EntryLo is to be. */
enum { OWN_BITS = 4 };
static volatile reg table[2] __attribute__((aligned(2 * SZ)));
static unsigned refills;

#define ENTRY(page, bits) (LO(SCRATCH + 0x1000ul * (page), bits) << OWN_BITS | 5)

static bool refill(struct trap *t) {
  unsigned exception = trap_code(t);
  if ((exception != 2 && exception != 3) || (t->badvaddr & ~(reg)0x1fff) != DATA) return false;
  reg even = table[0], odd = table[1];
  tlb_write(SLOT, 0, DATA | 7, even >> OWN_BITS, odd >> OWN_BITS);
  refills++;
  return true;
}

__attribute__((noinline)) static void change(reg even) {
  table[0] = even;
}

static void flush(void) {
  tlb_write(SLOT, 0, (reg)(intptr_t)(int32_t)0x80000000u, 0, 0);
  setreg(CP0_ENTRYHI, 7);
}

/* Load in user mode, or store and load. */
static void use(const char *name, bool store) {
  unsigned before = refills;
  code[0] = store ? 0xac850000 : 0x00000000; /* sw $5, 0($4); lw $2, 0($4); syscall */
  code[1] = 0x8c820000;
  code[2] = 0x0000000c;
  icache_sync((void *)code, 16);
  user_run(CODE, DATA, 0x77, 0);
  print("%s %s code %u value %lx refills %u\n", program_name, name, trap_code(&caught),
        trap_code(&caught) == 8 ? (unsigned long)caught.r[2] & 0xffffffff : 0, refills - before);
}

static void begin(unsigned page, unsigned bits) {
  flush();
  change(ENTRY(page, bits));
}

void program(void) {
  volatile uint32_t *page = KSEG0(SCRATCH);
  for (unsigned i = 1; i < 4; i++) page[i * 1024] = i;
  tlb_write(0, 0, CODE | 7, LO(SCRATCH, LO_V), LO(SCRATCH, LO_V));
  table[1] = ENTRY(3, LO_V | LO_D);
  trap_hook = refill;
  status_change(STATUS_CU0, 0);

  begin(1, LO_V | LO_D);
  use("first", false);
  change(ENTRY(2, LO_V | LO_D));
  flush();
  use("flushed", false);
  change(ENTRY(2, LO_V | LO_D) | 8); /* a bit of its own */
  use("same", false);
  change(ENTRY(1, LO_V | LO_D));
  change(ENTRY(2, LO_V | LO_D));
  use("changed-back", false);
  change(ENTRY(1, LO_V | LO_D));
  use("forgotten-frame", false);

  begin(1, LO_V | LO_D);
  use("before", true);
  change(ENTRY(1, LO_V));
  use("read-only", false);
  use("forgotten-read-only", true);

  begin(1, LO_V | LO_D);
  use("before", false);
  change(0);
  use("forgotten-invalid", false);
}
