//! Rules of objects.

use super::{Advice, Broken, Keyed, Rule, keep_all, of_objects};
use crate::payload::object::Missing;
use crate::payload::reader::{Reader, Reading, Segment};
use crate::payload::{Invalid, Json};

/// `required`
pub fn required(names: &'static [&'static str]) -> Rule {
    of_objects(|members, reader| {
        let missing = names.iter().filter(|name| !members.contains_key(**name));
        let missing = missing.map(|name| {
            let broken = Broken::from(Invalid::from(Missing(name)));
            Err(broken.advising(|| Advice::Member(name)))
        });
        keep_all(reader, missing)
    })
}

/// `dependentRequired`
pub fn dependent_required(dependents: &'static [(&'static str, &'static [&'static str])]) -> Rule {
    of_objects(|members, reader| {
        let given = dependents.iter().filter(|(name, _)| members.contains_key(*name));
        let needed = given.flat_map(|(name, needed)| needed.iter().map(move |needed| (name, needed)));
        let missing = needed.filter(|(_, needed)| !members.contains_key(**needed)).map(|(name, missing)| {
            let broken = Broken::new(format!("required property `{missing}` is missing, since `{name}` is there"));
            Err(broken.advising(|| Advice::Member(missing)))
        });
        keep_all(reader, missing)
    })
}

/// `dependentSchemas`
#[must_use]
pub fn dependent_schemas<const N: usize>(dependents: [(&'static str, Rule); N]) -> Rule {
    super::Rule::new(move |value, reader| {
        let those = dependents.iter().filter(|(name, _)| value.get(name).is_some());
        keep_all(reader, those.map(|(_, rule)| rule.check(value, reader)))
    })
}

/// `properties`
#[must_use]
pub fn properties<const N: usize>(properties: [(&'static str, Rule); N]) -> Rule {
    of_objects(move |members, reader| {
        let given = properties.iter().filter_map(|(name, rule)| Some((name, rule, members.get(*name)?)));
        let outcomes = given.map(|(name, rule, value)| {
            rule.check(value, reader).map_err(|broken| broken.within(Segment::Named((*name).to_owned())))
        });
        keep_all(reader, outcomes)
    })
}

/// `propertyNames`
#[must_use]
pub fn property_names(rule: Rule) -> Rule {
    of_objects(move |members, reader| {
        let outcomes = members.keys().map(|name| {
            rule.check(&Json::String(name.clone()), reader).map_err(|broken| {
                let broken = Broken::new(format!("has a name that {}", broken.rule())).advising(|| Advice::Leave);
                broken.within(Segment::Named(name.clone()))
            })
        });
        keep_all(reader, outcomes)
    })
}

/// `minProperties`
pub fn min_properties(count: usize) -> Rule {
    of_objects(move |members, _| {
        if members.len() >= count {
            return Ok(());
        }
        let broken = Broken::new(format!("has fewer than the minimum of {count} properties"));
        Err(broken.advising(|| Advice::MoreMembers))
    })
}

/// `maxProperties`
pub fn max_properties(count: usize) -> Rule {
    of_objects(move |members, _| {
        if members.len() <= count {
            return Ok(());
        }
        let broken = Broken::new(format!("has more than the maximum of {count} properties"));
        Err(broken.advising(|| Advice::FewerMembers))
    })
}

/// `patternProperties` and `additionalProperties`, beside properties that are named.
#[must_use]
pub fn members<const N: usize>(named: &'static [&'static str], keyed: [Keyed; N], others: Option<Rule>) -> Rule {
    of_objects(move |members, reader| {
        let outcomes = members.iter().map(|(name, value)| {
            let mut is_known = named.contains(&name.as_str());
            let keyed = keyed.iter().filter(|keyed| (keyed.has_name)(name)).map(|Keyed { rule, .. }| {
                is_known = true;
                rule.check(value, reader).map_err(|broken| broken.within(Segment::Named(name.clone())))
            });
            keep_all(reader, keyed)?;
            match &others {
                Some(others) if !is_known => check_unknown(others, name, value, reader),
                _ => Ok(()),
            }
        });
        keep_all(reader, outcomes)
    })
}

/// Holds a member that nothing names against a rule.
pub(super) fn check_unknown(rule: &Rule, name: &str, value: &Json, reader: &Reader) -> Result<(), Broken> {
    // a later revision may name it
    if rule.is_never && reader.reading() == Reading::Tolerant {
        return Ok(());
    }
    rule.check(value, reader).map_err(|broken| broken.within(Segment::Named(name.to_owned())))
}
