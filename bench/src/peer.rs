// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds libbpf-tools, and installs the distribution's package of it when it is not there.

use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use crate::tool::Tool;

const PACKAGE: &str = "libbpf-tools";
/// Where Debian's package puts its programs, and those that PATH may leave out.
const DIRECTORIES: &[&str] = &["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];

/// The peer's tool `name`, installed first if need be and `may_install`. `None`, with the reason on
/// stderr, when there is none to be had.
#[must_use]
pub fn find_or_install(name: &str, may_install: bool) -> Option<Tool> {
    if let Some(program) = find(name) {
        return Some(Tool::peer(name, program));
    }
    let hint = format!("no {name} of {PACKAGE} found");
    if !may_install {
        say(&format!("{hint}; measuring without the peer"));
        return None;
    }
    say(&format!("{hint}; running apt-get install {PACKAGE}"));
    let installed = Command::new("apt-get")
        .args(["install", "-y", "--no-install-recommends", PACKAGE])
        .env("DEBIAN_FRONTEND", "noninteractive")
        // Its messages must not get into the table.
        .stdout(io::stderr())
        .status();
    match installed {
        Ok(status) if status.success() => {}
        Ok(status) => say(&format!(
            "apt-get: {status}; perhaps apt-get update is needed"
        )),
        Err(error) => say(&format!("apt-get: {error}")),
    }
    let program = find(name);
    if program.is_none() {
        say(&format!(
            "still no {name} of {PACKAGE}; measuring without the peer"
        ));
    }
    Some(Tool::peer(name, program?))
}

/// The package's version, if dpkg knows it.
#[must_use]
pub fn version() -> Option<String> {
    let query = ["-W", "-f", "${Version}", PACKAGE];
    let output = Command::new("dpkg-query").args(query).output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !version.is_empty()).then_some(version)
}

/// Debian 12 installs the plain name, later ones `NAME-libbpf`.
fn find(name: &str) -> Option<PathBuf> {
    [format!("{name}-libbpf"), name.to_owned()]
        .iter()
        .flat_map(|name| DIRECTORIES.iter().map(move |dir| Path::new(dir).join(name)))
        .find(|path| path.is_file() && is_libbpf_tools(path))
}

/// Other packages, ours among them, also have programs of these names.
fn is_libbpf_tools(program: &Path) -> bool {
    Command::new(program)
        .arg("--help")
        .output()
        .is_ok_and(|output| says_libbpf_tools(&output.stdout) || says_libbpf_tools(&output.stderr))
}

fn says_libbpf_tools(help: &[u8]) -> bool {
    memchr::memmem::find(help, b"iovisor/bcc/tree/master/libbpf-tools").is_some()
}

fn say(message: &str) {
    // A message that cannot be written is no reason to stop measuring.
    drop(writeln!(io::stderr().lock(), "compare: {message}"));
}

#[cfg(test)]
mod tests {
    use super::says_libbpf_tools;

    #[test]
    fn the_peer_is_known_by_where_it_takes_bug_reports() {
        let peer = b"Report bugs to https://github.com/iovisor/bcc/tree/master/libbpf-tools.\n";
        assert!(says_libbpf_tools(peer));
        assert!(!says_libbpf_tools(b"Usage: opensnoop [OPTIONS]\n"));
    }
}
