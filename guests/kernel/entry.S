/* guests/kernel/entry.S: boot, the TLB refill handler, saving and resuming processes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel.h"
#ifdef __mips64
#define LA    dla
#define LREG  ld
#define SREG  sd
#define MF    dmfc0
#define MT    dmtc0
#define SUB   dsubu
#define ADD   daddu
#define SRL   dsrl
#else
#define LA    la
#define LREG  lw
#define SREG  sw
#define MF    mfc0
#define MT    mtc0
#define SUB   subu
#define ADD   addu
#define SRL   srl
#endif
        .set    noreorder
        .set    noat

        .section .text.start, "ax"
        .globl  _start
_start: /* the firmware's arguments stay in $4 to $7: argc, argv, environment, memory size */
        lui     $8, 0x1040              /* CU0, BEV while EBase changes */
        mtc0    $8, $12
        ehb
        LA      $8, vectors
        mtc0    $8, $15, 1
        mtc0    $0, $13
        lui     $8, 0x1000
        mtc0    $8, $12
        ehb
        LA      $8, bss_start
        LA      $9, bss_end
1:      sw      $0, 0($8)
        addiu   $8, $8, 4
        bne     $8, $9, 1b
        nop
        LA      $29, stack_top
        jal     kernel_main
        nop

/* The current process's page table is looked up by the faulting address; what is not in it leads to an invalid entry,
 * hence to kernel_trap(), which decides. $26 and $27 are the kernel's. */
        .macro  refill
        MF      $26, $8                 /* BadVAddr */
        lui     $27, USER_BASE >> 16
        SUB     $26, $26, $27
        SRL     $27, $26, USER_SHIFT
        bnez    $27, save
        srl     $26, $26, 13            /* which pair of pages */
        sll     $26, $26, SZ_LOG + 1
        LA      $27, current_pages
        LREG    $27, 0($27)
        ADD     $26, $26, $27
        LREG    $27, 0($26)
        MT      $27, $2                 /* EntryLo0, 1: EntryHi was set by the exception */
        LREG    $27, SZ($26)
        MT      $27, $3
        ehb
        tlbwr
        eret
        .endm

        .section .text.vectors, "ax"
        .balign 4096
        .globl  vectors
vectors:
        refill
        .org    vectors + 0x080         /* XTLB refill */
        refill
        .org    vectors + 0x100         /* cache error */
        b       .
        nop
        .org    vectors + 0x180
save:   LA      $26, current
        LREG    $26, 0($26)
        .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,28,29,30,31
        SREG    $\n, (\n*SZ)($26)
        .endr
        mfhi    $8
        mflo    $9
        SREG    $8, (FRAME_HI*SZ)($26)
        SREG    $9, (FRAME_LO*SZ)($26)
        MF      $8, $14
        SREG    $8, (FRAME_EPC*SZ)($26)
        mfc0    $8, $12
        SREG    $8, (FRAME_STATUS*SZ)($26)
        mfc0    $9, $13
        SREG    $9, (FRAME_CAUSE*SZ)($26)
        MF      $9, $8
        SREG    $9, (FRAME_BAD*SZ)($26)
        LA      $29, stack_top
        jal     kernel_trap
        move    $4, $26
        LA      $4, current
        LREG    $4, 0($4)

        .globl  resume
resume: /* $4: the process */
        move    $26, $4
        LREG    $8, (FRAME_STATUS*SZ)($26)
        mtc0    $8, $12                 /* EXL is set in it: still the kernel */
        ehb
        LREG    $8, (FRAME_EPC*SZ)($26)
        MT      $8, $14
        LREG    $8, (FRAME_HI*SZ)($26)
        LREG    $9, (FRAME_LO*SZ)($26)
        mthi    $8
        mtlo    $9
        .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,28,29,30,31
        LREG    $\n, (\n*SZ)($26)
        .endr
        ehb
        eret

        .text
        .globl  idle
idle:   wait
        b       idle
        nop

        .section .rodata
        .balign 16
        .globl  user_image, user_image_end
user_image:
        .incbin "user.bin"
user_image_end:

        .bss
        .balign 16
        .space  8192
stack_top: .space 64
