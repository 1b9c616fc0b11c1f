# criterion-tests/vectors/fpu_move.s: between the register files, control registers, moves, conditions, branches.
# SPDX-License-Identifier: Apache-2.0

#: $f2=0x1234567880000001  ->  $3=0xffffffff80000001
#: $f2=0xffffffff7fffffff  ->  $3=0x7fffffff
#: fr0 $f2=0x1234567880000001  ->  $3=0xffffffff80000001
	mfc1 $3, $f2
#: fr0 $f2=0x8000000055555555  ->  $3=0xffffffff80000000      FR=0: an odd register is the upper half of an even one
#: $f3=0x8000000055555555  ->  $3=0x55555555
	mfc1 $3, $f3
#: $1=0x12345678  ->  $f2l=0x12345678
#: $1=-2  ->  $f2l=0xfffffffe
#: fr0 $1=7  ->  $f2l=7
	mtc1 $1, $f2
#: $1=7  ->  $f3l=7
#: fr0 $1=7  ->  $f2h=7
	mtc1 $1, $f3
#: $f2=0x8234567890abcdef  ->  $3=0xffffffff82345678
#: fr0 $f2=0x7234567890abcdef  ->  $3=0x72345678
	mfhc1 $3, $f2
#: $1=0x12345678  ->  $f2h=0x12345678
#: fr0 $1=0x12345678  ->  $f2h=0x12345678
	mthc1 $1, $f2
#: $f2=0x8234567890abcdef 64  ->  $3=0x8234567890abcdef
#: $f2=0x8234567890abcdef 64 fr0  ->  $3=0x8234567890abcdef
	dmfc1 $3, $f2
#: $1=0x8234567890abcdef  ->  $f2=0x8234567890abcdef
#: $1=0x8234567890abcdef fr0  ->  $f2=0x8234567890abcdef
	dmtc1 $1, $f2
#: user no64 64  ->  exc=RI
	dmfc1 $3, $f2

#: 64  ->  $3=0x00770000                                     FIR: F64 L W PS D S
#: 32  ->  $3=0x00730000                                     no PS
	cfc1 $3, $0
#: fcsr=0xfe80107f  ->  $3=0xfffffffffe80107f
	cfc1 $3, $31
#: fcsr=cc0+cc3+RM  ->  $3=0x09                              FCCR: the condition codes side by side
#: fcsr=cc1+cc7  ->  $3=0x82
	cfc1 $3, $25
#: fcsr=0xfe83ffff  ->  $3=0x0003f07c                        FEXR: Cause and Flags
	cfc1 $3, $26
#: fcsr=0xff83ffff  ->  $3=0x0f87                            FENR: Enables, FS, RM
#: fcsr=onV+RZ  ->  $3=0x0801
	cfc1 $3, $28
#: $1=0xfffffffffe81007f fcsr=RM  ->  fcsr=0xfe81007f
#: $1=0 fcsr=0xfe83f07f  ->  fcsr=0
#: $1=0x007c0000 fcsr=0  ->  fcsr=0                          reserved and fixed bits
#: $1=0x00010800 fcsr=0  ->  fcsr=0x00010800 exc=FPE         Cause and Enable: written, then raised
#: $1=0x00020000 fcsr=0  ->  fcsr=0x00020000 exc=FPE         Unimplemented needs no Enable
#: $1=0x00010400 fcsr=0  ->  fcsr=0x00010400                 Invalid is not Z's Enable
	ctc1 $1, $31
#: $1=0x81 fcsr=cc0+cc2+RM+I  ->  fcsr=cc0+cc7+RM+I
	ctc1 $1, $25
#: $1=0x0001f07c fcsr=RM+cc1  ->  fcsr=0x0001f07c+RM+cc1
#: $1=0x00001000 fcsr=onI  ->  fcsr=onI+cI exc=FPE
	ctc1 $1, $26
#: $1=0x0e86 fcsr=cc1+0x7c  ->  fcsr=cc1+0x7c+0xe82+FS
	ctc1 $1, $28

