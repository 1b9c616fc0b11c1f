# criterion-tests/vectors/fpu_compare.s: the sixteen comparisons (MIPS64 vol. II, C.cond.fmt, tables "FPU Comparisons").
# SPDX-License-Identifier: Apache-2.0
# Bit 0 of a condition: true when unordered, bit 1 when equal, bit 2 when less; bit 3: a quiet NaN is Invalid too.

#: $f2=s:1 $f3=s:2  ->  fcsr=0
#: $f2=s:-2 $f3=s:-2 fcsr=cc0+cc1  ->  fcsr=cc1
#: $f2=s:0 $f3=s:-0  ->  fcsr=0
#: $f2=s:2 $f3=s:1 fcsr=cc0  ->  fcsr=0
#: $f2=s:2 $f3=0x7f800001  ->  fcsr=0
#: $f2=0x7fffffff $f3=s:1  ->  fcsr=V+0
	c.f.s $f2, $f3
#: $f2=s:1 $f3=s:2  ->  fcsr=0
#: $f2=s:-2 $f3=s:-2 fcsr=cc0+cc1  ->  fcsr=cc1
#: $f2=s:0 $f3=s:-0  ->  fcsr=0
#: $f2=s:2 $f3=s:1 fcsr=cc0  ->  fcsr=0
#: $f2=s:2 $f3=0x7f800001  ->  fcsr=cc0
#: $f2=0x7fffffff $f3=s:1  ->  fcsr=V+cc0
	c.un.s $f2, $f3
#: $f2=s:1 $f3=s:2  ->  fcsr=0
#: $f2=s:-2 $f3=s:-2 fcsr=cc0+cc1  ->  fcsr=cc1+cc0
#: $f2=s:0 $f3=s:-0  ->  fcsr=cc0
#: $f2=s:2 $f3=s:1 fcsr=cc0  ->  fcsr=0
#: $f2=s:2 $f3=0x7f800001  ->  fcsr=0
#: $f2=0x7fffffff $f3=s:1  ->  fcsr=V+0
	c.eq.s $f2, $f3
#: $f2=s:1 $f3=s:2  ->  fcsr=0
#: $f2=s:-2 $f3=s:-2 fcsr=cc0+cc1  ->  fcsr=cc1+cc0
#: $f2=s:0 $f3=s:-0  ->  fcsr=cc0
#: $f2=s:2 $f3=s:1 fcsr=cc0  ->  fcsr=0
#: $f2=s:2 $f3=0x7f800001  ->  fcsr=cc0
#: $f2=0x7fffffff $f3=s:1  ->  fcsr=V+cc0
	c.ueq.s $f2, $f3
#: $f2=s:1 $f3=s:2  ->  fcsr=cc0
#: $f2=s:-2 $f3=s:-2 fcsr=cc0+cc1  ->  fcsr=cc1
#: $f2=s:0 $f3=s:-0  ->  fcsr=0
#: $f2=s:2 $f3=s:1 fcsr=cc0  ->  fcsr=0
#: $f2=s:2 $f3=0x7f800001  ->  fcsr=0
#: $f2=0x7fffffff $f3=s:1  ->  fcsr=V+0
	c.olt.s $f2, $f3
#: $f2=s:1 $f3=s:2  ->  fcsr=cc0
#: $f2=s:-2 $f3=s:-2 fcsr=cc0+cc1  ->  fcsr=cc1
#: $f2=s:0 $f3=s:-0  ->  fcsr=0
#: $f2=s:2 $f3=s:1 fcsr=cc0  ->  fcsr=0
#: $f2=s:2 $f3=0x7f800001  ->  fcsr=cc0
#: $f2=0x7fffffff $f3=s:1  ->  fcsr=V+cc0
	c.ult.s $f2, $f3
#: $f2=s:1 $f3=s:2  ->  fcsr=cc0
#: $f2=s:-2 $f3=s:-2 fcsr=cc0+cc1  ->  fcsr=cc1+cc0
#: $f2=s:0 $f3=s:-0  ->  fcsr=cc0
#: $f2=s:2 $f3=s:1 fcsr=cc0  ->  fcsr=0
#: $f2=s:2 $f3=0x7f800001  ->  fcsr=0
#: $f2=0x7fffffff $f3=s:1  ->  fcsr=V+0
	c.ole.s $f2, $f3
#: $f2=s:1 $f3=s:2  ->  fcsr=cc0
#: $f2=s:-2 $f3=s:-2 fcsr=cc0+cc1  ->  fcsr=cc1+cc0
#: $f2=s:0 $f3=s:-0  ->  fcsr=cc0
#: $f2=s:2 $f3=s:1 fcsr=cc0  ->  fcsr=0
#: $f2=s:2 $f3=0x7f800001  ->  fcsr=cc0
#: $f2=0x7fffffff $f3=s:1  ->  fcsr=V+cc0
	c.ule.s $f2, $f3
#: $f2=s:1 $f3=s:2  ->  fcsr=0
#: $f2=s:-2 $f3=s:-2 fcsr=cc0+cc1  ->  fcsr=cc1
#: $f2=s:0 $f3=s:-0  ->  fcsr=0
#: $f2=s:2 $f3=s:1 fcsr=cc0  ->  fcsr=0
#: $f2=s:2 $f3=0x7f800001  ->  fcsr=V+0
#: $f2=0x7fffffff $f3=s:1  ->  fcsr=V+0
	c.sf.s $f2, $f3
