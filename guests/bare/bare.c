/* guests/bare/bare.c: the run-time of the bare-metal programs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"
#include "board-map.h"
#include "print.h"

struct trap trap_frame, caught;
volatile unsigned traps;
volatile reg trap_resume;
bool (*trap_hook)(struct trap *);
uint32_t trap_status_low; /* start.S puts it into Status before eret */
extern uint32_t user_status;
extern char user_back[];

/* --- console and exit --- */

void print(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  print_to(board_put, fmt, args);
  va_end(args);
}

_Noreturn void finish(int code) {
  board_off(code);
}

/* --- exceptions --- */

void trap(struct trap *t); /* called by start.S */
void trap(struct trap *t) {
  trap_status_low = (uint32_t)t->status | STATUS_EXL;
  if (trap_hook && trap_hook(t)) return;
  caught = *t;
  traps++;
  if (t->status & STATUS_UM) {
    t->epc = (reg)user_back;
    trap_status_low = user_status | STATUS_EXL;
  } else if (trap_resume) {
    t->epc = trap_resume;
    trap_resume = 0;
  } else {
    print("%s BUG unexpected exception code %u vector %lx epc " HEX " badvaddr " HEX " cause %lx status %lx\n",
          program_name, trap_code(t), t->vector, t->epc, t->badvaddr, t->cause & 0xffffffff, t->status & 0xffffffff);
    finish(99);
  }
}

void report_trap(const char *name, reg base) {
  REPORT(name, "code %u slot %u vector %lx epc %ld", trap_code(&caught), trap_slot(&caught), caught.vector,
         (long)(caught.epc - base));
}

/* --- TLB and caches --- */

unsigned tlb_size(void) {
  return (get32(CP0_CONFIG1) >> 25 & 63) + 1;
}

void tlb_write(unsigned index, uint32_t mask, reg hi, reg lo0, reg lo1) {
  set32(CP0_PAGEMASK, mask);
  setreg(CP0_ENTRYHI, hi);
  setreg(CP0_ENTRYLO0, lo0);
  setreg(CP0_ENTRYLO1, lo1);
  set32(CP0_INDEX, index);
  __asm__ volatile("tlbwi\n\tehb");
}

void tlb_clear(void) {
  set32(CP0_WIRED, 0);
  for (unsigned i = 0; i < tlb_size(); i++) tlb_write(i, 0, (reg)(intptr_t)(int32_t)(0x80000000u + i * 0x2000), 0, 0);
  set32(CP0_INDEX, 0);
  setreg(CP0_ENTRYHI, 0);
}

void icache_sync(void *from, size_t n) {
  for (char *p = from; p < (char *)from + n; p += 4) __asm__ volatile("synci 0(%0)" : : "r"(p) : "memory");
  __asm__ volatile("sync\n\tehb" : : : "memory");
}

void bare_main(void);
void bare_main(void) {
  tlb_clear();
  program();
  print("%s end\n", program_name);
  finish(0);
}
