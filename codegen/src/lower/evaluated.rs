//! What `unevaluatedProperties` and `unevaluatedItems` are about: the members and items that no other part of the schema looked at
//! (JSON Schema core, section 11).
//!
//! Which parts look depends on the value where a part is a condition, so what was seen is data about the schema, with conditions.

use super::level::level;
use super::schema::{Path, Types};
use crate::link::Target;
use crate::model::{Seen, SeenIf};
use crate::node::{Member, Node};

/// So many schemas referring to one another end in themselves.
const DEEPEST: usize = 16;

impl Types<'_, '_> {
    /// What the schema that the keyword stands in looks at; none where only the schema itself knows.
    pub(super) fn seen(&mut self, unevaluated: &Member, path: &Path) -> Option<Seen> {
        let root = self.linked.sources.get(unevaluated.key_span.file).root.as_ref()?;
        let pointer = root.pointer_of(unevaluated.key_span);
        let owner = root.at(pointer.rsplit_once('/')?.0)?;
        self.seen_by(owner, Some(&unevaluated.key), path, 0)
    }

    /// `except` is the keyword that asks, which looks at nothing before the others have.
    fn seen_by(&mut self, node: &Node, except: Option<&str>, path: &Path, depth: usize) -> Option<Seen> {
        if depth > DEEPEST {
            return None;
        }
        let level = level(node, &self.linked.resources);
        let mut seen = Seen::default();
        for member in level.members().iter().filter(|member| Some(member.key.as_str()) != except) {
            let value = &member.value;
            match member.key.as_str() {
                "properties" => seen.names.extend(value.members().iter().map(|property| property.key.clone())),
                "patternProperties" => {
                    for pattern in value.members() {
                        seen.patterns.push(self.pattern_type(&pattern.value, &pattern.key, path)?);
                    }
                }
                "additionalProperties" | "unevaluatedProperties" => seen.all_members = true,
                "prefixItems" => seen.prefix = seen.prefix.max(value.as_array().map_or(0, <[Node]>::len)),
                "items" | "unevaluatedItems" => seen.all_items = true,
                "contains" => seen.contained.push(self.within(value, "contained", path)?),
                "$ref" => match self.linked.target(value)? {
                    Target::Schema(target) => seen.add(self.seen_by(target, None, path, depth + 1)?),
                    Target::Metaschema => return None,
                },
                "allOf" => {
                    for part in value.as_array()? {
                        seen.add(self.seen_by(part, None, path, depth + 1)?);
                    }
                }
                "anyOf" | "oneOf" => {
                    for part in value.as_array()? {
                        self.seen_if(&mut seen, part, SeenIf::Holds, part, path, depth)?;
                    }
                }
                "if" => {
                    self.seen_if(&mut seen, value, SeenIf::Holds, value, path, depth)?;
                    if let Some(then) = level.get("then") {
                        self.seen_if(&mut seen, value, SeenIf::Holds, then, path, depth)?;
                    }
                    if let Some(otherwise) = level.get("else") {
                        self.seen_if(&mut seen, value, SeenIf::Fails, otherwise, path, depth)?;
                    }
                }
                "dependentSchemas" => {
                    for dependent in value.members() {
                        let more = self.seen_by(&dependent.value, None, path, depth + 1)?;
                        seen.add_if(SeenIf::Has(dependent.key.clone()), more);
                    }
                }
                _ => {}
            }
        }
        Some(seen)
    }

    fn seen_if(
        &mut self,
        seen: &mut Seen,
        condition: &Node,
        how: fn(crate::model::Predicate) -> SeenIf,
        part: &Node,
        path: &Path,
        depth: usize,
    ) -> Option<()> {
        let more = self.seen_by(part, None, path, depth + 1)?;
        if more != Seen::default() {
            seen.add_if(how(self.within(condition, "if", path)?), more);
        }
        Some(())
    }
}
