//! `$dynamicRef` (JSON Schema core, section 8.2.3.2), where it means what `$ref` does.
//!
//! It leads to the outermost schema on the way that has the `$dynamicAnchor`. Where no two that can be on the way have it, that is
//! always the same schema. Otherwise the schema is not one type, but one for each that refers to it.

use std::collections::{BTreeMap, BTreeSet};

use super::Linked;
use crate::diagnostics::Problems;
use crate::node::{FileId, Span};

/// Refuses those that are not always the same, in the files that a payload reaches.
pub(super) fn check(linked: &Linked<'_>, reached: &BTreeSet<FileId>, problems: &mut Problems) {
    let mut anchors: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
    for (name, span) in linked.resources.dynamic_anchors.iter().filter(|(_, span)| reached.contains(&span.file)) {
        anchors.entry(name).or_default().push(*span);
    }
    for reference in linked.resources.dynamic_refs.iter().filter(|member| reached.contains(&member.value.span.file)) {
        let fragment = reference.value.as_str().and_then(|text| text.split_once('#')).map(|(_, fragment)| fragment);
        let target = linked.target(&reference.value).and_then(super::Target::schema);
        let Some(name) =
            target.and_then(|target| target.get("$dynamicAnchor")?.as_str()).filter(|name| Some(*name) == fragment)
        else {
            continue;
        };
        let same = anchors.get(name).map(Vec::as_slice).unwrap_or_default();
        if same.len() > 1 {
            let problem = problems
                .error(
                    reference.key_span,
                    "the keyword `$dynamicRef` is not supported where it can lead to several schemas",
                )
                .help("what it means depends on who refers to the schema, so it is no one type: use `$ref`");
            for anchor in same.iter().take(MOST_SHOWN) {
                problem.related(*anchor, "one of them");
            }
        }
    }
}

/// How many of the schemas that a reference can lead to are shown.
const MOST_SHOWN: usize = 10;
