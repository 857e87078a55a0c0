// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of functions as their authors wrote them.

use std::fmt::{self, Write};

/// A name that is longer in plain words stays as the linker has it.
const BYTES_MAX: usize = 1024;

/// The name, demangled if it is one of Rust's or C++'s.
pub(super) fn readable(symbol: &[u8]) -> Box<[u8]> {
    let plain = str::from_utf8(symbol).ok().and_then(demangled);
    plain.map_or_else(|| symbol.into(), |plain| plain.into_bytes().into())
}

fn demangled(symbol: &str) -> Option<String> {
    if !symbol.starts_with("_Z") && !symbol.starts_with("_R") {
        return None;
    }
    let mut plain = Bounded(String::new());
    if let Ok(rust) = rustc_demangle::try_demangle(symbol) {
        // Without the hash at the end.
        write!(plain, "{rust:#}").ok()?;
    } else {
        let cpp = cpp_demangle::Symbol::new(symbol).ok()?;
        cpp.structured_demangle(&mut plain, &cpp_demangle::DemangleOptions::default())
            .ok()?;
    }
    Some(plain.0)
}

/// A short mangled name can stand for a huge one.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > BYTES_MAX {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::readable;

    fn plain(symbol: &str) -> String {
        String::from_utf8(readable(symbol.as_bytes()).into()).unwrap()
    }

    #[test]
    fn names_are_demangled() {
        assert_eq!(plain("open64"), "open64");
        assert_eq!(
            plain("_ZN3std2fs4File4open17h0123456789abcdefE"),
            "std::fs::File::open"
        );
        assert_eq!(plain("_RNvC6_123foo3bar"), "123foo::bar");
        assert_eq!(plain("_ZN3foo3barEiPKc"), "foo::bar(int, char const*)");
    }

    #[test]
    fn what_is_none_stays() {
        for name in ["", "_Z", "_R", "_Zwhat", "ZN3foo3barE"] {
            assert_eq!(plain(name), name);
        }
        assert_eq!(&*readable(b"_Z\xff"), b"_Z\xff");
    }

    #[test]
    fn a_name_that_grows_stays_mangled() {
        // Each argument is twice the one before it.
        let mut bomb = "_Z1fSt4pairIiiE".to_owned();
        for last in ["S0_", "S1_", "S2_", "S3_", "S4_", "S5_", "S6_", "S7_"] {
            bomb.push_str(&format!("S_I{last}{last}E"));
        }
        let grown = plain(&bomb);
        assert!(grown.len() <= 1024, "{}", grown.len());
        assert_eq!(
            plain(&format!("_Z{}{}", 5000, "a".repeat(5000))).len(),
            5006
        );
    }
}
