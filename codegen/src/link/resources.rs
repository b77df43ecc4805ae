//! Schemas by their URIs (JSON Schema core, section 8.2): every file and every schema with an `$id` is a resource, and what stands
//! in it is named relative to it.

use std::collections::HashMap;

use crate::load::{Source, Sources};
use crate::node::{FileId, Member, Node, Span};
use crate::uri;
use crate::vocabulary::{Dialect, subschemas};

/// All schemas of a run and what names them.
#[derive(Default)]
pub(crate) struct Resources<'a> {
    /// Every schema, in the order of the files, a schema before those in it.
    pub(crate) schemas: Vec<Schema<'a>>,
    pub(super) refs: Vec<Reference<'a>>,
    pub(super) definitions: Vec<&'a Member>,
    by_uri: HashMap<String, &'a Node>,
    anchors: HashMap<(String, String), &'a Node>,
    /// `$dynamicRef`s, and the names of `$dynamicAnchor`s with where these stand.
    pub(super) dynamic_refs: Vec<&'a Member>,
    pub(super) dynamic_anchors: Vec<(&'a str, Span)>,
    /// Schemas with an `$id` inside a file where another dialect begins to hold.
    embedded: Vec<(Span, Dialect)>,
    files: HashMap<FileId, Dialect>,
    /// Keywords that are not read in a file.
    without: HashMap<FileId, String>,
}

/// A schema and what its keywords mean.
#[derive(Clone, Copy)]
pub(crate) struct Schema<'a> {
    pub(crate) node: &'a Node,
    pub(crate) dialect: Dialect,
}

/// A `$ref`.
pub(super) struct Reference<'a> {
    /// Its value.
    pub(super) node: &'a Node,
    pub(super) file: FileId,
    /// The URI that it is relative to.
    pub(super) base: String,
}

impl<'a> Resources<'a> {
    pub(super) fn of(sources: &'a Sources, dialect: Dialect) -> Resources<'a> {
        let mut resources = Resources::default();
        for (file, source) in sources.iter() {
            if let Some(root) = &source.root {
                let dialect = Dialect::of(root).unwrap_or(dialect);
                resources.files.insert(file, dialect);
                resources.by_uri.entry(source.uri.clone()).or_insert(root);
                match source.is_registry {
                    true => resources.registry(source, file, root),
                    false => resources.walk(root, Place { file, base: &source.uri, dialect }),
                }
            }
        }
        resources
    }

    pub(super) fn by_uri(&self, uri: &str) -> Option<&'a Node> {
        self.by_uri.get(uri).copied()
    }

    pub(super) fn anchor(&self, uri: &str, name: &str) -> Option<&'a Node> {
        self.anchors.get(&(uri.to_owned(), name.to_owned())).copied()
    }

    /// What the keywords of the schema at the place mean.
    pub(crate) fn dialect(&self, at: Span) -> Dialect {
        // they are in the order of files
        let end = self.embedded.partition_point(|(span, _)| span.file <= at.file);
        let of_file = self.embedded[..end].iter().rev().take_while(|(span, _)| span.file == at.file);
        let mut around = of_file.filter(|(span, _)| span.contains(at));
        around.next().map(|(_, dialect)| *dialect).or_else(|| self.files.get(&at.file).copied()).unwrap_or_default()
    }

    /// Has a keyword not read in a file.
    pub(crate) fn drop_keyword(&mut self, file: FileId, keyword: &str) {
        self.without.insert(file, keyword.to_owned());
    }

    /// The keyword that is not read in the file.
    pub(crate) fn without(&self, file: FileId) -> Option<&str> {
        self.without.get(&file).map(String::as_str)
    }

    /// The registry holds schemas too.
    fn registry(&mut self, source: &'a Source, file: FileId, root: &'a Node) {
        for shared in root.get("shared_types").map(Node::members).unwrap_or_default() {
            if let Some(schema) = shared.value.get("schema") {
                self.walk(schema, Place { file, base: &source.uri, dialect: Dialect::default() });
            }
        }
    }

    fn walk(&mut self, node: &'a Node, place: Place<'_>) {
        let mut place = place;
        let alone = place.dialect.ref_stands_alone() && node.get("$ref").is_some();
        let base;
        if let Some(id) = node.get(place.dialect.id()).and_then(Node::as_str).filter(|_| !alone) {
            let (absolute, fragment) = id.split_once('#').unwrap_or((id, ""));
            if !absolute.is_empty() {
                let around = place.dialect;
                place.dialect = Dialect::of(node).unwrap_or(around);
                base = uri::resolve(place.base, absolute).unwrap_or_else(|| absolute.to_owned());
                place.base = &base;
                self.by_uri.entry(base.clone()).or_insert(node);
                if place.dialect != around {
                    self.embedded.push((node.span, place.dialect));
                }
            }
            self.name(place.base, fragment, node);
        }
        for anchor in ["$anchor", "$dynamicAnchor"].iter().filter_map(|key| node.get(key)).filter_map(Node::as_str) {
            self.name(place.base, anchor, node);
        }
        for member in node.members().iter().filter(|member| matches!(member.key.as_str(), "$ref" | "$dynamicRef")) {
            self.refs.push(Reference { node: &member.value, file: place.file, base: place.base.to_owned() });
        }
        self.dynamic_refs.extend(node.members().iter().filter(|member| member.key == "$dynamicRef"));
        let dynamic = node.get("$dynamicAnchor");
        self.dynamic_anchors.extend(dynamic.and_then(|anchor| Some((anchor.as_str()?, anchor.span))));
        self.schemas.push(Schema { node, dialect: place.dialect });
        for member in node.members() {
            if matches!(member.key.as_str(), "$defs" | "definitions") {
                self.definitions.extend(member.value.members());
            }
            for schema in subschemas(member, place.dialect) {
                self.walk(schema, place);
            }
        }
    }

    fn name(&mut self, base: &str, anchor: &str, node: &'a Node) {
        if !anchor.is_empty() {
            self.anchors.entry((base.to_owned(), anchor.to_owned())).or_insert(node);
        }
    }
}

/// Where the walk is.
#[derive(Clone, Copy)]
struct Place<'u> {
    file: FileId,
    base: &'u str,
    dialect: Dialect,
}
