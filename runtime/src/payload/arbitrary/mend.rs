//! Values that keep rules, where hardly any drawn at random would: a value is held against them, and what is wrong is put right as
//! the rule advises.

use std::collections::{BTreeMap, HashSet};

use super::formats::of_name;
use super::json::{member_name, of_types};
use super::objects::again;
use super::text::text_within;
use super::{Rejected, Sample, Source};
use crate::payload::reader::{Broken, Segment};
use crate::payload::rules::{Advice, Advised};
use crate::payload::{Json, Read, Write, encode};

mod number;

use number::Bounds;

/// How often a value is held against its rules: each round puts one thing right.
const ROUNDS: usize = 48;

/// How many ways to follow an advice are tried, some of which the value's type may refuse.
const WAYS: usize = 8;

/// How many other values are drawn for a part that one of them has.
const DONORS: usize = 16;

/// Odds of doing without them.
const RARELY: u64 = 1 << 16;

/// A value of a type that keeps rules.
pub(super) fn mended<T: Sample + Read + Write>(
    check: &dyn Fn(&Json) -> Result<(), Broken>,
    source: &mut Source<'_>,
) -> Result<T, Rejected> {
    let value = T::sample(source)?;
    let mut json = to_json(&value)?;
    let Err(mut broken) = check(&json) else { return Ok(value) };
    let mut demands = Vec::new();
    for _ in 0..ROUNDS {
        json = better::<T>(&json, &broken, &mut demands, source)?;
        match check(&json) {
            Ok(()) => return again(&json),
            Err(next) => broken = next,
        }
    }
    Err(Rejected::new())
}

fn to_json(value: &impl Write) -> Result<Json, Rejected> {
    encode(value).map_err(|_| Rejected::new())?.parse().map_err(|_| Rejected::new())
}

/// The value with one thing put right, in a way that its type takes.
fn better<T: Sample + Read + Write>(
    json: &Json,
    broken: &Broken,
    demands: &mut Vec<Demand>,
    source: &mut Source<'_>,
) -> Result<Json, Rejected> {
    if broken.advised().is_empty() {
        return Err(Rejected::new());
    }
    for _ in 0..WAYS {
        let way = source.attempt(|source| {
            let Advised { advice, path } = &broken.advised()[source.index(broken.advised().len())];
            let (mut json, mut demands) = (json.clone(), demands.clone());
            follow::<T>(advice, path, &mut json, &mut demands, source)?;
            again::<T>(&json).map(|_| (json, demands))
        });
        if let Ok((json, learned)) = way {
            *demands = learned;
            return Ok(json);
        }
    }
    Err(Rejected::new())
}

/// What is known to be asked of a place: rules complain one by one, but a number or a text has to keep all at once.
#[derive(Clone)]
struct Demand {
    place: String,
    bounds: Bounds,
    shortest: usize,
    longest: usize,
}

fn demand<'d>(demands: &'d mut Vec<Demand>, path: &[Segment]) -> &'d mut Demand {
    let place = format!("{path:?}");
    let index = demands.iter().position(|demand| demand.place == place).unwrap_or_else(|| {
        demands.push(Demand { place, bounds: Bounds::default(), shortest: 0, longest: usize::MAX });
        demands.len() - 1
    });
    &mut demands[index]
}

