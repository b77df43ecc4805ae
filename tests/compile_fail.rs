//! What the compiler says of code that the contracts don't allow.

#[test]
fn messages_say_what_is_wrong_and_where_to_look() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/*.rs");
    cases.pass("tests/compile_fail/pass/*.rs");
}
