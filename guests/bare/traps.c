/* guests/bare/traps.c: overflow, trap, syscall, break, reserved instructions, coprocessors that are switched off. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

/* One instruction with $9 = a, $10 = b; $11 is its result, 0x5a5a when it was not written. */
#define CASE(id, va, vb, insn)                                                                                         \
  static reg id(reg *base) {                                                                                           \
    reg b, r;                                                                                                          \
    __asm__ volatile(".set push\n\t.set noreorder\n\t.set noat\n\t" TRY(                                               \
                         "move $9, %2\n\tmove $10, %3\n\tli $11, 0x5a5a\n\t" LA                                        \
                         " $24, 1f\n\t1: " insn) "move %0, $24\n\tmove %1, $11\n\t.set pop"                            \
                     : "=&r"(b), "=r"(r)                                                                               \
                     : "r"((reg)(va)), "r"((reg)(vb))                                                                  \
                     : "$8", "$9", "$10", "$11", "$24", "memory");                                                     \
    *base = b;                                                                                                         \
    return r;                                                                                                          \
  }
#define MAX 0x7fffffff
#define MIN ((reg)(int32_t)0x80000000)
#ifdef __mips64
#define LA    "dla"
#define MAX64 0x7fffffffffffffff
#define CASES64(X)                                                                                                     \
  X(dadd_overflow, MAX64, 1, "dadd $11, $9, $10")                                                                      \
  X(dadd_fine, MAX, 1, "dadd $11, $9, $10")                                                                            \
  X(daddi_overflow, MAX64, 0, "daddi $11, $9, 1")                                                                      \
  X(dsub_overflow, MAX64, ~0ul, "dsub $11, $9, $10")                                                                   \
  X(daddu_wraps, MAX64, 1, "daddu $11, $9, $10")                                                                       \
  X(teq_wide, 1ul << 32, 0, "teq $9, $10")
#else
#define LA "la"
#define CASES64(X)                                                                                                     \
  X(dadd_reserved, 1, 1, ".word 0x012a582c")                                                                           \
  X(daddu_reserved, 1, 1, ".word 0x012a582d")                                                                          \
  X(ld_reserved, 1, 1, ".word 0xdd2b0000")
#endif
#define CASES(X)                                                                                                       \
  X(add_overflow, MAX, 1, "add $11, $9, $10")                                                                          \
  X(add_negative, MIN, (reg)-1, "add $11, $9, $10")                                                                    \
  X(add_fine, MAX, (reg)-1, "add $11, $9, $10")                                                                        \
  X(addi_overflow, MAX, 0, "addi $11, $9, 1")                                                                          \
  X(sub_overflow, MIN, 1, "sub $11, $9, $10")                                                                          \
  X(addu_wraps, MAX, 1, "addu $11, $9, $10")                                                                           \
  X(add_to_zero, MAX, 1, "add $0, $9, $10")                                                                            \
  X(teq_yes, 5, 5, "teq $9, $10")                                                                                      \
  X(teq_no, 5, 6, "teq $9, $10")                                                                                       \
  X(tne_yes, 5, 6, "tne $9, $10")                                                                                      \
  X(tge_yes, 5, (reg)-1, "tge $9, $10")                                                                                \
  X(tgeu_no, 5, (reg)-1, "tgeu $9, $10")                                                                               \
  X(tlt_no, 5, (reg)-1, "tlt $9, $10")                                                                                 \
  X(tltu_yes, 5, (reg)-1, "tltu $9, $10")                                                                              \
  X(teqi_yes, (reg)-3, 0, "teqi $9, -3")                                                                               \
  X(tgeiu_no, 5, 0, "tgeiu $9, -1")                                                                                    \
  X(tlti_no, 5, 0, "tlti $9, -1")                                                                                      \
  X(tnei_yes, 5, 0, "tnei $9, 6")                                                                                      \
  X(system_call, 0, 0, "syscall")                                                                                      \
  X(system_call_code, 0, 0, "syscall 0x12345")                                                                         \
  X(breakpoint, 0, 0, "break")                                                                                         \
  X(breakpoint_code, 0, 0, "break 0x3ff")                                                                              \
  X(div_zero, 5, 0, "divu $0, $9, $10")                                                                                \
  X(reserved_opcode, 0, 0, ".word 0xec000000")                                                                         \
  X(reserved_special, 0, 0, ".word 0x00000029")                                                                        \
  X(reserved_regimm, 0, 0, ".word 0x04050000")                                                                         \
  X(reserved_special2, 0, 0, ".word 0x7000000f")                                                                       \
  X(cop1_off, 0, 0, ".word 0x44800000")                                                                                \
  X(lwc1_off, 0, 0, ".word 0xc4000000")                                                                                \
  X(cop1x_off, 0, 0, ".word 0x4c000000")                                                                               \
  X(movf_off, 0, 0, ".word 0x01205801")
CASES(CASE)
CASES64(CASE)

#define ROW(id, va, vb, insn) {#id, id},
static const struct {
  const char *name;
  reg (*run)(reg *);
} cases[] = {CASES(ROW) CASES64(ROW)};

void program(void) {
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    reg base;
    unsigned before = traps;
    reg result = cases[i].run(&base);
    trap_resume = 0;
    if (traps == before)
      REPORT(cases[i].name, "none result " HEX, result);
    else
      REPORT(cases[i].name, "code %u ce %lu vector %lx epc %ld result " HEX, trap_code(&caught),
             trap_code(&caught) == 11 ? caught.cause >> 28 & 3 : 0, caught.vector, (long)(caught.epc - base), result);
  }
}
