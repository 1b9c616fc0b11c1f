/* guests/kernel/kernel.h: the small kernel's own types; entry.S knows the offsets asserted here. */
/* SPDX-License-Identifier: Apache-2.0 */
/* One kernel stack, never preempted: every exception saves the current process, runs kernel_trap() to the end, and
 * resumes whoever is current then. The kernel reads and writes user memory through the page tables, so it never
 * faults. Idle time is a process too: a loop around WAIT in kernel mode. */
#ifndef KERNEL_H
#define KERNEL_H
#ifdef __mips64
#define SZ     8
#define SZ_LOG 3
#else
#define SZ     4
#define SZ_LOG 2
#endif
#define FRAME_HI     32
#define FRAME_LO     33
#define FRAME_EPC    34
#define FRAME_STATUS 35
#define FRAME_CAUSE  36
#define FRAME_BAD    37
#define FRAME_REGS   38
#define USER_BASE    0x00400000 /* all of a process's memory: USER_PAGES pages from here */
#define USER_SHIFT   18         /* log2 of its bytes */
#define USER_PAGES   64

#ifndef __ASSEMBLER__
#include "../bare/board-map.h"
#include "calls.h"
#include <stdbool.h>
#include <stddef.h>

typedef unsigned long reg;
enum { PAGE = 4096, PROCESSES = 16, HZ = 100, TICK = 1000000 /* Count units: 100 MHz on a 200 MHz cpu */ };

struct frame {
  reg r[32], hi, lo, epc, status, cause, badvaddr;
};

struct process {
  struct frame frame;    /* first: entry.S saves here */
  reg pages[USER_PAGES]; /* EntryLo values, 0: not there yet */
  enum state state;      /* calls.h */
  int pid, parent, code; /* code: of exit, for the parent */
  unsigned asid;
  uint32_t wake; /* tick to wake at, or pid waited for */
  uint32_t used; /* ticks of cpu time */
};

/* main.c */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void panic(const char *what, const struct frame *f);
extern uint32_t memory_size;
extern char boot_line[128]; /* kernel parameters */

/* memory.c */
void memory_init(uint32_t bytes);
unsigned memory_free_pages(void);
void tlb_init(void);
void tlb_forget(unsigned asid); /* drop its entries */
/* Give the process a zeroed page at va. False when va is not its to have, or memory is out. */
bool page_add(struct process *p, reg va);
void page_free_all(struct process *p);
bool page_copy_all(struct process *to, const struct process *from);
/* Kernel address of user byte va, NULL when there is none and none can be made. */
char *page_byte(struct process *p, reg va);

/* process.c */
extern struct process *current;
void process_init(const void *image, size_t n);
void kernel_trap(struct process *p);

/* entry.S */
extern const char vectors[], user_image[], user_image_end[], kernel_end[];
_Noreturn void resume(struct process *p);
void idle(void);

#define get32(r)                                                                                                       \
  ({                                                                                                                   \
    uint32_t v_;                                                                                                       \
    __asm__ volatile("mfc0 %0, " r : "=r"(v_));                                                                        \
    v_;                                                                                                                \
  })
#define set32(r, v) __asm__ volatile("mtc0 %0, " r "\n\tehb" : : "r"((uint32_t)(v)) : "memory")
#ifdef __mips64
#define setreg(r, v) __asm__ volatile("dmtc0 %0, " r "\n\tehb" : : "r"((reg)(v)) : "memory")
#else
#define setreg(r, v) set32(r, v)
#endif
#define CP0_INDEX    "$0, 0"
#define CP0_ENTRYLO0 "$2, 0"
#define CP0_ENTRYLO1 "$3, 0"
#define CP0_PAGEMASK "$5, 0"
#define CP0_WIRED    "$6, 0"
#define CP0_COUNT    "$9, 0"
#define CP0_ENTRYHI  "$10, 0"
#define CP0_COMPARE  "$11, 0"
#define CP0_PRID     "$15, 0"
#define CP0_CONFIG1  "$16, 1"
#define STATUS_IE    1u
#define STATUS_EXL   2u
#define STATUS_UM    0x10u
#define STATUS_UX    0x20u /* 64-bit user programs; no such bit on 32-bit cpus */
#define STATUS_TIMER 0x8000u
#endif
#endif
