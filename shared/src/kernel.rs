// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the running kernel offers, behind a trait so that the choice of rungs is tested against described kernels.

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};

use libbpf_rs::btf::Btf;
use libbpf_rs::btf::types::Func;

use crate::probe::Need;

/// What decides which rungs can be tried.
pub trait Kernel {
    /// What is lacking for `need`, in words; `None` where it holds.
    fn lacks(&self, need: &Need) -> Option<String>;
}

/// The kernel this process runs on.
#[derive(Debug, Default)]
pub struct Running {
    btf: OnceCell<Option<Btf<'static>>>,
    tracefs: OnceCell<Option<PathBuf>>,
}

/// Where a kernel built with `CONFIG_DEBUG_INFO_BTF=y` offers its types (since 5.4).
const BTF: &str = "/sys/kernel/btf/vmlinux";

/// Whether the kernel offers its own BTF.
pub fn has_btf() -> bool {
    Path::new(BTF).exists()
}

impl Running {
    /// The running kernel; facts are read when they are first asked for.
    pub fn new() -> Self {
        Self::default()
    }

    fn btf(&self) -> Option<&Btf<'static>> {
        self.btf.get_or_init(|| Btf::from_path(BTF).ok()).as_ref()
    }

    fn tracefs(&self) -> Option<&Path> {
        self.tracefs
            .get_or_init(|| {
                ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"]
                    .into_iter()
                    .map(PathBuf::from)
                    .find(|path| path.join("events").exists())
            })
            .as_deref()
    }
}

impl Kernel for Running {
    fn lacks(&self, need: &Need) -> Option<String> {
        match need {
            // The load looks the tracepoint up again; reading the kernel's 5 MB of types here as well would
            // double the time to start, and all of these exist since before BTF did.
            Need::BtfTracepoint(_) => (!has_btf()).then(no_btf),
            Need::BtfFunction(name) => match self.btf() {
                None => Some(no_btf()),
                Some(btf) => btf
                    .type_by_name::<Func<'_>>(name)
                    .is_none()
                    .then(|| format!("the kernel's BTF has no function {name}")),
            },
            Need::Tracepoint { category, name } => match self.tracefs() {
                None => Some(
                    "tracefs is not mounted or not readable (mount -t tracefs tracefs /sys/kernel/tracing)".into(),
                ),
                Some(tracefs) => (!tracefs.join("events").join(category).join(name).exists())
                    .then(|| format!("no tracepoint {category}:{name}")),
            },
            Need::Kprobe(name) => {
                if !Path::new("/sys/bus/event_source/devices/kprobe").exists() {
                    return Some("the kernel has no kprobes (CONFIG_KPROBES)".into());
                }
                (!has_symbol(name)).then(|| format!("no kernel function {name}"))
            }
        }
    }
}

fn no_btf() -> String {
    format!("the kernel offers no BTF ({BTF})")
}

/// Whether `/proc/kallsyms` lists the function. Its names are readable by all, unlike its addresses.
fn has_symbol(name: &str) -> bool {
    fs::read_to_string("/proc/kallsyms").is_ok_and(|symbols| {
        symbols
            .lines()
            .any(|line| line.split_whitespace().nth(2) == Some(name))
    })
}
