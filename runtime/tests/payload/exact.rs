//! Numbers that keep their value, and values without a type.

use std::cmp::Ordering;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use eventwright::payload::{Read, Write, decode, encode};
use eventwright::{Integer, Json, JsonObject, Maybe, Number, Object, Reading, UniqueList};
use num_bigint::BigInt;
use proptest::prelude::*;

fn number(text: &str) -> Number {
    text.parse().unwrap()
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn error<T: Read>(json: &str) -> String {
    decode::<T>(json.as_bytes(), Reading::Strict).err().expect("an error").to_string()
}

fn round_trip<T: Read + Write>(json: &str) -> String {
    encode(&decode::<T>(json.as_bytes(), Reading::Strict).unwrap()).unwrap()
}

#[test]
fn numbers_are_written_as_they_were_read() {
    for text in [
        "0",
        "-0",
        "-0.0",
        "1",
        "-1",
        "1.0",
        "19.90",
        "0.1",
        "1e400",
        "-1E-400",
        "1e+2",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        "123456789012345678901234567890.123456789012345678901234567890",
        "1e1000000000",
        "1e9223372036854775807",
        "1e-9223372036854775808",
    ] {
        assert_eq!(round_trip::<Number>(text), text);
        assert_eq!(round_trip::<Json>(text), text);
        assert_eq!(round_trip::<Vec<Number>>(&format!("[{text}]")), format!("[{text}]"));
        assert_eq!((number(text).to_string().as_str(), format!("{:?}", number(text)).as_str()), (text, text));
        assert_eq!(serde_json::to_string(&number(text)).unwrap(), text);
    }
}

#[test]
fn only_numbers_of_json_are_numbers() {
    for text in [
        "", "-", "+1", "01", "-01", "00", ".5", "5.", "1e", "1e+", "1.e5", "0x1", "1_0", " 1", "1 ", "inf", "NaN",
        "1e5.0", "--1", "١", "1.-5", "1e--5", "-0-", "\u{0}",
    ] {
        assert!(text.parse::<Number>().is_err(), "{text:?}");
        assert!(text.parse::<Integer>().is_err(), "{text:?}");
    }
    for (json, message) in [
        ("\"1\"", "document: string \"1\" is not a number"),
        ("true", "document: boolean true is not a number"),
        ("null", "document: null is not a number"),
        ("[1]", "document: an array is not a number"),
        ("{}", "document: an object is not a number"),
        ("01", "not JSON: invalid number at line 1, column 2"),
        (
            "1e9223372036854775808",
            "document: 1e9223372036854775808 has an exponent beyond 64 bits, which are the limit here",
        ),
    ] {
        assert_eq!(error::<Number>(json), message);
    }
    assert_eq!(error::<Integer>("1.5"), "document: 1.5 is not an integer");
    assert_eq!(
        error::<Json>("[1e-9223372036854775809]"),
        "/0: has an exponent beyond 64 bits, which are the limit here"
    );
}

#[test]
fn numbers_compare_by_value() {
    let ascending = [
        "-1e1000000000",
        "-9223372036854775809",
        "-9223372036854775808",
        "-2",
        "-1.5",
        "-1e-1000000000",
        "0",
        "1e-400",
        "0.1",
        "0.10000000000000000001",
        "1",
        "1.5",
        "9.99",
        "10",
        "9223372036854775807",
        "9223372036854775808",
        "1e400",
        "1e1000000000",
        "11e999999999",
    ];
    for (index, number) in ascending.iter().map(|text| number(text)).enumerate() {
        for (other_index, other) in ascending.iter().map(|text| self::number(text)).enumerate() {
            assert_eq!(number.cmp(&other), index.cmp(&other_index), "{number} {other}");
        }
    }
    for equal in [
        &["1", "1.0", "10e-1", "0.1e1", "1000000e-6", "1e0", "1E+0"][..],
        &["0", "-0", "0.0", "0e5", "-0.000e-7"],
        &["1e1000000000", "10e999999999", "0.1e1000000001"],
        &["9223372036854775808", "9223372036854775808.0", "9.223372036854775808e18"],
    ] {
        for (one, other) in equal.iter().flat_map(|one| equal.iter().map(move |other| (number(one), number(other)))) {
            assert_eq!(one, other);
            assert_eq!(hash(&one), hash(&other), "{one} {other}");
        }
    }
    assert_eq!(number("2.0"), 2);
    assert!(number("1e400") > i64::MAX);
}

#[test]
fn numbers_convert_exactly_or_not_at_all() {
    assert_eq!(number("-9.223372036854775808e18").as_i64(), Some(i64::MIN));
    assert_eq!(number("9223372036854775808").as_i64(), None);
    assert_eq!(number("18446744073709551615").as_u64(), Some(u64::MAX));
    assert_eq!(number("18446744073709551616").as_u64(), None);
    assert_eq!((number("1.5").as_i64(), number("1e-1000000000").as_i64()), (None, None));
    assert_eq!(number("1e1000000000").as_i64(), None);
    assert_eq!(Number::from(u64::MAX), number("18446744073709551615"));
    assert_eq!(Number::try_from(0.1).unwrap(), number("0.1"));
    assert_eq!(Number::try_from(-1e300).unwrap(), number("-1e300"));
    assert!(Number::try_from(f64::NAN).is_err() && Number::try_from(f64::INFINITY).is_err());
    assert_eq!((number("0.1").as_f64(), number("1e400").as_f64()), (0.1, f64::INFINITY));
    for text in ["1e1000000000", "1e-1000000000", "-5e9223372036854775807"] {
        assert_eq!(number(text).is_integer(), !text.contains("e-"));
        let _ = number(text).as_f64();
    }
}

#[test]
fn multiples_are_exact() {
    for (multiple, divisor) in [
        ("19.99", "0.01"),
        ("0.3", "0.1"),
        ("1e1000000000", "3e-5"),
        ("3e1000000000", "3"),
        ("0", "0"),
        ("0", "7"),
        ("-9223372036854775808", "-1"),
        ("1e400", "1024"),
        ("1e400", "1267650600228229401496703205376"),
        ("123456789012345678901234567890", "12345678901234567890123456789"),
        ("5e9223372036854775807", "1e-9223372036854775808"),
    ] {
        let expected = multiple != "1e1000000000";
        assert_eq!(number(multiple).is_multiple_of(&number(divisor)), expected, "{multiple} {divisor}");
    }
    for (other, divisor) in [
        ("19.995", "0.01"),
        ("0.3", "0.2"),
        ("5", "0"),
        ("1e-1000000000", "1"),
        ("1e3", "1024"),
        ("9007199254740993", "2"),
        ("12345678901234567890123456789", "123456789012345678901234567890"),
        ("1e29", "1267650600228229401496703205376"),
    ] {
        assert!(!number(other).is_multiple_of(&number(divisor)), "{other} {divisor}");
    }
}

/// A number's text, and the number as an integer times ten to the minus 40.
fn decimals() -> impl Strategy<Value = (String, BigInt)> {
    let exponent = prop_oneof![Just(None), (-20_i32..20).prop_map(Some)];
    ("-?(0|[1-9][0-9]{0,24})", "(\\.[0-9]{1,20})?", exponent).prop_map(|(whole, fraction, exponent)| {
        let digits = fraction.strip_prefix('.').unwrap_or_default();
        let scale = 40 + exponent.unwrap_or(0) - i32::try_from(digits.len()).unwrap();
        let mantissa: BigInt = format!("{whole}{digits}").parse().unwrap();
        let value = mantissa * BigInt::from(10).pow(scale.try_into().unwrap());
        let exponent = exponent.map_or(String::new(), |exponent| format!("e{exponent}"));
        (format!("{whole}{fraction}{exponent}"), value)
    })
}

/// Small numbers are often equal, or multiples of each other.
fn small_decimals() -> impl Strategy<Value = (String, BigInt)> {
    (-30_i64..30, -2_i32..3).prop_map(|(mantissa, exponent)| {
        let value = BigInt::from(mantissa) * BigInt::from(10).pow((40 + exponent).try_into().unwrap());
        (format!("{mantissa}e{exponent}"), value)
    })
}

proptest! {
    #[test]
    fn numbers_agree_with_big_integers(
        (text, value) in prop_oneof![decimals(), small_decimals()],
        (other_text, other_value) in prop_oneof![decimals(), small_decimals()],
    ) {
        let zero = BigInt::from(0);
        let (one, other) = (number(&text), number(&other_text));
        prop_assert_eq!(one.cmp(&other), value.cmp(&other_value));
        prop_assert_eq!(one == other, value == other_value);
        prop_assert!(one != other || hash(&one) == hash(&other));
        prop_assert_eq!(one.is_zero(), value == zero);

        let unit = BigInt::from(10).pow(40);
        let integer = (&value % &unit == zero).then(|| &value / &unit);
        prop_assert_eq!(one.is_integer(), integer.is_some());
        prop_assert_eq!(one.as_i64(), integer.as_ref().and_then(|integer| integer.try_into().ok()));
        prop_assert_eq!(one.as_u64(), integer.as_ref().and_then(|integer| integer.try_into().ok()));

        let is_multiple = value == zero || other_value != zero && &value % &other_value == zero;
        prop_assert_eq!(one.is_multiple_of(&other), is_multiple);
    }

    #[test]
    fn products_are_multiples((text, value) in decimals(), times in any::<i64>()) {
        // 40 places below the point, written as an exponent
        let product = number(&format!("{}e-40", value * times));
        prop_assert!(product.is_multiple_of(&number(&text)));
    }

    #[test]
    fn floats_keep_their_value(float in any::<f64>().prop_filter("finite", |float| float.is_finite())) {
        let number = Number::try_from(float).unwrap();
        prop_assert_eq!(number.as_f64(), float);
        prop_assert_eq!(number.cmp(&Number::from(0_i64)), float.partial_cmp(&0.0).unwrap_or(Ordering::Equal));
    }

    #[test]
    fn values_survive(value in values()) {
        let text = encode(&value).unwrap();
        prop_assert_eq!(&text.parse::<Json>().unwrap(), &value);
        prop_assert_eq!(&decode::<Json>(text.as_bytes(), Reading::Strict).unwrap(), &value);
        prop_assert_eq!(encode(&text.parse::<Json>().unwrap()).unwrap(), text);
    }

    #[test]
    fn what_serde_reads_is_read(value in values(), spaces in "[ \t\n\r]{0,2}") {
        let plain: serde_json::Value = serde_json::from_str(&encode(&value).unwrap()).unwrap();
        let pretty = format!("{spaces}{}{spaces}", serde_json::to_string_pretty(&plain).unwrap());
        prop_assert_eq!(pretty.parse::<Json>().unwrap(), Json::from(plain));
    }

    #[test]
    fn no_text_panics(text in "[\\[\\]{}\",:0-9a-z.eE+\\\\u -]{0,40}") {
        let ours = text.parse::<Json>();
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        // they round numbers and take the last of members of one name
        prop_assert!(ours.is_err() || theirs.is_ok(), "{} {:?}", text, theirs);
    }
}

fn values() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?".prop_map(|text| Json::Number(number(&text))),
        any::<String>().prop_map(Json::from),
    ];
    scalar.prop_recursive(6, 60, 6, |value| {
        prop_oneof![
            prop::collection::vec(value.clone(), 0..6).prop_map(Json::from),
            prop::collection::btree_map(any::<String>(), value, 0..6).prop_map(Json::from),
        ]
    })
}

