//! Host names.

mod punycode;
mod u_label;

use super::format_type;
use crate::payload::Str;

/// `format: hostname`, RFC 1123 section 2.1: labels of letters, digits and inner hyphens, up to 63 bytes, of 253 bytes in all.
///
/// A label that begins with `xn--` has to be an A-label (RFC 5890 section 2.3.2.1): it decodes to a label that RFC 5892 allows.
/// What that RFC asks of compatibility forms (section 2.2) and RFC 5893 of the direction of writing is not checked. A dot at the
/// end is not allowed.
///
/// ```
/// use eventwright::Hostname;
///
/// let host = Hostname::new("xn--zrich-kva.example.org")?;
/// assert_eq!(host, "xn--zrich-kva.example.org");
/// assert_eq!(Hostname::new("-a.example").unwrap_err().to_string(), "the value is not a host name");
/// # Ok::<(), eventwright::payload::Invalid>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hostname(Str);

format_type!(Hostname, is_hostname, "is not a host name");

const LONGEST_NAME: usize = 253; // what RFC 1035's 255 octets leave of a name's text
const LONGEST_LABEL: usize = 63; // RFC 1035 section 2.3.4

fn is_hostname(text: &str) -> bool {
    text.len() <= LONGEST_NAME
        && text.split('.').all(|label| {
            is_ldh_label(label.as_bytes())
                && match label.split_at_checked("xn--".len()) {
                    Some((prefix, encoded)) if prefix.eq_ignore_ascii_case("xn--") => is_a_label(encoded),
                    _ => true,
                }
        })
}

/// Letters, digits, hyphens. Email domains are made of the same labels (RFC 5321 section 4.1.2).
pub(super) fn is_ldh_label(label: &[u8]) -> bool {
    !label.is_empty()
        && label.len() <= LONGEST_LABEL
        && !label.starts_with(b"-")
        && !label.ends_with(b"-")
        && label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

/// What is between labels.
pub(super) fn is_dot(byte: &u8) -> bool {
    *byte == b'.'
}

/// What follows `xn--`. Case does not matter in the DNS (RFC 4343), so it does not here.
fn is_a_label(encoded: &str) -> bool {
    let encoded = encoded.to_ascii_lowercase();
    punycode::decode(encoded.as_bytes()).is_some_and(|label| !is_ascii(&label) && u_label::is_u_label(&label))
}

fn is_ascii(label: &[char]) -> bool {
    label.iter().all(char::is_ascii)
}
