//! Patterns that an engine matches, held against `regress`, an engine of ECMA 262.

use crate::ecma::by_code;
use eventwright::payload::{RegexPattern, UnsupportedRegex, decode, supports_regex};
use eventwright::{Pattern, Reading, Str};
use proptest::prelude::*;
use proptest::sample::select;

/// Asserts that a pattern, if it is supported, is found just where ECMA 262 says, under the flags of JSON Schema.
fn agree(pattern: &str, texts: &[&str]) -> Result<bool, TestCaseError> {
    let theirs = regress::Regex::with_flags(&by_code(pattern), "u");
    let ours = match RegexPattern::parse(pattern) {
        Ok(ours) => ours,
        Err(UnsupportedRegex::Syntax(_)) => {
            prop_assert!(theirs.is_err() || pattern.contains('+'), "{} is valid", pattern);
            return Ok(false);
        }
        Err(_) => return Ok(false),
    };
    let theirs = theirs.expect("what is supported is ECMA 262");
    for text in texts {
        prop_assert_eq!(ours.matches(text), theirs.find(text).is_some(), "{} {:?}", pattern, text);
    }
    Ok(true)
}

const TEXTS: &[&str] = &[
    "",
    "a",
    "ab",
    "abc",
    "aab",
    "b",
    "A",
    "Z",
    "_",
    "-",
    "0",
    "9",
    "12",
    "1a",
    "a1",
    " ",
    "a b",
    "é",
    "aé",
    "éa",
    "ß",
    "ſ",
    "K",
    "İ",
    "\n",
    "a\n",
    "\na",
    "a\nb",
    "\r",
    "\r\n",
    "\u{2028}",
    "\u{2029}",
    "\u{85}",
    "\t",
    "\u{b}",
    "\u{c}",
    "\u{a0}",
    "\u{1680}",
    "\u{180e}",
    "\u{200b}",
    "\u{2003}",
    "\u{202f}",
    "\u{205f}",
    "\u{3000}",
    "\u{feff}",
    "٣",
    "৪",
    "1٣",
    "①",
    "日本",
    "Ω",
    "ω",
    "Д",
    "🦀",
    "a🦀b",
    "🦀🦀",
    "\u{1F600}",
    "\0",
    "\u{1}",
    "\u{8}",
    "\u{1f}",
    "\u{7f}",
    "[",
    "]",
    "^",
    "$",
    "\\",
    "/",
    ".",
    "&",
    "&&",
    "~",
    "~~",
    "--",
    "{",
    "}",
    "(",
    ")",
    "|",
    "*",
    "+",
    "?",
    "#",
    " #",
    "a#",
    "a-b",
    "a.b",
    "aaa",
    "aaaa",
    "abab",
    "web",
    "phone-12",
    "x web x",
    "\u{300}",
    "e\u{301}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{10ffff}",
    "\u{1e900}",
    "ǅ",
    "ª",
    "२",
];

/// Patterns that are easily taken for something else, separated by white space.
const TRICKY: &str = r#"
    ^ $ ^$ ^a$ a$ ^a a ^(a|b)$ ^a|b$ ^(?:a|ab)(?:c|bcd)?$ (a)(b)? ^(?<first>a)(?<x1>b)?$ ^(?<$ü>a)$ \d \D ^\d+$
    ^\D+$ \w \W ^\w+$ ^\W+$ \s \S ^\s+$ ^\S+$ [\d\s] [^\d\s] [^\w] [\W] [\D\d] [^\D] [^\S] ^[\w.-]+$ ^[\w\-.]+$
    [-\w] [\w-] \b \B ^\B \B$ a\b \ba \b🦀 \bé é\b \Bb \B\B . ^.$ ^..$ ^.*$ ^.+$ ^[^]$ [^] [] a[] []|a [^][a] [][a]
    ^[^x]$ [^a] [^\n] ^[^a-z]+$ 🦀 ^🦀$ ^[🦀]$ ^[^🦀]$ ^🦀+$ [😀-🦀] \u{1F600} \u{1f980} \uD83E\uDD80
    [\uD83D\uDE00-\uD83E\uDD80] \u00e9 \xe9 [\x00-\x1f] \u{0} \u{10FFFF} \u{000061} \0 [\0] \cA \ca [\cA-\cZ] \cJ \t
    \v \f [\b] \r\n? \/ \^\$\\\.\*\+\?\(\)\[\]\{\}\| [\^\$\\\.\*\+\?\(\)\[\]\{\}\|\/\-] [a-] [-a] [--/] [+--] [a^]
    [.] [*+?(){}|$] [[] [&&] [a&&b] [~~] [a~~b] [+--b] [#] # & ~ - [[:alpha:] [a[b] [(?i)a] \p{L} \p{Lu} \P{L}
    ^\p{L}+$ [\p{L}\d] [^\p{L}] [^\P{L}] [\P{L}] \p{Letter} \p{General_Category=Uppercase_Letter} \p{gc=Nd} \p{Nd}
    \p{Script=Greek} \p{sc=Cyrl} \p{scx=Deva} \p{Script_Extensions=Han} \p{ASCII} \p{Any} \p{Assigned}
    \p{Alphabetic} \p{White_Space} \p{Emoji} \p{Lowercase} \p{Uppercase} \p{ID_Start} \p{Emoji_Presentation}
    \p{Cased} \p{Sc} \p{LC} \p{Cf} \p{Zs} \p{Math} \p{Hex_Digit} \p{M} a{2} ^a{2}$ ^a{2,}$ ^a{2,3}$ ^a{0}$ ^a{0,1}b$
    a{2}? ^a{2,}?$ ^a+?$ ^a*?b ^a??b ^(a+)+$ ^(a*)*$ (a|aa)+$ (?:) () (|a) ^(?:|a)+$ (?:a|)b
    ^(?:web|phone)(?:-[0-9]+)?$ web|phone ^[a-z]{2,}-?\d*$ ^\S+@\S+$ (?:^a|b$) a^ $a (?:^|b)a a(?:$|b) (^)a ^^a a$$
    ^(?!a) ^(?=a) ^(?!a)b ^(?=.*b)a ^(?=a|b)(?!ab).*$ ^(?!a(?:b|c)$).+$ ^(?!^a) ^(?!$) ^(?=$) (?<!a)$ (?<=a)$ b(?<=ab)$ ^(?<!a)$
    ^(?<=a)$ ^.*(?<!b|c)$ ^(?!-)[a-z-]+(?<!-)$ ^(?=[)a]) ^(?=\)|a) ^(?=(a))(?=(?<n>a)) (?<!^)$ (?<=^)$ ^(?=a{2})a+$
