// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a process or thread ended, and what it used.

use super::{Cell, Group, Nanos, SignalName, names};

/// How it ended, as wait(2) tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Group)]
#[group(failed = Self::went_wrong)]
pub struct Ending {
    /// What it gave to exit(2), as wait(2) tells it: the lowest eight bits.
    #[field(null = "where a signal ended it, and where its end is not told of")]
    pub exit_code: Option<u8>,
    /// The number of the signal that ended it.
    #[field(
        null = "where none did, and where its end is not told of",
        range(1, 127)
    )]
    pub signal: Option<u8>,
    /// The signal's name.
    #[field(null = "as `signal`, and for one without a name, as those for real time are")]
    pub signal_name: Option<SignalName>,
    /// The kernel wrote a core dump of it.
    pub core_dumped: bool,
}

impl Ending {
    /// Of what has not ended, as far as is known.
    pub const UNKNOWN: Self = Self {
        exit_code: None,
        signal: None,
        signal_name: None,
        core_dumped: false,
    };

    /// Of a status of wait(2).
    pub fn of(status: u32) -> Self {
        let signal = (status & 0x7f) as u8;
        let signal = (signal != 0).then_some(signal);
        Self {
            exit_code: signal.is_none().then_some((status >> 8) as u8),
            signal,
            signal_name: signal.map(SignalName),
            core_dumped: status & 0x80 != 0,
        }
    }

    /// Whether it was anything but an exit with code 0.
    pub fn went_wrong(&self) -> bool {
        self.exit_code != Some(0)
    }

    /// `0`, `code 1`, `signal 11 (SIGSEGV), core dumped`.
    pub fn show(&self, cell: &mut Cell<'_>) {
        match (self.exit_code, self.signal) {
            (Some(0), _) => cell.text("0"),
            (Some(code), _) => {
                cell.text("code ");
                cell.u64(code.into());
            }
            (None, signal) => {
                cell.text("signal ");
                cell.u64(signal.unwrap_or_default().into());
                if let Some(name) = signal.and_then(|number| names::signal(number.into())) {
                    cell.text(" (");
                    cell.text(name);
                    cell.text(")");
                }
            }
        }
        if self.core_dumped {
            cell.text(", core dumped");
        }
    }
}

/// What it used of the CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Group)]
pub struct Cpu {
    /// CPU time in the program, of all its threads, those included that ended before, and without its children. Divided as
    /// the clock's ticks fell, as wait4(2) does; of the last stretch on a CPU, up to a tick (1 to 10 ms) may be missing.
    #[field(
        null = "of a process with more than 256 threads at its end, or whose threads were ending meanwhile; and where its end is \
                not told of",
        left("USER(s)", 10)
    )]
    pub user_ns: Option<Nanos>,
    /// CPU time in the kernel, for the program.
    #[field(null = "as `user_ns`", left("SYS(s)", 10))]
    pub system_ns: Option<Nanos>,
}

impl Cpu {
    /// What is not known.
    pub const UNKNOWN: Self = Self {
        user_ns: None,
        system_ns: None,
    };

    /// Divides what the scheduler counted as the ticks fell, in user mode or in the kernel, which is what wait4(2) and
    /// `time` show (`cputime_adjust()` of kernel/sched/cputime.c): all of it is the program's where no tick told otherwise.
    pub fn of(all_ns: u64, user_ticks_ns: u64, system_ticks_ns: u64) -> Self {
        let ticks = u128::from(user_ticks_ns) + u128::from(system_ticks_ns);
        let system_ns = u128::from(all_ns) * u128::from(system_ticks_ns);
        let system_ns = system_ns.checked_div(ticks).unwrap_or(0);
        // Never more than all.
        let system_ns = u64::try_from(system_ns).unwrap_or(all_ns);
        Self {
            user_ns: Some(Nanos(all_ns - system_ns)),
            system_ns: Some(Nanos(system_ns)),
        }
    }
}

#[cfg(test)]
mod tests;
