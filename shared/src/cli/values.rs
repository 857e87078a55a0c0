// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the values of the shared options are read.

use std::ffi::{OsStr, OsString};
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use nix::unistd::User;

use crate::output::Format;
use crate::trace::options::Buffer;

/// [`Options::DEFAULT_LATENCY`](crate::trace::options::Options::DEFAULT_LATENCY), as a user would write it.
pub(super) const DEFAULT_LATENCY: &str = "40ms";

/// The bytes of a command name that the kernel keeps (`TASK_COMM_LEN` less its NUL).
const COMM_BYTES: usize = 15;

/// A BPF map's size has 32 bits and must be a power of two.
const BUFFER_MAX: u64 = 1 << 31;

/// A time: a number of seconds, or numbers with units.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string()),
        Err(_) => humantime::parse_duration(text).map_err(|error| {
            format!("{error}; a time is a number of seconds, or has a unit such as 500ms or 10m")
        }),
    }
}

/// A [`time`] that is not zero.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    match time(text)? {
        Duration::ZERO => Err("must be more than zero".to_owned()),
        time => Ok(time),
    }
}

/// The same, of which a number alone is of milliseconds: options that have always been so.
pub(super) fn millis(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(_) => duration(&format!("{text}e-3")),
        Err(_) => humantime::parse_duration(text).map_err(|error| {
            format!(
                "{error}; this time is a number of milliseconds, or has a unit such as 500us or 1s"
            )
        }),
    }
}

/// One of these formats.
pub(super) fn format(all: &[Format]) -> impl TypedValueParser<Value = Format> + use<> {
    let values = all.iter().filter_map(ValueEnum::to_possible_value);
    PossibleValuesParser::new(values.collect::<Vec<_>>())
        .try_map(|value| Format::from_str(&value, false))
}

/// A user's number, or the number of a user's name.
pub(super) fn uid(text: &str) -> Result<u32, String> {
    // All digits are a number, whatever names there are: the same line means the same on every machine.
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // The last one is the kernel's "no user".
        return match text.parse() {
            Ok(u32::MAX) | Err(_) => Err("no user id is that large".to_owned()),
            Ok(uid) => Ok(uid),
        };
    }
    match User::from_name(text) {
        Ok(Some(user)) => Ok(user.uid.as_raw()),
        Ok(None) => Err("there is no user of that name".to_owned()),
        Err(errno) => Err(format!("cannot look the user up: {}", errno.desc())),
    }
}

/// The number of a process or thread.
pub(super) fn task(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(0) => Err("numbers of processes and threads begin with 1".to_owned()),
        Ok(id) => Ok(id),
        Err(_) => Err("not the number of a process or thread".to_owned()),
    }
}

/// A command name that the kernel could have.
pub(super) fn comm(name: &OsStr) -> Result<OsString, String> {
    match name.as_bytes().len() {
        0..=COMM_BYTES => Ok(name.to_owned()),
        len => Err(format!(
            "{len} bytes, but the kernel keeps only the first {COMM_BYTES} of a command's name: '{}'",
            String::from_utf8_lossy(&name.as_bytes()[..COMM_BYTES])
        )),
    }
}

/// A path.
pub(super) fn path(path: &OsStr) -> Result<PathBuf, String> {
    Ok(path.into())
}

/// The kinds of buffer.
pub(super) fn buffer() -> impl TypedValueParser<Value = Buffer> {
    PossibleValuesParser::new(["auto", "ring", "perf"]).map(|name| match name.as_str() {
        "ring" => Buffer::Ring,
        "perf" => Buffer::Perf,
        _ => Buffer::Auto,
    })
}

/// A number of bytes, or numbers with binary units.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    parse_size::Config::new()
        .with_binary()
        .parse_size(text)
        .map_err(|error| {
            format!("{error}; a size is a number of bytes, or has a unit such as 512k or 8m")
        })
}

/// A size between one page and what a BPF map can have.
pub(super) fn buffer_size(text: &str) -> Result<usize, String> {
    let bytes = bytes(text)?;
    if bytes > BUFFER_MAX {
        return Err("must be at most 2 GiB".to_owned());
    }
    let bytes = usize::try_from(bytes).map_err(|error| error.to_string())?;
    let page = crate::page_bytes();
    if bytes < page {
        return Err(format!("must be at least one page, {page} bytes"));
    }
    Ok(bytes)
}

/// A file descriptor that is open.
pub(super) fn open_fd(text: &str) -> Result<RawFd, String> {
    let fd: RawFd = text
        .parse()
        .map_err(|error: std::num::ParseIntError| error.to_string())?;
    if fd < 0 {
        return Err("a file descriptor is not negative".to_owned());
    }
    // SAFETY: asking for its flags is how one learns whether a number is an open descriptor, and harms none.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    nix::fcntl::fcntl(borrowed, nix::fcntl::FcntlArg::F_GETFD)
        .map(|_| fd)
        .map_err(|_| "this file descriptor is not open".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{buffer_size, duration, open_fd, time, uid};

    #[test]
    fn times_are_seconds_unless_they_say_otherwise() {
        assert_eq!(time("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(time("10"), Ok(Duration::from_secs(10)));
        assert_eq!(time("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(time("1h 5s"), Ok(Duration::from_secs(3605)));
        assert_eq!(time("0"), Ok(Duration::ZERO));
        for bad in ["", "-1", "nan", "inf", "1e300", "10 parsecs"] {
            assert!(time(bad).is_err(), "{bad}");
        }
        assert!(duration("0").is_err() && duration("0ms").is_err());
    }

    #[test]
    fn users_have_numbers_and_names() {
        assert_eq!(uid("0"), Ok(0));
        assert_eq!(uid("root"), Ok(0));
        assert!(uid("no such user").is_err_and(|error| error.contains("no user of that name")));
        for bad in ["", "-1", "4294967295", "4294967296"] {
            assert!(uid(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_are_binary() {
        assert_eq!(buffer_size("256k"), Ok(256 << 10));
        assert_eq!(buffer_size("8m"), Ok(8 << 20));
        assert_eq!(buffer_size("1MiB"), Ok(1 << 20));
        assert_eq!(buffer_size("65536"), Ok(65536));
        for bad in ["", "0", "1k", "3g", "12q", "-64k"] {
            assert!(buffer_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_open_descriptors_are_taken() {
        assert_eq!(open_fd("0"), Ok(0));
        for bad in ["-1", "x", "1000000"] {
            assert!(open_fd(bad).is_err(), "{bad}");
        }
    }
}