"#;

#[test]
fn tricky_patterns_match_as_ecma_262_says() {
    let with_spaces = ["", " #", "a #", "[ a]"];
    for pattern in TRICKY.split_whitespace().chain(with_spaces) {
        let supported = agree(pattern, TEXTS).unwrap();
        assert!(supported, "{pattern} {:?}", supports_regex(pattern));
    }
}

#[test]
fn what_is_not_supported_says_why() {
    let why = |pattern: &str| supports_regex(pattern).unwrap_err();
    for pattern in [
        "(?=a)",
        "a(?!b)",
        "(?<=a)b",
        "(?<!a)b",
        "(a|(?=b))",
        "^(?=a)b|c",
        "^a|b(?<!c)$",
        "^(?!(?=a)b)",
        "^a(?!b)$",
        "^(?<!a)b",
        "((?<!a)$)",
    ] {
        assert_eq!(why(pattern), UnsupportedRegex::Lookaround, "{pattern}");
    }
    for pattern in [r"(a)\1", r"(?<n>a)\k<n>", r"\2(a)(b)"] {
        assert_eq!(why(pattern), UnsupportedRegex::Backreference, "{pattern}");
    }
    for pattern in [r"\uD800", r"[\uDC00]", r"\uD83E", r"\u{D800}", r"\uD83Ea", r"\uD83E\u0061"] {
        assert_eq!(why(pattern), UnsupportedRegex::Surrogate, "{pattern}");
    }
    for pattern in [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "a{2",
        "a{2,1}",
        "a**",
        "*",
        r"\a",
        r"\p{Foo}",
        r"\pL",
        r"\u{110000}",
        r"\u{+61}",
        "(?P<n>a)",
        "(?#a)",
        r"\Z",
        "^*",
        r"\c",
        r"\x1",
    ] {
        assert!(matches!(why(pattern), UnsupportedRegex::Syntax(_)), "{pattern}");
    }
    for pattern in ["(?i:a)", "(?-s:.)"] {
        assert_eq!(why(pattern), UnsupportedRegex::Modifier, "{pattern}");
    }
    assert_eq!(why(r"\p{Cs}").to_string(), "the pattern is not supported: Unicode property value not found");
    assert_eq!(why("((a{1000}){1000}){1000}"), UnsupportedRegex::TooLarge);
    assert!(supports_regex("^\\p{L}{1,200}$").is_ok());
    assert_eq!(why("(a").to_string(), "this is not a regular expression by ECMA 262: Unbalanced parenthesis",);
}

