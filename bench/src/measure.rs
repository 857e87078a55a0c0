// SPDX-License-Identifier: MIT OR Apache-2.0
//! One run: a storm by itself, or a tool with or without a storm.

use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::account::Account;
use crate::bpf::StatsEnabled;
use crate::error::Context;
use crate::error::Error;
use crate::error::Result;
use crate::process;
use crate::process::Memory;
use crate::report::Report;
use crate::running::Running;
use crate::sandbox::Sandbox;
use crate::tool::Tool;

/// How long a tool without load is left to itself.
const IDLE: Duration = Duration::from_millis(300);

/// A storm to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// Arguments of the `storm` program.
    pub args: Vec<String>,
    /// What only this storm's events have in their line; `None` if nobody should see it.
    pub marker: Option<String>,
}

/// What a tool did during one run.
#[derive(Debug, Clone)]
pub struct Traced {
    /// From before the fork until attached, in seconds.
    pub attach_s: f64,
    /// The storm's own report; `None` without load.
    pub storm: Option<Report>,
    /// CPU time of the tool from attached until its end, in ns. What detaching and ending cost is in it.
    pub cpu_ns: f64,
    /// Run time of the tool's BPF programs during the storm, in ns; `None` with statistics off.
    pub run_time_ns: Option<u64>,
    /// What the tool showed and said it lost.
    pub account: Account,
    /// Memory of the tool's BPF maps, in bytes.
    pub map_bytes: u64,
    /// Memory of the tool after the storm.
    pub memory: Memory,
}

impl Traced {
    /// The storm's own report; `None` without load.
    #[must_use]
    pub fn storm(&self) -> Option<&Report> {
        self.storm.as_ref()
    }
}

/// Makes runs.
#[derive(Debug)]
pub struct Bench {
    /// The `storm` program.
    pub storm: PathBuf,
    /// The user that the storm becomes and the tools trace.
    pub uid: u32,
    /// Where output goes.
    pub sandbox: Sandbox,
}

impl Bench {
    /// The storm alone.
    ///
    /// # Errors
    ///
    /// When it cannot be run, or an operation did not do what it should.
    pub fn bare(&self, load: &Load) -> Result<Report> {
        let uid = self.uid.to_string();
        let output = Command::new(&self.storm)
            .args(&load.args)
            .args(["--uid", &uid])
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .context(|| format!("cannot run {}", self.storm.display()))?;
        if !output.status.success() {
            return Err(Error::new(format!("the storm failed: {}", output.status)));
        }
        let report: Report = serde_json::from_slice(&output.stdout)
            .context(|| "cannot understand the storm's report".to_owned())?;
        if report.unexpected > 0 {
            return Err(Error::new(format!(
                "{} of {} operations ({}) did not do what they should",
                report.unexpected, report.made, report.op
            )));
        }
        Ok(report)
    }

    /// `tool`, attached before the load and ended after it; with `stats`, the kernel takes the time of
    /// its BPF programs, which slows them.
    ///
    /// # Errors
    ///
    /// When the tool or the storm fails.
    pub fn traced(&self, tool: &Tool, load: Option<&Load>, stats: bool) -> Result<Traced> {
        let output = self.sandbox.path("output");
        let stderr = self.sandbox.path("stderr");
        let (running, attach_s) = Running::start(tool, self.uid, output.clone(), stderr)?;
        let pid = running.pid();
        let cpu_before = process::cpu_ns(pid)?;
        let enabled = stats.then(StatsEnabled::new).transpose()?;
        let before = process::bpf_objects(pid)?;
        let storm = match load {
            Some(load) => Some(self.bare(load)?),
            None => {
                sleep(IDLE);
                None
            }
        };
        let after = process::bpf_objects(pid)?;
        drop(enabled);
        // Interrupted before it has caught up, a peer would throw away what is in its buffers.
        running.wait_idle()?;
        let memory = process::memory(pid)?;
        let (cpu_ns, stderr) = running.end()?;
        if stats && after.programs.is_empty() {
            let name = tool.program.display();
            return Err(Error::new(format!(
                "{name} keeps no descriptor of a BPF program"
            )));
        }
        let account = match load.and_then(|load| load.marker.as_deref()) {
            Some(marker) => Account::read(tool, &output, &stderr, marker)?,
            None => Account::default(),
        };
        Ok(Traced {
            attach_s,
            storm,
            cpu_ns: cpu_ns - cpu_before as f64,
            run_time_ns: stats.then(|| after.run_time_ns() - before.run_time_ns()),
            account,
            map_bytes: after.map_bytes(),
            memory,
        })
    }
}
