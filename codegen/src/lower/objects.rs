//! Objects: structs, and maps whose keys are data.

use std::collections::BTreeSet;

use super::arrays::one_of;
use super::keywords::{Keywords, Notes};
use super::schema::{Path, Step, Typed, Types, names_a_type};
use crate::diagnostics::did_you_mean;
use crate::model::{Field, Nullable, Object, Shape};
use crate::names::{self, FreeNames};
use crate::node::{Member, Node, Value};

impl Types<'_, '_> {
    /// Takes the keywords of an object that names no property; `None` where it names some, or forbids all others.
    pub(super) fn map(&mut self, keywords: &mut Keywords<'_>, path: &Path) -> Option<Option<Typed>> {
        let names_some = keywords.get("properties").is_some_and(|properties| !properties.members().is_empty());
        let closed = keywords.get("additionalProperties").is_some_and(|node| node.value == Value::Bool(false));
        if names_some || closed && !keywords.has("patternProperties") {
            return None;
        }
        keywords.take("properties");
        keywords.take_if("required", |required| required.as_array() == Some(&[]));
        let key = keywords.get("patternProperties").and_then(|patterns| match patterns.members() {
            [only] if closed => Some((only, self.pattern_type(&only.value, &only.key, path)?)),
            _ => None,
        });
        let (key, values) = match key {
            Some((only, key)) => {
                keywords.take("patternProperties");
                keywords.take("additionalProperties");
                (Some(Box::new(key.shape)), Some(&only.value))
            }
            None if keywords.has("patternProperties") => (None, None),
            None => (None, keywords.take("additionalProperties")),
        };
        let value = match values {
            Some(values) => self.on_heap(values, &one_of(path)),
            None => Some(Typed::any()),
        };
        Some(value.map(|value| {
            let shape = Shape::Map { key, value: Box::new(value.ty) };
            Typed { ty: Nullable { shape, null: false }, ..value }
        }))
    }

    /// Takes the keywords of an object with named members. The second of the pair says whether a check of the whole is due for
    /// something within.
    pub(super) fn members(
        &mut self,
        keywords: &mut Keywords<'_>,
        tag: Option<(String, String)>,
        notes: &Notes,
        path: &Path,
    ) -> Option<(Object, bool)> {
        let properties = keywords.take("properties").map(Node::members).unwrap_or_default();
        let closed = !keywords.has("patternProperties")
            && keywords.get("additionalProperties").is_some_and(|node| node.value == Value::Bool(false));
        let required = self.required(keywords, properties, closed)?;
        keywords.take_if("additionalProperties", |node| closed || node.value == Value::Bool(true));
        let mut fields: Vec<Field> = Vec::new();
        let mut taken = FreeNames::default();
        let (mut complete, mut whole) = (true, false);
        let is_tag = |property: &&Member| tag.as_ref().is_some_and(|(name, _)| *name == property.key);
        for property in properties.iter().filter(|property| !is_tag(property)) {
            match self.field(property, &required, &mut taken, path) {
                Some((field, due)) => {
                    fields.push(field);
                    whole |= due;
                }
                None => complete = false,
            }
        }
        let rest = (!closed).then(|| taken.take("rest".to_owned(), numbered));
        complete
            .then(|| (Object { docs: notes.docs.clone(), constants: tag.into_iter().collect(), rest, fields }, whole))
    }

    /// The names of `required`. It is taken where the struct's fields say all of it.
    fn required<'n>(
        &mut self,
        keywords: &mut Keywords<'n>,
        properties: &[Member],
        closed: bool,
    ) -> Option<BTreeSet<&'n str>> {
        let Some(node) = keywords.get("required") else { return Some(BTreeSet::new()) };
        let known: BTreeSet<&str> = properties.iter().map(|property| property.key.as_str()).collect();
        let is_named = |name: &str| known.contains(name);
        let entries = node.as_array().unwrap_or_default();
        let unnamed: Vec<&Node> = entries.iter().filter(|entry| !entry.as_str().is_some_and(is_named)).collect();
        for entry in unnamed.iter().filter(|_| closed) {
            let name = entry.as_str().unwrap_or_default();
            let near = did_you_mean(name, properties.iter().map(|property| property.key.as_str()));
            self.problems
                .error(
                    entry.span,
                    format!("nothing can satisfy this: `{name}` is required, and the object is closed to it"),
                )
                .help(near.unwrap_or_else(|| format!("describe `{name}` in `properties`")));
        }
        if unnamed.is_empty() {
            keywords.take("required");
        }
        (unnamed.is_empty() || !closed).then(|| entries.iter().filter_map(Node::as_str).collect())
    }

    fn field(
        &mut self,
        property: &Member,
        required: &BTreeSet<&str>,
        taken: &mut FreeNames,
        path: &Path,
    ) -> Option<(Field, bool)> {
        let mut path = path.clone();
        path.push(Step::new(&property.key));
        let Typed { ty, notes, whole } = self.schema(&property.value, &path)?;
        let is_required = required.contains(property.key.as_str());
        if is_required && ty.shape == Shape::Never && !ty.null {
            self.problems
                .error(
                    property.key_span,
                    format!("nothing can satisfy this: `{}` is required, and may have no value", property.key),
                )
                .help("remove it from `required`, or allow a value");
            return None;
        }
        let renamed = notes.rust_name.filter(|name| !names_a_type(name));
        let rust_name = taken.take(renamed.unwrap_or_else(|| field_name(&property.key)), numbered);
        let field = Field {
            json: property.key.clone(),
            rust_name,
            docs: notes.docs,
            required: is_required,
            sensitive: notes.sensitive,
            deprecated: notes.deprecated,
            ty,
        };
        Some((field, whole))
    }
}

fn numbered(name: &str, number: u32) -> String {
    format!("{name}_{number}")
}

/// Each field has a setter in the struct's builder, whose last step is `build`.
fn field_name(property: &str) -> String {
    let name = names::snake(property);
    if name == "build" { "build_".to_owned() } else { name }
}