fn follow<T: Sample + Write>(
    advice: &Advice,
    path: &[Segment],
    json: &mut Json,
    demands: &mut Vec<Demand>,
    source: &mut Source<'_>,
) -> Result<(), Rejected> {
    if matches!(advice, Advice::Leave) {
        let (last, above) = path.split_first().ok_or_else(Rejected::new)?;
        return leave(place(json, above)?, last);
    }
    let at = place(json, path)?;
    match advice {
        Advice::AtLeast { .. } | Advice::AtMost { .. } | Advice::MultipleOf(_) | Advice::Whole => {
            let Json::Number(number) = at else { return Err(Rejected::new()) };
            let bounds = &mut demand(demands, path).bounds;
            bounds.learn(advice);
            *number = bounds.sample(number, source)?;
        }
        Advice::Longer(_) | Advice::Shorter(_) => {
            let demand = demand(demands, path);
            match advice {
                Advice::Longer(chars) => demand.shortest = demand.shortest.max(*chars),
                Advice::Shorter(chars) => demand.longest = demand.longest.min(*chars),
                _ => {}
            }
            *at = Json::String(text_within(demand.shortest, demand.longest, source));
        }
        Advice::Types(types) => *at = of_types(*types, source)?,
        Advice::OneOf(values) => *at = values.get(source.index(values.len())).ok_or_else(Rejected::new)?.clone(),
        Advice::Format(name) => *at = Json::String(of_name(name, source)?),
        Advice::Be(sample) => *at = sample(source)?,
        Advice::Member(name) => {
            let value = donor(path, |other| other.get(name).cloned(), T::sample, source);
            let value = value.map_or_else(|| Json::sample(source), Ok)?;
            members(at)?.insert((*name).to_owned(), value);
        }
        Advice::MoreMembers => more_members::<T>(at, path, source)?,
        Advice::FewerMembers => {
            let members = members(at)?;
            let name = members.keys().nth(source.index(members.len())).ok_or_else(Rejected::new)?.clone();
            members.remove(&name);
        }
        Advice::MoreItems => {
            let Json::Array(items) = at else { return Err(Rejected::new()) };
            let index = source.index(8);
            let item = donor(path, |other| other.as_array()?.get(index).cloned(), T::sample, source);
            items.push(item.map_or_else(|| Json::sample(source), Ok)?);
        }
        Advice::FewerItems(most) => {
            let Json::Array(items) = at else { return Err(Rejected::new()) };
            items.truncate(*most);
        }
        Advice::Differing => {
            let Json::Array(items) = at else { return Err(Rejected::new()) };
            let mut seen = HashSet::new();
            items.retain(|item| seen.insert(item.clone()));
        }
        Advice::Leave => {}
    }
    Ok(())
}

fn more_members<T: Sample + Write>(at: &mut Json, path: &[Segment], source: &mut Source<'_>) -> Result<(), Rejected> {
    let members = members(at)?;
    let new = donor(
        path,
        |other| {
            let mut new = other.as_object()?.iter().filter(|(name, _)| !members.contains_key(*name));
            new.next().map(|(name, value)| (name.clone(), value.clone()))
        },
        T::sample,
        source,
    );
    let (name, value) = match new {
        Some(member) => member,
        None => (member_name(source)?, Json::sample(source)?),
    };
    members.insert(name, value);
    Ok(())
}

/// A part that another value has at the same place.
fn donor<T: Write, P>(
    path: &[Segment],
    part: impl Fn(&Json) -> Option<P>,
    sample: fn(&mut Source<'_>) -> Result<T, Rejected>,
    source: &mut Source<'_>,
) -> Option<P> {
    let attempt = |source: &mut Source<'_>| {
        let mut other = to_json(&sample(source)?)?;
        part(place(&mut other, path)?).ok_or_else(Rejected::new)
    };
    source.maybe(RARELY, |source| (0..DONORS).find_map(|_| source.attempt(attempt).ok()).ok_or_else(Rejected::new))
}

fn members(json: &mut Json) -> Result<&mut BTreeMap<String, Json>, Rejected> {
    match json {
        Json::Object(members) => Ok(members),
        _ => Err(Rejected::new()),
    }
}

/// The value at a path from the inside out.
fn place<'j>(json: &'j mut Json, path: &[Segment]) -> Result<&'j mut Json, Rejected> {
    path.iter()
        .rev()
        .try_fold(json, |json, segment| match (json, segment) {
            (Json::Object(members), Segment::Declared(name)) => members.get_mut(*name),
            (Json::Object(members), Segment::Named(name)) => members.get_mut(name),
            (Json::Array(items), Segment::Item(index)) => items.get_mut(*index),
            _ => None,
        })
        .ok_or_else(Rejected::new)
}

fn leave(json: &mut Json, segment: &Segment) -> Result<(), Rejected> {
    let left = match (json, segment) {
        (Json::Object(members), Segment::Declared(name)) => members.remove(*name).is_some(),
        (Json::Object(members), Segment::Named(name)) => members.remove(name).is_some(),
        (Json::Array(items), Segment::Item(index)) if *index < items.len() => {
            items.remove(*index);
            true
        }
        _ => false,
    };
    if left { Ok(()) } else { Err(Rejected::new()) }
}
