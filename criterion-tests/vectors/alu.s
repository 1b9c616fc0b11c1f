# criterion-tests/vectors/alu.s: arithmetic and logic on registers and immediates.
# SPDX-License-Identifier: Apache-2.0

#: $1=1 $2=2  ->  $3=3
#: $1=0x7ffffffe $2=1  ->  $3=0x7fffffff
#: $1=0x7fffffff $2=1  ->  exc=Ov                 and $3 keeps its value
#: $1=0xffffffff80000000 $2=-1  ->  exc=Ov
#: $1=0xffffffff80000000 $2=0x7fffffff  ->  $3=-1
	add $3, $1, $2
#: $1=0x7fffffff  ->  exc=Ov                      also with the result unused
	add $0, $1, $1
#: $1=0x7fffffff $2=1  ->  $3=0xffffffff80000000   32-bit wrap, then sign extension
#: $1=-1 $2=1  ->  $3=0
#: $1=0xffffffff80000000 $2=0xffffffff80000000  ->  $3=0
#: $1=0x12345678 $2=0x11111111  ->  $3=0x23456789
	addu $3, $1, $2
#: $3=5  ->  $3=10
	addu $3, $3, $3
#: $1=3 $2=5  ->  $3=-2
#: $1=0xffffffff80000000 $2=1  ->  exc=Ov
#: $1=0x7fffffff $2=-1  ->  exc=Ov
#: $1=0 $2=0xffffffff80000000  ->  exc=Ov
#: $1=-1 $2=0xffffffff80000000  ->  $3=0x7fffffff
	sub $3, $1, $2
#: $1=0xffffffff80000000 $2=1  ->  $3=0x7fffffff
#: $1=0 $2=1  ->  $3=-1
#: $1=0 $2=0xffffffff80000000  ->  $3=0xffffffff80000000
	subu $3, $1, $2
#: $1=0x7fffffffffffffff $2=1  ->  exc=Ov
#: $1=0x8000000000000000 $2=-1  ->  exc=Ov
#: $1=0x7fffffff $2=1 64  ->  $3=0x80000000
	dadd $3, $1, $2
#: $1=0x7fffffffffffffff $2=1  ->  $3=0x8000000000000000
#: $1=-1 $2=1 64  ->  $3=0
#: $1=0xffffffff $2=1  ->  $3=0x100000000
	daddu $3, $1, $2
#: $1=0x8000000000000000 $2=1  ->  exc=Ov
#: $1=0 $2=0x8000000000000000  ->  exc=Ov
#: $1=-1 $2=0x8000000000000000  ->  $3=0x7fffffffffffffff
	dsub $3, $1, $2
#: $1=0x8000000000000000 $2=1  ->  $3=0x7fffffffffffffff
#: $1=0x100000000 $2=1  ->  $3=0xffffffff
	dsubu $3, $1, $2

#: $1=0x0ff00ff0 $2=0x00ffff00  ->  $3=0x00f00f00
#: $1=0xff00ff00ff00ff00 $2=0xfffff0000fffffff  ->  $3=0xff00f0000f00ff00
	and $3, $1, $2
#: $1=0x0ff00ff0 $2=0x00ffff00  ->  $3=0x0ffffff0
#: $1=0xff00000000000000 $2=0xff  ->  $3=0xff000000000000ff
	or $3, $1, $2
#: $1=0x0ff00ff0 $2=0x00ffff00  ->  $3=0x0f0ff0f0
#: $1=-1 $2=1  ->  $3=-2
	xor $3, $1, $2
#: $1=0x0ff00ff0 $2=0x00ffff00  ->  $3=0xfffffffff000000f
#: $1=0 $2=0  ->  $3=-1
	nor $3, $1, $2
#: $1=-1 $2=0  ->  $3=1
#: $1=0 $2=-1  ->  $3=0
#: $1=7 $2=7  ->  $3=0
#: $1=0xffffffff80000000 $2=0x7fffffff  ->  $3=1
#: $1=0x8000000000000000 $2=0  ->  $3=1
#: $1=0x80000000 $2=0  ->  $3=0                     64 bits are compared
	slt $3, $1, $2
#: $1=-1 $2=0  ->  $3=0
#: $1=0 $2=-1  ->  $3=1
#: $1=0x7fffffff $2=0xffffffff80000000  ->  $3=1
#: $1=7 $2=7  ->  $3=0
#: $1=1 $2=0x100000000  ->  $3=1
	sltu $3, $1, $2
#: $1=6 $2=7  ->  $3=42
#: $1=0x10000 $2=0x10000  ->  $3=0
#: $1=-3 $2=5  ->  $3=-15
#: $1=0x7fffffff $2=2  ->  $3=-2
#: $1=0x00010000 $2=0x00008000  ->  $3=0xffffffff80000000
	mul $3, $1, $2

