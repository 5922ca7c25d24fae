//! A program that feeds flights to the plugin `delays`, with a checkpoint every so many records.
//!
//! Built for `wasm32-wasip2` and composed with the engine, the plugin and a clock that stands still, it is
//! one component that runs wherever WASI 0.2 does. Built natively, it does the same with the engine and
//! the plugin's logic as Rust crates: what it leaves in the directory is what every runtime must leave.
//!
//! ```text
//! driver feed DIRECTORY FLIGHTS.csv EVERY     continues from the newest checkpoint to the end of the input
//! driver fence DIRECTORY                      two writers: the second must find itself fenced
//! ```
//!
//! With `--strict` after the command, a runtime that cannot keep every promise of durability is refused.
//! Each checkpoint is told on standard output when it is durable, as `checkpoint ID RECORDS`.

use std::process::ExitCode;

#[cfg(all(target_arch = "wasm32", target_os = "wasi", target_env = "p2"))]
#[path = "component.rs"]
mod machine;
#[cfg(not(target_arch = "wasm32"))]
#[path = "native.rs"]
mod machine;

use machine::{Manager, Plugin};

/// A batch of records as it crosses the border of a component.
struct Batch {
    first_record: u64,
    count: u32,
    field_lens: Vec<u32>,
    fields: Vec<u8>,
}

impl Batch {
    fn of(first_record: u64, lines: &[&str]) -> Result<Self, String> {
        let fields = || lines.iter().flat_map(|line| line.split(','));
        let len = |len: usize| u32::try_from(len).map_err(|_| format!("records from {first_record}: too long"));
        Ok(Self {
            first_record,
            count: len(lines.len())?,
            field_lens: fields().map(|field| len(field.len())).collect::<Result<_, _>>()?,
            fields: fields().collect::<String>().into_bytes(),
        })
    }

    /// Says where the record stands in the input that is to blame.
    fn failure(&self, record: Option<u32>, text: &str) -> String {
        record.map_or_else(|| text.to_owned(), |at| format!("record {}: {text}", self.first_record + u64::from(at)))
    }
}

fn feed(directory: &str, input: &str, every: &str, strict: bool) -> Result<(), String> {
    let text = std::fs::read_to_string(input).map_err(|error| format!("{input}: {error}"))?;
    let every: usize = every.parse().ok().filter(|&every| every > 0).ok_or("EVERY is a number of records")?;
    let mut lines = text.lines();
    let header: Vec<String> = lines.next().ok_or("the input is empty")?.split(',').map(String::from).collect();
    let lines: Vec<&str> = lines.collect();

    let mut manager = Manager::open(directory, strict)?;
    for promise in manager.weaker_promises() {
        println!("weaker {promise}");
    }
    let consumed = manager.consumed();
    println!("from {consumed}");
    let mut plugin = Plugin::open(&header)?;
    let mut records = usize::try_from(consumed).map_err(|error| error.to_string())?;
    while let Some(batch) = lines.get(records..).filter(|rest| !rest.is_empty()) {
        let batch = &batch[..batch.len().min(every)];
        plugin.process(&mut manager, &Batch::of(records as u64 + 1, batch)?)?;
        records += batch.len();
        let id = manager.checkpoint(records as u64)?;
        println!("checkpoint {id} {records}");
    }
    for line in plugin.results(&manager)? {
        println!("result {line}");
    }
    Ok(())
}

fn fence(directory: &str, strict: bool) -> Result<(), String> {
    let (mut first, mut second) = (Manager::open(directory, strict)?, Manager::open(directory, strict)?);
    first.checkpoint(first.consumed())?;
    match second.checkpoint(second.consumed()) {
        Err(error) if error.starts_with("fenced: ") => {
            println!("{error}");
            Ok(())
        }
        Err(error) => Err(format!("the second writer was not fenced, but: {error}")),
        Ok(id) => Err(format!("the second writer was not fenced: it wrote checkpoint {id}")),
    }
}

fn run() -> Result<(), String> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let strict = arguments.get(1).is_some_and(|argument| argument == "--strict");
    if strict {
        arguments.remove(1);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["feed", directory, input, every] => feed(directory, input, every, strict),
        ["fence", directory] => fence(directory, strict),
        _ => {
            Err("usage: driver feed [--strict] DIRECTORY FLIGHTS.csv EVERY | driver fence [--strict] DIRECTORY".into())
        }
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