#[test]
fn values_are_refused_with_their_place() {
    for (json, message) in [
        (r#"{"a":[0,{"b":1,"b":1}]}"#, "/a/1/b: property is given twice"),
        (r#"{"a":1,"\u0061":2}"#, "/a: property is given twice"),
        (r#"["\ud800"]"#, "/0: has an escape that is no character"),
        (r#"{"~/":[1e99999999999999999999]}"#, "/~0~1/0: has an exponent beyond 64 bits, which are the limit here"),
        ("[1,]", "not JSON: expected value at line 1, column 4"),
    ] {
        assert_eq!(error::<Json>(json), message);
    }
    let twice = r#"{"a":{"b":1,"b":1}}"#.parse::<Json>().unwrap_err();
    assert_eq!(twice.to_string(), "the value at /a/b: property is given twice");
    assert!("[1] 2".parse::<Json>().unwrap_err().rule().starts_with("is not JSON"));
}

#[test]
fn values_are_at_most_128_levels_deep() {
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    // as many as serde_json reads
    assert!(serde_json::from_str::<serde_json::Value>(&deep(128)).is_ok());
    assert!(serde_json::from_str::<serde_json::Value>(&deep(129)).is_err());
    assert_eq!(round_trip::<Json>(&deep(128)), deep(128));
    for levels in [129, 1_000_000] {
        assert!(error::<Json>(&deep(levels)).ends_with(": is more than 128 levels deep"));
        assert!(deep(levels).parse::<Json>().unwrap_err().rule().ends_with(": is more than 128 levels deep"));
    }
}

#[test]
fn values_are_looked_at_and_made() {
    let json: Json = serde_json::json!({ "a": [1, 2.5, "x", true, null], "b": u64::MAX }).into();
    assert_eq!(format!("{json:?}"), r#"{"a": [1, 2.5, "x", true, null], "b": 18446744073709551615}"#);
    let items = json.get("a").and_then(Json::as_array).unwrap();
    assert_eq!(items[0].as_number(), Some(&Number::from(1_i64)));
    assert_eq!((items[2].as_str(), items[3].as_bool(), items[4].is_null()), (Some("x"), Some(true), true));
    assert_eq!((json.get("c"), items[0].get("a"), json.as_object().map(JsonObject::len)), (None, None, Some(2)));
    assert_eq!(Json::from(vec![1.into(), "x".into(), true.into()]), r#"[1.0,"x",true]"#.parse().unwrap());
    // 1 is neither true nor "1"
    assert_ne!(Json::from(1), Json::from(true));
    assert_ne!(Json::from(1), Json::from("1"));
    assert_eq!(
        serde_json::to_value(&json).unwrap(),
        serde_json::json!({ "a": [1, 2.5, "x", true, null], "b": u64::MAX })
    );
}

#[test]
fn a_million_values_are_held_apart() {
    let items: Vec<String> = (0..1_000_000).map(|item| format!(r#"{{"n":{item}.0,"x":[]}}"#)).collect();
    let list: UniqueList<Json> = decode(format!("[{}]", items.join(",")).as_bytes(), Reading::Strict).unwrap();
    assert_eq!(list.len(), 1_000_000);

    let mut items = list.into_vec();
    items.push(r#"{"x":[],"n":999999}"#.parse().unwrap());
    assert_eq!(UniqueList::<Json>::new(items).unwrap_err().rule(), "has equal items");
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Tree {
    name: Box<Json>,
    #[object(optional)]
    left: Option<Box<Tree>>,
    #[object(optional)]
    right: Maybe<Box<Tree>>,
}

#[test]
fn setters_put_values_into_boxes() {
    let leaf = || Tree::builder().name(Json::from("leaf"));
    let tree =
        Tree::builder().name(Json::Null).left(leaf().build()).right(leaf().left(None).right(None).build()).build();
    let json = r#"{"name":null,"left":{"name":"leaf"},"right":{"name":"leaf","right":null}}"#;
    assert_eq!(encode(&tree).unwrap(), json);
    let boxed = Tree::builder().name(Json::Null).left(tree.left.clone()).right(tree.right.clone()).build();
    assert!(boxed == tree);
}
