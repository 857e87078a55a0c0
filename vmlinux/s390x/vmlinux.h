/* The registers of s390x, written by hand; the other types are x86_64's: see ../README.md. */
#define pt_regs pt_regs___x86
#include "../x86_64/vmlinux.h"
#undef pt_regs

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	unsigned long mask, addr;
} psw_t;

struct pt_regs {
	psw_t psw;
	unsigned long gprs[16], orig_gpr2;
	unsigned int int_code;
};

/* What programs at kprobes are handed. */
typedef struct {
	unsigned long args[1];
	psw_t psw;
	unsigned long gprs[16];
} user_pt_regs;

#pragma clang attribute pop
