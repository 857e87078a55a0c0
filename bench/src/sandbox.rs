// SPDX-License-Identifier: MIT OR Apache-2.0
//! A mount namespace of the benchmark's own: a tmpfs for the output, and tracefs for tools that need it.
//!
//! Both disappear with the last process in it, however that ends, and nobody else on the machine sees
//! them. Ours do without tracefs; libbpf-tools do not, and many machines have it not mounted.

use std::ffi::CStr;
use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::path::PathBuf;
use std::ptr;

use crate::error::Context;
use crate::error::Error;
use crate::error::Result;

const TRACEFS: &CStr = c"/sys/kernel/tracing";

/// The directory that everything is written into.
#[derive(Debug)]
pub struct Sandbox {
    dir: PathBuf,
}

impl Sandbox {
    /// Enters a new mount namespace. To be called before there are threads, as root.
    ///
    /// # Errors
    ///
    /// When the kernel refuses a namespace or a mount.
    pub fn enter() -> Result<Self> {
        // SAFETY: takes a number; only this thread's view of the mounts changes.
        if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
            return Err(Error::last_os(
                "cannot make a mount namespace (run as root)",
            ));
        }
        mount(c"none", c"/", None, libc::MS_REC | libc::MS_PRIVATE)?;
        if !Path::new("/sys/kernel/tracing/events").exists() {
            mount(c"tracefs", TRACEFS, Some(c"tracefs"), 0)?;
        }
        let dir = std::env::temp_dir().join(format!("tracewell-bench-{}", std::process::id()));
        fs::create_dir(&dir).context(|| dir.display().to_string())?;
        let sandbox = Self { dir };
        let target = CString::new(sandbox.dir.as_os_str().as_bytes())
            .context(|| sandbox.dir.display().to_string())?;
        mount(
            c"tmpfs",
            &target,
            Some(c"tmpfs"),
            libc::MS_NOSUID | libc::MS_NODEV,
        )?;
        Ok(sandbox)
    }

    /// A file in the tmpfs.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Only the empty mount point outlives the namespace; if it cannot be removed, nothing is lost.
        if let Ok(target) = CString::new(self.dir.as_os_str().as_bytes()) {
            // SAFETY: `target` is a NUL-terminated string.
            unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) };
        }
        drop(fs::remove_dir(&self.dir));
    }
}

fn mount(source: &CStr, target: &CStr, kind: Option<&CStr>, flags: libc::c_ulong) -> Result<()> {
    let kind = kind.map_or(ptr::null(), CStr::as_ptr);
    // SAFETY: all strings are NUL-terminated; no file system used here needs data.
    let mounted =
        unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind, flags, ptr::null()) };
    if mounted != 0 {
        let target = target.to_string_lossy();
        return Err(Error::last_os(&format!("cannot mount {target}")));
    }
    Ok(())
}
