//! Rules of the value as a whole: `allOf`, `anyOf`, `oneOf`, `not`, `if`.

use super::{Advice, Broken, Rule, breaks, keep_all};
use crate::payload::{Json, Reader};

/// `true`
#[must_use]
pub fn always() -> Rule {
    Rule::new(|_, _| Ok(()))
}

/// `false`
#[must_use]
pub fn never() -> Rule {
    Rule {
        is_never: true,
        ..Rule::new(|_, _| Err(Broken::new("is not allowed by the schema").advising(|| Advice::Leave)))
    }
}

/// `allOf`
#[must_use]
pub fn all_of<const N: usize>(rules: [Rule; N]) -> Rule {
    Rule::new(move |value, reader| keep_all(reader, rules.iter().map(|rule| rule.check(value, reader))))
}

/// `anyOf`
#[must_use]
pub fn any_of<const N: usize>(rules: [Rule; N]) -> Rule {
    Rule::new(move |value, reader| {
        // with one only, its own words say more
        match &rules[..] {
            [only] => only.check(value, reader),
            _ if reader.singly(|reader| rules.iter().any(|rule| rule.check(value, reader).is_ok())) => Ok(()),
            _ => Err(breaks("anyOf").advised_by(|| complaints(&rules, value, reader))),
        }
    })
}

/// `oneOf`
#[must_use]
pub fn one_of<const N: usize>(rules: [Rule; N]) -> Rule {
    Rule::new(move |value, reader| {
        // whether there are two is all that counts
        match rules.iter().filter(|rule| rule.holds(value, reader)).take(2).count() {
            1 => Ok(()),
            0 => Err(breaks("oneOf").advised_by(|| complaints(&rules, value, reader))),
            _ => Err(breaks("oneOf")),
        }
    })
}

/// `oneOf` of objects that each have another word in the property `tag`, and which the rules ask for; and of null, where `null` is set.
#[must_use]
pub fn tagged<const N: usize>(tag: &'static str, branches: [(&'static str, Rule); N], null: bool) -> Rule {
    Rule::new(move |value, reader| {
        if null && value.is_null() {
            return Ok(());
        }
        let word = value.get(tag).and_then(Json::as_str);
        match branches.iter().find(|(other, _)| word == Some(other)) {
            Some((_, rule)) => rule.check(value, reader),
            None => {
                let complaints = || branches.iter().filter_map(|(_, rule)| rule.check(value, reader).err()).collect();
                Err(breaks("oneOf").advised_by(complaints))
            }
        }
    })
}

/// What rules have to say.
fn complaints(rules: &[Rule], value: &Json, reader: &Reader) -> Vec<Broken> {
    rules.iter().filter_map(|rule| rule.check(value, reader).err()).collect()
}

/// `not`
#[must_use]
pub fn not(rule: Rule) -> Rule {
    Rule::new(move |value, reader| if rule.holds(value, reader) { Err(breaks("not")) } else { Ok(()) })
}

/// `if`, `then` and `else`
#[must_use]
pub fn when(condition: Rule, then: Option<Rule>, otherwise: Option<Rule>) -> Rule {
    Rule::new(move |value, reader| {
        let rule = if condition.holds(value, reader) { &then } else { &otherwise };
        rule.as_ref().map_or(Ok(()), |rule| rule.check(value, reader))
    })
}
