/* The registers of powerpc64, written by hand; the other types are x86_64's: see ../README.md. */
#define pt_regs pt_regs___x86
#include "../x86_64/vmlinux.h"
#undef pt_regs

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs {
	unsigned long gpr[32], nip, msr, orig_gpr3;
};

#pragma clang attribute pop
