// SPDX-License-Identifier: MIT OR Apache-2.0
//! A tool under test: whose it is, and the command line that makes it trace one user into a file.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use clap::ValueEnum;

use crate::error::Context;
use crate::error::Error;
use crate::error::Result;

/// Whose command line a tool has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Style {
    /// `-o FILE`, `--format`, and the account of losses at the end.
    Tracewell,
    /// Standard output, and losses reported as they are noticed.
    LibbpfTools,
}

/// What a tool writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines for people.
    Table,
    /// One JSON object a line; ours only.
    Json,
}

/// A tool to measure.
#[derive(Debug, Clone)]
pub struct Tool {
    /// What it is called on either side.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Arguments before all others: the tool's name for a multi-call binary, and what the user asked for.
    pub lead: Vec<OsString>,
    /// Its command line.
    pub style: Style,
    /// What it writes.
    pub format: Format,
    /// The disk that it is to trace, instead of a user.
    pub disk: Option<String>,
}

impl Tool {
    /// Finds our tool `name` in `dir`: a program of that name, or else the multi-call binary.
    ///
    /// # Errors
    ///
    /// When neither is there.
    pub fn ours(dir: &Path, name: &str) -> Result<Self> {
        let own = dir.join(name);
        let all = dir.join("tracewell");
        let (program, lead) = if own.is_file() {
            (own, Vec::new())
        } else if all.is_file() {
            (all, vec![name.into()])
        } else {
            return Err(Error::new(format!(
                "no {name} and no tracewell in {}: build them first (cargo build --release), \
                 or name one with --ours {name}=PATH",
                dir.display()
            )));
        };
        Ok(Self {
            name: name.to_owned(),
            program,
            lead,
            style: Style::Tracewell,
            format: Format::Table,
            disk: None,
        })
    }

    /// A tool of libbpf-tools.
    #[must_use]
    pub fn peer(name: &str, program: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            program,
            lead: Vec::new(),
            style: Style::LibbpfTools,
            format: Format::Table,
            disk: None,
        }
    }

    /// The command that traces user `uid`, or the tool's disk, into the file `output`, with its complaints in `stderr`.
    ///
    /// # Errors
    ///
    /// When the files cannot be created.
    pub fn command(&self, uid: u32, output: &Path, stderr: &Path) -> Result<Command> {
        let create = |path: &Path| File::create(path).context(|| path.display().to_string());
        let mut command = Command::new(&self.program);
        command.args(&self.lead);
        match &self.disk {
            Some(disk) => command.arg("-d").arg(disk),
            None => command.args(self.user(uid)),
        };
        command.stdin(Stdio::null()).stderr(create(stderr)?);
        match self.style {
            Style::Tracewell => {
                command.arg("-o").arg(output).stdout(Stdio::null());
                if self.format == Format::Json {
                    command.arg("--format").arg("json");
                }
            }
            Style::LibbpfTools => {
                command.stdout(create(output)?);
            }
        }
        Ok(command)
    }

    /// The options for one user.
    fn user(&self, uid: u32) -> Vec<String> {
        let option = match (self.name.as_str(), self.style) {
            // Neither is told: what is counted of others is no more on one side than on the other.
            ("runqlat", _) => return Vec::new(),
            // Theirs know no users, and tell of what happens beside the load as well.
            ("exitsnoop" | "syscount", Style::LibbpfTools) => return Vec::new(),
            ("exitsnoop" | "syscount", Style::Tracewell) => "--uid",
            _ => "-u",
        };
        vec![option.to_owned(), uid.to_string()]
    }

    /// Size of the program on disk, in bytes. Shared libraries are not in it.
    ///
    /// # Errors
    ///
    /// When the program is not there.
    pub fn size(&self) -> Result<u64> {
        let metadata = self.program.metadata();
        Ok(metadata
            .context(|| self.program.display().to_string())?
            .len())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Format;
    use super::Style;
    use super::Tool;

    #[test]
    fn the_command_lines_are_those_of_each_side() {
        let dir = std::env::temp_dir().join(format!("bench-tool-{}", std::process::id()));
        fs::create_dir(&dir).unwrap();
        let (output, stderr) = (dir.join("out"), dir.join("err"));
        assert!(Tool::ours(&dir, "opensnoop").is_err());

        fs::write(dir.join("tracewell"), "1234").unwrap();
        let mut ours = Tool::ours(&dir, "opensnoop").unwrap();
        ours.format = Format::Json;
        assert_eq!((ours.style, ours.size().unwrap()), (Style::Tracewell, 4));
        let command = ours.command(7, &output, &stderr).unwrap();
        let args: Vec<_> = command
            .get_args()
            .map(|arg| arg.to_str().unwrap())
            .collect();
        let path = output.to_str().unwrap();
        assert_eq!(
            args,
            ["opensnoop", "-u", "7", "-o", path, "--format", "json"]
        );

        fs::write(dir.join("opensnoop"), "").unwrap();
        assert!(Tool::ours(&dir, "opensnoop").unwrap().lead.is_empty());

        let peer = Tool::peer("opensnoop", dir.join("opensnoop-libbpf"));
        let command = peer.command(7, &output, &stderr).unwrap();
        assert_eq!(command.get_args().collect::<Vec<_>>(), ["-u", "7"]);
        assert!(output.exists());
        fs::remove_dir_all(&dir).unwrap();
    }
}
