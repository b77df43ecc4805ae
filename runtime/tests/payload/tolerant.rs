//! Rules under tolerant reading: words that a later revision lists are let through, where that lets more through and not less; and are
//! not written.

use eventwright::payload::rules::*;
use eventwright::payload::{decode, encode};
use eventwright::{Checked, Int, Json, JsonObject, Object, Reading, Ruled, Unrecognized, Vetted, Words};

#[derive(Clone, PartialEq, Eq, Hash, Words)]
enum Status {
    #[word("new")]
    New,
    Unrecognized(Unrecognized),
}

/// Whether the readings, strict and tolerant, let a value through.
macro_rules! reads {
    ($rule:expr, $json:literal) => {{
        #[derive(Clone, PartialEq, Checked)]
        #[checked(rules)]
        struct Ruling(Vetted<Json>);

        impl Ruled for Ruling {
            fn rules() -> Vec<Rule> {
                vec![$rule]
            }
        }

        [Reading::Strict, Reading::Tolerant].map(|reading| decode::<Ruling>($json.as_bytes(), reading).is_ok())
    }};
}

const TOLERATED: [bool; 2] = [false, true];
const REFUSED: [bool; 2] = [false, false];
const READ: [bool; 2] = [true, true];

#[test]
fn a_list_of_words_is_open() {
    assert_eq!(reads!(values(&["\"new\"", "null"]), "\"later\""), TOLERATED);
    assert_eq!(reads!(values(&["\"new\"", "null"]), "1"), REFUSED);
    assert_eq!(reads!(is::<Status>(), "\"later\""), TOLERATED);
    assert_eq!(reads!(is::<Status>(), "1"), REFUSED);
    assert_eq!(reads!(property_names(values(&["\"a\"", "\"b\""])), "{\"later\":1}"), TOLERATED);
}

#[test]
fn other_lists_are_not() {
    assert_eq!(reads!(values(&["\"new\"", "1"]), "\"later\""), REFUSED);
    assert_eq!(reads!(values(&["null"]), "\"later\""), REFUSED);
}

#[test]
fn what_a_word_picks_is_open_and_the_word_is_not() {
    fn paid() -> Rule {
        tagged("kind", [("card", properties([("network", values(&["\"visa\""]))]))], false)
    }

    assert_eq!(reads!(paid(), r#"{"kind": "card", "network": "visa"}"#), READ);
    assert_eq!(reads!(paid(), r#"{"kind": "card", "network": "later"}"#), TOLERATED);
    assert_eq!(reads!(paid(), r#"{"kind": "later", "network": "visa"}"#), REFUSED);
}

#[test]
fn where_more_would_be_less_words_are_what_they_are() {
    assert_eq!(reads!(not(values(&["\"new\""])), "\"new\""), REFUSED);
    assert_eq!(reads!(not(values(&["\"new\""])), "\"later\""), READ);
    assert_eq!(reads!(not(is::<Status>()), "\"later\""), READ);
    assert_eq!(reads!(one_of([values(&["\"new\""]), is::<Int<0, 9>>()]), "\"later\""), REFUSED);
    assert_eq!(reads!(when(values(&["\"new\""]), Some(never()), None), "\"later\""), READ);
    assert_eq!(reads!(contains(values(&["\"new\""]), 0, 1), "[\"new\", \"later\"]"), READ);
}

#[derive(Clone, PartialEq, Object)]
struct Parcel {
    #[object(rest)]
    rest: JsonObject,
}

#[derive(Clone, PartialEq, Checked)]
#[checked(rules)]
struct Closed(Vetted<Parcel>);

impl Ruled for Closed {
    fn rules() -> Vec<Rule> {
        vec![members(&["a"], [], Some(never())), max_properties(1)]
    }
}

#[derive(Clone, PartialEq, Checked)]
#[checked(rules)]
struct Closeds(Vetted<Vec<Closed>>);

impl Ruled for Closeds {
    fn rules() -> Vec<Rule> {
        vec![max_items(2)]
    }
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Small {
    #[object(optional)]
    a: Option<i64>,
}

#[derive(Clone, PartialEq, Checked)]
#[checked(rules)]
struct NotEmpty(Vetted<Small>);

impl Ruled for NotEmpty {
    fn rules() -> Vec<Rule> {
        vec![min_properties(1)]
    }
}

#[test]
fn what_only_tolerant_reading_lets_in_is_not_written() {
    let read: Closed = decode(br#"{"later":1}"#, Reading::Tolerant).unwrap();
    assert_eq!(encode(&read).unwrap_err().to_string(), "the value at /later: is not allowed by the schema");
    let read: Closeds = decode(br#"[{"a":1},{"later":1}]"#, Reading::Tolerant).unwrap();
    assert_eq!(encode(&read).unwrap_err().to_string(), "/1: the value at /later: is not allowed by the schema");
    // what reading left out may be what a rule asked for
    let read: NotEmpty = decode(br#"{"later":1}"#, Reading::Tolerant).unwrap();
    assert!(encode(&read).unwrap_err().to_string().contains("has fewer than the minimum of 1 properties"));
}

#[test]
fn what_strict_reading_takes_is_written_however_it_was_read() {
    for reading in [Reading::Strict, Reading::Tolerant] {
        let text = r#"[{"a":1.50},{}]"#;
        let read: Closeds = decode(text.as_bytes(), reading).unwrap();
        assert_eq!(encode(&read).unwrap(), text);
        assert_eq!(encode(&Closeds::new(read.into_inner()).unwrap()).unwrap(), text);
    }
}
