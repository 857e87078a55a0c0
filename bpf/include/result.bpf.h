/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Results of system calls that no program sees. They are not told of:
 *
 * - Those of a thread that has been killed. It never returns, and the kill may
 *   be the cause: an exec whose thread another one's exec ends fails with E2BIG
 *   or EAGAIN.
 * - The kernel's own numbers from ERESTARTSYS on (its include/linux/errno.h): a
 *   signal came while the call waited. What becomes of that is decided after
 *   the programs here have run: mostly the call starts again, and comes to its
 *   exit once more. But where a handler runs that was set without SA_RESTART,
 *   the program gets EINTR; so these are counted, as what was lost at most.
 */
#ifndef TRACEWELL_RESULT_BPF_H
#define TRACEWELL_RESULT_BPF_H

#include "core.bpf.h"
#include "loss.bpf.h"

#define ERESTARTSYS 512
#define ERESTARTNOINTR 513 /* whichever handler runs, the call starts again */
#define ERESTART_RESTARTBLOCK 516 /* the last of them */

#define SIGKILL_BIT (1UL << (9 - 1))

static __always_inline bool is_killed(void)
{
	struct task_struct *task = current_task();
	unsigned long pending;

	if (current_is_typed())
		pending = task->pending.signal.sig[0];
	else
		pending = BPF_CORE_READ(task, pending.signal.sig[0]);
	return pending & SIGKILL_BIT;
}

#define SECCOMP_MODE_FILTER 2 /* linux/seccomp.h */

/*
 * Whether the current thread has a seccomp filter. A call that one refuses does
 * not come to its entry's tracepoint, and comes to its exit's.
 */
static __always_inline bool is_filtered_by_seccomp(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return bpf_core_field_exists(task->seccomp.mode) &&
	       BPF_CORE_READ(task, seccomp.mode) == SECCOMP_MODE_FILTER;
}

/* Whether no program sees this failure of a call that is to be told of otherwise. */
common_code bool is_unseen_failure(long ret)
{
	if (is_killed())
		return true;
	if (ret > -ERESTARTSYS || ret < -ERESTART_RESTARTBLOCK)
		return false;
	if (ret != -ERESTARTNOINTR)
		lose(LOSS_INTERRUPTED);
	return true;
}

/* The same for any result. Successes cost nothing. */
static __always_inline bool is_unseen(long ret)
{
	return ret < 0 && is_unseen_failure(ret);
}

#endif
