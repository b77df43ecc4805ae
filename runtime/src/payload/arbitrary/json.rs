//! Values without a type.

use super::{Rejected, Sample, Source};
use crate::payload::value::types::{ARRAY, BOOLEAN, NULL, NUMBER, OBJECT, STRING};
use crate::payload::{Json, Never, Null, Number, Other};

/// How deep in arrays and objects a value goes.
const DEEPEST: usize = 3;

const ALL: u8 = NULL | BOOLEAN | NUMBER | STRING | ARRAY | OBJECT;

crate::__arbitrary!(Json, |source| json(ALL, DEEPEST, source));

crate::__arbitrary!([const TYPES: u8] Other<TYPES>, |source| {
    json(TYPES, DEEPEST, source).and_then(|value| Self::new(value).map_err(|_| Rejected::new()))
});

crate::__arbitrary!(Null, |_source| Ok(Self));

crate::__arbitrary!(Never, |_source| Err(Rejected::new()));

impl Sample for bool {
    fn sample(source: &mut Source<'_>) -> Result<Self, Rejected> {
        Ok(source.below(2) == 1)
    }
}

/// A value of one of some JSON types.
pub(super) fn of_types(types: u8, source: &mut Source<'_>) -> Result<Json, Rejected> {
    json(types, DEEPEST, source)
}

fn json(types: u8, levels: usize, source: &mut Source<'_>) -> Result<Json, Rejected> {
    let plain = types & !(ARRAY | OBJECT);
    // beneath the last level arrays and objects are empty, and few
    let types = if levels == 0 && plain != 0 { plain } else { types };
    let of: Vec<u8> = [NULL, BOOLEAN, NUMBER, STRING, ARRAY, OBJECT].into_iter().filter(|of| types & of != 0).collect();
    let count = |source: &mut Source<'_>| if levels == 0 || source.is_deep() { 0 } else { source.below(4) };
    Ok(match source.pick(&of)? {
        NULL => Json::Null,
        BOOLEAN => Json::Bool(bool::sample(source)?),
        NUMBER => Json::Number(Number::sample(source)?),
        STRING => Json::String(String::sample(source)?),
        ARRAY => {
            let items = (0..count(source)).map(|_| json(ALL, levels - 1, source));
            Json::Array(items.collect::<Result<_, _>>()?)
        }
        _ => {
            let members = (0..count(source)).map(|_| Ok((member_name(source)?, json(ALL, levels - 1, source)?)));
            Json::Object(members.collect::<Result<_, Rejected>>()?)
        }
    })
}

/// The name of a member that nothing names.
pub(super) fn member_name(source: &mut Source<'_>) -> Result<String, Rejected> {
    match source.below(4) {
        0 => Ok(format!("x_{}", source.below(100))),
        1 => source.pick(&["x", "id", "type", "", "a/b", "~", "$ref", "__proto__", "kind"]).map(str::to_owned),
        _ => String::sample(source),
    }
}
