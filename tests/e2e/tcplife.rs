// SPDX-License-Identifier: MIT OR Apache-2.0
//! tcplife tells of each TCP connection once, with what it carried, and whose it was where that is known.

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{self, Command, Stdio};
use std::thread;
use std::time::Instant;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{gettid, getuid};
use serde_json::{Value, json};
use tracewell_tests::{Actor, Finished, Running, Tool, actor};

use crate::schema::check_all;
use crate::sockets::{First, Pair, closed_port, counted, cut_off, listener, own_netns, port};
use crate::storms::scaled;
use crate::sys;

/// Runs until so many connections are told of.
fn until(count: usize, args: &[&str]) -> Running {
    let count = count.to_string();
    let tool = Tool::new("tcplife").json().args(args);
    tool.args(["--max-events", &count]).start()
}

/// The connections at either end of these ports.
fn of_ports(ports: &[u16]) -> String {
    let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
    let ports = ports.join(", ");
    format!("sport in ({ports}) || dport in ({ports})")
}

fn told(running: Running) -> Vec<Value> {
    let finished = running.wait().success();
    check_all(&finished);
    assert_eq!(finished.summary()["lost"], 0, "{}", finished.summary());
    finished.events("connection")
}

fn one<'a>(events: &'a [Value], field: &str, value: u16) -> &'a Value {
    let mut with = events.iter().filter(|event| event[field] == value);
    let found = with
        .next()
        .unwrap_or_else(|| panic!("no {field} {value}: {events:#?}"));
    assert!(with.next().is_none(), "{field} {value} twice: {events:#?}");
    found
}

/// Where it listens, and what is told of it.
const ADDRESSES: [(&str, &str, u8, bool); 3] = [
    ("127.0.0.1", "127.0.0.1", 4, false),
    ("::1", "::1", 6, false),
    ("::ffff:127.0.0.1", "127.0.0.1", 4, true),
];

const ENDINGS: [First; 3] = [First::Client, First::Server, First::Reset];

/// How much goes there and back of a connection that ends so.
fn carried(ending: usize) -> [usize; 2] {
    [100_000 + ending, 1 + 7 * ending]
}

// Says where it listens and where nobody does, and then of each connection which ports it has. Nobody else here has children,
// who would have the sockets, too, until they run another program.
actor!(talks_in_all_ways, |stage| {
    let listeners = ADDRESSES.map(|(address, ..)| listener(address));
    let refused = closed_port();
    let ports = listeners.iter().map(port).chain([refused]);
    let ports: Vec<_> = ports.map(|port| port.to_string()).collect();
    stage.say(ports.join(" "));
    stage.wait();
    for listener in &listeners {
        for (index, ending) in ENDINGS.into_iter().enumerate() {
            let [there, back] = carried(index);
            let mut pair = Pair::of(listener);
            pair.carry(there, back);
            // The kernel counts a SYN as a byte. What comes back says that all has come there.
            let [sent, received] = counted(&pair.client);
            assert_eq!([sent, received], [there as u64 + 1, back as u64]);
            let [from, to] = pair.ports();
            stage.say(format!("{from} {to}"));
            ending.end(pair);
        }
    }
    TcpStream::connect(("127.0.0.1", refused)).unwrap_err();
    stage.say(sys::own_comm());
});

#[test]
fn every_connection_is_told_with_what_it_carried() {
    let mut actor = Actor::new("talks_in_all_ways").start();
    let own = actor.pid();
    actor.go();
    let numbers = |line: &str| -> Vec<u16> {
        let words = line.split_whitespace();
        words.map(|port| port.parse().unwrap()).collect()
    };
    let ports = numbers(&actor.hear());
    let began = Instant::now();
    let tool = until(19, &["--where", &of_ports(&ports)]);
    actor.go();
    let said = actor.finish();
    let events = told(tool);
    let most = began.elapsed().as_nanos() as u64;

    let lines: Vec<_> = said.lines().collect();
    let (comm, made) = lines.split_last().unwrap();
    let own = json!([own, own, getuid().as_raw(), comm]);
    let whose = |event: &Value| json!([event["pid"], event["tid"], event["uid"], event["comm"]]);
    for (index, line) in made.iter().enumerate() {
        let (_, address, ip, mapped) = ADDRESSES[index / ENDINGS.len()];
        let ending = ENDINGS[index % ENDINGS.len()];
        let [there, back] = carried(index % ENDINGS.len());
        let [from, to] = numbers(line)[..] else {
            panic!("{line}");
        };
        let [client, server] = ["sport", "dport"].map(|field| one(&events, field, from));
        let ends = [
            (client, [from, to], [there, back]),
            (server, [to, from], [back, there]),
        ];
        for ((event, ports, bytes), state) in ends.into_iter().zip(ending.states()) {
            let fields = ["ip", "saddr", "sport", "daddr", "dport", "mapped", "netns"];
            let found = fields.map(|field| event[field].clone());
            let expected = json!([
                ip,
                address,
                ports[0],
                address,
                ports[1],
                mapped,
                own_netns()
            ]);
            assert_eq!(json!(found), expected);
            let carried = json!([event["sent_bytes"], event["received_bytes"]]);
            assert_eq!(carried, json!(bytes), "{ending:?} {event}");
            assert_eq!(event["state"], state, "{ending:?} {event}");
            let took = event["duration_ns"].as_u64().unwrap();
            assert!(took > 0 && took < most, "{took} of {most}: {event}");
        }
        assert_eq!([&client["role"], &server["role"]], ["connect", "accept"]);
        assert_eq!(whose(client), own);
        assert_eq!(client["error"], Value::Null);
        // What the other side reset was never closed by anybody here.
        let (owner, error) = match ending {
            First::Reset => (json!([null, null, null, null]), json!("ECONNRESET")),
            _ => (own.clone(), Value::Null),
        };
        let found = (whose(server), &server["error"]);
        assert_eq!(found, (owner, &error), "{ending:?}");
    }
    let event = one(&events, "dport", ports[ADDRESSES.len()]);
    let found = (&event["state"], &event["error"], whose(event));
    assert_eq!(found, (&json!("syn_sent"), &json!("ECONNREFUSED"), own));
    assert_eq!(event["sent_bytes"], 0);
}