#[test]
fn no_pattern_takes_long_or_much() {
    let begun = std::time::Instant::now();
    for depth in [50, 500, 5_000, 100_000] {
        let nested = "(".repeat(depth) + "a" + &")".repeat(depth);
        let repeated = "(?:".repeat(depth) + "a" + &"{9}){9}".repeat(depth);
        let alternatives = "a|".repeat(depth);
        let both = "(?:a|b|c|".repeat(depth) + &")".repeat(depth);
        let ahead = format!("^{}$", "(?=a)".repeat(depth));
        for pattern in [nested, repeated, alternatives, both, ahead] {
            let _ = supports_regex(&pattern);
        }
    }
    for pattern in ["a{4294967296}", "a{99999999999999999999}", "(?:a{0,4294967295}){0,4294967295}", "(a*)*b"] {
        let _ = supports_regex(pattern);
    }
    assert!(supports_regex(&"a|".repeat(1000)).is_ok());
    assert_eq!(supports_regex(&"a|".repeat(1001)), Err(UnsupportedRegex::TooLong));
    assert_eq!(supports_regex(&"a".repeat((16 << 10) + 1)), Err(UnsupportedRegex::TooLong));
    let class = ('一'..='龥').step_by(4).take(5000).collect::<String>();
    assert!(supports_regex(&format!("[{class}]")).is_ok());
    let pattern = RegexPattern::parse("^(a+)+$").unwrap();
    assert!(!pattern.matches(&("a".repeat(1_000_000) + "b")));
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

fn atom() -> impl Strategy<Value = String> {
    let atoms = [
        "a",
        "b",
        "é",
        "🦀",
        "-",
        r"\.",
        r"\d",
        r"\D",
        r"\w",
        r"\W",
        r"\s",
        r"\S",
        ".",
        "[a-c]",
        "[^a-c]",
        r"[^\w]",
        r"[\s\d-]",
        "[]",
        "[^]",
        r"\b",
        r"\B",
        "^",
        "$",
        r"\p{L}",
        r"\P{Lu}",
        r"[^\p{L}\d]",
        r"\u{1F980}",
        r"\n",
        r"\cJ",
        "[&&a]",
        "[a--c]",
        "[[]",
        r"[\]é🦀]",
        "(?<n>a)",
        "(a|b)",
        "(?:|a)",
    ];
    select(atoms.to_vec()).prop_map(str::to_owned)
}

fn pattern() -> impl Strategy<Value = String> {
    let times = select(vec!["", "", "", "", "?", "*", "+", "{2}", "{0}", "{1,2}", "{2,}", "*?", "+?", "??", "{1,}?"]);
    let part = prop::collection::vec((atom(), times), 0..4)
        .prop_map(|elements| elements.into_iter().map(|(atom, times)| atom + times).collect::<String>());
    prop::collection::vec(part, 1..3).prop_map(|parts| parts.join("|"))
}

/// A pattern with lookarounds, most of them at its ends.
fn looking_around() -> impl Strategy<Value = String> {
    let look = |kinds: [&'static str; 2]| {
        let one = (select(kinds.to_vec()), pattern()).prop_map(|(kind, content)| format!("{kind}{content})"));
        prop::collection::vec(one, 0..3).prop_map(|all| all.concat())
    };
    let begin = select(vec!["^", "^", "^", ""]);
    let end = select(vec!["$", "$", "$", ""]);
    (begin, look(["(?=", "(?!"]), pattern(), look(["(?<=", "(?<!"]), end)
        .prop_map(|(begin, ahead, body, behind, end)| [begin, &ahead, &body, &behind, end].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn lookarounds_match_as_ecma_262_says(pattern in looking_around(), text in "[abcA09_.\\-\\]&/é🦀\n\r \u{2028}+,]{0,6}") {
        agree(&pattern, &[&text, "", "ab", "a1"])?;
    }

    #[test]
    fn generated_patterns_match_as_ecma_262_says(pattern in pattern(), text in "[abcA09_.\\-\\]&/é🦀\n\r \u{2028}+,]{0,6}") {
        agree(&pattern, &[&text])?;
    }

    #[test]
    fn anything_is_supported_rightly_or_refused(pattern in "[\\[\\]\\\\(){},a-dpLuxc0-3^$*+?.|:<>=!é-]{0,9}", text in "[a-dpLux0-3^$\\\\é\n-]{0,5}") {
        agree(&pattern, &[&text])?;
    }

    #[test]
    fn compiling_never_panics(pattern: String) {
        let _ = supports_regex(&pattern);
    }
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Pattern)]
#[pattern("^(web|phone)(-\\d+)?$", regex, min_length = 4, max_length = 8)]
struct Channel(Str);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Pattern)]
#[pattern("b+", regex)]
struct HasB(String);

#[test]
fn a_pattern_makes_a_type() {
    let read = |json: &str| decode::<Channel>(json.as_bytes(), Reading::Strict).map_err(|error| error.to_string());
    assert_eq!(read(r#""phone-12""#), Channel::new("phone-12").map_err(|error| error.to_string()));
    assert_eq!(read(r#""fax-1""#).unwrap_err(), r#"document: "fax-1" does not match the pattern ^(web|phone)(-\d+)?$"#);
    assert_eq!(read(r#""web""#).unwrap_err(), r#"document: "web" is shorter than the minimum of 4 characters"#);
    assert_eq!(
        read(r#""phone-123""#).unwrap_err(),
        r#"document: "phone-123" is longer than the maximum of 8 characters"#
    );
    assert!(HasB::new("abc").is_ok() && HasB::new("ac").is_err());
}
