/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* s390x; s390 has the same numbers: its system calls, and where their registers are. See ../syscall.bpf.h. */

#define ONE_TABLE_OF_CALLS
#define NR_open 5
#define NR_openat 288
#define NR_creat 8
#define NR_unlink 10
#define NR_unlinkat 294
#define NR_rmdir 40
#define NR_execve 11
#define NR_execveat 354
#define NR_sync 36
#define NR_syncfs 338
#define NR_fsync 118
#define NR_fdatasync 148
#define NR_msync 144
#define NR_sync_file_range 307

/* At the exit gprs[2] holds the result already. */
#define CALL_NR(direct, regs) (FIELD(direct, regs, int_code) & 0xffff)
#define CALL_ARG0(direct, regs) FIELD(direct, regs, orig_gpr2)
#define CALL_ARG1(direct, regs) FIELD(direct, regs, gprs[3])
#define CALL_ARG2(direct, regs) FIELD(direct, regs, gprs[4])
#define CALL_ARG3(direct, regs) FIELD(direct, regs, gprs[5])
#define CALL_ARG4(direct, regs) FIELD(direct, regs, gprs[6])
#define CALL_ARG5(direct, regs) FIELD(direct, regs, gprs[7])

/* asm/ptrace.h, PSW_MASK_EA: the caller is a 64-bit one. */
#define CALL_IS_32(direct, regs, task) (!(FIELD(direct, regs, psw.mask) & 1UL << 32))
