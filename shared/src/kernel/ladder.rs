// SPDX-License-Identifier: MIT OR Apache-2.0
//! From what a tool hooks to its ladder: the one place that knows which programs the macros of `bpf/include` make of a
//! hook, what they are called, in which order the ways into the kernel are tried, and what each of them misses.

/// The [`Ladder`](crate::kernel::probe::Ladder) of a tool at system calls, and at what is asked for beside them.
///
/// ```
/// # use tracewell_shared::kernel::probe::Ladder;
/// const LADDER: &Ladder = &tracewell_shared::ladder! {
///     subject: "opens",
///     calls: ["openat"],
///     optional: ["open", "creat"],
///     of: "opens by",
///     refused: "opens that a seccomp filter refuses",
///     unseen: ["opens by io_uring"] and [],
/// };
/// assert_eq!(LADDER.labels(), ["tp_btf", "raw_tp", "raw_syscalls", "tracepoint"]);
/// assert_eq!(LADDER.rungs[0].unseen, ["opens by io_uring", "opens by x32 programs"]);
/// assert_eq!(LADDER.rungs[3].programs, ["openat_exit_tp"]);
/// // Where an exit cannot have the arguments.
/// assert_eq!(LADDER.rungs[4].programs, ["openat_exit_pair", "openat_enter_pair"]);
/// ```
///
/// - `subject`: what is hooked, in words.
/// - `functions`: functions of the kernel that are better than the calls; see `function_rung!` below.
/// - `calls`, `optional`: the system calls, `CALLS` of the BPF source; optional are those that not every architecture and
///   kernel has.
/// - `successes`: a tracepoint that tells of calls that succeed, as `TRACEPOINT` of the BPF source calls it, so that the
///   exits tell of failures alone; and the program that has to be `with` it where it is reached through tracefs. Where
///   the kernel lacks that one's hook, the raw tracepoint stands in: such a kernel is too old to preempt tasks there.
///   With the pairs it is a program of its own, which knows of them.
/// - `timed`: where the source defines `CALL_TIMES`, the program at a task's end, and what the name of an entry at each
///   call's own tracepoint ends with. [`ON_REQUEST`](crate::trace::tracer::Hooks::ON_REQUEST) says when they are needed.
/// - `of`: words to be followed by "x32 programs".
/// - `refused`: what seccomp refuses, which an exit that takes an entry does not see.
/// - `unseen`: what all rungs at system calls miss, before and behind that.
///
/// Or of a tool at tracepoints of the kernel, each with a program for either way to their arguments:
///
/// ```
/// # use tracewell_shared::kernel::probe::Ladder;
/// const LADDER: &Ladder = &tracewell_shared::ladder! {
///     subject: "requests",
///     tracepoints: ["rq_complete", "rq_issue"],
///     counted_otherwise: ["rq_complete"],
///     unseen: &["merged requests"],
///     in_tracefs: ["rq_complete", "rq_issue"],
///     unseen_there: &["merged requests", "flags"],
/// };
/// assert_eq!(LADDER.labels(), ["tp_btf", "raw_tp", "tracepoint"]);
/// assert_eq!(LADDER.rungs[1].programs, ["rq_complete_raw", "rq_issue_raw"]);
/// assert_eq!(LADDER.rungs[2].programs, ["rq_complete_tp", "rq_issue_tp"]);
/// assert!(LADDER.counts_otherwise("rq_complete_btf"));
/// assert!(!LADDER.counts_otherwise("rq_complete_tp"));
/// ```
///
/// Or of a tool at functions of programs, in user space. Where it has functions of which it knows entry and return, one
/// program for each end of all of them comes first:
///
/// ```
/// # use tracewell_shared::kernel::probe::Ladder;
/// const LADDER: &Ladder = &tracewell_shared::ladder! {
///     subject: "lookups",
///     user_functions: ["getaddrinfo"],
///     beside: ["task_end_raw"],
///     unseen: &["lookups of programs that are linked statically"],
/// };
/// assert_eq!(LADDER.labels(), ["uprobe_multi", "uprobe"]);
/// assert_eq!(LADDER.rungs[0].programs, ["each_leave", "each_enter", "task_end_raw"]);
/// assert_eq!(LADDER.rungs[1].programs, ["getaddrinfo_leave", "getaddrinfo_enter", "task_end_raw"]);
/// assert!(LADDER.counts_otherwise("task_end_raw"));
/// ```
///
/// - `user_functions`: what `USER_FUNCTION` of `user.bpf.h` is given, and `USER_FUNCTIONS`; or
///   `user_returns`: what `USER_RETURN` is given.
/// - `beside`: programs of other kinds, of which a refused run is no loss.
///
/// And of the one at tracepoints:
///
/// - `tracepoints`: what the programs' names begin with, in the order of attachment.
/// - `counted_otherwise`: those of which a refused run is no loss by itself.
/// - `in_tracefs`, `unseen_there`: the programs by the tracepoints' format, and what these miss; can be left out.
#[macro_export]
macro_rules! ladder {
    (
        subject: $subject:literal,
        user_functions: [$($function:literal),* $(,)?],
        beside: [$($beside:literal),* $(,)?],
        unseen: $unseen:expr $(,)?
    ) => {{
        use $crate::kernel::probe::{Ladder, Rung};
        Ladder {
            subject: $subject,
            rungs: &[
                Rung {
                    label: "uprobe_multi",
                    programs: &["each_leave", "each_enter", $($beside,)*],
                    counted_otherwise: &[$($beside),*],
                    unseen: $unseen,
                    ..Rung::EMPTY
                },
                Rung {
                    label: "uprobe",
                    programs: &[
                        $(concat!($function, "_leave"), concat!($function, "_enter"),)*
                        $($beside,)*
                    ],
                    counted_otherwise: &[$($beside),*],
                    unseen: $unseen,
                    ..Rung::EMPTY
                },
            ],
        }
    }};
    (
        subject: $subject:literal,
        user_returns: [$($returns:literal),* $(,)?],
        unseen: $unseen:expr $(,)?
    ) => {{
        use $crate::kernel::probe::{Ladder, Rung};
        Ladder {
            subject: $subject,
            rungs: &[Rung {
                label: "uprobe",
                programs: &[$(concat!($returns, "_leave")),*],
                unseen: $unseen,
                ..Rung::EMPTY
            }],
        }
    }};
    (
        subject: $subject:literal,
        tracepoints: [$($program:literal),* $(,)?],
        counted_otherwise: [$($counted:literal),* $(,)?],
        unseen: $unseen:expr,
        $(in_tracefs: [$($formatted:literal),* $(,)?],
        unseen_there: $unseen_there:expr $(,)?)?
    ) => {{
        use $crate::kernel::probe::{Ladder, Rung};
        Ladder {
            subject: $subject,
            rungs: &[
                Rung {
                    label: "tp_btf",
                    programs: &[$(concat!($program, "_btf")),*],
                    counted_otherwise: &[$(concat!($counted, "_btf")),*],
                    unseen: $unseen,
                    ..Rung::EMPTY
                },
                Rung {
                    label: "raw_tp",
                    programs: &[$(concat!($program, "_raw")),*],
                    counted_otherwise: &[$(concat!($counted, "_raw")),*],
                    unseen: $unseen,
                    ..Rung::EMPTY
                },
                $(Rung {
                    label: "tracepoint",
                    programs: &[$(concat!($formatted, "_tp")),*],
                    unseen: $unseen_there,
                    ..Rung::EMPTY
                },)?
            ],
        }
    }};
    (
        subject: $subject:literal,
        $(functions: $functions:tt,)?
        calls: $calls:tt,
        optional: $optional:tt,
        $(successes: $done:literal with $first:literal,)?
        $(timed: $end:literal and $enter:literal,)?
        of: $of:literal,
        refused: $refused:literal,
        unseen: [$($before:expr),* $(,)?] and [$($behind:expr),* $(,)?] $(,)?
    ) => {{
        use $crate::kernel::probe::{Ladder, Rung};
        const UNSEEN: &[&str] = &[$($before,)* concat!($of, " x32 programs") $(, $behind)*];
        // They are not run for 32-bit programs.
        const UNSEEN_BY_EACH: &[&str] =
            &[$($before,)* concat!($of, " 32-bit and x32 programs") $(, $behind)*];
        // An exit takes an entry there, and of what seccomp refuses there is none.
        const UNSEEN_BY_PAIRS: &[&str] = &[
            $($before,)* concat!($of, " 32-bit and x32 programs"), $($behind,)*
            concat!($refused, " (counted as entry_missed)"),
        ];
        Ladder {
            subject: $subject,
            rungs: &[
                $(
                    $crate::function_rung!("fentry", "_exit_fexit", "_enter_fentry", $functions),
                    $crate::function_rung!("fentry", "_fsession", "_fentry" in $functions),
                    $crate::function_rung!("kprobe", "_exit_kretprobe", "_enter_kprobe", $functions),
                    $crate::function_rung!("kprobe", "_ksession", "_kprobe" in $functions),
                )?
                Rung {
                    label: "tp_btf",
                    programs: &[$(concat!($done, "_btf"),)? "call_exit_btf" $(, $end, "call_enter_btf")?],
                    $(counted_otherwise: &[$end],)?
                    unseen: UNSEEN,
                    ..Rung::EMPTY
                },
                Rung {
                    label: "raw_tp",
                    programs: &[$(concat!($done, "_raw"),)? "call_exit_raw" $(, $end, "call_enter_raw")?],
                    $(counted_otherwise: &[$end],)?
                    unseen: UNSEEN,
                    ..Rung::EMPTY
                },
                Rung {
                    label: "raw_syscalls",
                    programs: &[$($first, concat!($done, "_tp"),)? "call_exit_rawsys" $(, $end, "call_enter_rawsys")?],
                    $(counted_otherwise: &[$end],)?
                    unseen: UNSEEN,
                    ..Rung::EMPTY
                },
                $(Rung {
                    label: "raw_syscalls",
                    programs: &[concat!($done, "_raw"), "call_exit_rawsys"],
                    // The settings may not ask for failures, which the label is about.
                    requires: &["tp/raw_syscalls/sys_exit"],
                    unseen: UNSEEN,
                    ..Rung::EMPTY
                },)?
                Rung {
                    label: "tracepoint",
                    programs: $crate::call_programs!(
                        [$($first, concat!($done, "_tp"))? $($end)?], $calls, "_exit_tp" $(, $enter)?
                    ),
                    optional: $crate::call_programs!([], $optional, "_exit_tp" $(, $enter)?),
                    $(counted_otherwise: &[$end],)?
                    unseen: UNSEEN_BY_EACH,
                    ..Rung::EMPTY
                },
                $(Rung {
                    label: "tracepoint",
                    programs: $crate::call_programs!([concat!($done, "_raw")], $calls, "_exit_tp"),
                    requires: $crate::call_hooks!($calls),
                    unseen: UNSEEN_BY_EACH,
                    ..Rung::EMPTY
                },)?
                Rung {
                    label: "tracepoint",
                    programs: $crate::call_programs!(
                        [$(concat!($done, "_pair"))?], $calls, "_exit_pair", "_enter_pair"
                    ),
                    optional: $crate::call_programs!([], $optional, "_exit_pair", "_enter_pair"),
                    requires: $crate::call_hooks!($calls),
                    unseen: UNSEEN_BY_PAIRS,
                    ..Rung::EMPTY
                },
            ],
        }
    }};
}

