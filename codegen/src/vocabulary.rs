//! The vocabulary of JSON Schema: which keywords a dialect has, what their values look like, which types they judge, and where
//! schemas stand within schemas.
//!
//! One table says it for all stages: whoever walks over schemas walks the same way.

mod check;
mod dialect;

pub(crate) use check::check;
pub use dialect::Dialect;
pub(crate) use dialect::is_metaschema;

use eventwright::{EcmaRegex, Number};

use crate::node::{Member, Node, Value};
use Dialect::{Draft4, Draft7, Draft202012};

/// A keyword of one or several dialects.
pub(crate) struct Keyword {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    pub(crate) judges: Judges,
    /// The first and the last dialect that has it.
    span: (Dialect, Dialect),
}

/// What a keyword's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Schema,
    /// A list of at least one schema.
    Schemas,
    /// A schema, or a list of schemas for items by their place.
    SchemaOrList,
    /// Schemas by name.
    Map,
    /// Schemas by regular expression.
    PatternMap,
    /// Schemas, or names of properties, by name.
    Dependencies,
    /// A type's name or a list of them.
    Type,
    /// A list of any values.
    Values,
    Any,
    /// A list of names, each once.
    Names,
    /// Lists of names, by name.
    NamesMap,
    /// A whole number, not negative.
    Count,
    Number,
    /// A number above 0.
    Positive,
    Flag,
    Text,
    Pattern,
    /// A URI reference.
    Reference,
    /// In draft-04, whether the bound beside it is exclusive.
    ExclusiveFlag,
    /// Has a meaning that types can't have.
    Refused,
}

/// Which values a keyword judges; it lets all others pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judges {
    Nothing,
    All,
    Strings,
    Numbers,
    Arrays,
    Objects,
}

const fn keyword(name: &'static str, form: Form, judges: Judges, span: (Dialect, Dialect)) -> Keyword {
    Keyword { name, form, judges, span }
}

const EVER: (Dialect, Dialect) = (Draft4, Draft202012);
const SINCE_7: (Dialect, Dialect) = (Draft7, Draft202012);
const SINCE_2020: (Dialect, Dialect) = (Draft202012, Draft202012);
const UNTIL_7: (Dialect, Dialect) = (Draft4, Draft7);
const ONLY_4: (Dialect, Dialect) = (Draft4, Draft4);

