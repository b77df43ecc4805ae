//! IP addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserializer, Serializer};

use super::format_type;
use crate::payload::{Invalid, Read, Reader, Str, Write, text};

/// `format: ipv4`, the dotted quad of RFC 2673 section 3.2: four numbers up to 255, without leading zeros, which some would
/// read as octal.
impl Read for Ipv4Addr {
    fn read<'de, D: Deserializer<'de>>(json: D, reader: &Reader) -> Result<Self, D::Error> {
        text::read(json, reader, |text| parse_v4(text).ok_or(Invalid::new("is not an IPv4 address")))
    }
}

impl Write for Ipv4Addr {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

pub(super) fn parse_v4(text: &str) -> Option<Ipv4Addr> {
    text.parse().ok()
}

/// `format: ipv6`, an address by RFC 4291 section 2.2: `2001:db8::1`, `::ffff:192.0.2.1`.
///
/// It is kept as written, since one address has many texts; compare [`addr`](Self::addr). A zone (`%eth0`) or a prefix length
/// (`/64`) is no part of an address.
///
/// ```
/// use eventwright::Ipv6;
///
/// const LOOPBACK: Ipv6 = Ipv6::from_static("::1");
/// assert!(LOOPBACK.addr().is_loopback());
/// assert_eq!(Ipv6::new("0:0:0:0:0:0:0:1")?.addr(), LOOPBACK.addr());
/// assert_eq!(Ipv6::new("::1%lo").unwrap_err().to_string(), "the value is not an IPv6 address");
/// # Ok::<(), eventwright::payload::Invalid>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ipv6(Str);

format_type!(const Ipv6, is_v6_text, "is not an IPv6 address");

impl Ipv6 {
    /// The address.
    ///
    /// # Panics
    /// Never: the rule lets in what the standard library reads, and the tests hold the two against each other.
    #[must_use]
    pub fn addr(&self) -> Ipv6Addr {
        self.0.parse().expect("the rule is the standard library's")
    }
}

const fn is_v6_text(text: &str) -> bool {
    is_v6(text.as_bytes())
}

/// The standard library's rule, which constants can't ask.
pub(super) const fn is_v6(text: &[u8]) -> bool {
    let (mut rest, mut has_gap) = match text {
        [b':', b':'] => return true,
        [b':', b':', rest @ ..] => (rest, true),
        _ => (text, false),
    };
    let mut groups = 0;
    loop {
        let after = after_group(rest);
        if after.len() == rest.len() {
            return false;
        }
        groups += 1;
        match after {
            [] => break,
            [b':', b':', ..] if has_gap => return false,
            [b':', b':'] => {
                has_gap = true;
                break;
            }
            [b':', b':', after @ ..] => {
                has_gap = true;
                rest = after;
            }
            [b':', after @ ..] => rest = after,
            // the last 32 bits may be written as an IPv4 address
            [b'.', ..] if is_v4(rest) => {
                groups += 1;
                break;
            }
            _ => return false,
        }
    }
    // `::` stands for one group at least
    if has_gap { groups < 8 } else { groups == 8 }
}

/// What follows up to four hexadecimal digits.
const fn after_group(text: &[u8]) -> &[u8] {
    let mut rest = text;
    while let [digit, after @ ..] = rest
        && digit.is_ascii_hexdigit()
        && text.len() - rest.len() < 4
    {
        rest = after;
    }
    rest
}

const fn is_v4(text: &[u8]) -> bool {
    let mut rest = text;
    let mut dots = 0;
    loop {
        let Some(after) = after_octet(rest) else {
            return false;
        };
        match after {
            [] => return dots == 3,
            [b'.', after @ ..] if dots < 3 => rest = after,
            _ => return false,
        }
        dots += 1;
    }
}

/// What follows a number up to 255 without leading zeros.
const fn after_octet(text: &[u8]) -> Option<&[u8]> {
    Some(match text {
        [b'2', b'5', b'0'..=b'5', rest @ ..]
        | [b'2', b'0'..=b'4', b'0'..=b'9', rest @ ..]
        | [b'1', b'0'..=b'9', b'0'..=b'9', rest @ ..]
        | [b'1'..=b'9', b'0'..=b'9', rest @ ..]
        | [b'0'..=b'9', rest @ ..] => rest,
        _ => return None,
    })
}
