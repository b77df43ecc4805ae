//! What the compiler says of code that the contracts don't allow.

use std::process::Command;

/// The compiler whose words the `.stderr` files hold; each release words some differently.
const RUSTC: &str = "rustc 1.95.";

#[test]
fn messages_say_what_is_wrong_and_where_to_look() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().expect("rustc says its version").stdout;
    let version = String::from_utf8_lossy(&version);
    if version.starts_with(RUSTC) {
        trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
    } else {
        eprintln!("skipped the messages: they are those of {RUSTC}x, and this is {version}");
    }
}
