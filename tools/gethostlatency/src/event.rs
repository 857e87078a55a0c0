// SPDX-License-Identifier: MIT OR Apache-2.0
//! One lookup, from the record's bytes to named fields.

use tracewell_shared::data::record;
use tracewell_shared::event::task::Task;
use tracewell_shared::event::text::Text;
use tracewell_shared::event::{
    Cell, Event, Fields, Group, Nanos, Type, Value, Word, as_known_millis,
};

use crate::names;
use crate::skel::types::lookup_event;
use crate::tracer::Lookups;

/// `enum lookup_detail`.
const NO_HOST: u8 = 1;
const HOST_CUT: u8 = 2;
const FAILED: u8 = 4;
const ERROR_KNOWN: u8 = 8;

/// By which function: `enum lookup_function`, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Word)]
#[non_exhaustive]
pub enum Function {
    /// getaddrinfo(3).
    Getaddrinfo,
    /// gethostbyname(3).
    Gethostbyname,
    /// gethostbyname2(3).
    Gethostbyname2,
    /// `gethostbyname_r(3)`.
    GethostbynameR,
    /// `gethostbyname2_r(3)`.
    Gethostbyname2R,
}

impl Function {
    fn of(number: u8) -> Option<Self> {
        // 0 is none.
        let index = usize::from(number).checked_sub(1)?;
        Self::ALL.get(index).copied()
    }

    /// Whether what it returns is a number, not a pointer.
    pub fn returns_number(self) -> bool {
        !matches!(self, Self::Gethostbyname | Self::Gethostbyname2)
    }
}

/// One getaddrinfo(3), gethostbyname(3) or one of their kin, finished.
#[derive(Debug, Clone, Copy, Event)]
#[event(kind = "lookup", of = Lookups)]
#[non_exhaustive]
pub struct Lookup<'a> {
    /// Who did it, and when.
    #[field(group)]
    pub task: Task<'a>,
    /// The function's name.
    #[field(left("FUNCTION", 16))]
    pub function: Function,
    /// How long the call took, from its entry to its return.
    #[field(right("LATms", 10), show = as_known_millis)]
    pub duration_ns: Nanos,
    /// What the function returned: 0, a number of `EAI_*` by getaddrinfo, or an error number by the others.
    #[field(null = "of gethostbyname and gethostbyname2, which return a pointer")]
    pub ret: Option<i32>,
    /// How it failed, if it did.
    #[field(group)]
    pub failure: Failure,
    /// What was looked for, as it was given: a name or a numeric address.
    #[field(
        null = "where none was given (getaddrinfo with a service alone), or it could not be read",
        truncated = "What was looked for has more than 1024 bytes: the rest is missing.",
        left("HOST", 0), show = as_host
    )]
    pub host: Text<'a>,
}

impl<'a> Lookup<'a> {
    pub(crate) fn decode(record: &'a [u8]) -> Option<Self> {
        let (raw, mut tail) = record::split::<lookup_event>(record)?;
        let function = Function::of(raw.function)?;
        let has = |detail: u8| raw.detail & detail != 0;
        let host = tail.take(raw.host_bytes)?;
        let error = has(ERROR_KNOWN).then_some(raw.error);
        Some(Self {
            task: Task::decode(record)?,
            function,
            duration_ns: Nanos(raw.took_ns),
            ret: function.returns_number().then_some(raw.ret),
            failure: Failure::of(has(FAILED), function, error),
            host: Text {
                bytes: (!has(NO_HOST)).then_some(host),
                truncated: has(HOST_CUT),
            },
        })
    }
}

/// The failure of a lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Group)]
#[group(failed = Self::is_one)]
pub struct Failure {
    /// It found nothing.
    pub failed: bool,
    /// Why: `EAI_NONAME` and its like by getaddrinfo, `HOST_NOT_FOUND` and its like by the others.
    #[field(
        null = "after a success, of gethostbyname and gethostbyname2, whose reason is the thread's own h_errno, and for a number without a name",
        left("ERR", 14)
    )]
    pub error: Reason,
}

impl Failure {
    fn of(failed: bool, function: Function, number: Option<i32>) -> Self {
        let by_getaddrinfo = function == Function::Getaddrinfo;
        let reason = number.map(|number| Numbered {
            number,
            by_getaddrinfo,
        });
        Self {
            failed,
            error: if failed {
                Reason::Failed(reason)
            } else {
                Reason::None
            },
        }
    }

    /// Whether the lookup failed.
    pub fn is_one(&self) -> bool {
        self.failed
    }
}

/// Why a lookup failed, as far as that is known. Where it has no name, a table shows its number, where there is none `?`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It did not.
    None,
    /// It did, with this number if that is known.
    Failed(Option<Numbered>),
}

/// A number, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbered {
    /// As getaddrinfo returned it, or as it is in `h_errno`.
    pub number: i32,
    /// It is one of `EAI_*`.
    pub by_getaddrinfo: bool,
}

impl Numbered {
    /// The number's name.
    pub fn name(self) -> Option<&'static str> {
        if self.by_getaddrinfo {
            names::of_getaddrinfo(self.number)
        } else {
            names::of_h_errno(self.number)
        }
    }
}

impl Reason {
    fn name(self) -> Option<&'static str> {
        match self {
            Self::None | Self::Failed(None) => None,
            Self::Failed(Some(numbered)) => numbered.name(),
        }
    }
}

impl Value for Reason {
    const TYPE: Type = Type::Maybe(&Type::Text("^[A-Z][A-Z_]+$"));

    #[inline]
    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.opt_text(name, self.name());
    }

    #[inline]
    fn show(&self, cell: &mut Cell<'_>) {
        match (self, self.name()) {
            (Self::None, _) => cell.text("0"),
            (_, Some(name)) => cell.text(name),
            (Self::Failed(Some(numbered)), None) => cell.i64(numbered.number.into()),
            (Self::Failed(None), None) => cell.text("?"),
        }
    }
}

/// A host, and a sign where there is none.
fn as_host(host: &Text<'_>, cell: &mut Cell<'_>) {
    match host.bytes {
        Some(_) => host.show(cell),
        None => cell.text("-"),
    }
}

#[cfg(test)]
mod tests {
    use super::Function;

    #[test]
    fn functions_are_numbered_as_the_programs_number_them() {
        assert_eq!(Function::of(0), None);
        assert_eq!(Function::of(1), Some(Function::Getaddrinfo));
        assert_eq!(Function::of(5), Some(Function::Gethostbyname2R));
        assert_eq!(Function::of(6), None);
    }
}
