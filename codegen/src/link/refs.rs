//! `$ref`s (JSON Schema core, section 8.2.3.1) of all schemas, resolved at once: one that nothing uses must lead somewhere too.

use std::collections::BTreeMap;

use crate::diagnostics::{Problems, did_you_mean};
use crate::load::{Source, Sources, file_of_ref};
use crate::node::{Member, Node, Span, Value};

/// What `$ref`s lead to, by where their values stand, and all definitions.
pub(super) struct Refs<'a> {
    pub(super) targets: BTreeMap<Span, &'a Node>,
    pub(super) definitions: Vec<&'a Member>,
}

pub(super) fn resolve<'a>(sources: &'a Sources, problems: &mut Problems) -> Refs<'a> {
    let refs = Refs { targets: BTreeMap::new(), definitions: Vec::new() };
    let mut resolver = Resolver { sources, problems, refs };
    // the registry holds schemas too, in `shared_types`; nothing else in it has a key `$ref`
    for (_, source) in sources.iter() {
        if let Some(root) = &source.root {
            resolver.schema(source, root);
        }
    }
    resolver.refs
}

struct Resolver<'a, 'p> {
    sources: &'a Sources,
    problems: &'p mut Problems,
    refs: Refs<'a>,
}

impl<'a> Resolver<'a, '_> {
    /// Keywords whose value is data, not a schema, are passed over; in `properties` and `$defs` every key is a name.
    fn schema(&mut self, source: &'a Source, node: &'a Node) {
        match &node.value {
            Value::Array(items) => items.iter().for_each(|item| self.schema(source, item)),
            Value::Object(members) => {
                for member in members {
                    match member.key.as_str() {
                        "enum" | "const" | "default" | "examples" => {}
                        "properties" | "patternProperties" | "$defs" | "dependentSchemas" => {
                            let named = member.value.members();
                            if member.key == "$defs" {
                                self.refs.definitions.extend(named);
                            }
                            named.iter().for_each(|named| self.schema(source, &named.value));
                        }
                        "$ref" => self.reference(source, &member.value),
                        "$id" if !is_document(source, node) => self.embedded_id(member),
                        _ => self.schema(source, &member.value),
                    }
                }
            }
            _ => {}
        }
    }

    /// It would change what the `$ref`s under it are relative to (JSON Schema core, section 9.3.2).
    fn embedded_id(&mut self, member: &Member) {
        self.problems
            .error(member.key_span, "an `$id` inside a schema is not supported yet")
            .help("give the schema a file of its own, or refer to it as `#/$defs/name`");
    }

    fn reference(&mut self, source: &'a Source, node: &'a Node) {
        let Some(reference) = node.as_str() else {
            self.problems.error(node.span, format!("`$ref` must be a string, not {}", node.kind()));
            return;
        };
        let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let Some(document) = self.document(source, node, file) else { return };
        let Some(pointer) = percent_decoded(fragment).filter(|text| text.is_empty() || text.starts_with('/')) else {
            self.problems
                .error(node.span, format!("`{reference}` is not a JSON pointer"))
                .help("refer to a definition as `#/$defs/name`; `$anchor` is not supported yet");
            return;
        };
        match document.at(&pointer) {
            Some(target) => {
                self.refs.targets.insert(node.span, target);
            }
            None => self.nothing_there(node, document, reference, &pointer),
        }
    }

    fn document(&mut self, source: &'a Source, node: &Node, file: &str) -> Option<&'a Node> {
        if file.is_empty() {
            return source.root.as_ref();
        }
        if file.contains("://") {
            let by_id = self.sources.iter().find(|(_, other)| id_of(other) == Some(file));
            if by_id.is_none() {
                self.problems
                    .error(node.span, format!("no file here has the `$id` `{file}`"))
                    .help("schemas are never fetched: refer to a local file by its path, or by the `$id` in it");
            }
            return by_id.and_then(|(_, other)| other.root.as_ref());
        }
        let name = file_of_ref(&source.name, file).unwrap_or_default();
        let Some(found) = self.sources.find(&name) else {
            let names = self.sources.iter().map(|(_, other)| other.name.as_str());
            let help = did_you_mean(&name, names);
            self.problems
                .error(node.span, format!("`$ref` leads to `{name}`, and there is no such file"))
                .help(help.unwrap_or_else(|| "the path is relative to the file that the `$ref` is in".to_owned()));
            return None;
        };
        // a file that is not JSON is a problem on record already
        self.sources.get(found).root.as_ref()
    }

    fn nothing_there(&mut self, node: &Node, document: &Node, reference: &str, pointer: &str) {
        let problem =
            self.problems.error(node.span, format!("`$ref` leads nowhere: there is nothing at `{reference}`"));
        let (parent, last) = pointer.rsplit_once('/').unwrap_or_default();
        let siblings = document.at(parent).map(Node::members).unwrap_or_default();
        let help = did_you_mean(last, siblings.iter().map(|member| member.key.as_str()));
        problem.help(help.unwrap_or_else(|| "definitions live in `$defs` of a schema".to_owned()));
    }
}

fn is_document(source: &Source, node: &Node) -> bool {
    source.root.as_ref().is_some_and(|root| std::ptr::eq(root, node))
}

fn id_of(source: &Source) -> Option<&str> {
    source.root.as_ref()?.get("$id")?.as_str()
}

/// A fragment is percent-encoded (RFC 6901, section 6).
fn percent_decoded(fragment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}
