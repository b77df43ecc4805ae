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
}

/// Names that the generated modules import.
const IMPORTED: [&str; 31] = [
    "BTreeMap",
    "Box",
    "CarriesSubject",
    "Date",
    "Email",
    "Err",
    "Int",
    "JsonObject",
    "List",
    "Maybe",
    "NeedsSubject",
    "None",
    "Object",
    "OffsetDateTime",
    "Ok",
    "Option",
    "Pattern",
    "Payload",
    "PublishedBy",
    "Publishable",
    "Result",
    "Some",
    "String",
    "SubscribedBy",
    "Text",
    "UniqueList",
    "Unrecognized",
    "Uuid",
    "Vec",
    "Words",
    "Self",
];

/// A name for each draft, in their order. `event` is the payload's name without its version, `taken` what the module uses from
/// elsewhere.
pub(super) fn resolve(
    drafts: &[Draft],
    event: &str,
    taken: &BTreeSet<String>,
    problems: &mut Problems,
) -> Option<Vec<String>> {
    let mut lengths = vec![1; drafts.len()];
    loop {
        let names: Vec<String> =
            drafts.iter().zip(&lengths).map(|(draft, length)| draft.name(event, *length)).collect();
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, name) in names.iter().enumerate() {
            groups.entry(name).or_default().push(index);
        }
        let builders: BTreeSet<String> =
            drafts.iter().zip(&names).filter_map(|(draft, name)| draft.builder(name)).collect();
        let is_taken = |name: &str| taken.contains(name) || builders.contains(name) || IMPORTED.contains(&name);
        let clashes = groups.iter().filter(|(name, group)| group.len() > 1 || is_taken(name)).map(|(_, group)| group);
        let mut clashed = None;
        let mut grown = false;
        for group in clashes {
            clashed = clashed.or(group.first().copied());
            for index in growing(group, drafts, &lengths) {
                lengths[index] += 1;
                grown = true;
            }
        }
        let Some(index) = clashed else { return Some(names) };
        if !grown {
            problems
                .error(drafts[index].span, format!("another type is named `{}` too", names[index]))
                .help("name it yourself: `\"x-rust-name\": \"…\"` in its schema");
            return None;
        }
    }
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
        self.fixed.is_none() && length < self.path.len() + beyond
    }
}

/// Those of a group that take in one more name: the nested ones, and only where there is none, those that stand at the top.
fn growing(group: &[usize], drafts: &[Draft], lengths: &[usize]) -> Vec<usize> {
    let able = |beyond| group.iter().copied().filter(|&index| drafts[index].can_grow(lengths[index], beyond)).collect();
    let nested: Vec<usize> = able(0);
    if nested.is_empty() { able(1) } else { nested }
}
