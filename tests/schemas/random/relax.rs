//! A schema as tolerant reading takes it: closed objects are open, and lists of words are of any strings.
//!
//! Some leniency is allowed and not asked for, so there are two of them for each schema.
//!
//! What is beneath `oneOf`, `not` and `if` stays as it is, and so does `contains`, whose upper bound counts: there, a schema that allows
//! more would make the whole allow less.

use serde_json::{Map, Value, json};

use super::references::file_and_fragment;

/// Where the documents are.
const BASE: &str = "https://schemas.test/";

/// Before the file name of a relaxed copy.
const RELAXED: &str = "relaxed-";

/// How far a schema is relaxed.
#[derive(Clone, Copy)]
pub(crate) enum Extent {
    /// As far as reading has to go: words are what lists nothing else but null, what others have not looked at is what it was, and a member
    /// tells branches apart only if each says itself all that it says, and that it is of objects.
    Must,
    /// As far as it may go: in a `oneOf` by types, too.
    May,
}

/// The document with its schemas relaxed. In its definitions is the document as it was, for what refers to that.
pub(crate) fn relaxed(document: &Value, event: &str, extent: Extent) -> Value {
    let Value::Object(keywords) = document else { return document.clone() };
    let file = match keywords.get("$id").and_then(Value::as_str) {
        Some(id) => id.rsplit('/').next().unwrap_or(id).to_owned(),
        None => format!("{event}-v1.json"),
    };
    let mut strict = keywords.clone();
    strict.insert("$id".to_owned(), format!("{BASE}{file}").into());
    let mut relaxed = object(keywords, &file, Some(extent));
    relaxed.insert("$id".to_owned(), format!("{BASE}{RELAXED}{file}").into());
    relaxed.entry("$defs").or_insert_with(|| json!({}))["as it was"] = strict.into();
    relaxed.into()
}

fn schema(schema: &Value, file: &str, lenient: Option<Extent>) -> Value {
    let Value::Object(keywords) = schema else { return schema.clone() };
    let id = keywords.get("$id").and_then(Value::as_str);
    object(keywords, id.unwrap_or(file), lenient).into()
}

fn object(keywords: &Map<String, Value>, file: &str, lenient: Option<Extent>) -> Map<String, Value> {
    let is_left = |keyword| keywords.get(keyword).is_some_and(|left| *left != json!(false));
    let lenient = match lenient {
        Some(Extent::Must) if is_left("unevaluatedProperties") || keywords.contains_key("unevaluatedItems") => None,
        lenient => lenient,
    };
    let tag = lenient.and_then(|extent| tag(keywords, extent));
    let mut words = Vec::new();
    let mut relaxed = Map::new();
    for (keyword, value) in keywords {
        let one = |lenient: Option<Extent>| schema(value, file, lenient);
        let list = |lenient: Option<Extent>| -> Value {
            value.as_array().into_iter().flatten().map(|one| schema(one, file, lenient)).collect()
        };
        let value = match keyword.as_str() {
            "$id" => json!(format!("{RELAXED}{file}")),
            "$ref" => {
                let (other, fragment) = file_and_fragment(value.as_str().unwrap_or_default());
                let other = if other.is_empty() { file } else { other };
                let before = if lenient.is_some() { RELAXED } else { BASE };
                json!(format!("{before}{other}#{fragment}"))
            }
            "additionalProperties" | "unevaluatedProperties" if lenient.is_some() && *value == json!(false) => {
                json!(true)
            }
            "additionalProperties"
            | "unevaluatedProperties"
            | "unevaluatedItems"
            | "items"
            | "then"
            | "else"
            | "propertyNames" => one(lenient),
            "not" | "if" | "contains" => one(None),
            "properties" | "patternProperties" | "dependentSchemas" | "$defs" => {
                let members = value.as_object().into_iter().flatten();
                members.map(|(name, one)| (name.clone(), schema(one, file, lenient))).collect()
            }
            "allOf" | "anyOf" | "prefixItems" => list(lenient),
            "oneOf" => match &tag {
                Some(tag) => {
                    let mut branches = list(lenient);
                    for (branch, before) in
                        branches.as_array_mut().into_iter().flatten().zip(value.as_array().into_iter().flatten())
                    {
                        branch["properties"][tag] = before["properties"][tag].clone();
                    }
                    branches
                }
                // no value is of two of them, however lenient each is
                None if matches!(lenient, Some(Extent::May)) && may_be_disjoint(value) => list(lenient),
                None => list(None),
            },
            "const" | "enum" if lenient.is_some() => {
                let values = if keyword == "const" {
                    std::slice::from_ref(value)
                } else {
                    value.as_array().map_or(&[][..], Vec::as_slice)
                };
                let are_words = match lenient {
                    Some(Extent::Must) => values.iter().all(|value| value.is_string() || value.is_null()),
                    _ => true,
                };
                if are_words && values.iter().any(Value::is_string) {
                    words.push(json!({ "anyOf": [{ keyword: value }, { "type": "string" }] }));
                    continue;
                }
                value.clone()
            }
            _ => value.clone(),
        };
        relaxed.insert(keyword.clone(), value);
    }
    if !words.is_empty() {
        let all = relaxed.entry("allOf").or_insert_with(|| json!([]));
        all.as_array_mut().expect("a list of schemas").extend(words);
    }
    relaxed
}

