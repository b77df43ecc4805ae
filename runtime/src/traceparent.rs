/// Whether a text is a `traceparent` of W3C Trace Context: version, trace id, parent id and flags. A version that we don't know may
/// say more behind those (section 3.2.4, "Versioning of traceparent").
pub(crate) fn is_traceparent(text: &str) -> bool {
    let (known, more) = match text.split_at_checked(LENGTH) {
        Some((known, more)) => (known, more),
        None => return false,
    };
    let mut parts = known.split('-');
    let mut hex = |length: usize| parts.next().filter(|part| part.len() == length && part.bytes().all(is_hex));
    let (Some(version), Some(trace), Some(parent), Some(_flags)) = (hex(2), hex(32), hex(16), hex(2)) else {
        return false;
    };
    let is_zero = |id: &str| id.bytes().all(|digit| digit == b'0');
    let ends_well = match version {
        "00" => more.is_empty(),
        "ff" => false,
        _ => more.is_empty() || more.starts_with('-'),
    };
    ends_well && parts.next().is_none() && !is_zero(trace) && !is_zero(parent)
}

/// `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`
const LENGTH: usize = 55;

fn is_hex(digit: u8) -> bool {
    matches!(digit, b'0'..=b'9' | b'a'..=b'f')
}
