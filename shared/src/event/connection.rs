// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel knows of a TCP connection: who began it, and the state that an end is in.

use crate::event::Word;

/// Which side began a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Word)]
#[non_exhaustive]
pub enum Role {
    /// This one, by connect(2) or with the first data (TCP Fast Open).
    Connect,
    /// The other one: the socket came of one that listens.
    Accept,
}

/// The states of a TCP socket, as the kernel numbers them from 1 on (`include/net/tcp_states.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Word)]
#[non_exhaustive]
pub enum State {
    /// Both sides may send.
    Established,
    /// A SYN was sent, and not answered.
    SynSent,
    /// A SYN was answered, and the answer not acknowledged.
    SynRecv,
    /// This side closed first; the other has not acknowledged it.
    FinWait1,
    /// This side closed first; the other has acknowledged it.
    FinWait2,
    /// Both sides have closed.
    TimeWait,
    /// None.
    Close,
    /// The other side closed first; this one has not.
    CloseWait,
    /// The other side closed first, then this one.
    LastAck,
    /// It listens.
    Listen,
    /// Both sides closed at once.
    Closing,
}

impl State {
    /// The state of this number.
    pub fn of(number: u8) -> Option<Self> {
        let index = usize::from(number).checked_sub(1)?;
        Self::ALL.get(index).copied()
    }
}

impl Role {
    /// Of `enum connection_role` of `bpf/include/sockets.h`, whose 0 is none.
    pub fn of(number: u8) -> Option<Self> {
        let index = usize::from(number).checked_sub(1)?;
        Self::ALL.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::{Role, State};

    #[test]
    fn states_and_roles_are_numbered_as_the_kernels_side_numbers_them() {
        assert_eq!(State::of(0), None);
        assert_eq!(State::of(1), Some(State::Established));
        assert_eq!(State::of(9), Some(State::LastAck));
        assert_eq!(State::of(11), Some(State::Closing));
        assert_eq!(State::of(12), None);
        assert_eq!([0, 1, 3].map(Role::of), [None, Some(Role::Connect), None]);
    }
}
