//! Values with rules: what they take, what they refuse and with which words.

use std::fmt::Debug;

use eventwright::payload::{Read, Write, decode, encode};
use eventwright::{
    Email, EventId, Id, Int, Invalid, Json, JsonObject, List, Maybe, Pattern, Reading, Text, UniqueList, Unrecognized,
    Uuid, Words,
};
use proptest::prelude::*;
use serde_json::json;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Id)]
#[id(prefix = "lead_")]
struct LeadId(Uuid);

#[derive(Clone, PartialEq, Eq, Hash, Words)]
enum Method {
    #[word("card")]
    Card,
    #[word("credit_balance")]
    CreditBalance,
    Unrecognized(Unrecognized),
}

/// Without a place for words that are not named.
#[derive(Clone, Copy, PartialEq, Eq, Words)]
enum Closed {
    #[word("a b\"c")]
    Only,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Pattern)]
#[pattern("^[a-z]+[0-9]*$", min_length = 2, max_length = 4)]
struct Code(String);

fn read<T: Read>(json: &str) -> Result<T, String> {
    decode(json.as_bytes(), Reading::Strict).map_err(|error| error.to_string())
}

fn assert_round_trip<T: Read + Write + PartialEq + Debug>(json: &str) {
    assert_eq!(encode(&read::<T>(json).unwrap()).unwrap(), json);
}

fn assert_refused<T: Read + Debug>(json: &str, message: &str) {
    assert_eq!(read::<T>(json).unwrap_err(), format!("document: {message}"));
}

#[test]
fn integers_are_numbers_without_a_fraction() {
    for (json, number) in [("0", 0), ("-1", -1), ("1.0", 1), ("1e2", 100), ("-2.50e1", -25), ("-0.0", 0)] {
        assert_eq!(read::<i64>(json), Ok(number));
    }
    assert_eq!(read::<i64>("9223372036854775807"), Ok(i64::MAX));
    assert_eq!(read::<i64>("-9223372036854775808"), Ok(i64::MIN));
    for json in ["9223372036854775808", "18446744073709551616", "1e300", "-9223372036854777856"] {
        let message = read::<i64>(json).unwrap_err();
        assert!(message.ends_with("is beyond the 64-bit integers, which are the limit here"), "{message}");
    }
    assert_refused::<i64>("1.5", "1.5 is not an integer");
    assert_refused::<i64>("\"1\"", "string \"1\" is not an integer");
    assert_refused::<i64>("null", "null is not an integer");
    assert_refused::<i64>("{}", "an object is not an integer");
}

#[test]
fn bounds_of_integers_hold_at_every_way_in() {
    type Attempt = Int<1, 4>;
    const LAST: Attempt = Int::from_static(4);

    for number in [1, 4] {
        assert_eq!(Attempt::new(number).unwrap().get(), number);
        assert_round_trip::<Attempt>(&number.to_string());
    }
    assert_eq!(LAST, Attempt::MAX);
    assert_eq!("4".parse(), Ok(LAST));
    assert_eq!(i64::from(LAST), 4);
    assert_eq!(format!("{LAST:>3} {LAST:?}"), "  4 4");
    for number in [0, 5, i64::MIN, i64::MAX] {
        assert!(Attempt::new(number).is_err());
        assert!(Attempt::try_from(number).is_err());
        assert!(number.to_string().parse::<Attempt>().is_err());
        assert!(read::<Attempt>(&number.to_string()).is_err());
    }
    assert_refused::<Attempt>("0", "0 is less than the minimum of 1");
    assert_refused::<Attempt>("5.0", "5 is more than the maximum of 4");
    assert_eq!("x".parse::<Attempt>().unwrap_err().to_string(), "the value is not a whole number of 64 bits");
    assert_eq!(Int::<0>::MAX.get(), i64::MAX);
}

#[test]
fn other_numbers_are_finite_and_keep_every_digit() {
    for json in ["0.1", "5e-324", "1.7976931348623157e308", "-0.0", "0.30000000000000004"] {
        assert_eq!(read::<f64>(json).unwrap().to_bits(), json.parse::<f64>().unwrap().to_bits());
    }
    assert_eq!(read::<f64>("3"), Ok(3.0));
    assert_eq!(read::<f64>("1e999").unwrap_err(), "not JSON: number out of range at line 1, column 5");
    for number in [f64::NAN, f64::INFINITY] {
        assert!(encode(&number).is_err());
    }
    assert_refused::<f64>("true", "boolean true is not a number");
}

