//! The features of the crate `eventwright` that the bindings need: who has no use for a validator or an engine compiles none.

use std::collections::BTreeSet;

use crate::model::{ItemKind, Leaf, Model, Named, Part, Rule};
use crate::settings::Dates;

pub(super) fn of(model: &Model, dates: Dates) -> BTreeSet<&'static str> {
    let mut features = BTreeSet::new();
    features.extend(model.shared.iter().filter_map(|shared| of_named(&shared.kind)));
    for payload in &model.payloads {
        if !payload.documents.is_empty() {
            features.insert("jsonschema");
        }
        for item in &payload.items {
            if let ItemKind::Named { kind, .. } = &item.kind {
                features.extend(of_named(kind));
            }
            item.kind.each_part(&mut |part| features.extend(of_part(part, dates)));
        }
    }
    features
}

fn of_named(kind: &Named) -> Option<&'static str> {
    matches!(kind, Named::Pattern { is_simple: false, .. }).then_some("regex")
}

fn of_part(part: Part<'_>, dates: Dates) -> Option<&'static str> {
    match part {
        Part::Leaf(Leaf::Date | Leaf::DateTime) => match dates {
            Dates::Time => None,
            Dates::Chrono => Some("chrono"),
            Dates::Jiff => Some("jiff"),
        },
        Part::Rule(Rule::Format(name)) if name == "regex" => Some("regex"),
        Part::Leaf(_) | Part::Rule(_) => None,
    }
}
