//! URIs.

use super::{format_type, ip};
use crate::payload::Str;

/// `format: uri`, a URI by RFC 3986 section 3: `https://example.org/a?b#c`, `mailto:ada@example.org`.
///
/// ASCII only; others are percent-encoded. Neither scheme nor host are looked up: `http://999.0.0.1/` is a URI whose host is a name.
///
/// ```
/// use eventwright::Uri;
///
/// const TERMS: Uri = Uri::from_static("https://example.org/terms");
/// assert!(TERMS.starts_with("https:"));
/// assert_eq!(Uri::new("example.org/terms").unwrap_err().to_string(), "the value is not a URI");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uri(Str);

format_type!(const Uri, is_uri, "is not a URI");

/// `format: uri-reference`, a URI or a relative reference by RFC 3986 section 4.1: `../terms`, `//example.org`, `#top`.
///
/// ```
/// use eventwright::UriReference;
///
/// const TERMS: UriReference = UriReference::from_static("/terms?lang=en");
/// assert_eq!(TERMS, "/terms?lang=en");
/// assert_eq!(UriReference::new("a b").unwrap_err().to_string(), "the value is not a URI reference");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UriReference(Str);

format_type!(const UriReference, is_reference, "is not a URI reference");

/// A set of ASCII characters, a bit for each.
type Set = u128;

const DIGITS: Set = set(b"0123456789");
const ALPHANUMERIC: Set = DIGITS | set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ") | set(b"abcdefghijklmnopqrstuvwxyz");
const SCHEME: Set = ALPHANUMERIC | set(b"+-.");
const UNRESERVED: Set = ALPHANUMERIC | set(b"-._~");
const SUB_DELIMS: Set = set(b"!$&'()*+,;=");
const REG_NAME: Set = UNRESERVED | SUB_DELIMS;
const USERINFO: Set = REG_NAME | set(b":");
const PATH_NOSCHEME: Set = REG_NAME | set(b"@");
const PATH: Set = REG_NAME | set(b":@/");
const QUERY: Set = PATH | set(b"?");

const fn set(mut members: &[u8]) -> Set {
    let mut set = 0;
    while let [member, rest @ ..] = members {
        set |= 1 << *member;
        members = rest;
    }
    set
}

const fn is_uri(text: &str) -> bool {
    match after_scheme(text.as_bytes()) {
        Some(rest) => is_after_scheme(rest),
        None => false,
    }
}

const fn is_reference(text: &str) -> bool {
    if is_uri(text) {
        return true;
    }
    // else the first segment would be taken for a scheme (RFC 3986 section 4.2)
    let begins_with_colon = matches!(after(text.as_bytes(), PATH_NOSCHEME), [b':', ..]);
    !begins_with_colon && is_after_scheme(text.as_bytes())
}

/// `https:`
const fn after_scheme(text: &[u8]) -> Option<&[u8]> {
    let [b'A'..=b'Z' | b'a'..=b'z', ..] = text else {
        return None;
    };
    match after_plain(text, SCHEME) {
        [b':', rest @ ..] => Some(rest),
        _ => None,
    }
}

/// `//example.org/a?b#c`, or without an authority.
const fn is_after_scheme(text: &[u8]) -> bool {
    let mut rest = text;
    if let [b'/', b'/', authority @ ..] = text {
        rest = match after_authority(authority) {
            Some(rest @ ([] | [b'/' | b'?' | b'#', ..])) => rest,
            _ => return false,
        };
    }
    rest = after(rest, PATH);
    if let [b'?', query @ ..] = rest {
        rest = after(query, QUERY);
    }
    if let [b'#', fragment @ ..] = rest {
        rest = after(fragment, QUERY);
    }
    rest.is_empty()
}

/// `ada@example.org:8080`
const fn after_authority(text: &[u8]) -> Option<&[u8]> {
    let host = match after(text, USERINFO) {
        [b'@', host @ ..] => host,
        _ => text,
    };
    let rest = match host {
        [b'[', literal @ ..] => match after_ip_literal(literal) {
            Some(rest) => rest,
            None => return None,
        },
        _ => after(host, REG_NAME),
    };
    match rest {
        [b':', port @ ..] => Some(after_plain(port, DIGITS)),
        _ => Some(rest),
    }
}

/// `2001:db8::1]` or `v1.x]`, RFC 3986 section 3.2.2.
const fn after_ip_literal(text: &[u8]) -> Option<&[u8]> {
    let address_and_rest = after_plain(text, USERINFO);
    let (address, [b']', rest @ ..]) = text.split_at(text.len() - address_and_rest.len()) else {
        return None;
    };
    if ip::is_v6(address) || is_future_address(address) { Some(rest) } else { None }
}

/// `v1.x`
const fn is_future_address(text: &[u8]) -> bool {
    let [b'V' | b'v', version @ ..] = text else {
        return false;
    };
    let mut rest = version;
    while let [digit, after @ ..] = rest
        && digit.is_ascii_hexdigit()
    {
        rest = after;
    }
    match rest {
        [b'.', address @ ..] => {
            rest.len() < version.len() && !address.is_empty() && after_plain(address, USERINFO).is_empty()
        }
        _ => false,
    }
}

/// What follows characters of the set.
const fn after_plain(text: &[u8], set: Set) -> &[u8] {
    let mut rest = text;
    while let [byte @ 0..128, after @ ..] = rest
        && set >> *byte & 1 == 1
    {
        rest = after;
    }
    rest
}

/// What follows characters of the set and percent-encoded ones, RFC 3986 section 2.1.
const fn after(text: &[u8], set: Set) -> &[u8] {
    let mut rest = after_plain(text, set);
    while let [b'%', high, low, encoded_after @ ..] = rest
        && high.is_ascii_hexdigit()
        && low.is_ascii_hexdigit()
    {
        rest = after_plain(encoded_after, set);
    }
    rest
}
