// SPDX-License-Identifier: MIT OR Apache-2.0
//! A tool's object before it is loaded: opened, with the kernel's types, and what programs there are in it.

use std::ffi::CString;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libbpf_rs::OpenObject;
use libbpf_rs::btf::Btf;

use crate::error::{Error, Kind, Result};
use crate::kernel;
use crate::kernel::probe::Programs;
use crate::trace::options::Options;

/// A kernel without types is nothing that any rung can do about.
pub(super) fn check_btf(options: &Options) -> Result<()> {
    if options.btf.is_some() || kernel::has_btf() {
        return Ok(());
    }
    Err(Error::new(Kind::Unsupported, "this kernel does not describe its types (no /sys/kernel/btf/vmlinux)")
        .help("boot a kernel built with CONFIG_DEBUG_INFO_BTF=y, or give its detached BTF with --btf FILE"))
}

/// The path of `--btf`, of a file that has types in it.
pub(super) fn checked_btf(path: &Path) -> Result<CString> {
    File::open(path).map_err(|error| Error::io(path.display(), &error))?;
    Btf::from_path(path).map_err(|_| {
        Error::new(Kind::Io, format!("{}: not BTF", path.display()))
            .help("--btf takes a kernel's types as /sys/kernel/btf/vmlinux has them, or an ELF file with them in it")
    })?;
    c_path(path)
}

/// Only these programs are loaded.
pub(super) fn select(object: &mut OpenObject, loaded: &Programs) {
    for mut program in object.progs_mut() {
        let wanted = program
            .name()
            .to_str()
            .is_some_and(|name| loaded.contains(&name));
        program.set_autoload(wanted);
    }
}

fn c_path(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| Error::usage(format!("{}: a path cannot hold a NUL", path.display())))
}
