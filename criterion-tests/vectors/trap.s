# criterion-tests/vectors/trap.s: traps, system calls, reserved and unusable instructions.
# SPDX-License-Identifier: Apache-2.0

#: $1=5 $2=5  ->  exc=Tr
#: $1=5 $2=6  ->
#: $1=0x100000005 $2=5  ->
	teq $1, $2
#: $1=5 $2=5  ->
#: $1=5 $2=6  ->  exc=Tr
	tne $1, $2
#: $1=-1 $2=0  ->
#: $1=0 $2=-1  ->  exc=Tr
#: $1=4 $2=4  ->  exc=Tr
	tge $1, $2
#: $1=-1 $2=0  ->  exc=Tr
#: $1=0 $2=-1  ->
#: $1=4 $2=4  ->  exc=Tr
	tgeu $1, $2
#: $1=-1 $2=0  ->  exc=Tr
#: $1=0 $2=-1  ->
#: $1=4 $2=4  ->
	tlt $1, $2
#: $1=-1 $2=0  ->
#: $1=0 $2=-1  ->  exc=Tr
	tltu $1, $2
#: $1=-3  ->  exc=Tr
#: $1=-2  ->
	teqi $1, -3
#: $1=-3  ->
#: $1=-2  ->  exc=Tr
	tnei $1, -3
#: $1=-3  ->  exc=Tr
#: $1=-4  ->
#: $1=0  ->  exc=Tr
	tgei $1, -3
#: $1=-3  ->  exc=Tr
#: $1=-4  ->
#: $1=0  ->                                          the immediate is sign-extended, then unsigned
	tgeiu $1, -3
#: $1=-3  ->
#: $1=-4  ->  exc=Tr
#: $1=0  ->
	tlti $1, -3
#: $1=-3  ->
#: $1=-4  ->  exc=Tr
#: $1=0  ->  exc=Tr
	tltiu $1, -3

#: ->  exc=Sys
	syscall
#: ->  exc=Sys
	syscall 0x12345
#: ->  exc=Bp
	break
#: user  ->  exc=Bp
	break 7
# without a debug probe SDBBP is a breakpoint
#: ->  exc=Bp
	sdbbp
#: ->  $3=1 exc=Sys epc=1
	addiu $3, $0, 1
	syscall
#: ->  $3=1 exc=Tr epc=1 bd=1                        in a delay slot EPC is the branch
	addiu $3, $0, 1
	b 1f
	teq $0, $0
	addiu $4, $0, 1
1:	nop

#: ->  exc=RI
	.word 0x00000005
#: ->  exc=RI
	.word 0x70000003
#: ->  exc=RI
	.word 0xec000000

# coprocessors
#: user  ->  exc=CpU ce=0                            privileged
	mfc0 $3, $12
#: user  ->  exc=CpU ce=0
	eret
#: nocu1  ->  exc=CpU ce=1
	add.s $f1, $f2, $f3
#: nocu1 $1=0x100  ->  exc=CpU ce=1
	lwc1 $f1, 0($1)
#: nocu1  ->  exc=CpU ce=1
	movf $3, $1, $fcc0
#: nocu1  ->  exc=CpU ce=1
	bc1f 1f
	nop
1:	nop
#: ->  exc=CpU ce=2                                   no cpu here has a coprocessor 2
	mfc2 $3, $1
#: ->  exc=CpU ce=2
	cfc2 $3, $1
#: ->  exc=CpU ce=2
	mfhc2 $3, $1
#: ->  exc=CpU ce=2
	mtc2 $3, $1
#: ->  exc=CpU ce=2
	ctc2 $3, $1
#: ->  exc=CpU ce=2
	mthc2 $3, $1
#: 64  ->  exc=CpU ce=2
	dmfc2 $3, $1
#: 64  ->  exc=CpU ce=2
	dmtc2 $3, $1
#: ->  exc=CpU ce=2
	bc2f 1f
1:	nop
#: ->  exc=CpU ce=2
	bc2t 1f
1:	nop
#: ->  exc=CpU ce=2
	bc2fl 1f
1:	nop
#: ->  exc=CpU ce=2
	bc2tl 1f
1:	nop
#: ->  exc=CpU ce=2
	.word 0x4a000001
#: $1=0x100  ->  exc=CpU ce=2
	lwc2 $3, 0($1)
#: $1=0x100  ->  exc=CpU ce=2
	ldc2 $3, 0($1)
#: $1=0x100  ->  exc=CpU ce=2
	swc2 $3, 0($1)
#: $1=0x100  ->  exc=CpU ce=2
	sdc2 $3, 0($1)
# usability comes before everything else
#: user $1=1  ->  exc=CpU ce=2
	lwc2 $3, 0($1)

# without effect
#: ->
	sync
#: $1=0x100  ->
	synci 0($1)
#: $1=0x00400000  ->  exc=TLBL badva=0x00400010       the address is translated
	synci 16($1)
#: $1=0x00400000  ->                                  a prefetch never raises
	pref 0, 0($1)
#: $1=0x00400000 $2=8  ->
	prefx 4, $2($1)
#: ->  $3=0
	rdhwr $3, $0
#: ->  $3=2                                            Count goes up every second cycle
	rdhwr $3, $3
#: user  ->  exc=RI                                    HWREna is 0
	rdhwr $3, $2
#: ->  exc=RI                                          no such register
	rdhwr $3, $17
