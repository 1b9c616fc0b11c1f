# criterion-tests/vectors/muldiv.s: multiplication, division, HI and LO.
# SPDX-License-Identifier: Apache-2.0

#: hi=0xffffffff80000000  ->  $3=0xffffffff80000000
#: hi=0x1234567890abcdef 64  ->  $3=0x1234567890abcdef
	mfhi $3
#: lo=0x7fffffff  ->  $3=0x7fffffff
#: lo=0x1234567890abcdef 64  ->  $3=0x1234567890abcdef
	mflo $3
#: $1=-5  ->  hi=-5
#: $1=0x1234567890abcdef  ->  hi=0x1234567890abcdef
	mthi $1
#: $1=-5  ->  lo=-5
#: $1=0x1234567890abcdef  ->  lo=0x1234567890abcdef
	mtlo $1

#: $1=3 $2=-5  ->  hi=-1 lo=-15
#: $1=0x7fffffff $2=0x7fffffff  ->  hi=0x3fffffff lo=1
#: $1=0xffffffff80000000 $2=0xffffffff80000000  ->  hi=0x40000000 lo=0
#: $1=0x10000 $2=0x8000  ->  hi=0 lo=0xffffffff80000000      LO is sign-extended as a word
#: $1=-1 $2=-1  ->  hi=0 lo=1
	mult $1, $2
#: $1=-1 $2=-1  ->  hi=-2 lo=1                             0xfffffffe00000001
#: $1=0xffffffff80000000 $2=2  ->  hi=1 lo=0
#: $1=3 $2=-5  ->  hi=2 lo=-15
	multu $1, $2
#: $1=7 $2=2  ->  hi=1 lo=3
#: $1=-7 $2=2  ->  hi=-1 lo=-3                             towards zero
#: $1=7 $2=-2  ->  hi=1 lo=-3
#: $1=-7 $2=-2  ->  hi=-1 lo=3
#: $1=0xffffffff80000000 $2=1  ->  hi=0 lo=0xffffffff80000000
	div $0, $1, $2
#: $1=7 $2=2  ->  hi=1 lo=3
#: $1=-1 $2=2  ->  hi=1 lo=0x7fffffff
#: $1=-1 $2=1  ->  hi=0 lo=-1                              sign-extended words again
#: $1=0xffffffff80000000 $2=-1  ->  hi=0xffffffff80000000 lo=0
	divu $0, $1, $2
#: $1=0x7fffffffffffffff $2=2  ->  hi=0 lo=-2
#: $1=-1 $2=-1 64  ->  hi=0 lo=1
#: $1=0x8000000000000000 $2=0x8000000000000000  ->  hi=0x4000000000000000 lo=0
#: $1=-1 $2=1 64  ->  hi=-1 lo=-1
	dmult $1, $2
#: $1=-1 $2=-1 64  ->  hi=-2 lo=1
#: $1=0x8000000000000000 $2=2  ->  hi=1 lo=0
	dmultu $1, $2
#: $1=-7 $2=2 64  ->  hi=-1 lo=-3
#: $1=0x7fffffffffffffff $2=16  ->  hi=15 lo=0x07ffffffffffffff
#: $1=0x8000000000000000 $2=1  ->  hi=0 lo=0x8000000000000000
	ddiv $0, $1, $2
#: $1=-1 $2=16 64  ->  hi=15 lo=0x0fffffffffffffff
#: $1=0x8000000000000000 $2=-1  ->  hi=0x8000000000000000 lo=0
	ddivu $0, $1, $2

#: $1=3 $2=5 hi=0 lo=100  ->  hi=0 lo=115
#: $1=1 $2=1 hi=0 lo=-1  ->  hi=1 lo=0                     a carry from LO into HI
#: $1=-1 $2=1 hi=0 lo=0  ->  hi=-1 lo=-1
#: $1=0x7fffffff $2=0x7fffffff hi=0x40000000 lo=0  ->  hi=0x7fffffff lo=1
#: $1=1 $2=1 hi=0x7fffffff lo=-1  ->  hi=0xffffffff80000000 lo=0
	madd $1, $2
#: $1=-1 $2=-1 hi=0 lo=-1  ->  hi=-1 lo=0                 0xfffffffe00000001 + 0xffffffff
#: $1=-1 $2=1 hi=0 lo=1  ->  hi=1 lo=0
	maddu $1, $2
#: $1=3 $2=5 hi=0 lo=100  ->  hi=0 lo=85
#: $1=1 $2=1 hi=0 lo=0  ->  hi=-1 lo=-1                    a borrow
#: $1=1 $2=1 hi=1 lo=0  ->  hi=0 lo=-1
	msub $1, $2
#: $1=-1 $2=-1 hi=0 lo=0  ->  hi=1 lo=-1                   0 - 0xfffffffe00000001 = 0x00000001ffffffff
#: $1=1 $2=1 hi=1 lo=0  ->  hi=0 lo=-1
	msubu $1, $2
#: $1=3 $2=5  ->  $3=15 hi=0 lo=15
	mult $1, $2
	mflo $3
#: user no64 64  ->  exc=RI
	dmult $1, $2
