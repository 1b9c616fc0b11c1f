/* monitor/services.c: follows which service of the guest's kernel is running, by its exceptions, returns and threads.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/services.h"
#include "monitor/monitor.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES_FIRST = 256, SERVICES_FIRST = 64, THREAD_PLACES_MAX = 1 << 20 };

int mon_services_new(struct mon_services **out) {
  struct mon_services *s = *out = calloc(1, sizeof *s);
  if (!s) return MB_ERR_MEMORY;
  s->service = calloc(SERVICES_FIRST, sizeof *s->service);
  s->asleep = calloc(PLACES_FIRST, sizeof *s->asleep);
  s->room = SERVICES_FIRST;
  s->places = PLACES_FIRST;
  s->n = MON_SERVICE_SYSCALL;
  for (unsigned i = 0; i < IO_VCPUS; i++) s->active[i].now.depth = 1; /* in MON_SERVICE_KERNEL */
  return s->service && s->asleep ? MB_OK : MB_ERR_MEMORY;
}

void mon_services_free(struct mon_services *s) {
  if (!s) return;
  free(s->service);
  free(s->asleep);
  free(s);
}

/* --- charging --- */

static struct mon_frame *top(struct mon_active *a) {
  return &a->now.frame[(a->now.depth < MON_FRAMES ? a->now.depth : MON_FRAMES) - 1];
}

/* Up to `extra` instructions from now all has been the service's at the top. */
static void charge(struct mon_services *s, struct mon_active *a, const struct cpu *c, unsigned extra) {
  const struct mon_frame *f = top(a);
  struct mon_service *to = &s->service[f->service];
  uint64_t instructions = mips_instructions(c) + extra;
  to->instructions += instructions - a->instructions;
  if (f->refill) to->tlb_instructions += instructions - a->instructions;
  to->idle += c->idled - a->idle;
  to->stall += c->j.stalled - a->stall;
  to->events[MIPS_EVENT_REFILL_HIDDEN] += c->mmu.l2_hits - a->hidden;
  a->instructions = instructions;
  a->idle = c->idled;
  a->stall = c->j.stalled;
  a->hidden = c->mmu.l2_hits;
}

/* Events count for whatever is at the top now. */
static void point(struct mon_services *s, struct mon_active *a, struct cpu *c) {
  c->events = s->service[top(a)->service].events;
}

/* When the table moves every vcpu's pointer into it does. */
static bool more_services(struct mb_vm *vm) {
  struct mon_services *s = vm->services;
  if (s->n < s->room) return true;
  struct mon_service *more = realloc(s->service, s->room * 2 * sizeof *more);
  if (!more) return false;
  memset(more + s->room, 0, s->room * sizeof *more);
  s->service = more;
  s->room *= 2;
  for (unsigned i = 0; i < vm->vcpus; i++) point(s, &s->active[i], &vm->cpu[i]);
  return true;
}

void mon_services_attach(struct mb_vm *vm, unsigned vcpu) {
  point(vm->services, &vm->services->active[vcpu], &vm->cpu[vcpu]);
}

static bool in_user_mode(const struct cpu *c) {
  return (c->j.mode & MODE_PRIV) == MMU_USER;
}

void mon_services_resume(struct mb_vm *vm) {
  struct mon_services *s = vm->services;
  for (unsigned i = 0; i < vm->vcpus; i++) {
    struct cpu *c = &vm->cpu[i];
    struct mon_active *a = &s->active[i];
    if (in_user_mode(c)) a->now.frame[0] = (struct mon_frame){MON_SERVICE_USER, false};
    a->instructions = mips_instructions(c);
    a->idle = c->idled;
    a->stall = c->j.stalled;
    a->hidden = c->mmu.l2_hits;
    point(s, a, c);
  }
}

/* --- page faults --- */

void mon_service_add(struct mon_service *to, const struct mon_service *s) {
  to->invocations += s->invocations;
  to->instructions += s->instructions;
  to->tlb_instructions += s->tlb_instructions;
  to->idle += s->idle;
  to->stall += s->stall;
  for (unsigned e = 0; e < MIPS_EVENTS; e++) to->events[e] += s->events[e];
}

