//! `eventwright doctor`: what is wrong, and what to do.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use eventwright::{Doctor as Examination, Finding, Severity};
use serde_json::json;

use crate::output::{Output, line, plain};
use crate::times;
use crate::{Outcome, database::Database};

/// Look for what is wrong with the log and its groups, and say what to do about it
///
/// Exit code 1 where something is wrong. Changes nothing.
#[derive(Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    database: Database,
    /// Name transactions that are open for longer than this: 90s, 15m, 24h
    #[arg(long, default_value = "15m", value_parser = times::age)]
    open_for: Duration,
    #[command(flatten)]
    output: Output,
}

impl Doctor {
    pub(crate) fn run(self) -> Outcome {
        crate::block_on(async {
            let pool = self.database.connect().await?;
            let doctor =
                Examination::new(pool.clone()).schema(self.database.schema).transactions_open_for(self.open_for);
            let mut findings = doctor.examine().await?;
            pool.close().await;
            findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
            for finding in &findings {
                line(&if self.output.is_json() { object(finding) } else { text(finding) })?;
            }
            if findings.is_empty() && !self.output.is_json() {
                line("nothing is wrong")?;
            }
            let wrong = findings.iter().any(|finding| finding.severity == Severity::Wrong);
            Ok(if wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        })
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Wrong => "wrong",
        Severity::Note => "note",
    }
}

fn text(finding: &Finding) -> String {
    format!("{:5}  {}\n       {}", word(finding.severity), plain(&finding.what), plain(&finding.advice))
}

fn object(finding: &Finding) -> String {
    let severity = word(finding.severity);
    json!({ "severity": severity, "check": finding.check, "what": finding.what, "advice": finding.advice }).to_string()
}
