// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--path`: which files are shown, by patterns over their paths.
//!
//! ```
//! use tracewell_shared::query::glob::Glob;
//!
//! let glob: Glob = "/etc/**".parse().unwrap();
//! assert!(glob.fits(b"/etc/ssl/certs"));
//! assert!(!glob.fits(b"/usr/etc/ssl"));
//! let glob: Glob = "*.conf".parse().unwrap();
//! assert!(glob.fits(b"/etc/host.conf"));
//! ```

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::str::FromStr;

use fast_glob::{ErrorKind, glob_match, validate};

/// What a pattern takes for something else than itself.
const SPECIAL: &[u8] = b"*?[]{}\\";

/// A pattern over whole paths, from the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Vec<u8>);

impl Glob {
    /// The pattern that is written so; see [`FromStr`].
    ///
    /// # Errors
    ///
    /// Why it is none, in words.
    pub fn new(text: &OsStr) -> Result<Self, String> {
        let text = text.as_bytes();
        let absolute = text.starts_with(b"/");
        // At any depth, where it does not begin at the root.
        let lead: &[u8] = if absolute { b"" } else { b"/**/" };
        let pattern = [lead, text].concat();
        if let Err(error) = validate(&pattern) {
            return Err(match error.kind {
                ErrorKind::UnclosedBrace => "'{' without '}'; '\\{' stands for itself",
                ErrorKind::UnclosedBracket => "'[' without ']'; '\\[' stands for itself",
                _ => "a pattern that means nothing",
            }
            .to_owned());
        }
        Ok(Self(pattern))
    }

    /// Whether it fits this path, which begins with a slash and is [`clean`].
    pub fn fits(&self, path: &[u8]) -> bool {
        glob_match(&self.0, path)
    }

    /// How every path that it fits begins.
    pub fn begin(&self) -> &[u8] {
        let special = self.0.iter().position(|byte| SPECIAL.contains(byte));
        &self.0[..special.unwrap_or(self.0.len())]
    }
}

impl FromStr for Glob {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::new(OsStr::new(text))
    }
}

/// The path without `.`, `..` and slashes that change nothing, as the names on its way say: symbolic links are not followed.
pub fn clean(path: &[u8], into: &mut Vec<u8>) {
    into.clear();
    for component in path.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => {
                let end = memchr::memrchr(b'/', into).unwrap_or(0);
                into.truncate(end);
            }
            name => {
                into.push(b'/');
                into.extend_from_slice(name);
            }
        }
    }
    if into.is_empty() {
        into.push(b'/');
    }
}

#[cfg(test)]
mod tests {
    use super::{Glob, clean};

    fn fits(glob: &str, path: &str) -> bool {
        glob.parse::<Glob>().unwrap().fits(path.as_bytes())
    }

    #[test]
    fn what_fits_is_what_a_shell_would_say() {
        for (glob, path, is) in [
            ("/etc/passwd", "/etc/passwd", true),
            ("/etc/passwd", "/etc/passwd-", false),
            ("/etc/*", "/etc/passwd", true),
            ("/etc/*", "/etc/ssl/certs", false),
            ("/etc/**", "/etc/ssl/certs", true),
            ("/etc/**", "/etc", false),
            ("/**/log", "/log", true),
            ("*.so.?", "/lib/x86/libc.so.6", true),
            ("passwd", "/etc/passwd", true),
            ("etc/passwd", "/srv/jail/etc/passwd", true),
            ("etc/passwd", "/srv/jailetc/passwd", false),
            ("/dev/sd[a-c]", "/dev/sdb", true),
            ("/dev/sd[!a-c]", "/dev/sdb", false),
            ("/{etc,usr/etc}/x", "/usr/etc/x", true),
            (r"/a\*b", "/a*b", true),
            (r"/a\*b", "/axb", false),
            ("/**", "/", true),
        ] {
            assert_eq!(fits(glob, path), is, "{glob} {path}");
        }
        let any = "/*/x".parse::<Glob>().unwrap();
        assert!(any.fits(b"/\xff\n/x"));
    }

    #[test]
    fn what_means_nothing_is_told() {
        for glob in ["/etc/{a,b", "[a", "x\\"] {
            assert!(glob.parse::<Glob>().is_err(), "{glob}");
        }
    }

    #[test]
    fn a_beginning_is_what_all_that_fits_have() {
        let begin = |glob: &str| {
            let glob = glob.parse::<Glob>().unwrap();
            String::from_utf8(glob.begin().to_owned()).unwrap()
        };
        assert_eq!(begin("/etc/ssl/*"), "/etc/ssl/");
        assert_eq!(begin("/etc/passwd"), "/etc/passwd");
        assert_eq!(begin("/etc/{a,b}"), "/etc/");
        assert_eq!(begin(r"/a\*"), "/a");
        assert_eq!(begin("*.conf"), "/");
    }

    #[test]
    fn paths_are_cleaned_as_their_names_say() {
        for (path, clear) in [
            ("/", "/"),
            ("//etc///passwd/", "/etc/passwd"),
            ("/usr/./bin/../lib/.x", "/usr/lib/.x"),
            ("/../..", "/"),
            ("/..a/b..", "/..a/b.."),
        ] {
            let mut into = b"left".to_vec();
            clean(path.as_bytes(), &mut into);
            assert_eq!(into, clear.as_bytes(), "{path}");
        }
    }
}
