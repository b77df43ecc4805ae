//! Values that are held against a whole schema.

use std::time::{Duration, Instant};

use crate::refusal::error;
use eventwright::payload::checked::{Exact, Run};
use eventwright::payload::{Read, Schemas, Write, decode, encode, violations};
use eventwright::{Checked, Int, Json, List, Maybe, Number, Object, Reading, Union, Vetted};
use jsonschema::json::{Json as _, Node as _, conformance};

static SCHEMAS: Schemas = Schemas::new(&[
    (
        "https://example.org/order.json",
        r##"{
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$defs": {
                "money": { "type": "number", "minimum": 0.1, "exclusiveMaximum": 1e400, "multipleOf": 0.01 },
                "total": { "$anchor": "total", "$ref": "#/$defs/money" },
                "huge": { "enum": [12345678901234567890123, 0.1000000000000000000001, { "a": [1e400] }, 1.0] },
                "three": { "const": 3.00000000000000000001 },
                "precise": { "minimum": 0.10000000000000000001, "multipleOf": 0.00000000000000000000001 },
                "whole": { "type": "integer" },
                "either": { "$ref": "shapes.json" },
                "other": { "$id": "sub/other.json", "$defs": { "x": { "$ref": "../names.json" } } },
                "named": { "$ref": "sub/other.json#/$defs/x" },
                "schema": { "$ref": "https://json-schema.org/draft/2020-12/schema" },
                "different": { "type": "array", "uniqueItems": true },
                "order": {
                    "type": "object",
                    "properties": {
                        "amount": { "$ref": "#total" },
                        "lines": { "items": { "properties": { "a/b": { "const": 1 } }, "required": ["a/b"] } },
                        "extra": { "not": {} },
                        "count": { "type": "integer" }
                    },
                    "if": { "required": ["amount"] },
                    "then": { "required": ["lines"] },
                    "unevaluatedProperties": false
                }
            }
        }"##,
    ),
    ("https://example.org/shapes.json", r##"{ "oneOf": [{ "required": ["a"] }, { "required": ["b"] }] }"##),
    (
        "https://example.org/names.json",
        r##"{ "$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/n", "minLength": 100,
             "definitions": { "n": { "type": "string", "maxLength": 3 } } }"##,
    ),
    (
        "https://example.org/old.json",
        r##"{ "$schema": "http://json-schema.org/draft-04/schema#",
             "definitions": {
                 "bound": { "type": "number", "maximum": 5, "exclusiveMaximum": true, "minimum": 1, "exclusiveMinimum": false },
                 "whole": { "type": "integer" },
                 "any": { "const": 1 }
             } }"##,
    ),
]);

macro_rules! checked {
    ($($name:ident($inner:ty) in $schemas:ident at $at:literal;)*) => {$(
        #[derive(Clone, PartialEq, Checked)]
        #[checked(schemas = $schemas, at = $at)]
        struct $name(Vetted<$inner>);
    )*};
}

checked! {
    Money(Number) in SCHEMAS at "https://example.org/order.json#/$defs/money";
    Huge(Json) in SCHEMAS at "https://example.org/order.json#/$defs/huge";
    Three(Json) in SCHEMAS at "https://example.org/order.json#/$defs/three";
    Precise(Json) in SCHEMAS at "https://example.org/order.json#/$defs/precise";
    Whole(Json) in SCHEMAS at "https://example.org/order.json#/$defs/whole";
    Either(Json) in SCHEMAS at "https://example.org/order.json#/$defs/either";
    Named(Json) in SCHEMAS at "https://example.org/order.json#/$defs/named";
    Deep(Json) in SCHEMAS at "https://example.org/order.json#/$defs/other/$defs/x";
    Schema(Json) in SCHEMAS at "https://example.org/order.json#/$defs/schema";
    Different(Vec<Json>) in SCHEMAS at "https://example.org/order.json#/$defs/different";
    Order(Json) in SCHEMAS at "https://example.org/order.json#/$defs/order";
    OldBound(Json) in SCHEMAS at "https://example.org/old.json#/definitions/bound";
    OldWhole(Json) in SCHEMAS at "https://example.org/old.json#/definitions/whole";
    OldAny(Json) in SCHEMAS at "https://example.org/old.json#/definitions/any";
}

fn accepts<T: Read + Write>(json: &str) -> bool {
    decode::<T>(json.as_bytes(), Reading::Strict).inspect(|value| assert!(!encode(value).unwrap().is_empty())).is_ok()
}

