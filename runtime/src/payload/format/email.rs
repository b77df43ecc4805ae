//! Email addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::hostname::{is_dot, is_ldh_label};
use crate::payload::Invalid;
use crate::payload::text::Rule;

/// `format: email`: a Mailbox of RFC 5321 section 4.1.2, of at most 64 bytes before the `@` and 253 after it.
///
/// The domain may be an address literal, `[192.0.2.1]` or `[IPv6:2001:db8::1]`. A display name (`Ada <ada@example.org>`) is not part
/// of a Mailbox. It is kept as written: by RFC 5321 only the host may know whether the case of the local part matters.
///
/// ```
/// use eventwright::Email;
///
/// let email = Email::new("ada@example.org")?;
/// assert_eq!(email.as_str(), "ada@example.org");
/// assert!(Email::new("ada").is_err());
/// # Ok::<(), eventwright::payload::Invalid>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Rule for Email {
    fn check(text: &str) -> Result<(), Invalid> {
        // a quoted local part may hold an `@`, a domain may not
        let is_mailbox = text.rsplit_once('@').is_some_and(|(local, domain)| is_local_part(local) && is_domain(domain));
        if is_mailbox { Ok(()) } else { Err(Invalid::new("is not an email address")) }
    }
}

crate::__text!([] Email);

const LONGEST_LOCAL_PART: usize = 64; // RFC 5321 section 4.5.3.1.1
const LONGEST_DOMAIN: usize = 253; // what RFC 1035's 255 octets leave of a name's text

fn is_local_part(local: &str) -> bool {
    if local.len() > LONGEST_LOCAL_PART {
        return false;
    }
    match local.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').is_some_and(is_quoted_content),
        None => local.as_bytes().split(is_dot).all(|atom| !atom.is_empty() && atom.iter().all(is_atext)),
    }
}

/// RFC 5322 section 3.2.3.
fn is_atext(byte: &u8) -> bool {
    matches!(
        byte,
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9'
            | b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'/' | b'=' | b'?' | b'^'..=b'`' | b'{'..=b'~'
    )
}

/// Any printable ASCII, quotes and backslashes escaped.
fn is_quoted_content(content: &str) -> bool {
    let mut bytes = content.bytes();
    while let Some(byte) = bytes.next() {
        let is_allowed = match byte {
            b'\\' => bytes.next().is_some_and(|escaped| matches!(escaped, b' '..=b'~')),
            b'"' => false,
            other => matches!(other, b' '..=b'~'),
        };
        if !is_allowed {
            return false;
        }
    }
    true
}

fn is_domain(domain: &str) -> bool {
    match domain.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(is_address),
        None => domain.len() <= LONGEST_DOMAIN && domain.as_bytes().split(is_dot).all(is_ldh_label),
    }
}

fn is_address(address: &str) -> bool {
    match address.split_at_checked("IPv6:".len()) {
        Some((tag, address)) if tag.eq_ignore_ascii_case("IPv6:") => address.parse::<Ipv6Addr>().is_ok(),
        _ => address.parse::<Ipv4Addr>().is_ok(),
    }
}
