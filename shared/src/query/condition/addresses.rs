// SPDX-License-Identifier: MIT OR Apache-2.0
//! Conditions over addresses.

use std::net::IpAddr;

use super::Expression;
use crate::event::{Event, Moment};

/// Something that goes somewhere.
#[derive(Debug, Event)]
#[event(kind = "flow", of = Flows)]
struct Flow {
    /// When.
    time: Moment,
    /// Where to.
    daddr: IpAddr,
}

#[derive(Debug)]
#[expect(dead_code, reason = "nothing traces them")]
struct Flows;

#[test]
fn addresses_are_compared_with_addresses_and_networks() {
    let checked = |text: &str| {
        let expression: Expression = text.parse()?;
        expression
            .check(Flow::FIELDS)
            .map_err(|error| error.to_string())
    };
    let holds = |text: &str, daddr: &str| {
        let condition = checked(text).unwrap_or_else(|wrong| panic!("{text}: {wrong}"));
        condition.holds(&Flow {
            time: Moment::default(),
            daddr: daddr.parse().unwrap(),
        })
    };
    for (text, is, is_not) in [
        ("daddr == 10.0.0.1", "10.0.0.1", "10.0.0.10"),
        ("daddr == 10.0.0.0/8", "10.9.9.9", "11.0.0.1"),
        ("daddr != 10.0.0.0/8", "11.0.0.1", "10.9.9.9"),
        ("daddr == ::1", "::1", "::2"),
        ("daddr==fe80::/10&&daddr!=fe80::1", "fe80::2", "fe80::1"),
        ("daddr in (::1, 127.0.0.0/8)", "127.0.0.53", "::"),
        ("daddr == \"abcd::1\"", "abcd::1", "abcd::2"),
        ("daddr == ::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2"),
        ("daddr ~ '^10\\.'", "10.1.1.1", "1.10.0.1"),
    ] {
        assert!(holds(text, is), "{text}: {is}");
        assert!(!holds(text, is_not), "{text}: {is_not}");
    }
    for (text, told) in [
        ("daddr == 10.0.0.1/8", "beyond the first 8"),
        ("daddr == localhost", "no address"),
        ("daddr == 443", "no address"),
        ("daddr > 10.0.0.1", "is an address"),
        ("daddr", "such as daddr == 10.0.0.0/8"),
        ("daddr in (null)", "null stands alone"),
    ] {
        let wrong = checked(text).unwrap_err();
        assert!(wrong.contains(told), "{text}: {wrong}");
    }
}
