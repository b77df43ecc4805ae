//! Derive macros for payload types; use them through the `eventwright` crate, whose paths they expand to.
//!
//! Expansions are short: what can be a generic function is one, in `eventwright::payload`.

#![forbid(unsafe_code)]

mod attr;
mod checked;
mod id;
mod incoming;
mod object;
mod pattern;
mod union;
mod words;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct a JSON object with the rules of its field types.
///
/// ```
/// use eventwright::payload::{decode, encode};
/// use eventwright::{Maybe, Object, Reading};
///
/// #[derive(Clone, PartialEq, Object)]
/// #[object(closed)]
/// pub struct Submission {
///     pub zip: String,
///     /// Required, may be null.
///     pub campaign_code: Option<String>,
///     /// May be absent, never null.
///     #[object(optional)]
///     pub note: Option<String>,
///     /// May be absent, may be null; no `Debug` and no error shows it.
///     #[object(optional, sensitive)]
///     pub email: Maybe<String>,
///     #[object(rename = "type")]
///     pub kind: String,
/// }
///
/// let submission = Submission::builder().zip("10115").campaign_code(None).email("ada@example.org").kind("web").build();
/// assert_eq!(
///     encode(&submission).unwrap(),
///     r#"{"zip":"10115","campaign_code":null,"email":"ada@example.org","type":"web"}"#,
/// );
/// assert!(format!("{submission:?}").contains("email: <redacted>"));
/// assert!(decode::<Submission>(br#"{"zip":"10115"}"#, Reading::Strict).is_err());
/// ```
///
/// On the struct, `#[object(closed)]` stands for `additionalProperties: false`. A struct that is not closed keeps the properties
/// that it does not name in a field of type `eventwright::JsonObject` marked `#[object(rest)]`.
///
/// `constant("kind", "parcel")` beside it stands for a required property that is always this string: it is read and written,
/// and has no field.
///
/// On a field:
/// * `optional`: the property may be absent. The field is an `Option`, or a `Maybe` where the property may be null too.
/// * `rename = "..."`: the property's name, where it is not the field's.
/// * `sensitive`: `Debug` and errors print `<redacted>`.
/// * `rest`: see above.
///
/// It makes, beside the implementations of `Read`, `Write`, `Debug` and serde's `Serialize`, a builder `{Name}Builder`, from
/// `{Name}::builder()`. Its `build()` compiles once every required field is set; an error names the one that is not.
/// Setters of strings, options, `Maybe`, boxes and vectors convert (see `eventwright::payload::object::IntoField`); others take the
/// field's exact type.
#[proc_macro_derive(Object, attributes(object))]
pub fn derive_object(input: TokenStream) -> TokenStream {
    expand(object::derive(&parse_macro_input!(input as DeriveInput)))
}

/// Makes an id of a tuple struct over a UUID: a prefix and a UUID version 7, in canonical form, lower case.
///
/// ```
/// use eventwright::{Id, Uuid};
///
/// /// A person.
/// #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Id)]
/// #[id(prefix = "per_")]
/// pub struct PersonId(Uuid);
///
/// let id: PersonId = "per_01890a5d-ac96-774b-bcce-b302099a8057".parse()?;
/// assert_eq!(id.to_string(), "per_01890a5d-ac96-774b-bcce-b302099a8057");
/// assert_eq!(PersonId::PREFIX, "per_");
/// assert!("lead_01890a5d-ac96-774b-bcce-b302099a8057".parse::<PersonId>().is_err());
/// assert!(PersonId::new() > id);
/// # Ok::<(), eventwright::payload::Invalid>(())
/// ```
///
/// It makes `new()`, `from_uuid()`, `as_uuid()`, `PREFIX`, `Display`, `Debug`, `FromStr`, `TryFrom<&str>`, `Read`, `Write`, serde's
/// `Serialize` and `Deserialize`, and under the feature `postgres` sqlx's `Type`, `Encode` and `Decode`, as text.
#[proc_macro_derive(Id, attributes(id))]
pub fn derive_id(input: TokenStream) -> TokenStream {
    expand(id::derive(&parse_macro_input!(input as DeriveInput)))
}

