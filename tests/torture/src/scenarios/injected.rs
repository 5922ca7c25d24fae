//! Scenario 3 over the real `alluvium run`, engine component, plugin and all: the kernel refuses one system
//! call after the other, through strace. Each run ends with an error that says what failed, or is not
//! disturbed; nothing that it reported is lost; and the next run comes to the end of an undisturbed one.

use std::path::Path;
use std::process::Output;

use alluvium_test_harness::command::{Recovered, recovered};
use alluvium_test_harness::tally::{Budget, Tally, guarded};
use alluvium_test_harness::{has_strace, scratch};

use crate::command::{Program, adds_up};

/// Records of the input: a few checkpoints of each kind of work.
const RECORDS: usize = 1_500;

/// Records between two checkpoints.
const EVERY: u32 = 300;

/// What is refused. Opening and plain writing are refused only once the run has begun to use its
/// directory: before that it is the program that does not start.
const CALLS: [&str; 9] =
    ["fsync", "fdatasync", "linkat", "pwrite64", "mkdirat", "unlinkat", "openat2", "openat", "write"];

const ERRORS: [&str; 3] = ["EIO", "ENOSPC", "EDQUOT"];

/// What an undisturbed run comes to.
struct Undisturbed {
    recovered: Recovered,
    output: Vec<u8>,
}

/// One system call that is refused: its name, which of them, and with what.
#[derive(Debug, Clone, Copy)]
struct Refusal {
    call: &'static str,
    at: usize,
    error: &'static str,
    /// So are all after it.
    lasting: bool,
}

impl Refusal {
    /// How strace is told.
    fn arguments(&self, told: &Path) -> Vec<String> {
        let Self { call, at, error, lasting } = self;
        let from = if *lasting { "+" } else { "" };
        let inject = format!("inject={call}:error={error}:when={at}{from}");
        let told = told.display().to_string();
        ["-f", "-qq", "-o", &told, "-e", &format!("trace={call}"), "-e", &inject].map(String::from).to_vec()
    }
}

/// Scenario 3.
pub fn every_refused_call_of_the_command(budget: Budget) -> Tally {
    let mut tally = Tally::new(3, "system calls of alluvium run refused (strace)", "faults");
    let program = match Program::find() {
        Ok(program) => program,
        Err(missing) => return tally.skip(missing),
    };
    if !has_strace() {
        return tally.skip("strace is missing or not allowed");
    }
    let Ok(scratch) = scratch() else { return tally.skip("no scratch directory") };
    let prepared = program.with_records(RECORDS, scratch.path()).and_then(|program| {
        let undisturbed = undisturbed(&program, scratch.path())?;
        let refusals = refusals(&program, scratch.path())?;
        Ok((program, undisturbed, refusals))
    });
    let (program, expected, refusals) = match prepared {
        Ok(prepared) => prepared,
        Err(what) => {
            tally.note(Err(format!("undisturbed: {what}")));
            return tally;
        }
    };
    let all = refusals.len() as u64;
    // Spread, so that a sample has some of each.
    for (cases, at) in (0..).zip(budget.order(all).iter()) {
        if !budget.allows(cases) {
            break;
        }
        let refusal = refusals[at as usize];
        let outcome = guarded(|| refuse(&program, &expected, refusal));
        tally.note(outcome.map_err(|what| format!("{refusal:?}: {what}")));
    }
    tally
}

fn undisturbed(program: &Program, scratch: &Path) -> Result<Undisturbed, String> {
    let (directory, output) = (scratch.join("undisturbed"), scratch.join("undisturbed-output"));
    program.finish(&directory, &output, EVERY)?;
    let recovered = recovered(&directory)?;
    adds_up(&recovered)?;
    Ok(Undisturbed { recovered, output: std::fs::read(&output).map_err(|error| error.to_string())? })
}

