//! Patterns, held against `regress`, an engine of ECMA 262.

use std::collections::HashSet;

use crate::ecma::by_code;
use eventwright::payload::{Unsupported, decode, encode};
use eventwright::{Pattern, Reading, Str, Text};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;

/// Asserts that a pattern, if it is supported, matches just what ECMA 262 says, under the flags of JSON Schema.
fn agree(pattern: &str, text: &str) -> Result<bool, TestCaseError> {
    let Ok(ours) = Pattern::parse(pattern) else {
        return Ok(false);
    };
    let theirs = regress::Regex::with_flags(&by_code(pattern), "u").expect("what is supported is ECMA 262");
    prop_assert_eq!(ours.matches(text), theirs.find(text).is_some(), "{} {:?}", pattern, text);
    Ok(true)
}

#[test]
fn patterns_of_contracts_are_supported() {
    for (pattern, matching, other) in [
        ("^[0-9]{5}$", "94103", "9410"),
        ("^[A-Z]{3}$", "USD", "usd"),
        ("^per_[0-9a-f]{8}-7[0-9a-f]{3}-[89ab]$", "per_01890a5d-7abc-b", "per_01890a5d-7abc-c"),
        ("^[0-9]+\\.[0-9]{2}$", "12.34", "12.3"),
        ("^[a-z0-9-]+$", "a-b-9", "a_b"),
        ("^[a-z]+_?[0-9]*$", "ab_1", "1ab"),
        ("^\\d{1,3}\\/\\w*$", "12/a_B9", "1234/"),
        ("^[^\"]{2}$", "é🦀", "é\""),
        ("^[\\]\\-^$]+$", "]-^$", "\\"),
        ("^$", "", "\n"),
        ("^a{0}b$", "b", "ab"),
        ("^\\t[\\n\\r]?$", "\t\n", "\t\t"),
        ("^\\d{2}\\-\\d\\\"[\\-\\:]$", "12-3\":", "12-3\"."),
    ] {
        let pattern = Pattern::parse(pattern).unwrap();
        assert!(pattern.matches(matching), "{matching}");
        assert!(!pattern.matches(other) && !pattern.matches(&format!("{matching}\n")), "{other}");
    }
}

#[test]
fn what_is_not_supported_says_so_and_where() {
    for (pattern, kind, offset) in [
        ("", Unsupported::NoBegin, 0),
        ("[0-9]$", Unsupported::NoBegin, 0),
        ("^[0-9]", Unsupported::NoEnd, 6),
        ("^a\\$", Unsupported::NoEnd, 4),
        ("^a$b$", Unsupported::Anchor, 2),
        ("^^a$", Unsupported::Anchor, 1),
        ("^a|b$", Unsupported::Alternation, 2),
        ("^(?=a)$", Unsupported::Group, 1),
        ("^.*$", Unsupported::AnyCharacter, 1),
        ("^a\\b$", Unsupported::Escape, 2),
        ("^\\p{L}$", Unsupported::Escape, 1),
        ("^[\\D]$", Unsupported::Escape, 2),
        ("^é$", Unsupported::NotAscii, 1),
        ("^[à-é]$", Unsupported::NotAscii, 2),
        ("^a+?$", Unsupported::Lazy, 3),
        ("^a*a$", Unsupported::Ambiguous, 1),
        ("^[a-z]+[0-9]*\\w$", Unsupported::Ambiguous, 7),
        ("^x[a-m]?[n-z]*b$", Unsupported::Ambiguous, 2),
        ("^a{2,1}$", Unsupported::Syntax, 2),
        ("^a{,1}$", Unsupported::Syntax, 3),
        ("^a{2$", Unsupported::Syntax, 2),
        ("^{2}$", Unsupported::Syntax, 1),
        ("^a**$", Unsupported::Syntax, 3),
        ("^[z-a]$", Unsupported::Syntax, 2),
        ("^[\\d-a]$", Unsupported::Syntax, 2),
        ("^[a$", Unsupported::Syntax, 1),
        ("^]$", Unsupported::Syntax, 1),
        ("^a\\", Unsupported::Syntax, 2),
    ] {
        let error = Pattern::parse(pattern).unwrap_err();
        assert_eq!((error.kind, error.offset), (kind, offset), "{pattern}");
    }
    assert_eq!(Pattern::parse(&format!("^{}$", "a".repeat(65))).unwrap_err().kind, Unsupported::TooLong);
    assert!(Pattern::parse(&format!("^{}$", "a".repeat(64))).unwrap().matches(&"a".repeat(64)));
    assert!(Pattern::parse("^a{99999999999999999999}$").is_ok_and(|pattern| !pattern.matches("a")));
}

