/* guests/bare/start.S: entry, exception vectors, the way into user mode and back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"
#ifdef __mips64
#define LREG    ld
#define SREG    sd
#define MF      dmfc0
#define MT      dmtc0
#define PTR_ADDIU daddiu
#define LA      dla
#else
#define LREG    lw
#define SREG    sw
#define MF      mfc0
#define MT      mtc0
#define PTR_ADDIU addiu
#define LA      la
#endif
        .set    noreorder
        .set    noat

        .section .text.start, "ax"
        .globl  _start
_start:
        mfc0    $8, $12                 /* Status: kernel, no interrupts, BEV off below */
        lui     $9, 0x1000              /* CU0 */
        mtc0    $9, $12
        lui     $9, 0x1040              /* BEV on while EBase changes */
        mtc0    $9, $12
        ehb
        LA      $9, vectors
        mtc0    $9, $15, 1              /* EBase */
        ehb
        mtc0    $0, $13                 /* Cause: no software interrupts, IV off */
#ifdef __mips64
        li      $9, 0x10000080          /* CU0, KX */
#else
        lui     $9, 0x1000
#endif
        mtc0    $9, $12
        ehb
        LA      $8, bss_start
        LA      $9, bss_end
1:      SREG    $0, 0($8)
        PTR_ADDIU $8, $8, SZ
        bne     $8, $9, 1b
        nop
        LA      $29, stack_top
        jal     bare_main
        nop

        .section .text.vectors, "ax"
        .balign 4096
        .globl  vectors, vectors_end
vectors: /* one stub every 32 bytes, so that any vector spacing below 512 shows which was taken */
        .set    offset, 0
        .rept   128
        b       trap_entry
        addiu   $27, $0, offset
        .balign 32
        .set    offset, offset + 32
        .endr
vectors_end:

        .globl  trap_entry
trap_entry:
        LA      $26, trap_frame
        .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,28,29,30,31
        SREG    $\n, (\n*SZ)($26)
        .endr
        SREG    $27, (TRAP_VECTOR*SZ)($26)
        mfhi    $8
        mflo    $9
        SREG    $8, (TRAP_HI*SZ)($26)
        SREG    $9, (TRAP_LO*SZ)($26)
        MF      $8, $14
        SREG    $8, (TRAP_EPC*SZ)($26)
        mfc0    $8, $12
        SREG    $8, (TRAP_STATUS*SZ)($26)
        mfc0    $8, $13
        SREG    $8, (TRAP_CAUSE*SZ)($26)
        MF      $8, $8
        SREG    $8, (TRAP_BADVADDR*SZ)($26)
        MF      $8, $10
        SREG    $8, (TRAP_ENTRYHI*SZ)($26)
        MF      $8, $4
        SREG    $8, (TRAP_CONTEXT*SZ)($26)
#ifdef __mips64
        MF      $8, $20
        SREG    $8, (TRAP_XCONTEXT*SZ)($26)
#endif
        LA      $29, trap_stack_top
        jal     trap
        move    $4, $26
        LA      $26, trap_frame
        LREG    $8, (TRAP_EPC*SZ)($26)
        MT      $8, $14
        LA      $8, trap_status_low
        lw      $8, 0($8)               /* what trap() wants in Status, EXL set */
        mtc0    $8, $12
        ehb
        LREG    $8, (TRAP_HI*SZ)($26)
        LREG    $9, (TRAP_LO*SZ)($26)
        mthi    $8
        mtlo    $9
        .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,28,29,30,31
        LREG    $\n, (\n*SZ)($26)
        .endr
        eret

/* void user_run(reg pc, reg a0, reg a1, reg sp): what must survive goes to user_saved; trap() resumes at user_back. */
        .globl  user_run, user_back
user_run:
        LA      $8, user_saved
        .irp n, 16,17,18,19,20,21,22,23,28,29,30,31
        SREG    $\n, ((\n-16)*SZ)($8)
        .endr
        mfc0    $9, $12
        LA      $10, user_status
        sw      $9, 0($10)
        ori     $9, $9, 0x12            /* UM, EXL */
        mtc0    $9, $12
        ehb
        MT      $4, $14
        ehb
        move    $25, $4
        move    $4, $5
        move    $29, $7
        move    $5, $6
        move    $31, $0
        eret
user_back:
        LA      $8, user_saved
        .irp n, 16,17,18,19,20,21,22,23,28,29,30,31
        LREG    $\n, ((\n-16)*SZ)($8)
        .endr
        jr      $31
        nop

        .bss
        .balign 16
user_saved: .space 16*SZ
        .globl  user_status
user_status: .space 16
        .space  8192
stack_top: .space 64
        .space  8192
trap_stack_top: .space 64
