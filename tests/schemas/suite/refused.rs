//! The checked-in list of groups that the generator refuses.

use std::error::Error;
use std::fs;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemas/suite/refused.txt");

const HEADER: &str = "\
# Groups of the official JSON Schema test suite for which no code is generated, and why.
# Written by the test `the_official_suite` with EVENTWRIGHT_UPDATE=1.
";

/// Compares the list with what was refused now, or makes it that.
pub(crate) fn compare(mut refused: Vec<String>) -> Result<()> {
    refused.sort_unstable();
    let now = refused.iter().fold(HEADER.to_owned(), |list, line| list + line + "\n");
    if std::env::var_os("EVENTWRIGHT_UPDATE").is_some() {
        return Ok(fs::write(LIST, now)?);
    }
    let known = fs::read_to_string(LIST)?;
    let is_in = |list: &str, line: &str| list.lines().any(|other| other == line);
    let new = now.lines().filter(|line| !is_in(&known, line)).map(|line| format!("+ {line}\n"));
    let gone = known.lines().filter(|line| !is_in(&now, line)).map(|line| format!("- {line}\n"));
    let difference: String = new.chain(gone).collect();
    if difference.is_empty() && known == now {
        return Ok(());
    }
    Err(format!(
        "tests/schemas/suite/refused.txt is not what is refused; EVENTWRIGHT_UPDATE=1 makes it so\n{difference}"
    )
    .into())
}
