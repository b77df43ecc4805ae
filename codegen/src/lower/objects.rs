//! Objects: structs, and maps whose keys are data.

use std::collections::BTreeSet;

use super::keywords::{Keywords, Notes, wrong_type};
use super::schema::{Path, Step, Typed, Types, names_a_type};
use crate::diagnostics::did_you_mean;
use crate::model::{Field, Object};
use crate::names;
use crate::node::{Member, Node, Value};

impl Types<'_, '_> {
    /// The values of an object that names no property and types the others; `None` where it is no such object.
    pub(super) fn map(&mut self, keywords: &mut Keywords<'_>, path: &Path) -> Option<Option<Typed>> {
        if keywords.has("properties") {
            return None;
        }
        let values = keywords.take_if("additionalProperties", |node| matches!(node.value, Value::Object(_)))?;
        Some(self.on_heap(values, path))
    }

    /// Takes the keywords of an object with named members.
    pub(super) fn members(
        &mut self,
        node: &Node,
        mut keywords: Keywords<'_>,
        notes: &Notes,
        path: &Path,
    ) -> Option<Object> {
        let properties = match keywords.take("properties") {
            None => &[],
            Some(Node { value: Value::Object(members), .. }) => members.as_slice(),
            Some(other) => return wrong_type("properties", other, "an object", self.problems),
        };
        let required = self.required(keywords.take("required"), properties);
        let closed = self.closed(keywords.take("additionalProperties"));
        let finished = keywords.finish("an object", self.problems);
        let mut fields: Vec<Field> = Vec::new();
        let mut complete = true;
        for property in properties {
            match self.field(property, required.as_ref(), path) {
                Some(field) => complete &= self.add_field(&mut fields, field, property),
                None => complete = false,
            }
        }
        if !complete {
            return None;
        }
        let docs = notes.docs.clone();
        let object = Object { docs, closed: closed?, fields };
        (required.is_some() && finished.is_some())
            .then_some(object)
            .filter(|object| self.has_room_for_rest(object, node))
    }

    fn required<'n>(&mut self, node: Option<&'n Node>, properties: &[Member]) -> Option<BTreeSet<&'n str>> {
        let Some(node) = node else { return Some(BTreeSet::new()) };
        let Some(names) = node.as_array() else {
            return wrong_type("required", node, "a list of names", self.problems);
        };
        let mut required = BTreeSet::new();
        let mut complete = true;
        for entry in names {
            let Some(name) = entry.as_str() else {
                return wrong_type("required", entry, "a list of names", self.problems);
            };
            if !properties.iter().any(|property| property.key == name) {
                let near = did_you_mean(name, properties.iter().map(|property| property.key.as_str()));
                self.problems
                    .error(entry.span, format!("`{name}` is required, but `properties` does not describe it"))
                    .help(near.unwrap_or_else(|| format!("describe `{name}` in `properties`")));
                complete = false;
            }
            if !required.insert(name) {
                self.problems.error(entry.span, format!("`{name}` is in `required` twice"));
                complete = false;
            }
        }
        complete.then_some(required)
    }

    fn closed(&mut self, node: Option<&Node>) -> Option<bool> {
        match node {
            None => Some(false),
            Some(Node { value: Value::Bool(open), .. }) => Some(!open),
            Some(node) => {
                self.problems
                    .error(node.span, "a schema for additional properties beside `properties` is not supported yet")
                    .help("`false` and `true` are, and so is a schema in an object without `properties`");
                None
            }
        }
    }

    fn field(&mut self, property: &Member, required: Option<&BTreeSet<&str>>, path: &Path) -> Option<Field> {
        let mut path = path.clone();
        path.push(Step::new(&property.key));
        let Typed { ty, notes } = self.schema(&property.value, &path)?;
        let renamed = notes.rust_name.filter(|name| !names_a_type(name));
        Some(Field {
            json: property.key.clone(),
            rust_name: renamed.unwrap_or_else(|| field_name(&property.key)),
            docs: notes.docs,
            required: required?.contains(property.key.as_str()),
            sensitive: notes.sensitive,
            deprecated: notes.deprecated,
            ty,
        })
    }

    fn add_field(&mut self, fields: &mut Vec<Field>, field: Field, property: &Member) -> bool {
        if let Some(other) = fields.iter().find(|other| other.rust_name == field.rust_name) {
            self.problems
                .error(
                    property.key_span,
                    format!("`{}` and `{}` would both be named `{}` in Rust", other.json, field.json, field.rust_name),
                )
                .help("name one of them yourself: `\"x-rust-name\": \"…\"` in its schema");
            return false;
        }
        fields.push(field);
        true
    }

    /// An open object keeps unknown members in a field of its own.
    fn has_room_for_rest(&mut self, object: &Object, node: &Node) -> bool {
        if object.closed || object.fields.iter().all(|field| field.rust_name != "rest") {
            return true;
        }
        self.problems
            .error(node.span, "an open object has a field `rest` for unknown members, and a property has that name too")
            .help("name the property yourself: `\"x-rust-name\": \"…\"` in its schema");
        false
    }
}

/// Each field has a setter in the struct's builder, whose last step is `build`.
fn field_name(property: &str) -> String {
    let name = names::snake(property);
    if name == "build" { "build_".to_owned() } else { name }
}