/// Every call that a run makes once it has begun to use its directory, by thread as strace counts.
fn refusals(program: &Program, scratch: &Path) -> Result<Vec<Refusal>, String> {
    let told = scratch.join("trace");
    let trace = format!("trace={}", CALLS.join(","));
    let path = told.display().to_string();
    let wrapper = ["strace", "-f", "-y", "-qq", "-o", &path, "-e", &trace].map(String::from);
    let (directory, output) = (scratch.join("traced"), scratch.join("traced-output"));
    let ended = program.under(&wrapper, &directory, &output, EVERY).map_err(|error| error.to_string())?;
    if !ended.status.success() {
        return Err(format!("under strace: {}", String::from_utf8_lossy(&ended.stderr)));
    }
    let trace = std::fs::read_to_string(&told).map_err(|error| error.to_string())?;
    let directory = directory.display().to_string();
    let mut refusals = Vec::new();
    for call in CALLS {
        // Whichever thread made most of them; a number that another one does not reach disturbs nothing.
        let mut counts: std::collections::BTreeMap<&str, (usize, Option<usize>)> = std::collections::BTreeMap::new();
        for line in trace.lines() {
            let Some((thread, rest)) = line.split_once(' ') else { continue };
            if rest.trim_start().strip_prefix(call).is_some_and(|rest| rest.starts_with('(')) {
                let (count, begun) = counts.entry(thread).or_default();
                *count += 1;
                if begun.is_none() && rest.contains(&directory) {
                    *begun = Some(*count);
                }
            }
        }
        let begun = counts.values().filter_map(|(_, begun)| *begun).min();
        let most = counts.values().map(|(count, _)| *count).max().unwrap_or_default();
        for at in begun.unwrap_or(usize::MAX)..=most {
            for error in ERRORS {
                refusals.extend([false, true].map(|lasting| Refusal { call, at, error, lasting }));
            }
        }
    }
    if refusals.is_empty() { Err("no system call was traced".into()) } else { Ok(refusals) }
}

fn refuse(program: &Program, expected: &Undisturbed, refusal: Refusal) -> Result<(), String> {
    let scratch = scratch().map_err(|error| error.to_string())?;
    let (directory, output) = (scratch.path().join("run"), scratch.path().join("output"));
    let told = scratch.path().join("trace");
    let wrapper: Vec<String> = std::iter::once("strace".into()).chain(refusal.arguments(&told)).collect();
    let ended = program.under(&wrapper, &directory, &output, EVERY).map_err(|error| error.to_string())?;
    let acknowledged = ended_well(&ended, refusal)?;
    if directory.exists() {
        let found = recovered(&directory)?;
        adds_up(&found)?;
        let offset = found.source_offsets.get("input").copied().unwrap_or_default();
        if offset < acknowledged {
            return Err(format!("record {acknowledged} was reported as durable, and it came back at {offset}"));
        }
    }
    program.finish(&directory, &output, EVERY).map_err(|what| format!("with nothing refused any more: {what}"))?;
    if recovered(&directory)? != expected.recovered {
        return Err("the next run came to another state than an undisturbed one".into());
    }
    let output = std::fs::read(&output).map_err(|error| format!("the output: {error}"))?;
    if output == expected.output { Ok(()) } else { Err("the next run's output differs".into()) }
}

/// Done, or ended with an error that names what failed; gives the record that it reported last.
fn ended_well(ended: &Output, refusal: Refusal) -> Result<u64, String> {
    let told = String::from_utf8_lossy(&ended.stderr);
    let events = told.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let acknowledged = events
        .filter(|event| event["event"] == "checkpoint")
        .filter_map(|event| event["records"].as_u64())
        .max()
        .unwrap_or_default();
    let last: String = told.lines().rev().take(4).collect::<Vec<_>>().join(" / ");
    match ended.status.code() {
        Some(0) => Ok(acknowledged),
        // What cannot be written cannot be told, if it is the terminal that is refused.
        Some(2) if told.contains("\"event\":\"failed\"") || refusal.call == "write" => Ok(acknowledged),
        _ => Err(format!("it ended with {}: {last}", ended.status)),
    }
}
