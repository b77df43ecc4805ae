//! What schemas and instances are made of: few words, so that they meet.

/// Names of members.
pub(crate) const NAMES: [&str; 10] = ["a", "b", "c", "id", "kind", "name", "type", "x-1", "x-b", "née"];

pub(crate) const DEFINITIONS: [&str; 3] = ["node", "Item", "b"];

pub(crate) const ANCHORS: [&str; 3] = ["tree", "item", "third"];

/// Values of strings.
pub(crate) const WORDS: [&str; 12] = ["a", "b", "c", "card", "Card", "x-1", "", "in_progress", "né", "🦀", "1", "null"];

/// What documentation may say, and a comment in Rust may trip over.
pub(crate) const PROSE: [&str; 6] =
    ["A thing.", "Of \"two\" lines.\nThe second.", "*/ // #[x] {}", "", "`code` [link] <b>", "Résumé 🦀\\"];

/// Patterns, and texts that match them.
pub(crate) const PATTERNS: [(&str, &[&str]); 20] = [
    ("^x-", &["x-1", "x-b", "x-"]),
    ("^[a-c]$", &["a", "b", "c"]),
    ("^[a-z]+$", &["a", "name", "card"]),
    ("^[a-z_]+$", &["in_progress", "kind"]),
    ("^[A-Z]{2,3}$", &["AB", "USD"]),
    ("^\\d{3}$", &["123", "000"]),
    ("[0-9]$", &["x-1", "1", "a7"]),
    ("a", &["a", "name", "card"]),
    ("^(id|kind|name)$", &["id", "kind", "name"]),
    ("^.{2,4}$", &["id", "kind", "née", "🦀🦀"]),
    ("^\\S+$", &["a", "card", "né"]),
    ("^\\w*$", &["", "in_progress", "a1"]),
    ("^(a|b)+c?$", &["a", "abc", "bbb"]),
    ("^[^x]", &["a", "née", "🦀"]),
    ("^[+-]?[0-9]+(\\.[0-9]+)?$", &["1", "-2.50", "+007"]),
    ("^per_[0-9a-f]{8}$", &["per_0123abcd"]),
    ("^\\p{L}+$", &["née", "a", "Ünï"]),
    ("^(?!x-).*$", &["a", "", "name"]),
    // no linear time for these: they go back to what they have read
    ("^(.)\\1*$", &["a", "b", "🦀🦀"]),
    ("^x-(?!1)|^[a-c]", &["x-b", "a", "card"]),
];

/// Formats, with texts that are right and texts that are not.
pub(crate) const FORMATS: [(&str, &[&str], &[&str]); 13] = [
    (
        "date-time",
        &[
            "2024-02-29T12:00:00Z",
            "1999-12-31t23:59:59.5-08:00",
            "2016-12-31T23:59:60Z",
            "2020-01-01T00:00:00.123456789Z",
        ],
        &["2023-02-29T12:00:00Z", "2024-02-29 12:00:00Z", "2024-02-29T12:00:00", "2024-02-29T24:00:00Z"],
    ),
    ("date", &["2024-02-29", "0001-01-01"], &["2023-02-29", "2024-2-9", "20240229", "2024-02-29T"]),
    ("time", &["12:00:00Z", "23:59:60Z", "08:30:06.283185+01:00"], &["12:00:00", "24:00:00Z", "12:00Z", "1:00:00Z"]),
    ("duration", &["P1D", "PT36H", "P4W", "P1Y2M3DT4H5M6S"], &["P", "PT", "1D", "P1D2W", "P-1D", "P1.5D"]),
    ("email", &["a@b.co", "A.B+c@example.com", "\"a b\"@c.co"], &["a", "@b.co", "a@", "a b@c.co", "a..b@c.co"]),
    ("hostname", &["a", "example.com", "x-1.b-2"], &["-a", "a_b", "a..b", "", "a b", "a-"]),
    ("ipv4", &["127.0.0.1", "255.255.255.255"], &["127.0.0", "256.0.0.1", "01.2.3.4", "1.2.3.4 "]),
    ("ipv6", &["::1", "2001:db8::ff00:42:8329", "::ffff:1.2.3.4"], &[":1", "1::2::3", "12345::", "::1%eth0"]),
    (
        "uri",
        &["https://example.com/a?b=c#d", "urn:isbn:0451450523", "mailto:a@b.co"],
        &["a", "//x/y", "http:// x", "\\\\x"],
    ),
    ("uri-reference", &["/a/b", "#frag", "https://example.com", ""], &["\\\\x", "#a\\b", "a b"]),
    (
        "uuid",
        &["2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2EB8AA08-AA98-11EA-B4AA-73B441D16380"],
        &[
            "2eb8aa08aa9811eab4aa73b441d16380",
            "2eb8aa08-aa98-11ea-b4aa-73b441d1638",
            "{2eb8aa08-aa98-11ea-b4aa-73b441d16380}",
        ],
    ),
    ("regex", &["^a+$", "", "[a-z]{2}"], &["(", "[a", "*"]),
    ("json-pointer", &["", "/a/0", "/a~1b~0c"], &["a", "/a~", "/a~2", "#/a"]),
];

/// Numbers that writers other than ours send: what serde_json reads, and the digits. No bound or divisor of a schema is near enough to
/// tell the digits from what is read, since the judge knows only the latter.
pub(crate) const LONG: [(f64, &str); 6] = [
    (0.123_456_789_012_345_68, "0.1234567890123456789"),
    (7.123_456_789_012_345, "7.1234567890123456789"),
    (18_446_744_073_709_551_616.0, "18446744073709551616"),
    (100_000_000_000_000_000_000.0, "100000000000000000000"),
    (-100_000_000_000_000_000_000.0, "-1e20"),
    (10_000_000_000_000_000_000_000.0, "10000000000000000000000.000"),
];
