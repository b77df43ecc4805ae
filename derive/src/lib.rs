//! Derive macros for payload types; use them through the `eventwright` crate, whose paths they expand to.
//!
//! Expansions are short: what can be a generic function is one, in `eventwright::payload`.

#![forbid(unsafe_code)]

mod attr;
mod id;
mod incoming;
mod object;
mod pattern;
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
/// that it does not name in a field of type `serde_json::Map<String, serde_json::Value>` marked `#[object(rest)]`.
///
/// On a field:
/// * `optional`: the property may be absent. The field is an `Option`, or a `Maybe` where the property may be null too.
/// * `rename = "..."`: the property's name, where it is not the field's.
/// * `sensitive`: `Debug` and errors print `<redacted>`.
/// * `rest`: see above.
///
/// It makes, beside the implementations of `Read`, `Write`, `Debug` and serde's `Serialize`, a builder `{Name}Builder`, from
/// `{Name}::builder()`. Its `build()` compiles once every required field is set; an error names the one that is not.
/// Setters of strings, options, `Maybe` and vectors convert (see `eventwright::payload::object::IntoField`); others take the
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
/// let error = GrowthEvent::receive("lead.created", 2, b"{}").unwrap_err();
/// assert!(error.to_string().starts_with("event type `lead.created` version 2 is not known here"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It makes `decode()`, `encode()`, `kind()` and the implementation of the trait `Incoming`, which reads tolerantly.
#[proc_macro_derive(Incoming)]
pub fn derive_incoming(input: TokenStream) -> TokenStream {
    expand(incoming::derive(&parse_macro_input!(input as DeriveInput)))
}

/// Makes a string type of a tuple struct over `String`: strings that a pattern matches, and whose length may have bounds.
///
/// ```
/// use eventwright::Pattern;
///
/// /// A US postal code.
/// #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Pattern)]
/// #[pattern("^[0-9]{5}$")]
/// pub struct Zip(String);
///
/// let zip = Zip::new("94103")?;
/// assert!(zip.starts_with("94"));
/// assert_eq!(Zip::new("9410").unwrap_err().to_string(), "the value does not match the pattern ^[0-9]{5}$");
/// # Ok::<(), eventwright::payload::Invalid>(())
/// ```
///
/// `#[pattern("^[a-z]+$", min_length = 2, max_length = 8)]` bounds the number of characters. Which patterns are supported is said at
/// `eventwright::payload::Pattern`; another is a compile error.
///
/// It makes `new()`, `as_str()`, `into_string()`, `FromStr`, `TryFrom`, `Deref` to `str`, `Display`, `Debug`, `Read`, `Write` and serde's
/// `Serialize`.
#[proc_macro_derive(Pattern, attributes(pattern))]
pub fn derive_pattern(input: TokenStream) -> TokenStream {
    expand(pattern::derive(&parse_macro_input!(input as DeriveInput)))
}

fn expand(expansion: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    expansion.unwrap_or_else(syn::Error::into_compile_error).into()
}
