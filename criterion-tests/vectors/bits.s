# criterion-tests/vectors/bits.s: bit fields and bytes.
# SPDX-License-Identifier: Apache-2.0

#: $1=0x12345678  ->  $3=0x56
#: $1=-1  ->  $3=0xff
	ext $3, $1, 8, 8
#: $1=0xffffffff89abcdef  ->  $3=0xffffffff89abcdef        all 32 bits: sign-extended
	ext $3, $1, 0, 32
#: $1=0xffffffff80000000  ->  $3=1
	ext $3, $1, 31, 1
#: $1=0x0123456789abcdef  ->  $3=0xcd
	dext $3, $1, 8, 8
#: $1=0x0123456789abcdef  ->  $3=0x02468acf               bits 31 to 62
#: $1=0xffffffff80000000  ->  $3=0xffffffff               not sign-extended
	dext $3, $1, 31, 32
#: $1=0x0123456789abcdef  ->  $3=0x456789abcde            44 bits from bit 4
#: $1=-1 64  ->  $3=0xfffffffffff
	dextm $3, $1, 4, 44
#: $1=0x8123456789abcdef  ->  $3=0x8123456789abcdef
	dextm $3, $1, 0, 64
#: $1=0x0123456789abcdef  ->  $3=0x2345
	dextu $3, $1, 40, 16
#: $1=0x8000000000000000  ->  $3=1
	dextu $3, $1, 63, 1
#: $1=0x89abcdef01234567  ->  $3=0x89abcdef
	dextu $3, $1, 32, 32

#: $1=0xab $3=0x12345678  ->  $3=0x1234ab78
#: $1=-1 $3=0  ->  $3=0xff00
	ins $3, $1, 8, 8
#: $1=0xffffffff89abcdef $3=5  ->  $3=0xffffffff89abcdef
	ins $3, $1, 0, 32
#: $1=1 $3=0  ->  $3=0xffffffff80000000                   the word is sign-extended
#: $1=0 $3=-1  ->  $3=0x7fffffff
	ins $3, $1, 31, 1
#: $1=-1 $3=0 64  ->  $3=0xff00
#: $1=0 $3=-1 64  ->  $3=0xffffffffffff00ff
	dins $3, $1, 8, 8
#: $1=-1 $3=0 64  ->  $3=0xff0000000                      bits 28..35
#: $1=0xa5 $3=-1 64  ->  $3=0xfffffffa5fffffff
	dinsm $3, $1, 28, 8
#: $1=0x0123456789abcdef $3=-1  ->  $3=0x0123456789abcdef
	dinsm $3, $1, 0, 64
#: $1=-1 $3=0 64  ->  $3=0x0000ff0000000000
#: $1=0x1234 $3=-1 64  ->  $3=0xffff34ffffffffff
	dinsu $3, $1, 40, 8
#: $1=1 $3=0 64  ->  $3=0x8000000000000000
	dinsu $3, $1, 63, 1

#: $1=0x12345678  ->  $3=0x34127856
#: $1=0x00800000  ->  $3=0xffffffff80000000               then sign extension
	wsbh $3, $1
#: $1=0x7f  ->  $3=0x7f
#: $1=0x80  ->  $3=-128
#: $1=0x123456ff  ->  $3=-1
	seb $3, $1
#: $1=0x7fff  ->  $3=0x7fff
#: $1=0x8000  ->  $3=-32768
#: $1=0x12340000  ->  $3=0
	seh $3, $1
#: $1=0x0123456789abcdef  ->  $3=0x23016745ab89efcd
	dsbh $3, $1
#: $1=0x0123456789abcdef  ->  $3=0xcdef89ab45670123
	dshd $3, $1
#: user no64 64  ->  exc=RI
	dext $3, $1, 8, 8
#: user no64 64  ->  exc=RI
	dsbh $3, $1
