# criterion-tests/vectors/branch.s: jumps and branches.
# SPDX-License-Identifier: Apache-2.0
# $4 is set in the delay slot, $5 where the branch falls through, $6 at the end.

	.macro slots
	addiu $4, $0, 1
	addiu $5, $0, 1
1:	addiu $6, $0, 1
	.endm

#: $1=7 $2=7  ->  $4=1 $6=1
#: $1=7 $2=8  ->  $4=1 $5=1 $6=1
#: $1=0x100000007 $2=7  ->  $4=1 $5=1 $6=1                  64 bits are compared
	beq $1, $2, 1f
	slots
#: $1=7 $2=7  ->  $4=1 $5=1 $6=1
#: $1=7 $2=8  ->  $4=1 $6=1
	bne $1, $2, 1f
	slots
#: $1=-1  ->  $4=1 $6=1
#: $1=0  ->  $4=1 $6=1
#: $1=1  ->  $4=1 $5=1 $6=1
#: $1=0x8000000000000000  ->  $4=1 $6=1
	blez $1, 1f
	slots
#: $1=-1  ->  $4=1 $5=1 $6=1
#: $1=0  ->  $4=1 $5=1 $6=1
#: $1=1  ->  $4=1 $6=1
#: $1=0x80000000  ->  $4=1 $6=1
	bgtz $1, 1f
	slots
#: $1=-1  ->  $4=1 $6=1
#: $1=0  ->  $4=1 $5=1 $6=1
	bltz $1, 1f
	slots
#: $1=-1  ->  $4=1 $5=1 $6=1
#: $1=0  ->  $4=1 $6=1
#: $1=0x7fffffff  ->  $4=1 $6=1
	bgez $1, 1f
	slots
#: $1=-1  ->  $4=1 $6=1 $31=.+8
#: $1=0  ->  $4=1 $5=1 $6=1 $31=.+8                         linked also when not taken
	bltzal $1, 1f
	slots
#: $1=-1  ->  $4=1 $5=1 $6=1 $31=.+8
#: $1=0  ->  $4=1 $6=1 $31=.+8
	bgezal $1, 1f
	slots

# branch likely: the slot is not executed when the branch is not taken
#: $1=7 $2=7  ->  $4=1 $6=1
#: $1=7 $2=8  ->  $5=1 $6=1
	beql $1, $2, 1f
	slots
#: $1=7 $2=7  ->  $5=1 $6=1
#: $1=7 $2=8  ->  $4=1 $6=1
	bnel $1, $2, 1f
	slots
#: $1=0  ->  $4=1 $6=1
#: $1=1  ->  $5=1 $6=1
	blezl $1, 1f
	slots
#: $1=0  ->  $5=1 $6=1
#: $1=1  ->  $4=1 $6=1
	bgtzl $1, 1f
	slots
#: $1=-1  ->  $4=1 $6=1
#: $1=0  ->  $5=1 $6=1
	bltzl $1, 1f
	slots
#: $1=-1  ->  $5=1 $6=1
#: $1=0  ->  $4=1 $6=1
	bgezl $1, 1f
	slots
#: $1=-1  ->  $4=1 $6=1 $31=.+8
#: $1=0  ->  $5=1 $6=1 $31=.+8
	bltzall $1, 1f
	slots
#: $1=-1  ->  $5=1 $6=1 $31=.+8
#: $1=0  ->  $4=1 $6=1 $31=.+8
	bgezall $1, 1f
	slots

#: ->  $4=1 $6=1
	j 1f
	slots
#: ->  $4=1 $6=1 $31=.+8
	jal 1f
	slots
#: $1=.+12  ->  $4=1 $6=1
	jr $1
	slots
#: $1=.+12  ->  $4=1 $6=1
	jr.hb $1
	slots
#: $1=.+12  ->  $4=1 $6=1 $31=.+8
	jalr $1
	slots
#: $1=.+12  ->  $4=1 $6=1 $7=.+8
	jalr.hb $7, $1
	slots
#: $1=.+12  ->  $4=1 $6=1                                   a link to $0 is lost
	jalr $0, $1
	slots

# the condition and the target are those of before the slot
#: $1=7 $2=7  ->  $1=0 $6=1
	beq $1, $2, 1f
	addiu $1, $0, 0
	addiu $5, $0, 1
1:	addiu $6, $0, 1
#: $1=.+12  ->  $1=0 $6=1
	jr $1
	addiu $1, $0, 0
	addiu $5, $0, 1
	addiu $6, $0, 1
# the slot sees the link
#: ->  $4=.+9 $6=1 $31=.+8
	jal 1f
	addiu $4, $31, 1
	addiu $5, $0, 1
1:	addiu $6, $0, 1
# backwards: three rounds
#: $1=3 $2=0  ->  $1=0 $2=3
1:	addiu $1, $1, -1
	bne $1, $0, 1b
	addiu $2, $2, 1
# a call and its return
#: $4=0  ->  $4=3 $6=1 $31=.+8
	bal 1f
	addiu $4, $4, 1
	b 2f
	addiu $6, $0, 1
1:	jr $31
	addiu $4, $4, 2
2:	nop
#: user $1=7 $2=7  ->  $4=1 $6=1
	beq $1, $2, 1f
	slots
