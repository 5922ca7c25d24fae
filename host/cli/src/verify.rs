//! `alluvium verify`: reads every byte and says what is wrong with it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use alluvium_core::directory::block_on;
use alluvium_core::tools::verify::{Finding, VerifyReport, verify};
use alluvium_host::text::printable;
use clap::Args;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::failure::Failure;
use crate::open;
use crate::output::{counted, print};

const EXAMPLE: &str = "\
Example:
  alluvium verify run

One line for each finding: damage (data is lost), orphan (a WAL file whose checkpoint is missing; only `alluvium gc`
deletes it), leftover (garbage collection will see to it) or foreign (not Alluvium's, never touched). Exit code 1 when anything is damaged, or when there is no
checkpoint: the path may be mistyped.";

/// Read every byte of a directory and say what is wrong with it
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Verify {
    /// The directory of the checkpoints
    dir: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let directory = open::to_inspect(&self.dir)?;
        let report = block_on(verify(&directory)).map_err(|error| Failure::core(&self.dir, &error))?;
        if self.json {
            print(|out| writeln!(out, "{:#}", to_json(&report)))?;
        } else {
            print(|out| {
                write_findings(out, &report.findings)?;
                writeln!(out, "{}", summary(&self.dir, &report))
            })?;
        }
        Ok(if report.is_damaged() || report.checkpoints == 0 { Answer::No } else { Answer::Yes })
    }
}

/// One line for each finding.
pub(crate) fn write_findings(out: &mut dyn Write, findings: &[Finding]) -> io::Result<()> {
    for finding in findings {
        // What names its file itself need not name it twice.
        let place = format!("{}: ", finding.path);
        let what = finding.what.strip_prefix(&place).unwrap_or(&finding.what);
        writeln!(out, "{}", printable(&format!("{} {place}{what}", finding.severity.name())))?;
    }
    Ok(())
}

/// What was read, and whether it is whole.
pub(crate) fn summary(dir: &Path, report: &VerifyReport) -> String {
    let (files, bytes) = (counted(report.files, "file"), counted(report.bytes, "byte"));
    if !report.is_damaged() && report.checkpoints == 0 {
        let dir = dir.display().to_string();
        return format!("no checkpoint: {} holds none, {files}, {bytes} read", printable(&dir));
    }
    let verdict = if report.is_damaged() { "DAMAGED" } else { "whole" };
    format!("{verdict}: {} recovered, {files}, {bytes} read", counted(report.checkpoints, "checkpoint"))
}

fn to_json(report: &VerifyReport) -> Value {
    json!({
        "damaged": report.is_damaged(), "checkpoints": report.checkpoints, "files": report.files,
        "bytes": report.bytes, "findings": findings_to_json(&report.findings),
    })
}

pub(crate) fn findings_to_json(findings: &[Finding]) -> Value {
    let json =
        |finding: &Finding| json!({"path": finding.path, "severity": finding.severity.name(), "what": finding.what});
    findings.iter().map(json).collect()
}
