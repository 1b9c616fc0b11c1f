/* jit/faults.c: who gets to know of a host fault. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Signal handlers are the process's; this is the one place where the library keeps something for all of it. */
#define _GNU_SOURCE /* REG_RIP */
#include "jit/faults.h"
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

enum { SIGNALS = 3 };
static const int signals[SIGNALS] = {SIGSEGV, SIGBUS, SIGILL};
static struct sigaction before[SIGNALS];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local struct {
  faults_handler handler;
  void *ctx;
} expected;

static void pass_on(const struct sigaction *old, int signal, siginfo_t *info, void *context) {
  if (old->sa_flags & SA_SIGINFO) {
    old->sa_sigaction(signal, info, context);
  } else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN) {
    old->sa_handler(signal);
  } else {
    struct sigaction none = {.sa_handler = SIG_DFL};
    sigaction(signal, &none, NULL); /* the instruction runs again, and that is the end */
  }
}

#ifdef __x86_64__
/* Behind a trap; 0: this is none. What could not be fetched cannot be looked at either. */
static uint64_t behind_trap(int signal, const siginfo_t *info, uint64_t pc) {
  static const uint8_t mark[] = {0x0f, 0x1f, 0x80, 't', 'r', 'a', 'p'};
  if (signal != SIGILL && (uint64_t)(uintptr_t)info->si_addr - pc < FAULTS_TRAP_BYTES + sizeof mark) return 0;
  pc += FAULTS_TRAP_BYTES;
  return memcmp((const void *)(uintptr_t)pc, mark, sizeof mark) ? 0 : pc; /* NOLINT(performance-no-int-to-ptr) */
}
#endif

static void on_signal(int signal, siginfo_t *info, void *context) {
#ifdef __x86_64__
  greg_t *pc = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
  uint64_t on = signal != SIGILL && expected.handler ? expected.handler(expected.ctx, (uint64_t)*pc) : 0;
  if (!on) on = behind_trap(signal, info, (uint64_t)*pc);
  if (on) {
    *pc = (greg_t)on;
    return;
  }
#endif
  int i = 0;
  while (signals[i] != signal) i++;
  pass_on(&before[i], signal, info, context);
}

static void take_over(void) {
  struct sigaction ours = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigemptyset(&ours.sa_mask);
  for (int i = 0; i < SIGNALS; i++) sigaction(signals[i], &ours, &before[i]);
}

void faults_expect(faults_handler handler, void *ctx) {
  pthread_once(&once, take_over);
  expected.handler = handler;
  expected.ctx = ctx;
}

void faults_forget(const void *ctx) {
  if (expected.ctx == ctx) expected.handler = NULL;
}

void faults_allow_traps(void) {
  pthread_once(&once, take_over);
}

#ifdef __x86_64__
uint64_t faults_ticks(void) {
  return __builtin_ia32_rdtsc();
}
uint64_t faults_trap(void) {
  uint64_t before_it = faults_ticks();
  __asm__ volatile(FAULTS_TRAP : : : "memory");
  return before_it;
}
uint64_t faults_touch(uint8_t *at, bool write) {
  uint64_t before_it = faults_ticks();
  if (write)
    __asm__ volatile("movb %%al, (%0); " FAULTS_MARK : : "D"(at) : "memory");
  else
    __asm__ volatile("movb (%0), %%al; " FAULTS_MARK : : "D"(at) : "rax", "memory");
  return before_it;
}
#else /* nothing generates code for such a host */
uint64_t faults_ticks(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}
uint64_t faults_trap(void) {
  return faults_ticks();
}
uint64_t faults_touch(uint8_t *at, bool write) {
  (void)at, (void)write;
  return faults_ticks();
}
#endif
