//! The formats.

use std::net::Ipv4Addr;

use super::text::valid;
use super::{Rejected, Sample, Source, times};
use crate::payload::{Email, FullTime, Hostname, Ipv6, IsoDuration, JsonPointer, Uri, UriReference};

macro_rules! formats {
    ($($type:ident: $text:path),+) => {
        $(crate::__arbitrary!($type, |source| source.retry::<Self, Self>(|source| valid(Self::new($text(source)?))));)+
    };
}

formats!(
    Email: email,
    FullTime: times::time,
    Hostname: hostname,
    Ipv6: ipv6,
    IsoDuration: duration,
    JsonPointer: pointer,
    Uri: uri,
    UriReference: reference
);
#[cfg(feature = "regex")]
use crate::payload::EcmaRegex;
#[cfg(feature = "regex")]
formats!(EcmaRegex: regex);

impl Sample for Ipv4Addr {
    fn sample(source: &mut Source<'_>) -> Result<Self, Rejected> {
        Ok(match source.below(4) {
            0 => Self::LOCALHOST,
            1 => source.pick(&[Self::UNSPECIFIED, Self::BROADCAST])?,
            _ => Self::from_bits(source.below(1 << 32) as u32),
        })
    }
}

/// A text of a format, by its name in JSON Schema.
pub(super) fn of_name(name: &str, source: &mut Source<'_>) -> Result<String, Rejected> {
    match name {
        "date-time" => times::date_time(source),
        "date" => times::date(source),
        "time" => times::time(source),
        "duration" => duration(source),
        "email" => email(source),
        "hostname" => hostname(source),
        "ipv4" => Ipv4Addr::sample(source).map(|address| address.to_string()),
        "ipv6" => ipv6(source),
        "uri" => uri(source),
        "uri-reference" => reference(source),
        "uuid" => times::uuid(source),
        "json-pointer" => pointer(source),
        #[cfg(feature = "regex")]
        "regex" => regex(source),
        _ => Err(Rejected::new()),
    }
}

/// So many characters of a set, the first of which are simplest.
fn some(set: &str, min: usize, max: usize, source: &mut Source<'_>) -> String {
    let set: Vec<char> = set.chars().collect();
    let length = source.length(min, max, max);
    (0..length).map(|_| set[source.index(set.len())]).collect()
}

const ALPHANUMERIC: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

fn email(source: &mut Source<'_>) -> Result<String, Rejected> {
    let local = match source.below(8) {
        7 => source.pick(&["\"a b\"", "\"a@b\"", "!#$%&'*+-/=?^_`{|}~", "o'neil"])?.to_owned(),
        6 => format!("{}.{}", some(ALPHANUMERIC, 1, 20, source), some(ALPHANUMERIC, 1, 20, source)),
        5 => format!("{}+{}", some(ALPHANUMERIC, 1, 20, source), some(ALPHANUMERIC, 1, 20, source)),
        _ => some(ALPHANUMERIC, 1, 64, source),
    };
    let domain = match source.below(8) {
        7 => source.pick(&["[192.0.2.1]", "[IPv6:2001:db8::1]"])?.to_owned(),
        _ => ascii_hostname(source),
    };
    Ok(format!("{local}@{domain}"))
}

fn ascii_hostname(source: &mut Source<'_>) -> String {
    let labels: Vec<String> = (0..1 + source.below(3)).map(|_| label(source)).collect();
    labels.join(".")
}

fn label(source: &mut Source<'_>) -> String {
    match source.below(4) {
        3 => format!("{}-{}", some(ALPHANUMERIC, 1, 10, source), some(ALPHANUMERIC, 1, 10, source)),
        _ => some(ALPHANUMERIC, 1, 63, source),
    }
}

fn hostname(source: &mut Source<'_>) -> Result<String, Rejected> {
    match source.below(8) {
        7 => source.pick(&["xn--zrich-kva.example.org", "localhost", "1.example", "a"]).map(str::to_owned),
        _ => Ok(ascii_hostname(source)),
    }
}

fn ipv6(source: &mut Source<'_>) -> Result<String, Rejected> {
    if source.below(3) == 0 {
        return source.pick(&["::1", "::", "2001:db8::1", "::ffff:192.0.2.1", "FE80::A"]).map(str::to_owned);
    }
    let groups: Vec<String> = (0..8).map(|_| format!("{:x}", source.below(1 << 16))).collect();
    Ok(groups.join(":"))
}

fn duration(source: &mut Source<'_>) -> Result<String, Rejected> {
    if source.below(4) == 0 {
        return source.pick(&["PT0S", "P1D", "P2W", "P3Y6M4DT12H30M5S", "PT36H"]).map(str::to_owned);
    }
    let mut units = |names: &[&str]| {
        let first = source.index(names.len());
        let count = 1 + source.index(names.len() - first);
        let units: Vec<String> =
            names[first..first + count].iter().map(|name| format!("{}{name}", source.below(100))).collect();
        units.concat()
    };
    Ok(format!("P{}T{}", units(&["Y", "M", "D"]), units(&["H", "M", "S"])))
}

fn pointer(source: &mut Source<'_>) -> Result<String, Rejected> {
    let mut pointer = String::new();
    for _ in 0..source.below(4) {
        let step = String::sample(source)?.replace('~', "~0").replace('/', "~1");
        pointer = format!("{pointer}/{step}");
    }
    Ok(pointer)
}

const IN_PATHS: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-._~!$&'()*+,;=@";

fn uri(source: &mut Source<'_>) -> Result<String, Rejected> {
    Ok(match source.below(8) {
        7 => source.pick(&["mailto:ada@example.org", "urn:isbn:0451450523", "tel:+1-816-555-1212"])?.to_owned(),
        6 => format!("http://[{}]:{}/", ipv6(source)?, source.below(1 << 16)),
        _ => format!("https://{}{}", ascii_hostname(source), path(source)?),
    })
}

fn reference(source: &mut Source<'_>) -> Result<String, Rejected> {
    match source.below(4) {
        0 => source.pick(&["", "#top", "../a", "//example.org", "?a=b"]).map(str::to_owned),
        1 => uri(source),
        _ => path(source),
    }
}

fn path(source: &mut Source<'_>) -> Result<String, Rejected> {
    let steps: Vec<String> = (0..source.below(4)).map(|_| format!("/{}", some(IN_PATHS, 0, 12, source))).collect();
    let end = source.pick(&["", "", "", "?a=b&c=d/?", "#top", "?#", "/%C3%A9"])?;
    // two slashes would begin an authority
    Ok(format!("/p{}{end}", steps.concat()))
}

#[cfg(feature = "regex")]
fn regex(source: &mut Source<'_>) -> Result<String, Rejected> {
    const PATTERNS: [&str; 6] = ["", "^a+$", "^(web|phone)$", "\\p{L}{2,}", "^(?=a)\\w*$", "(a)\\1"];

    match source.below(2) {
        0 => source.pick(&PATTERNS).map(str::to_owned),
        _ => Ok(some(ALPHANUMERIC, 0, 12, source)),
    }
}
