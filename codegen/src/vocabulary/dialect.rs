//! The drafts of JSON Schema.

use crate::node::Node;

/// A draft of JSON Schema: what its keywords mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum Dialect {
    /// Draft-04, `http://json-schema.org/draft-04/schema#`.
    Draft4,
    /// Draft-07, `http://json-schema.org/draft-07/schema#`.
    Draft7,
    /// Draft 2020-12, `https://json-schema.org/draft/2020-12/schema`.
    #[default]
    Draft202012,
}

impl Dialect {
    const ALL: [Dialect; 3] = [Dialect::Draft4, Dialect::Draft7, Dialect::Draft202012];

    /// The dialect's metaschema, which is what `$schema` names.
    #[must_use]
    pub fn uri(self) -> &'static str {
        match self {
            Dialect::Draft4 => "http://json-schema.org/draft-04/schema#",
            Dialect::Draft7 => "http://json-schema.org/draft-07/schema#",
            Dialect::Draft202012 => "https://json-schema.org/draft/2020-12/schema",
        }
    }

    /// The dialect that a schema says it is written in; none where it says nothing, or one that is not known here.
    pub(crate) fn of(schema: &Node) -> Option<Dialect> {
        Dialect::named(schema.get("$schema")?.as_str()?)
    }

    /// The dialect with this metaschema.
    pub(crate) fn named(uri: &str) -> Option<Dialect> {
        Dialect::ALL.into_iter().find(|dialect| bare(dialect.uri()) == bare(uri))
    }

    /// Whether `$ref` makes everything beside it mean nothing (draft-07, core section 8.3).
    pub(crate) fn ref_stands_alone(self) -> bool {
        self < Dialect::Draft202012
    }

    /// The keyword that gives a schema its URI.
    pub(crate) fn id(self) -> &'static str {
        if self == Dialect::Draft4 { "id" } else { "$id" }
    }
}

/// Without the empty fragment that some write and some do not.
fn bare(uri: &str) -> &str {
    uri.strip_suffix('#').unwrap_or(uri)
}

/// Whether the URI, without fragment, is that of a draft's metaschema or a part of one: known to every validator, and no file here.
pub(crate) fn is_metaschema(uri: &str) -> bool {
    uri.starts_with("https://json-schema.org/draft/2020-12/")
        || Dialect::ALL.iter().any(|dialect| bare(dialect.uri()) == uri)
}
