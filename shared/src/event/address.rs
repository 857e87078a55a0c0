// SPDX-License-Identifier: MIT OR Apache-2.0
//! Addresses of IP: their one form in every format, and networks of them for conditions.

use std::fmt::{self, Write};
use std::net::IpAddr;

use super::{Cell, Fields, Type, Value};

/// The longest is one of IPv6 whose end is written as of IPv4.
const MOST_BYTES: usize = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255".len();

/// An address as text, without an allocation.
#[derive(Debug)]
pub struct AddressText {
    bytes: [u8; MOST_BYTES],
    length: usize,
}

impl AddressText {
    /// The text: that of RFC 5952, for IPv6.
    pub fn of(address: IpAddr) -> Self {
        let mut text = Self {
            bytes: [0; MOST_BYTES],
            length: 0,
        };
        // What does not fit is no address.
        _ = write!(text, "{address}");
        text
    }

    /// The same.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        str::from_utf8(bytes).unwrap_or_default()
    }
}

impl Write for AddressText {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let end = self.length + part.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        room.copy_from_slice(part.as_bytes());
        self.length = end;
        Ok(())
    }
}

impl Value for IpAddr {
    const TYPE: Type = Type::Address;

    #[inline]
    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.address(name, *self);
    }

    #[inline]
    fn show(&self, cell: &mut Cell<'_>) {
        cell.text(AddressText::of(*self).as_str());
    }
}

/// All addresses that begin alike: of a whole one, that alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// How many bits count.
    bits: u32,
}

/// The bits of an address, from the highest of 128 on.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl Network {
    /// Reads `10.0.0.1`, `10.0.0.0/8`, `::1` or `fe80::/10`. An address of IPv6 that stands for one of IPv4 is that one.
    ///
    /// # Errors
    ///
    /// For what is none of these, and for a network whose address has bits beyond those that count.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let none = || format!("'{text}' is no address, such as 10.0.0.1, ::1 or 10.0.0.0/8");
        let written: IpAddr = address.parse().map_err(|_| none())?;
        let address = written.to_canonical();
        let most: u32 = if written.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Ok(most), |length| length.parse().map_err(|_| none()))?;
        if length > most {
            return Err(format!("'{text}': an address has {most} bits"));
        }
        // What is before the address of IPv4 in one of IPv6.
        let before = if written == address { 0 } else { 96 };
        let Some(bits) = length.checked_sub(before) else {
            return Err(format!(
                "'{text}': the network holds addresses of IPv4 and others"
            ));
        };
        let network = Self { address, bits };
        if self::bits(address) & !network.mask() != 0 {
            return Err(format!(
                "'{text}': the address has bits beyond the first {length}"
            ));
        }
        Ok(network)
    }

    fn mask(self) -> u128 {
        u128::MAX.checked_shl(128 - self.bits).unwrap_or(0)
    }

    /// Whether the address is one of these.
    pub fn has(self, address: IpAddr) -> bool {
        let differs = bits(self.address) ^ bits(address);
        self.address.is_ipv4() == address.is_ipv4() && differs & self.mask() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::{AddressText, Network};

    #[test]
    fn the_longest_address_has_room() {
        for text in [
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "255.255.255.255",
            "::ffff:255.255.255.255",
            "::",
        ] {
            assert_eq!(AddressText::of(text.parse().unwrap()).as_str(), text);
        }
    }

    #[test]
    fn networks_have_what_begins_like_them() {
        for (network, inside, outside) in [
            ("10.0.0.1", "10.0.0.1", "10.0.0.2"),
            ("10.0.0.0/8", "10.255.1.2", "11.0.0.0"),
            ("0.0.0.0/0", "1.2.3.4", "::"),
            ("::/0", "ff::1", "0.0.0.0"),
            ("::1", "::1", "::2"),
            ("fe80::/10", "febf::1", "fec0::"),
            ("::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2"),
            ("::ffff:10.0.0.0/104", "10.2.3.4", "11.0.0.0"),
        ] {
            let read = Network::parse(network).unwrap();
            assert!(read.has(inside.parse().unwrap()), "{network}");
            assert!(!read.has(outside.parse().unwrap()), "{network}");
        }
    }

    #[test]
    fn what_is_no_network_is_told() {
        for (text, told) in [
            ("10.0.0", "no address"),
            ("10.0.0.256", "no address"),
            ("10.0.0.0/x", "no address"),
            ("10.0.0.0/33", "32 bits"),
            ("::/129", "128 bits"),
            ("10.0.0.1/8", "beyond the first 8"),
            ("::ffff:10.0.0.0/80", "and others"),
        ] {
            let wrong = Network::parse(text).unwrap_err();
            assert!(wrong.contains(told), "{text}: {wrong}");
        }
    }
}
