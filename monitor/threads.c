/* monitor/threads.c: --parallel: the vcpus of a VM at the same time, each on a host thread of its own. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Two things are shared. The *right to run* (gang.h) is for what guest code touches; the *device lock* for everything
 * else: the board, the clock, the console, and who sleeps. Whoever waits for the device lock has given back the right
 * to run; who has the lock may wait for the right.
 *
 * Each vcpu counts its own cycles. The VM's clock is where the first of them has come to; none may be further than
 * LEAD_NS ahead of the last that runs, so that no time-out of a guest comes of what else this host does. Who is ahead
 * sleeps, and so does who waits. The thread that called mb_machine_run() only looks at the host, and skips idle time
 * when all wait. */
#include "monitor/threads.h"
#include "frontend/code.h"
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define LEAD_NS 10000000u           /* virtual */
#define LOOK_NS 1000000             /* wall */
enum { SLICE = 50000, NEAR = 100 }; /* cycles: after so many a vcpu looks up; less than this is not worth a slice */

_Static_assert((int)IO_VCPUS == (int)MIPS_GANG_MAX, "a gang is as large as a board");

/* What a vcpu's thread does. Only who RUNS touches its cpu without the device lock. */
enum state {
  RESTS, /* not started, dead, or all are to stop */
  WAITS, /* for an interrupt */
  AHEAD, /* of the others, or at the turn's end */
  RUNS
};

struct thread {
  struct mon_threads *all;
  unsigned number;
  pthread_t id;
  pthread_cond_t wake;
  enum state state; /* under the device lock, as is all that is not atomic */
  uint64_t timer;   /* WAITS: the cycle at which its own timer ends that */
  uint64_t look;    /* the cycle at which it looks after the others; its own */
  uint32_t lines;   /* levels of its interrupt lines */
  _Atomic bool poked;
  _Atomic uint64_t now, instructions;
};

struct mon_threads {
  struct mb_vm *vm;
  struct mips_gang *gang;
  struct cpu_config device; /* the hooks as they would be without us */
  pthread_mutex_t lock;
  pthread_cond_t host;
  struct thread of[IO_VCPUS];
  unsigned started;
  bool quit;
  uint64_t lead, horizon;      /* cycles; `horizon`: the turn's end */
  _Atomic uint64_t limit, due; /* cycles: nobody runs beyond; the next timer of the board, or of who waits */
  _Atomic bool halt;           /* all are to rest */
};

/* --- with the device lock --- */

static struct cpu *cpu_of(const struct thread *t) {
  return &t->all->vm->cpu[t->number];
}

static void wake(struct thread *t) {
  t->state = RUNS; /* until it finds that it cannot: or we would take all for idle */
  pthread_cond_signal(&t->wake);
}

static bool anyone(const struct mon_threads *a, enum state s) {
  bool any = false;
  for (unsigned i = 0; i < a->started; i++) any |= a->of[i].state == s;
  return any;
}

static void renew_due(struct mon_threads *a) {
  uint64_t due = io_clock_next(&a->vm->clock);
  for (unsigned i = 0; i < a->started; i++)
    if (a->of[i].state == WAITS && a->of[i].timer < due) due = a->of[i].timer;
  a->due = due;
}

/* The last may have moved on: then so may those ahead of it. */
static void renew_limit(struct mon_threads *a) {
  uint64_t least = UINT64_MAX, limit;
  for (unsigned i = 0; i < a->started; i++)
    if (a->of[i].state >= AHEAD && a->of[i].now < least) least = a->of[i].now;
  limit = least > UINT64_MAX - a->lead ? UINT64_MAX : least + a->lead;
  a->limit = limit = limit < a->horizon ? limit : a->horizon;
  for (unsigned i = 0; i < a->started; i++)
    if (a->of[i].state == AHEAD && a->of[i].now < limit) wake(&a->of[i]);
}

static void wake_those_due(struct mon_threads *a) {
  for (unsigned i = 0; i < a->started; i++)
    if (a->of[i].state == WAITS && a->of[i].timer <= a->vm->clock.now) wake(&a->of[i]);
}

/* Devices act; with the right to run, since they write to memory. */
static void advance(struct mon_threads *a, uint64_t now) {
  mips_gang_enter(a->gang);
  io_clock_advance(&a->vm->clock, now);
  mips_gang_leave(a->gang);
  wake_those_due(a);
  renew_due(a);
}

