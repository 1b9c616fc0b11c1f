/* guests/splash/os.h: what the parts of the library OS know of each other. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPLASH_OS_H
#define SPLASH_OS_H
#ifdef __mips64
#define SZ 8
#else
#define SZ 4
#endif
#define THREAD_SAVED  12 /* s0-s7, gp, sp, fp, ra */
#define THREAD_FSAVED 8
#define IDLE_STACK    4096
#define VCPUS_MAX     16
#define PAGE_SEEN_SHIFT 7
#define PAGE_SEEN_LINE (1 << PAGE_SEEN_SHIFT)
#define IPI           64 /* + vcpu: shared interrupts of the GIC that wake it */

#ifndef __ASSEMBLER__
#include "splash.h"

typedef unsigned long reg;

struct vcpu;
struct thread {
  reg saved[THREAD_SAVED]; /* start.S knows where */
  double fsaved[THREAD_FSAVED];
  struct vcpu *home;
  struct thread *next; /* in line with others: to run, or at a barrier */
  void (*fn)(void *arg);
  void *arg;
  struct lock lock; /* of the rest */
  bool done;
  struct thread *joiner;
};
register struct thread *self __asm__("$28");

extern unsigned vcpus;

void threads_init(unsigned vcpu);            /* make this vcpu's idle thread the current one */
_Noreturn void threads_idle(void);           /* run what there is */
void vcpu_wake(unsigned vcpu);               /* interrupt it */
void thread_switch(struct thread *to);       /* leave self there */
void idle_wait(struct thread *const *first); /* until there is one, or an interrupt */
_Noreturn void died(reg cause, reg epc, reg badvaddr);
_Noreturn void splash_boot(reg mark, const uint8_t *tree);
_Noreturn void splash_other(unsigned vcpu);
extern char other_entry[], heap_begin[];
extern size_t memory_end;
#define KSEG0(gpa) ((void *)(intptr_t)(int32_t)(0x80000000u | (gpa)))
#define KSEG1(gpa) ((void *)(intptr_t)(int32_t)(0xa0000000u | (gpa)))
static inline volatile uint32_t *device(uint32_t gpa) {
  return KSEG1(gpa);
}
/* Of devices that are little-endian whatever the cpu is. */
#ifdef __MIPSEB__
#define LITTLE16(v) __builtin_bswap16(v)
#define LITTLE32(v) __builtin_bswap32(v)
#define LITTLE64(v) __builtin_bswap64(v)
#else
#define LITTLE16(v) (v)
#define LITTLE32(v) (v)
#define LITTLE64(v) (v)
#endif
#endif
#endif
