//! Formats, held against the official suite, the `jsonschema` crate and others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::Ipv6Addr;
use std::path::PathBuf;

use eventwright::payload::format::{NAMES, check};
use eventwright::payload::{decode, encode};
use eventwright::{Hostname, Ipv4Addr, Ipv6, Object, Reading, Uri};
use fastrand::Rng;
use serde_json::{Value, json};

const FORMATS: [&str; 13] = [
    "date-time",
    "date",
    "time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "uuid",
    "regex",
    "json-pointer",
];

fn holds(format: &str, text: &str) -> bool {
    check(format).expect("a format of this crate")(text)
}

/// The root of the official suite, <https://github.com/json-schema-org/JSON-Schema-Test-Suite>.
fn suite() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/json-schema-test-suite");
    let root = std::env::var_os("JSON_SCHEMA_TEST_SUITE").map_or_else(beside, PathBuf::from);
    root.join("tests").is_dir().then_some(root)
}

/// The format that a schema asks for, if it asks for nothing else.
fn only_format(schema: &Value) -> Option<&str> {
    let mut keywords = schema.as_object()?.keys().filter(|keyword| *keyword != "$schema");
    let format = schema.get("format")?.as_str()?;
    (keywords.next()? == "format" && keywords.next().is_none()).then_some(format)
}