#[test]
fn the_representation_keeps_the_contract_of_jsonschema() {
    let document = Json::from(conformance::document());
    conformance::assert_conformance::<Exact>(&Run::unlimited(&document).root());
    Exact::with_string_node(&mut Json::Null, "x", |node| assert!(node.is_string()));
}

#[test]
fn numbers_are_judged_exactly() {
    for (json, is_money) in [
        ("0.1", true),
        ("19.99", true),
        ("19.995", false),
        ("0.1000000000000000000001", false),
        ("0.09", false),
        ("1e399", true),
        ("1e400", false),
        ("10e399", false),
        ("9007199254740993.01", true),
        ("9007199254740993.011", false),
        ("1e1000000000", false),
        ("-1e1000000000", false),
        ("1e-1000000000", false),
    ] {
        assert_eq!(accepts::<Money>(json), is_money, "{json}");
    }
    for (json, is_one) in [
        ("12345678901234567890123", true),
        ("12345678901234567890124", false),
        ("12345678901234567890123.0", true),
        ("0.1000000000000000000001", true),
        ("0.1", false),
        (r#"{"a":[10e399]}"#, true),
        (r#"{"a":[1e401]}"#, false),
        ("1", true),
    ] {
        assert_eq!(accepts::<Huge>(json), is_one, "{json}");
    }
    assert!(accepts::<Three>("3.000000000000000000010") && !accepts::<Three>("3") && !accepts::<Three>("3.0"));
    assert!(accepts::<Precise>("0.10000000000000000001") && !accepts::<Precise>("0.1"));
    assert!(!accepts::<Precise>("0.100000000000000000010000001"));
    for (json, is_whole) in
        [("1e1000000000", true), ("1.0", true), ("1e-1000000000", false), ("9007199254740993.5", false)]
    {
        assert_eq!(accepts::<Whole>(json), is_whole, "{json}");
    }
    assert!(accepts::<Different>(
        "[9007199254740993, 9007199254740992, 0.1, 0.10000000000000000000001, true, 1, \"1\"]"
    ));
    assert!(!accepts::<Different>("[[1.0, {}], [1, {}]]"));
}

#[test]
fn each_document_has_its_own_draft() {
    assert!(
        accepts::<OldBound>("1")
            && accepts::<OldBound>("4.9")
            && !accepts::<OldBound>("5")
            && !accepts::<OldBound>("0.9")
    );
    // in draft 4, 1.0 is no integer, and `const` is no keyword
    assert!(accepts::<OldWhole>("1") && !accepts::<OldWhole>("1.0") && !accepts::<OldWhole>("1e2"));
    assert!(accepts::<OldAny>("2"));
    // in draft 7, what is beside `$ref` does not count
    for is_valid in [accepts::<Named>, accepts::<Deep>] {
        assert!(is_valid("\"abc\"") && !is_valid("\"abcd\"") && !is_valid("1"));
    }
    assert!(accepts::<Schema>(r#"{"type":"string"}"#) && !accepts::<Schema>(r#"{"type":"strnig"}"#));
    assert!(accepts::<Either>(r#"{"a":1}"#) && !accepts::<Either>(r#"{"a":1,"b":1}"#));
}

#[test]
fn errors_name_the_keyword_and_the_place_and_no_value() {
    for (json, message) in [
        (r#"{"amount":19.995,"lines":[]}"#, "/amount: breaks the rule `multipleOf` of the schema"),
        (r#"{"lines":[{"a/b":1},{"a/b":"secret"}]}"#, "/lines/1/a~1b: breaks the rule `const` of the schema"),
        (r#"{"lines":[{}]}"#, "/lines/0: required property `a/b` is missing"),
        (r#"{"amount":1}"#, "document: required property `lines` is missing"),
        (r#"{"extra":"secret"}"#, "/extra: breaks the rule `not` of the schema"),
        (r#"{"secret":1}"#, "document: breaks the rule `unevaluatedProperties` of the schema"),
        (r#"{"a":1,"a":2}"#, "/a: property is given twice"),
        ("5", "document: breaks the rule `type` of the schema"),
        ("[", "not JSON: EOF while parsing a list at line 1, column 1"),
    ] {
        assert_eq!(error::<Order>(json), message);
    }
    assert_eq!(error::<Huge>("5"), "document: breaks the rule `enum` of the schema");
    assert_eq!(error::<Either>("{}"), "document: breaks the rule `oneOf` of the schema");
    let order = Order::new(r#"{"amount":0}"#.parse().unwrap()).unwrap_err();
    assert_eq!(order.to_string(), "the value at /amount: breaks the rule `minimum` of the schema");
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Basket {
    #[object(optional)]
    count: Option<Int<0, 9>>,
    #[object(optional, sensitive)]
    lines: Option<Vec<std::collections::BTreeMap<String, Order>>>,
}

checked! { CheckedBasket(Basket) in SCHEMAS at "https://example.org/order.json#/$defs/order"; }

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Shop {
    basket: CheckedBasket,
    #[object(sensitive)]
    order: Order,
}

#[test]
fn a_checked_type_wraps_another() {
    let json = r#"{"basket":{"count":3},"order":{"lines":[]}}"#;
    let shop: Shop = decode(json.as_bytes(), Reading::Strict).unwrap();
    assert_eq!((shop.basket.count, encode(&shop).unwrap().as_str()), (Some(Int::from_static(3)), json));
    assert_eq!(serde_json::to_string(&shop.basket).unwrap(), r#"{"count":3}"#);
    assert_eq!(format!("{:?}", shop.basket), "Basket { count: Some(3), lines: <redacted> }");
    let basket: Basket = shop.basket.clone().into();
    assert!(CheckedBasket::try_from(basket.clone()).unwrap() == shop.basket && shop.basket.into_inner() == basket);

    for (json, message) in [
        // the schema's rules come first, then the type's
        (r#"{"basket":{"count":"x"},"order":{}}"#, "/basket/count: breaks the rule `type` of the schema"),
        (r#"{"basket":{"count":10},"order":{}}"#, "/basket/count: 10 is more than the maximum of 9"),
        (r#"{"basket":{"amount":1,"lines":[]},"order":{}}"#, "/basket/amount: property is not in the schema"),
        (r#"{"basket":{"lines":[{"a/b":1}]},"order":{}}"#, "/basket/lines/0: breaks the rule `type` of the schema"),
        (r#"{"basket":{},"order":{"lines":[{"a/b":"secret"}]}}"#, "/order: breaks the rule `const` of the schema"),
    ] {
        let found = decode::<Shop>(json.as_bytes(), Reading::Strict).err().unwrap().to_string();
        assert_eq!(found, message, "{json}");
    }
}

static FORMATS: &[(&str, &str)] = &[(
    "https://example.org/formats.json",
    r#"{ "$defs": { "at": { "format": "date-time" }, "on": { "format": "date" }, "mail": { "format": "email" },
                    "id": { "format": "uuid" }, "ip": { "format": "ipv4" }, "odd": { "format": "odd" } } }"#,
)];
static ASSERTED: Schemas = Schemas::new(FORMATS);
static ANNOTATED: Schemas = Schemas::new(FORMATS).annotate_formats();

checked! {
    At(Json) in ASSERTED at "https://example.org/formats.json#/$defs/at";
    On(Json) in ASSERTED at "https://example.org/formats.json#/$defs/on";
    Mail(Json) in ASSERTED at "https://example.org/formats.json#/$defs/mail";
    Id(Json) in ASSERTED at "https://example.org/formats.json#/$defs/id";
    Ip(Json) in ASSERTED at "https://example.org/formats.json#/$defs/ip";
    Odd(Json) in ASSERTED at "https://example.org/formats.json#/$defs/odd";
    NotedAt(Json) in ANNOTATED at "https://example.org/formats.json#/$defs/at";
}

#[test]
fn formats_mean_what_they_mean_elsewhere() {
    assert!(
        accepts::<At>("\"2016-12-31t23:59:60z\"") && !accepts::<At>("\"2016-12-31T12:59:60Z\"") && accepts::<At>("5")
    );
    assert!(accepts::<On>("\"2024-02-29\"") && !accepts::<On>("\"2023-02-29\""));
    assert!(accepts::<Mail>("\"a@[IPv6:2001:db8::1]\"") && !accepts::<Mail>("\"Ada <ada@example.org>\""));
    assert!(accepts::<Id>("\"01890A5D-ac96-774b-bcce-b302099a8057\""));
    assert!(!accepts::<Id>("\"{01890a5d-ac96-774b-bcce-b302099a8057}\""));
    assert!(accepts::<Ip>("\"192.0.2.1\"") && !accepts::<Ip>("\"192.0.2.256\"") && accepts::<Odd>("\"x\""));
    assert!(accepts::<NotedAt>("\"yesterday\""));
    assert_eq!(error::<At>("\"x\""), "document: breaks the rule `format` of the schema: it is no `date-time`");
}

static BROKEN: Schemas = Schemas::new(&[("https://example.org/a.json", r#"{"$ref": "https://example.org/b.json"}"#)]);
static FILES: Schemas = Schemas::new(&[("https://example.org/a.json", r#"{"$ref": "file:///etc/passwd"}"#)]);
static NONSENSE: Schemas = Schemas::new(&[("https://example.org/a.json", r#"{"type": "strnig"}"#)]);

checked! {
    Missing(Json) in BROKEN at "https://example.org/a.json";
    File(Json) in FILES at "https://example.org/a.json";
    Nonsense(Json) in NONSENSE at "https://example.org/a.json";
    Nowhere(Json) in SCHEMAS at "https://example.org/order.json#/$defs/nothing";
}

#[test]
fn schemas_that_do_not_compile_are_bugs_of_the_generator_and_nothing_is_fetched() {
    for invalid in [
        Missing::new(Json::Null).map(drop),
        File::new(Json::Null).map(drop),
        Nonsense::new(Json::Null).map(drop),
        Nowhere::new(Json::Null).map(drop),
    ] {
        let message = invalid.unwrap_err().to_string();
        assert!(message.contains("does not compile, which is a bug of the code generator: "), "{message}");
    }
    assert!(
        error::<Missing>("1").contains("there is no document `https://example.org/b.json`"),
        "{}",
        error::<Missing>("1")
    );
}

static HARD: Schemas = Schemas::new(&[(
    "https://example.org/hard.json",
    r##"{
        "$defs": {
            "steps": { "pattern": "^(a|a)*(?=b)$" },
            "many": { "items": { "pattern": "^(a|a)*(?=b)$" } },
            "tree": {
                "anyOf": [
                    { "properties": { "x": { "$ref": "#/$defs/tree" } }, "type": "object" },
                    { "properties": { "x": { "$ref": "#/$defs/tree" } }, "required": ["x"] , "minProperties": 1, "type": "object" },
                    { "const": 1 }
                ]
            },
            "nested": { "type": "array", "items": { "allOf": [{ "$ref": "#/$defs/nested" }, { "$ref": "#/$defs/nested" }] } },
            "round": { "$ref": "#/$defs/and" },
            "and": { "allOf": [{ "$ref": "#/$defs/round" }, { "type": "string" }] }
        }
    }"##,
)]);

checked! {
    Steps(Json) in HARD at "https://example.org/hard.json#/$defs/steps";
    Many(Json) in HARD at "https://example.org/hard.json#/$defs/many";
    Tree(Json) in HARD at "https://example.org/hard.json#/$defs/tree";
    Nested(Json) in HARD at "https://example.org/hard.json#/$defs/nested";
    Round(Json) in HARD at "https://example.org/hard.json#/$defs/round";
}

/// Verdicts come in bounded time: this much is generous even for a busy machine.
fn in_time<T>(what: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = what();
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    result
}

#[test]
fn a_pattern_that_takes_too_long_is_a_refusal() {
    let text = format!("\"{}c\"", "a".repeat(60));
    let message = in_time(|| error::<Steps>(&text));
    assert_eq!(message, "document: breaks the rule `pattern` of the schema: it takes too many steps to match");
    let texts: Vec<_> = (0..100).map(|more| format!("\"{}c\"", "a".repeat(60 + more))).collect();
    let message = in_time(|| error::<Many>(&format!("[{}]", texts.join(","))));
    assert!(message.ends_with("it takes too many steps to match"), "{message}");
}

#[test]
fn a_schema_with_many_reasons_for_a_refusal_gives_none() {
    let tree = |leaf: &str| format!("{}{leaf}{}", r#"{"x":"#.repeat(120), "}".repeat(120));
    assert!(in_time(|| accepts::<Tree>(&tree("1"))));
    assert_eq!(in_time(|| error::<Tree>(&tree("2"))), "document: breaks the rules of the schema");
    assert_eq!(error::<Tree>(r#"{"x":{"x":2}}"#), "document: breaks the rule `anyOf` of the schema");

    let nested = |leaf: &str| format!("{}{leaf}{}", "[".repeat(120), "]".repeat(120));
    assert!(in_time(|| accepts::<Nested>(&nested(""))));
    let message = in_time(|| error::<Nested>(&nested("1")));
    assert!(message.ends_with("/0/0: breaks the rule `type` of the schema"), "{message}");
    assert!(accepts::<Round>("\"x\"") && !accepts::<Round>("1"));
}

static PRIVATE: Schemas = Schemas::new(&[(
    "https://example.org/private.json",
    r##"{
        "$defs": {
            "flat": { "properties": { "by_name": { "additionalProperties": { "not": { "const": 5 } } } } },
            "list": { "items": { "$ref": "#/$defs/flat" } },
            "map": { "additionalProperties": { "$ref": "#/$defs/flat" } },
            "within": { "properties": { "flat": { "$ref": "#/$defs/flat" }, "known": { "$ref": "#/$defs/map" } } },
            "pair": { "prefixItems": [true, { "$ref": "#/$defs/flat" }] }
        }
    }"##,
)]);

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Flat {
    #[object(optional, sensitive)]
    by_name: Option<std::collections::BTreeMap<String, i64>>,
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Within {
    #[object(optional)]
    flat: Maybe<Box<Flat>>,
    #[object(optional)]
    known: Option<std::collections::BTreeMap<String, Option<Flat>>>,
}

#[derive(Clone, PartialEq, Union)]
#[union(any)]
enum FlatOrNot {
    Flat(Flat),
    Number(i64),
}

#[derive(Clone, PartialEq, Checked)]
struct FlatName(Flat);

checked! {
    CheckedFlat(Flat) in PRIVATE at "https://example.org/private.json#/$defs/flat";
    FlatTwice(CheckedFlat) in PRIVATE at "https://example.org/private.json#/$defs/flat";
    FlatNamed(FlatName) in PRIVATE at "https://example.org/private.json#/$defs/flat";
    FlatUnion(FlatOrNot) in PRIVATE at "https://example.org/private.json#/$defs/flat";
    Flats(List<Flat, 1>) in PRIVATE at "https://example.org/private.json#/$defs/list";
    FlatMap(std::collections::BTreeMap<String, Flat>) in PRIVATE at "https://example.org/private.json#/$defs/map";
    FlatWithin(Within) in PRIVATE at "https://example.org/private.json#/$defs/within";
    FlatPair((i64, Flat)) in PRIVATE at "https://example.org/private.json#/$defs/pair";
    Untyped(Json) in PRIVATE at "https://example.org/private.json#/$defs/flat";
}

#[test]
fn what_a_schema_says_of_a_sensitive_property_ends_there() {
    const RULE: &str = "breaks the rule `not` of the schema";
    let flat = r#"{"by_name":{"Ada":5}}"#;
    assert_eq!(error::<CheckedFlat>(flat), format!("/by_name: {RULE}"));
    assert_eq!(error::<FlatTwice>(flat), format!("/by_name: {RULE}"));
    assert_eq!(error::<FlatNamed>(flat), format!("/by_name: {RULE}"));
    assert_eq!(error::<FlatUnion>(flat), format!("/by_name: {RULE}"));
    assert_eq!(error::<Flats>(&format!("[{flat}]")), format!("/0/by_name: {RULE}"));
    assert_eq!(error::<FlatMap>(&format!(r#"{{"x":{flat}}}"#)), format!("/x/by_name: {RULE}"));
    assert_eq!(error::<FlatWithin>(&format!(r#"{{"flat":{flat}}}"#)), format!("/flat/by_name: {RULE}"));
    assert_eq!(error::<FlatWithin>(&format!(r#"{{"known":{{"x":{flat}}}}}"#)), format!("/known/x/by_name: {RULE}"));
    assert_eq!(error::<FlatPair>(&format!("[1,{flat}]")), format!("/1/by_name: {RULE}"));
    assert_eq!(error::<Untyped>(flat), format!("/by_name/Ada: {RULE}"));

    let flat: Flat = decode(flat.as_bytes(), Reading::Strict).unwrap();
    assert_eq!(CheckedFlat::new(flat).unwrap_err().to_string(), format!("the value at /by_name: {RULE}"));

    let all =
        violations::<Flats>(br#"[{"by_name":{"Ada":5,"Eve":5}},{"by_name":{"Bob":5}}]"#, Reading::Strict).unwrap();
    let all: Vec<_> = all.iter().map(ToString::to_string).collect();
    assert_eq!(all, [format!("/0/by_name: {RULE}"), format!("/1/by_name: {RULE}")]);
}