/// Makes an enum of the words of a closed list, which a later minor revision may lengthen.
///
/// ```
/// use eventwright::payload::{decode, encode};
/// use eventwright::{Reading, Unrecognized, Words};
///
/// #[derive(Clone, PartialEq, Eq, Hash, Words)]
/// pub enum Status {
///     #[word("active")]
///     Active,
///     #[word("archived")]
///     Archived,
///     /// A word that this revision does not name: read tolerantly, never published.
///     Unrecognized(Unrecognized),
/// }
///
/// assert_eq!("active".parse(), Ok(Status::Active));
/// assert_eq!(Status::ALL.len(), 2);
///
/// let error = decode::<Status>(br#""merged""#, Reading::Strict).unwrap_err();
/// assert_eq!(error.to_string(), r#"document: "merged" is not one of `active`, `archived`"#);
/// let merged: Status = decode(br#""merged""#, Reading::Tolerant).unwrap();
/// assert_eq!(merged.as_str(), "merged");
/// assert!(encode(&merged).is_err());
/// ```
///
/// It makes `ALL`, `as_str()`, `Display`, `Debug`, `FromStr` (which knows named words only), `Read`, `Write` and serde's `Serialize`.
#[proc_macro_derive(Words, attributes(word))]
pub fn derive_words(input: TokenStream) -> TokenStream {
    expand(words::derive(&parse_macro_input!(input as DeriveInput)))
}

/// Makes a type of values that a JSON Schema allows of a tuple struct over a type of values that have yet to be checked.
///
/// `#[checked(schemas = SCHEMAS, at = "https://example.org/order.json#/properties/total")]` holds values against a schema;
/// `eventwright::payload::Schemas` has the example. Or an implementation of `Ruled` says the rules one by one, without the feature
/// `jsonschema`:
///
/// ```
/// use eventwright::payload::decode;
/// use eventwright::{Checked, JsonObject, Object, Reading, Rule, Ruled, Vetted, rules};
///
/// #[derive(Clone, PartialEq, Object)]
/// pub struct Order {
///     #[object(optional)]
///     pub coupon: Option<String>,
///     #[object(rest)]
///     pub rest: JsonObject,
/// }
///
/// #[derive(Clone, PartialEq, Checked)]
/// #[checked(rules)]
/// pub struct CheckedOrder(Vetted<Order>);
///
/// impl Ruled for CheckedOrder {
///     fn rules() -> Vec<Rule> {
///         vec![rules::min_properties(1), rules::dependent_required(&[("coupon", &["coupon_source"])])]
///     }
/// }
///
/// let error = decode::<CheckedOrder>(br#"{"coupon": "SPRING"}"#, Reading::Strict).unwrap_err();
/// assert_eq!(error.to_string(), "document: required property `coupon_source` is missing, since `coupon` is there");
/// ```
///
/// `schemas` is the path of a static of type `eventwright::payload::Schemas`, `at` the absolute URI of a schema in it. The schema is
/// compiled when the first value is checked. `relaxed`, if it is there, is the absolute URI of the
/// schema for tolerant reading, which has to allow all that the other does.
///
/// It makes `new()`, `into_inner()`, `TryFrom` and `From` between both types, `Deref`, `Debug`, `Read`, `Write` and serde's `Serialize`.
#[proc_macro_derive(Checked, attributes(checked))]
pub fn derive_checked(input: TokenStream) -> TokenStream {
    expand(checked::derive(&parse_macro_input!(input as DeriveInput)))
}

/// Makes an enum of payload types a type of values that are of one of them: `anyOf` and `oneOf` of JSON Schema.
///
/// ```
/// use eventwright::payload::{decode, encode};
/// use eventwright::{Email, Object, Pattern, Reading, Str, Union};
///
/// #[derive(Clone, PartialEq, Eq, Pattern)]
/// #[pattern("^[0-9+ ]+$")]
/// pub struct Phone(Str);
///
/// #[derive(Clone, PartialEq, Union)]
/// #[union(any)]
/// pub enum Contact {
///     Phone(Phone),
///     Mail(Email),
/// }
///
/// #[derive(Clone, PartialEq, Object)]
/// #[object(closed, constant("kind", "parcel"))]
/// pub struct Parcel {
///     pub grams: i64,
/// }
///
/// #[derive(Clone, PartialEq, Object)]
/// #[object(closed, constant("kind", "pickup"))]
/// pub struct Pickup {
///     pub shop: String,
/// }
///
/// #[derive(Clone, PartialEq, Union)]
/// #[union(tag = "kind")]
/// pub enum Carrier {
///     #[tag("parcel")]
///     Parcel(Parcel),
///     #[tag("pickup")]
///     Pickup(Pickup),
/// }
///
/// let contact: Contact = decode(br#""ada@example.org""#, Reading::Strict)?;
/// assert!(matches!(contact, Contact::Mail(_)));
/// let carrier = Carrier::from(Parcel::builder().grams(200).build());
/// assert_eq!(encode(&carrier)?, r#"{"kind":"parcel","grams":200}"#);
/// let error = decode::<Carrier>(br#"{"kind":"parcel","grams":"x"}"#, Reading::Strict).unwrap_err();
/// assert_eq!(error.to_string(), r#"/grams: string "x" is not an integer"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// On the enum, one of:
/// * `any`: the first variant whose type reads the value strictly; under tolerant reading, where there is none, the first that
///   reads it tolerantly.
/// * `one`: the variant whose type reads the value strictly, and no other's may. A value that is another variant's too is not
///   written.
/// * `tag = "..."`: the variant whose `#[tag("...")]` is the string of that member.
///
/// It makes `Read`, `Write`, `Debug`, serde's `Serialize`, and `From` each payload type that occurs once; of a `Box<T>`, from `T` too.
#[proc_macro_derive(Union, attributes(union, tag))]
pub fn derive_union(input: TokenStream) -> TokenStream {
    expand(union::derive(&parse_macro_input!(input as DeriveInput)))
}

