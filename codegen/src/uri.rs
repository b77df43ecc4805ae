//! URIs (RFC 3986).

use fluent_uri::{Uri, UriRef};

/// Text as a URI's fragment, percent-encoded where it must be (RFC 3986, section 3.5; RFC 6901, section 6).
pub(crate) fn fragment(text: &str) -> String {
    encoded(text, b"-._~!$&'()*+,;=:@/?")
}

/// Text as a segment of a URI's path.
pub(crate) fn segment(text: &str) -> String {
    encoded(text, b"-._~")
}

fn encoded(text: &str, plain: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The text of a fragment that is percent-encoded; none where it is not UTF-8.
pub(crate) fn decoded(fragment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// Resolves a URI reference (RFC 3986, section 5); none where it is no reference, or the base is of a kind that nothing is relative
/// to.
pub(crate) fn resolve(base: &str, reference: &str) -> Option<String> {
    let base = Uri::parse(base).ok()?;
    let reference = UriRef::parse(reference).ok()?;
    Some(reference.resolve_against(&base).ok()?.normalize().into_string())
}