/* Each fault is counted by itself until it is over, since only then can one tell what it was. */
static uint16_t fault_service(struct mb_vm *vm, const struct cpu *c) {
  struct mon_services *s = vm->services;
  uint16_t i = s->unused;
  if (i) {
    s->unused = s->service[i].next;
  } else if (s->n < UINT16_MAX && more_services(vm)) {
    i = (uint16_t)s->n++;
  } else {
    s->failed = true;
    return MON_SERVICE_QUICK_FAULT;
  }
  s->service[i] = (struct mon_service){.fault = true, .va = c->fault.badvaddr};
  return i;
}

/* Are there zeros at va, as the guest has it mapped now? -1: it has not mapped it yet. */
static int is_zeroed(struct mb_vm *vm, const struct cpu *c, uint64_t va) {
  uint8_t bytes[MMU_PAGE_SIZE];
  gpa_t at;
  bool writable;
  va &= ~(uint64_t)(sizeof bytes - 1);
  if (mmu_translate((struct mmu_guest *)(uintptr_t)&c->mmu, va, MMU_READ, &at, &writable) != MMU_OK ||
      mmu_read(&vm->pmap, at, bytes, sizeof bytes) != sizeof bytes)
    return -1;
  return !bytes[0] && !memcmp(bytes, bytes + 1, sizeof bytes - 1);
}

/* A kernel that has stored a whole page, by words of its own size, has filled one for who faulted: with zeros, if it
 * holds them, or, where the page cannot be looked at yet, if as much has not been loaded. */
static enum mon_service_kind kind_of_fault(struct mb_vm *vm, const struct cpu *c, const struct mon_service *s) {
  uint64_t words = MMU_PAGE_SIZE / (vm->is64 ? 8 : 4);
  if (s->events[MIPS_EVENT_KSEG0_STORE] < words) return MON_SERVICE_QUICK_FAULT;
  int zeroed = is_zeroed(vm, c, s->va);
  if (zeroed < 0) zeroed = s->events[MIPS_EVENT_KSEG0_LOAD] < words;
  return zeroed ? MON_SERVICE_ZERO_FAULT : MON_SERVICE_COPY_FAULT;
}

/* The activity of a frame is over. */
static void finish(struct mb_vm *vm, struct mon_frame *f, const struct cpu *c) {
  struct mon_services *s = vm->services;
  struct mon_service *fault = &s->service[f->service];
  if (f->refill || !fault->fault) return;
  enum mon_service_kind kind = kind_of_fault(vm, c, fault);
  mon_service_add(&s->service[kind], fault);
  *fault = (struct mon_service){.fault = true, .next = s->unused};
  s->unused = f->service;
  f->service = (uint16_t)kind;
}

static void finish_all(struct mb_vm *vm, struct mon_activity *a, const struct cpu *c) {
  for (unsigned i = 0; i < a->depth && i < MON_FRAMES; i++) finish(vm, &a->frame[i], c);
}

/* --- which service --- */

static uint16_t syscall_service(struct mb_vm *vm, uint64_t number) {
  struct mon_services *s = vm->services;
  uint32_t n = number < MON_SYSCALLS ? (uint32_t)number : MON_SYSCALLS - 1;
  if (s->by_number[n]) return s->by_number[n];
  if (!more_services(vm)) {
    s->failed = true;
    return MON_SERVICE_EXCEPTION;
  }
  s->service[s->n].number = n;
  return s->by_number[n] = (uint16_t)s->n++;
}

static uint16_t service_of(struct mb_vm *vm, const struct cpu *c) {
  switch (mips_event_of_fault(c)) {
  case MIPS_EVENT_SYSCALL: return syscall_service(vm, c->gpr[2]);
  case MIPS_EVENT_INTERRUPT: return MON_SERVICE_INTERRUPT;
  case MIPS_EVENT_REFILL_USER: return MON_SERVICE_REFILL;
  case MIPS_EVENT_TLB_INVALID:
  case MIPS_EVENT_TLB_MODIFIED: return fault_service(vm, c);
  case MIPS_EVENT_FPU_UNUSABLE: return MON_SERVICE_FPU;
  case MIPS_EVENT_RESERVED: return MON_SERVICE_EMULATION;
  default: return MON_SERVICE_EXCEPTION;
  }
}

/* --- threads that do not run --- */

/* The place of a thread, or the free one where it would be. */
static struct mon_activity *place(struct mon_activity *table, size_t places, uint64_t thread) {
  size_t i = (size_t)(thread * UINT64_C(0x9fb21c651e98df25) >> 32);
  while (table[i & (places - 1)].thread && table[i & (places - 1)].thread != thread) i++;
  return &table[i & (places - 1)];
}

