//! Payloads at random: all are valid, edges are among them, they are shrunk, and what can't be found is said.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::net::Ipv4Addr;

use eventwright::payload::arbitrary::{Rejected, Sample, Source, samples};
use eventwright::payload::value::types::{NULL, NUMBER, STRING};
use eventwright::payload::{Read, Write, decode, encode};
use eventwright::{
    Checked, Date, EcmaRegex, Email, EventId, FullTime, Hostname, Int, Integer, Ipv6, IsoDuration, JiffDateTime, Json,
    JsonObject, JsonPointer, List, Maybe, Never, Null, Number, Object, OffsetDateTime, Other, Pattern, Reading, Rule,
    Ruled, Schemas, Str, Text, Union, UniqueList, Unrecognized, Uri, UriReference, Uuid, Vetted, Words, chrono, jiff,
    rules,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{TestCaseError, TestError, TestRunner};

/// So many values of a type, each of which survives being written and strictly read.
fn valid<T: Sample + Read + Write + PartialEq>(count: usize) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    (0..count)
        .map(|_| {
            let value = samples::<T>().new_tree(&mut runner).expect("a value").current();
            let json = encode(&value).unwrap_or_else(|error| panic!("{value:?}: {error}"));
            let again: T =
                decode(json.as_bytes(), Reading::Strict).unwrap_or_else(|error| panic!("{json} is refused: {error}"));
            assert!(again == value, "{json} was {value:?} and became {again:?}");
            value
        })
        .collect()
}

fn all<T: Sample + Read + Write + PartialEq>(count: usize, holds: impl Fn(&T) -> bool) {
    for value in valid::<T>(count) {
        assert!(holds(&value), "{value:?}");
    }
}

/// How many of a hundred do something.
fn share<T>(values: &[T], does: impl Fn(&T) -> bool) -> usize {
    values.iter().filter(|value| does(value)).count() * 100 / values.len()
}

/// Whether a type is proptest's to ask for, too.
fn is_arbitrary<T: Arbitrary>() {}

#[test]
fn plain_types_are_valid() {
    valid::<bool>(20);
    valid::<i64>(300);
    valid::<f64>(1000);
    valid::<String>(500);
    valid::<Number>(500);
    valid::<Integer>(500);
    valid::<Json>(500);
    valid::<Null>(2);
    valid::<Other<{ NULL | NUMBER | STRING }>>(300);
    valid::<Vec<i64>>(100);
    valid::<Box<i64>>(100);
    valid::<Option<i64>>(100);
    valid::<(i64, String, bool)>(100);
    valid::<BTreeMap<String, i64>>(100);
    valid::<BTreeMap<Zip, Text<1, 3>>>(100);
    valid::<Uuid>(300);
    valid::<EventId>(300);
}

#[test]
fn formats_are_valid() {
    valid::<Email>(1000);
    valid::<FullTime>(1000);
    valid::<Hostname>(1000);
    valid::<Ipv4Addr>(300);
    valid::<Ipv6>(300);
    valid::<IsoDuration>(1000);
    valid::<JsonPointer>(500);
    valid::<EcmaRegex>(100);
    valid::<Uri>(1000);
    valid::<UriReference>(1000);
}

#[test]
fn times_are_valid_in_all_crates() {
    let times = valid::<OffsetDateTime>(2000);
    assert!(times.iter().any(|at| at.year() == 9999) && times.iter().any(|at| !at.offset().is_utc()));
    valid::<chrono::DateTime<chrono::FixedOffset>>(1000);
    valid::<JiffDateTime>(1000);
    valid::<Date>(500);
    valid::<chrono::NaiveDate>(500);
    valid::<jiff::civil::Date>(500);
}

#[test]
fn types_of_this_crate_are_arbitrary() {
    is_arbitrary::<Int<1, 4>>();
    is_arbitrary::<Text<1, 4>>();
    is_arbitrary::<List<i64, 1>>();
    is_arbitrary::<UniqueList<i64, 1>>();
    is_arbitrary::<Maybe<i64>>();
    is_arbitrary::<Number>();
    is_arbitrary::<Integer>();
    is_arbitrary::<Json>();
    is_arbitrary::<Other<NULL>>();
    is_arbitrary::<Null>();
    is_arbitrary::<Never>();
    is_arbitrary::<EventId>();
    is_arbitrary::<Email>();
    is_arbitrary::<JiffDateTime>();
}

