# criterion-tests/vectors/fpu_convert.s: conversions between formats.
# SPDX-License-Identifier: Apache-2.0
# What does not fit an integer gives the largest one and Invalid (legacy).

#: $f2=d:1.5  ->  $f4l=s:1.5
#: $f2=d:0.1  ->  $f4l=0x3dcccccd fcsr=I
#: $f2=d:0.1 fcsr=RZ  ->  $f4l=0x3dcccccc fcsr=RZ+I
#: $f2=d:1e300  ->  $f4l=s:inf fcsr=O+I
#: $f2=d:1e-300  ->  $f4l=0 fcsr=U+I
#: $f2=0x3800000000000000  ->  $f4l=0x00400000                       2^-127: an exact denormal
#: $f2=0x7fffffffffffffff  ->  $f4l=0x7fbfffff fcsr=V
#: $f2=d:-0  ->  $f4l=s:-0
#: fr0 $f2=d:1.5  ->  $f4l=s:1.5
	cvt.s.d $f4, $f2
#: $f2=s:1.5  ->  $f4=d:1.5
#: $f2=1  ->  $f4=0x36a0000000000000                                  2^-149
#: $f2=0x7fffffff  ->  $f4=0x7ff7ffffffffffff fcsr=V
#: $f2=s:-inf  ->  $f4=d:-inf
	cvt.d.s $f4, $f2
#: $f2=5  ->  $f4l=s:5
#: $f2=0xffffffff  ->  $f4l=s:-1
#: $f2=16777217  ->  $f4l=0x4b800000 fcsr=I
#: $f2=16777217 fcsr=RP  ->  $f4l=0x4b800001 fcsr=RP+I
#: $f2=0x7fffffff  ->  $f4l=0x4f000000 fcsr=I
	cvt.s.w $f4, $f2
#: $f2=0x80000000  ->  $f4=d:-2147483648
#: $f2=0x123456780000002a  ->  $f4=d:42                               the upper half is not part of a word
	cvt.d.w $f4, $f2
#: $f2=0x0000010000000001  ->  $f4l=0x53800000 fcsr=I
#: $f2=-2  ->  $f4l=s:-2
#: fr0  ->  exc=RI                                                    64-bit integers need FR
	cvt.s.l $f4, $f2
#: $f2=0x0020000000000001  ->  $f4=0x4340000000000000 fcsr=I
#: $f2=0x8000000000000000  ->  $f4=0xc3e0000000000000
	cvt.d.l $f4, $f2

#: $f2=s:1.5  ->  $f4l=2 fcsr=I
#: $f2=s:2.5  ->  $f4l=2 fcsr=I
#: $f2=s:2.5 fcsr=RZ  ->  $f4l=2 fcsr=RZ+I
#: $f2=s:2.5 fcsr=RP  ->  $f4l=3 fcsr=RP+I
#: $f2=s:-2.5 fcsr=RM  ->  $f4l=0xfffffffd fcsr=RM+I
#: $f2=s:-7  ->  $f4l=0xfffffff9
#: $f2=s:2147483648  ->  $f4l=0x7fffffff fcsr=V
#: $f2=s:-2147483648  ->  $f4l=0x80000000
#: $f2=s:-inf  ->  $f4l=0x7fffffff fcsr=V
#: $f2=0x7f800001  ->  $f4l=0x7fffffff fcsr=V                          a quiet NaN has no integer either
#: $f2=s:inf fcsr=onV  ->  fcsr=onV+cV exc=FPE
	cvt.w.s $f4, $f2
#: $f2=d:2147483647.5  ->  $f4l=0x7fffffff fcsr=V
#: $f2=d:2147483647.5 fcsr=RZ  ->  $f4l=0x7fffffff fcsr=RZ+I
#: $f2=d:-2147483648.5  ->  $f4l=0x80000000 fcsr=I
#: $f2=d:-2147483649  ->  $f4l=0x7fffffff fcsr=V
#: fr0 $f2=d:-3  ->  $f4l=0xfffffffd
	cvt.w.d $f4, $f2