/// Makes an enum of payloads what a handler can receive: one payload version per variant.
///
/// ```
/// use eventwright::{Incoming, Kind, Object, Payload, Reading};
///
/// #[derive(Clone, PartialEq, Object)]
/// #[object(closed)]
/// pub struct LeadCreatedV1 {
///     pub source: String,
/// }
///
/// impl Payload for LeadCreatedV1 {
///     const EVENT_TYPE: &'static str = "lead.created";
///     const VERSION: u16 = 1;
/// }
///
/// #[derive(Clone, Debug, PartialEq, Incoming)]
/// pub enum GrowthEvent {
///     LeadCreatedV1(LeadCreatedV1),
/// }
///
/// let event = GrowthEvent::decode("lead.created", 1, br#"{"source":"referral"}"#, Reading::Strict)?;
/// assert_eq!(event.kind(), Kind { event_type: "lead.created", version: 1 });
/// assert_eq!(event.encode()?, r#"{"source":"referral"}"#);
///
/// let violations = GrowthEvent::violations("lead.created", 1, br#"{"source":5,"sauce":"referral"}"#, Reading::Strict)?;
/// let messages: Vec<_> = violations.iter().map(ToString::to_string).collect();
/// assert_eq!(messages, ["/source: integer 5 is not a string", "/sauce: property is not in the schema"]);
///
/// let error = GrowthEvent::receive("lead.created", 2, b"{}").unwrap_err();
/// assert!(error.to_string().starts_with("event type `lead.created` version 2 is not known here"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It makes `decode()`, `violations()`, `encode()`, `kind()` and the implementation of the trait `Incoming`, which reads tolerantly.
#[proc_macro_derive(Incoming)]
pub fn derive_incoming(input: TokenStream) -> TokenStream {
    expand(incoming::derive(&parse_macro_input!(input as DeriveInput)))
}

/// Makes a string type of a tuple struct over `Str`: strings that a pattern matches, and whose length may have bounds.
///
/// ```
/// use eventwright::{Pattern, Str};
///
/// /// A US postal code.
/// #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Pattern)]
/// #[pattern("^[0-9]{5}$")]
/// pub struct Zip(Str);
///
/// const MISSION: Zip = Zip::from_static("94110"); // checked when it compiles
/// let zip = Zip::new("94103")?;
/// assert!(zip.starts_with("94"));
/// assert_eq!(Zip::new("9410").unwrap_err().to_string(), "the value does not match the pattern ^[0-9]{5}$");
/// # Ok::<(), eventwright::payload::Invalid>(())
/// ```
///
/// A constant that breaks the pattern does not compile:
///
/// ```compile_fail
/// # use eventwright::{Pattern, Str};
/// # #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Pattern)]
/// # #[pattern("^[0-9]{5}$")]
/// # pub struct Zip(Str);
/// const MISSION: Zip = Zip::from_static("9411");
/// ```
///
/// `#[pattern("^[a-z]+$", min_length = 2, max_length = 8)]` bounds the number of characters. Which patterns are supported is said at
/// `eventwright::payload::Pattern`; another is a compile error.
///
/// `#[pattern("^(web|phone)$", regex)]` takes all patterns of ECMA 262 that can be matched in linear time, see
/// `eventwright::payload::RegexPattern`, under the feature `regex`. The pattern is compiled when it is first used, which panics where
/// it is not supported; `eventwright::payload::supports_regex` tells beforehand. There is no `from_static()` then.
///
/// It makes `from_static()`, `new()`, `as_str()`, `into_string()`, `FromStr`, `TryFrom`, `Deref` to `str`, `Display`, `Debug`, `Read`, `Write` and serde's
/// `Serialize`. The struct may be over a `String` too, then without `from_static()`.
#[proc_macro_derive(Pattern, attributes(pattern))]
pub fn derive_pattern(input: TokenStream) -> TokenStream {
    expand(pattern::derive(&parse_macro_input!(input as DeriveInput)))
}

fn expand(expansion: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    expansion.unwrap_or_else(syn::Error::into_compile_error).into()
}
