/* jit/stencils/variants.h: which operations have stencils that work on registers, and how variants are numbered. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Every operation has stencils (T) that take a from t, the others from registers or an immediate (TI), and give their
 * result in t; every branch likewise (BT). Frequent ones come for each choice of registers: d = a op b (RRR), d = a op
 * imm (RRI), d = op a (RR); branches on a, b (BRR) and on a, 0 (BRZ). The variants of one operation stand one behind
 * the other, counting up from its last register. */
#ifndef JIT_STENCILS_VARIANTS_H
#define JIT_STENCILS_VARIANTS_H
#define HOT_RRR(X)    X(ADD32) X(SUB32) X(ADD) X(SUB) X(AND) X(OR) X(XOR) X(NOR) X(LT) X(LTU)
#define HOT_RRI(X)    X(ADD32) X(ADD) X(AND) X(OR) X(XOR) X(NOR) X(LT) X(LTU) X(EQ) X(NE)
#define HOT_SHIFTS(X) X(SHL32) X(SHR32) X(SAR32) X(ROTR32) X(SHL) X(SHR) X(SAR) X(ROTR) /* by an immediate, as RRI */
#define HOT_RR(X)     X(SX8) X(SX16) X(SX32) X(ZX8) X(ZX16) X(ZX32)
#define HOT_BRR(X)    X(EQ) X(NE)
#define HOT_BRZ(X)    X(EQ) X(NE) X(LT) X(GE) X(LE) X(GT)

/* X(register, ...) for each register; three of a kind, since a macro does not expand within itself. */
#define EACH_REG(X, ...)                                                                                               \
  X(0, __VA_ARGS__)                                                                                                    \
  X(1, __VA_ARGS__) X(2, __VA_ARGS__) X(3, __VA_ARGS__) X(4, __VA_ARGS__) X(5, __VA_ARGS__) X(6, __VA_ARGS__)
#define EACH_REG2(X, ...)                                                                                              \
  X(0, __VA_ARGS__)                                                                                                    \
  X(1, __VA_ARGS__) X(2, __VA_ARGS__) X(3, __VA_ARGS__) X(4, __VA_ARGS__) X(5, __VA_ARGS__) X(6, __VA_ARGS__)
#define EACH_REG3(X, ...)                                                                                              \
  X(0, __VA_ARGS__)                                                                                                    \
  X(1, __VA_ARGS__) X(2, __VA_ARGS__) X(3, __VA_ARGS__) X(4, __VA_ARGS__) X(5, __VA_ARGS__) X(6, __VA_ARGS__)
#endif
