//! Names of the types of a payload's module.
//!
//! A type is named after its property. Where two would get one name, each takes in the properties around it, innermost first, as
//! far as it needs: `Address` of a `billing` and of a `shipping` become `BillingAddress` and `ShippingAddress`. So a name follows
//! from this one schema alone, and never from the order in which anything was read.

use std::collections::{BTreeMap, BTreeSet};

use super::schema::Path;
use crate::diagnostics::Problems;
use crate::model::ItemKind;
use crate::names;
use crate::node::Span;

/// A type that has no name yet.
pub(super) struct Draft {
    pub(super) path: Path,
    /// The name that the schema asks for.
    pub(super) fixed: Option<String>,
    pub(super) span: Span,
    /// None while its own schema is being read.
    pub(super) kind: Option<ItemKind>,
    /// Whether null is a value beside those of the type.
    pub(super) null: bool,
    /// The draft that is a check around this one: it has the name, and this one is its fields.
    pub(super) fields_of: Option<usize>,
}

/// Names that the generated modules import.
const IMPORTED: [&str; 58] = [
    "BTreeMap",
    "Box",
    "CarriesSubject",
    "Checked",
    "Date",
    "DateTime",
    "Email",
    "Err",
    "FixedOffset",
    "FullTime",
    "Hostname",
    "Int",
    "Integer",
    "Ipv4Addr",
    "Ipv6",
    "IsoDuration",
    "JiffDateTime",
    "Json",
    "JsonObject",
    "JsonPointer",
    "List",
    "Maybe",
    "NaiveDate",
    "Never",
    "NeedsDowncast",
    "NeedsSubject",
    "NeedsSubjectAndDowncast",
    "None",
    "Null",
    "Number",
    "Object",
    "OffsetDateTime",
    "Ok",
    "Option",
    "Other",
    "Pattern",
    "Payload",
    "PublishedBy",
    "Publishable",
    "Result",
    "Rule",
    "Ruled",
    "Some",
    "Str",
    "String",
    "Supersedes",
    "SubscribedBy",
    "Text",
    "Union",
    "UniqueList",
    "Unrecognized",
    "Uri",
    "UriReference",
    "Uuid",
    "Vec",
    "Vetted",
    "Words",
    "Self",
];

/// Whether the name is one that the generated modules import, so that nothing beside may have it.
pub(super) fn is_imported(name: &str) -> bool {
    IMPORTED.contains(&name)
}

/// A name for each draft, in their order. `event` is the payload's name without its version, `taken` what the module uses from
/// elsewhere.
pub(super) fn resolve(
    drafts: &[Draft],
    event: &str,
    taken: &BTreeSet<String>,
    problems: &mut Problems,
) -> Option<Vec<String>> {
    let mut lengths = vec![1; drafts.len()];
    // where longer names do not help, numbers do
    let mut numbers = vec![1; drafts.len()];
    loop {
        let mut names: Vec<String> = Vec::with_capacity(drafts.len());
        for (index, draft) in drafts.iter().enumerate() {
            names.push(match draft.fields_of {
                Some(whole) if matches!(draft.kind, Some(ItemKind::Union { .. })) => {
                    format!("{}Variants", names[whole])
                }
                Some(whole) => format!("{}Fields", names[whole]),
                None => numbered(draft.name(event, lengths[index]), numbers[index]),
            });
        }
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, name) in names.iter().enumerate() {
            groups.entry(name).or_default().push(index);
        }
        let builders: BTreeSet<String> =
            drafts.iter().zip(&names).filter_map(|(draft, name)| draft.builder(name)).collect();
        let is_taken = |name: &str| taken.contains(name) || builders.contains(name) || is_imported(name);
        let clashes: Vec<&Vec<usize>> =
            groups.iter().filter(|(name, group)| group.len() > 1 || is_taken(name)).map(|(_, group)| group).collect();
        let Some(first) = clashes.first().and_then(|group| group.first().copied()) else { return Some(names) };
        let growing: Vec<usize> = clashes.iter().flat_map(|group| growing(group, drafts, &lengths)).collect();
        for index in &growing {
            lengths[*index] += 1;
        }
        if !growing.is_empty() {
            continue;
        }
        let Some(index) = clashes.iter().find_map(|group| to_be_numbered(group, drafts)) else {
            problems
                .error(drafts[first].span, format!("another type is named `{}` too", names[first]))
                .help("choose another name in `x-rust-name`");
            return None;
        };
        let is_free = |name: &str| !groups.contains_key(name) && !is_taken(name);
        let at_once: Vec<Vec<(usize, u32)>> = clashes
            .iter()
            .map_while(|group| {
                in_a_row(group, is_taken(&names[group[0]]), drafts, &numbers, |index, number| {
                    is_free(&numbered(drafts[index].name(event, lengths[index]), number))
                })
            })
            .collect();
        match &at_once[..] {
            [] => numbers[index] += 1,
            all => all.iter().flatten().for_each(|(index, number)| numbers[*index] = *number),
        }
    }
}