void mon_threads_poke(struct mon_threads *a, unsigned vcpu) {
  struct thread *t = &a->of[vcpu];
  t->poked = true;
  if (vcpu < a->started && t->state < AHEAD) wake(t);
}

void mon_threads_irq(struct mon_threads *a, unsigned vcpu, int line, int level) {
  struct thread *t = &a->of[vcpu];
  uint32_t lines = level ? t->lines | 1u << line : t->lines & ~(1u << line);
  if (lines == t->lines) return;
  t->lines = lines;
  mon_threads_poke(a, vcpu);
}

uint64_t mon_threads_instructions(const struct mon_threads *a) {
  uint64_t n = 0;
  for (unsigned i = 0; i < IO_VCPUS; i++) n += atomic_load_explicit(&a->of[i].instructions, memory_order_relaxed);
  return n;
}

/* Let its cpu see its interrupt lines. On its thread, with the lock. */
static void take_lines(const struct thread *t) {
  struct cpu *c = cpu_of(t);
  for (int i = 0; i < 6; i++)
    if ((c->irq ^ t->lines) >> i & 1) mips_irq_set(c, i, t->lines >> i & 1);
}

/* --- device accesses of a vcpu: from io_now() to io_stall() --- */

static void take_lock(struct mon_threads *a) {
  if (pthread_mutex_trylock(&a->lock)) {
    mips_gang_leave(a->gang);
    pthread_mutex_lock(&a->lock);
    mips_gang_enter(a->gang);
  }
}

static void enter_device(struct thread *t) {
  take_lock(t->all);
  t->all->vm->turn = t->all->vm->board.bus.master = t->number;
}

static void leave_device(struct thread *t) {
  struct mon_threads *a = t->all;
  renew_due(a);
  take_lines(t); /* at once: or an interrupt that it has acknowledged would come again and again until its slice ends */
  if (a->vm->stopping) {
    mips_run_until(cpu_of(t), 0);
    a->halt = true;
    pthread_cond_signal(&a->host);
  }
  pthread_mutex_unlock(&a->lock);
  mips_code_settle(cpu_of(t));
}

static void device_now(void *ctx, uint64_t cycles) {
  struct thread *t = ctx;
  enter_device(t);
  t->all->device.io_now(t->all->vm, cycles);
}
static uint64_t device_read(void *ctx, uint64_t gpa, int size) {
  const struct mon_threads *a = ((struct thread *)ctx)->all;
  return a->device.io_read(a->vm, gpa, size);
}
static void device_write(void *ctx, uint64_t gpa, uint64_t v, int size) {
  const struct mon_threads *a = ((struct thread *)ctx)->all;
  a->device.io_write(a->vm, gpa, v, size);
}
static uint64_t device_stall(void *ctx) {
  struct thread *t = ctx;
  uint64_t stall = t->all->device.io_stall(t->all->vm);
  leave_device(t);
  return stall;
}
static bool device_fetch(void *ctx, uint64_t gpa, uint32_t *word) {
  struct thread *t = ctx;
  enter_device(t);
  bool fine = t->all->device.io_fetch(t->all->vm, gpa, word);
  leave_device(t);
  return fine;
}

void mon_threads_hook(struct mon_threads *a, unsigned number, struct cpu_config *c) {
  a->device = *c;
  c->gang = a->gang;
  c->io_now = device_now;
  c->io_read = device_read;
  c->io_write = device_write;
  c->io_stall = device_stall;
  c->io_fetch = device_fetch;
  c->ctx = &a->of[number];
}

/* --- a vcpu's thread --- */

static void publish(struct thread *t) {
  atomic_store_explicit(&t->now, mips_now(cpu_of(t)), memory_order_relaxed);
  atomic_store_explicit(&t->instructions, mips_instructions(cpu_of(t)), memory_order_relaxed);
}

static void begin(struct mb_vm *vm, struct thread *t) {
  struct mon_vcpu *v = &vm->vcpu[t->number];
  if (v->up && v->start) mon_start_vcpu(vm, cpu_of(t), v);
}

