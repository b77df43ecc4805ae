//! The schemas within a schema.

use serde_json::{Map, Value};

/// Where schemas stand in a keyword's value.
enum Place {
    There,
    Items,
    Members,
}

fn place(keyword: &str) -> Option<Place> {
    match keyword {
        "properties" | "patternProperties" | "dependentSchemas" | "$defs" => Some(Place::Members),
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => Some(Place::Items),
        "items"
        | "contains"
        | "not"
        | "if"
        | "then"
        | "else"
        | "propertyNames"
        | "additionalProperties"
        | "unevaluatedProperties"
        | "unevaluatedItems" => Some(Place::There),
        _ => None,
    }
}

/// Shows each schema of a document.
pub(crate) fn visit(schema: &Value, show: &mut impl FnMut(&Value)) {
    show(schema);
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        match (place(keyword), value) {
            (Some(Place::Members), Value::Object(members)) => members.values().for_each(|schema| visit(schema, show)),
            (Some(Place::Items), Value::Array(schemas)) => schemas.iter().for_each(|schema| visit(schema, show)),
            (Some(Place::There), schema) => visit(schema, show),
            _ => {}
        }
    }
}

/// Changes the keywords of each schema of a document.
pub(crate) fn visit_mut(schema: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    let Value::Object(keywords) = schema else { return };
    change(keywords);
    for (keyword, value) in keywords {
        match (place(keyword), value) {
            (Some(Place::Members), Value::Object(members)) => {
                members.values_mut().for_each(|schema| visit_mut(schema, change));
            }
            (Some(Place::Items), Value::Array(schemas)) => {
                schemas.iter_mut().for_each(|schema| visit_mut(schema, change));
            }
            (Some(Place::There), schema) => visit_mut(schema, change),
            _ => {}
        }
    }
}
