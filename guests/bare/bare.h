/* guests/bare/bare.h: the run-time of the bare-metal programs: console, exceptions, CP0 access, user mode. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A program is one file with `void program(void)`. It prints lines "NAME case value..." that must come out the same on
 * every correct machine of the same cpu model: no times, no undefined bits, no addresses that depend on the linker. */
#ifndef BARE_H
#define BARE_H
/* Offsets into struct trap, in registers: r[32] comes first. */
#define TRAP_HI       32
#define TRAP_LO       33
#define TRAP_EPC      34
#define TRAP_STATUS   35
#define TRAP_CAUSE    36
#define TRAP_BADVADDR 37
#define TRAP_ENTRYHI  38
#define TRAP_CONTEXT  39
#define TRAP_XCONTEXT 40
#define TRAP_VECTOR   41
#ifdef __mips64
#define SZ 8
#else
#define SZ 4
#endif

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned long reg;

/* --- console and exit --- */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* %d %u %x %lx %s %c %%, width and 0 */
_Noreturn void finish(int code);
extern const char program_name[]; /* set by the build */
void program(void);
/* "NAME case " and then the values. */
#define REPORT(name, fmt, ...) print("%s %s " fmt "\n", program_name, name, ##__VA_ARGS__)
/* A register in full. */
#ifdef __mips64
#define HEX "%016lx"
#else
#define HEX "%08lx"
#endif

/* --- exceptions --- */
struct trap {
  reg r[32], hi, lo, epc, status, cause, badvaddr, entryhi, context, xcontext, vector;
};
extern struct trap trap_frame;           /* what the exception saved; what is written back on return */
extern struct trap caught;               /* the last exception nobody else handled */
extern volatile unsigned traps;          /* how many there were */
extern volatile reg trap_resume;         /* where to go on after the next one; 0: it is a bug */
extern bool (*trap_hook)(struct trap *); /* asked first; true: handled */
static inline unsigned trap_code(const struct trap *t) {
  return t->cause >> 2 & 31;
}
static inline unsigned trap_slot(const struct trap *t) {
  return t->cause >> 31 & 1;
}

/* Inline assembly that may raise an exception: execution goes on behind it. Clobbers $8 ("t0" of o32). */
#ifdef __mips64
#define TRY(insns) ".set push\n\t.set at\n\tdla $8, 9f\n\tsd $8, trap_resume\n\t.set pop\n\t" insns "\n9:\n"
#else
#define TRY(insns) ".set push\n\t.set at\n\tla $8, 9f\n\tsw $8, trap_resume\n\t.set pop\n\t" insns "\n9:\n"
#endif

/* Run a function of four arguments in user mode on its own stack; returns at its first exception (see caught). */
void user_run(reg pc, reg a0, reg a1, reg sp);

/* Say what was caught: code, delay slot, vector, and EPC as a distance from `base`. */
void report_trap(const char *name, reg base);

/* --- CP0 --- */
#define CP0_INDEX     "$0, 0"
#define CP0_RANDOM    "$1, 0"
#define CP0_ENTRYLO0  "$2, 0"
#define CP0_ENTRYLO1  "$3, 0"
#define CP0_CONTEXT   "$4, 0"
#define CP0_USERLOCAL "$4, 2"
#define CP0_PAGEMASK  "$5, 0"
#define CP0_PAGEGRAIN "$5, 1"
#define CP0_WIRED     "$6, 0"
#define CP0_HWRENA    "$7, 0"
#define CP0_BADVADDR  "$8, 0"
#define CP0_COUNT     "$9, 0"
#define CP0_ENTRYHI   "$10, 0"
#define CP0_COMPARE   "$11, 0"
#define CP0_STATUS    "$12, 0"
#define CP0_INTCTL    "$12, 1"
#define CP0_CAUSE     "$13, 0"
#define CP0_EPC       "$14, 0"
#define CP0_PRID      "$15, 0"
#define CP0_EBASE     "$15, 1"
#define CP0_CONFIG    "$16, 0"
#define CP0_CONFIG1   "$16, 1"
#define CP0_CONFIG2   "$16, 2"
#define CP0_CONFIG3   "$16, 3"
#define CP0_WATCHLO   "$18, 0"
#define CP0_WATCHHI   "$19, 0"
#define CP0_XCONTEXT  "$20, 0"

#define get32(r)                                                                                                       \
  ({                                                                                                                   \
    uint32_t v_;                                                                                                       \
    __asm__ volatile("mfc0 %0, " r : "=r"(v_));                                                                        \
    v_;                                                                                                                \
  })
#define set32(r, v) __asm__ volatile("mtc0 %0, " r "\n\tehb" : : "r"((uint32_t)(v)) : "memory")
#ifdef __mips64
#define getreg(r)                                                                                                      \
  ({                                                                                                                   \
    reg v_;                                                                                                            \
    __asm__ volatile("dmfc0 %0, " r : "=r"(v_));                                                                       \
    v_;                                                                                                                \
  })
#define setreg(r, v) __asm__ volatile("dmtc0 %0, " r "\n\tehb" : : "r"((reg)(v)) : "memory")
#else
#define getreg(r)    ((reg)get32(r))
#define setreg(r, v) set32(r, v)
#endif

#define STATUS_IE    1u
#define STATUS_EXL   2u
#define STATUS_UM    0x10u
#define STATUS_UX    0x20u
#define STATUS_SX    0x40u
#define STATUS_KX    0x80u
#define STATUS_IM(n) (0x100u << (n))
#define STATUS_PX    (1u << 23)
#define STATUS_FR    (1u << 26)
#define STATUS_CU0   (1u << 28)
#define STATUS_CU1   (1u << 29)
#define CAUSE_IP(n)  (0x100u << (n))
#define CAUSE_IV     (1u << 23)
#define CAUSE_DC     (1u << 27)
#define CAUSE_TI     (1u << 30)
static inline void status_change(uint32_t clear, uint32_t set) {
  set32(CP0_STATUS, (get32(CP0_STATUS) & ~clear) | set);
}

/* --- memory and TLB --- */
#define KSEG0(pa)    ((void *)(intptr_t)(int32_t)(0x80000000u | (pa)))
#define KSEG1(pa)    ((void *)(intptr_t)(int32_t)(0xa0000000u | (pa)))
#define SCRATCH      0x01000000u /* guest-physical: free for programs from here; 64 MB of memory are enough */
#define LO_G         1u
#define LO_V         2u
#define LO_D         4u
#define LO_CACHED    (3u << 3)
#define LO(pa, bits) ((reg)(pa) >> 12 << 6 | LO_CACHED | (bits))
unsigned tlb_size(void);
void tlb_clear(void); /* no entry matches anything; Wired, Index, EntryHi, PageMask 0 */
void tlb_write(unsigned index, uint32_t mask, reg hi, reg lo0, reg lo1);
void icache_sync(void *from, size_t n); /* SYNCI over it */
#endif
#endif
