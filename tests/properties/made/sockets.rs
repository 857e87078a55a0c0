// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records of sockets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Head, head};

/// `struct endpoints`
#[derive(Debug, Clone)]
struct Ends {
    addresses: [IpAddr; 2],
    ports: [u16; 2],
    netns: u32,
}

fn ends() -> impl Strategy<Value = Ends> {
    let address = prop_oneof![
        any::<[u32; 2]>().prop_map(|pair| pair.map(|bits| Ipv4Addr::from(bits).into())),
        any::<[u32; 2]>()
            .prop_map(|pair| pair.map(|bits| Ipv4Addr::from(bits).to_ipv6_mapped().into())),
        any::<[u128; 2]>().prop_map(|pair| pair.map(|bits| Ipv6Addr::from(bits).into())),
    ];
    (address, any::<[u16; 2]>(), any::<u32>()).prop_map(|(addresses, ports, netns)| Ends {
        addresses,
        ports,
        netns,
    })
}

impl Ends {
    fn write(&self, to: &mut Vec<u8>) {
        let start = to.len();
        for address in self.addresses {
            match address {
                IpAddr::V4(address) => {
                    to.extend(address.octets());
                    to.extend([0; 12]);
                }
                IpAddr::V6(address) => to.extend(address.octets()),
            }
        }
        to.extend(self.netns.to_ne_bytes());
        for port in self.ports {
            to.extend(port.to_ne_bytes());
        }
        let family = if self.addresses[0].is_ipv4() {
            2_u16
        } else {
            10
        };
        to.extend(family.to_ne_bytes());
        to.resize(start + 48, 0);
    }

    fn compare(&self, told: &Value) {
        let [_, remote] = self.addresses;
        let is_v4 = remote.to_canonical().is_ipv4();
        let found = ["ip", "mapped", "netns", "dport"].map(|name| told[name].clone());
        let mapped = is_v4 && remote.is_ipv6();
        let version = if is_v4 { 4 } else { 6 };
        assert_eq!(
            json!(found),
            json!([version, mapped, self.netns, self.ports[1]])
        );
        let sport = self.ports[0];
        assert_eq!(told["sport"], json!((sport != 0).then_some(sport)));
        for (name, address) in ["saddr", "daddr"].into_iter().zip(self.addresses) {
            let text = told[name].as_str().expect("an address");
            let read: IpAddr = text.parse().expect("an address");
            let unspecified = mapped && address == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
            assert!(read == address.to_canonical() || unspecified, "{told}");
        }
    }
}

/// Whose it is, where that is known.
fn compare_owner(head: &Head, owned: bool, told: &Value) {
    if owned {
        head.compare(told);
        head.compare_parent(told);
        return;
    }
    for name in [
        "pid",
        "tid",
        "uid",
        "comm",
        "ppid",
        "pcomm",
        "cgroup_id",
        "cgroup",
        "exe",
    ] {
        assert!(told[name].is_null(), "{name}: {told}");
    }
}

/// `struct life_event`
#[derive(Debug, Clone)]
pub(crate) struct Life {
    head: Head,
    ends: Ends,
    since_ns: u64,
    bytes: [u64; 2],
    retransmits: u32,
    err: u16,
    role: u8,
    state: u8,
    owned: bool,
}

pub(crate) fn life() -> impl Strategy<Value = Life> {
    let since = prop_oneof![Just(0), any::<u64>()];
    let small = (any::<u32>(), 0..4096_u16, 0..3_u8, 1..12_u8, any::<bool>());
    (head(), ends(), since, any::<[u64; 2]>(), small).prop_map(
        |(head, ends, since_ns, bytes, (retransmits, err, role, state, owned))| Life {
            head,
            ends,
            since_ns,
            bytes,
            retransmits,
            err,
            role,
            state,
            owned,
        },
    )
}

impl Life {
    pub(crate) fn record(&self) -> Vec<u8> {
        let mut record = Vec::new();
        self.head.write(&mut record);
        self.ends.write(&mut record);
        record.extend(self.since_ns.to_ne_bytes());
        for bytes in self.bytes {
            record.extend(bytes.to_ne_bytes());
        }
        record.extend(self.retransmits.to_ne_bytes());
        record.extend(self.err.to_ne_bytes());
        record.extend([self.role, self.state, u8::from(self.owned)]);
        record.resize(152, 0);
        self.head.with_rest(record)
    }

