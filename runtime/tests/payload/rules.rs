//! Rules of a schema that are built from types: what they let through and refuse, and with which words.

use std::collections::BTreeMap;

use crate::refusal::{error, error_in};
use eventwright::payload::rules::*;
use eventwright::payload::value::types::{NULL, NUMBER, OBJECT, STRING};
use eventwright::payload::{Read, Write, decode, encode};
use eventwright::{
    Checked, Email, Int, Json, JsonObject, List, Maybe, Never, Null, Number, Object, Other, Pattern, Reading, Ruled,
    Str, Text, Union, Unrecognized, Vetted, Words,
};

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Pattern)]
#[pattern("^x-[a-z]*$")]
struct Extension(Str);

#[derive(Clone, PartialEq, Object)]
struct HasA {
    a: Int<0, 9>,
    #[object(rest)]
    rest: JsonObject,
}

#[derive(Clone, PartialEq, Object)]
struct HasLines {
    lines: Vec<Int<0, 9>>,
    #[object(rest)]
    rest: JsonObject,
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct OnlyA {
    a: Int<0, 9>,
}

macro_rules! checked {
    ($($name:ident($inner:ty): [$($rules:tt)*];)*) => {$(
        #[derive(Clone, PartialEq, Checked)]
        #[checked(rules)]
        struct $name(Vetted<$inner>);

        impl Ruled for $name {
            fn rules() -> Vec<Rule> {
                vec![$($rules)*]
            }
        }
    )*};
}

/// Whether both readings let a value through, and what is written reads as the same.
fn accepts<T: Read + Write + PartialEq>(json: &str) -> bool {
    let strict = decode::<T>(json.as_bytes(), Reading::Strict).ok();
    let tolerant = decode::<T>(json.as_bytes(), Reading::Tolerant).ok();
    assert!(strict == tolerant, "{json}");
    if let Some(value) = &strict {
        let again = decode::<T>(encode(value).unwrap().as_bytes(), Reading::Strict).ok();
        assert!(again == strict, "{json}");
    }
    strict.is_some()
}

fn accepts_all<T: Read + Write + PartialEq>(values: &[&str]) {
    for json in values {
        assert!(accepts::<T>(json), "{json}: {}", error::<T>(json));
    }
}

mod verdicts;

const NOT_NUMBERS: &[&str] = &["null", "true", "\"5\"", "[]", "{}"];
const NOT_STRINGS: &[&str] = &["null", "true", "5", "[]", "{}"];
const NOT_ARRAYS: &[&str] = &["null", "true", "5", "\"x\"", "{}"];
const NOT_OBJECTS: &[&str] = &["null", "true", "5", "\"x\"", "[]"];

#[test]
fn values_are_compared_as_json() {
    checked! {
        One(Json): [values(&["1"])];
        Few(Json): [values(&["1", "\"a\"", r#"{"x":[1]}"#, "12345678901234567890.5", "null"])];
    }
    accepts_all::<One>(&["1", "1.0", "10e-1"]);
    accepts_all::<Few>(&["1", "\"\\u0061\"", r#"{"x":[1.0]}"#, "12345678901234567890.50", "null"]);
    assert_eq!(error::<One>("2"), "document: breaks the rule `const` of the schema");
    for json in ["12345678901234567890.4", "\"A\"", "{\"x\":[]}", "[1]", "true"] {
        assert_eq!(error::<Few>(json), "document: breaks the rule `enum` of the schema");
    }
}

#[test]
fn numbers_are_held_against_bounds_exactly() {
    checked! {
        Least(Json): [minimum("0.1")];
        Most(Json): [maximum("1e400")];
        More(Json): [exclusive_minimum("0")];
        Less(Json): [exclusive_maximum("0.30000000000000000001")];
        Cents(Json): [multiple_of("0.01")];
    }
    accepts_all::<Least>(&["0.1", "1e-1", "5"]);
    accepts_all::<Most>(&["1e400", "10e399", "-5"]);
    accepts_all::<More>(&["1e-300", "1"]);
    accepts_all::<Less>(&["0.3", "-1"]);
    accepts_all::<Cents>(&["19.99", "0", "1e3"]);
    accepts_all::<Least>(NOT_NUMBERS);
    accepts_all::<Cents>(NOT_NUMBERS);
    assert_eq!(error::<Least>("0.09999999999999999999999"), "document: is less than the minimum of 0.1");
    assert_eq!(error::<Most>("1.1e400"), "document: is more than the maximum of 1e400");
    assert_eq!(error::<More>("0"), "document: is not more than 0");
    assert_eq!(error::<Less>("0.30000000000000000001"), "document: is not less than 0.30000000000000000001");
    assert_eq!(error::<Cents>("19.995"), "document: is not a multiple of 0.01");
}

#[test]
fn strings_are_held_against_lengths_patterns_and_formats() {
    checked! {
        Long(Json): [min_length(2)];
        Short(Json): [max_length(2)];
        Links(Json): [format("uri")];
        Unknown(Json): [format("no-such-format")];
        Extended(Json): [matches::<Extension>()];
    }
    accepts_all::<Long>(&["\"Zo\"", "\"ëë\""]);
    accepts_all::<Short>(&["\"\"", "\"ëë\""]);
    accepts_all::<Links>(&["\"https://example.org/\""]);
    accepts_all::<Extended>(&["\"x-a\""]);
    accepts_all::<Long>(NOT_STRINGS);
    accepts_all::<Links>(NOT_STRINGS);
    accepts_all::<Unknown>(NOT_STRINGS);
    accepts_all::<Extended>(NOT_STRINGS);
    assert_eq!(error::<Long>("\"ë\""), "document: is shorter than the minimum of 2 characters");
    assert_eq!(error::<Short>("\"abc\""), "document: is longer than the maximum of 2 characters");
    assert_eq!(error::<Links>("\"a b\""), "document: breaks the rule `format` of the schema: it is no `uri`");
    let unknown = "document: is to be of the format `no-such-format`, for which there is no rule here";
    assert_eq!(error::<Unknown>("\"x\""), unknown);
    assert_eq!(error::<Extended>("\"y\""), "document: does not match the pattern ^x-[a-z]*$");
}

#[test]
fn arrays_are_held_against_counts_and_types() {
    checked! {
        Few(Json): [max_items(1)];
        Many(Json): [min_items(2)];
        Different(Json): [unique()];
        Small(Json): [contains(is::<Int<0, 9>>(), 1, usize::MAX)];
        Two(Json): [contains(is::<Int<0, 9>>(), 2, 2)];
        No(Json): [contains(is::<Int<0, 9>>(), 0, 0)];
        Pair(Json): [prefix_items([is::<String>(), is::<Int<0, 9>>()], Some(is::<Null>()))];
        Open(Json): [prefix_items([is::<String>()], None)];
    }
    accepts_all::<Few>(&["[]", "[1]"]);
    accepts_all::<Many>(&["[1,2]"]);
    accepts_all::<Different>(&["[]", "[1,\"1\",[1],{\"a\":1},{\"a\":2},true,null]"]);
    accepts_all::<Small>(&["[10,\"x\",9]"]);
    accepts_all::<Two>(&["[1,10,2]"]);
    accepts_all::<No>(&["[]", "[10]"]);
    accepts_all::<Pair>(&["[]", "[\"a\"]", "[\"a\",1]", "[\"a\",1,null,null]"]);
    accepts_all::<Open>(&["[\"a\",1,{}]"]);
    accepts_all::<Few>(NOT_ARRAYS);
    accepts_all::<Different>(NOT_ARRAYS);
    accepts_all::<Small>(NOT_ARRAYS);
    accepts_all::<Pair>(NOT_ARRAYS);
    assert_eq!(error::<Few>("[1,2]"), "document: has more than the maximum of 1 items");
    assert_eq!(error::<Many>("[1]"), "document: has fewer than the minimum of 2 items");
    assert_eq!(error::<Different>("[{\"a\":1,\"b\":[1]},2,{\"b\":[1.0],\"a\":1}]"), "document: has equal items");
    assert_eq!(error::<Small>("[10]"), "document: breaks the rule `contains` of the schema");
    assert_eq!(error::<Two>("[1,10]"), "document: breaks the rule `minContains` of the schema");
    assert_eq!(error::<Two>("[1,2,3]"), "document: breaks the rule `maxContains` of the schema");
    assert_eq!(error::<No>("[10,2]"), "document: breaks the rule `maxContains` of the schema");
    assert_eq!(error::<Pair>("[\"a\",10]"), "/1: is more than the maximum of 9");
    assert_eq!(error::<Pair>("[\"a\",1,null,1]"), "/3: is not null");
    assert_eq!(error::<Open>("[1]"), "/0: is not a string");
}

#[test]
fn a_million_items_are_compared() {
    checked! { Different(Vec<Json>): [unique()]; }
    let items: Vec<_> = (0..1_000_000).map(|number| number.to_string()).collect();
    let different = format!("[{}]", items.join(","));
    let equal = format!("[{},0.0]", items.join(","));
    assert!(decode::<Different>(different.as_bytes(), Reading::Strict).is_ok());
    assert_eq!(error_in::<Different>(Reading::Strict, &equal), "document: has equal items");
}

#[test]
fn objects_are_held_against_counts_names_and_types() {
    checked! {
        Needs(Json): [required(&["a", "b"])];
        Coupon(Json): [dependent_required(&[("coupon", &["source"]), ("x", &["y", "z"])])];
        Lines(Json): [dependent_schemas([("lines", is::<HasLines>())])];
        Names(Json): [property_names(is::<Text<1, 3>>())];
        Few(Json): [max_properties(1)];
        Many(Json): [min_properties(2)];
    }
    accepts_all::<Needs>(&["{\"a\":1,\"b\":null,\"c\":1}"]);
    accepts_all::<Coupon>(&["{}", "{\"source\":1}", "{\"coupon\":1,\"source\":1}", "{\"x\":1,\"y\":1,\"z\":1}"]);
    accepts_all::<Lines>(&["{}", "{\"lines\":[1]}"]);
    accepts_all::<Names>(&["{}", "{\"a\":1,\"abc\":1}"]);
    accepts_all::<Few>(&["{}", "{\"a\":1}"]);
    accepts_all::<Many>(&["{\"a\":1,\"b\":1}"]);
    accepts_all::<Needs>(NOT_OBJECTS);
    accepts_all::<Coupon>(NOT_OBJECTS);
    accepts_all::<Lines>(NOT_OBJECTS);
    accepts_all::<Names>(NOT_OBJECTS);
    accepts_all::<Few>(NOT_OBJECTS);
    accepts_all::<Many>(NOT_OBJECTS);
    assert_eq!(error::<Needs>("{\"a\":1}"), "document: required property `b` is missing");
    assert_eq!(
        error::<Coupon>("{\"coupon\":null}"),
        "document: required property `source` is missing, since `coupon` is there"
    );
    assert_eq!(error::<Coupon>("{\"x\":1,\"y\":1}"), "document: required property `z` is missing, since `x` is there");
    assert_eq!(error::<Lines>("{\"lines\":[1,10]}"), "/lines/1: is more than the maximum of 9");
    let long = "/long: has a name that is longer than the maximum of 3 characters";
    assert_eq!(error::<Names>("{\"a\":1,\"long\":1}"), long);
    assert_eq!(error::<Few>("{\"a\":1,\"b\":1}"), "document: has more than the maximum of 1 properties");
    assert_eq!(error::<Many>("{\"a\":1}"), "document: has fewer than the minimum of 2 properties");
}

#[test]
fn members_are_known_by_name_or_pattern() {
    checked! {
        Typed(Json): [members(&["a", "b"], [keyed::<Extension>(is::<Int<0, 9>>()), keyed::<Extension>(is::<Int<5>>())], Some(is::<String>()))];
        Closed(Json): [members(&["a"], [keyed::<Extension>(is::<Json>())], Some(is::<Never>()))];
        Open(Json): [members(&["a"], [keyed::<Extension>(is::<Int<0, 9>>())], None)];
    }
    accepts_all::<Typed>(&["{}", "{\"a\":{},\"b\":1,\"x-a\":5,\"other\":\"x\"}"]);
    accepts_all::<Typed>(NOT_OBJECTS);
    accepts_all::<Closed>(&["{\"a\":1,\"x-\":{}}"]);
    accepts_all::<Open>(&["{\"other\":1,\"x-b\":1}"]);
    assert_eq!(error::<Typed>("{\"x-a\":10}"), "/x-a: is more than the maximum of 9");
    assert_eq!(error::<Typed>("{\"x-a\":4}"), "/x-a: is less than the minimum of 5");
    assert_eq!(error::<Typed>("{\"other\":1}"), "/other: is not a string");
    assert_eq!(error::<Open>("{\"x-a\":10}"), "/x-a: is more than the maximum of 9");

    let newer = "{\"a\":1,\"later\":2}";
    assert_eq!(error_in::<Closed>(Reading::Strict, newer), "/later: is not allowed by the schema");
    assert!(decode::<Closed>(newer.as_bytes(), Reading::Tolerant).is_ok());
}

#[test]
fn a_value_is_held_against_types_as_a_whole() {
    checked! {
        All(Json): [all_of([is::<HasA>(), is::<HasLines>()])];
        Any(Json): [any_of([is::<HasA>(), is::<HasLines>()])];
        OneType(Json): [any_of([is::<HasA>()])];
        One(Json): [one_of([is::<HasA>(), is::<HasLines>(), is::<OnlyA>()])];
        Not(Json): [not(is::<HasA>())];
        Then(Json): [when(is::<HasA>(), Some(is::<HasLines>()), None)];
        Else(Json): [when(is::<HasA>(), None, Some(is::<HasLines>()))];
    }
    let (a, lines, both) = ("{\"a\":1}", "{\"lines\":[]}", "{\"a\":1,\"lines\":[2]}");
    accepts_all::<All>(&[both]);
    accepts_all::<Any>(&[a, lines, both]);
    accepts_all::<One>(&[lines]);
    accepts_all::<Not>(&[lines, "5", "{\"a\":10}"]);
    accepts_all::<Then>(&[both, lines, "5"]);
    accepts_all::<Else>(&[a, both, lines]);
    assert_eq!(error::<All>(lines), "document: required property `a` is missing");
    assert_eq!(error::<All>("{\"a\":1,\"lines\":[2,10]}"), "/lines/1: is more than the maximum of 9");
    assert_eq!(error::<Any>("{}"), "document: breaks the rule `anyOf` of the schema");
    assert_eq!(error::<OneType>("{\"a\":10}"), "/a: is more than the maximum of 9");
    for none_or_two in ["{}", "[]", a, both] {
        assert_eq!(error::<One>(none_or_two), "document: breaks the rule `oneOf` of the schema");
    }
    assert_eq!(error::<Not>(a), "document: breaks the rule `not` of the schema");
    assert_eq!(error::<Then>(a), "document: required property `lines` is missing");
    assert_eq!(error::<Else>("[]"), "document: is not an object");
}

#[test]
fn a_word_picks_the_rule_to_keep() {
    checked! {
        Paid(Json): [tagged("a", [("x", always()), ("y", required(&["lines"]))], false)];
        MaybePaid(Json): [tagged("a", [("x", always())], true)];
    }
    accepts_all::<Paid>(&["{\"a\":\"x\",\"b\":1}", "{\"a\":\"y\",\"lines\":1}"]);
    accepts_all::<MaybePaid>(&["null", "{\"a\":\"x\"}"]);
    assert_eq!(error::<Paid>("{\"a\":\"y\"}"), "document: required property `lines` is missing");
    for none in ["null", "{}", "{\"a\":1}", "{\"a\":\"z\",\"lines\":1}", "[]", "\"x\""] {
        assert_eq!(error::<Paid>(none), "document: breaks the rule `oneOf` of the schema");
    }
    assert_eq!(error::<MaybePaid>("{}"), "document: breaks the rule `oneOf` of the schema");
}

#[test]
fn what_others_have_looked_at_depends_on_the_value() {
    checked! {
        Left(Json): [unevaluated_properties(
            is::<Never>(),
            seen()
                .names(&["a"])
                .pattern::<Extension>()
                .when(is::<HasA>(), seen().names(&["b"]).given("b", seen().names(&["c"])))
                .unless(is::<HasA>(), seen().names(&["d"]))
                .given("all", seen().all_members()),
        )];
        Typed(Json): [unevaluated_properties(is::<Int<0, 9>>(), seen().names(&["a"]))];
        Items(Json): [unevaluated_items(is::<Never>(), seen().prefix(1).contained(is::<String>()).unless(is::<List<Json, 0, 4>>(), seen().prefix(2)))];
        AllItems(Json): [unevaluated_items(is::<Never>(), seen().prefix(0).when(is::<List<Json, 2>>(), seen().prefix(0).all_items()))];
        ContainedItems(Json): [unevaluated_items(is::<Int<0, 9>>(), seen().prefix(0).when(is::<List<Json, 3>>(), seen().prefix(0).contained(is::<String>())))];
    }
    accepts_all::<Left>(&["{}", "{\"a\":1,\"b\":1,\"c\":1,\"x-a\":1}", "{\"a\":10,\"d\":1}", "{\"all\":1,\"z\":1}"]);
    accepts_all::<Left>(NOT_OBJECTS);
    for (json, name) in [("{\"a\":1,\"c\":1}", "c"), ("{\"a\":1,\"d\":1}", "d"), ("{\"b\":1}", "b"), ("{\"z\":1}", "z")]
    {
        let strict = error_in::<Left>(Reading::Strict, json);
        assert_eq!(strict, format!("/{name}: is not allowed by the schema"));
        assert!(decode::<Left>(json.as_bytes(), Reading::Tolerant).is_ok());
    }
    accepts_all::<Typed>(&["{\"a\":\"x\",\"b\":1}"]);
    assert_eq!(error::<Typed>("{\"b\":10}"), "/b: is more than the maximum of 9");

    accepts_all::<Items>(&["[]", "[1]", "[1,\"x\"]", "[1,1,\"x\",\"x\",\"x\"]"]);
    accepts_all::<Items>(NOT_ARRAYS);
    assert_eq!(error::<Items>("[1,1]"), "/1: is not allowed by the schema");
    assert_eq!(error::<Items>("[1,1,1,\"x\",\"x\"]"), "/2: is not allowed by the schema");
    accepts_all::<AllItems>(&["[]", "[1,2]"]);
    assert_eq!(error::<AllItems>("[1]"), "/0: is not allowed by the schema");
    accepts_all::<ContainedItems>(&["[1]", "[1,\"x\",2]"]);
    assert_eq!(error::<ContainedItems>("[1,\"x\"]"), "/1: is not an integer");
}

#[derive(Clone, PartialEq, Eq, Hash, Words)]
enum Status {
    #[word("new")]
    New,
    Unrecognized(Unrecognized),
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Order {
    status: Status,
    total: Number,
    #[object(optional)]
    note: Maybe<String>,
}

checked! {
    CheckedOrder(Order): [dependent_required(&[("note", &["total"])]), not(is::<NoteNot>()), any_of([is::<Order>(), is::<Never>()])];
    LenientOrder(Order): [not(is::<NoteNot>())];
    Nothing(Order): [];
}

#[derive(Clone, PartialEq, Object)]
struct NoteNot {
    note: Text<3>,
    #[object(rest)]
    rest: JsonObject,
}

#[test]
fn the_types_own_errors_come_first() {
    let message = error::<CheckedOrder>("{\"status\":\"new\",\"total\":\"secret\",\"note\":\"long\"}");
    assert_eq!(message, "/total: string \"secret\" is not a number");
    let message = error::<CheckedOrder>("{\"status\":\"new\",\"total\":1,\"note\":\"long\"}");
    assert_eq!(message, "document: breaks the rule `not` of the schema");
    assert!(accepts::<CheckedOrder>("{\"status\":\"new\",\"total\":1.50,\"note\":\"ab\"}"));
    assert!(accepts::<Nothing>("{\"status\":\"new\",\"total\":1.50,\"note\":\"long\"}"));
    assert_eq!(
        error::<Vec<CheckedOrder>>("[{\"status\":\"new\",\"total\":1,\"note\":\"long\"}]"),
        "/0: breaks the rule `not` of the schema"
    );
}

#[test]
fn the_value_and_types_within_rules_are_read_as_leniently_as_asked() {
    let newer = "{\"status\":\"merged\",\"total\":1,\"later\":1,\"note\":null}";
    let order: LenientOrder = decode(newer.as_bytes(), Reading::Tolerant).unwrap();
    assert_eq!(order.status.as_str(), "merged");
    let message = error_in::<LenientOrder>(Reading::Strict, newer);
    assert!(message.contains("is not one of `new`") || message.contains("not in the schema"), "{message}");
    assert!(decode::<CheckedOrder>(newer.as_bytes(), Reading::Tolerant).is_ok());
    let message = error_in::<CheckedOrder>(Reading::Strict, newer);
    assert!(message.contains("is not one of `new`") || message.contains("not in the schema"), "{message}");
}

#[test]
fn what_is_built_is_checked() {
    let order = |note: &str| Order::builder().status(Status::New).total(5.into()).note(note).build();
    assert_eq!(CheckedOrder::new(order("ab")).unwrap().into_inner().total, 5);
    let error = CheckedOrder::new(order("long")).unwrap_err();
    assert_eq!(error.to_string(), "the value breaks the rule `not` of the schema");

    checked! { Lines(Json): [all_of([is::<HasLines>()])]; }
    let error = Lines::try_from("{\"lines\":[10]}".parse::<Json>().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "the value at /lines/0: is more than the maximum of 9");

    let merged: Status = decode(b"\"merged\"", Reading::Tolerant).unwrap();
    let error = CheckedOrder::new(Order::builder().status(merged).total(5.into()).build()).unwrap_err();
    assert!(error.to_string().contains("can't be written: /status: holds a word"), "{error}");
}

#[test]
fn errors_of_rules_show_no_value_and_nothing_beneath_what_is_sensitive() {
    #[derive(Clone, PartialEq, Object)]
    struct Contact {
        #[object(sensitive)]
        by_name: BTreeMap<String, Int<0, 9>>,
        #[object(rest)]
        rest: JsonObject,
    }
    checked! { Person(Json): [all_of([is::<Contact>()])]; }
    let message = error::<Person>("{\"by_name\":{\"secret\":1234}}");
    assert_eq!(message, "/by_name: is more than the maximum of 9");

    #[derive(Clone, PartialEq, Object)]
    #[object(closed)]
    struct Letter {
        #[object(sensitive)]
        person: Person,
    }
    assert_eq!(
        error::<Letter>("{\"person\":{\"by_name\":{\"secret\":1234}}}"),
        "/person/by_name: is more than the maximum of 9"
    );
}

// a rule and a property that both lead to the type itself: each level reads the next one more than once
#[derive(Clone, PartialEq, Object)]
struct Left {
    #[object(optional)]
    x: Option<Box<Tree>>,
    #[object(optional)]
    leaf: Option<Int<0, 9>>,
    #[object(rest)]
    rest: JsonObject,
}

#[derive(Clone, PartialEq, Object)]
struct Right {
    #[object(optional)]
    x: Option<Box<Tree>>,
    #[object(optional)]
    leaf: Option<Int<5, 14>>,
    #[object(rest)]
    rest: JsonObject,
}

#[derive(Clone, PartialEq, Union)]
#[union(any)]
enum Either {
    Left(Left),
    Right(Right),
}

checked! {
    Tree(Either): [any_of([is::<Left>(), is::<Right>()]), not(is::<Bad>()), when(is::<Right>(), Some(is::<Right>()), Some(is::<Left>()))];
    Bare(Json): [any_of([is::<Deep>(), is::<Deep>()]), all_of([is::<Deep>(), is::<Deep>()])];
}

#[derive(Clone, PartialEq, Object)]
struct Bad {
    x: Box<Tree>,
    bad: bool,
    #[object(rest)]
    rest: JsonObject,
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Deep {
    #[object(optional)]
    x: Option<Box<Bare>>,
}

#[test]
fn rules_within_rules_take_bounded_time() {
    let tree = |leaf: &str| format!("{}{leaf}{}", "{\"x\":".repeat(120), "}".repeat(120));
    for leaf in ["{\"leaf\":1}", "{\"leaf\":7}", "{\"leaf\":12}", "{}"] {
        assert!(decode::<Tree>(tree(leaf).as_bytes(), Reading::Strict).is_ok());
        assert!(decode::<Tree>(tree(leaf).as_bytes(), Reading::Tolerant).is_ok());
    }
    let path = "/x".repeat(120);
    for leaf in ["{\"leaf\":20}", "5"] {
        assert!(error::<Tree>(&tree(leaf)).starts_with(&path));
    }
    assert!(error::<Tree>(&tree("{\"bad\":true,\"x\":{}}")).ends_with("breaks the rule `not` of the schema"));
    assert!(decode::<Bare>(tree("{}").as_bytes(), Reading::Strict).is_ok());
    assert_eq!(error::<Bare>(&tree("5")), "document: breaks the rule `anyOf` of the schema");
    let built: Tree = decode(tree("{}").as_bytes(), Reading::Strict).unwrap();
    assert!(Tree::new(built.into_inner()).is_ok());
}

#[test]
fn a_value_is_no_deeper_than_a_document() {
    let deep = |levels: usize| format!("{}{}", "{\"x\":".repeat(levels), "{}".to_owned() + &"}".repeat(levels));
    for levels in [128, 1_000, 100_000] {
        let message = error_in::<Tree>(Reading::Strict, &deep(levels));
        assert!(message.ends_with("is more than 128 levels deep"), "{message}");
        let message = error_in::<Bare>(Reading::Strict, &deep(levels));
        assert!(message.ends_with("is more than 128 levels deep"), "{message}");
    }
}

#[test]
fn some_types_have_few_values() {
    assert_eq!(error::<Never>("{\"a\":1}"), "document: is not allowed by the schema");
    assert_eq!(error::<Vec<Never>>("[1]"), "/0: is not allowed by the schema");
    assert!(accepts::<Vec<Never>>("[]"));
    assert!(accepts::<Null>("null"));
    assert_eq!(error::<Null>("\"x\""), "document: string \"x\" is not null");
    assert_eq!(error::<Null>("{}"), "document: an object is not null");

    accepts_all::<Other<{ NULL | NUMBER }>>(&["null", "1.50"]);
    assert_eq!(error::<Other<{ NULL | NUMBER }>>("\"x\""), "document: string \"x\" is not null or a number");
    assert_eq!(
        error::<Other<{ NULL | NUMBER | STRING }>>("[]"),
        "document: an array is not null, a number or a string"
    );
    assert_eq!(error::<Other<OBJECT>>("true"), "document: boolean true is not an object");
    assert!(Other::<STRING>::new(Json::Null).is_err());
}

#[test]
fn maps_have_keys_of_a_type() {
    let json = "{\"x-a\":1,\"x-b\":2}";
    let map: BTreeMap<Extension, i64> = decode(json.as_bytes(), Reading::Strict).unwrap();
    assert_eq!(map[&Extension::new("x-a").unwrap()], 1);
    assert_eq!(encode(&map).unwrap(), json);

    let newer = "{\"x-a\":1,\"y/\":\"x\"}";
    let message = error_in::<BTreeMap<Extension, i64>>(Reading::Strict, newer);
    assert_eq!(message, "/y~1: has a name that does not match the pattern ^x-[a-z]*$");
    let map: BTreeMap<Extension, i64> = decode(newer.as_bytes(), Reading::Tolerant).unwrap();
    assert_eq!(encode(&map).unwrap(), "{\"x-a\":1}");
    assert_eq!(error::<BTreeMap<Text<1>, i64>>("{\"a\":1,\"a\":2}"), "/a: property is given twice");
    assert!(accepts::<BTreeMap<Email, Text<1>>>("{\"ada@example.org\":\"x\"}"));
}

#[test]
fn tuples_are_arrays_of_as_many_items() {
    assert!(accepts::<(String, Int<0, 9>)>("[\"a\",1]"));
    assert!(accepts::<(Null,)>("[null]"));
    assert!(accepts::<(i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, String)>(
        "[1,2,3,4,5,6,7,8,9,10,11,\"x\"]"
    ));
    assert_eq!(error::<(String, Int<0, 9>)>("[\"a\",10]"), "/1: 10 is more than the maximum of 9");
    assert_eq!(error::<(String, Int<0, 9>)>("[\"a\"]"), "document: has fewer than the minimum of 2 items");
    assert_eq!(error::<(String, Int<0, 9>)>("[\"a\",1,2]"), "document: has more than the maximum of 2 items");
    assert_eq!(error::<(Null,)>("{}"), "document: is not an array");
    let merged: Status = decode(b"\"merged\"", Reading::Tolerant).unwrap();
    assert!(encode(&(1_i64, merged)).unwrap_err().to_string().starts_with("/1: holds a word"));
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Private {
    #[object(optional, sensitive)]
    by_name: Option<BTreeMap<String, i64>>,
    #[object(optional)]
    children: Option<Vec<PrivateOrNot>>,
}

#[derive(Clone, PartialEq, Union)]
#[union(any)]
enum PrivateOrNot {
    Private(Box<Private>),
    ByName(BTreeMap<String, Private>),
}

#[test]
fn what_a_rule_says_of_a_sensitive_property_ends_there() {
    fn five() -> Rule {
        members(&[], [], Some(maximum("4")))
    }
    checked! {
        Flat(Private): [properties([("by_name", five())])];
        Children(Private): [properties([("children", prefix_items([], Some(properties([("by_name", five())]))))])];
        Names(Private): [properties([("by_name", property_names(max_length(2)))])];
        Grandchildren(BTreeMap<String, PrivateOrNot>): [members(&[], [], Some(members(&[], [], Some(properties([("by_name", five())])))))];
    }
    let is_more = |place: &str| format!("{place}: is more than the maximum of 4");
    assert_eq!(error::<Flat>(r#"{"by_name":{"Ada":5}}"#), is_more("/by_name"));
    assert_eq!(error::<Children>(r#"{"children":[{"by_name":{"Ada":5}}]}"#), is_more("/children/0/by_name"));
    assert_eq!(error::<Grandchildren>(r#"{"x":{"y":{"by_name":{"Ada":5}}}}"#), is_more("/x/y/by_name"));
    let name = "/by_name: has a name that is longer than the maximum of 2 characters";
    assert_eq!(error::<Names>(r#"{"by_name":{"Ada":5}}"#), name);

    let private: Private = decode(br#"{"by_name":{"Ada":5}}"#, Reading::Strict).unwrap();
    assert_eq!(Flat::new(private).unwrap_err().to_string(), format!("the value at {}", is_more("/by_name")));
}
