/* guests/splash/threads.c: threads on vcpus, locks, barriers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "os.h"

enum { STACK = 64 << 10, SPINS = 100, SAVED_SP = 9, SAVED_GP = 8, SAVED_RA = 11 };

struct vcpu {
  struct lock lock; /* of the line */
  struct thread *first, *last;
  struct thread idle;
} __attribute__((aligned(128))); /* no line of a cache is shared */
static struct vcpu vcpu[VCPUS_MAX];
static unsigned next_vcpu; /* for a new thread */

/* --- locks --- */

/* For locks whose holder never gives way. */
static void spin_take(struct lock *l) {
  while (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE)) {
    while (__atomic_load_n(&l->held, __ATOMIC_RELAXED)) __asm__ volatile("pause");
  }
}

void lock_take(struct lock *l) {
  for (unsigned spins = 0; __atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE);) {
    while (__atomic_load_n(&l->held, __ATOMIC_RELAXED))
      if (++spins % SPINS == 0) thread_yield(); /* its holder may be a thread of this vcpu */
  }
}

void lock_give(struct lock *l) {
  __atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}

/* --- who runs --- */

static void line_up(struct thread *t) {
  struct vcpu *v = t->home;
  t->next = NULL;
  spin_take(&v->lock);
  if (v->first)
    v->last->next = t;
  else
    __atomic_store_n(&v->first, t, __ATOMIC_RELAXED); /* idle_wait() looks without the lock */
  v->last = t;
  lock_give(&v->lock);
}

static void wake(struct thread *t) {
  line_up(t);
  if (t->home != self->home) vcpu_wake((unsigned)(t->home - vcpu));
}

static struct thread *take_first(struct vcpu *v) {
  spin_take(&v->lock);
  struct thread *t = v->first;
  if (t) __atomic_store_n(&v->first, t->next, __ATOMIC_RELAXED);
  lock_give(&v->lock);
  return t;
}

/* Run others until somebody wakes this thread. It may be in line again already: only its own vcpu, which is here, takes
 * it from there. */
static void sleep(void) {
  struct thread *t = take_first(self->home);
  if (!t) t = &self->home->idle;
  if (t != self) thread_switch(t);
}

void thread_yield(void) {
  line_up(self);
  sleep();
}

void threads_init(unsigned n) {
  self = &vcpu[n].idle;
  self->home = &vcpu[n];
}

_Noreturn void threads_idle(void) {
  for (;;) {
    struct thread *t = take_first(self->home);
    if (t)
      thread_switch(t);
    else
      idle_wait(&self->home->first);
  }
}

/* --- beginning and end --- */

static _Noreturn void live(void) {
  self->fn(self->arg);
  lock_take(&self->lock);
  self->done = true;
  struct thread *joiner = self->joiner;
  lock_give(&self->lock);
  if (joiner) wake(joiner);
  for (;;) sleep();
}

struct thread *thread_start(void (*fn)(void *arg), void *arg) {
  struct thread *t = take_memory(STACK); /* the rest is its stack */
  *t = (struct thread){.fn = fn, .arg = arg};
  t->home = &vcpu[__atomic_fetch_add(&next_vcpu, 1, __ATOMIC_RELAXED) % vcpus];
  t->saved[SAVED_GP] = (reg)t;
  t->saved[SAVED_SP] = (reg)t + STACK - 64;
  t->saved[SAVED_RA] = (reg)live;
  wake(t);
  return t;
}

void thread_join(struct thread *t) {
  lock_take(&t->lock);
  bool done = t->done;
  t->joiner = self;
  lock_give(&t->lock);
  if (!done) sleep();
}

struct job {
  void (*fn)(unsigned id, void *arg);
  void *arg;
  unsigned id;
  struct thread *thread;
};

static void do_job(void *arg) {
  struct job *job = arg;
  job->fn(job->id, job->arg);
}

void run_all(void (*fn)(unsigned id, void *arg), void *arg) {
  struct job *job = take_memory(threads * sizeof *job);
  for (unsigned i = 0; i < threads; i++) {
    job[i] = (struct job){.fn = fn, .arg = arg, .id = i};
    job[i].thread = thread_start(do_job, &job[i]);
  }
  for (unsigned i = 0; i < threads; i++) thread_join(job[i].thread);
}

/* --- barriers --- */

void barrier_wait(struct barrier *b) {
  lock_take(&b->lock);
  if (++b->here < threads) {
    self->next = b->sleepers;
    b->sleepers = self;
    lock_give(&b->lock);
    sleep();
    return;
  }
  struct thread *t = b->sleepers, *next;
  b->here = 0;
  b->sleepers = NULL;
  lock_give(&b->lock);
  for (; t; t = next) {
    next = t->next; /* waking it changes that */
    wake(t);
  }
}
