// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one table of tools: what doctor and selftest know of each. A new tool is a line here and one in `TOOLS`.

use tracewell_shared::options::Options;
use tracewell_shared::prospect::Prospect;
use tracewell_shared::tool::Tool;

use crate::selftest::load::{self, Prepare};

/// A tool, as doctor and selftest see it.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) tool: &'static Tool,
    /// Which rung it would take.
    pub(crate) prospect: fn(&Options) -> Prospect,
    /// Something for it to see.
    pub(crate) load: Prepare,
}

/// By name.
pub(crate) static SUBJECTS: [Subject; 4] = [
    Subject {
        tool: &biolatency::TOOL,
        prospect: Prospect::of::<biolatency::Latencies>,
        load: load::requests,
    },
    Subject {
        tool: &execsnoop::TOOL,
        prospect: Prospect::of::<execsnoop::Execs>,
        load: load::execs,
    },
    Subject {
        tool: &opensnoop::TOOL,
        prospect: Prospect::of::<opensnoop::Opens>,
        load: load::opens,
    },
    Subject {
        tool: &unlinksnoop::TOOL,
        prospect: Prospect::of::<unlinksnoop::Unlinks>,
        load: load::removals,
    },
];

/// The tool of this name, on a command line.
pub(crate) fn parse(name: &str) -> Result<&'static Subject, String> {
    SUBJECTS
        .iter()
        .find(|subject| subject.tool.name == name)
        .ok_or_else(|| {
            let names: Vec<_> = SUBJECTS.iter().map(|subject| subject.tool.name).collect();
            format!("not one of the tools: {}", names.join(", "))
        })
}

/// Those that were asked for, or all.
pub(crate) fn chosen(asked: &[&'static Subject]) -> Vec<&'static Subject> {
    if asked.is_empty() {
        return SUBJECTS.iter().collect();
    }
    asked.to_vec()
}

#[cfg(test)]
mod tests {
    use super::{SUBJECTS, chosen, parse};
    use crate::TOOLS;

    #[test]
    fn every_tool_is_a_subject() {
        let subjects: Vec<_> = SUBJECTS.iter().map(|subject| subject.tool.name).collect();
        let tools: Vec<_> = TOOLS.iter().map(|tool| tool.name).collect();
        assert_eq!(subjects, tools);
    }

    #[test]
    fn names_choose() {
        let one = parse("opensnoop").unwrap();
        assert_eq!(chosen(&[one])[0].tool.name, "opensnoop");
        assert_eq!(chosen(&[]).len(), SUBJECTS.len());
        assert!(parse("doctor").unwrap_err().contains("opensnoop"));
    }
}
