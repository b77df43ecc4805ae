//! Texts that are nearly right, or look wrong and are right.

use fastrand::Rng;
use serde_json::Value;

use super::contracts::Schema;
use super::pattern::{Times, matching};

/// A text next to `text`, where the schema draws its lines.
pub(crate) fn near(schema: Schema<'_>, text: &str, rng: &mut Rng) -> String {
    if rng.u8(0..5) == 0 {
        return edited(text, rng);
    }
    if schema.get("enum").is_some() {
        return word(text, rng);
    }
    if schema.get("pattern").is_some() {
        return match rng.u8(0..6) {
            // a UUID of another version than 7
            0 => text.replacen("-7", "-4", 1),
            1 => text.to_uppercase(),
            2 => nasty(rng),
            _ => edited(text, rng),
        };
    }
    match schema.text("format") {
        Some("date-time") => date_time(rng),
        Some("date") => pick(&DATES, rng),
        Some("email") => email(rng),
        Some("uuid") => uuid(text, rng),
        _ => of_length_near(schema, rng),
    }
}

/// A text that is wrong in most places.
pub(crate) fn nasty(rng: &mut Rng) -> String {
    const TEXTS: [&str; 14] =
        ["", " ", "x", "USD", "usd", "ＵＳＤ", "94110", "94110\n", "９４１１０", "null", "card", "a-", "a.b", "\u{0}"];
    match rng.u8(0..5) {
        0 => date_time(rng),
        1 => pick(&DATES, rng),
        2 => email(rng),
        _ => pick(&TEXTS, rng),
    }
}

/// `length` characters: of one kind, so that bytes or UTF-16 units counted instead show, or of all kinds.
pub(crate) fn of_length(length: usize, rng: &mut Rng) -> String {
    const LETTERS: [char; 13] = ['a', 'Z', '0', ' ', '"', '\\', '\n', 'é', '\u{301}', 'ß', '漢', '🦀', '\u{7f}'];
    let all = rng.bool();
    let one = rng.choice(LETTERS).unwrap_or('a');
    (0..length).map(|_| if all { rng.choice(LETTERS).unwrap_or(one) } else { one }).collect()
}

fn of_length_near(schema: Schema<'_>, rng: &mut Rng) -> String {
    of_length(rng.choice(schema.bounds("minLength", "maxLength")).unwrap_or_default(), rng)
}

/// Texts on either side of each line that the schema draws: all words of an enum, the shortest and longest texts and one character
/// less and more.
pub(crate) fn edges(schema: Schema<'_>, rng: &mut Rng) -> Vec<String> {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let words = words.iter().filter_map(Value::as_str).map(str::to_owned);
        return words.chain(["unheard_of".to_owned()]).collect();
    }
    if let Some(pattern) = schema.text("pattern") {
        let (least, most) = (matching(pattern, Times::Least, rng), matching(pattern, Times::Most, rng));
        let mut less = least.clone();
        let last = less.pop().into_iter();
        return vec![less, least, format!("{most}{}", last.collect::<String>()), most];
    }
    if schema.get("format").is_some() {
        return (0..8).map(|_| near(schema, "", rng)).collect();
    }
    schema.bounds("minLength", "maxLength").map(|length| of_length(length, rng)).to_vec()
}

/// One character other, more or less.
fn edited(text: &str, rng: &mut Rng) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let at = rng.usize(..=letters.len());
    let letter = rng.choice(['g', 'A', 'f', '0', '9', '-', '.', '_', ' ', '\n', 'é', '漢', '\u{0}']).unwrap_or('g');
    match rng.u8(0..6) {
        0 if at < letters.len() => drop(letters.remove(at)),
        1 if at < letters.len() => letters[at] = letters[at].to_ascii_uppercase(),
        2 | 3 if at < letters.len() => letters[at] = letter,
        4 => letters.push('\n'),
        _ => letters.insert(at, letter),
    }
    letters.into_iter().collect()
}

fn word(text: &str, rng: &mut Rng) -> String {
    match rng.u8(0..6) {
        0 => text.to_uppercase(),
        1 => format!("{text} "),
        2 => text.replace('_', "-"),
        3 => String::new(),
        4 => nasty(rng),
        _ => "unheard_of".to_owned(),
    }
}

fn uuid(text: &str, rng: &mut Rng) -> String {
    match rng.u8(0..8) {
        0 => text.to_uppercase(),
        1 => text.replace('-', ""),
        2 => format!("{{{text}}}"),
        3 => format!("urn:uuid:{text}"),
        4 => "00000000-0000-0000-0000-000000000000".to_owned(),
        5 => text.replacen("-4", "-7", 1),
        6 => format!("per_{text}"),
        _ => edited(text, rng),
    }
}

