#include "textflag.h"

// func vfork() (pid, errno uintptr)
//
// The child returns first and writes over the stack that it shares with its parent, the
// place of the return address among it. So that is kept in a register meanwhile, of which
// each has its own.
TEXT ·vfork(SB),NOSPLIT|NOFRAME,$0-16
	MOVL	$56, AX      // SYS_CLONE
	MOVL	$0x4111, DI  // CLONE_VM, CLONE_VFORK, SIGCHLD
	XORL	SI, SI
	XORL	DX, DX
	XORL	R10, R10
	XORL	R8, R8
	POPQ	R12
	SYSCALL
	PUSHQ	R12
	CMPQ	AX, $-4095
	JCC	failed
	MOVQ	AX, pid+0(FP)
	MOVQ	$0, errno+8(FP)
	RET
failed:
	NEGQ	AX
	MOVQ	$0, pid+0(FP)
	MOVQ	AX, errno+8(FP)
	RET