/// JSON Schema core and validation of draft 2020-12, draft-07 and draft-04, and what is ours (`x-`).
static KEYWORDS: [Keyword; 67] = [
    keyword("$schema", Form::Text, Judges::Nothing, EVER),
    keyword("$id", Form::Reference, Judges::Nothing, SINCE_7),
    keyword("id", Form::Reference, Judges::Nothing, ONLY_4),
    keyword("$anchor", Form::Text, Judges::Nothing, SINCE_2020),
    keyword("$ref", Form::Reference, Judges::All, EVER),
    keyword("$defs", Form::Map, Judges::Nothing, EVER),
    // later drafts renamed it, and their metaschema still knows it
    keyword("definitions", Form::Map, Judges::Nothing, EVER),
    keyword("$comment", Form::Text, Judges::Nothing, EVER),
    keyword("$dynamicRef", Form::Reference, Judges::All, SINCE_2020),
    keyword("$dynamicAnchor", Form::Text, Judges::Nothing, SINCE_2020),
    keyword("$vocabulary", Form::Refused, Judges::Nothing, SINCE_2020),
    keyword("type", Form::Type, Judges::All, EVER),
    keyword("enum", Form::Values, Judges::All, EVER),
    keyword("const", Form::Any, Judges::All, SINCE_7),
    keyword("allOf", Form::Schemas, Judges::All, EVER),
    keyword("anyOf", Form::Schemas, Judges::All, EVER),
    keyword("oneOf", Form::Schemas, Judges::All, EVER),
    keyword("not", Form::Schema, Judges::All, EVER),
    keyword("if", Form::Schema, Judges::All, SINCE_7),
    keyword("then", Form::Schema, Judges::All, SINCE_7),
    keyword("else", Form::Schema, Judges::All, SINCE_7),
    keyword("properties", Form::Map, Judges::Objects, EVER),
    keyword("required", Form::Names, Judges::Objects, EVER),
    keyword("additionalProperties", Form::Schema, Judges::Objects, EVER),
    keyword("patternProperties", Form::PatternMap, Judges::Objects, EVER),
    keyword("propertyNames", Form::Schema, Judges::Objects, SINCE_7),
    keyword("minProperties", Form::Count, Judges::Objects, EVER),
    keyword("maxProperties", Form::Count, Judges::Objects, EVER),
    keyword("dependentRequired", Form::NamesMap, Judges::Objects, SINCE_2020),
    keyword("dependentSchemas", Form::Map, Judges::Objects, SINCE_2020),
    keyword("dependencies", Form::Dependencies, Judges::Objects, UNTIL_7),
    keyword("unevaluatedProperties", Form::Schema, Judges::Objects, SINCE_2020),
    keyword("items", Form::Schema, Judges::Arrays, SINCE_2020),
    keyword("items", Form::SchemaOrList, Judges::Arrays, UNTIL_7),
    keyword("prefixItems", Form::Schemas, Judges::Arrays, SINCE_2020),
    keyword("additionalItems", Form::Schema, Judges::Arrays, UNTIL_7),
    keyword("contains", Form::Schema, Judges::Arrays, SINCE_7),
    keyword("minContains", Form::Count, Judges::Arrays, SINCE_2020),
    keyword("maxContains", Form::Count, Judges::Arrays, SINCE_2020),
    keyword("minItems", Form::Count, Judges::Arrays, EVER),
    keyword("maxItems", Form::Count, Judges::Arrays, EVER),
    keyword("uniqueItems", Form::Flag, Judges::Arrays, EVER),
    keyword("unevaluatedItems", Form::Schema, Judges::Arrays, SINCE_2020),
    keyword("minLength", Form::Count, Judges::Strings, EVER),
    keyword("maxLength", Form::Count, Judges::Strings, EVER),
    keyword("pattern", Form::Pattern, Judges::Strings, EVER),
    keyword("format", Form::Text, Judges::Strings, EVER),
    keyword("minimum", Form::Number, Judges::Numbers, EVER),
    keyword("maximum", Form::Number, Judges::Numbers, EVER),
    keyword("exclusiveMinimum", Form::Number, Judges::Numbers, SINCE_7),
    keyword("exclusiveMaximum", Form::Number, Judges::Numbers, SINCE_7),
    keyword("exclusiveMinimum", Form::ExclusiveFlag, Judges::Numbers, ONLY_4),
    keyword("exclusiveMaximum", Form::ExclusiveFlag, Judges::Numbers, ONLY_4),
    keyword("multipleOf", Form::Positive, Judges::Numbers, EVER),
    keyword("title", Form::Text, Judges::Nothing, EVER),
    keyword("description", Form::Text, Judges::Nothing, EVER),
    keyword("default", Form::Any, Judges::Nothing, EVER),
    keyword("examples", Form::Values, Judges::Nothing, SINCE_7),
    keyword("deprecated", Form::Flag, Judges::Nothing, EVER),
    keyword("readOnly", Form::Flag, Judges::Nothing, SINCE_7),
    keyword("writeOnly", Form::Flag, Judges::Nothing, SINCE_7),
    keyword("contentEncoding", Form::Text, Judges::Nothing, SINCE_7),
    keyword("contentMediaType", Form::Text, Judges::Nothing, SINCE_7),
    keyword("contentSchema", Form::Schema, Judges::Nothing, SINCE_2020),
    keyword("x-sensitive", Form::Flag, Judges::Nothing, EVER),
    keyword("x-rust-name", Form::Text, Judges::Nothing, EVER),
    keyword("x-rust-type", Form::Text, Judges::Nothing, EVER),
];

/// The keyword of that name in the dialect.
pub(crate) fn keyword_of(name: &str, dialect: Dialect) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name && keyword.is_in(dialect))
}

/// The names of the dialect's keywords.
pub(crate) fn names(dialect: Dialect) -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().filter(move |keyword| keyword.is_in(dialect)).map(|keyword| keyword.name)
}

impl Keyword {
    fn is_in(&self, dialect: Dialect) -> bool {
        self.span.0 <= dialect && dialect <= self.span.1
    }
}

/// Whether the keyword asserts nothing (JSON Schema validation, section 9; content, section 8).
pub(crate) fn is_annotation(name: &str) -> bool {
    KEYWORDS.iter().any(|keyword| keyword.name == name && keyword.judges == Judges::Nothing)
}

/// The schemas that stand in a keyword's value.
pub(crate) fn subschemas(member: &Member, dialect: Dialect) -> Vec<&Node> {
    let value = &member.value;
    let named = || value.members().iter().map(|member| &member.value);
    let Some(keyword) = keyword_of(&member.key, dialect) else { return Vec::new() };
    match keyword.form {
        Form::Schema => vec![value],
        Form::Schemas => value.as_array().unwrap_or_default().iter().collect(),
        Form::SchemaOrList => match &value.value {
            Value::Array(items) => items.iter().collect(),
            _ => vec![value],
        },
        Form::Map | Form::PatternMap => named().collect(),
        Form::Dependencies => named().filter(|node| !matches!(node.value, Value::Array(_))).collect(),
        _ => Vec::new(),
    }
}

/// A number of items, characters or properties. `1.0` is a whole number too (JSON Schema core, section 4.2.3).
pub(crate) fn count(number: &Number) -> Option<u64> {
    // the types count in `usize`, on every platform
    number.as_i64().and_then(|count| u32::try_from(count).ok()).map(u64::from)
}

/// Whether the text is a regular expression by ECMA 262; if not, why.
fn pattern(text: &str) -> Result<(), String> {
    EcmaRegex::new(text).map(|_| ()).map_err(|error| error.rule().to_owned())
}
