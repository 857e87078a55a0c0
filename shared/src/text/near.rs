// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names that somebody may have meant who typed another.

/// How many are offered at most.
const MOST: usize = 5;

/// The names that are close to a word, the closest first: those that one can be made of by few changes, and those that have
/// it in them.
pub(crate) fn near<'n>(word: &[u8], names: impl IntoIterator<Item = &'n [u8]>) -> Vec<&'n [u8]> {
    let few = word.len().div_ceil(3);
    let rank = |name: &'n [u8]| {
        let changes = distance(word, name);
        let has = memchr::memmem::find(name, word).is_some();
        (has || changes <= few).then_some((changes, name))
    };
    let mut near: Vec<_> = names.into_iter().filter_map(rank).collect();
    near.sort_unstable();
    near.dedup();
    near.truncate(MOST);
    near.into_iter().map(|(_, name)| name).collect()
}

/// How many bytes are to be changed, put in or taken out (Levenshtein's distance).
fn distance(one: &[u8], other: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, byte) in one.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (place, beside) in other.iter().enumerate() {
            let changed = diagonal + usize::from(byte != beside);
            diagonal = row[place + 1];
            row[place + 1] = changed.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, near};

    #[test]
    fn changes_are_counted() {
        for (one, other, changes) in [("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0)] {
            assert_eq!(distance(one.as_bytes(), other.as_bytes()), changes);
        }
        assert_eq!(distance(b"kitten", b"sitting"), 3);
    }

    #[test]
    fn the_closest_come_first() {
        let names = ["sshd.service", "ssh.service", "cron.service", "ssh.socket"];
        let names = || names.iter().map(|name| name.as_bytes());
        assert_eq!(near(b"shs.service", names())[0], b"ssh.service");
        let found = near(b"ssh", names());
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(near(b"nothing like it", names()).is_empty());
    }
}