/// A program that has an end as its input, and reads all of it.
fn reader(end: TcpStream) -> process::Child {
    let mut cat = Command::new("cat");
    cat.stdin(OwnedFd::from(end)).stdout(Stdio::null());
    cat.spawn().unwrap()
}

// Says where it listens, and later of two connections from which port each is, and who read what came. One of them begins
// before it waits. There is no other thread here, whose children would have the sockets, too, until they run another program.
actor!(hands_connections_on, |stage| {
    let listener = listener("127.0.0.1");
    let early = Pair::of(&listener);
    stage.say(port(&listener).to_string());
    stage.wait();
    for pair in [early, Pair::of(&listener)] {
        let [from, _] = pair.ports();
        let Pair { client, server } = pair;
        let mut cat = reader(server);
        // A process that has the other end as well, and closes it last.
        let mut other = reader(client.try_clone().unwrap());
        client.shutdown(std::net::Shutdown::Write).unwrap();
        drop(client);
        assert!(cat.wait().unwrap().success() && other.wait().unwrap().success());
        stage.say(format!("{from} {}", cat.id()));
    }
});

#[test]
fn a_connection_is_whose_it_is_that_began_or_closed_it() {
    let mut actor = Actor::new("hands_connections_on").start();
    let own = actor.pid();
    actor.go();
    let condition = of_ports(&[actor.hear().trim().parse().unwrap()]);
    let all = until(4, &["--where", &condition]);
    actor.go();
    let said = actor.finish();
    let events = told(all);
    for (line, began) in said.lines().zip([false, true]) {
        let (from, cat) = line.split_once(' ').unwrap();
        let from = from.parse().unwrap();
        let [client, server] = ["sport", "dport"].map(|field| one(&events, field, from));
        // Who shut its side down first, of the early one; who connected, of the other: both are the actor.
        assert_eq!(client["pid"], own);
        let reader = (&server["pid"], &server["comm"]);
        let cat: u32 = cat.parse().unwrap();
        assert_eq!(reader, (&json!(cat), &json!("cat")));
        for event in [client, server] {
            assert_eq!(event["role"].is_null(), !began, "{event}");
            assert_eq!(event["duration_ns"].is_null(), !began, "{event}");
        }
    }
}

// Says where it listens, and makes a connection each by IPv4 and IPv6.
actor!(talks_by_both_versions, |stage| {
    let listeners = ["127.0.0.1", "::1"].map(listener);
    let [v4, v6] = listeners.each_ref().map(port);
    stage.say(format!("{v4} {v6}"));
    stage.wait();
    for listener in &listeners {
        First::Client.end(Pair::of(listener));
    }
});

#[test]
fn filters_leave_the_others_out() {
    let mut actor = Actor::new("talks_by_both_versions").start();
    actor.go();
    let said = actor.hear();
    let (v4_port, v6_port) = said.trim().split_once(' ').unwrap();
    let [v4_port, v6_port]: [u16; 2] = [v4_port, v6_port].map(|port| port.parse().unwrap());
    let both = of_ports(&[v4_port, v6_port]);
    let (tid, v4_text) = (actor.pid().to_string(), v4_port.to_string());
    let others = format!("!{tid}");
    let not_v4 = format!("!{v4_port}");
    let dport = format!("dport == {v4_port} && daddr == 127.0.0.0/8");
    let cases: [(&[&str], usize); 9] = [
        (&["--where", &both], 4),
        (&["--where", &both, "-4"], 2),
        (&["--where", &both, "-6"], 2),
        (&["-L", &v4_text], 1),
        (&["-D", &v4_text], 1),
        (&["--where", &both, "-L", &not_v4], 3),
        (&["-t", "--where", &dport], 1),
        (&["--where", &both, "--tid", &tid], 4),
        (&["--where", &both, "--tid", &others], 0),
    ];
    let tools = cases.map(|(args, _)| Tool::new("tcplife").json().args(args).start());
    let last = until(4, &["--where", &both, "--buffer", "perf"]);
    actor.go();
    assert_eq!(told(last).len(), 4);
    for (tool, (args, seen)) in tools.into_iter().zip(cases) {
        let finished = tool.finish().success();
        assert_eq!(finished.events("connection").len(), seen, "{args:?}");
    }
}

