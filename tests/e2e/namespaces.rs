// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tools in namespaces of their own, and where bpf(2) is refused to them.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use nix::libc;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracewell_tests::environment::{extra_args, program};
use tracewell_tests::note;

/// What clocks may differ by; far more than they do, and less than the namespaces' clocks are ahead.
const SLACK: Duration = Duration::from_secs(2);

/// unshare(1) with these options, and a tool in what it makes.
fn unshare(options: &[&str], tool: &str, args: &[&str]) -> Output {
    let mut command = Command::new("unshare");
    command.args(options).arg(program(tool));
    command.args(extra_args()).args(args);
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn objects(output: &Output, kind: &str) -> Vec<Value> {
    assert!(output.status.success(), "{}", text(&output.stderr));
    let text = text(&output.stdout);
    let objects = text.lines().filter(|line| line.starts_with('{'));
    objects
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|object| object["event"] == kind)
        .collect()
}

/// Whether unshare(1) is util-linux's, which knows of all namespaces; in a guest it is busybox's.
fn has_unshare() -> bool {
    let known = Command::new("unshare").args(["--time", "true"]).output();
    let known = known.unwrap().status.success();
    if !known {
        assert!(std::env::var_os("TRACEWELL_GUEST").is_some());
        note("skipped what needs util-linux's unshare: it is absent");
    }
    known
}

#[test]
fn times_are_right_in_a_time_namespace() {
    if !has_unshare() {
        return;
    }
    // A day ahead; and behind, by no more than any machine has been up.
    for ahead in ["86400", "-4"] {
        let options = ["--time", "--boottime", ahead, "--fork"];
        let before = SystemTime::now() - SLACK;
        let args = ["--format", "json", "--", "/bin/true"];
        let output = unshare(&options, "execsnoop", &args);
        let after = SystemTime::now() + SLACK;
        let event = &objects(&output, "exec")[0];
        let time = event["time"].as_str().unwrap();
        let time: SystemTime = OffsetDateTime::parse(time, &Rfc3339).unwrap().into();
        assert!(
            before <= time && time <= after,
            "{ahead}: {before:?} {event}"
        );
        let output = unshare(&options, "execsnoop", &["-t", "--", "/bin/true"]);
        let table = text(&output.stdout);
        let row = table.lines().nth(1).unwrap();
        let seconds: f64 = row.split_whitespace().next().unwrap().parse().unwrap();
        assert!(seconds > 0.0 && seconds < 60.0, "{ahead}: {row}");
    }
}

/// A shell that opens what is not there, and stays to be looked at.
const OPENS_AND_STAYS: [&str; 9] = [
    "-c",
    "-x",
    "--format",
    "json",
    "--",
    "/bin/sh",
    "-c",
    "sleep 0 </nonexistent/namespaces; sleep 1",
    "sh",
];

#[test]
fn callers_have_names_in_namespaces() {
    if !has_unshare() {
        return;
    }
    for options in [
        &["--time", "--boottime", "86400", "--fork"][..],
        &["--pid", "--fork", "--mount-proc"],
        &["--pid", "--fork"],
    ] {
        let output = unshare(options, "opensnoop", &OPENS_AND_STAYS);
        let opens = objects(&output, "open");
        let open = opens
            .iter()
            .find(|open| open["path"] == "/nonexistent/namespaces");
        let open = open.unwrap_or_else(|| panic!("{opens:#?}"));
        // The system call's own place: in the C library, or in the shell itself.
        let module = &open["callers"][0]["module"];
        assert!(
            module.as_str().is_some_and(|path| path.starts_with('/')),
            "{options:?} {open}"
        );
    }
}

/// What the tool, and doctor, say of it.
fn said(mut command: impl FnMut(&str) -> Command) -> [String; 2] {
    let tool = command("execsnoop")
        .args(["--", "/bin/true"])
        .output()
        .unwrap();
    assert_eq!(tool.status.code(), Some(1), "{tool:?}");
    let doctor = command("tracewell").arg("doctor").output().unwrap();
    [text(&tool.stderr), text(&doctor.stdout)]
}

#[test]
fn a_refusal_in_a_user_namespace_is_told_as_such() {
    let said = said(|tool| {
        let mut command = Command::new("unshare");
        command
            .args(["--user", "--map-root-user"])
            .arg(program(tool));
        command
    });
    for text in said {
        assert!(text.contains("user namespace"), "{text}");
        assert!(!text.contains("MEMLOCK"), "{text}");
    }
}

/// Has bpf(2) refused with this number, as a container's or a service's filter does it.
fn refuse_bpf(errno: u16) -> io::Result<()> {
    let statement = |code: u32, k: u32| libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf: 0,
        k,
    };
    let mut filter = [
        // The number of the call comes first of what there is to load.
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0),
        libc::sock_filter {
            jf: 1,
            ..statement(
                libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
                libc::SYS_bpf as u32,
            )
        },
        statement(
            libc::BPF_RET | libc::BPF_K,
            libc::SECCOMP_RET_ERRNO | u32::from(errno),
        ),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the kernel reads a program of that length.
    let result = unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            &raw const program,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[test]
fn a_refusal_by_seccomp_is_told_as_such() {
    for errno in [libc::EPERM, libc::ENOSYS, libc::EACCES] {
        for unlimited in [false, true] {
            let said = said(|tool| {
                let mut command = Command::new(program(tool));
                let limited = move || {
                    let limit = if unlimited {
                        libc::RLIM_INFINITY
                    } else {
                        65_536
                    };
                    let limit = libc::rlimit {
                        rlim_cur: limit,
                        rlim_max: limit,
                    };
                    // SAFETY: reads the structure. Where it is refused, the limit stays, which is as good.
                    unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const limit) };
                    refuse_bpf(errno as u16)
                };
                // SAFETY: it makes system calls only.
                unsafe { command.pre_exec(limited) };
                command
            });
            for text in said {
                assert!(text.contains("seccomp filter"), "{errno}: {text}");
                assert!(!text.contains("MEMLOCK"), "{errno}: {text}");
            }
        }
    }
}
