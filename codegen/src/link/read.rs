//! A `serde` deserializer over [`Node`]s, so that the registry's types read it and an error still knows its place.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::diagnostics::{Problems, did_you_mean};
use crate::node::{Member, Node, Span, Value};

/// Reads a value, or puts the first thing that does not fit on record.
pub(super) fn read<T: de::DeserializeOwned>(node: &Node, problems: &mut Problems) -> Option<T> {
    match T::deserialize(node) {
        Ok(value) => Some(value),
        Err(error) => {
            let problem = problems.error(error.span.unwrap_or(node.span), error.message);
            if let Some(help) = error.help {
                problem.help(help);
            }
            None
        }
    }
}

#[derive(Debug)]
pub(crate) struct Misfit {
    span: Option<Span>,
    message: String,
    help: Option<String>,
}

impl Misfit {
    /// The innermost value that an error passes on its way out is the one to blame.
    fn at(mut self, span: Span) -> Misfit {
        self.span.get_or_insert(span);
        self
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Misfit {
        Misfit { span: None, message: message.to_string(), help: None }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Misfit {
        let help = did_you_mean(field, expected.iter().copied())
            .unwrap_or_else(|| format!("the keys here are `{}`", expected.join("`, `")));
        Misfit { span: None, message: format!("unknown key `{field}`"), help: Some(help) }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Misfit {
        let message = format!("`{variant}` is not one of `{}`", expected.join("`, `"));
        Misfit { span: None, message, help: did_you_mean(variant, expected.iter().copied()) }
    }

    fn missing_field(field: &'static str) -> Misfit {
        Misfit { span: None, message: format!("the key `{field}` is missing"), help: None }
    }
}

impl<'de> Deserializer<'de> for &Node {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let read = match &self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            // the registry counts nothing that is not a small whole number
            Value::Number(number) => match number.as_i64() {
                Some(number) => visitor.visit_i64(number),
                None => visitor.visit_f64(number.as_f64()),
            },
            Value::String(text) => visitor.visit_str(text),
            Value::Array(items) => visitor.visit_seq(Items(items.iter())),
            Value::Object(members) => visitor.visit_map(Members { rest: members.iter(), value: None }),
        };
        read.map_err(|error| error.at(self.span))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        // the registry's optional keys may be absent, and null is no other way to say so
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let Some(text) = self.as_str() else {
            let message = format!("expected one of `{}`, found {}", variants.join("`, `"), self.kind());
            return Err(Misfit { span: Some(self.span), message, help: None });
        };
        let word: StrDeserializer<'_, Misfit> = text.into_deserializer();
        word.deserialize_enum(name, variants, visitor).map_err(|error| error.at(self.span))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Items<'a>(std::slice::Iter<'a, Node>);

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        self.0.next().map(|item| seed.deserialize(item)).transpose()
    }
}

struct Members<'a> {
    rest: std::slice::Iter<'a, Member>,
    value: Option<&'a Node>,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        let Some(member) = self.rest.next() else { return Ok(None) };
        self.value = Some(&member.value);
        let key: StrDeserializer<'_, Misfit> = member.key.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|error| error.at(member.key_span))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let value =
            self.value.take().ok_or_else(|| <Misfit as de::Error>::custom("a value was read before its key"))?;
        seed.deserialize(value)
    }
}