// In a network namespace of its own: says its number, and makes a connection.
actor!(talks_in_a_namespace, |stage| {
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
    sys::loopback_up();
    stage.say(own_netns().to_string());
    let listener = listener("127.0.0.1");
    stage.wait();
    First::Client.end(Pair::of(&listener));
});

#[test]
fn a_namespace_and_names_are_told() {
    let mut actor = Actor::new("talks_in_a_namespace").start();
    let pid = actor.pid().to_string();
    actor.go();
    let netns: u64 = actor.hear().trim().parse().unwrap();
    assert_ne!(netns, own_netns());
    let tool = until(2, &["-p", &pid, "--names", "--exe", "--ancestors"]);
    actor.go();
    let events = told(tool);
    actor.finish();
    for event in &events {
        assert_eq!(
            (&event["netns"], &event["pid"]),
            (&json!(netns), &json!(pid.parse::<u32>().unwrap()))
        );
        assert_eq!(event["ancestor_pids"][0], process::id());
        assert_eq!(
            event["exe"],
            std::env::current_exe().unwrap().to_str().unwrap()
        );
        assert!(event["cgroup"].is_string(), "{event}");
    }
}

const THREADS: usize = 4;
const EACH: u64 = 250;

/// Connections that many threads make at once, each of which carries a number of bytes of its own: no end is told of with
/// what another carried, or as another's.
#[test]
fn concurrent_connections_are_each_told_once() {
    let each = scaled(EACH);
    let listeners: Vec<TcpListener> = (0..THREADS).map(|_| listener("127.0.0.1")).collect();
    let ports: Vec<_> = listeners
        .iter()
        .map(|listener| port(listener).to_string())
        .collect();
    let tool = Tool::new("tcplife")
        .json()
        .args(["-D", &ports.join(",")])
        .start();
    let threads: Vec<_> = listeners
        .into_iter()
        .map(|listener| {
            thread::spawn(move || {
                for number in 1..=each {
                    let mut pair = Pair::of(&listener);
                    pair.carry(number as usize, 1);
                    First::Reset.end(pair);
                }
                (gettid().as_raw(), port(&listener))
            })
        })
        .collect();
    let threads: BTreeMap<_, _> = threads
        .into_iter()
        .map(|thread| {
            let (tid, port) = thread.join().unwrap();
            (u64::from(port), tid)
        })
        .collect();
    let finished = tool.finish().success();

    let (mut seen, mut count) = (Vec::new(), 0_u64);
    for event in finished.events("connection") {
        let port = event["dport"].as_u64().unwrap();
        count += 1;
        if event["role"].is_null() {
            // The kernel refused the program for its begin, and says so. A SYN may be among its bytes.
            assert_ne!(finished.summary()["lost_at_most"], 0);
            continue;
        }
        assert_eq!(event["tid"], threads[&port], "{event}");
        assert_eq!(event["received_bytes"], 1, "{event}");
        seen.push((port, event["sent_bytes"].as_u64().unwrap()));
    }
    let known = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), known, "some came twice");
    finished.adds_up(count, THREADS as u64 * each);
}

fn table(args: &[&str]) -> Finished {
    let listener = listener("127.0.0.1");
    let to = port(&listener).to_string();
    let tool = Tool::new("tcplife").args(["-D", &to, "--max-events", "1"]);
    let tool = tool.args(args).start();
    let mut pair = Pair::of(&listener);
    pair.carry(3000, 1100);
    cut_off(pair.client);
    tool.wait().success()
}

#[test]
fn the_table_has_bccs_columns() {
    let plain = table(&[]);
    let lines = plain.lines();
    assert_eq!(
        lines[0],
        "PID     COMM             LADDR           LPORT RADDR           RPORT  TX_KB  RX_KB        MS"
    );
    let row: Vec<_> = lines[1].split_whitespace().collect();
    assert_eq!(
        [row[2], row[4], row[6], row[7]],
        ["127.0.0.1", "127.0.0.1", "2", "1"]
    );
    assert!(row[8].parse::<f64>().unwrap() >= 0.0);
    let wide = table(&["-T", "-w"]);
    let lines = wide.lines();
    let header: Vec<_> = lines[0].split_whitespace().collect();
    assert_eq!(header[..5], ["TIME", "PID", "COMM", "IP", "LADDR"]);
    assert_eq!(
        lines[0].find("LPORT").unwrap() - lines[0].find("LADDR").unwrap(),
        40
    );
    let csv = table(&["-s"]);
    assert!(
        csv.lines()[0].starts_with("time,pid,tid,"),
        "{:?}",
        csv.lines()
    );
    let seconds = table(&["--timestamp", "--columns", "time(s),dport"]);
    assert_eq!(
        seconds.lines()[0].split_whitespace().next(),
        Some("TIME(s)")
    );
}