#[test]
fn numbers_are_often_at_their_bounds() {
    let values = valid::<Int<-3, 1000>>(400);
    assert!(share(&values, |value| *value == -3) >= 8 && share(&values, |value| *value == 1000) >= 8);
    assert!(share(&values, |value| (-2..1000).contains(&value.get())) >= 40);
    let all = valid::<Int<{ i64::MIN }>>(400);
    assert!(all.iter().any(|value| *value == i64::MIN) && all.iter().any(|value| *value == i64::MAX));
    valid::<Int<5, 5>>(20);
}

#[test]
fn texts_count_in_code_points_and_are_often_at_their_bounds() {
    let texts = valid::<Text<1, 40>>(600);
    let chars = |text: &Text<1, 40>| text.chars().count();
    assert!(share(&texts, |text| chars(text) == 1) >= 10 && share(&texts, |text| chars(text) == 40) >= 8);
    assert!(texts.iter().any(|text| chars(text) == 40 && text.len() > 60), "of more than ASCII");
    let long = valid::<Text<0, 3000>>(60);
    assert!(long.iter().any(|text| text.chars().count() == 3000));
    all::<Text<9, 9>>(50, |text| text.chars().count() == 9);
    valid::<Text<20_000>>(3);
}

#[test]
fn lists_are_often_at_their_bounds() {
    let lists = valid::<List<i64, 1, 7>>(300);
    assert!(share(&lists, |list| list.len() == 1) >= 10 && share(&lists, |list| list.len() == 7) >= 8);
    let lists = valid::<UniqueList<Int<1, 4>, 0, 4>>(300);
    assert!(share(&lists, |list| list.is_empty()) >= 10 && share(&lists, |list| list.len() == 4) >= 8);
    all::<UniqueList<bool, 2>>(20, |list| list.len() == 2);
    valid::<UniqueList<Text<1, 40>, 0, 20>>(100);
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Pattern)]
#[pattern("^[0-9]{5}$")]
struct Zip(Str);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Pattern)]
#[pattern("^[a-z][a-z0-9-]{1,39}$", min_length = 4, max_length = 30)]
struct Code(Str);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Pattern)]
#[pattern("^\"[^\"]*\"x?$", min_length = 7)]
struct Quoted(String);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Pattern)]
#[pattern("^(web|phone)(-\\d{2,4})?$", regex)]
struct Channel(Str);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Pattern)]
#[pattern("\\p{Lu}.\\b", regex, min_length = 8, max_length = 12)]
struct Found(Str);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Pattern)]
#[pattern("^(?=.*[A-Z])(?=.*[0-9])(?!.* ).{8,}(?<!-)$", regex)]
struct Password(Str);

#[test]
fn patterns_match() {
    all::<Zip>(50, |zip| zip.len() == 5);
    let codes = valid::<Code>(300);
    assert!(codes.iter().any(|code| code.len() == 4) && codes.iter().any(|code| code.len() == 30));
    let quoted = valid::<Quoted>(300);
    assert!(quoted.iter().any(|text| text.ends_with('x')) && quoted.iter().any(|text| !text.is_ascii()));
    let channels = valid::<Channel>(200);
    let starts: BTreeSet<_> =
        channels.iter().map(|channel| (channel.starts_with("web"), channel.contains('-'))).collect();
    assert_eq!(starts.len(), 4);
    valid::<Found>(20);
    valid::<Password>(20);
}

#[derive(Clone, PartialEq, Eq, Hash, Words)]
enum Status {
    #[word("active")]
    Active,
    #[word("archived")]
    Archived,
    Unrecognized(Unrecognized),
}