#: $f2=s:1 $f3=s:2  ->  fcsr=0
#: $f2=s:-2 $f3=s:-2 fcsr=cc0+cc1  ->  fcsr=cc1
#: $f2=s:0 $f3=s:-0  ->  fcsr=0
#: $f2=s:2 $f3=s:1 fcsr=cc0  ->  fcsr=0
#: $f2=s:2 $f3=0x7f800001  ->  fcsr=V+cc0
#: $f2=0x7fffffff $f3=s:1  ->  fcsr=V+cc0
	c.ngle.s $f2, $f3
#: $f2=s:1 $f3=s:2  ->  fcsr=0
#: $f2=s:-2 $f3=s:-2 fcsr=cc0+cc1  ->  fcsr=cc1+cc0
#: $f2=s:0 $f3=s:-0  ->  fcsr=cc0
#: $f2=s:2 $f3=s:1 fcsr=cc0  ->  fcsr=0
#: $f2=s:2 $f3=0x7f800001  ->  fcsr=V+0
#: $f2=0x7fffffff $f3=s:1  ->  fcsr=V+0
	c.seq.s $f2, $f3
#: $f2=s:1 $f3=s:2  ->  fcsr=0
#: $f2=s:-2 $f3=s:-2 fcsr=cc0+cc1  ->  fcsr=cc1+cc0
#: $f2=s:0 $f3=s:-0  ->  fcsr=cc0
#: $f2=s:2 $f3=s:1 fcsr=cc0  ->  fcsr=0
#: $f2=s:2 $f3=0x7f800001  ->  fcsr=V+cc0
#: $f2=0x7fffffff $f3=s:1  ->  fcsr=V+cc0
	c.ngl.s $f2, $f3
#: $f2=s:1 $f3=s:2  ->  fcsr=cc0
#: $f2=s:-2 $f3=s:-2 fcsr=cc0+cc1  ->  fcsr=cc1
#: $f2=s:0 $f3=s:-0  ->  fcsr=0
#: $f2=s:2 $f3=s:1 fcsr=cc0  ->  fcsr=0
#: $f2=s:2 $f3=0x7f800001  ->  fcsr=V+0
#: $f2=0x7fffffff $f3=s:1  ->  fcsr=V+0
	c.lt.s $f2, $f3
#: $f2=s:1 $f3=s:2  ->  fcsr=cc0
#: $f2=s:-2 $f3=s:-2 fcsr=cc0+cc1  ->  fcsr=cc1
#: $f2=s:0 $f3=s:-0  ->  fcsr=0
#: $f2=s:2 $f3=s:1 fcsr=cc0  ->  fcsr=0
#: $f2=s:2 $f3=0x7f800001  ->  fcsr=V+cc0
#: $f2=0x7fffffff $f3=s:1  ->  fcsr=V+cc0
	c.nge.s $f2, $f3
#: $f2=s:1 $f3=s:2  ->  fcsr=cc0
#: $f2=s:-2 $f3=s:-2 fcsr=cc0+cc1  ->  fcsr=cc1+cc0
#: $f2=s:0 $f3=s:-0  ->  fcsr=cc0
#: $f2=s:2 $f3=s:1 fcsr=cc0  ->  fcsr=0
#: $f2=s:2 $f3=0x7f800001  ->  fcsr=V+0
#: $f2=0x7fffffff $f3=s:1  ->  fcsr=V+0
	c.le.s $f2, $f3
#: $f2=s:1 $f3=s:2  ->  fcsr=cc0
#: $f2=s:-2 $f3=s:-2 fcsr=cc0+cc1  ->  fcsr=cc1+cc0
#: $f2=s:0 $f3=s:-0  ->  fcsr=cc0
#: $f2=s:2 $f3=s:1 fcsr=cc0  ->  fcsr=0
#: $f2=s:2 $f3=0x7f800001  ->  fcsr=V+cc0
#: $f2=0x7fffffff $f3=s:1  ->  fcsr=V+cc0
	c.ngt.s $f2, $f3

#: $f2=d:1 $f3=d:2  ->  fcsr=cc6
#: $f2=d:2 $f3=d:2 fcsr=cc6  ->  fcsr=0
#: $f2=d:-inf $f3=d:inf  ->  fcsr=cc6
#: $f2=0x7ff0000000000001 $f3=d:1  ->  fcsr=V
#: $f2=0x7ff0000000000001 $f3=d:1 fcsr=onV+cc6  ->  fcsr=onV+cV+cc6 exc=FPE      the condition keeps its value
	c.lt.d $fcc6, $f2, $f3
#: $f2=d:2 $f4=d:2 fr0  ->  fcsr=cc0
#: $f2=0x7ff0000000000001 $f4=d:1  ->  fcsr=cc0
	c.ueq.d $f2, $f4
#: fr0 $f2h=s:1 $f4h=s:2  ->  fcsr=cc0
	c.olt.s $f3, $f5