/// Whether no two of the schemas are known to allow values of one type.
fn may_be_disjoint(schemas: &Value) -> bool {
    let known: Vec<Vec<&str>> = schemas.as_array().into_iter().flatten().filter_map(types).collect();
    known.iter().enumerate().all(|(index, types)| !known[..index].iter().flatten().any(|other| types.contains(other)))
}

/// The types that a schema says its values are of; none where it leaves that to another.
fn types(schema: &Value) -> Option<Vec<&str>> {
    if schema.get("$ref").is_some() || schema.get("allOf").is_some() {
        return None;
    }
    let listed = match (schema.get("type"), schema.get("const"), schema.get("enum")) {
        (Some(Value::Array(types)), ..) => types.iter().filter_map(Value::as_str).collect(),
        (Some(one), ..) => one.as_str().into_iter().collect(),
        (None, Some(value), _) => vec![type_of(value)],
        (None, None, Some(Value::Array(values))) => values.iter().map(type_of).collect(),
        _ => vec!["null", "boolean", "number", "string", "array", "object"],
    };
    Some(listed.into_iter().map(|name| if name == "integer" { "number" } else { name }).collect())
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The member that tells the branches of `oneOf` apart.
fn tag(keywords: &Map<String, Value>, extent: Extent) -> Option<&String> {
    let branches = keywords.get("oneOf")?.as_array()?;
    let constant = |branch: &Value, name: &str| -> Option<Value> {
        let required = branch.get("required")?.as_array()?.iter().any(|other| other == name);
        let property = branch.get("properties")?.get(name)?;
        let value = property.get("const").or_else(|| match &property.get("enum")?.as_array()?[..] {
            [only] => Some(only),
            _ => None,
        });
        value.filter(|value| required && value.is_string()).cloned()
    };
    let says_all = |branch: &Value| branch.get("$ref").is_none() && branch.get("allOf").is_none();
    let is_object = |branch: &Value| branch["type"] == "object" && says_all(branch);
    if matches!(extent, Extent::Must) && !branches.iter().all(is_object) {
        return None;
    }
    let first = branches.first()?.get("properties")?.as_object()?;
    first.keys().find(|name| {
        let values: Option<Vec<Value>> = branches.iter().map(|branch| constant(branch, name)).collect();
        values.is_some_and(|values| values.iter().enumerate().all(|(index, value)| !values[..index].contains(value)))
    })
}
