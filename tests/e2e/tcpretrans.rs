// SPDX-License-Identifier: MIT OR Apache-2.0
//! tcpretrans tells of each segment that is sent again, and why.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tracewell_shared::tool::load::sockets::{Server, drop_all};
use tracewell_tests::{Finished, Tool, own_tid};

use crate::schema::check_all;
use crate::sockets::{Pair, cut_off, listener, own_netns, port};
use crate::storms::{scaled, storm, traced, unique_uid};
use crate::sys;
use crate::tcpconnlat::{connect, silent, stream};

fn of_port(events: &[Value], port: u16) -> Vec<&Value> {
    events
        .iter()
        .filter(|event| event["dport"] == port)
        .collect()
}

#[test]
fn every_segment_is_told_with_why_it_is_sent_again() {
    let addresses: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let servers = addresses.map(|address| Server::new(address).unwrap());
    let (deaf, (full, _first)) = (listener("127.0.0.1"), silent());
    let tid = own_tid();
    let start = |args: &[&str]| {
        Tool::new("tcpretrans")
            .json()
            .args(["--tid", &tid])
            .args(args)
            .start()
    };
    let all = start(&[]);
    let perf = start(&["--buffer", "perf", "--names", "--where", "kind == recovery"]);
    let v6 = start(&["-6"]);
    for server in &servers {
        server.talk_again().unwrap();
    }
    // A SYN that nobody answers, and data that nobody acknowledges: sent again after a second, and after a part of one.
    let unanswered = stream(libc::SOCK_NONBLOCK);
    assert_eq!(connect(&unanswered, port(&full)), Errno::EINPROGRESS);
    let mut pair = Pair::of(&deaf);
    drop_all(&pair.server).unwrap();
    pair.client.write_all(b"four").unwrap();
    let is_syn = |event: &Value| event["kind"] == "syn";
    let is_timeout = |event: &Value| event["kind"] == "timeout";
    all.object(is_timeout);
    all.object(is_syn);
    cut_off(pair.client);
    drop(unanswered);
    let [all, perf, v6] = [all, perf, v6].map(|tool| tool.finish().success());

    check_all(&all);
    let events = all.events("retransmit");
    let known = json!([sys::own_comm(), "connect", own_netns()]);
    for event in &events {
        assert_eq!(json!([event["comm"], event["role"], event["netns"]]), known);
    }
    for server in &servers {
        let of_this = of_port(&events, server.port());
        // A machine that is slow sends more again.
        let lost: Vec<_> = of_this
            .iter()
            .filter(|event| event["kind"] == "recovery")
            .collect();
        assert_eq!(lost.len(), 1, "{of_this:#?}");
        assert_eq!(
            (&lost[0]["bytes"], &lost[0]["state"]),
            (&json!(1), &json!("established"))
        );
    }
    let syns = of_port(&events, port(&full));
    assert!(
        syns.iter()
            .all(|event| event["kind"] == "syn" && event["state"] == "syn_sent")
    );
    assert_eq!(syns[0]["bytes"], 1);
    // The first try is to have the other side say what it has.
    let unacknowledged = of_port(&events, port(&deaf));
    assert_eq!(
        unacknowledged[0]["kind"], "loss_probe",
        "{unacknowledged:#?}"
    );
    let bytes = |event: &&Value| event["bytes"] == 4;
    assert!(
        unacknowledged.iter().all(bytes) && unacknowledged.iter().any(|event| is_timeout(event))
    );
    assert_eq!(perf.events("retransmit").len(), 2);
    let v6 = v6.events("retransmit");
    assert!(
        v6.iter()
            .all(|event| event["ip"] == 6 && event["saddr"] == "::1")
    );
    assert!(!v6.is_empty());
}

/// With a buffer of one page whose reader stands still meanwhile.
#[test]
fn what_does_not_fit_into_the_buffer_is_counted() {
    let uid = unique_uid();
    let tool = traced("tcpretrans", uid).json();
    let tool = tool.args(["--buffer-size", "4k"]).start();
    tool.stop();
    let made = storm(uid, 4, scaled(400), &["send-again"]);
    tool.signal(Signal::SIGCONT);
    let finished = tool.finish().success();
    let summary = finished.summary();
    let seen = finished.events("retransmit").len() as u64;
    let lost = summary["lost"].as_u64().unwrap();
    assert!(lost > 0 && seen > 0, "{summary}");
    // Where tasks wait for the CPU, the kernel sends more again.
    let more = summary["lost_at_most"].as_u64().unwrap();
    assert!(seen + lost + more >= made, "{made}: {summary}");
    assert_eq!(summary["lost_by"]["buffer_full"], lost);
}

/// The table of one segment.
fn table(args: &[&str]) -> (Finished, u16) {
    let server = Server::new(Ipv4Addr::LOCALHOST.into()).unwrap();
    let condition = format!("dport == {}", server.port());
    let tool = Tool::new("tcpretrans").args(["--where", &condition, "--max-events", "1"]);
    let tool = tool.args(args).start();
    server.talk_again().unwrap();
    (tool.wait().success(), server.port())
}

#[test]
fn the_table_has_bccs_columns() {
    let (finished, port) = table(&["-l", "-s"]);
    let lines = finished.lines();
    assert_eq!(
        lines[0],
        "TIME            PID     IP LADDR:LPORT          T> RADDR:RPORT          STATE       SEQ       "
            .trim_end()
    );
    let row: Vec<_> = lines[1].split_whitespace().collect();
    let to = format!("127.0.0.1:{port}");
    assert_eq!(
        [row[1], row[4], row[5], row[6]],
        [&std::process::id().to_string(), "R>", &to, "established"]
    );
    let (counted, port) = table(&["-c"]);
    let lines = counted.lines();
    let header = lines.iter().find(|line| line.contains("SADDR")).unwrap();
    assert!(
        header.contains("COUNT") && header.contains("DPORT"),
        "{header}"
    );
    assert!(
        lines.last().unwrap().ends_with(&port.to_string()),
        "{lines:?}"
    );
}