/* What has happened to it meanwhile, with lock and right. Returns what it is to do. */
static enum state attend(struct thread *t) {
  struct mon_threads *a = t->all;
  struct mb_vm *vm = a->vm;
  struct cpu *c = cpu_of(t);
  t->poked = false;
  if (a->halt) return RESTS;
  begin(vm, t);
  if (!vm->vcpu[t->number].up || c->dead) return RESTS;
  take_lines(t);
  t->timer = mon_own_timer(c);
  if (mips_waits(c) && t->timer > vm->clock.now) return WAITS;
  if (c->waiting) mips_idle_to(c, vm->clock.now);
  publish(t);
  return RUNS;
}

/* May it run? With the lock. */
static bool ready(struct thread *t) {
  struct mon_threads *a = t->all;
  mips_gang_enter(a->gang);
  mips_code_settle(cpu_of(t));
  t->state = attend(t);
  mips_gang_leave(a->gang);
  if (t->state == WAITS) renew_due(a);
  renew_limit(a);
  if (t->state == RUNS && t->now >= a->limit) t->state = AHEAD;
  t->look = t->now + a->lead / 2;
  return t->state == RUNS;
}

static bool wants_to_look(const struct thread *t) {
  const struct mon_threads *a = t->all;
  uint64_t now = atomic_load_explicit(&t->now, memory_order_relaxed);
  return t->poked || a->halt || now + NEAR >= a->due || now >= a->limit || now >= t->look ||
         (a->vm->limit != UINT64_MAX && mon_threads_instructions(a) >= a->vm->limit);
}

/* Slices, without the lock, until there is something to look at. */
static enum mips_stop run(struct thread *t) {
  struct mon_threads *a = t->all;
  struct cpu *c = cpu_of(t);
  enum mips_stop stop;
  mips_gang_enter(a->gang);
  mips_code_settle(c);
  do {
    uint64_t now = mips_now(c), due = a->due;
    stop = mips_run(c, due > now + NEAR && due < now + SLICE ? due : now + SLICE);
    publish(t);
    if (!mips_gang_wanted(a->gang)) continue;
    mips_gang_leave(a->gang);
    mips_gang_enter(a->gang);
    mips_code_settle(c);
  } while (stop == MIPS_STOP_TIME && !wants_to_look(t));
  mips_gang_leave(a->gang);
  return stop;
}

static void look(struct thread *t, enum mips_stop stop) {
  struct mon_threads *a = t->all;
  struct mb_vm *vm = a->vm;
  vm->turn = vm->board.bus.master = t->number;
  if (stop == MIPS_STOP_DEAD) mon_vcpu_died(vm);
  if (mon_threads_instructions(a) >= vm->limit) mon_stop(vm, MB_STOP_LIMIT);
  if (t->now + NEAR >= a->due || t->now >= t->look) advance(a, t->now + NEAR);
  if (vm->stopping) {
    a->halt = true;
    pthread_cond_signal(&a->host);
  }
}

static void *live(void *arg) {
  struct thread *t = arg;
  struct mon_threads *a = t->all;
  pthread_mutex_lock(&a->lock);
  while (!a->quit) {
    if (ready(t)) {
      pthread_mutex_unlock(&a->lock);
      enum mips_stop stop = run(t);
      pthread_mutex_lock(&a->lock);
      look(t, stop);
      continue;
    }
    if (!anyone(a, RUNS)) pthread_cond_signal(&a->host);
    while (t->state != RUNS && !a->quit) pthread_cond_wait(&t->wake, &a->lock);
  }
  t->state = RESTS;
  pthread_mutex_unlock(&a->lock);
  return NULL;
}

int mon_thread_start(pthread_t *out, void *(*run)(void *), void *arg) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
  sigset_t all, before;
  sigfillset(&all);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&all, faults[i]);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int bad = pthread_create(out, NULL, run, arg);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return bad;
}

/* --- the thread that called mb_machine_run() --- */

static void start_all(struct mon_threads *a) {
  for (; a->started < a->vm->vcpus; a->started++) {
    struct thread *t = &a->of[a->started];
    t->state = RUNS;
    if (!mon_thread_start(&t->id, live, t)) continue;
    mon_fail(a->vm->error, MB_ERR_MEMORY, "this host has no thread for vcpu %u", a->started);
    mon_stop(a->vm, MB_STOP_ERROR);
    return;
  }
}

