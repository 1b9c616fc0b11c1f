# criterion-tests/vectors/fpu_arith.s: floating-point arithmetic, its rounding, its exceptions.
# SPDX-License-Identifier: Apache-2.0
# A legacy NaN is quiet when its top fraction bit is 0.

#: $f2=s:1.5 $f3=s:2.25  ->  $f4l=s:3.75
#: $f2=s:1 $f3=0x33800000  ->  $f4l=s:1 fcsr=I                     half a unit: to even
#: $f2=0x3f800001 $f3=0x33800000  ->  $f4l=0x3f800002 fcsr=I
#: $f2=s:1 $f3=0x33800000 fcsr=RP  ->  $f4l=0x3f800001 fcsr=RP+I
#: $f2=s:1 $f3=0x33800000 fcsr=RM  ->  $f4l=s:1 fcsr=RM+I
#: $f2=s:-1 $f3=0xb3800000 fcsr=RM  ->  $f4l=0xbf800001 fcsr=RM+I
#: $f2=s:-1 $f3=0xb3800000 fcsr=RZ  ->  $f4l=s:-1 fcsr=RZ+I
#: $f2=0x7f7fffff $f3=0x7f7fffff  ->  $f4l=s:inf fcsr=O+I
#: $f2=0x7f7fffff $f3=0x7f7fffff fcsr=RZ  ->  $f4l=0x7f7fffff fcsr=RZ+O+I
#: $f2=0x7f7fffff $f3=0x7f7fffff fcsr=RM  ->  $f4l=0x7f7fffff fcsr=RM+O+I
#: $f2=0xff7fffff $f3=0xff7fffff fcsr=RM  ->  $f4l=s:-inf fcsr=RM+O+I
#: $f2=s:inf $f3=s:1  ->  $f4l=s:inf
#: $f2=s:inf $f3=s:-inf  ->  $f4l=0x7fbfffff fcsr=V
#: $f2=0x7fffffff $f3=s:1  ->  $f4l=0x7fbfffff fcsr=V               a signalling NaN
#: $f2=0x7f800001 $f3=s:1  ->  $f4l=0x7fbfffff                      a quiet one
#: $f2=s:0 $f3=s:-0  ->  $f4l=s:0
#: $f2=s:0 $f3=s:-0 fcsr=RM  ->  $f4l=s:-0 fcsr=RM
#: $f2=s:-0 $f3=s:-0  ->  $f4l=s:-0
#: $f2=1 $f3=1  ->  $f4l=2                                          denormal and exact
#: $f2=s:1 $f3=s:1 fcsr=I+V  ->  $f4l=s:2 fcsr=0x44                 Cause is of the last operation, Flags stay
#: $f2=s:inf $f3=s:-inf fcsr=onV  ->  fcsr=onV+cV exc=FPE           neither result nor Flag
#: $f2=s:1 $f3=0x33800000 fcsr=onI+V  ->  fcsr=onI+cI+0x40 exc=FPE
#: $f2=0x7f7fffff $f3=0x7f7fffff fcsr=onI  ->  fcsr=onI+cO+cI exc=FPE
	add.s $f4, $f2, $f3
#: $f2=d:1.5 $f3=d:2.25  ->  $f4=d:3.75
#: $f2=d:0.1 $f3=d:0.2  ->  $f4=0x3fd3333333333334 fcsr=I
#: $f2=d:0.1 $f3=d:0.2 fcsr=RZ  ->  $f4=0x3fd3333333333333 fcsr=RZ+I
#: $f2=0x7fefffffffffffff $f3=0x7fefffffffffffff  ->  $f4=d:inf fcsr=O+I
#: $f2=d:-inf $f3=d:inf  ->  $f4=0x7ff7ffffffffffff fcsr=V
#: $f2=0x7fffffffffffffff $f3=d:1  ->  $f4=0x7ff7ffffffffffff fcsr=V
#: $f2=0x7ff0000000000001 $f3=d:1  ->  $f4=0x7ff7ffffffffffff
	add.d $f4, $f2, $f3
#: fr0 $f2=d:1.5 $f6=d:2.25  ->  $f4=d:3.75
	add.d $f4, $f2, $f6
#: fr0 $f2h=s:1.5 $f6h=s:2.25  ->  $f4h=s:3.75
#: $f3=s:1.5 $f7=s:2.25  ->  $f5l=s:3.75
	add.s $f5, $f3, $f7