#[derive(Clone, PartialEq, Object)]
struct Person {
    name: Text<1, 20>,
    status: Status,
    nickname: Option<String>,
    #[object(optional)]
    zip: Option<Zip>,
    #[object(optional, sensitive)]
    email: Maybe<Email>,
    #[object(optional)]
    anything: Maybe<Json>,
    #[object(optional, rename = "type")]
    kind: Option<Json>,
    #[object(rest)]
    rest: JsonObject,
}

#[test]
fn objects_have_all_their_faces() {
    is_arbitrary::<Person>();
    let people = valid::<Person>(1000);
    assert!(share(&people, |person| person.email.is_absent()) >= 10);
    assert!(share(&people, |person| person.email.is_null()) >= 10);
    assert!(share(&people, |person| person.email.value().is_some()) >= 40);
    assert!(share(&people, |person| person.zip.is_none()) >= 15);
    assert!(share(&people, |person| person.nickname.is_none()) >= 15);
    assert!(share(&people, |person| person.rest.is_empty()) >= 40);
    assert!(share(&people, |person| !person.rest.is_empty()) >= 20);
    assert!(people.iter().any(|person| person.kind == Some(Json::Null)), "which is not absent");
    let names = people.iter().flat_map(|person| person.rest.keys());
    assert!(names.into_iter().all(|name| !["name", "type", "zip"].contains(&name.as_str())));
    assert_eq!(share(&people, |person| matches!(person.status, Status::Unrecognized(_))), 0);
    let shown = people.iter().find(|person| person.email.value().is_some()).map(|person| format!("{person:?}"));
    assert!(shown.is_some_and(|text| text.contains("email: <redacted>")));
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Branch {
    name: Text<0, 3>,
    branches: Vec<Branch>,
    #[object(optional)]
    next: Option<Box<Branch>>,
    by_name: BTreeMap<String, Branch>,
}

#[derive(Clone, PartialEq, Union)]
#[union(any)]
enum Sum {
    Both(Box<Both>),
    Many(List<Sum, 2, 9>),
    One(Int<0, 9>),
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Both {
    left: Sum,
    right: Sum,
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Endless {
    more: List<Endless, 1>,
}

fn depth(sum: &Sum) -> usize {
    match sum {
        Sum::Both(both) => 1 + depth(&both.left).max(depth(&both.right)),
        Sum::Many(many) => 1 + many.iter().map(depth).max().unwrap_or_default(),
        Sum::One(_) => 0,
    }
}

#[test]
fn types_within_themselves_end() {
    let branches = valid::<Branch>(200);
    assert!(branches.iter().any(|branch| branch.branches.iter().any(|branch| !branch.branches.is_empty())));
    let sums = valid::<Sum>(200);
    assert!(sums.iter().any(|sum| depth(sum) >= 2) && sums.iter().all(|sum| depth(sum) < 8));
    assert!(failure::<Endless>().contains("Endless"));
}

/// Why there is no value of a type.
fn failure<T: Sample>() -> String {
    match samples::<T>().new_tree(&mut TestRunner::deterministic()) {
        Ok(tree) => panic!("there is {:?}", tree.current()),
        Err(reason) => reason.message().to_owned(),
    }
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
    Small(Int<0, 9>),
    Large(Int<5, 1000>),
    Never(Never),
}

#[derive(Clone, PartialEq, Object)]
#[object(closed, constant("kind", "parcel"))]
struct Parcel {
    grams: i64,
}

#[derive(Clone, PartialEq, Object)]
#[object(constant("kind", "pickup"))]
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

#[derive(Clone, PartialEq, Union)]
#[union(any)]
enum Overlapping {
    Short(Text<0, 3>),
    Any(String),
    Null(Null),
}

#[test]
fn unions_have_all_their_variants() {
    let either = valid::<Either>(400);
    assert!(share(&either, |one| matches!(one, Either::A(_))) >= 10);
    assert!(share(&either, |one| matches!(one, Either::B(_))) >= 10);
    assert!(either.iter().all(|one| !matches!(one, Either::Small(small) if small.get() > 4)));
    assert!(either.iter().any(|one| matches!(one, Either::Large(_))));
    let carriers = valid::<Carrier>(100);
    assert!(share(&carriers, |one| matches!(one, Carrier::Parcel(_))) >= 20);
    assert!(share(&carriers, |one| matches!(one, Carrier::Pickup(_))) >= 20);
    let overlapping = valid::<Overlapping>(300);
    assert!(overlapping.iter().all(|one| !matches!(one, Overlapping::Any(text) if text.chars().count() <= 3)));
    assert!(overlapping.iter().any(|one| matches!(one, Overlapping::Any(_))));
    valid::<Vec<Option<Overlapping>>>(100);
}

macro_rules! ruled {
    ($name:ident($inner:ty): $($rule:expr),+) => {
        #[derive(Clone, PartialEq, Checked)]
        #[checked(rules)]
        struct $name(Vetted<$inner>);

        impl Ruled for $name {
            fn rules() -> Vec<Rule> {
                [$($rule),+].into()
            }
        }
    };
}

ruled!(Share(Number): rules::minimum("0"), rules::maximum("1"), rules::multiple_of("0.01"));
ruled!(Between(Number): rules::exclusive_minimum("0"), rules::exclusive_maximum("1"));
ruled!(Even(Int<2>): rules::multiple_of("2"));
ruled!(Rare(i64): rules::multiple_of("999983"), rules::maximum("-5"));
ruled!(Halves(Json): rules::types(NUMBER), rules::multiple_of("0.5"), rules::multiple_of("0.3"), rules::minimum("1e6"));
ruled!(Big(Integer): rules::minimum("9223372036854775808"));
ruled!(Listed(Json): rules::values(&["1", "\"a\"", "{\"a\": [null]}"]));
ruled!(Host(Json): rules::types(STRING), rules::format("hostname"), rules::max_length(30));
ruled!(Long(Json): rules::types(STRING), rules::min_length(17), rules::max_length(18));
ruled!(Coded(Json): rules::types(STRING), rules::matches::<Code>());
ruled!(Few(Option3): rules::min_properties(2), rules::max_properties(3));
ruled!(
    Linked(Optionals):
    rules::required(&["g", "z"]),
    rules::dependent_required(&[("g", &["f", "e"])]),
    rules::properties([("z", rules::is::<Zip>()), ("d", rules::minimum("1000000"))])
);
ruled!(Distinct(Vec<Int<0, 9>>): rules::min_items(7), rules::max_items(8), rules::unique());
ruled!(Pair(Vec<Json>): rules::min_items(2), rules::max_items(2), rules::prefix_items([rules::is::<Zip>(), rules::is::<Carrier>()], None));
ruled!(With(Vec<Json>): rules::contains(rules::is::<Zip>(), 2, 3));
ruled!(Any(Json): rules::any_of([rules::is::<Zip>(), rules::is::<Parcel>()]));
ruled!(One(Json): rules::one_of([rules::is::<Zip>(), rules::is::<Code>(), rules::is::<Parcel>()]));
ruled!(
    When(Optionals):
    rules::when(rules::required(&["a"]), Some(rules::required(&["b", "x"])), Some(rules::not(rules::required(&["c"]))))
);
ruled!(
    Shut(Optionals):
    rules::members(&["a", "b", "c", "d"], [], Some(rules::never())),
    rules::unevaluated_properties(rules::never(), rules::seen().names(&["a", "b"]))
);
ruled!(Hopeless(i64): rules::minimum("7"), rules::maximum("6"));

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Option3 {
    must: bool,
    #[object(optional)]
    a: Option<i64>,
    #[object(optional)]
    b: Maybe<i64>,
    #[object(optional)]
    c: Option<Zip>,
}

#[derive(Clone, PartialEq, Object)]
struct Optionals {
    #[object(optional)]
    a: Option<i64>,
    #[object(optional)]
    b: Option<Zip>,
    #[object(optional)]
    c: Option<Code>,
    #[object(optional)]
    d: Option<Number>,
    #[object(optional)]
    e: Option<Carrier>,
    #[object(optional)]
    f: Option<Email>,
    #[object(optional)]
    g: Option<bool>,
    #[object(rest)]
    rest: JsonObject,
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct WithoutHope {
    #[object(optional)]
    hope: Option<Hopeless>,
    hopes: Vec<Hopeless>,
}

#[test]
fn rules_are_kept() {
    let shares = valid::<Share>(300);
    assert!(shares.iter().any(|share| !share.is_integer()) && shares.iter().any(|share| **share == 1));
    valid::<Between>(100);
    valid::<Even>(200);
    valid::<Rare>(100);
    valid::<Halves>(100);
    valid::<Big>(100);
    let listed: BTreeSet<String> = valid::<Listed>(100).iter().map(|one| format!("{one:?}")).collect();
    assert_eq!(listed.len(), 3);
    valid::<Host>(100);
    valid::<Long>(100);
    valid::<Coded>(100);
    valid::<Few>(200);
    valid::<Linked>(100);
    valid::<Distinct>(100);
    valid::<Pair>(100);
    valid::<With>(100);
    valid::<Any>(100);
    valid::<One>(100);
    valid::<When>(200);
    valid::<Shut>(200);
}

#[test]
fn what_is_not_found_is_named() {
    let message = failure::<Hopeless>();
    assert_eq!(message, "no value of `payload::arbitrary::Hopeless` that keeps its rules was found in 200 tries");
    assert!(failure::<Never>().contains("Never"));
    // what may be left out is
    all::<WithoutHope>(20, |without| without.hope.is_none() && without.hopes.is_empty());
}

static SCHEMAS: Schemas = Schemas::new(&[(
    "https://example.org/order.json",
    r#"{"properties": {"total": {"type": "number", "not": {"multipleOf": 0.01}}}}"#,
)]);

#[derive(Clone, PartialEq, Checked)]
#[checked(schemas = SCHEMAS, at = "https://example.org/order.json#/properties/total")]
struct Total(Vetted<Json>);

#[derive(Clone, PartialEq, Checked)]
struct Named(Text<1, 3>);

#[test]
fn schemas_are_kept() {
    valid::<Total>(50);
    valid::<Named>(50);
}

#[derive(Debug)]
struct ByHand(u64);

impl Sample for ByHand {
    fn sample(source: &mut Source<'_>) -> Result<Self, Rejected> {
        Ok(Self(source.below(1_000_000)))
    }
}

/// The simplest value that a test finds wrong.
fn simplest<T: Sample>(is_wrong: impl Fn(&T) -> bool) -> T {
    let mut runner = TestRunner::deterministic();
    let found =
        runner.run(&samples::<T>(), |value| if is_wrong(&value) { Err(TestCaseError::fail("wrong")) } else { Ok(()) });
    match found {
        Err(TestError::Fail(_, value)) => value,
        other => panic!("{:?}", other.err()),
    }
}

#[test]
fn what_fails_is_shrunk_and_stays_valid() {
    assert_eq!(simplest::<ByHand>(|value| value.0 >= 4321).0, 4321);
    assert_eq!(simplest::<Int<-50, 5000>>(|value| value.get() > 77), Int::new(78).unwrap());
    assert_eq!(simplest::<Text<1, 40>>(|text| text.chars().count() > 3), "aaaa");
    assert_eq!(simplest::<Vec<i64>>(|items| items.len() > 2), [0, 0, 0]);
    let person = simplest::<Person>(|person| person.zip.is_some());
    assert_eq!(
        encode(&person).unwrap(),
        r#"{"name":"a","status":"active","nickname":null,"zip":"aaaaa"}"#.replace("aaaaa", "00000")
    );
    assert!(simplest::<Share>(|share| **share > 0).is_multiple_of(&"0.01".parse().unwrap()));
    let sum = simplest::<Sum>(|sum| depth(sum) > 0);
    assert_eq!(depth(&sum), 1);
}

#[test]
fn the_same_seed_gives_the_same_values() {
    let json = |value: &Person| encode(value).unwrap();
    let (one, other) = (valid::<Person>(50), valid::<Person>(50));
    assert!(one.iter().map(json).eq(other.iter().map(json)));
}

proptest! {
    #[test]
    fn tests_ask_for_payloads_by_their_type(person: Person, at in samples::<OffsetDateTime>()) {
        prop_assert!(!person.name.is_empty());
        prop_assert!(at.year() <= 9999);
    }
}
