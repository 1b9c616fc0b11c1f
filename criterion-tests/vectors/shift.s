# criterion-tests/vectors/shift.s: shifts and rotates.
# SPDX-License-Identifier: Apache-2.0

#: $1=1  ->  $3=0x10
#: $1=0x0fffffff  ->  $3=-16                   bit 31 of the result is its sign
#: $1=0x12345678  ->  $3=0x23456780
#: $1=-1  ->  $3=-16
#: $1=0xdeadbeef00000001  ->  $3=0x10          the upper word does not matter
	sll $3, $1, 4
#: $1=1  ->  $3=0xffffffff80000000
#: $1=2  ->  $3=0
	sll $3, $1, 31
#: $1=0x7fffffff80000000  ->  $3=0xffffffff80000000       sign extension of a word
#: $1=0xffffffff7fffffff  ->  $3=0x7fffffff
	sll $3, $1, 0
#: ->
	nop
#: ->
	ssnop
#: ->
	ehb
#: ->
	pause
#: $1=5  ->
	sll $0, $1, 7

#: $1=0xffffffff80000000  ->  $3=0x08000000
#: $1=0x12345678  ->  $3=0x01234567
#: $1=15  ->  $3=0
	srl $3, $1, 4
#: $1=0xffffffff80000000  ->  $3=0xffffffff80000000       no shift: the result is sign-extended
#: $1=0x7fffffff  ->  $3=0x7fffffff
	srl $3, $1, 0
#: $1=-1  ->  $3=1
	srl $3, $1, 31

#: $1=0xffffffff80000000  ->  $3=0xfffffffff8000000
#: $1=0x7fffffff  ->  $3=0x07ffffff
#: $1=-1  ->  $3=-1
	sra $3, $1, 4
#: $1=0xffffffff80000000  ->  $3=-1
#: $1=0x7fffffff  ->  $3=0
	sra $3, $1, 31

#: $1=0x12345678  ->  $3=0xffffffff81234567
#: $1=8  ->  $3=0xffffffff80000000
#: $1=0x10  ->  $3=1
	rotr $3, $1, 4
#: $1=0xffffffff80000001  ->  $3=0xffffffff80000001
	rotr $3, $1, 0
#: $1=1  ->  $3=2
	rotr $3, $1, 31

#: $1=1 $2=4  ->  $3=0x10
#: $1=1 $2=36  ->  $3=0x10                     five bits of the amount count
#: $1=1 $2=-1  ->  $3=0xffffffff80000000
#: $1=0x55 $2=32  ->  $3=0x55
#: $1=0x5500000001 $2=0xf00000004  ->  $3=0x10
	sllv $3, $1, $2
#: $1=0xffffffff80000000 $2=4  ->  $3=0x08000000
#: $1=0xffffffff80000000 $2=32  ->  $3=0xffffffff80000000
#: $1=-1 $2=63  ->  $3=1
	srlv $3, $1, $2
#: $1=0xffffffff80000000 $2=4  ->  $3=0xfffffffff8000000
#: $1=0xffffffff80000000 $2=0x3f  ->  $3=-1
#: $1=0x40000000 $2=30  ->  $3=1
	srav $3, $1, $2
#: $1=0x12345678 $2=8  ->  $3=0x78123456
#: $1=0x12345678 $2=40  ->  $3=0x78123456
#: $1=1 $2=1  ->  $3=0xffffffff80000000
	rotrv $3, $1, $2

#: $1=0x8000000000000001  ->  $3=0x10
#: $1=0x0123456789abcdef  ->  $3=0x123456789abcdef0
	dsll $3, $1, 4
#: $1=0x8000000000000001  ->  $3=0x8000000000000001
	dsll $3, $1, 0
#: $1=0x8000000000000000  ->  $3=0x0800000000000000
#: $1=-1  ->  $3=0x0fffffffffffffff
	dsrl $3, $1, 4
#: $1=0x8000000000000000  ->  $3=0xf800000000000000
#: $1=0x7fffffffffffffff  ->  $3=0x07ffffffffffffff
	dsra $3, $1, 4
#: $1=0x0123456789abcdef  ->  $3=0xf0123456789abcde
	drotr $3, $1, 4
#: $1=1 64  ->  $3=0x0000001000000000
#: $1=0x0123456789abcdef  ->  $3=0x9abcdef000000000
	dsll32 $3, $1, 4
#: $1=0x8000000000000000  ->  $3=0x08000000
#: $1=-1 64  ->  $3=0x0fffffff
	dsrl32 $3, $1, 4
#: $1=0x8000000000000000  ->  $3=0xfffffffff8000000
#: $1=0x7fffffffffffffff  ->  $3=0x07ffffff
	dsra32 $3, $1, 4
#: $1=0x8000000000000000  ->  $3=-1
	dsra32 $3, $1, 31
#: $1=0x0123456789abcdef  ->  $3=0x789abcdef0123456
	drotr32 $3, $1, 4
#: $1=0x0123456789abcdef  ->  $3=0x89abcdef01234567
	drotr32 $3, $1, 0

#: $1=1 $2=63  ->  $3=0x8000000000000000
#: $1=1 $2=64 64  ->  $3=1                       six bits of the amount count
#: $1=0x0123456789abcdef $2=36  ->  $3=0x9abcdef000000000
	dsllv $3, $1, $2
#: $1=0x8000000000000000 $2=63  ->  $3=1
#: $1=0x8000000000000000 $2=0x40  ->  $3=0x8000000000000000
#: $1=0xfedcba9876543210 $2=32  ->  $3=0xfedcba98
	dsrlv $3, $1, $2
#: $1=0x8000000000000000 $2=63  ->  $3=-1
#: $1=0xfedcba9876543210 $2=32  ->  $3=0xfffffffffedcba98
	dsrav $3, $1, $2
#: $1=0x0123456789abcdef $2=4  ->  $3=0xf0123456789abcde
#: $1=0x0123456789abcdef $2=0x44  ->  $3=0xf0123456789abcde
	drotrv $3, $1, $2

#: user no64 64 $1=1  ->  exc=RI                 64-bit operations are reserved for users without UX
	dsll $3, $1, 4
#: user no64 64 $1=1  ->  exc=RI
	dsrav $3, $1, $2
#: no64 64 $1=1  ->  $3=0x10                      the kernel always has them
	dsll $3, $1, 4
#: 32 $1=1  ->  exc=RI                            a 32-bit cpu has none
	dsll $3, $1, 4
#: 32  ->  exc=RI
	drotrv $3, $1, $2
