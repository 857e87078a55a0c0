// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How many system calls end, how many of them by an error, and how long they
 * took: by call or by process.
 *
 * Not counted: what does not return (exit, exit_group), the return from a signal
 * handler, which has no number at its exit, and the second return of what makes
 * a task, which nobody called. With the time: a call that began before the
 * trace.
 */
#include "core.bpf.h"
#include "by_cpu.bpf.h"
#include "call_times.bpf.h"
#include "filter.bpf.h"
#include "syscall.bpf.h"
#include "turns.bpf.h"

/* Above all numbers: those of x86_64 end with x32's own, 547. */
#define CALLS_MOST 560

struct call_counts {
	__u64 calls;
	__u64 failed;
	__u64 took_ns; /* all together, if asked for */
};

/* By call, on one CPU. */
struct calls_of_cpu {
	struct call_counts native[CALLS_MOST];
	struct call_counts other[CALLS_MOST]; /* of 32-bit callers with a table of their own */
	struct call_counts strange; /* numbers above */
	struct call_counts without_room; /* of processes for which there was none */
};

struct process_calls {
	struct call_counts counts;
	__u8 comm[COMM_BYTES]; /* of the process, when its first call was counted */
};
_Static_assert(sizeof(struct call_counts) == 24, "call_counts");
_Static_assert(sizeof(struct calls_of_cpu) == 24 * (2 * CALLS_MOST + 2), "calls_of_cpu");
_Static_assert(sizeof(struct process_calls) == 40, "process_calls");
struct calls_of_cpu *unused_calls_of_cpu __attribute__((unused));
struct process_calls *unused_process_calls __attribute__((unused));

const volatile bool by_process = false;
const volatile bool failed_only = false;
/* The only error to count; 0: any. */
const volatile __u32 wanted_errno = 0;
/* Whether some calls are not asked for: CALL_UNWANTED decides. */
const volatile bool picked = false;

/* What user space says of a number. */
enum call_trait {
	CALL_UNWANTED = 1,
	CALL_MAKES_TASK = 2, /* it returns 0 in the new task */
};

const volatile __u8 native_traits[CALLS_MOST + 1] = {};
const volatile __u8 other_traits[CALLS_MOST + 1] = {};
/* What stands for all numbers above. */
#define STRANGE CALLS_MOST

COUNTS_BY_CPU(struct calls_of_cpu)
TURNS(__u32, struct process_calls);

/* include/linux/err.h: results above are errors, and no addresses. */
#define MAX_ERRNO 4095

/* x86_64: of a call in x32's table ("x32: Add bits to use in the syscall number"). */
#define X32_CALL_BIT 0x40000000

static __always_inline void add(struct call_counts *counts, bool failed, __u64 took_ns)
{
	counts->calls++;
	counts->failed += failed;
	if (timed)
		counts->took_ns += took_ns;
}

static __always_inline void add_of_process(bool failed, __u64 took_ns)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	void *processes = counting(&keyed_now);
	struct process_calls *process;
	struct calls_of_cpu *of_cpu;

	if (!processes)
		return;
	process = bpf_map_lookup_elem(processes, &pid);
	if (!process) {
		struct process_calls none = {};
		struct task_struct *task = (struct task_struct *)bpf_get_current_task();

		bpf_probe_read_kernel_str(none.comm, sizeof(none.comm),
					  BPF_CORE_READ(task, group_leader)->comm);
		process = counting_from(processes, &pid, &none);
	}
	if (!process) {
		of_cpu = counts_of_cpu();
		if (of_cpu)
			add(&of_cpu->without_room, failed, took_ns);
		return;
	}
	/* Threads of a process, on several CPUs. Without the old value, which 5.10 refuses to fetch. */
	__sync_fetch_and_add(&process->counts.calls, 1);
	if (failed)
		__sync_fetch_and_add(&process->counts.failed, 1);
	if (timed)
		__sync_fetch_and_add(&process->counts.took_ns, took_ns);
}

static __always_inline void add_of_call(bool compat, __u32 number, bool failed, __u64 took_ns)
{
	struct calls_of_cpu *of_cpu = counts_of_cpu();

	if (!of_cpu)
		return;
	if (number >= CALLS_MOST)
		add(&of_cpu->strange, failed, took_ns);
	else if (compat)
		add(&of_cpu->other[at_most(number, CALLS_MOST - 1)], failed, took_ns);
	else
		add(&of_cpu->native[at_most(number, CALLS_MOST - 1)], failed, took_ns);
}

static __always_inline bool result_passes(bool failed, long ret)
{
	if (wanted_errno)
		return ret == -(long)wanted_errno;
	return !failed_only || failed;
}

/* The call of this number returns. */
static __always_inline int call_exit(bool compat, long nr, long ret)
{
	__u32 number = nr & ~X32_CALL_BIT;
	__s64 took_ns = 0;
	bool failed;
	__u64 place;
	__u8 traits;

	/* Up to 5.13, arm64 left the upper half as it was ("arm64: fix compat syscall return truncation"). */
	if (compat)
		ret = (int)ret;
	failed = ret < 0 && ret >= -MAX_ERRNO;
	if (timed) {
		took_ns = call_took();
		if (took_ns == SINCE_UNKNOWN)
			return 0;
	}
	/* The return from a signal handler. */
	if ((int)nr < 0)
		return 0;
	if ((!timed || took_ns == SINCE_UNSEEN) && !filter_passes())
		return 0;
	if (!result_passes(failed, ret))
		return 0;
	if (picked || !ret) {
		place = at_most(number, STRANGE);
		traits = compat ? other_traits[place] : native_traits[place];
		if ((picked && traits & CALL_UNWANTED) || (!ret && traits & CALL_MAKES_TASK))
			return 0;
	}
	if (took_ns == SINCE_UNSEEN)
		since_lose_beginning();
	else if (by_process)
		add_of_process(failed, took_ns);
	else
		add_of_call(compat, number, failed, took_ns);
	return 0;
}

static __always_inline int call_enter(void)
{
	if (filter_passes())
		call_begins();
	return 0;
}

/* Whichever call it is. */
#define CALL_ENTER(direct, regs) call_enter()

/* Whether 32-bit callers have a table of their own, and the current one is such a caller. */
#ifdef ONE_TABLE_OF_CALLS
#define IS_OTHER(direct, regs) false
#else
#define IS_OTHER(direct, regs) CALL_IS_32(direct, regs, current_task())
#endif

/*
 * Exits come before entries: programs are attached in the order of this file and
 * detached from its end, so that no call begins whose end would not be seen.
 */
SEC("tp_btf/sys_exit")
int BPF_PROG(call_exit_btf, struct pt_regs *regs, long ret)
{
	return call_exit(IS_OTHER(true, regs), syscall_nr(true, regs), ret);
}

SEC("raw_tp/sys_exit")
int BPF_PROG(call_exit_raw, struct pt_regs *regs, long ret)
{
	return call_exit(IS_OTHER(false, regs), syscall_nr(false, regs), ret);
}

SEC("tp/raw_syscalls/sys_exit")
int call_exit_rawsys(struct trace_event_raw_sys_exit *ctx)
{
	return call_exit(IS_OTHER(true, current_regs()), ctx->id, ctx->ret);
}

CALL_ENTERS(CALL_ENTER)
