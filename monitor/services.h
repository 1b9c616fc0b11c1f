/* monitor/services.h: what the guest's kernel is doing: instructions and events by system call, fault, interrupt. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A service begins with an exception and ends with the ERET to where it came from. What a kernel's thread is doing
 * stays with the thread: Linux keeps the running one in $28, so a service that sleeps is not charged for what runs
 * meanwhile. A thread that comes back with another stack pointer than it had is a new one on an old stack. Approximate:
 * a kernel that has something else in $28 has one thread, and a system call that switches to another process is charged
 * until the next return to user mode; a new process's first steps, before it has been in user mode, count as the
 * kernel's. */
#ifndef MONITOR_SERVICES_H
#define MONITOR_SERVICES_H
#include "frontend/cpu.h"
#include "iosys/board.h"

struct mb_vm;
struct json_t;

enum mon_service_kind {
  MON_SERVICE_KERNEL, /* boot, and the kernel's own threads */
  MON_SERVICE_USER,
  MON_SERVICE_IDLE,
  MON_SERVICE_INTERRUPT,
  MON_SERVICE_REFILL,      /* of the TLB, for user code */
  MON_SERVICE_QUICK_FAULT, /* TLB invalid and modified, taken anywhere: the page was there, or there is none, */
  MON_SERVICE_ZERO_FAULT,  /* or one was cleared, */
  MON_SERVICE_COPY_FAULT,  /* or one was filled from another */
  MON_SERVICE_FPU,
  MON_SERVICE_EMULATION, /* reserved instructions: RDHWR, LL and SC, FPU */
  MON_SERVICE_EXCEPTION, /* all others */
  MON_SERVICE_SYSCALL,   /* by number, and page faults under way: services from here on */
};

struct mon_service {
  uint32_t number; /* what $2 held at SYSCALL */
  bool fault;      /* for a page fault under way, which is added to those of its kind when it is over: */
  uint64_t va;     /* where, */
  uint16_t next;   /* or, if there is none, the next of these that is free; 0: none */
  uint64_t invocations, instructions;
  uint64_t tlb_instructions; /* of those: handling TLB refills that itself has caused */
  uint64_t idle, stall;      /* cycles */
  uint64_t events[MIPS_EVENTS];
};

/* An activity that another interrupts is below it. */
struct mon_frame {
  uint16_t service;
  bool refill; /* a TLB refill in this service */
};
enum { MON_FRAMES = 12 };
struct mon_activity {
  uint64_t thread, sp; /* $28, 0: not known; $29 when it was left */
  unsigned depth;      /* frames; at least 1 */
  struct mon_frame frame[MON_FRAMES];
};

/* A vcpu's share: what it does, and the counts up to which that has been charged. */
struct mon_active {
  struct mon_activity now;
  uint64_t instructions, idle, stall, hidden;
};

enum { MON_SYSCALLS = 8192, MON_KERNEL_PCS = 256 };
struct mon_services {
  struct mon_service *service; /* owned */
  size_t n, room;
  uint16_t unused;                  /* the first `fault` that is free */
  uint16_t by_number[MON_SYSCALLS]; /* service of a system call; 0: none yet */
  struct mon_activity *asleep;      /* owned; hash table by thread; thread 0: free */
  size_t threads, places;
  bool failed;                 /* out of memory: what is told from here on is not all */
  uint64_t pc[MON_KERNEL_PCS]; /* where the kernel has lately gone on, for learn.c */
  unsigned pcs;                /* so many ever */
  struct mon_active active[IO_VCPUS];
};

/* 0 or MB_ERR_MEMORY; free it either way. */
__attribute__((warn_unused_result)) int mon_services_new(struct mon_services **out);
void mon_services_free(struct mon_services *s);
/* A vcpu has been made. */
void mon_services_attach(struct mb_vm *vm, unsigned vcpu);
/* All vcpus are at a checkpoint: what was before is nobody's. */
void mon_services_resume(struct mb_vm *vm);
/* For struct cpu_config. */
void mon_services_moved(void *vm, struct cpu *c, enum mips_move move);
/* Charge up to the present. Between instructions. */
void mon_services_settle(struct mb_vm *vm);
void mon_service_add(struct mon_service *to, const struct mon_service *s);
/* services_report.c: all events, and all services with theirs, as new JSON arrays. */
struct json_t *mon_events_json(struct mb_vm *vm);
struct json_t *mon_services_json(struct mb_vm *vm);
#endif
