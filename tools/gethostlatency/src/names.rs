// SPDX-License-Identifier: MIT OR Apache-2.0
//! The names of reasons why a lookup failed. Both C libraries have the same numbers where both have a name (`netdb.h`).

/// Of what getaddrinfo(3) returns.
pub(crate) fn of_getaddrinfo(number: i32) -> Option<&'static str> {
    Some(match number {
        -1 => "EAI_BADFLAGS",
        -2 => "EAI_NONAME",
        -3 => "EAI_AGAIN",
        -4 => "EAI_FAIL",
        -5 => "EAI_NODATA",
        -6 => "EAI_FAMILY",
        -7 => "EAI_SOCKTYPE",
        -8 => "EAI_SERVICE",
        -9 => "EAI_ADDRFAMILY",
        -10 => "EAI_MEMORY",
        -11 => "EAI_SYSTEM",
        -12 => "EAI_OVERFLOW",
        -105 => "EAI_IDN_ENCODE",
        _ => return None,
    })
}

/// Of what is in `h_errno`.
pub(crate) fn of_h_errno(number: i32) -> Option<&'static str> {
    Some(match number {
        -1 => "NETDB_INTERNAL",
        1 => "HOST_NOT_FOUND",
        2 => "TRY_AGAIN",
        3 => "NO_RECOVERY",
        4 => "NO_DATA",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{of_getaddrinfo, of_h_errno};
    use nix::libc;

    #[test]
    fn names_are_those_of_the_c_library() {
        for (number, name) in [
            (libc::EAI_NONAME, "EAI_NONAME"),
            (libc::EAI_AGAIN, "EAI_AGAIN"),
            (libc::EAI_SERVICE, "EAI_SERVICE"),
            (libc::EAI_SYSTEM, "EAI_SYSTEM"),
            (libc::EAI_OVERFLOW, "EAI_OVERFLOW"),
        ] {
            assert_eq!(of_getaddrinfo(number), Some(name));
        }
        // A success, and an error number that the others return.
        assert_eq!((of_getaddrinfo(0), of_getaddrinfo(34)), (None, None));
        assert_eq!(
            (of_h_errno(0), of_h_errno(1)),
            (None, Some("HOST_NOT_FOUND"))
        );
    }
}
