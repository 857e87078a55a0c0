// SPDX-License-Identifier: MIT OR Apache-2.0
//! How paths have to begin: what the kernel's side decides of `--path`, in objects that read paths.

use crate::data::raw::{path_begin, path_begins};
use crate::error::Result;
use crate::trace::object::{Knobs, Opened};

/// `PATH_BEGIN_WORDS` of `bpf/include/shared.h`, in bytes.
const BYTES: usize = size_of::<path_begin>() / 2;

/// `PATH_BEGINS`.
const MOST: usize = size_of::<path_begins>() / size_of::<path_begin>();

/// Beginnings of paths from the root, of which one has to be there.
///
/// The kernel's side leaves out only what it can tell at once: an absolute path without `.` and `..` that begins otherwise, in a
/// task whose root is that of its mount namespace. So what comes has to be looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Begins(Vec<Vec<u8>>);

// SAFETY: integers alone, and that section of `bpf/include/path.bpf.h` has one such variable.
unsafe impl Knobs for path_begins {
    const SECTION: &'static str = ".rodata.paths";
}

impl Begins {
    /// One of these, as far as there is room: of what is longer, the first bytes. More than the kernel's side has room for are
    /// none, and so is one that all paths begin with.
    pub fn one_of<'a>(begins: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let begins = begins.into_iter();
        let begins: Vec<_> = begins
            .map(|begin| begin[..begin.len().min(BYTES)].to_owned())
            .collect();
        let decides = begins.len() <= MOST && begins.iter().all(|begin| begin.len() > 1);
        Self(if decides { begins } else { Vec::new() })
    }

    /// Whether they leave nothing out.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells an object that reads paths.
    ///
    /// # Errors
    ///
    /// For one that does not.
    pub fn set(&self, object: &mut Opened<'_>) -> Result<()> {
        let knobs = object.knobs::<path_begins>()?;
        knobs.count = self.0.len() as u64;
        for (begin, of) in self.0.iter().zip(&mut knobs.of) {
            let mut bytes = [[0; BYTES]; 2];
            for (index, byte) in begin.iter().enumerate() {
                bytes[0][index] = *byte;
                bytes[1][index] = 0xff;
            }
            [of.text, of.mask] = bytes.map(words);
        }
        Ok(())
    }
}

/// Eight bytes each, as they lie in memory.
fn words(bytes: [u8; BYTES]) -> [u64; BYTES / 8] {
    let (chunks, _) = bytes.as_chunks();
    std::array::from_fn(|index| u64::from_ne_bytes(chunks[index]))
}

#[cfg(test)]
mod tests {
    use super::Begins;

    #[test]
    fn what_all_have_or_what_are_too_many_decide_nothing() {
        let of = |begins: &[&str]| Begins::one_of(begins.iter().map(|begin| begin.as_bytes()));
        assert!(!of(&["/etc/", "/usr/"]).is_empty());
        assert!(of(&["/etc/", "/"]).is_empty());
        assert!(of(&[]).is_empty());
        assert!(of(&["/a", "/b", "/c", "/d", "/e"]).is_empty());
        let long = format!("/{}", "x".repeat(100));
        assert_eq!(of(&[&long]), of(&[&long[..64]]));
    }
}
