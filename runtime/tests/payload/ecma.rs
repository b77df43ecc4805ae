//! ECMA 262 as JSON Schema's patterns mean it.

/// Punctuation that has a backslash though it means itself, by its code: the flag `u` forbids the backslash, and without the flag
/// characters are not code points.
pub(crate) fn by_code(pattern: &str) -> String {
    let mut out = String::new();
    let mut chars = pattern.chars();
    while let Some(char) = chars.next() {
        out.push(char);
        let Some(escaped) = (char == '\\').then(|| chars.next()).flatten() else { continue };
        match escaped {
            _ if "-_\"'@#%&!,:;<>=~`".contains(escaped) => out.push_str(&format!("x{:02x}", u32::from(escaped))),
            _ => out.push(escaped),
        }
    }
    out
}
