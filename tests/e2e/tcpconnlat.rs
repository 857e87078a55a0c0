// SPDX-License-Identifier: MIT OR Apache-2.0
//! tcpconnlat tells of each attempt to connect once, with what became of it and how long that took.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::process;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc::{self, c_int};
use serde_json::{Value, json};
use tracewell_tests::{Tool, own_tid};

use crate::schema::check_all;
use crate::sockets::{Pair, closed_port, cut_off, listener, own_netns, port};
use crate::sys;

/// A socket that is not connected, of this kind beside.
pub(crate) fn stream(kind: c_int) -> OwnedFd {
    // SAFETY: three numbers.
    let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM | kind, 0) };
    let fd = Errno::result(fd).unwrap();
    // SAFETY: the kernel has just made it, for this caller.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// connect(2) to a port of the loopback device.
pub(crate) fn connect(socket: &OwnedFd, port: u16) -> Errno {
    let to = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: port.to_be(),
        sin_addr: libc::in_addr {
            s_addr: Ipv4Addr::LOCALHOST.to_bits().to_be(),
        },
        sin_zero: [0; 8],
    };
    let bytes = size_of_val(&to) as libc::socklen_t;
    // SAFETY: the kernel reads so many bytes of the address.
    let result = unsafe { libc::connect(socket.as_raw_fd(), (&raw const to).cast(), bytes) };
    Errno::result(result).unwrap_err()
}

/// Has a socket wait for an answer for so long, in milliseconds.
fn wait_at_most(socket: &OwnedFd, millis: c_int) {
    let bytes = size_of_val(&millis) as libc::socklen_t;
    // SAFETY: the kernel reads so many bytes.
    let result = unsafe {
        let from = (&raw const millis).cast();
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_USER_TIMEOUT,
            from,
            bytes,
        )
    };
    Errno::result(result).unwrap();
}

/// A socket that listens and answers nobody: there is room for one, who is there.
pub(crate) fn silent() -> (TcpListener, TcpStream) {
    let listener = listener("127.0.0.1");
    // SAFETY: two numbers.
    Errno::result(unsafe { libc::listen(listener.as_raw_fd(), 0) }).unwrap();
    let first = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener, first)
}

/// How it is told of what became of an attempt to connect to a port.
struct Made {
    port: u16,
    outcome: &'static str,
    error: Value,
    took: Duration,
}

/// The attempts that this thread makes, and how long each took.
fn made() -> Vec<Made> {
    let (v4, v6, refused) = (listener("127.0.0.1"), listener("::1"), closed_port());
    let (listener, _first) = silent();
    let silent = port(&listener);
    let mut made = vec![Made {
        port: silent,
        outcome: "established",
        error: Value::Null,
        took: Duration::MAX,
    }];
    let mut tried = |port, outcome, error: Option<&str>, attempt: &dyn Fn()| {
        let began = Instant::now();
        attempt();
        made.push(Made {
            port,
            outcome,
            error: json!(error),
            took: began.elapsed(),
        });
    };
    for listener in [&v4, &v6] {
        tried(port(listener), "established", None, &|| {
            cut_off(Pair::of(listener).client)
        });
    }
    tried(refused, "failed", Some("ECONNREFUSED"), &|| {
        TcpStream::connect((Ipv4Addr::LOCALHOST, refused)).unwrap_err();
    });
    tried(silent, "closed", None, &|| {
        let impatient = stream(libc::SOCK_NONBLOCK);
        assert_eq!(connect(&impatient, silent), Errno::EINPROGRESS);
    });
    // A second is the least that the kernel waits.
    tried(silent, "failed", Some("ETIMEDOUT"), &|| {
        let patient = stream(0);
        wait_at_most(&patient, 1);
        assert_eq!(connect(&patient, silent), Errno::ETIMEDOUT);
    });
    made
}

/// Options, and which attempts are told of with them.
type Case = (&'static [&'static str], fn(&Made) -> bool);

