//! What operators' commands print: a table for people, or a JSON object on each line for programs.

use std::io::{self, Write};

use clap::Args;
use serde_json::Value;

#[derive(Args)]
pub(crate) struct Output {
    /// Print JSON, an object on each line
    #[arg(long, global = true)]
    json: bool,
}

impl Output {
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints these rows: each has a column for each name of the header, and an object that says all.
    pub(crate) fn print<const N: usize>(&self, header: [&str; N], rows: Vec<([String; N], Value)>) -> io::Result<()> {
        if self.json {
            return rows.into_iter().try_for_each(|(_, object)| line(&object.to_string()));
        }
        let cells: Vec<[String; N]> = rows.into_iter().map(|(cells, _)| cells).collect();
        if cells.is_empty() {
            return Ok(());
        }
        table(&header.map(str::to_owned), &cells).iter().try_for_each(|row| line(row))
    }
}

/// Columns as wide as what is widest in them, two spaces apart.
fn table<const N: usize>(header: &[String; N], rows: &[[String; N]]) -> Vec<String> {
    let all = || std::iter::once(header).chain(rows);
    let width = |column: usize| all().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let pad = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    all().map(pad).collect()
}

/// A text on one line, with nothing in it that would command a terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// As much of a text as a table has room for, also on one line.
pub(crate) fn short(text: &str, characters: usize) -> String {
    let mut short: String = plain(text).chars().take(characters).collect();
    if text.chars().nth(characters).is_some() {
        short.push('…');
    }
    short
}

/// Unlike `println!`, no panic where nobody reads any more (`eventwright … | head`).
pub(crate) fn line(text: &str) -> io::Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{short, table};

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let rows = [["größe".into(), "1".into()], ["a".into(), "22".into()]];
        let lines = table(&["NAME".into(), "N".into()], &rows);
        assert_eq!(lines, ["NAME   N", "größe  1", "a      22"]);
    }

    #[test]
    fn a_long_text_ends_and_a_control_character_does_nothing() {
        assert_eq!(short("a\nb\u{1b}[2Jc", 80), "a b [2Jc");
        assert_eq!(short("größe", 3), "grö…");
        assert_eq!(short("größe", 5), "größe");
    }
}
