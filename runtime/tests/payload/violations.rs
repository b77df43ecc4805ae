//! All that is wrong with a document at once: what is told, in which order, and what is not.

use std::collections::BTreeMap;

use eventwright::Pattern;
use eventwright::payload::rules::{self, is};
use eventwright::payload::{Read, Schemas, decode, violations};
use eventwright::{
    Checked, DecodeError, Email, Incoming, Int, Json, JsonObject, List, Maybe, Object, Payload, Reading, Rule, Ruled,
    Str, Text, Union, UniqueList, Unrecognized, Vetted, Words,
};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use serde_json::{Value, json};

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Pattern)]
#[pattern("^[a-z]+$")]
struct Lower(Str);

#[derive(Clone, PartialEq, Eq, Hash, Words)]
enum Status {
    #[word("active")]
    Active,
    #[word("gone")]
    Gone,
    Unrecognized(Unrecognized),
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Line {
    count: Int<1, 9>,
    #[object(optional, sensitive)]
    names: Maybe<BTreeMap<Lower, Text<1, 5>>>,
}

#[derive(Clone, PartialEq, Object)]
#[object(closed, constant("kind", "parcel"), constant("unit", "g"))]
struct Parcel {
    weight: Int<1, 9>,
    #[object(optional)]
    line: Option<Box<Line>>,
}

#[derive(Clone, PartialEq, Object)]
#[object(closed, constant("kind", "pickup"))]
struct Pickup {
    shop: Text<1, 5>,
}

#[derive(Clone, PartialEq, Union)]
#[union(tag = "kind")]
enum Carrier {
    #[tag("parcel")]
    Parcel(Parcel),
    #[tag("pickup")]
    Pickup(Pickup),
}

#[derive(Clone, PartialEq, Union)]
#[union(any)]
enum Contact {
    Mail(Email),
    Line(Line),
}

#[derive(Clone, PartialEq, Object)]
struct Loose {
    #[object(optional)]
    a: Option<Int<0, 9>>,
    #[object(optional)]
    b: Option<i64>,
    #[object(rest)]
    rest: JsonObject,
}

#[derive(Clone, PartialEq, Checked)]
#[checked(rules)]
struct Ordered(Vetted<Loose>);

impl Ruled for Ordered {
    fn rules() -> Vec<Rule> {
        vec![
            rules::required(&["x", "y"]),
            rules::dependent_required(&[("a", &["p", "q"])]),
            rules::properties([
                ("b", rules::all_of([rules::minimum("3"), rules::multiple_of("5")])),
                ("c", is::<Line>()),
            ]),
            rules::not(rules::required(&["z"])),
        ]
    }
}

static SCHEMAS: Schemas = Schemas::new(&[(
    "https://example.org/held.json",
    r#"{ "required": ["x", "y"], "properties": { "b": { "minimum": 3, "multipleOf": 5 }, "a": { "not": { "const": 1 } } } }"#,
)]);

#[derive(Clone, PartialEq, Checked)]
#[checked(schemas = SCHEMAS, at = "https://example.org/held.json")]
struct Held(Vetted<Loose>);

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Order {
    id: Lower,
    status: Status,
    lines: List<Line, 1, 4>,
    tags: UniqueList<String>,
    pair: (Int<0, 1>, Lower),
    by_name: BTreeMap<Lower, Int<0, 9>>,
    carrier: Carrier,
    contact: Contact,
    loose: Loose,
    #[object(optional)]
    ordered: Option<Ordered>,
    #[object(optional)]
    held: Maybe<Held>,
    #[object(optional, sensitive)]
    secret: Option<Json>,
}

impl Payload for Order {
    const EVENT_TYPE: &'static str = "order.placed";
    const VERSION: u16 = 2;
}

#[derive(Clone, Debug, PartialEq, Incoming)]
enum AnyEvent {
    Order(Order),
}

fn order() -> Value {
    json!({
        "id": "a",
        "status": "active",
        "lines": [{ "count": 1, "names": { "x": "Ada" } }, { "count": 2 }],
        "tags": ["x", "y"],
        "pair": [0, "x"],
        "by_name": { "a": 1, "b": 2 },
        "carrier": { "kind": "parcel", "unit": "g", "weight": 2, "line": { "count": 1 } },
        "contact": { "count": 5 },
        "loose": { "a": 1, "c": { "d": 1 } },
        "ordered": { "x": 1, "y": 2, "b": 5 },
        "held": { "x": 1, "y": 2, "b": 5 },
        "secret": { "x": [1] },
    })
}

/// What is told in a reading, after what must be so of everything that is told.
fn all_in<T: Read>(reading: Reading, text: &str) -> Vec<String> {
    let decoded = decode::<T>(text.as_bytes(), reading).map(drop);
    let found = match violations::<T>(text.as_bytes(), reading) {
        Ok(found) => found,
        Err(error) => {
            assert!(matches!(error, DecodeError::Syntax { .. }) && decoded.is_err(), "{text}: {error}");
            return vec![error.to_string()];
        }
    };
    match decoded {
        Ok(()) => assert!(found.is_empty(), "{text}: {found:?}"),
        Err(DecodeError::Violation(first)) => assert!(found.contains(&first), "{text}: {first} is not in {found:?}"),
        Err(error) => panic!("{text}: {error}"),
    }
    for (index, violation) in found.iter().enumerate() {
        assert!(!found[..index].contains(violation), "{text}: {violation} twice");
    }
    assert!(found.len() <= 100);
    found.iter().map(ToString::to_string).collect()
}

fn all<T: Read>(document: impl ToString) -> Vec<String> {
    all_in::<T>(Reading::Strict, &document.to_string())
}

#[test]
fn every_part_is_told_in_the_order_of_the_document() {
    assert!(all::<Order>(order()).is_empty());
    let text = r#"{
        "status": "lost",
        "extra": 1,
        "id": 5,
        "lines": [{ "count": 0, "names": { "X": "Ada", "x": "Augusta", "y": 1 }, "more": 1 }, {}, 7],
        "pair": [2, "X"],
        "tags": ["x", 1, "x"],
        "by_name": { "A": 1, "a": 10, "b": 1, "a": 2 },
        "carrier": { "weight": 0, "kind": "parcel", "unit": "kg", "line": { "count": 0 } },
        "contact": { "count": 0, "more": 0 },
        "id": "b",
        "secret": { "x": [{ "y": 1, "y": 1 }] }
    }"#;
    assert_eq!(
        all::<Order>(text),
        [
            "/status: \"lost\" is not one of `active`, `gone`",
            "/extra: property is not in the schema",
            "/id: integer 5 is not a string",
            "/lines/0/count: 0 is less than the minimum of 1",
            "/lines/0/names: has a name that does not match the pattern ^[a-z]+$",
            "/lines/0/names: <redacted> is longer than the maximum of 5 characters",
            "/lines/0/names: <redacted> is not a string",
            "/lines/0/more: property is not in the schema",
            "/lines/1: required property `count` is missing",
            "/lines/2: is not an object",
            "/pair/0: 2 is more than the maximum of 1",
            "/pair/1: \"X\" does not match the pattern ^[a-z]+$",
            "/tags/1: integer 1 is not a string",
            "/by_name/A: has a name that does not match the pattern ^[a-z]+$",
            "/by_name/a: 10 is more than the maximum of 9",
            "/by_name/a: property is given twice",
            "/carrier/weight: 0 is less than the minimum of 1",
            "/carrier/unit: \"kg\" is not \"g\"",
            "/carrier/line/count: 0 is less than the minimum of 1",
            "/contact/count: 0 is less than the minimum of 1",
            "/id: property is given twice",
            "/secret: property is given twice",
            "document: required property `loose` is missing",
        ]
    );
    assert_eq!(
        all_in::<Order>(Reading::Tolerant, r#"{"status":"lost","extra":1,"by_name":{"A":1}}"#),
        [
            "document: required property `id` is missing",
            "document: required property `lines` is missing",
            "document: required property `tags` is missing",
            "document: required property `pair` is missing",
            "document: required property `carrier` is missing",
            "document: required property `contact` is missing",
            "document: required property `loose` is missing",
        ]
    );
    assert_eq!(
        all::<Parcel>("{}"),
        [
            "document: required property `kind` is missing",
            "document: required property `unit` is missing",
            "document: required property `weight` is missing",
        ]
    );
}

#[test]
fn a_whole_is_held_against_its_rules_where_its_parts_can_be_read() {
    assert_eq!(all::<UniqueList<i64, 3>>("[1, 1]"), ["document: has fewer than the minimum of 3 items"]);
    assert_eq!(all::<UniqueList<i64>>("[1, 1]"), ["document: has equal items"]);
    assert_eq!(all::<UniqueList<i64>>("[1, \"x\", 1]"), ["/1: string \"x\" is not an integer"]);
    assert_eq!(all::<List<i64, 0, 1>>("[1, \"x\"]"), ["/1: string \"x\" is not an integer"]);
    assert_eq!(all::<List<i64, 0, 1>>("[1, 2, \"x\"]"), ["document: has more than the maximum of 1 items"]);
    assert_eq!(all::<(i64, i64)>("[1]"), ["document: has fewer than the minimum of 2 items"]);
    assert_eq!(all::<(i64, i64)>("[1, 2, 3]"), ["document: has more than the maximum of 2 items"]);
    assert_eq!(all::<(i64, i64)>("[\"x\"]"), ["/0: string \"x\" is not an integer"]);
    assert_eq!(all::<Option<Vec<i64>>>("5"), ["document: is not an array"]);
}

#[test]
fn all_rules_of_a_checked_type_are_told() {
    let missing = |name| format!("document: required property `{name}` is missing");
    assert_eq!(
        all::<Ordered>(r#"{"c":{"count":0,"more":1},"z":1,"b":1,"a":1}"#),
        [
            "/c/count: is less than the minimum of 1".to_owned(),
            "/c/more: property is not in the schema".to_owned(),
            "/b: is less than the minimum of 3".to_owned(),
            "/b: is not a multiple of 5".to_owned(),
            missing("x"),
            missing("y"),
            "document: required property `p` is missing, since `a` is there".to_owned(),
            "document: required property `q` is missing, since `a` is there".to_owned(),
            "document: breaks the rule `not` of the schema".to_owned(),
        ]
    );
    assert_eq!(
        all::<Ordered>(r#"{"a":10,"b":"x"}"#),
        ["/a: 10 is more than the maximum of 9", "/b: string \"x\" is not an integer",]
    );
    assert_eq!(
        all::<Held>(r#"{"b":1,"a":1}"#),
        [
            "/b: breaks the rule `minimum` of the schema".to_owned(),
            "/b: breaks the rule `multipleOf` of the schema".to_owned(),
            "/a: breaks the rule `not` of the schema".to_owned(),
            missing("x"),
            missing("y"),
        ]
    );
    // a value that its schema allows is then read
    assert_eq!(
        all::<Vec<Held>>(r#"[{"x":1,"y":1,"a":10,"b":"x"}, {"x":1}]"#),
        [
            "/0/a: 10 is more than the maximum of 9",
            "/0/b: string \"x\" is not an integer",
            "/1: required property `y` is missing",
        ]
    );
}

#[test]
fn of_a_union_without_a_tag_one_error_is_told() {
    assert_eq!(
        all::<Vec<Contact>>(r#"[{"count":0,"more":1}, 5, "x", {"count":1}]"#),
        [
            "/0/count: 0 is less than the minimum of 1",
            "/1: matches none of Mail, Line",
            "/2: \"x\" is not an email address",
        ]
    );
    assert_eq!(
        all::<Vec<Carrier>>(r#"[{"shop":1}, {"kind":"x"}, {"kind":"pickup","shop":1,"x":1}]"#),
        [
            "/0: required property `kind` is missing",
            "/1/kind: \"x\" is not one of `parcel`, `pickup`",
            "/2/shop: integer 1 is not a string",
            "/2/x: property is not in the schema",
        ]
    );
}

#[test]
fn payloads_and_their_enums_tell_all() {
    let text = br#"{"status":"lost","extra":1}"#;
    let of_payload = Order::violations(text, Reading::Tolerant).unwrap();
    assert_eq!(of_payload, AnyEvent::violations("order.placed", 2, text, Reading::Tolerant).unwrap());
    assert_eq!(of_payload.len(), 8);
    assert_eq!(Order::violations(order().to_string().as_bytes(), Reading::Strict), Ok(vec![]));
    assert_eq!(
        AnyEvent::violations("order.placed", 1, text, Reading::Strict),
        Err(DecodeError::unknown("order.placed", 1))
    );
}

#[test]
fn what_is_not_json_is_one_error() {
    for text in ["", "[1, \"x\"", "[\"x\"] x", "[\"x\", tru]", "{\"a\":}"] {
        assert!(matches!(violations::<Vec<i64>>(text.as_bytes(), Reading::Strict), Err(DecodeError::Syntax { .. })));
    }
    assert!(matches!(violations::<Vec<i64>>(b"[\"\xff\"]", Reading::Strict), Err(DecodeError::Syntax { .. })));
    // by the grammar these are JSON; they end the reading where they come first
    assert_eq!(
        all::<Vec<f64>>("[\"x\", 1e400, 2]"),
        ["/0: string \"x\" is not a number", "/1: can't be read: number out of range",]
    );
    assert_eq!(
        all::<Vec<Loose>>(r#"[5, {"a":10,"\ud800":1,"b":"x"}]"#)[..2],
        ["/0: is not an object", "/1/a: 10 is more than the maximum of 9",]
    );
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Tree {
    #[object(optional)]
    label: Option<Text<0, 1>>,
    #[object(optional)]
    branches: Option<Vec<Tree>>,
}

#[test]
fn documents_that_were_made_to_take_long_do_not() {
    assert_eq!(all::<Vec<i64>>(format!("[{}0]", "\"x\",".repeat(10_000))).len(), 100);
    let nested = format!("[{}0]", "[\"x\",\"y\",\"z\"],".repeat(10_000));
    assert_eq!(all::<Vec<Vec<i64>>>(nested).len(), 100);
    assert_eq!(all::<Vec<Ordered>>(format!("[{}{{}}]", r#"{"z":1},"#.repeat(10_000))).len(), 100);
    assert_eq!(all::<Vec<Held>>(format!("[{}{{}}]", "{},".repeat(10_000))).len(), 100);

    let deep = |levels: usize| {
        let (open, close) = (r#"{"label":"xx","branches":["#.repeat(levels), "]}".repeat(levels));
        format!("{open}{{\"label\":\"yy\"}}{close}")
    };
    assert_eq!(all::<Tree>(deep(63)).len(), 64);
    // what serde_json says of the text alone, it says of a part of one that is wrong elsewhere
    for levels in [64, 10_000] {
        let found = all::<Tree>(deep(levels));
        assert_eq!(found.len(), 65, "{found:?}");
        assert!(found[64].ends_with("is more than 128 levels deep"), "{found:?}");
    }
}

/// Wrong values in places that have nothing to do with each other, in the order of the document's text.
fn wrongs() -> Vec<(&'static str, Value)> {
    vec![
        ("/by_name/a", json!(10)),
        ("/by_name/b", json!("x")),
        ("/carrier/line/count", json!(0)),
        ("/carrier/unit", json!("kg")),
        ("/contact", json!("x")),
        ("/held/b", json!(1)),
        ("/id", json!("A")),
        ("/lines/0/count", json!(0)),
        ("/lines/0/names/x", json!("Augusta")),
        ("/lines/1", json!([])),
        ("/loose/b", json!("x")),
        ("/ordered/b", json!(1)),
        ("/pair/0", json!(2)),
        ("/pair/1", json!(2)),
        ("/status", json!(null)),
        ("/tags/1", json!(1)),
    ]
}

fn with(document: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(members) => drop(members.insert(name.to_owned(), value)),
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer} is not in the document"),
    }
}

fn pointers(value: &Value, at: String, all: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| pointers(value, format!("{at}/{name}"), all)),
        Value::Array(items) => items.iter().enumerate().for_each(|(n, item)| pointers(item, format!("{at}/{n}"), all)),
        _ => {}
    }
    if !at.is_empty() {
        all.push(at);
    }
}

fn some_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-1..12_i64).prop_map(Value::from),
        Just(json!(1.5)),
        "[a-cA]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("a|b|x|count|kind|names|é", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn errors_that_have_nothing_to_do_with_each_other_are_told_as_if_alone(
        chosen in prop::collection::vec(any::<bool>(), wrongs().len()),
    ) {
        let mut document = order();
        let mut expected = Vec::new();
        for (pointer, value) in wrongs().into_iter().zip(chosen).filter_map(|(wrong, chosen)| chosen.then_some(wrong)) {
            let mut alone = order();
            with(&mut alone, pointer, value.clone());
            expected.extend(all::<Order>(alone));
            with(&mut document, pointer, value);
        }
        assert_eq!(all::<Order>(document), expected);
    }

    #[test]
    fn nothing_is_told_exactly_where_the_document_is_read_and_else_what_is_said_first(
        changes in prop::collection::vec((any::<prop::sample::Index>(), some_json()), 0..5),
        tail in prop_oneof![9 => Just(""), 1 => Just(",")],
    ) {
        let mut document = order();
        for (index, value) in changes {
            let mut places = Vec::new();
            pointers(&document, String::new(), &mut places);
            with(&mut document, &places[index.index(places.len())], value);
        }
        for reading in [Reading::Strict, Reading::Tolerant] {
            all_in::<Order>(reading, &format!("{document}{tail}"));
        }
    }
}
