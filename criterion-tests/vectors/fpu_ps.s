# criterion-tests/vectors/fpu_ps.s: paired singles: each half by itself; exceptions of both count together.
# SPDX-License-Identifier: Apache-2.0

#: 64 $f2=ps:1,2 $f3=ps:3,-4  ->  $f4=ps:4,-2
#: 64 $f2=ps:inf,1 $f3=ps:-inf,1  ->  $f4=0x7fbfffff40000000 fcsr=V
#: 64 $f2=0x7f7fffff3f800000 $f3=0x7f7fffff33800000  ->  $f4=0x7f8000003f800000 fcsr=O+I
#: 64 $f2=ps:1,inf $f3=ps:1,-inf fcsr=onV  ->  fcsr=onV+cV exc=FPE
#: 64 fr0  ->  exc=RI
#: 32  ->  exc=RI
	add.ps $f4, $f2, $f3
#: 64 $f2=ps:1,2 $f3=ps:3,-4  ->  $f4=ps:-2,6
	sub.ps $f4, $f2, $f3
#: 64 $f2=ps:1.5,2 $f3=ps:3,-4  ->  $f4=ps:4.5,-8
	mul.ps $f4, $f2, $f3
#: 64 $f2=ps:-1,2  ->  $f4=ps:1,2
	abs.ps $f4, $f2
#: 64 $f2=ps:-1,2  ->  $f4=ps:1,-2
	neg.ps $f4, $f2
#: 64 $f2=0x7fffffff12345678  ->  $f4=0x7fffffff12345678
	mov.ps $f4, $f2
#: 64 $f1=ps:1,2 $f2=ps:3,4 $f3=ps:5,6  ->  $f4=ps:16,26
	madd.ps $f4, $f1, $f2, $f3
#: 64 $f1=ps:1,2 $f2=ps:3,4 $f3=ps:5,6  ->  $f4=ps:14,22
	msub.ps $f4, $f1, $f2, $f3
#: 64 $f1=ps:1,2 $f2=ps:3,4 $f3=ps:5,6  ->  $f4=ps:-16,-26
	nmadd.ps $f4, $f1, $f2, $f3
#: 64 $f1=ps:1,2 $f2=ps:3,4 $f3=ps:5,6  ->  $f4=ps:-14,-22
	nmsub.ps $f4, $f1, $f2, $f3
#: 64 $f2=0x1122334455667788 $f3=0x99aabbccddeeff00  ->  $f4=0x55667788ddeeff00     fs above, ft below
	cvt.ps.s $f4, $f2, $f3
#: 64 $f2=ps:1,2  ->  $f4l=s:1
	cvt.s.pu $f4, $f2
#: 64 $f2=ps:1,2  ->  $f4l=s:2
	cvt.s.pl $f4, $f2
#: 64 $f2=0x1122334455667788 $f3=0x99aabbccddeeff00  ->  $f4=0x55667788ddeeff00
	pll.ps $f4, $f2, $f3
#: 64 $f2=0x1122334455667788 $f3=0x99aabbccddeeff00  ->  $f4=0x5566778899aabbcc
	plu.ps $f4, $f2, $f3
#: 64 $f2=0x1122334455667788 $f3=0x99aabbccddeeff00  ->  $f4=0x11223344ddeeff00
	pul.ps $f4, $f2, $f3
#: 64 $f2=0x1122334455667788 $f3=0x99aabbccddeeff00  ->  $f4=0x1122334499aabbcc
	puu.ps $f4, $f2, $f3
# ALNV.PS: with 0 the first operand; with 4 the end of the first in memory and the beginning of the second
#: 64 $1=0x100 $f2=0x1122334455667788 $f3=0x99aabbccddeeff00  ->  $f4=0x1122334455667788
#: 64 big $1=0x104 $f2=0x1122334455667788 $f3=0x99aabbccddeeff00  ->  $f4=0x5566778899aabbcc
#: 64 little $1=0x104 $f2=0x1122334455667788 $f3=0x99aabbccddeeff00  ->  $f4=0xddeeff0011223344
	alnv.ps $f4, $f2, $f3, $1

# each half of a comparison sets a condition of its own, and a move looks at both
#: 64 $f2=ps:1,2 $f3=ps:1,1 fcsr=0  ->  fcsr=cc3
#: 64 $f2=ps:2,1 $f3=ps:1,1 fcsr=cc3+cc7  ->  fcsr=cc2+cc7
#: 64 $f2=ps:1,1 $f3=ps:1,1 fcsr=0  ->  fcsr=cc2+cc3
	c.eq.ps $fcc2, $f2, $f3
#: 64 $f2=0x1122334455667788 $f4=0x99aabbccddeeff00 fcsr=cc2  ->  $f4=0x11223344ddeeff00
#: 64 $f2=0x1122334455667788 $f4=0x99aabbccddeeff00 fcsr=cc3  ->  $f4=0x99aabbcc55667788
#: 64 $f2=0x1122334455667788 $f4=0x99aabbccddeeff00 fcsr=cc2+cc3  ->
	movf.ps $f4, $f2, $fcc2
#: 64 $f2=0x1122334455667788 $f4=0x99aabbccddeeff00 fcsr=cc2  ->  $f4=0x99aabbcc55667788
#: 64 $f2=0x1122334455667788 $f4=0x99aabbccddeeff00 fcsr=cc3  ->  $f4=0x11223344ddeeff00
	movt.ps $f4, $f2, $fcc2
#: 64 $1=0 $f2=0x1122334455667788  ->  $f4=0x1122334455667788
#: 64 $1=1 $f2=0x1122334455667788  ->
	movz.ps $f4, $f2, $1
#: 64 $1=0 $f2=0x1122334455667788  ->
#: 64 $1=1 $f2=0x1122334455667788  ->  $f4=0x1122334455667788
	movn.ps $f4, $f2, $1