    pub(crate) fn compare(&self, told: &Value) {
        compare_owner(&self.head, self.owned, told);
        self.ends.compare(told);
        let found = ["sent_bytes", "received_bytes", "retransmits"].map(|name| told[name].clone());
        let [sent, received] = self.bytes;
        assert_eq!(json!(found), json!([sent, received, self.retransmits]));
        let role = [None, Some("connect"), Some("accept")][usize::from(self.role)];
        assert_eq!(told["role"], json!(role));
        assert_eq!(told["duration_ns"].is_null(), self.since_ns == 0, "{told}");
        assert_eq!(told["errno"], json!((self.err != 0).then_some(self.err)));
        let states = [
            (1, "established"),
            (2, "syn_sent"),
            (5, "fin_wait2"),
            (9, "last_ack"),
        ];
        for (number, state) in states {
            assert_eq!(told["state"] == state, self.state == number, "{told}");
        }
    }
}

/// `struct connect_event`
#[derive(Debug, Clone)]
pub(crate) struct Connect {
    head: Head,
    ends: Ends,
    took_ns: u64,
    err: u16,
    outcome: u8,
}

pub(crate) fn connect() -> impl Strategy<Value = Connect> {
    (head(), ends(), any::<u64>(), 1..4096_u16, 0..3_u8).prop_map(
        |(head, ends, took_ns, err, outcome)| Connect {
            head,
            ends,
            took_ns,
            err: if outcome == 1 { err } else { 0 },
            outcome,
        },
    )
}

impl Connect {
    pub(crate) fn record(&self) -> Vec<u8> {
        let mut record = Vec::new();
        self.head.write(&mut record);
        self.ends.write(&mut record);
        record.extend(self.took_ns.to_ne_bytes());
        record.extend(self.err.to_ne_bytes());
        record.push(self.outcome + 1);
        record.resize(128, 0);
        self.head.with_rest(record)
    }

    pub(crate) fn compare(&self, told: &Value) {
        self.head.compare(told);
        self.head.compare_parent(told);
        self.ends.compare(told);
        assert_eq!(told["duration_ns"], self.took_ns);
        let outcome = ["established", "failed", "closed"][usize::from(self.outcome)];
        assert_eq!(told["outcome"], outcome);
        assert_eq!(told["errno"], json!((self.err != 0).then_some(self.err)));
    }
}

/// `struct retransmit_event`
#[derive(Debug, Clone)]
pub(crate) struct Retransmit {
    head: Head,
    ends: Ends,
    numbers: [u32; 2],
    kind: u8,
    role: u8,
    state: u8,
    owned: bool,
}

pub(crate) fn retransmit() -> impl Strategy<Value = Retransmit> {
    let small = (0..5_u8, 0..3_u8, 1..12_u8, any::<bool>());
    (head(), ends(), any::<[u32; 2]>(), small).prop_map(
        |(head, ends, numbers, (kind, role, state, owned))| Retransmit {
            head,
            ends,
            numbers,
            kind,
            role,
            state,
            owned,
        },
    )
}

impl Retransmit {
    pub(crate) fn record(&self) -> Vec<u8> {
        let mut record = Vec::new();
        self.head.write(&mut record);
        self.ends.write(&mut record);
        for number in self.numbers {
            record.extend(number.to_ne_bytes());
        }
        record.extend([self.kind + 1, self.role, self.state, u8::from(self.owned)]);
        record.resize(128, 0);
        self.head.with_rest(record)
    }

    pub(crate) fn compare(&self, told: &Value) {
        compare_owner(&self.head, self.owned, told);
        self.ends.compare(told);
        assert_eq!(json!([told["seq"], told["bytes"]]), json!(self.numbers));
        let kinds = ["syn", "timeout", "recovery", "loss_probe", "other"];
        assert_eq!(told["kind"], kinds[usize::from(self.kind)]);
        assert_eq!(told["role"].is_null(), self.role == 0, "{told}");
        assert_eq!(told["state"] == "established", self.state == 1, "{told}");
    }
}