static bool more_places(struct mon_services *s) {
  size_t places = s->places * 2;
  struct mon_activity *table = places <= THREAD_PLACES_MAX ? calloc(places, sizeof *table) : NULL;
  if (!table) return false;
  for (size_t i = 0; i < s->places; i++)
    if (s->asleep[i].thread) *place(table, places, s->asleep[i].thread) = s->asleep[i];
  free(s->asleep);
  s->asleep = table;
  s->places = places;
  return true;
}

static void put_asleep(struct mon_services *s, const struct mon_activity *a) {
  struct mon_activity *to = place(s->asleep, s->places, a->thread);
  if (!to->thread && s->threads * 2 > s->places) {
    if (!more_places(s)) {
      s->failed = true;
      return;
    }
    to = place(s->asleep, s->places, a->thread);
  }
  s->threads += !to->thread;
  *to = *a;
}

static void wake(struct mb_vm *vm, struct mon_activity *a, const struct cpu *c) {
  struct mon_services *s = vm->services;
  struct mon_activity *was = place(s->asleep, s->places, c->gpr[28]);
  bool same = was->depth && was->sp == c->gpr[29];
  if (!same) finish_all(vm, was, c); /* it has died in them */
  *a = same ? *was : (struct mon_activity){.depth = 1};
  a->thread = c->gpr[28];
  was->depth = 0; /* they are no longer its own */
}

/* --- moves --- */

static void enter(struct mb_vm *vm, struct mon_active *a, const struct cpu *c) {
  struct mon_services *s = vm->services;
  struct mon_frame f = {.refill = c->fault.refill && !in_user_mode(c)};
  f.service = f.refill ? top(a)->service : service_of(vm, c);
  if (!f.refill) s->service[f.service].invocations++;
  if (in_user_mode(c)) {
    finish_all(vm, &a->now, c);
    a->now = (struct mon_activity){.depth = 1};
  } else if (!(c->cp0.status & ST_EXL)) /* else one ERET will leave both: this one takes the other's place */
    a->now.depth++;
  else if (!f.refill)
    finish(vm, top(a), c);
  *top(a) = f;
}

static void leave(struct mb_vm *vm, struct mon_active *a, const struct cpu *c) {
  struct mon_services *s = vm->services;
  if (in_user_mode(c)) {
    finish_all(vm, &a->now, c);
    a->now = (struct mon_activity){.depth = 1, .frame = {{MON_SERVICE_USER, false}}};
    return;
  }
  finish(vm, top(a), c);
  if (a->now.depth > 1) a->now.depth--;
  s->pc[s->pcs++ % MON_KERNEL_PCS] = c->j.pc;
}

static void switch_thread(struct mb_vm *vm, struct mon_active *a, const struct cpu *c) {
  bool in_kernel = c->gpr[28] >> 63; /* else the kernel has not loaded its own yet */
  if (!in_kernel || a->now.thread == c->gpr[28]) return;
  if (!a->now.thread) {
    a->now.thread = c->gpr[28];
    return;
  }
  a->now.sp = c->event_sp;
  put_asleep(vm->services, &a->now);
  wake(vm, &a->now, c);
}

void mon_services_moved(void *ctx, struct cpu *c, enum mips_move move) {
  struct mb_vm *vm = ctx;
  struct mon_services *s = vm->services;
  struct mon_active *a = &s->active[c - vm->cpu];
  charge(s, a, c, move == MIPS_MOVE_RETURN); /* that instruction is done, and not counted yet */
  switch (move) {
  case MIPS_MOVE_ENTER: enter(vm, a, c); break;
  case MIPS_MOVE_RETURN: leave(vm, a, c); break;
  case MIPS_MOVE_THREAD: switch_thread(vm, a, c); break;
  case MIPS_MOVE_WAIT:
    s->service[MON_SERVICE_IDLE].invocations++;
    finish(vm, top(a), c);
    *top(a) = (struct mon_frame){MON_SERVICE_IDLE, false};
    break;
  }
  point(s, a, c);
}

void mon_services_settle(struct mb_vm *vm) {
  for (unsigned i = 0; i < vm->vcpus; i++) charge(vm->services, &vm->services->active[i], &vm->cpu[i], 0);
}