#: $f2=s:1  ->  $f2l=s:2
	add.s $f2, $f2, $f2

#: $f2=s:1.5 $f3=s:2.25  ->  $f4l=s:-0.75
#: $f2=s:1 $f3=s:1  ->  $f4l=s:0
#: $f2=s:1 $f3=s:1 fcsr=RM  ->  $f4l=s:-0 fcsr=RM
#: $f2=s:inf $f3=s:inf  ->  $f4l=0x7fbfffff fcsr=V
#: $f2=0x00800000 $f3=0x00000001  ->  $f4l=0x007fffff              an exact denormal is no underflow
#: $f2=0x00800000 $f3=0x00000001 fcsr=onU  ->  fcsr=onU+cU exc=FPE       ... unless it would trap
	sub.s $f4, $f2, $f3
#: $f2=d:1.5 $f3=d:2.25  ->  $f4=d:-0.75
#: $f2=d:1 $f3=0x3c90000000000000  ->  $f4=d:1 fcsr=I               2^-54: half of the unit below 1, to even
#: $f2=d:1 $f3=0x3c90000000000000 fcsr=RZ  ->  $f4=0x3fefffffffffffff fcsr=RZ+I
	sub.d $f4, $f2, $f3

#: $f2=s:3 $f3=s:-2  ->  $f4l=s:-6
#: $f2=s:0 $f3=s:inf  ->  $f4l=0x7fbfffff fcsr=V
#: $f2=0x7f7fffff $f3=s:2  ->  $f4l=s:inf fcsr=O+I
#: $f2=0x00800000 $f3=s:0.5  ->  $f4l=0x00400000
#: $f2=0x00800001 $f3=s:0.5  ->  $f4l=0x00400000 fcsr=U+I
#: $f2=1 $f3=s:0.5  ->  $f4l=0 fcsr=U+I
#: $f2=1 $f3=s:0.5 fcsr=RP  ->  $f4l=1 fcsr=RP+U+I
#: $f2=0x00800000 $f3=s:0.5 fcsr=FS  ->  $f4l=0 fcsr=FS+U+I        flushed
#: $f2=0x80800000 $f3=s:0.5 fcsr=FS  ->  $f4l=0x80000000 fcsr=FS+U+I
#: $f2=s:-0 $f3=s:5  ->  $f4l=s:-0
	mul.s $f4, $f2, $f3
#: $f2=d:3 $f3=d:-2  ->  $f4=d:-6
#: $f2=d:0.1 $f3=d:0.1  ->  $f4=0x3f847ae147ae147c fcsr=I
#: $f2=0x0010000000000000 $f3=d:0.5  ->  $f4=0x0008000000000000
#: $f2=0x0010000000000001 $f3=d:0.5  ->  $f4=0x0008000000000000 fcsr=U+I
	mul.d $f4, $f2, $f3

#: $f2=s:1 $f3=s:3  ->  $f4l=0x3eaaaaab fcsr=I
#: $f2=s:1 $f3=s:3 fcsr=RZ  ->  $f4l=0x3eaaaaaa fcsr=RZ+I
#: $f2=s:6 $f3=s:-2  ->  $f4l=s:-3
#: $f2=s:1 $f3=s:0  ->  $f4l=s:inf fcsr=Z
#: $f2=s:-1 $f3=s:0  ->  $f4l=s:-inf fcsr=Z
#: $f2=s:1 $f3=s:-0  ->  $f4l=s:-inf fcsr=Z
#: $f2=s:0 $f3=s:0  ->  $f4l=0x7fbfffff fcsr=V
#: $f2=s:inf $f3=s:inf  ->  $f4l=0x7fbfffff fcsr=V
#: $f2=s:inf $f3=s:0  ->  $f4l=s:inf
#: $f2=s:1 $f3=s:0 fcsr=onZ  ->  fcsr=onZ+cZ exc=FPE
	div.s $f4, $f2, $f3
#: $f2=d:1 $f3=d:3  ->  $f4=0x3fd5555555555555 fcsr=I
#: $f2=d:1 $f3=d:3 fcsr=RP  ->  $f4=0x3fd5555555555556 fcsr=RP+I
#: $f2=d:1 $f3=d:0  ->  $f4=d:inf fcsr=Z
	div.d $f4, $f2, $f3