/// The numbers of types that have one name, where those that follow are free: what numbering the last again and again comes to.
fn in_a_row(
    group: &[usize],
    is_taken: bool,
    drafts: &[Draft],
    numbers: &[u32],
    is_free: impl Fn(usize, u32) -> bool,
) -> Option<Vec<(usize, u32)>> {
    let first = numbers[group[0]];
    if group.iter().any(|&index| drafts[index].fields_of.is_some() || numbers[index] != first) {
        return None;
    }
    let (fixed, others): (Vec<usize>, Vec<usize>) = group.iter().partition(|&&index| drafts[index].fixed.is_some());
    let kept = usize::from(fixed.is_empty() && !is_taken);
    let mut row = others.into_iter().skip(kept).zip(first + 1..);
    let row: Vec<(usize, u32)> = row.by_ref().take_while(|(index, number)| is_free(*index, *number)).collect();
    (!row.is_empty() && row.len() + kept + fixed.len() == group.len()).then_some(row)
}

/// Of types that have one name, the last whose name nobody chose: who adds a schema behind the others renames none of them.
fn to_be_numbered(group: &[usize], drafts: &[Draft]) -> Option<usize> {
    let named = group.iter().rev().map(|&index| drafts[index].fields_of.unwrap_or(index));
    named.into_iter().find(|&index| drafts[index].fixed.is_none())
}

fn numbered(name: String, number: u32) -> String {
    if number == 1 { name } else { format!("{name}{number}") }
}

impl Draft {
    /// The last `length` names of the path; beyond it, the event type's.
    fn name(&self, event: &str, length: usize) -> String {
        if let Some(fixed) = &self.fixed {
            return fixed.clone();
        }
        let skipped = self.path.len().saturating_sub(length);
        let steps: Vec<&str> = self.path[skipped..].iter().map(|step| step.name.as_str()).collect();
        let name = names::upper_camel(&steps.join("_"));
        if length > self.path.len() { format!("{event}{name}") } else { name }
    }

    /// The name of the builder that comes with an object.
    fn builder(&self, name: &str) -> Option<String> {
        matches!(self.kind, Some(ItemKind::Object(_))).then(|| format!("{name}Builder"))
    }

    /// Whether the name can take in one more property or, where `beyond` is 1, the event type's name.
    fn can_grow(&self, length: usize, beyond: usize) -> bool {
        self.fixed.is_none() && self.fields_of.is_none() && length < self.path.len() + beyond
    }
}

/// Those of a group that take in one more name: the nested ones, and only where there is none, those that stand at the top.
fn growing(group: &[usize], drafts: &[Draft], lengths: &[usize]) -> Vec<usize> {
    let able = |beyond| group.iter().copied().filter(|&index| drafts[index].can_grow(lengths[index], beyond)).collect();
    let nested: Vec<usize> = able(0);
    if nested.is_empty() { able(1) } else { nested }
}
