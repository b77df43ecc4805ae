//! Values of one of several types: which one is read, what is refused and with which words, what is written.

use std::time::{Duration, Instant};

use crate::refusal::{error, error_in};
use eventwright::payload::{Read, Write, decode, encode};
use eventwright::{
    Email, Int, Json, JsonObject, Never, Null, Number, Object, Pattern, Reading, Str, Text, Union, Unrecognized, Words,
};

#[derive(Clone, PartialEq, Eq, Pattern)]
#[pattern("^[0-9]+$")]
struct Phone(Str);

#[derive(Clone, PartialEq, Union)]
#[union(any)]
enum Contact {
    Phone(Phone),
    Mail(Email),
    Address(Address),
    Parts(Vec<Int<0, 9>>),
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Address {
    street: Text<1, 20>,
    #[object(sensitive)]
    city: Text<1, 20>,
}

#[derive(Clone, PartialEq, Eq, Hash, Words)]
enum Size {
    #[word("small")]
    Small,
    Unrecognized(Unrecognized),
}

#[derive(Clone, PartialEq, Object)]
#[object(closed, constant("kind", "parcel"))]
struct Parcel {
    size: Size,
    grams: Int<1, 30_000>,
}

#[derive(Clone, PartialEq, Object)]
#[object(constant("kind", "pickup"), constant("v", "1"))]
struct Pickup {
    shop: String,
    #[object(rest)]
    rest: JsonObject,
}

#[derive(Clone, PartialEq, Union)]
#[union(tag = "kind")]
enum Carrier {
    #[tag("parcel")]
    Parcel(Parcel),
    #[tag("pickup")]
    Pickup(Box<Pickup>),
}

#[derive(Clone, PartialEq, Object)]
struct HasA {
    a: Json,
    #[object(rest)]
    rest: JsonObject,
}

#[derive(Clone, PartialEq, Object)]
struct HasB {
    b: Json,
    #[object(rest)]
    rest: JsonObject,
}

#[derive(Clone, PartialEq, Union)]
#[union(one)]
enum Either {
    A(HasA),
    B(HasB),
}

fn read<T: Read>(json: &str, reading: Reading) -> T {
    match decode(json.as_bytes(), reading) {
        Ok(value) => value,
        Err(error) => panic!("{json}: {error}"),
    }
}

fn strictly<T: Read>(json: &str) -> T {
    read(json, Reading::Strict)
}

fn round_trip<T: Read + Write + PartialEq>(json: &str) {
    for reading in [Reading::Strict, Reading::Tolerant] {
        let value: T = read(json, reading);
        assert_eq!(encode(&value).unwrap(), json);
        assert!(strictly::<T>(json) == value);
    }
}

#[test]
fn values_survive_a_round_trip() {
    for json in ["\"123\"", "\"ada@example.org\"", "{\"street\":\"a\",\"city\":\"b\"}", "[1,2]"] {
        round_trip::<Contact>(json);
    }
    for json in
        ["{\"kind\":\"parcel\",\"size\":\"small\",\"grams\":5}", "{\"kind\":\"pickup\",\"v\":\"1\",\"shop\":\"x\"}"]
    {
        round_trip::<Carrier>(json);
        round_trip::<Vec<Carrier>>(&format!("[{json}]"));
    }
    round_trip::<Either>("{\"a\":1.50}");
    round_trip::<Either>("{\"b\":12345678901234567890123}");
}

#[test]
fn the_first_variant_that_reads_is_the_value() {
    #[derive(Clone, PartialEq, Union)]
    #[union(any)]
    enum Amount {
        Small(Int<0, 9>),
        Any(Number),
        Text(String),
        Other(Json),
    }
    assert!(matches!(strictly("5"), Amount::Small(_)));
    assert!(matches!(strictly("10"), Amount::Any(_)));
    assert!(matches!(strictly("\"5\""), Amount::Text(_)));
    assert!(matches!(strictly("[1e400]"), Amount::Other(_)));
    round_trip::<Amount>("0.10000000000000000000000000001");
}

#[test]
fn an_error_is_that_of_the_variant_that_was_meant() {
    // only one is of the type
    assert_eq!(error::<Contact>("{\"street\":\"a\"}"), "document: required property `city` is missing");
    assert_eq!(
        error::<Contact>("{\"street\":\"\",\"city\":\"b\"}"),
        "/street: \"\" is shorter than the minimum of 1 characters"
    );
    assert_eq!(
        error::<Contact>("{\"street\":\"a\",\"city\":\"\"}"),
        "/city: <redacted> is shorter than the minimum of 1 characters"
    );
    assert_eq!(error::<Contact>("[1,10]"), "/1: 10 is more than the maximum of 9");
    assert_eq!(error::<Vec<Contact>>("[[1,10]]"), "/0/1: 10 is more than the maximum of 9");
    // two are
    assert_eq!(error::<Contact>("\"x\""), "document: matches none of Phone, Mail, Address, Parts");
    // none is
    assert_eq!(error::<Contact>("null"), "document: matches none of Phone, Mail, Address, Parts");
    // the one that came furthest
    #[derive(Clone, PartialEq, Union)]
    #[union(any)]
    enum Nested {
        A(HasA),
        Lines(Lines),
    }
    #[derive(Clone, PartialEq, Object)]
    #[object(closed)]
    struct Lines {
        lines: Vec<Int<0, 9>>,
    }
    assert_eq!(error::<Nested>("{\"lines\":[10]}"), "/lines/0: 10 is more than the maximum of 9");
    assert_eq!(error::<Nested>("{}"), "document: matches none of A, Lines");
}

#[test]
fn a_tolerant_reader_takes_the_strict_variant_first() {
    #[derive(Clone, PartialEq, Object)]
    #[object(closed)]
    struct Old {
        id: i64,
    }
    #[derive(Clone, PartialEq, Object)]
    #[object(closed)]
    struct New {
        id: i64,
        size: Size,
    }
    #[derive(Clone, PartialEq, Union)]
    #[union(any)]
    enum Any {
        Old(Old),
        New(New),
    }
    #[derive(Clone, PartialEq, Union)]
    #[union(one)]
    enum One {
        Old(Old),
        New(New),
    }
    let (newest, later) = ("{\"id\":1,\"size\":\"small\"}", "{\"id\":1,\"size\":\"huge\"}");
    assert!(matches!(read(newest, Reading::Tolerant), Any::New(_)));
    assert!(matches!(read(later, Reading::Tolerant), Any::Old(_)));
    assert!(decode::<Any>(later.as_bytes(), Reading::Strict).is_err());

    assert!(matches!(read(newest, Reading::Tolerant), One::New(_)));
    assert_eq!(error::<One>(later), "/size: property is not in the schema");
}

#[test]
fn exactly_one_variant_may_match() {
    assert!(matches!(strictly("{\"a\":1}"), Either::A(_)));
    assert!(matches!(strictly("{\"b\":1}"), Either::B(_)));
    assert_eq!(error::<Either>("{\"a\":1,\"b\":1}"), "document: matches more than one of A, B");
    assert_eq!(error::<Either>("{}"), "document: matches none of A, B");
    assert_eq!(error::<Vec<Either>>("[{\"a\":1},5]"), "/1: matches none of A, B");

    let mut a = HasA::builder().a(1.into()).build();
    assert_eq!(encode(&Either::from(a.clone())).unwrap(), "{\"a\":1}");
    a.rest.insert("b".to_owned(), 1.into());
    assert_eq!(encode(&Either::from(a.clone())).unwrap_err().to_string(), "matches more than one of A, B");
    assert_eq!(encode(&vec![Either::A(a)]).unwrap_err().to_string(), "/0: matches more than one of A, B");
}

#[test]
fn a_tag_says_which_variant_it_is() {
    let parcel = |grams: i64| format!("{{\"grams\":{grams},\"size\":\"small\",\"kind\":\"parcel\"}}");
    assert!(matches!(strictly(&parcel(5)), Carrier::Parcel(_)));
    assert_eq!(error::<Carrier>(&parcel(0)), "/grams: 0 is less than the minimum of 1");
    assert_eq!(error::<Vec<Carrier>>(&format!("[{}]", parcel(0))), "/0/grams: 0 is less than the minimum of 1");
    assert_eq!(error::<Carrier>("{\"kind\":\"drone\"}"), "/kind: \"drone\" is not one of `parcel`, `pickup`");
    assert_eq!(error::<Carrier>("{\"kind\":1}"), "/kind: integer 1 is not a string");
    assert_eq!(error::<Carrier>("{\"grams\":{\"kind\":\"parcel\"}}"), "document: required property `kind` is missing");
    assert_eq!(error::<Carrier>("{\"kind\":\"parcel\",\"kind\":\"parcel\"}"), "/kind: property is given twice");
    for json in ["[]", "null", "\"parcel\"", "5"] {
        assert_eq!(error::<Carrier>(json), "document: is not an object");
    }

    // with the same reading
    let newer = "{\"kind\":\"parcel\",\"grams\":5,\"size\":\"huge\",\"later\":1}";
    assert!(decode::<Carrier>(newer.as_bytes(), Reading::Strict).is_err());
    let Carrier::Parcel(parcel) = read(newer, Reading::Tolerant) else { panic!() };
    assert_eq!(parcel.size.as_str(), "huge");
    let message = encode(&Carrier::Parcel(parcel)).unwrap_err().to_string();
    assert!(message.starts_with("/size: holds a word"), "{message}");
}

#[test]
fn a_constant_is_always_there() {
    let parcel = Parcel::builder().size(Size::Small).grams(Int::from_static(1)).build();
    assert_eq!(encode(&parcel).unwrap(), "{\"kind\":\"parcel\",\"size\":\"small\",\"grams\":1}");
    assert_eq!(format!("{parcel:?}"), "Parcel { size: \"small\", grams: 1 }");
    assert_eq!(error::<Parcel>("{\"size\":\"small\",\"grams\":1}"), "document: required property `kind` is missing");
    assert_eq!(error::<Parcel>("{\"kind\":\"x\"}"), "/kind: \"x\" is not \"parcel\"");
    assert_eq!(error::<Parcel>("{\"kind\":null}"), "/kind: null is not a string");
    assert_eq!(error::<Parcel>("{\"kind\":\"parcel\",\"kind\":\"parcel\"}"), "/kind: property is given twice");
    assert_eq!(error::<Pickup>("{\"kind\":\"pickup\",\"shop\":\"x\"}"), "document: required property `v` is missing");

    let mut pickup: Pickup = strictly("{\"kind\":\"pickup\",\"v\":\"1\",\"shop\":\"x\",\"y\":2}");
    assert_eq!(pickup.rest.len(), 1);
    pickup.rest.insert("kind".to_owned(), "pickup".into());
    let message = encode(&pickup).unwrap_err().to_string();
    assert_eq!(message, "/kind: is in the rest, but the schema says what it is: leave it out");
}

#[test]
fn variants_convert_and_show() {
    #[derive(Clone, PartialEq, Union)]
    #[union(any)]
    enum Many {
        Text(String),
        Null(Null),
        First(Vec<i64>),
        Second(Vec<i64>),
        Boxed(Box<HasA>),
        Never(Never),
    }
    assert!(Many::from("x".to_owned()) == Many::Text("x".to_owned()));
    assert!(Many::from(Null) == strictly("null"));
    let a = HasA::builder().a(Json::Null).build();
    assert!(Many::from(a.clone()) == Many::Boxed(Box::new(a.clone())));
    assert!(Many::from(Box::new(a.clone())) == Many::from(a));
    assert_eq!(format!("{:?}", Many::Text("x".to_owned())), "Text(\"x\")");
    assert_eq!(format!("{:?}", Many::Second(vec![1])), "Second([1])");
    assert_eq!(serde_json::to_string(&Many::First(vec![1])).unwrap(), "[1]");
    let contact: Contact = strictly("{\"street\":\"a\",\"city\":\"secret\"}");
    assert!(format!("{contact:?}").starts_with("Address(Address { street: \"a\", city: <redacted>"));
}

macro_rules! tree {
    ($tree:ident $left:ident $right:ident, $($kind:tt)*) => {
        #[derive(Clone, PartialEq, Union)]
        #[union($($kind)*)]
        enum $tree {
            Left(Box<$left>),
            Right(Box<$right>),
            Leaf(Int<0, 9>),
        }

        #[derive(Clone, PartialEq, Object)]
        struct $left {
            x: $tree,
            #[object(optional)]
            y: Option<$tree>,
            #[object(rest)]
            rest: JsonObject,
        }

        #[derive(Clone, PartialEq, Object)]
        #[object(closed)]
        struct $right {
            x: $tree,
            #[object(optional)]
            right: Option<bool>,
            #[object(optional)]
            y: Option<Null>,
        }
    };
}

tree!(AnyTree AnyLeft AnyRight, any);
tree!(OneTree OneLeft OneRight, one);

#[test]
fn unions_within_unions_take_bounded_time() {
    let before = Instant::now();
    let tree = |leaf: &str, more: &str| format!("{}{leaf}{}", "{\"x\":".repeat(120), format!("{more}}}").repeat(120));
    let path = "/x".repeat(120);
    for (leaf, more) in [("1", ""), ("1", ",\"right\":true"), ("1", ",\"y\":null")] {
        let any = tree(leaf, more);
        let reads = [Reading::Strict, Reading::Tolerant].map(|reading| decode::<AnyTree>(any.as_bytes(), reading));
        for read in reads.into_iter().flatten() {
            assert!(strictly::<AnyTree>(&encode(&read).unwrap()) == read);
        }
    }
    for more in ["", ",\"right\":true"] {
        let message = error::<AnyTree>(&tree("20", more));
        assert_eq!(message, format!("{path}: 20 is more than the maximum of 9"));
        let message = error::<OneTree>(&tree("20", more));
        assert_eq!(message, format!("{path}: 20 is more than the maximum of 9"));
    }
    // `y` is null in one of the two alone
    let one = tree("1", ",\"y\":null");
    let value: OneTree = strictly(&one);
    assert_eq!(encode(&value).unwrap(), one);
    assert!(error::<OneTree>(&tree("1", "")).ends_with("/x: matches more than one of Left, Right, Leaf"));
    assert!(before.elapsed() < Duration::from_secs(60), "{:?}", before.elapsed());
}

#[test]
fn a_value_is_no_deeper_than_a_document() {
    tagged_trees();
    for levels in [128, 1_000, 100_000] {
        let deep = format!("{}1{}", "{\"x\":".repeat(levels), "}".repeat(levels));
        for message in [error_in::<AnyTree>(Reading::Strict, &deep), error_in::<OneTree>(Reading::Tolerant, &deep)] {
            assert!(message.ends_with("is more than 128 levels deep"), "{message}");
        }
    }
}

fn tagged_trees() {
    #[derive(Clone, PartialEq, Object)]
    #[object(closed, constant("kind", "node"))]
    struct Node {
        #[object(optional)]
        x: Option<Box<Tree>>,
    }
    #[derive(Clone, PartialEq, Union)]
    #[union(tag = "kind")]
    enum Tree {
        #[tag("node")]
        Node(Node),
    }
    let tree = |levels: usize| {
        format!("{}{{\"kind\":\"node\"{}", "{\"kind\":\"node\",\"x\":".repeat(levels), "}".repeat(levels + 1))
    };
    round_trip::<Tree>(&tree(120));
    for levels in [128, 100_000] {
        let message = error::<Tree>(&tree(levels));
        assert!(message.ends_with("is more than 128 levels deep"), "{message}");
    }
}
