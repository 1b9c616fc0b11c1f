# criterion-tests/vectors/llsc.s: load linked, store conditional. What breaks a link between them: test_run.c.
# SPDX-License-Identifier: Apache-2.0

#: $1=0x100 $2=9 w[0x104]=5  ->  $3=5 $2=1 w[0x104]=9
#: $1=0x100 $2=9 w[0x104]=0x80000005  ->  $3=0xffffffff80000005 $2=1 w[0x104]=9
	ll $3, 4($1)
	sc $2, 4($1)
#: $1=0x100 $2=9  ->  $2=0                                    no link: nothing is stored
#: $1=0x00400000 $2=9  ->  $2=0                               nor is an address looked at
	sc $2, 4($1)
#: $1=0x101  ->  exc=AdEL badva=0x105
#: $1=0x00400000  ->  exc=TLBL badva=0x00400004
	ll $3, 4($1)
# the link is used up
#: $1=0x100 $2=9 $4=7 w[0x104]=5  ->  $3=5 $2=1 $4=0 w[0x104]=9
	ll $3, 4($1)
	sc $2, 4($1)
	sc $4, 4($1)
#: $1=0x100 $2=9 d[0x108]=0x8000000000000005 64  ->  $3=0x8000000000000005 $2=1 d[0x108]=9
	lld $3, 8($1)
	scd $2, 8($1)
#: $1=0x100 $2=9 64  ->  $2=0
	scd $2, 8($1)
#: $1=0x104 64  ->  exc=AdEL badva=0x10c
	lld $3, 8($1)
# one round of an atomic addition
#: $1=0x100 w[0x100]=41  ->  $2=1 $3=41 w[0x100]=42
1:	ll $3, 0($1)
	addiu $2, $3, 1
	sc $2, 0($1)
	beq $2, $0, 1b
	nop
#: user no64 64  ->  exc=RI
	lld $3, 8($1)
