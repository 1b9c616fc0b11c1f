/* guests/splash/host.c: the programs on the computer at hand, with its threads: an outsider's opinion for tests. */
/* SPDX-License-Identifier: Apache-2.0 */
/* cc -O2 -ffp-contract=off -pthread host.c words.c PROGRAM.c; the words are its arguments. */
#include "splash.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS_MAX = 256 };

void lock_take(struct lock *l) {
  while (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE)) sched_yield();
}

void lock_give(struct lock *l) {
  __atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}

struct job {
  void (*fn)(unsigned id, void *arg);
  void *arg;
  unsigned id;
  pthread_t thread;
};

static void *do_job(void *arg) {
  struct job *job = arg;
  job->fn(job->id, job->arg);
  return NULL;
}

void run_all(void (*fn)(unsigned id, void *arg), void *arg) {
  static struct job job[THREADS_MAX];
  for (unsigned i = 0; i < threads; i++) {
    job[i] = (struct job){.fn = fn, .arg = arg, .id = i};
    if (pthread_create(&job[i].thread, NULL, do_job, &job[i])) abort();
  }
  for (unsigned i = 0; i < threads; i++) pthread_join(job[i].thread, NULL);
}

void barrier_wait(struct barrier *b) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static pthread_cond_t opened = PTHREAD_COND_INITIALIZER;
  static unsigned long times; /* that any barrier has opened */
  pthread_mutex_lock(&mutex);
  if (++b->here == threads) {
    b->here = 0;
    times++;
    pthread_cond_broadcast(&opened);
  } else
    for (unsigned long before = times; times == before;) pthread_cond_wait(&opened, &mutex);
  pthread_mutex_unlock(&mutex);
}

void *take_memory(size_t n) {
  void *p = calloc(1, n);
  if (!p) abort();
  return p;
}

void print(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  vprintf(fmt, args);
  va_end(args);
}

void print_into(char *to, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  vsprintf(to, fmt, args);
  va_end(args);
}

_Noreturn void finish(int code) {
  exit(code);
}

uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 100000000 + (uint64_t)t.tv_nsec / 10;
}

bool disk_write(const void *from, size_t n) {
  (void)from, (void)n;
  return false;
}

bool disk_read(void *to, size_t n) {
  (void)to, (void)n;
  return false;
}

int main(int argc, char **argv) {
  static char line[1024];
  threads = 1;
  for (int i = 1; i < argc && strlen(line) + strlen(argv[i]) + 2 < sizeof line; i++) strcat(strcat(line, argv[i]), " ");
  splash_words(line);
  return splash_main();
}