/* All wait: go to the next event. With the lock, and nobody runs. */
static void idle(struct mon_threads *a) {
  struct mb_vm *vm = a->vm;
  mips_gang_enter(a->gang);
  vm->round_end = vm->clock.now;
  io_clock_advance(&vm->clock, vm->clock.now);
  if (!anyone(a, RUNS)) mon_skip(vm);
  mips_gang_leave(a->gang);
  wake_those_due(a);
  renew_due(a);
}

static void sleep_a_little(struct mon_threads *a) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  t.tv_nsec += LOOK_NS;
  if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
  pthread_cond_timedwait(&a->host, &a->lock, &t);
}

static void set_horizon(struct mon_threads *a, uint64_t end) {
  uint64_t next = a->vm->clock.now + a->lead;
  bool real = a->vm->machine->pace.pace == MB_PACE_REAL;
  a->horizon = real && next < end ? next : end;
  renew_limit(a);
}

static void look_at_host(struct mon_threads *a) {
  if (a->vm->machine->side_by_side) return;
  mips_gang_enter(a->gang);
  if (mon_look_at_host(a->vm->machine, a->vm)) {
    mips_gang_alone(a->gang); /* what is told is the vcpus' own, and they are between slices now */
    mon_tell(a->vm->machine);
    mips_gang_together(a->gang);
  }
  mips_gang_leave(a->gang);
}

void mon_threads_turn(struct mb_vm *vm, uint64_t end) {
  struct mon_threads *a = vm->threads;
  pthread_mutex_lock(&a->lock);
  a->halt = false;
  set_horizon(a, end);
  start_all(a);
  for (unsigned i = 0; i < a->started; i++)
    if (a->of[i].state != RUNS) wake(&a->of[i]);
  while (!vm->stopping) {
    look_at_host(a);
    if (vm->stopping) break;
    if (anyone(a, RUNS)) {
      sleep_a_little(a);
    } else if (!mon_any_lives(vm)) {
      mon_all_dead(vm);
    } else if (anyone(a, AHEAD) || vm->clock.now >= end) {
      if (vm->clock.now >= end) break;
      if (a->horizon == end) {
        advance(a, end); /* no further, but that far: or the next turn would end where this one does */
        continue;
      }
      (void)mon_pace_idle(vm, vm->clock.now, vm->clock.now);
      set_horizon(a, end);
    } else {
      idle(a);
    }
  }
  a->halt = true;
  while (anyone(a, RUNS)) pthread_cond_wait(&a->host, &a->lock);
  vm->turn = 0;
  vm->round_end = vm->clock.now;
  pthread_mutex_unlock(&a->lock);
}

/* --- making and ending --- */

int mon_threads_new(struct mb_vm *vm) {
  struct mon_threads *a = vm->threads = calloc(1, sizeof *a);
  if (!a || mips_gang_new(&a->gang)) return -1;
  a->vm = vm;
  a->lead = mon_cycles(vm, LEAD_NS);
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_mutex_init(&a->lock, NULL);
  pthread_cond_init(&a->host, &monotonic);
  pthread_condattr_destroy(&monotonic);
  for (unsigned i = 0; i < IO_VCPUS; i++) {
    a->of[i].all = a;
    a->of[i].number = i;
    pthread_cond_init(&a->of[i].wake, NULL);
  }
  return 0;
}

struct mips_gang *mon_threads_gang(struct mon_threads *a) {
  return a->gang;
}

void mon_threads_end(struct mon_threads *a) {
  if (!a || !a->gang) return;
  pthread_mutex_lock(&a->lock);
  a->quit = true;
  for (unsigned i = 0; i < a->started; i++) pthread_cond_signal(&a->of[i].wake);
  pthread_mutex_unlock(&a->lock);
  while (a->started) pthread_join(a->of[--a->started].id, NULL);
}

void mon_threads_free(struct mon_threads *a) {
  if (!a) return;
  if (a->gang) {
    for (unsigned i = 0; i < IO_VCPUS; i++) pthread_cond_destroy(&a->of[i].wake);
    pthread_cond_destroy(&a->host);
    pthread_mutex_destroy(&a->lock);
    mips_gang_free(a->gang);
  }
  free(a);
}
