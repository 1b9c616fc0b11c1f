/* criterion-tests/encode.h: the instruction words that tests write by hand. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Independent of insns.def on purpose: a wrong row there must not hide itself. Registers are numbers, operands stand in
 * the assembler's order, branch offsets count words from the delay slot. */
#ifndef CRITERION_TESTS_ENCODE_H
#define CRITERION_TESTS_ENCODE_H
#include <stdint.h>

static inline uint32_t enc_r(unsigned rs, unsigned rt, unsigned rd, unsigned sa, unsigned funct) {
  return rs << 21 | rt << 16 | rd << 11 | sa << 6 | funct;
}
static inline uint32_t enc_i(unsigned op, unsigned rs, unsigned rt, int imm) {
  return op << 26 | rs << 21 | rt << 16 | ((unsigned)imm & 0xffff);
}

/* clang-format off */
#define NOP                  0u
#define SLL(rd, rt, sa)      enc_r(0, rt, rd, sa, 0x00)
#define SRL(rd, rt, sa)      enc_r(0, rt, rd, sa, 0x02)
#define SRA(rd, rt, sa)      enc_r(0, rt, rd, sa, 0x03)
#define DSLL(rd, rt, sa)     enc_r(0, rt, rd, sa, 0x38)
#define DSRA(rd, rt, sa)     enc_r(0, rt, rd, sa, 0x3b)
#define ADD(rd, rs, rt)      enc_r(rs, rt, rd, 0, 0x20)
#define ADDU(rd, rs, rt)     enc_r(rs, rt, rd, 0, 0x21)
#define XOR(rd, rs, rt)      enc_r(rs, rt, rd, 0, 0x26)
#define OR(rd, rs, rt)       enc_r(rs, rt, rd, 0, 0x25)
#define MTHI(rs)             enc_r(rs, 0, 0, 0, 0x11)
#define MTLO(rs)             enc_r(rs, 0, 0, 0, 0x13)
#define MFHI(rd)             enc_r(0, 0, rd, 0, 0x10)
#define MFLO(rd)             enc_r(0, 0, rd, 0, 0x12)
#define JR(rs)               enc_r(rs, 0, 0, 0, 0x08)
#define JALR(rd, rs)         enc_r(rs, 0, rd, 0, 0x09)
#define SYSCALL              0x0000000cu
#define BREAK                0x0000000du
#define TEQ(rs, rt)          enc_r(rs, rt, 0, 0, 0x34)
#define ADDI(rt, rs, imm)    enc_i(0x08, rs, rt, imm)
#define ADDIU(rt, rs, imm)   enc_i(0x09, rs, rt, imm)
#define ANDI(rt, rs, imm)    enc_i(0x0c, rs, rt, imm)
#define ORI(rt, rs, imm)     enc_i(0x0d, rs, rt, imm)
#define XORI(rt, rs, imm)    enc_i(0x0e, rs, rt, imm)
#define LUI(rt, imm)         enc_i(0x0f, 0, rt, imm)
#define DADDIU(rt, rs, imm)  enc_i(0x19, rs, rt, imm)
#define J(va)                (0x08000000u | ((uint32_t)(va) >> 2 & 0x03ffffff))
#define JAL(va)              (0x0c000000u | ((uint32_t)(va) >> 2 & 0x03ffffff))
#define BEQ(rs, rt, off)     enc_i(0x04, rs, rt, off)
#define BNE(rs, rt, off)     enc_i(0x05, rs, rt, off)
#define BEQL(rs, rt, off)    enc_i(0x14, rs, rt, off)
#define BNEL(rs, rt, off)    enc_i(0x15, rs, rt, off)
#define BGEZ(rs, off)        enc_i(0x01, rs, 1, off)
#define B(off)               BEQ(0, 0, off)
#define LB(rt, off, rs)      enc_i(0x20, rs, rt, off)
#define LBU(rt, off, rs)     enc_i(0x24, rs, rt, off)
#define LW(rt, off, rs)      enc_i(0x23, rs, rt, off)
#define LD(rt, off, rs)      enc_i(0x37, rs, rt, off)
#define LL(rt, off, rs)      enc_i(0x30, rs, rt, off)
#define SB(rt, off, rs)      enc_i(0x28, rs, rt, off)
#define SW(rt, off, rs)      enc_i(0x2b, rs, rt, off)
#define SD(rt, off, rs)      enc_i(0x3f, rs, rt, off)
#define SC(rt, off, rs)      enc_i(0x38, rs, rt, off)
#define CACHE(op, off, rs)   enc_i(0x2f, rs, op, off)
#define SYNCI(off, rs)       enc_i(0x01, rs, 0x1f, off)
#define LWC1(ft, off, rs)    enc_i(0x31, rs, ft, off)
#define LDC1(ft, off, rs)    enc_i(0x35, rs, ft, off)
#define SDC1(ft, off, rs)    enc_i(0x3d, rs, ft, off)
#define MFC0(rt, rd)         (0x40000000u | enc_r(0, rt, rd, 0, 0))
#define MTC0(rt, rd)         (0x40800000u | enc_r(0, rt, rd, 0, 0))
#define CFC1(rt, rd)         (0x44400000u | enc_r(0, rt, rd, 0, 0))
#define CTC1(rt, rd)         (0x44c00000u | enc_r(0, rt, rd, 0, 0))
#define MTC1(rt, fs)         (0x44800000u | enc_r(0, rt, fs, 0, 0))
#define MTHC1(rt, fs)        (0x44e00000u | enc_r(0, rt, fs, 0, 0))
#define SYNC                 0x0000000fu
#define EHB                  0x000000c0u
#define TLBWI                0x42000002u
#define TLBWR                0x42000006u
#define TLBP                 0x42000008u
#define ERET                 0x42000018u
#define WAIT                 0x42000020u
#define EI                   0x41606020u
#define DI                   0x41606000u
/* clang-format on */
enum { C0_COUNT = 9, C0_COMPARE = 11, C0_STATUS = 12, C0_CAUSE = 13, C0_EPC = 14 };
#endif
