//! Rules from types, held against those of the `jsonschema` crate.

use proptest::prelude::{Just, Strategy, prop_oneof, proptest};

use super::*;

checked! {
    AnyValue(Json): [values(&["0", "[]", "{\"a\":1}", "\"ab\""])];
    AnyNumber(Json): [minimum("-1.5"), maximum("3"), multiple_of("0.5")];
    AnyOpenNumber(Json): [exclusive_minimum("-1.5"), exclusive_maximum("3")];
    AnyString(Json): [min_length(1), max_length(2)];
    AnyArray(Json): [min_items(1), max_items(3), unique(), contains(is::<Int<0, 9>>(), 1, 2), prefix_items([is::<i64>()], Some(is::<Other<{ NUMBER | STRING }>>()))];
    AnyObject(Json): [min_properties(1), max_properties(3), required(&["a"]), dependent_required(&[("b", &["c"])]), property_names(is::<Text<1, 1>>())];
    AnyMember(Json): [members(&["a"], [keyed::<Extension>(is::<Null>())], Some(is::<i64>()))];
}

type Accepts = fn(&str) -> bool;

fn schemas() -> Vec<(Accepts, jsonschema::Validator)> {
    let judges: [(Accepts, &str); 7] = [
        (accepts::<AnyValue>, r#"{"enum": [0, [], {"a": 1}, "ab"]}"#),
        (accepts::<AnyNumber>, r#"{"minimum": -1.5, "maximum": 3, "multipleOf": 0.5}"#),
        (accepts::<AnyOpenNumber>, r#"{"exclusiveMinimum": -1.5, "exclusiveMaximum": 3}"#),
        (accepts::<AnyString>, r#"{"minLength": 1, "maxLength": 2}"#),
        (
            accepts::<AnyArray>,
            r#"{"minItems": 1, "maxItems": 3, "uniqueItems": true, "contains": {"type": "integer", "minimum": 0, "maximum": 9},
                "maxContains": 2, "prefixItems": [{"type": "integer"}], "items": {"type": ["number", "string"]}}"#,
        ),
        (
            accepts::<AnyObject>,
            r#"{"minProperties": 1, "maxProperties": 3, "required": ["a"], "dependentRequired": {"b": ["c"]},
                "propertyNames": {"minLength": 1, "maxLength": 1}}"#,
        ),
        (
            accepts::<AnyMember>,
            r#"{"properties": {"a": true}, "patternProperties": {"^x-[a-z]*$": {"type": "null"}}, "additionalProperties": {"type": "integer"}}"#,
        ),
    ];
    let compiled = |(accepts, schema): (Accepts, &str)| {
        (accepts, jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap())
    };
    judges.into_iter().map(compiled).collect()
}

fn any_json() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        (-3_i64..12).prop_map(|number| number.to_string()),
        (-4_i64..8).prop_map(|half| format!("{half}.5"))
    ];
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        number,
        "[aëb]{0,3}".prop_map(|text| format!("\"{text}\"")),
    ];
    scalar.prop_recursive(2, 12, 4, |inner| {
        let name = prop_oneof!["[abc]{0,2}", "x-[ab]{0,1}"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::btree_map(name, inner, 0..4).prop_map(|members| {
                let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn verdicts_are_those_of_jsonschema(json in any_json()) {
        let value = serde_json::from_str(&json).unwrap();
        for (index, (accepts, validator)) in schemas().iter().enumerate() {
            assert_eq!(accepts(&json), validator.is_valid(&value), "{json} by schema {index}");
        }
    }
}