#[test]
fn the_official_suite_agrees() {
    let Some(root) = suite() else {
        println!("skipped: the official suite is not here; say where with JSON_SCHEMA_TEST_SUITE");
        return;
    };
    let mut seen = BTreeMap::new();
    let mut wrong = Vec::new();
    for draft in ["draft2020-12", "draft7", "draft4"] {
        for entry in fs::read_dir(root.join("tests").join(draft).join("optional/format")).unwrap() {
            let path = entry.unwrap().path();
            let groups: Vec<Value> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            for group in &groups {
                let Some(format) = only_format(&group["schema"]).filter(|format| FORMATS.contains(format)) else {
                    continue;
                };
                for case in group["tests"].as_array().unwrap() {
                    // what is not a string, a format lets through
                    let Some(text) = case["data"].as_str() else { continue };
                    *seen.entry((draft, format.to_owned())).or_insert(0) += 1;
                    if holds(format, text) != case["valid"] {
                        wrong.push(format!("{draft} {format} {text:?}: {}", case["description"]));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(FORMATS.iter().all(|format| seen.contains_key(&("draft2020-12", (*format).to_owned()))), "{seen:?}");
    println!("{seen:?}");
}

/// Texts of a format to begin with, which mutations then spoil.
const SEEDS: [(&str, &[&str]); 13] = [
    ("date-time", &["2024-02-29T23:59:59.25+05:30", "1998-12-31T23:59:60Z", "2023-01-31t00:00:00z"]),
    ("date", &["2024-02-29", "2023-12-31", "1900-02-28"]),
    ("time", &["08:30:06.25Z", "23:59:60Z", "01:29:60+01:30", "15:59:60-08:00", "12:00:00-00:00"]),
    ("duration", &["P1Y2M3DT4H5M6S", "P2W", "PT1M2S", "P1M2D", "PT36H", "P0D"]),
    ("email", &["ada@example.org", "\"a b\"@example.org", "a.b+c@[192.0.2.1]", "a@[IPv6:2001:db8::1]"]),
    ("hostname", &["www.example.com", "a--b.c-d.9", "xn--ll-0ea", "xn--4dbc5h.xn--wva3je", "xn--zrich-kva.org"]),
    ("ipv4", &["192.168.0.1", "255.249.199.99", "0.0.0.0"]),
    ("ipv6", &["1:2:3:4:5:6:7:8", "2001:db8::1", "::ffff:192.0.2.255", "::", "1:2:3:4:5:6:7::", "1:2:3:4:5:6:1.2.3.4"]),
    (
        "uri",
        &[
            "https://ada:x@example.org:80/a%20b/c;d=1?e=f/?#g",
            "urn:a:b",
            "ldap://[2001:db8::7]/c",
            "http://[v1.a:b]/",
            "a:",
        ],
    ),
    ("uri-reference", &["//example.org/a", "a/b:c?d#e", "../x", "", "?", "#", "./a:b", "https://[::1]:8/%41"]),
    ("uuid", &["2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2EB8AA08-AA98-11EA-B4AA-73B441D16380"]),
    ("regex", &["^(a|b){2,3}?[^c-e\\d]\\p{L}$", "(?<n>a)\\k<n>", "\\u{1F600}\\cA(?!b)", "(?:a)*[\\]\\-]"]),
    ("json-pointer", &["/foo/bar~0/baz~1/%a", "", "/", "//é"]),
];

/// Changes a text in one to three places, mostly to what it already has in it, so that much of it stays valid.
fn mutated(seed: &str, rng: &mut Rng) -> String {
    const OTHERS: [char; 33] = [
        ' ', '\n', '\t', '\0', '-', '+', '.', ':', '/', '?', '#', '[', ']', '@', '%', '~', '0', '1', '2', '5', '6',
        '9', 'a', 'f', 'g', 'A', 'T', 'Z', 'z', '_', 'é', '৪', '🦀',
    ];
    let mut text: Vec<char> = seed.chars().collect();
    for _ in 0..rng.usize(1..=3) {
        let at = rng.usize(0..=text.len());
        let other = if text.is_empty() || rng.bool() {
            OTHERS[rng.usize(..OTHERS.len())]
        } else {
            text[rng.usize(..text.len())]
        };
        match rng.u8(0..4) {
            0 => text.insert(at, other),
            1 if at < text.len() => text[at] = other,
            2 if at < text.len() => drop(text.remove(at)),
            _ if !text.is_empty() => {
                let (i, j) = (rng.usize(..text.len()), rng.usize(..text.len()));
                text.swap(i, j);
            }
            _ => {}
        }
    }
    text.into_iter().collect()
}

/// Where the `jsonschema` crate is known to be wrong, and by which RFC.
fn jsonschema_is_wrong(format: &str, text: &str, ours: bool) -> bool {
    match format {
        // RFC 5321 section 4.1.2: qtextSMTP has no control characters, unlike the qtext of RFC 5322
        "email" => !ours && text.contains('\t'),
        // RFC 5234 section 2.3: the strings of ABNF, in which RFC 3339 appendix A writes durations, are case-insensitive
        "duration" => ours && text.bytes().any(|byte| byte.is_ascii_lowercase()),
        "hostname" if ours => has_reserved_label(text) || text.to_ascii_lowercase() != text,
        "hostname" => text.split('.').any(is_not_of_u_label),
        // ECMA 262 annex B.1.2 is for patterns without the u flag: with it, `\>` and `\-` are no escapes (section 22.2.1,
        // IdentityEscape), and properties of characters are known ones
        "regex" => !ours && regress::Regex::with_flags(text, "").is_ok(),
        _ => false,
    }
}

/// RFC 5890 section 2.3.1: `ab--cd` is reserved for the future, and a host name by RFC 1123 all the same.
fn has_reserved_label(name: &str) -> bool {
    name.split('.').any(|label| label.get(2..4) == Some("--") && !label.starts_with("xn"))
}

/// Decodes to a capital letter, which is unstable (RFC 5892 section 2.2), to a jamo of old Hangul (section 2.9), or to a hyphen at the
/// begin or end (RFC 5891 section 4.2.3.1).
fn is_not_of_u_label(label: &str) -> bool {
    let encoded = label.strip_prefix("xn--").unwrap_or_default();
    idna::punycode::decode_to_string(encoded).is_some_and(|label| {
        label.to_lowercase() != label
            || label.contains(|c| matches!(c, '\u{1100}'..='\u{11FF}'))
            || label.starts_with('-')
            || label.ends_with('-')
    })
}

#[test]
fn the_jsonschema_crate_agrees() {
    let mut rng = Rng::with_seed(7);
    let mut wrong = BTreeMap::<_, Vec<_>>::new();
    for (format, seeds) in SEEDS {
        let theirs = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .build(&json!({ "format": format }))
            .unwrap();
        let (mut valid, mut invalid) = (0, 0);
        for round in 0..20_000 {
            let seed = seeds[round % seeds.len()];
            let text = if round < seeds.len() { seed.to_owned() } else { mutated(seed, &mut rng) };
            let ours = holds(format, &text);
            *(if ours { &mut valid } else { &mut invalid }) += 1;
            if ours != theirs.is_valid(&json!(text)) && !jsonschema_is_wrong(format, &text, ours) {
                wrong.entry(format).or_default().push((text, ours));
            }
        }
        assert!(valid > 500 && invalid > 500, "{format}: {valid} valid, {invalid} invalid");
    }
    for texts in wrong.values_mut() {
        texts.truncate(40);
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn what_judges_uris_and_addresses_alone_agrees() {
    let mut rng = Rng::with_seed(11);
    for (format, seeds) in SEEDS {
        for round in 0..40_000 {
            let text = mutated(seeds[round % seeds.len()], &mut rng);
            let theirs = match format {
                "uri" => fluent_uri::Uri::parse(text.as_str()).is_ok(),
                "uri-reference" => fluent_uri::UriRef::parse(text.as_str()).is_ok(),
                "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
                "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
                _ => break,
            };
            assert_eq!(holds(format, &text), theirs, "{format} {text:?}");
        }
    }
}

#[test]
fn texts_at_the_edges_of_formats() {
    let long_name =
        |len: usize| "a".repeat(63) + "." + &"b".repeat(63) + "." + &"c".repeat(63) + "." + &"d".repeat(len);
    for (format, valid, invalid) in [
        (
            "time",
            vec!["00:00:00.123456789012345Z", "00:59:60+01:00"],
            vec!["00:00:00.Z", "00:00:60Z", "00:00:00+0100", "é0:00:00Z"],
        ),
        (
            "duration",
            vec!["p1dt2h", "P1MT1M", "P9999999999999999999W"],
            vec!["P1W1D", "PT1M1H", "PT1S1S", "P1DT", "P1H", "PW", "P1YD"],
        ),
        ("ipv4", vec!["1.2.3.4"], vec!["1.2.3.04", "1.2.3.4.", "1.2.3.٤"]),
        (
            "ipv6",
            vec!["1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "::1.2.3.4", "A::f"],
            vec!["1:2:3:4::5:6:7:8", "::1.2.3.4:5", ":::", "::1:", "1.2.3.4::", ":1::", "1:2:3:4:5:6:7:1.2.3.4"],
        ),
        (
            "uri",
            vec!["a:", "a://", "a:///b", "http://[vF.:]", "http://a:/", "x://%41@%42:1#%43"],
            vec![
                "a://b@c@d",
                "http://[::1",
                "http://[v.a]",
                "http://[::1]a",
                "a:#b#c",
                "http://a:1:2/",
                "1:b",
                "http://[fe80::1%25eth0]/",
            ],
        ),
        (
            "uri-reference",
            vec!["//", "///", "a%3Ab", "?:", "a/b:c", "@"],
            vec![":", ":a", "a b", "%", "%4", "a@b:[", "é"],
        ),
        ("json-pointer", vec!["/~0~1", "/\u{0}"], vec!["~0", "/~", "/a~"]),
        (
            "hostname",
            vec!["a", "1.2", "AB--cd", "XN--LL-0EA"],
            vec!["a..b", "a-.b", "xn--", "xn--abc", "xn--abc-", "xn---a", "xn--0", "xn--99999999", "xn--a-ecp.ru"],
        ),
        (
            "uuid",
            vec!["00000000-0000-0000-0000-000000000000"],
            vec!["urn:uuid:00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000"],
        ),
        (
            "regex",
            vec!["", "\\p{Script=Greek}", "(?<=a)b", "[^]", "\\\\u+", "\\-\\\"[\\-]"],
            vec![
                "\\p{Foo}",
                "a{2,1}",
                "\\1",
                "\\u{+61}",
                "[\\u+061]",
                "(?<a>)(?<a>)",
                "]",
                "{",
                "(?\\:a)",
                "^*",
                "[b-a]",
            ],
        ),
    ] {
        for text in valid {
            assert!(holds(format, text), "{format} {text:?}");
        }
        for text in invalid {
            assert!(!holds(format, text), "{format} {text:?}");
        }
    }
    assert!(holds("hostname", &long_name(61)) && !holds("hostname", &long_name(62)));
}

/// Nothing that a text can hold makes a rule slow, or panic.
#[test]
fn long_texts_take_no_time() {
    let begun = std::time::Instant::now();
    for (format, seeds) in SEEDS {
        for part in [
            "1",
            "a",
            ":",
            "::",
            "/",
            "~0",
            "%41",
            "(",
            "[",
            "a.",
            "xn--a.",
            "-",
            "P1Y",
            "(a{2}){2}",
            "a|",
            "(?:a|b",
            "((a*)*",
            "\\u{1}",
            "é",
        ] {
            let long = part.repeat(20_000);
            holds(format, &long);
            for seed in seeds {
                holds(format, &(seed.to_string() + &long));
            }
        }
    }
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Server {
    host: Hostname,
    v4: Ipv4Addr,
    v6: Ipv6,
    #[object(optional)]
    page: Option<Uri>,
}

#[test]
fn formats_are_types_of_fields() {
    let json = r#"{"host":"www.example.org","v4":"192.0.2.1","v6":"2001:DB8::1","page":"https://example.org/"}"#;
    let server: Server = decode(json.as_bytes(), Reading::Strict).unwrap();
    assert_eq!(server.v4, Ipv4Addr::new(192, 0, 2, 1));
    assert_eq!(server.v6.addr(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
    assert_eq!(encode(&server).unwrap(), json);
    for (right, wrong, message) in [
        ("192.0.2.1", "192.0.2.01", "/v4: \"192.0.2.01\" is not an IPv4 address"),
        ("2001:DB8::1", "1::2::3", "/v6: \"1::2::3\" is not an IPv6 address"),
        ("www.", "www..", "/host: \"www..example.org\" is not a host name"),
        ("https:/", "/", "/page: \"//example.org/\" is not a URI"),
        ("\"192.0.2.1\"", "1", "/v4: integer 1 is not a string"),
    ] {
        let error = decode::<Server>(json.replacen(right, wrong, 1).as_bytes(), Reading::Strict).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn unknown_formats_have_no_rule() {
    assert_eq!(BTreeSet::from(NAMES), BTreeSet::from(FORMATS));
    assert!(NAMES.into_iter().all(|format| check(format).is_some()));
    for format in ["iri", "idn-email", "relative-json-pointer", "Date", ""] {
        assert!(check(format).is_none(), "{format}");
    }
}
