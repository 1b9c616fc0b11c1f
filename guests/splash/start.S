/* guests/splash/start.S: entry of all vcpus, exceptions, switching between threads. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "../bare/board-map.h"
#include "os.h"
#ifdef __mips64
#define LA   dla
#define LREG ld
#define SREG sd
#define MF   dmfc0
#define MT   dmtc0
#define SUB  dsubu
#define ADD  daddu
#define MODE 0x0480             /* KX, interrupt 0 */
#define FR   0x0400             /* << 16 */
#define FSAVED 24,25,26,27,28,29,30,31
#else
#define LA   la
#define LREG lw
#define SREG sw
#define MF   mfc0
#define MT   mtc0
#define SUB  subu
#define ADD  addu
#define MODE 0x0400
#define FR   0
#define FSAVED 20,22,24,26,28,30
#endif
#define GIC_KSEG1_HIGH 0xb612
#define GIC_WEDGE      0x280
        .set    noreorder
        .set    noat

        .section .text.start, "ax"
        .balign 4096
vectors: /* TLB refills, cache errors and all other exceptions are the end; interrupts have a vector of their own */
        .set    at, 0
        .rept   4
        .org    vectors + at
        mfc0    $4, $13
        MF      $5, $14
        j       died
        MF      $6, $8
        .set    at, at + 0x80
        .endr
        .org    vectors + 0x200
interrupt: /* a vcpu is to look for work. In idle_wait() it does so from the start: else it might wait having seen none */
        mfc0    $26, $15, 1
        andi    $26, $26, 0x3ff
        addiu   $26, $26, IPI
        lui     $27, GIC_KSEG1_HIGH
        sw      $26, GIC_WEDGE($27)
        sync
        LA      $26, page_entry         /* page.c: an entry of the TLB may have to change */
        LREG    $27, 0($26)
        beqz    $27, 2f
        nop
        MT      $27, $10
        lw      $27, 2 * SZ($26)        /* its number, before what is at least as new; kept in ErrorEPC */
        MT      $27, $30
        sync
        LREG    $27, SZ($26)
        MT      $27, $2
        li      $27, 1                  /* the odd page: global, invalid */
        MT      $27, $3
        mtc0    $0, $5
        mtc0    $0, $0
        ehb
        tlbwi
        ehb
        mfc0    $27, $15, 1
        andi    $27, $27, 0x3ff
        sll     $27, $27, PAGE_SEEN_SHIFT
        LA      $26, page_seen
        ADD     $26, $26, $27
        MF      $27, $30
        sync
        sw      $27, 0($26)
2:      MF      $26, $14
        LA      $27, idle_wait
        SUB     $26, $26, $27
        sltiu   $26, $26, idle_end - idle_wait
        beqz    $26, 1f
        nop
        MT      $27, $14
        ehb
1:      eret

/* A vcpu as a reset leaves it: exceptions to our vectors, the FPU on, memory coherent. */
        .macro  prepare
        li      $8, 0x30400000          /* CU1, CU0, BEV while EBase changes */
        mtc0    $8, $12
        ehb
        LA      $8, vectors
        mtc0    $8, $15, 1
        lui     $8, 0x0080              /* IV */
        mtc0    $8, $13
        mfc0    $8, $16
        ori     $8, $8, 7
        xori    $8, $8, 2               /* K0: 5, coherent */
        mtc0    $8, $16
        ehb
        lui     $8, 0x3000 + FR
        ori     $8, $8, MODE
        mtc0    $8, $12
        ehb
        ctc1    $0, $31
        .endm

        .balign 4096
        .globl  other_entry
other_entry: /* of every vcpu but 0; a coherence manager starts them at a page's begin */
        prepare
        mfc0    $4, $15, 1
        andi    $4, $4, 0x3ff
        sll     $8, $4, 12              /* IDLE_STACK */
        LA      $29, idle_stacks + IDLE_STACK - 64
        ADD     $29, $29, $8
        j       splash_other
        nop

        .globl  _start
_start: /* a0: -2, a1: the device tree (UHI) */
        prepare
        LA      $8, bss_start
        LA      $9, heap_begin
1:      SREG    $0, 0($8)
        addiu   $8, $8, SZ
        bne     $8, $9, 1b
        nop
        LA      $29, idle_stacks + IDLE_STACK - 64
        j       splash_boot
        nop

/* void thread_switch(struct thread *to) */
        .globl  thread_switch
thread_switch:
        .set    at, 0
        .irp n, 16,17,18,19,20,21,22,23,28,29,30,31
        SREG    $\n, at($28)
        .set    at, at + SZ
        .endr
        .irp n, FSAVED
        sdc1    $f\n, at($28)
        .set    at, at + 8
        .endr
        move    $8, $4
        .set    at, 0
        .irp n, 16,17,18,19,20,21,22,23,28,29,30,31
        LREG    $\n, at($8)
        .set    at, at + SZ
        .endr
        .irp n, FSAVED
        ldc1    $f\n, at($8)
        .set    at, at + 8
        .endr
        jr      $31
        nop

/* void idle_wait(struct thread *const *first) */
        .globl  idle_wait
idle_wait:
        LREG    $8, 0($4)
        bnez    $8, idle_end
        nop
        wait
idle_end:
        jr      $31
        nop

        .bss
        .balign 16
idle_stacks: .space VCPUS_MAX * IDLE_STACK
