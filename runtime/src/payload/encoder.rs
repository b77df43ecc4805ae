//! JSON as text, byte for byte what `serde_json` writes.
//!
//! Most of a payload is names, ids and other strings with nothing to escape in them. `serde_json` looks at each of their bytes by
//! itself; here it is eight at a time.

use std::fmt::{Display, Write as _};

use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};
use serde::{Serialize, Serializer};
use serde_json::{Error, Value};

/// A document being written.
pub(super) struct Encoder {
    json: String,
    /// Whether the next string has nothing to escape, as somebody said who knows.
    is_plain: bool,
}

/// Text with nothing to escape. Other serializers take it for the string that it is.
#[derive(Debug, Clone, Copy)]
pub struct Plain<'t>(pub(super) &'t str);

/// The name by which the encoder knows [`Plain`].
const PLAIN: &str = "$eventwright::private::Plain";

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_newtype_struct(PLAIN, self.0)
    }
}

impl Encoder {
    pub(super) fn new() -> Self {
        /// Bytes that few payloads exceed.
        const MOST: usize = 512;

        Self { json: String::with_capacity(MOST), is_plain: false }
    }

    pub(super) fn into_json(self) -> String {
        self.json
    }

    fn push(&mut self, text: impl Display) {
        // a string takes everything
        let _ = write!(self.json, "{text}");
    }

    /// What is rare, as `serde_json` writes it.
    fn push_other(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.json.push_str(&serde_json::to_string(value)?);
        Ok(())
    }

    fn push_string(&mut self, text: &str) {
        let is_plain = std::mem::take(&mut self.is_plain);
        debug_assert!(!is_plain || find_escaped(text.as_bytes()).is_none(), "{text:?} is not plain");
        self.json.push('"');
        match if is_plain { None } else { find_escaped(text.as_bytes()) } {
            None => self.json.push_str(text),
            Some(first) => self.push_escaping(text, first),
        }
        self.json.push('"');
    }

    #[cold]
    fn push_escaping(&mut self, text: &str, first: usize) {
        let (mut rest, mut next) = (text, Some(first));
        while let Some(at) = next {
            self.json.push_str(&rest[..at]);
            self.push_escaped(rest.as_bytes()[at]);
            rest = &rest[at + 1..];
            next = find_escaped(rest.as_bytes());
        }
        self.json.push_str(rest);
    }

    fn push_escaped(&mut self, byte: u8) {
        match byte {
            b'"' => self.json.push_str("\\\""),
            b'\\' => self.json.push_str("\\\\"),
            b'\n' => self.json.push_str("\\n"),
            b'\r' => self.json.push_str("\\r"),
            b'\t' => self.json.push_str("\\t"),
            0x08 => self.json.push_str("\\b"),
            0x0c => self.json.push_str("\\f"),
            byte => self.push(format_args!("\\u{byte:04x}")),
        }
    }

