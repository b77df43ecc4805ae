//! The server's log, as auto_explain writes it.

use std::cell::Cell;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::Result;

/// A statement that was run, and what its plan read.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) text: String,
    pub(crate) scans: Vec<Scan>,
    /// How many rows came out.
    pub(crate) rows: f64,
    /// Whether it was compiled first.
    pub(crate) is_compiled: bool,
}

#[derive(Debug)]
pub(crate) struct Scan {
    /// `Seq Scan`, `Index Scan` and so on.
    pub(crate) kind: String,
    pub(crate) relation: String,
    /// Its index, and the condition that was looked for there.
    pub(crate) found_by: String,
    /// The part of the statement (`WITH …`) in which it is, if it is in one.
    pub(crate) part: Option<String>,
    /// Rows that were looked at, in all loops, whether they fitted or not.
    pub(crate) examined: f64,
}

pub(crate) struct Explained {
    log: PathBuf,
    read: Cell<u64>,
}

impl Explained {
    pub(crate) fn at(log: &Path) -> Self {
        Self { log: log.to_owned(), read: Cell::new(0) }
    }

    /// Passes over what was explained so far.
    pub(crate) fn forget(&self) -> Result {
        self.read.set(std::fs::metadata(&self.log)?.len());
        Ok(())
    }

    /// What was explained since.
    pub(crate) fn take(&self) -> Result<Vec<Plan>> {
        let mut log = File::open(&self.log)?;
        log.seek(SeekFrom::Start(self.read.get()))?;
        let mut text = Vec::new();
        self.read.set(self.read.get() + log.read_to_end(&mut text)? as u64);
        let text = String::from_utf8_lossy(&text);
        let mut plans = Vec::new();
        // an entry's further lines begin with a tab
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            if !line.trim_end().ends_with("plan:") {
                continue;
            }
            let mut json = String::new();
            while let Some(line) = lines.next_if(|line| line.starts_with('\t')) {
                json.push_str(line);
                json.push('\n');
            }
            plans.push(plan(&serde_json::from_str(&json)?)?);
        }
        Ok(plans)
    }
}

fn plan(explained: &Value) -> Result<Plan> {
    let text = explained["Query Text"].as_str().ok_or("a plan of no statement")?;
    let mut scans = Vec::new();
    walk(&explained["Plan"], None, &mut scans);
    let rows = explained["Plan"]["Actual Rows"].as_f64().unwrap_or(0.0);
    Ok(Plan { text: text.to_owned(), scans, rows, is_compiled: explained["JIT"].is_object() })
}

/// Those that a scan uses, and what it finds by them: a bitmap scan has them in nodes of their own.
fn indexes(node: &Value) -> Vec<&str> {
    let below = node["Plans"].as_array().into_iter().flatten().flat_map(indexes);
    let own = ["Index Name", "Index Cond"].into_iter().filter_map(|key| node[key].as_str());
    own.chain(below).collect()
}

fn walk(node: &Value, part: Option<&str>, scans: &mut Vec<Scan>) {
    let part = node["Subplan Name"].as_str().and_then(|name| name.strip_prefix("CTE ")).or(part);
    if let Some(relation) = node["Relation Name"].as_str() {
        let number = |key: &str| node[key].as_f64().unwrap_or(0.0);
        let dropped = number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
        scans.push(Scan {
            kind: node["Node Type"].as_str().unwrap_or_default().to_owned(),
            relation: relation.to_owned(),
            found_by: indexes(node).join(", "),
            part: part.map(str::to_owned),
            examined: (number("Actual Rows") + dropped) * number("Actual Loops"),
        });
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        walk(child, part, scans);
    }
}