#[test]
fn lengths_count_characters() {
    type Name = Text<2, 3>;

    for text in ["ab", "abc", "éé", "🦀🦀🦀"] {
        assert_eq!(Name::new(text).unwrap(), text);
        assert_round_trip::<Name>(&format!("\"{text}\""));
    }
    for text in ["", "a", "é", "🦀", "abcd", "🦀🦀🦀🦀"] {
        assert!(Name::new(text).is_err(), "{text}");
        assert!(
            Name::try_from(text).is_err() && Name::try_from(text.to_owned()).is_err() && text.parse::<Name>().is_err()
        );
        assert!(read::<Name>(&json!(text).to_string()).is_err());
    }
    assert_refused::<Name>("\"🦀\"", "\"🦀\" is shorter than the minimum of 2 characters");
    assert_eq!(String::from(Name::new("ab").unwrap()), Name::new("ab").unwrap().into_string());
    assert_eq!(read::<Text<0>>(r#""\u00e9\n\ud83e\udd80""#).unwrap(), "é\n🦀");
}

#[test]
fn lists_have_their_bounds() {
    type Numbers = List<i64, 1, 2>;

    assert_round_trip::<Numbers>("[1]");
    assert_round_trip::<Numbers>("[1,1]");
    assert_refused::<Numbers>("[]", "has fewer than the minimum of 1 items");
    assert_refused::<Numbers>("[1,2,3,\"not reached\"]", "has more than the maximum of 2 items");
    assert_eq!(read::<Numbers>("[1,\"x\"]").unwrap_err(), "/1: string \"x\" is not an integer");
    assert_eq!(read::<Vec<Vec<bool>>>("[[],[true,1]]").unwrap_err(), "/1/1: integer 1 is not a boolean");
    let list = Numbers::try_from(vec![3, 4]).unwrap();
    assert_eq!((list.iter().sum::<i64>(), (&list).into_iter().count()), (7, 2));
    assert_eq!(list.into_iter().collect::<Vec<_>>(), [3, 4]);
}

#[test]
fn unique_lists_hold_no_two_equal_items() {
    type Words = UniqueList<Method, 1, 100>;

    assert_round_trip::<Words>(r#"["card","credit_balance"]"#);
    assert_refused::<Words>(r#"["card","credit_balance","card"]"#, "has equal items");
    assert_refused::<Words>("[]", "has fewer than the minimum of 1 items");
    assert!(decode::<Words>(br#"["new","newer"]"#, Reading::Tolerant).is_ok());
    assert!(decode::<Words>(br#"["new","new"]"#, Reading::Tolerant).is_err());
    assert_refused::<UniqueList<i64>>("[1, 1.0]", "has equal items");

    let many: Vec<i64> = (0..100_000).collect();
    assert!(UniqueList::<i64>::new(many.clone()).is_ok());
    assert!(UniqueList::<i64>::new([many, vec![0]].concat()).is_err());
}

#[test]
fn maybe_keeps_its_three_states() {
    let value = Maybe::from(2).map(|number| number * 2);
    assert_eq!((value, value.value(), value.into_value()), (Maybe::Value(4), Some(&4), Some(4)));
    assert_eq!((Maybe::from(Some(1)), Maybe::<i64>::from(None)), (Maybe::Value(1), Maybe::Null));
    assert_eq!(Maybe::<i64>::default().map(|number| number), Maybe::Absent);
    assert!(Maybe::<i64>::Null.is_null() && !Maybe::<i64>::Null.is_absent());
    assert_eq!(Maybe::Value(String::from("x")).as_ref().value(), Some(&&String::from("x")));
}

#[test]
fn ids_have_one_form() {
    let text = "lead_01890a5d-ac96-774b-bcce-b302099a8057";
    let id: LeadId = text.parse().unwrap();
    assert_eq!((format!("{id}"), format!("{id:?}")), (text.to_owned(), text.to_owned()));
    assert_eq!(format!("{id:>43}"), format!("  {text}"));
    assert_eq!((LeadId::PREFIX, LeadId::from_uuid(id.as_uuid())), ("lead_", Ok(id)));
    assert_round_trip::<LeadId>(&format!("\"{text}\""));
    assert_eq!(serde_json::from_value::<LeadId>(json!(text)).unwrap(), id);
    assert_eq!(serde_json::to_value(id).unwrap(), json!(text));
    assert_eq!(
        serde_json::from_value::<LeadId>(json!("x")).unwrap_err().to_string(),
        "the value does not begin with `lead_`"
    );

    for (text, rule) in [
        ("", "does not begin with `lead_`"),
        ("Lead_01890a5d-ac96-774b-bcce-b302099a8057", "does not begin with `lead_`"),
        ("lead_", "is not a prefix and a lower-case UUID"),
        ("lead_01890A5D-ac96-774b-bcce-b302099a8057", "is not a prefix and a lower-case UUID"),
        ("lead_01890a5dac96774bbcceb302099a8057", "is not a prefix and a lower-case UUID"),
        ("lead_{1890a5d-ac96-774b-bcce-b302099a8057", "is not a prefix and a lower-case UUID"),
        ("lead_01890a5d-ac96-774b-bcce-b302099a8057 ", "is not a prefix and a lower-case UUID"),
        ("lead_01890a5d-ac96-774b-bcce-b302099a805é", "is not a prefix and a lower-case UUID"),
        ("lead_01890a5d-ac96-474b-bcce-b302099a8057", "is not of a UUID version 7"),
        ("lead_01890a5d-ac96-774b-ccce-b302099a8057", "is not of a UUID version 7"),
    ] {
        assert_eq!(text.parse::<LeadId>().unwrap_err(), Invalid::new(rule), "{text}");
        assert_eq!(LeadId::try_from(text).unwrap_err(), Invalid::new(rule));
    }
    assert!(LeadId::from_uuid(Uuid::nil()).is_err());
}

#[test]
fn new_ids_are_valid_and_in_order() {
    let ids: Vec<_> = (0..1000).map(|_| EventId::new()).collect();
    assert!(ids.is_sorted());
    for id in ids {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
}

#[test]
fn uuids_are_hyphenated() {
    let text = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
    assert_round_trip::<Uuid>(&format!("\"{text}\""));
    assert_eq!(read::<Uuid>(&format!("\"{}\"", text.to_uppercase())).unwrap().to_string(), text);
    for other in [text.replace('-', ""), format!("{{{text}}}"), format!("urn:uuid:{text}"), format!("{text}0")] {
        assert!(read::<Uuid>(&json!(other).to_string()).is_err(), "{other}");
    }
}

#[test]
fn words_are_a_closed_list_that_may_grow() {
    assert_eq!(Method::ALL.iter().map(Method::as_str).collect::<Vec<_>>(), ["card", "credit_balance"]);
    assert_eq!("credit_balance".parse(), Ok(Method::CreditBalance));
    assert_eq!(format!("{} {:?} {:>5}", Method::Card, Method::Card, Method::Card), "card \"card\"  card");
    assert_eq!("Card".parse::<Method>().unwrap_err().to_string(), "the value is not one of `card`, `credit_balance`");
    assert_round_trip::<Closed>(r#""a b\"c""#);

    let newer: Method = decode(b"\"ach\"", Reading::Tolerant).unwrap();
    assert_eq!(format!("{newer} {newer:?}"), "ach Unrecognized(\"ach\")");
    assert!(encode(&newer).unwrap_err().to_string().contains("can be read but not published"));
    assert!(serde_json::to_value(&newer).is_err());
    assert!(decode::<Method>(b"5", Reading::Tolerant).is_err());
    assert!(decode::<Closed>(b"\"ach\"", Reading::Tolerant).is_err());
}

#[test]
fn a_patterned_string_keeps_pattern_and_length() {
    assert_eq!(Code::new("ab12").unwrap(), "ab12");
    for (text, rule) in [
        ("a", "is shorter than the minimum of 2 characters"),
        ("ab123", "is longer than the maximum of 4 characters"),
        ("12", "does not match the pattern ^[a-z]+[0-9]*$"),
    ] {
        assert_eq!(Code::new(text).unwrap_err(), Invalid::new(rule));
        assert_refused::<Code>(&json!(text).to_string(), &format!("{text:?} {rule}"));
    }
    assert_round_trip::<Code>("\"zz9\"");
}

#[test]
fn untyped_values_survive() {
    let json = r#"{"a":[1,1.5,null,true,"x"],"b":{}}"#;
    assert_round_trip::<Json>(json);
    assert_round_trip::<JsonObject>(json);
    assert_refused::<JsonObject>("[]", "is not an object");
    assert_round_trip::<Box<Vec<Option<bool>>>>("[true,null]");
}

/// Addresses of every part of the grammar, and near misses.
const EMAILS: &[&str] = &[
    "ada@example.org",
    "a@b",
    "a.b.c@d-e.f1",
    "!#$%&'*+-/=?^_`{|}~@x.y",
    "\"a b\"@x.y",
    "\"\"@x.y",
    "\"a@b\"@x.y",
    "\"a\\\"b\"@x.y",
    "\"a\\\\\"@x.y",
    "a@[127.0.0.1]",
    "a@[IPv6:::1]",
    "a@[ipv6:2001:db8::1]",
    "A@EXAMPLE.ORG",
    "a@1.2",
    "",
    "@",
    "a",
    "a@",
    "@b",
    ".a@b",
    "a.@b",
    "a..b@c",
    "a b@c",
    "a@b c",
    "a@-b",
    "a@b-",
    "a@b..c",
    "a@.b",
    "a@b.",
    "a@@b",
    "a@b@c",
    "a\"b@c",
    "\"a@c",
    "\"a\"b\"@c",
    "\"a\\\"@c",
    "\"@c",
    "a@[127.0.0]",
    "a@[::1]",
    "a@[IPv6:1]",
    "a@[x]",
    "a@[127.0.0.1",
    "a@127.0.0.1]",
    "é@b",
    "a@é",
    "\"é\"@b",
    "a@b_c",
    "a@b/c",
    "a\n@b",
    "a@b\n",
    "(a)@b",
    "a,b@c",
    "a@[]",
    "a@[IPv6:]",
];

#[test]
fn emails_are_what_json_schema_says() {
    let schema = jsonschema::options().should_validate_formats(true).build(&json!({ "format": "email" })).unwrap();
    let long = [
        format!("{}@b", "a".repeat(64)),
        format!("{}@b", "a".repeat(65)),
        format!("a@{}", "b".repeat(63)),
        format!("a@{}", "b".repeat(64)),
        format!("a@{}b", "b.".repeat(126)),
        format!("a@{}bc", "b.".repeat(126)),
    ];
    let mut verdicts = [0, 0];
    for email in EMAILS.iter().copied().chain(long.iter().map(String::as_str)) {
        let is_email = Email::new(email).is_ok();
        assert_eq!(is_email, schema.is_valid(&json!(email)), "{email}");
        verdicts[usize::from(is_email)] += 1;
    }
    assert!(verdicts.iter().all(|count| *count >= 15), "{verdicts:?}");
}

/// Where the `jsonschema` crate is laxer or stricter than RFC 5321, the RFC counts.
#[test]
fn emails_are_mailboxes_of_rfc_5321() {
    for email in ["\"a\\ b\"@x.y", "a@ab--c.d"] {
        assert!(Email::new(email).is_ok(), "{email}");
    }
    for email in ["Ada <ada@example.org>", "\"a\tb\"@x.y"] {
        assert!(Email::new(email).is_err(), "{email}");
    }
}

proptest! {
    #[test]
    fn every_id_survives_its_text(bytes: [u8; 16]) {
        let uuid = uuid_v7(bytes);
        let id = LeadId::from_uuid(uuid).unwrap();
        let text = id.to_string();
        prop_assert_eq!(&text, &format!("lead_{}", uuid.hyphenated()));
        prop_assert_eq!(text.parse::<LeadId>().unwrap(), id);
    }

    /// The pattern that schemas state is the judge of what an id's text is.
    #[test]
    fn a_changed_character_is_an_id_only_if_the_pattern_says_so(bytes: [u8; 16], at in 0..41_usize, changed: char) {
        let pattern = "^lead_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$";
        let mut text = LeadId::from_uuid(uuid_v7(bytes)).unwrap().to_string();
        text.replace_range(at..=at, changed.encode_utf8(&mut [0; 4]));
        let judge = regress::Regex::new(pattern).unwrap();
        prop_assert_eq!(text.parse::<LeadId>().is_ok(), judge.find(&text).is_some(), "{}", text);
    }

    #[test]
    fn every_ascii_character_is_a_digit_or_none(at in 5..41_usize, changed in 0..128_u8) {
        let mut text = "lead_01890a5d-ac96-774b-bcce-b302099a8057".to_owned();
        text.replace_range(at..=at, char::from(changed).encode_utf8(&mut [0; 4]));
        let is_id = Uuid::try_parse(&text[5..]).is_ok_and(|uuid| {
            LeadId::from_uuid(uuid).is_ok() && uuid.hyphenated().to_string() == text[5..]
        });
        prop_assert_eq!(text.parse::<LeadId>().is_ok(), is_id, "{}", text);
    }

    #[test]
    fn reading_never_panics(json in "[\\[\\]{}\",:0-9a-zéT.+-]{0,40}") {
        let _ = decode::<Json>(json.as_bytes(), Reading::Strict);
        let _ = decode::<Vec<Option<LeadId>>>(json.as_bytes(), Reading::Strict);
        let _ = decode::<std::collections::BTreeMap<String, i64>>(json.as_bytes(), Reading::Tolerant);
    }
}

fn uuid_v7(mut bytes: [u8; 16]) -> Uuid {
    bytes[6] = bytes[6] & 0x0f | 0x70;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Uuid::from_bytes(bytes)
}
