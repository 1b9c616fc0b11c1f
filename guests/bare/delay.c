/* guests/bare/delay.c: exceptions in delay slots: Cause.BD, EPC, the link register, branch-likely annulment. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

/* One case: a branch at label 1 with a faulting instruction behind it. $9 = 1, $10 = 0, $11 = misaligned address, $12 =
 * 0x7fffffff, $13 = address of a jump target (the TRY's end). Results: $14 = taken path seen, $31 untouched or linked.
 */
#define CASE(id, branch, slot)                                                                                         \
  static reg id(reg *base, reg *link) {                                                                                \
    reg b, l, seen;                                                                                                    \
    __asm__ volatile(".set push\n\t.set noreorder\n\t.set noat\n\t" TRY(                                               \
                         "li $9, 1\n\tli $10, 0\n\tli $11, -0x7ffffffd\n\tlui $12, 0x7fff\n\tori $12, 0xffff\n\t"      \
                         "move $13, $8\n\tli $14, 0\n\tli $31, 0\n\tli $15, 0\n\t" LA " $24, 1f\n\t"                   \
                         "1: " branch "\n\t " slot "\n\t"                                                              \
                         "b 9f\n\tli $14, 1\n\t"                                                                       \
                         "2: li $14, 2") "move %0, $24\n\tmove %1, $31\n\tmove %2, $14\n\t.set pop"                    \
                     : "=r"(b), "=r"(l), "=r"(seen)                                                                    \
                     :                                                                                                 \
                     : "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$24", "$31", "memory");                  \
    *base = b, *link = l;                                                                                              \
    return seen;                                                                                                       \
  }
#ifdef __mips64
#define LA "dla"
#else
#define LA "la"
#endif

#define CASES(X)                                                                                                       \
  X(plain, "nop", "lw $15, 0($11)")                                                                                    \
  X(beq_taken, "beq $9, $9, 2f", "lw $15, 0($11)")                                                                     \
  X(beq_not, "beq $9, $10, 2f", "lw $15, 0($11)")                                                                      \
  X(bne_store, "bne $9, $10, 2f", "sw $15, 0($11)")                                                                    \
  X(beql_taken, "beql $9, $9, 2f", "lw $15, 0($11)")                                                                   \
  X(beql_annul, "beql $9, $10, 2f", "lw $15, 0($11)")                                                                  \
  X(bgezall_annul, "bltzall $9, 2f", "lw $15, 0($11)")                                                                 \
  X(blez_ovf, "blez $10, 2f", "add $15, $12, $9")                                                                      \
  X(bgtz_trap, "bgtz $9, 2f", "teq $0, $0")                                                                            \
  X(bltz_syscall, "bltz $9, 2f", "syscall")                                                                            \
  X(bgez_break, "bgez $9, 2f", "break 7")                                                                              \
  X(j_slot, "j 2f", "lw $15, 0($11)")                                                                                  \
  X(jal_slot, "jal 2f", "lw $15, 0($11)")                                                                              \
  X(jr_slot, "jr $13", "lw $15, 0($11)")                                                                               \
  X(jalr_slot, "jalr $13", "lh $15, 0($11)")                                                                           \
  X(bgezal_slot, "bgezal $9, 2f", "lw $15, 0($11)")                                                                    \
  X(slot_reserved, "beq $0, $0, 2f", ".word 0xec000000")                                                               \
  X(slot_cop1, "beq $0, $0, 2f", ".word 0x44800000")                                                                   \
  X(slot_fine, "beq $0, $0, 2f", "addiu $15, $15, 1")
CASES(CASE)

#define ROW(id, branch, slot) {#id, id},
static const struct {
  const char *name;
  reg (*run)(reg *, reg *);
} cases[] = {CASES(ROW)};

void program(void) {
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    reg base, link;
    unsigned before = traps;
    reg seen = cases[i].run(&base, &link);
    trap_resume = 0;
    long to_link = link ? (long)(link - base) : 0;
    if (traps == before)
      REPORT(cases[i].name, "none, path %lu link %ld", seen, to_link);
    else
      REPORT(cases[i].name, "code %u slot %u epc %ld path %lu", trap_code(&caught), trap_slot(&caught),
             (long)(caught.epc - base), seen);
  }
}