#: $f2=s:4  ->  $f4l=s:2
#: $f2=s:2  ->  $f4l=0x3fb504f3 fcsr=I
#: $f2=s:-1  ->  $f4l=0x7fbfffff fcsr=V
#: $f2=s:-0  ->  $f4l=s:-0
#: $f2=s:inf  ->  $f4l=s:inf
	sqrt.s $f4, $f2
#: $f2=d:2  ->  $f4=0x3ff6a09e667f3bcd fcsr=I
#: $f2=d:2 fcsr=RZ  ->  $f4=0x3ff6a09e667f3bcc fcsr=RZ+I
#: $f2=d:0.25  ->  $f4=d:0.5
	sqrt.d $f4, $f2

# the sign operations are arithmetic while ABS2008 is 0: Cause is rewritten, a signalling NaN is Invalid
#: $f2=s:-1.5  ->  $f4l=s:1.5
#: $f2=s:1.5 fcsr=I  ->  $f4l=s:1.5 fcsr=4
#: $f2=0x7fffffff  ->  $f4l=0x7fbfffff fcsr=V
	abs.s $f4, $f2
#: $f2=d:-1.5  ->  $f4=d:1.5
#: $f2=d:-inf  ->  $f4=d:inf
	abs.d $f4, $f2
#: $f2=s:1.5  ->  $f4l=s:-1.5
#: $f2=s:0  ->  $f4l=s:-0
#: $f2=0x7fffffff fcsr=onV  ->  fcsr=onV+cV exc=FPE
	neg.s $f4, $f2
#: $f2=d:-1.5  ->  $f4=d:1.5
#: $f2=0x7fffffffffffffff  ->  $f4=0x7ff7ffffffffffff fcsr=V
	neg.d $f4, $f2

#: $f2=s:4  ->  $f4l=s:0.25
#: $f2=s:0  ->  $f4l=s:inf fcsr=Z
	recip.s $f4, $f2
#: $f2=d:-8  ->  $f4=d:-0.125
	recip.d $f4, $f2
#: $f2=s:4  ->  $f4l=s:0.5
#: $f2=s:0  ->  $f4l=s:inf fcsr=Z
#: $f2=s:-4  ->  $f4l=0x7fbfffff fcsr=V
	rsqrt.s $f4, $f2
#: $f2=d:0.25  ->  $f4=d:2
	rsqrt.d $f4, $f2

# fs * ft + fr, rounded after each step
#: $f1=s:1 $f2=s:2 $f3=s:3  ->  $f4l=s:7
#: $f1=0xbf800002 $f2=0x3f800001 $f3=0x3f800001  ->  $f4l=0 fcsr=I  fused it would be 2^-46
#: $f1=s:-inf $f2=s:inf $f3=s:1  ->  $f4l=0x7fbfffff fcsr=V
	madd.s $f4, $f1, $f2, $f3
#: $f1=d:1 $f2=d:2 $f3=d:3  ->  $f4=d:7
#: $f1=0xbff0000000000002 $f2=0x3ff0000000000001 $f3=0x3ff0000000000001  ->  $f4=0 fcsr=I
	madd.d $f4, $f1, $f2, $f3
#: $f1=s:1 $f2=s:2 $f3=s:3  ->  $f4l=s:5
	msub.s $f4, $f1, $f2, $f3
#: $f1=d:1 $f2=d:2 $f3=d:3  ->  $f4=d:5
	msub.d $f4, $f1, $f2, $f3
#: $f1=s:1 $f2=s:2 $f3=s:3  ->  $f4l=s:-7
#: $f1=s:-6 $f2=s:2 $f3=s:3  ->  $f4l=s:-0                           the sum is +0
	nmadd.s $f4, $f1, $f2, $f3
#: $f1=d:1 $f2=d:2 $f3=d:3  ->  $f4=d:-7
	nmadd.d $f4, $f1, $f2, $f3
#: $f1=s:1 $f2=s:2 $f3=s:3  ->  $f4l=s:-5
	nmsub.s $f4, $f1, $f2, $f3
#: $f1=d:1 $f2=d:2 $f3=d:3  ->  $f4=d:-5
	nmsub.d $f4, $f1, $f2, $f3
