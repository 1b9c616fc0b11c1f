/* guests/bare/llsc.c: load-linked and store-conditional, alone, repeated, with an exception in between. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

static volatile uint32_t word __attribute__((aligned(8)));
static volatile uint64_t wide __attribute__((aligned(8)));
#define ASM(text, ...) __asm__ volatile(".set push\n\t.set noreorder\n\t.set noat\n\t" text "\n\t.set pop" __VA_ARGS__)

static bool resume_after(struct trap *t) { /* a syscall that does nothing */
  if (trap_code(t) != 8) return false;
  t->epc += 4;
  return true;
}

void program(void) {
  reg old, ok;
  word = 5;
  ASM("ll %0, 0(%2)\n\tli %1, 9\n\tsc %1, 0(%2)", : "=&r"(old), "=&r"(ok) : "r"(&word) : "memory");
  REPORT("plain", "old %lu ok %lu now %u", old, ok, word);
  ASM("li %0, 11\n\tsc %0, 0(%1)", : "=&r"(ok) : "r"(&word) : "memory");
  unsigned second = (unsigned)ok; /* sc with no ll of its own: what the cpu does is its own affair, but it says so */
  REPORT("claims", "consistent %u", second == (word == 11));
  word = 5;
  trap_hook = resume_after;
  ASM("ll %0, 0(%2)\n\tli %1, 9\n\tsyscall\n\tsc %1, 0(%2)", : "=&r"(old), "=&r"(ok) : "r"(&word) : "memory");
  REPORT("exception", "old %lu ok %lu now %u", old, ok, word);
  word = 0x80000000;
  ASM("ll %0, 0(%2)\n\taddiu %1, %0, 1\n\tsc %1, 0(%2)", : "=&r"(old), "=&r"(ok) : "r"(&word) : "memory");
  REPORT("sign", "old " HEX " ok %lu now %08x", old, ok, word);
  for (int i = 0; i < 1000; i++) __atomic_fetch_add(&word, 3, __ATOMIC_SEQ_CST);
  REPORT("loop", "now %08x", word);
#ifdef __mips64
  wide = 5;
  ASM("lld %0, 0(%2)\n\tli %1, 9\n\tscd %1, 0(%2)", : "=&r"(old), "=&r"(ok) : "r"(&wide) : "memory");
  REPORT("wide", "old %lu ok %lu now %lu", old, ok, (unsigned long)wide);
  ASM("lld %0, 0(%2)\n\tli %1, 7\n\tsyscall\n\tscd %1, 0(%2)", : "=&r"(old), "=&r"(ok) : "r"(&wide) : "memory");
  REPORT("wide-exception", "old %lu ok %lu now %lu", old, ok, (unsigned long)wide);
#else
  wide = 0;
#endif
}