#[rustfmt::skip]
const DATES: [&str; 24] = [
    "2024-02-29", "2023-02-29", "2024-02-30", "1900-02-29", "2000-02-29", "2024-04-31", "2024-04-30", "2024-12-31",
    "2024-00-10", "2024-13-01", "2024-12-00", "2024-12-32", "0000-01-01", "0000-02-29", "9998-12-31", "24-01-01",
    "2024-1-1", "02024-01-01", "-2024-01-01", "+2024-01-1", "2024/01/01", "20240101", "2024-W01-1", "２０２４-01-01",
];

/// Put together of parts, most of them right. Without the year 9999, since what is later in UTC is refused: RFC 3339 section 1
/// speaks of the years to 9999, and `eventwright` says so.
fn date_time(rng: &mut Rng) -> String {
    #[rustfmt::skip]
    const TIMES: [&str; 18] = [
        "00:00:00", "23:59:59", "23:59:60", "22:59:60", "15:59:60", "23:58:60", "23:59:61", "24:00:00", "24:00:01", "12:60:00",
        "12:00", "120000", "1:00:00", "12:00:5", " 2:00:00", "+2:00:00", "12-00-00", "12:00:００",
    ];
    const FRACTIONS: [&str; 10] = [
        "",
        ".5",
        ".000000001",
        ".999999999",
        ".9999999999",
        ".123456789012345678901234567890",
        ".",
        ",5",
        ".5.5",
        ".-1",
    ];
    #[rustfmt::skip]
    const OFFSETS: [&str; 24] = [
        "Z", "z", "", "+00:00", "-00:00", "+23:59", "-23:59", "+24:00", "-24:00", "+00:60", "-08:00", "+01:00", "+0100", "+01",
        "01:00", "+1:00", "Z ", "ZZ", "Z\n", " Z", "UTC", "+01:00Z", "\u{2212}01:00", "+01:00:00",
    ];
    const LEAP_SECONDS: [&str; 6] = [
        "1990-12-31T23:59:60Z",
        "2016-12-31T15:59:60-08:00",
        "2017-01-01T00:59:60.25+01:00",
        "2016-12-31T23:59:60-08:00",
        "1998-12-31T23:58:60Z",
        "1990-12-31t23:59:60.999999999z",
    ];
    if rng.u8(0..8) == 0 {
        return pick(&LEAP_SECONDS, rng);
    }
    let mut part = |parts: &[&str]| if rng.u8(0..4) == 0 { pick(parts, rng) } else { parts[0].to_owned() };
    let separator = part(&["T", "t", " ", "", "TT", "_"]);
    format!("{}{separator}{}{}{}", part(&DATES), part(&TIMES), part(&FRACTIONS), part(&OFFSETS))
}

fn email(rng: &mut Rng) -> String {
    #[rustfmt::skip]
    const EMAILS: [&str; 42] = [
        "a@b", "a@b.co", "A.B+c@D-e.CO", "!#$%&'*+-/=?^_`{|}~@b.co", "@b.co", "a@", "a", "", "@", "a@@b.co", "a@b@c.co", "a b@c.co",
        " a@b.co", "a@b.co ", "a@b.co\n", "a..b@c.co", ".a@c.co", "a.@c.co", "a@.c.co", "a@c..co", "a@c.co.", "a@-b.co", "a@b-.co",
        "a@b_c.co", "a@b c.co", "é@b.co", "a@é.co", "\"a b\"@c.co", "\"a@b\"@c.co", "\"a\\\"b\"@c.co", "\"a\"b\"@c.co", "\"\"@c.co",
        "\"a@c.co", "a@[127.0.0.1]", "a@[127.0.0.256]", "a@[127.0.0.01]", "a@[IPv6:::1]", "a@[ipv6:2001:db8::1]", "a@[::1]", "a@[]",
        "Ada <a@b.co>", "a(c)@b.co",
    ];
    match rng.u8(0..6) {
        0 => format!("{}@b.co", "a".repeat(rng.usize(63..67))),
        1 => format!("a@{}.co", "b".repeat(rng.usize(62..66))),
        2 => format!("a@{}{}", "b234567.".repeat(31), "c".repeat(rng.usize(4..8))),
        _ => pick(&EMAILS, rng),
    }
}

fn pick(texts: &[&str], rng: &mut Rng) -> String {
    rng.choice(texts).copied().unwrap_or_default().to_owned()
}

/// Whether an enum's value stands here, which a later revision may have more of.
pub(crate) fn is_word(schema: Schema<'_>, value: Option<&Value>) -> bool {
    schema.get("enum").is_some() && value.is_some_and(Value::is_string)
}