#: $f2=s:-2.5  ->  $f4=-2 fcsr=I
#: $f2=s:9223372036854775808  ->  $f4=0x7fffffffffffffff fcsr=V
#: $f2=s:-9223372036854775808  ->  $f4=0x8000000000000000
#: fr0  ->  exc=RI
	cvt.l.s $f4, $f2
#: $f2=d:3.5  ->  $f4=4 fcsr=I
#: $f2=0x43dfffffffffffff  ->  $f4=0x7ffffffffffffc00
#: $f2=d:nan  ->  $f4=0x7fffffffffffffff fcsr=V
	cvt.l.d $f4, $f2

#: $f2=s:2.5 fcsr=RM  ->  $f4l=2 fcsr=RM+I                             to nearest whatever RM says
#: $f2=s:3.5  ->  $f4l=4 fcsr=I
#: $f2=s:-2.5 fcsr=RP  ->  $f4l=0xfffffffe fcsr=RP+I
#: $f2=s:3  ->  $f4l=3
	round.w.s $f4, $f2
#: $f2=d:2.5  ->  $f4l=2 fcsr=I
#: $f2=d:-3.5  ->  $f4l=0xfffffffc fcsr=I
	round.w.d $f4, $f2
#: $f2=s:2.9 fcsr=RP  ->  $f4l=2 fcsr=RP+I
#: $f2=s:-2.9  ->  $f4l=0xfffffffe fcsr=I
#: $f2=s:4e9  ->  $f4l=0x7fffffff fcsr=V
	trunc.w.s $f4, $f2
#: $f2=d:-2.9  ->  $f4l=0xfffffffe fcsr=I
#: $f2=d:-0.5  ->  $f4l=0 fcsr=I
	trunc.w.d $f4, $f2
#: $f2=s:2.1  ->  $f4l=3 fcsr=I
#: $f2=s:-2.9  ->  $f4l=0xfffffffe fcsr=I
	ceil.w.s $f4, $f2
#: $f2=d:2.1  ->  $f4l=3 fcsr=I
#: $f2=d:-2  ->  $f4l=0xfffffffe
	ceil.w.d $f4, $f2
#: $f2=s:2.9  ->  $f4l=2 fcsr=I
#: $f2=s:-2.1  ->  $f4l=0xfffffffd fcsr=I
	floor.w.s $f4, $f2
#: $f2=d:2.9  ->  $f4l=2 fcsr=I
#: $f2=d:-2.1  ->  $f4l=0xfffffffd fcsr=I
	floor.w.d $f4, $f2
#: $f2=s:2.5  ->  $f4=2 fcsr=I
#: $f2=s:-3.5  ->  $f4=-4 fcsr=I
	round.l.s $f4, $f2
#: $f2=d:2.5  ->  $f4=2 fcsr=I
#: $f2=d:2251799813685249.5  ->  $f4=2251799813685250 fcsr=I
	round.l.d $f4, $f2
#: $f2=s:-2.9  ->  $f4=-2 fcsr=I
	trunc.l.s $f4, $f2
#: $f2=d:1e10  ->  $f4=10000000000
#: $f2=d:-2.9  ->  $f4=-2 fcsr=I
#: $f2=d:1e19  ->  $f4=0x7fffffffffffffff fcsr=V
#: fr0  ->  exc=RI
	trunc.l.d $f4, $f2
#: $f2=s:2.1  ->  $f4=3 fcsr=I
	ceil.l.s $f4, $f2
#: $f2=d:-2.9  ->  $f4=-2 fcsr=I
	ceil.l.d $f4, $f2
#: $f2=s:2.9  ->  $f4=2 fcsr=I
	floor.l.s $f4, $f2
#: $f2=d:-2.1  ->  $f4=-3 fcsr=I
	floor.l.d $f4, $f2
