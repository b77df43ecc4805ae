//! A schema and the Rust that it becomes, one idea each: `shapes/<idea>.json` and `snapshots/generating__shapes__<idea>.snap`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::contracts::Contracts;

fn rust_of(idea: &str) -> String {
    let schema = fs::read_to_string(folder().join(format!("{idea}.json"))).unwrap();
    let files = Contracts::with_payload(&schema).generate();
    // from the imports on: header and docs are the same for all
    let text = &files["thing_happened_v1.rs"];
    text.lines().skip(3).map(|line| format!("{line}\n")).collect()
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generating/shapes")
}

macro_rules! shapes {
    ($($idea:ident)*) => {
        $(
            #[test]
            fn $idea() {
                insta::assert_snapshot!(stringify!($idea), rust_of(stringify!($idea)));
            }
        )*

        #[test]
        fn no_shape_is_left_out() {
            let listed: BTreeSet<String> = [$(stringify!($idea)),*].map(|idea| format!("{idea}.json")).into();
            let there = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            assert_eq!(there.collect::<BTreeSet<_>>(), listed);
        }
    };
}

shapes! {
    absent_and_null
    all_of
    any_of_objects
    any_of_with_null
    closed_object
    collisions
    conditions
    const_string
    docs_are_escaped
    draft_4
    embedded_id_and_anchor
    enum_of_any_values
    enum_with_null
    equal_enums_are_one_type
    formats
    id_and_shared_types
    integers_with_bounds
    keyed_maps
    lists
    maps
    names_that_clash
    names_that_rust_does_not_take
    nested_objects
    not_null
    numbers
    object_in_itself
    one_of_with_a_tag
    one_of_with_a_tag_and_a_base
    open_object
    parts_that_do_not_merge
    patterns
    recursive_payload
    recursive_through_list
    ref_to_definition
    regular_expressions
    required_beyond_properties
    rust_names
    sensitive
    several_types
    text_with_bounds
    tuples
    unevaluated_properties
    unique_items
    unknown_formats
    without_a_type
}
