/* The registers of loongarch64, written by hand; the other types are x86_64's: see ../README.md. */
#define pt_regs pt_regs___x86
#include "../x86_64/vmlinux.h"
#undef pt_regs

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs {
	unsigned long regs[32], orig_a0;
};

/* What programs at kprobes are handed. */
struct user_pt_regs {
	unsigned long regs[32], orig_a0, csr_era;
};

#pragma clang attribute pop
