//! `$ref`s (JSON Schema core, section 8.2.3.1) of all schemas, resolved at once: one that nothing uses must lead somewhere too.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::resources::{Reference, Resources};
use crate::diagnostics::{Problems, did_you_mean};
use crate::load::{Sources, file_of_ref};
use crate::node::{FileId, Node, Span, unescape};
use crate::uri;
use crate::vocabulary::is_metaschema;

/// What `$ref`s lead to.
#[derive(Default)]
pub(super) struct Refs<'a> {
    /// By where the `$ref`'s value stands.
    pub(super) targets: BTreeMap<Span, Target<'a>>,
    /// URIs that are not where a file says it is, and the file that they mean all the same.
    pub(super) aliases: BTreeMap<String, FileId>,
}

/// What a `$ref` leads to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    Schema(&'a Node),
    /// A draft's metaschema, or something in it.
    Metaschema,
}

impl<'a> Target<'a> {
    /// The schema, where it is one of ours.
    pub(crate) fn schema(self) -> Option<&'a Node> {
        match self {
            Target::Schema(node) => Some(node),
            Target::Metaschema => None,
        }
    }
}

pub(super) fn link<'a>(sources: &'a Sources, resources: &Resources<'a>, problems: &mut Problems) -> Refs<'a> {
    let mut resolver = Resolver { sources, resources, problems, refs: Refs::default(), members: HashMap::new() };
    for reference in &resources.refs {
        if let Some(target) = resolver.target(reference) {
            resolver.refs.targets.insert(reference.node.span, target);
        }
    }
    resolver.refs
}

/// For each file, the files that its `$ref`s lead to, and on from there; itself among them.
pub(super) fn reached(refs: &Refs<'_>, from: FileId) -> BTreeSet<FileId> {
    let mut reached = BTreeSet::from([from]);
    let mut next = vec![from];
    while let Some(file) = next.pop() {
        let first = Span { file, start: 0, end: 0 };
        let after = Span { file: FileId(file.0 + 1), start: 0, end: 0 };
        for target in refs.targets.range(first..after).map(|(_, target)| target) {
            if let Target::Schema(node) = target
                && reached.insert(node.span.file)
            {
                next.push(node.span.file);
            }
        }
    }
    reached
}

struct Resolver<'a, 'r, 'p> {
    sources: &'a Sources,
    resources: &'r Resources<'a>,
    problems: &'p mut Problems,
    refs: Refs<'a>,
    /// The members of objects that references lead through.
    members: HashMap<Span, HashMap<&'a str, &'a Node>>,
}

impl<'a> Resolver<'a, '_, '_> {
    fn target(&mut self, reference: &Reference<'a>) -> Option<Target<'a>> {
        let node = reference.node;
        let Some(text) = node.as_str() else {
            // the vocabulary says what a `$ref` is
            return None;
        };
        let (base, fragment) = text.split_once('#').unwrap_or((text, ""));
        let uri = if base.is_empty() { Some(reference.base.clone()) } else { uri::resolve(&reference.base, base) };
        if uri.as_deref().is_some_and(is_metaschema) {
            return Some(Target::Metaschema);
        }
        let document = uri.as_deref().and_then(|uri| self.resources.by_uri(uri));
        let document = document.or_else(|| self.by_path(reference, text, uri.as_deref()))?;
        let fragment = uri::decoded(fragment).unwrap_or_default();
        if fragment.is_empty() {
            return Some(Target::Schema(document));
        }
        let found = match fragment.starts_with('/') {
            true => self.at(document, &fragment),
            false => uri.as_deref().and_then(|uri| self.resources.anchor(uri, &fragment)),
        };
        if found.is_none() {
            self.nothing_there(node, document, text, &fragment);
        }
        found.map(Target::Schema)
    }

    /// The value that a JSON pointer leads to. Many may lead through one object.
    fn at(&mut self, document: &'a Node, pointer: &str) -> Option<&'a Node> {
        pointer.strip_prefix('/')?.split('/').try_fold(document, |node, token| match node.members() {
            [] => node.at(&format!("/{token}")),
            members => {
                let by_name = || members.iter().map(|member| (member.key.as_str(), &member.value)).collect();
                self.members.entry(node.span).or_insert_with(by_name).get(&*unescape(token)).copied()
            }
        })
    }

    /// The file that a reference means as a path beside its own file, whatever `$id`s say.
    fn by_path(&mut self, reference: &Reference<'a>, text: &str, uri: Option<&str>) -> Option<&'a Node> {
        let own = self.sources.get(reference.file);
        let Some(name) = file_of_ref(&own.name, text) else {
            let shown = uri.unwrap_or(text);
            self.problems
                .error(reference.node.span, format!("no file here has the `$id` `{shown}`"))
                .help("schemas are never fetched: refer to a local file by its path, or by the `$id` in it");
            return None;
        };
        let Some(found) = self.sources.find(&name) else {
            let help = did_you_mean(&name, self.sources.iter().map(|(_, other)| other.name.as_str()));
            self.problems
                .error(reference.node.span, format!("`$ref` leads to `{name}`, and there is no such file"))
                .help(help.unwrap_or_else(|| "the path is relative to the file that the `$ref` is in".to_owned()));
            return None;
        };
        if let Some(uri) = uri {
            self.refs.aliases.insert(uri.to_owned(), found);
        }
        // a file that is not JSON is a problem on record already
        self.sources.get(found).root.as_ref()
    }

    fn nothing_there(&mut self, node: &Node, document: &Node, reference: &str, fragment: &str) {
        let problem =
            self.problems.error(node.span, format!("`$ref` leads nowhere: there is nothing at `{reference}`"));
        let (parent, last) = fragment.rsplit_once('/').unwrap_or_default();
        let siblings = document.at(parent).map(Node::members).unwrap_or_default();
        let help = did_you_mean(last, siblings.iter().map(|member| member.key.as_str()));
        problem
            .help(help.unwrap_or_else(|| "definitions live in `$defs` of a schema, or have an `$anchor`".to_owned()));
    }
}
