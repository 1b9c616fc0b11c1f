/* perf/loop.S: two plain loops on the bare machine: a line on the console before and after each. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Needs no run-time and fits every CPU model. It prints "A", runs 8 instructions of plain arithmetic N times, prints
 * "B", runs 12 instructions with loads, stores and a call N times, prints "C", and asks the board for a reset. N and
 * what an iteration has is told to perf/loop.py by the comments with #: . */
#define UART    0xb80003f8 /* the first 16550 of the SuperIO, by way of the GT-64120's I/O window */
#define SOFTRES 0xbf000500
#define RESET   0x42

  .set noreorder
  .set noat
  .globl _start
  .text

  .macro show letter
  lui $8, UART >> 16
  li $9, \letter
  sb $9, UART & 0xffff($8)
  li $9, 10
  sb $9, UART & 0xffff($8)
  .endm

_start:
  show 'A'
  li $2, N
  li $3, 1
  li $4, 0x1234
arithmetic: #: arithmetic 8
  addu $3, $3, $4
  xor $4, $4, $3
  sll $5, $3, 3
  subu $4, $5, $4
  srl $6, $4, 7
  or $3, $3, $6
  bne $2, $0, arithmetic
  addiu $2, $2, -1

  show 'B'
  li $2, N
  lui $7, %hi(cell)
  addiu $7, $7, %lo(cell)
memory: #: memory 12
  lw $3, 0($7)
  addiu $3, $3, 1
  jal called
  sw $3, 0($7)
  lbu $5, 5($7)
  xor $4, $4, $5
  sltu $6, $3, $4
  bne $2, $0, memory
  addiu $2, $2, -1

  show 'C'
  lui $8, SOFTRES >> 16
  li $9, RESET
  sw $9, SOFTRES & 0xffff($8)
1:
  b 1b
  nop

called:
  sw $6, 8($7)
  jr $31
  lhu $4, 2($7)

  .data
  .p2align 14 # not on the page of the code: that would measure self-modifying code
cell:
  .space 16