fn atom() -> impl Strategy<Value = String> {
    let atoms = [
        "a",
        "b",
        "-",
        "\\.",
        "\\d",
        "\\w",
        "[a-c]",
        "[^a-c]",
        "[0-9a-f_-]",
        "[-a]",
        "[a\\]]",
        "[\\w.]",
        "[]",
        "[^]",
        "\\/",
        "[+--]",
    ];
    select(atoms.to_vec()).prop_map(str::to_owned)
}

fn quantifier() -> impl Strategy<Value = String> {
    select(vec!["", "", "", "?", "*", "+", "{2}", "{0}", "{1,2}", "{2,}", "{0,3}"]).prop_map(str::to_owned)
}

fn pattern() -> impl Strategy<Value = String> {
    proptest::collection::vec((atom(), quantifier()), 0..5).prop_map(|elements| {
        format!("^{}$", elements.into_iter().map(|(atom, times)| atom + &times).collect::<String>())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn supported_patterns_match_as_ecma_262_says(pattern in pattern(), text in "[abcd09_.\\-\\]/é🦀\n+,]{0,6}") {
        agree(&pattern, &text)?;
    }

    #[test]
    fn anything_is_supported_rightly_or_refused(pattern in "\\^[\\[\\]\\\\(){},a-c0-3^$*+?.|-]{0,8}\\$", text in "[a-c0-3^$\\\\-]{0,5}") {
        agree(&pattern, &text)?;
    }

    #[test]
    fn compiling_never_panics(pattern: String) {
        let _ = Pattern::parse(&pattern);
    }
}

#[test]
fn the_property_tests_meet_supported_patterns() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let supported = (0..1000).filter(|_| {
        let pattern = pattern().new_tree(&mut runner).unwrap().current();
        Pattern::parse(&pattern).is_ok()
    });
    assert!(supported.count() > 200);
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Pattern)]
#[pattern("^[^0-9]+$", min_length = 2, max_length = 3)]
struct Code(Str);

/// What was generated before there was [`Str`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Pattern)]
#[pattern("^[0-9]{5}$")]
struct OldZip(String);

#[test]
fn constants_are_as_what_is_read() {
    const AB: Code = Code::from_static("ab");
    const TWO: Text<2, 2> = Text::from_static("é🦀");

    let read: Code = decode(br#""ab""#, Reading::Strict).unwrap();
    assert_eq!(AB, read);
    assert_eq!(
        (AB.cmp(&read), AB == "ab", AB.clone().into_string()),
        (std::cmp::Ordering::Equal, true, "ab".to_owned())
    );
    assert!(HashSet::from([AB]).contains(&read));
    assert!(AB < Code::new("b".repeat(2)).unwrap());
    assert_eq!(encode(&AB).unwrap(), r#""ab""#);
    assert_eq!(format!("{AB}|{AB:>3}|{AB:?}"), r#"ab| ab|"ab""#);
    assert_eq!(TWO, Text::new("é🦀").unwrap());
    assert_eq!(OldZip::new("94110").unwrap(), "94110");
}

#[test]
fn a_constant_that_breaks_its_rule_panics() {
    for text in ["a", "abcd", "a1", "éééé"] {
        assert!(std::panic::catch_unwind(|| Code::from_static(text)).is_err() && Code::new(text).is_err(), "{text}");
    }
    for text in ["é", "ééé", "", "aaa"] {
        assert!(std::panic::catch_unwind(|| Text::<2, 2>::from_static(text)).is_err(), "{text}");
        assert!(Text::<2, 2>::new(text).is_err(), "{text}");
    }
}
