/* jit/faults.c: who gets to know of a host fault. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Signal handlers are the process's; this is the one place where the library keeps something for all of it. */
#define _GNU_SOURCE /* REG_RIP */
#include "jit/faults.h"
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <ucontext.h>

static struct sigaction before[2];
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

static void on_signal(int signal, siginfo_t *info, void *context) {
#ifdef __x86_64__
  greg_t *pc = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
  uint64_t on = expected.handler ? expected.handler(expected.ctx, (uint64_t)*pc) : 0;
  if (on) {
    *pc = (greg_t)on;
    return;
  }
#endif
  pass_on(&before[signal == SIGBUS], signal, info, context);
}

static void take_over(void) {
  struct sigaction ours = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigemptyset(&ours.sa_mask);
  sigaction(SIGSEGV, &ours, &before[0]);
  sigaction(SIGBUS, &ours, &before[1]);
}

void faults_expect(faults_handler handler, void *ctx) {
  pthread_once(&once, take_over);
  expected.handler = handler;
  expected.ctx = ctx;
}

void faults_forget(const void *ctx) {
  if (expected.ctx == ctx) expected.handler = NULL;
}
