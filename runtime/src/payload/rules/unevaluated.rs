//! What is left when other schemas have looked at some members or items: `unevaluatedProperties`, `unevaluatedItems`.
//!
//! Which ones they look at can depend on the value. So it is described by parts, some of which count under a condition.

use super::is::has_name;
use super::objects::check_unknown;
use super::{Broken, Rule, keep_all};
use crate::payload::reader::Segment;
use crate::payload::{Json, Key, Reader};

/// Members and items that other schemas have looked at.
#[derive(Debug, Default)]
pub struct Seen(Vec<Part>);

#[derive(Debug)]
enum Part {
    Names(&'static [&'static str]),
    Pattern(fn(&str) -> bool),
    AllMembers,
    Prefix(usize),
    Contained(Rule),
    AllItems,
    Under(Condition, Seen),
}

#[derive(Debug)]
enum Condition {
    When(Rule),
    Unless(Rule),
    Given(&'static str),
}

impl Condition {
    fn holds(&self, value: &Json, reader: &Reader) -> bool {
        match self {
            Self::When(rule) => rule.holds(value, reader),
            Self::Unless(rule) => !rule.holds(value, reader),
            Self::Given(name) => value.get(name).is_some(),
        }
    }
}

/// Nothing; the beginning of a description.
#[must_use]
pub fn seen() -> Seen {
    Seen::default()
}

impl Seen {
    fn and(mut self, part: Part) -> Self {
        self.0.push(part);
        self
    }

    /// And members of these names.
    #[must_use]
    pub fn names(self, names: &'static [&'static str]) -> Self {
        self.and(Part::Names(names))
    }

    /// And members whose name is a `P`.
    #[must_use]
    pub fn pattern<P: Key>(self) -> Self {
        self.and(Part::Pattern(has_name::<P>))
    }

    /// And all other members.
    #[must_use]
    pub fn all_members(self) -> Self {
        self.and(Part::AllMembers)
    }

    /// And the first so many items.
    #[must_use]
    pub fn prefix(self, items: usize) -> Self {
        self.and(Part::Prefix(items))
    }

    /// And items that keep a rule.
    #[must_use]
    pub fn contained(self, rule: Rule) -> Self {
        self.and(Part::Contained(rule))
    }

    /// And all other items.
    #[must_use]
    pub fn all_items(self) -> Self {
        self.and(Part::AllItems)
    }

    /// And, where the value keeps a rule, what another description says.
    #[must_use]
    pub fn when(self, condition: Rule, seen: Self) -> Self {
        self.and(Part::Under(Condition::When(condition), seen))
    }

    /// And, where the value breaks a rule, what another description says.
    #[must_use]
    pub fn unless(self, condition: Rule, seen: Self) -> Self {
        self.and(Part::Under(Condition::Unless(condition), seen))
    }

    /// And, where the value has a member of a name, what another description says.
    #[must_use]
    pub fn given(self, name: &'static str, seen: Self) -> Self {
        self.and(Part::Under(Condition::Given(name), seen))
    }

    /// The parts that count for a value, none of them under a condition.
    fn parts<'s>(&'s self, value: &Json, reader: &Reader, parts: &mut Vec<&'s Part>) {
        for part in &self.0 {
            match part {
                Part::Under(condition, seen) if condition.holds(value, reader) => seen.parts(value, reader, parts),
                Part::Under(..) => {}
                part => parts.push(part),
            }
        }
    }
}

impl Part {
    fn has_member(&self, name: &str) -> bool {
        match self {
            Self::Names(names) => names.contains(&name),
            Self::Pattern(has_name) => has_name(name),
            Self::AllMembers => true,
            _ => false,
        }
    }

    fn has_item(&self, index: usize, item: &Json, reader: &Reader) -> bool {
        match self {
            Self::Prefix(items) => index < *items,
            Self::Contained(rule) => rule.holds(item, reader),
            Self::AllItems => true,
            _ => false,
        }
    }
}

/// `unevaluatedProperties`
#[must_use]
pub fn unevaluated_properties(others: Rule, seen: Seen) -> Rule {
    Rule::new(move |value, reader| {
        let Some(members) = value.as_object() else { return Ok(()) };
        let mut parts = Vec::new();
        seen.parts(value, reader, &mut parts);
        let left = members.iter().filter(|(name, _)| !parts.iter().any(|part| part.has_member(name)));
        keep_all(reader, left.map(|(name, value)| check_unknown(&others, name, value, reader)))
    })
}

/// `unevaluatedItems`
#[must_use]
pub fn unevaluated_items(others: Rule, seen: Seen) -> Rule {
    Rule::new(move |value, reader| {
        let Some(items) = value.as_array() else { return Ok(()) };
        let mut parts = Vec::new();
        seen.parts(value, reader, &mut parts);
        let check = |(index, item): (usize, &Json)| -> Result<(), Broken> {
            if parts.iter().any(|part| part.has_item(index, item, reader)) {
                return Ok(());
            }
            others.check(item, reader).map_err(|broken| broken.within(Segment::Item(index)))
        };
        keep_all(reader, items.iter().enumerate().map(check))
    })
}