    fn open(&mut self, open: &str, close: &'static str) -> Compound<'_> {
        self.json.push_str(open);
        Compound { to: self, is_empty: true, close }
    }

    /// Opens an object of one member, which says which variant it is.
    fn open_variant(&mut self, variant: &str, open: &str, close: &'static str) -> Compound<'_> {
        self.json.push('{');
        self.push_string(variant);
        self.json.push(':');
        self.open(open, close)
    }
}

/// Where the first character is that must not stand in a JSON string as it is (RFC 8259 section 7).
fn find_escaped(text: &[u8]) -> Option<usize> {
    let Some(last) = text.last_chunk::<8>() else {
        return text.iter().position(|byte| matches!(byte, ..0x20 | b'"' | b'\\'));
    };
    let (eights, _) = text.as_chunks::<8>();
    let found = eights.iter().enumerate().find_map(|(index, eight)| Some(index * 8 + escaped_of_eight(*eight)?));
    // what is left, with some bytes before it, of which none is found by now
    found.or_else(|| Some(text.len() - 8 + escaped_of_eight(*last)?))
}

#[inline]
fn escaped_of_eight(eight: [u8; 8]) -> Option<usize> {
    const LANES: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = 0x80 * LANES;

    // sets the top bit of the first lane that is less than n, and maybe of others after it
    let less_than = |lanes: u64, n: u64| lanes.wrapping_sub(n * LANES) & !lanes & TOP;
    let lanes = u64::from_le_bytes(eight);
    let quotes = lanes ^ (u64::from(b'"') * LANES);
    let backslashes = lanes ^ (u64::from(b'\\') * LANES);
    let found = less_than(lanes, 0x20) | less_than(quotes, 1) | less_than(backslashes, 1);
    (found != 0).then_some(found.trailing_zeros() as usize / 8)
}

/// Numbers that JSON writes as Rust does.
macro_rules! displayed {
    ($($method:ident($number:ty))*) => {$(
        fn $method(self, number: $number) -> Result<(), Error> {
            self.push(number);
            Ok(())
        }
    )*};
}

impl<'a> Serializer for &'a mut Encoder {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Compound<'a>;
    type SerializeTuple = Compound<'a>;
    type SerializeTupleStruct = Compound<'a>;
    type SerializeTupleVariant = Compound<'a>;
    type SerializeMap = Compound<'a>;
    type SerializeStruct = Struct<'a>;
    type SerializeStructVariant = Compound<'a>;

    fn serialize_str(self, text: &str) -> Result<(), Error> {
        self.push_string(text);
        Ok(())
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.json.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    displayed! {
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
    }

    fn serialize_f32(self, number: f32) -> Result<(), Error> {
        self.push_other(&number)
    }

    fn serialize_f64(self, number: f64) -> Result<(), Error> {
        self.push_other(&number)
    }

    fn serialize_char(self, char: char) -> Result<(), Error> {
        self.serialize_str(char.encode_utf8(&mut [0; 4]))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Error> {
        self.push_other(bytes)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.json.push_str("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), Error> {
        self.is_plain = name == PLAIN;
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let variants = self.open_variant(variant, "", "}");
        value.serialize(&mut *variants.to)?;
        variants.close();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'a>, Error> {
        Ok(self.open("[", "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'a>, Error> {
        Ok(self.open("[", "]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'a>, Error> {
        Ok(self.open("[", "]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a>, Error> {
        Ok(self.open_variant(variant, "[", "]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'a>, Error> {
        Ok(self.open("{", "}"))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Struct<'a>, Error> {
        // `RawValue`, and `Number` under the feature `arbitrary_precision`
        match name.starts_with("$serde_json::private::") {
            true => Ok(Struct::Verbatim(self)),
            false => Ok(Struct::Object(self.open("{", "}"))),
        }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a>, Error> {
        Ok(self.open_variant(variant, "{", "}}"))
    }
}

/// An array or object being written.
pub(super) struct Compound<'a> {
    to: &'a mut Encoder,
    is_empty: bool,
    close: &'static str,
}

impl Compound<'_> {
    fn separate(&mut self) {
        if !self.is_empty {
            self.to.json.push(',');
        }
        self.is_empty = false;
    }

    fn item<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        self.separate();
        item.serialize(&mut *self.to)
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Error> {
        self.separate();
        self.to.push_string(name);
        self.to.json.push(':');
        value.serialize(&mut *self.to)
    }

    fn close(self) {
        self.to.json.push_str(self.close);
    }
}

impl SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.separate();
        let start = self.to.json.len();
        key.serialize(&mut *self.to)?;
        match self.to.json.as_bytes()[start] {
            b'"' => Ok(()),
            b'{' | b'[' | b'n' => Err(Error::custom("a property's name must be a string")),
            // a number or a boolean
            _ => {
                self.to.json.insert(start, '"');
                self.to.json.push('"');
                Ok(())
            }
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.to.json.push(':');
        value.serialize(&mut *self.to)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

macro_rules! compound {
    ($($of:ident: $method:ident($($name:ident)?) = $part:ident;)*) => {$(
        impl $of for Compound<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, $($name: &'static str,)? value: &T) -> Result<(), Error> {
                self.$part($($name,)? value)
            }

            fn end(self) -> Result<(), Error> {
                self.close();
                Ok(())
            }
        }
    )*};
}
compound! {
    SerializeSeq: serialize_element() = item;
    SerializeTuple: serialize_element() = item;
    SerializeTupleStruct: serialize_field() = item;
    SerializeTupleVariant: serialize_field() = item;
    SerializeStructVariant: serialize_field(name) = member;
}

/// A struct being written.
pub(super) enum Struct<'a> {
    Object(Compound<'a>),
    /// Its one field is JSON already, in a string.
    Verbatim(&'a mut Encoder),
}

impl SerializeStruct for Struct<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        match self {
            Self::Object(object) => object.member(name, value),
            Self::Verbatim(to) => match serde_json::to_value(value)? {
                Value::String(json) => {
                    to.json.push_str(&json);
                    Ok(())
                }
                _ => Err(Error::custom("expected JSON in a string")),
            },
        }
    }

    fn end(self) -> Result<(), Error> {
        if let Self::Object(object) = self {
            object.close();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Serialize)]
    struct Unit;

    #[derive(Serialize)]
    struct Newtype(u8);

    #[derive(Serialize)]
    enum Any {
        Unit,
        Newtype(Newtype),
        Tuple(i8, char),
        Struct { number: f64, none: Option<Unit>, some: Option<f32> },
    }

    #[test]
    fn values_are_written_as_serde_json_writes_them() {
        let raw = RawValue::from_string(r#"{ "as" : "it\u0020is" }"#.to_owned()).unwrap();
        let value = (
            [
                Any::Unit,
                Any::Newtype(Newtype(7)),
                Any::Tuple(-1, '"'),
                Any::Struct { number: 1e300, none: None, some: Some(0.1) },
            ],
            BTreeMap::from([(1, [u64::MAX]), (2, [0])]),
            BTreeMap::from([("a", vec![]), ("b", vec![true, false])]),
            (i64::MIN, i128::MIN, u128::MAX, f64::NAN, Some(Unit), ()),
            json!({ "value": [{}, [], null, 1.5, "x"], "bytes": b"bytes" }),
            raw,
        );
        let mut encoder = Encoder::new();
        value.serialize(&mut encoder).unwrap();
        assert_eq!(encoder.into_json(), serde_json::to_string(&value).unwrap());
        assert!(BTreeMap::from([([1], 1)]).serialize(&mut Encoder::new()).is_err());
    }

    #[test]
    fn plain_text_is_a_string_to_everybody() {
        let value = (BTreeMap::from([(1, Plain("a b"))]), Plain(""), "\"", Plain("é"));
        let mut encoder = Encoder::new();
        value.serialize(&mut encoder).unwrap();
        let text = encoder.into_json();
        assert_eq!(text, r#"[{"1":"a b"},"","\"","é"]"#);
        assert_eq!(serde_json::to_string(&value).unwrap(), text);
        assert_eq!(serde_json::to_value(&value).unwrap().to_string(), text);
    }

    /// At every place of every chunk, beside every neighbour, characters of all lengths around.
    #[test]
    fn strings_are_written_as_serde_json_writes_them() {
        let specials = (0..=0x7f_u8).map(char::from).chain(['é', '€', '😀', '\u{2028}', '\u{a2}']);
        for special in specials {
            for (before, after) in (0..20).flat_map(|before| (0..10).map(move |after| (before, after))) {
                for around in ["a", "é", "!", "\u{1f}", "\""] {
                    let text = format!("{}{special}{}", around.repeat(before), around.repeat(after));
                    let mut encoder = Encoder::new();
                    encoder.push_string(&text);
                    assert_eq!(encoder.into_json(), serde_json::to_string(&text).unwrap());
                }
            }
        }
    }
}
