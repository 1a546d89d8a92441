#include "textflag.h"

// func vfork() (pid, errno uintptr)
//
// The child returns first and writes over the stack that it shares with its parent. The
// return address is in a register (R30), of which each has its own.
TEXT ·vfork(SB),NOSPLIT|NOFRAME,$0-16
	MOVD	$220, R8     // SYS_CLONE
	MOVD	$0x4111, R0  // CLONE_VM, CLONE_VFORK, SIGCHLD
	MOVD	ZR, R1
	MOVD	ZR, R2
	MOVD	ZR, R3
	MOVD	ZR, R4
	SVC
	CMN	$4095, R0
	BCS	failed
	MOVD	R0, pid+0(FP)
	MOVD	ZR, errno+8(FP)
	RET
failed:
	NEG	R0, R0
	MOVD	ZR, pid+0(FP)
	MOVD	R0, errno+8(FP)
	RET
