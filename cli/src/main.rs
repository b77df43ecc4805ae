//! The eventwright program.
fn main() {}