#: $1=5 $2=0 $3=9  ->  $3=5
#: $1=5 $2=1 $3=9  ->
#: $1=5 $2=0x100000000 $3=9  ->                     all 64 bits are looked at
	movz $3, $1, $2
#: $1=5 $2=0 $3=9  ->
#: $1=5 $2=-1 $3=9  ->  $3=5
#: $1=5 $2=0x8000000000000000 $3=9  ->  $3=5
	movn $3, $1, $2
#: $1=0  ->  $3=32
#: $1=1  ->  $3=31
#: $1=0x7fffffff  ->  $3=1
#: $1=0xffffffff80000000  ->  $3=0
	clz $3, $1
#: $1=0  ->  $3=0
#: $1=-1  ->  $3=32
#: $1=-2  ->  $3=31
#: $1=0xfffffffff0000000  ->  $3=4
	clo $3, $1
#: $1=0 64  ->  $3=64
#: $1=1 64  ->  $3=63
#: $1=0x80000000  ->  $3=32
#: $1=0x8000000000000000  ->  $3=0
	dclz $3, $1
#: $1=-1 64  ->  $3=64
#: $1=0 64  ->  $3=0
#: $1=0xfffffffe00000000  ->  $3=31
	dclo $3, $1

#: $1=1  ->  $3=-32767
#: $1=0xffffffff80000000  ->  exc=Ov
#: $1=0xffffffff80007fff  ->  exc=Ov
#: $1=0xffffffff80008000  ->  $3=0xffffffff80000000
	addi $3, $1, -32768
#: $1=0x7fffffff  ->  exc=Ov
#: $1=0x7ffffffe  ->  $3=0x7fffffff
	addi $3, $1, 1
#: $1=0x7fffffff  ->  $3=0xffffffff80000000
#: $1=-1  ->  $3=0
	addiu $3, $1, 1
#: $1=0  ->  $3=-1
#: $1=0xffffffff80000000  ->  $3=0x7fffffff
	addiu $3, $1, -1
#: ->  $3=-32768
	addiu $3, $0, -32768
#: $1=-2  ->  $3=1
#: $1=-1  ->  $3=0
#: $1=0x7fffffff  ->  $3=0
#: $1=0xffffffff80000000  ->  $3=1
#: $1=0xffffffff00000000  ->  $3=1
	slti $3, $1, -1
#: $1=-2  ->  $3=1                                   the immediate is sign-extended, then unsigned
#: $1=-1  ->  $3=0
#: $1=0x7fffffff  ->  $3=1
#: $1=0  ->  $3=1
	sltiu $3, $1, -1
#: $1=5  ->  $3=0
#: $1=4  ->  $3=1
	sltiu $3, $1, 5
#: $1=-1  ->  $3=0xffff                               zero-extended
#: $1=0x12348765  ->  $3=0x8765
	andi $3, $1, 0xffff
#: $1=0x12340000  ->  $3=0x1234ffff
#: $1=0xffffffff00000000  ->  $3=0xffffffff0000ffff
	ori $3, $1, 0xffff
#: $1=0x1234ffff  ->  $3=0x12340000
#: $1=-1  ->  $3=0xffffffffffff0000
	xori $3, $1, 0xffff
#: $1=0x7fffffffffffffff  ->  exc=Ov
#: $1=0x7fffffff 64  ->  $3=0x80000000
	daddi $3, $1, 1
#: $1=0x8000000000000000  ->  exc=Ov
#: $1=0 64  ->  $3=-1
	daddi $3, $1, -1
#: $1=0x7fffffffffffffff  ->  $3=0x8000000000000000
#: $1=0xffffffff  ->  $3=0x100000000
	daddiu $3, $1, 1
#: $1=0 64  ->  $3=-32768
	daddiu $3, $1, -32768
#: ->  $3=0x7fff0000
	lui $3, 0x7fff
#: ->  $3=0xffffffff80000000
	lui $3, 0x8000
#: $1=0x7fffffff $2=1  ->  $3=0xffffffff80000000     overwriting an operand
	addu $3, $1, $2
#: $1=0x10 $2=0x20  ->  $1=0x30
	addu $1, $1, $2

#: user no64 64  ->  exc=RI
	daddu $3, $1, $2
#: user no64 64  ->  exc=RI
	daddiu $3, $1, 1
#: user 64 $1=0xffffffff $2=1  ->  $3=0x100000000
	daddu $3, $1, $2
#: 32  ->  exc=RI
	dclz $3, $1