/// The programs of a rung at each call's own tracepoint.
#[doc(hidden)]
#[macro_export]
macro_rules! call_programs {
    ([$($more:expr),*], [$($call:literal),*], $exit:literal) => {
        &[$($more,)* $(concat!($call, $exit)),*]
    };
    ([$($more:expr),*], [$($call:literal),*], $exit:literal, $enter:literal) => {
        &[$($more,)* $(concat!($call, $exit), concat!($call, $enter)),*]
    };
}

/// Their hooks.
#[doc(hidden)]
#[macro_export]
macro_rules! call_hooks {
    ([$($call:literal),*]) => {
        &[$(concat!("tp/syscalls/sys_exit_", $call)),*]
    };
}

/// A rung at functions, by how `bpf/include/functions.bpf.h` ends the names of its programs. They are given as
///
/// ```text
/// functions: {
///     pairs: [..],                 // FUNCTION_PAIR: older kernels' names
///     sessions: [..],              // FUNCTION_SESSION: newer kernels' names
///     inside: [..],                // FUNCTION_INSIDE
///     optional: [..],              // the same, where the rung does without
///     sweep: "..",                 // what finds entries whose exit was missed
///     unseen: [..],                // what both rungs miss
///     unseen_by_fexit: [..],       // the same of fentry by pairs, where the kernel may refuse either half
/// },
/// ```
///
/// What an entry counted, only its exit takes back, so that a refusal of the exit is counted; and without what is inside,
/// an event comes with less in it.
///
/// A kretprobe has not always a place for a call, so the sweep belongs to it; a pair of fentry and fexit needs it where
/// the kernel preempts tasks inside such programs.
#[doc(hidden)]
#[macro_export]
macro_rules! function_rung {
    ("fentry", $exit:literal, $enter:literal, {
        pairs: [$($pair:literal),*],
        sessions: $sessions:tt,
        inside: [$($inside:literal),*],
        optional: [$($optional:literal),*],
        sweep: $sweep:literal,
        unseen: $unseen:expr,
        unseen_by_fexit: $unseen_by_fexit:expr $(,)?
    }) => {
        Rung {
            label: "fentry",
            programs: &[
                $(concat!($pair, $exit), concat!($pair, $enter),)*
                $(concat!($inside, "_fentry"),)*
            ],
            optional: &[$(concat!($optional, "_fentry")),*],
            where_preempted: &[$sweep],
            counted_otherwise: &[
                $(concat!($pair, $exit),)* $(concat!($inside, "_fentry"),)*
                $(concat!($optional, "_fentry"),)* $sweep,
            ],
            unseen: $unseen_by_fexit,
            ..Rung::EMPTY
        }
    };
    ("kprobe", $exit:literal, $enter:literal, {
        pairs: [$($pair:literal),*],
        sessions: $sessions:tt,
        inside: [$($inside:literal),*],
        optional: [$($optional:literal),*],
        sweep: $sweep:literal,
        unseen: $unseen:expr,
        unseen_by_fexit: $unseen_by_fexit:expr $(,)?
    }) => {
        Rung {
            label: "kprobe",
            programs: &[
                $(concat!($pair, $exit), concat!($pair, $enter),)*
                $(concat!($inside, "_kprobe"),)*
                $sweep,
            ],
            optional: &[$(concat!($optional, "_kprobe")),*],
            counted_otherwise: &[
                $(concat!($pair, $exit),)* $(concat!($inside, "_kprobe"),)*
                $(concat!($optional, "_kprobe"),)* $sweep,
            ],
            unseen: $unseen,
            ..Rung::EMPTY
        }
    };
    ($label:literal, $session:literal, $inside_end:literal in {
        pairs: $pairs:tt,
        sessions: [$($function:literal),*],
        inside: [$($inside:literal),*],
        optional: [$($optional:literal),*],
        sweep: $sweep:literal,
        unseen: $unseen:expr,
        unseen_by_fexit: $unseen_by_fexit:expr $(,)?
    }) => {
        Rung {
            label: $label,
            programs: &[
                $(concat!($function, $session),)*
                $(concat!($inside, $inside_end),)*
            ],
            optional: &[$(concat!($optional, $inside_end)),*],
            counted_otherwise: &[
                $(concat!($inside, $inside_end),)* $(concat!($optional, $inside_end),)*
            ],
            unseen: $unseen,
            ..Rung::EMPTY
        }
    };
}
