# criterion-tests/vectors/mem.s: aligned loads and stores.
# SPDX-License-Identifier: Apache-2.0

#: $1=0x100 [0x104]=7f80ff01  ->  $3=0x7f
	lb $3, 4($1)
#: $1=0x100 [0x104]=7f80ff01  ->  $3=-128
	lb $3, 5($1)
#: $1=0x100 [0x104]=7f80ff01  ->  $3=0x80
	lbu $3, 5($1)
#: $1=0x200 [0x104]=7f80ff01  ->  $3=0xff
	lbu $3, -0xfa($1)
#: $1=0x100 h[0x102]=0x8001  ->  $3=0xffffffffffff8001
#: $1=0x100 h[0x102]=0x7fff  ->  $3=0x7fff
#: $1=0x100 [0x102]=1234 big  ->  $3=0x1234
#: $1=0x100 [0x102]=1234 little  ->  $3=0x3412
#: $1=0x101  ->  exc=AdEL badva=0x103
#: $1=0x00400000  ->  exc=TLBL badva=0x00400002
	lh $3, 2($1)
#: $1=0x100 h[0x102]=0x8001  ->  $3=0x8001
#: $1=0x101  ->  exc=AdEL badva=0x103
	lhu $3, 2($1)
#: $1=0x100 w[0x104]=0x80000001  ->  $3=0xffffffff80000001
#: $1=0x100 w[0x104]=0x12345678  ->  $3=0x12345678
#: $1=0x100 [0x104]=12345678 big  ->  $3=0x12345678
#: $1=0x100 [0x104]=12345678 little  ->  $3=0x78563412
#: $1=0x101  ->  exc=AdEL badva=0x105
#: $1=0x102  ->  exc=AdEL badva=0x106
#: $1=0x3ffc  ->  exc=TLBL badva=0x4000                 just behind the mapped pages
	lw $3, 4($1)
#: $1=0x8100 w[0x100]=7  ->  $3=7                        the offset is signed
	lw $3, -0x8000($1)
#: w[0x100]=7  ->  $3=7
	lw $3, 0x100($0)
#: $3=0x100 w[0x100]=7  ->  $3=7
	lw $3, 0($3)
#: $1=0x100  ->
	lw $0, 0($1)
#: $1=0x00400000  ->  exc=TLBL badva=0x00400000           a load to $0 still accesses memory
	lw $0, 0($1)
#: $1=0x100 w[0x104]=0x80000001 64  ->  $3=0x80000001
#: $1=0x101 64  ->  exc=AdEL badva=0x105
	lwu $3, 4($1)
#: $1=0x100 d[0x108]=0x8123456789abcdef 64  ->  $3=0x8123456789abcdef
#: $1=0x100 [0x108]=0123456789abcdef 64 big  ->  $3=0x0123456789abcdef
#: $1=0x100 [0x108]=0123456789abcdef 64 little  ->  $3=0xefcdab8967452301
#: $1=0x104 64  ->  exc=AdEL badva=0x10c
	ld $3, 8($1)

#: $1=0x100 $2=0x12345678  ->  b[0x103]=0x78
#: $1=0x00400000  ->  exc=TLBS badva=0x00400003
	sb $2, 3($1)
#: $1=0x100 $2=0x12345678  ->  h[0x102]=0x5678
#: $1=0x100 $2=0x12345678 big  ->  [0x102]=5678
#: $1=0x100 $2=0x12345678 little  ->  [0x102]=7856
#: $1=0x101  ->  exc=AdES badva=0x103
	sh $2, 2($1)
#: $1=0x100 $2=0x12345678  ->  w[0x104]=0x12345678
#: $1=0x100 $2=0x12345678 big  ->  [0x104]=12345678
#: $1=0x100 $2=0x12345678 little  ->  [0x104]=78563412
#: $1=0x100 $2=0xabcdef0112345678  ->  w[0x104]=0x12345678
#: $1=0x102  ->  exc=AdES badva=0x106
#: $1=0x3ffc  ->  exc=TLBS badva=0x4000
	sw $2, 4($1)
#: $1=0x100  ->  w[0x100]=0
	sw $0, 0($1)
#: $1=0x100 $2=0x8123456789abcdef  ->  d[0x108]=0x8123456789abcdef
#: $1=0x100 $2=0x0123456789abcdef big  ->  [0x108]=0123456789abcdef
#: $1=0x100 $2=0x0123456789abcdef little  ->  [0x108]=efcdab8967452301
#: $1=0x104 64  ->  exc=AdES badva=0x10c
	sd $2, 8($1)

# across the end of the first page: two accesses, each on its own page
#: $1=0x1000 $2=0x12345678 w[0xffc]=5  ->  $3=5 w[0x1000]=0x12345678
	lw $3, -4($1)
	sw $2, 0($1)
# a byte, then the halfword around it, then the word: stores are seen in order
#: $1=0x200 $2=0x55 w[0x200]=0 big  ->  $3=0x00550000 [0x200]=00550000
#: $1=0x200 $2=0x55 w[0x200]=0 little  ->  $3=0x5500 [0x200]=00550000
	sb $2, 1($1)
	lw $3, 0($1)

# whose pages are whose
#: user $1=0x100 w[0x104]=9  ->  $3=9
#: user $1=0xffffffff80000000  ->  exc=AdEL badva=0xffffffff80000004
	lw $3, 4($1)
#: user $1=0xffffffffc0000000  ->  exc=AdES badva=0xffffffffc0000004
	sw $3, 4($1)
#: $1=0xffffffffc0000000  ->  exc=TLBL badva=0xffffffffc0000004
	lw $3, 4($1)
#: user $1=0x7ffffffc 32  ->  exc=AdEL badva=0xffffffff80000004   addresses wrap at 32 bits: kseg0
	lw $3, 8($1)
#: $1=-4 w[0x4]=3 32  ->  $3=3                                    and past the end
	lw $3, 8($1)
#: user no64 64  ->  exc=RI
	lwu $3, 4($1)
#: user no64 64  ->  exc=RI
	ld $3, 8($1)