#: $f2=0x1234567890abcdef  ->  $f4l=0x90abcdef
#: $f2=0x7fffffff7fffffff  ->  $f4l=0x7fffffff               no arithmetic: a signalling NaN stays
	mov.s $f4, $f2
#: fr0 $f2=0x1234567890abcdef  ->  $f4h=0x12345678
	mov.s $f5, $f3
#: $f2=0x1234567890abcdef  ->  $f4=0x1234567890abcdef
#: fr0 $f2=0x7ff7ffffffffffff fcsr=onV  ->  $f4=0x7ff7ffffffffffff
	mov.d $f4, $f2

#: $1=5 $3=9 fcsr=0  ->  $3=5
#: $1=5 $3=9 fcsr=cc2  ->
	movf $3, $1, $fcc2
#: $1=5 $3=9 fcsr=cc2  ->  $3=5
#: $1=5 $3=9 fcsr=cc0+cc1+cc3  ->
	movt $3, $1, $fcc2
#: $f2=0x1111111155555555 fcsr=0  ->  $f4l=0x55555555
#: $f2=0x1111111155555555 fcsr=cc1  ->
	movf.s $f4, $f2, $fcc1
#: $f2=0x1111111155555555 fcsr=0  ->
#: $f2=0x1111111155555555 fcsr=cc1  ->  $f4l=0x55555555
	movt.s $f4, $f2, $fcc1
#: $f2=0x1111111155555555 fcsr=0  ->  $f4=0x1111111155555555
#: $f2=0x1111111155555555 fcsr=cc0  ->
	movf.d $f4, $f2, $fcc0
#: $f2=0x1111111155555555 fcsr=0  ->
#: $f2=0x1111111155555555 fcsr=cc0  ->  $f4=0x1111111155555555
#: fr0 $f2=0x1111111155555555 fcsr=cc0  ->  $f4=0x1111111155555555
	movt.d $f4, $f2, $fcc0
#: $1=0 $f2=0x1111111155555555  ->  $f4l=0x55555555
#: $1=1 $f2=0x1111111155555555  ->
	movz.s $f4, $f2, $1
#: $1=0 $f2=0x1111111155555555  ->
#: $1=-1 $f2=0x1111111155555555  ->  $f4l=0x55555555
	movn.s $f4, $f2, $1
#: $1=0 $f2=0x1111111155555555  ->  $f4=0x1111111155555555
#: $1=0x100000000 $f2=0x1111111155555555  ->
	movz.d $f4, $f2, $1
#: $1=0 $f2=0x1111111155555555  ->
#: $1=8 $f2=0x1111111155555555  ->  $f4=0x1111111155555555
	movn.d $f4, $f2, $1

#: fcsr=0  ->  $4=1 $6=1
#: fcsr=cc0  ->  $4=1 $5=1 $6=1
	bc1f 1f
	addiu $4, $0, 1
	addiu $5, $0, 1
1:	addiu $6, $0, 1
#: fcsr=cc5  ->  $4=1 $6=1
#: fcsr=cc0+cc4+cc6  ->  $4=1 $5=1 $6=1
	bc1t $fcc5, 1f
	addiu $4, $0, 1
	addiu $5, $0, 1
1:	addiu $6, $0, 1
#: fcsr=0  ->  $4=1 $6=1
#: fcsr=cc1  ->  $5=1 $6=1
	bc1fl $fcc1, 1f
	addiu $4, $0, 1
	addiu $5, $0, 1
1:	addiu $6, $0, 1
#: fcsr=cc0  ->  $4=1 $6=1
#: fcsr=0  ->  $5=1 $6=1
	bc1tl 1f
	addiu $4, $0, 1
	addiu $5, $0, 1
1:	addiu $6, $0, 1
# a comparison in the delay slot comes too late for its branch
#: $f2=s:1 fcsr=0  ->  $5=1 $6=1 fcsr=cc0
	bc1t 1f
	c.eq.s $f2, $f2
	addiu $5, $0, 1
1:	addiu $6, $0, 1
