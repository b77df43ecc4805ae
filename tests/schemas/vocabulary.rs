//! The words that JSON Schema has for rules, in any of the drafts.

/// Keywords of drafts 4, 7 and 2020-12.
const KEYWORDS: [&str; 61] = [
    "$anchor",
    "$comment",
    "$defs",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$ref",
    "$schema",
    "$vocabulary",
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "contains",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "default",
    "definitions",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "id",
    "if",
    "items",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "pattern",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "readOnly",
    "required",
    "then",
    "title",
    "type",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
    "writeOnly",
    "description",
    "deprecated",
];

/// The keyword that a complaint is about: one that its message puts in backticks, or else the last of its JSON pointer.
pub(crate) fn keyword_of(message: &str, pointer: &str) -> Option<&'static str> {
    let quoted = message.split('`').skip(1).step_by(2);
    quoted.chain(pointer.rsplit('/')).find_map(known)
}

fn known(word: &str) -> Option<&'static str> {
    KEYWORDS.iter().copied().find(|keyword| *keyword == word)
}
