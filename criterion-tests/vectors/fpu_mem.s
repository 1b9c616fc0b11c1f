# criterion-tests/vectors/fpu_mem.s: floating-point loads and stores.
# SPDX-License-Identifier: Apache-2.0

#: $1=0x100 w[0x104]=0x89abcdef  ->  $f2l=0x89abcdef
#: $1=0x102  ->  exc=AdEL badva=0x106
#: $1=0x00400000  ->  exc=TLBL badva=0x00400004
	lwc1 $f2, 4($1)
#: fr0 $1=0x100 w[0x104]=0x89abcdef  ->  $f2h=0x89abcdef
#: $1=0x100 w[0x104]=0x89abcdef  ->  $f3l=0x89abcdef
	lwc1 $f3, 4($1)
#: $1=0x100 d[0x108]=0x0123456789abcdef  ->  $f2=0x0123456789abcdef
#: fr0 $1=0x100 d[0x108]=0x0123456789abcdef  ->  $f2=0x0123456789abcdef
#: $1=0x104  ->  exc=AdEL badva=0x10c
	ldc1 $f2, 8($1)
#: $1=0x100 d[0x108]=0x0123456789abcdef  ->  $f3=0x0123456789abcdef
	ldc1 $f3, 8($1)
#: $1=0x100 $f2=0x0123456789abcdef  ->  w[0x104]=0x89abcdef
#: $1=0x102  ->  exc=AdES badva=0x106
	swc1 $f2, 4($1)
#: fr0 $1=0x100 $f2=0x0123456789abcdef  ->  w[0x104]=0x01234567
	swc1 $f3, 4($1)
#: $1=0x100 $f2=0x0123456789abcdef  ->  d[0x108]=0x0123456789abcdef
#: fr0 $1=0x100 $f2=0x0123456789abcdef  ->  d[0x108]=0x0123456789abcdef
#: $1=0x00400000  ->  exc=TLBS badva=0x00400008
	sdc1 $f2, 8($1)
#: $1=0x100 $2=4 w[0x104]=0x89abcdef  ->  $f3l=0x89abcdef
#: $1=-4 $2=0x108 w[0x104]=0x89abcdef  ->  $f3l=0x89abcdef
#: $1=0x100 $2=2  ->  exc=AdEL badva=0x102
	lwxc1 $f3, $2($1)
#: $1=0x100 $2=8 d[0x108]=0x0123456789abcdef  ->  $f4=0x0123456789abcdef
#: fr0 $1=0x100 $2=8 d[0x108]=0x0123456789abcdef  ->  $f4=0x0123456789abcdef
#: $1=0x100 $2=4  ->  exc=AdEL badva=0x104
	ldxc1 $f4, $2($1)
#: $1=0x100 $2=8 d[0x108]=0x0123456789abcdef  ->  $f3=0x0123456789abcdef
#: $1=0x103 $2=12 d[0x108]=0x0123456789abcdef  ->  $f3=0x0123456789abcdef     low address bits are ignored
#: fr0 $1=0x100 $2=8  ->  exc=RI
	luxc1 $f3, $2($1)
#: $1=0x100 $2=4 $f3=0x0123456789abcdef  ->  w[0x104]=0x89abcdef
#: $1=0x100 $2=1  ->  exc=AdES badva=0x101
	swxc1 $f3, $2($1)
#: $1=0x100 $2=8 $f4=0x0123456789abcdef  ->  d[0x108]=0x0123456789abcdef
	sdxc1 $f4, $2($1)
#: $1=0x100 $2=15 $f3=0x0123456789abcdef  ->  d[0x108]=0x0123456789abcdef
	suxc1 $f3, $2($1)
