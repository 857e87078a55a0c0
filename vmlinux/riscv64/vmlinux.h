/* The registers of riscv64, written by hand; the other types are x86_64's: see ../README.md. */
#define pt_regs pt_regs___x86
#define user_regs_struct user_regs_struct___x86
#include "../x86_64/vmlinux.h"
#undef pt_regs
#undef user_regs_struct

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs {
	unsigned long a0, a1, a2, a3, a4, a5, a6, a7, status, orig_a0;
};

/* What programs at kprobes are handed. */
struct user_regs_struct {
	unsigned long pc, ra, sp, s0, a0, a1, a2, a3, a4, a5, a6, a7;
};

#pragma clang attribute pop
