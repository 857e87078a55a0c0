// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whose child a task is, up to init, as it was when the event happened: of processes that have gone since, too.

use crate::data::decode::until_nul;
use crate::data::raw::{ancestor, event_head};
use crate::event::{Cell, Fields, Group, Type, Value};

/// The ancestors of a task.
#[derive(Debug, Clone, Copy, Default, Group)]
pub struct Ancestors<'a> {
    /// The names of its ancestors, from the parent up to init; 32 at most.
    #[field(
        null = "without `--ancestors` or its name in another option",
        left("ANCESTORS", 0)
    )]
    pub ancestors: Names<'a>,
    /// Their processes, in the same order.
    #[field(null = "as `ancestors`", left("ANCESTOR_PIDS", 0))]
    pub ancestor_pids: Pids<'a>,
}

/// Their names; a table shows their numbers behind them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Names<'a>(Option<&'a [Raw]>);

/// Their numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pids<'a>(Option<&'a [Raw]>);

/// One of them, as it is in a record.
type Raw = [u8; size_of::<ancestor>()];

fn pid(raw: &Raw) -> u32 {
    raw.first_chunk()
        .map_or(0, |bytes| u32::from_ne_bytes(*bytes))
}

fn comm(raw: &Raw) -> &[u8] {
    until_nul(raw.get(size_of::<u32>()..).unwrap_or_default())
}

/// Writes each into a cell, the parent first, and a sign where nobody asked for them.
fn show(all: Option<&[Raw]>, cell: &mut Cell<'_>, each: impl Fn(&Raw, &mut Cell<'_>)) {
    let Some(all) = all else {
        return cell.text("-");
    };
    for (index, raw) in all.iter().enumerate() {
        if index > 0 {
            cell.text("<");
        }
        each(raw, cell);
    }
}

/// `ANCESTORS_ALL` of `bpf/include/shared.h`.
const ALL: u16 = 1 << 15;

/// Those in a record, by number and name.
pub(super) struct Found<'a> {
    raw: &'a [Raw],
    /// They were asked for, and not the parent alone.
    all: bool,
    /// What stands behind them.
    pub(super) behind: &'a [u8],
}

impl<'a> Found<'a> {
    /// `None` for a record that is too short.
    pub(super) fn of(head: &event_head, record: &'a [u8]) -> Option<Self> {
        let from = usize::try_from(head.behind_at).ok()?;
        let count = usize::from(head.ancestors & !ALL);
        let (bytes, behind) = record
            .get(from..)?
            .split_at_checked(size_of::<Raw>().checked_mul(count)?)?;
        Some(Self {
            raw: bytes.as_chunks().0,
            all: head.ancestors & ALL != 0,
            behind,
        })
    }

    pub(super) fn parent(&self) -> Option<(u32, &'a [u8])> {
        self.raw.first().map(|raw| (pid(raw), comm(raw)))
    }

    pub(super) fn ancestors(&self) -> Ancestors<'a> {
        let all = self.all.then_some(self.raw);
        Ancestors {
            ancestors: Names(all),
            ancestor_pids: Pids(all),
        }
    }
}

impl<'a> Ancestors<'a> {
    /// All of them, by number and name, from the parent up; `None` where they were not asked for.
    pub fn all(&self) -> Option<impl Iterator<Item = (u32, &'a [u8])>> {
        let all = self.ancestors.0?.iter();
        Some(all.map(|raw| (pid(raw), comm(raw))))
    }
}

impl Value for Names<'_> {
    const TYPE: Type = Type::Maybe(&Type::List);

    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        match self.0 {
            Some(all) => to.list(
                name,
                Some(&|give| all.iter().for_each(|raw| give(Some(comm(raw))))),
            ),
            None => to.list(name, None),
        }
    }

    fn show(&self, cell: &mut Cell<'_>) {
        show(self.0, cell, |raw, cell| {
            cell.word(comm(raw));
            cell.text(":");
            cell.u64(pid(raw).into());
        });
    }
}

impl Value for Pids<'_> {
    const TYPE: Type = Type::Maybe(&Type::Numbers);

    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        match self.0 {
            Some(all) => to.numbers(name, &mut all.iter().map(|raw| pid(raw).into())),
            None => to.absent(name),
        }
    }

    fn show(&self, cell: &mut Cell<'_>) {
        show(self.0, cell, |raw, cell| cell.u64(pid(raw).into()));
    }
}
