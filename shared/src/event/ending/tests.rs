// SPDX-License-Identifier: MIT OR Apache-2.0

use super::super::Nanos;
use super::{Cpu, Ending};

#[test]
fn endings_are_those_of_wait() {
    for (status, code, signal, core, failed) in [
        (0, Some(0), None, false, false),
        (0x0300, Some(3), None, false, true),
        (0xff00, Some(255), None, false, true),
        (9, None, Some(9), false, true),
        (0x80 | 11, None, Some(11), true, true),
        (64, None, Some(64), false, true),
    ] {
        let ending = Ending::of(status);
        assert_eq!(ending.exit_code, code, "{status:x}");
        assert_eq!(ending.signal, signal, "{status:x}");
        assert_eq!(ending.core_dumped, core, "{status:x}");
        assert_eq!(ending.went_wrong(), failed, "{status:x}");
    }
}

#[test]
fn time_is_divided_as_the_ticks_fell() {
    for (all, user, system, expected) in [
        (900, 0, 0, (900, 0)),
        (900, 4, 0, (900, 0)),
        (900, 0, 4, (0, 900)),
        (900, 4, 8, (300, 600)),
        (0, 4, 8, (0, 0)),
        (u64::MAX, 0, u64::MAX, (0, u64::MAX)),
    ] {
        let cpu = Cpu::of(all, user, system);
        let (user, system) = expected;
        assert_eq!(cpu.user_ns, Some(Nanos(user)), "{all}");
        assert_eq!(cpu.system_ns, Some(Nanos(system)), "{all}");
    }
}