#[test]
fn every_attempt_is_told_with_what_became_of_it() {
    let tid = own_tid();
    let cases: [Case; 7] = [
        (&[], |_| true),
        (&["--buffer", "perf", "--names", "--ancestors"], |_| true),
        (&["-x"], |made| made.outcome != "established"),
        (&["--successes"], |made| made.outcome == "established"),
        // A user's patience that is over is told of when the kernel looks next.
        (&["900"], |made| made.error == "ETIMEDOUT"),
        (
            &["--where", "error == ECONNREFUSED && daddr == 127.0.0.1"],
            |made| made.error == "ECONNREFUSED",
        ),
        (&["1h"], |_| false),
    ];
    let start = |(args, _): Case| {
        let tool = Tool::new("tcpconnlat").json().args(["--tid", &tid]);
        tool.args(args).start()
    };
    let tools = cases.map(start);
    let made = made();
    for (tool, (args, is_told)) in tools.into_iter().zip(cases) {
        let finished = tool.finish().success();
        check_all(&finished);
        let expected: Vec<_> = made.iter().filter(|made| is_told(made)).collect();
        let events = finished.events("connect");
        assert_eq!(events.len(), expected.len(), "{args:?}: {events:#?}");
        for (event, made) in events.iter().zip(expected) {
            let found = json!([event["dport"], event["outcome"], event["error"]]);
            assert_eq!(
                found,
                json!([made.port, made.outcome, made.error]),
                "{args:?}"
            );
            let took = event["duration_ns"].as_u64().unwrap();
            assert!(
                took > 0 && u128::from(took) < made.took.as_nanos(),
                "{event}"
            );
            let own = json!([process::id(), sys::own_comm(), own_netns()]);
            assert_eq!(json!([event["pid"], event["comm"], event["netns"]]), own);
            assert!(event["sport"].is_u64(), "{event}");
            assert_eq!(event["saddr"], event["daddr"], "{event}");
        }
    }
}

#[test]
fn attempts_beyond_the_map_are_lost_and_no_others() {
    let (listener, _first) = silent();
    let tool = Tool::new("tcpconnlat").json();
    let tool = tool.args(["--tid", &own_tid(), "--inflight", "3"]).start();
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let socket = stream(libc::SOCK_NONBLOCK);
            assert_eq!(connect(&socket, port(&listener)), Errno::EINPROGRESS);
            socket
        })
        .collect();
    drop(waiting);
    let finished = tool.finish().success();
    assert_eq!(finished.events("connect").len(), 3);
    let summary = finished.summary();
    assert_eq!(summary["lost_by"], json!({"inflight_full": 2}), "{summary}");
}

#[test]
fn the_table_has_bccs_columns() {
    let refused = closed_port();
    let condition = format!("dport == {refused}");
    let tool = Tool::new("tcpconnlat").args(["-L", "--where", &condition]);
    let tool = tool.args(["--max-events", "1"]).start();
    TcpStream::connect((Ipv4Addr::LOCALHOST, refused)).unwrap_err();
    let finished = tool.wait().success();
    let lines = finished.lines();
    assert_eq!(
        lines[0],
        "PID     COMM             IP SADDR           LPORT DADDR           DPORT   LAT(ms) RESULT"
    );
    let row: Vec<_> = lines[1].split_whitespace().collect();
    assert_eq!(row.last(), Some(&"ECONNREFUSED"));
    assert_eq!(
        [row[row.len() - 3], row[row.len() - 4]],
        [&refused.to_string(), "127.0.0.1"]
    );
    for (args, said) in [
        (["--where", "daddr == localhost"], "no address"),
        (["-4", "-6"], "--ipv6"),
    ] {
        let finished = Tool::new("tcpconnlat").args(args).run().ended_with(2);
        assert!(finished.stderr.contains(said), "{}", finished.stderr);
    }
}
