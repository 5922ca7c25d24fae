//! The component. It implements the plugin world's `operator` with the imported `state` and `sink`.

use std::cell::RefCell;
use std::collections::BTreeMap;

use flights::{Failure, Header, Records};

mod bindings {
    #![allow(missing_docs, clippy::all, clippy::pedantic, unused_qualifications, unreachable_pub)]

    wit_bindgen::generate!({ path: "../../wit", world: "plugin" });

    use super::Alerts;
    export!(Alerts);
}

use bindings::alluvium::checkpoint::types::Error;
use bindings::alluvium::checkpoint::{sink, state};
use bindings::exports::alluvium::checkpoint::operator::{self, Batch, Guest};

thread_local! {
    static HEADER: RefCell<Option<Header>> = const { RefCell::new(None) };
}

/// The namespace that every state has.
const DEFAULT: u32 = 0;
/// The index of the output.
const ALERTS: u32 = 0;

struct Alerts;

impl From<Failure> for operator::Failure {
    fn from(Failure { record, text }: Failure) -> Self {
        Self { record, text }
    }
}

/// Reads the count of a carrier. There are only a few dozen carriers, so single calls are fast enough.
fn count(carrier: &str) -> Result<u64, String> {
    let Some(value) = state::get(DEFAULT, carrier.as_bytes()).map_err(text)? else { return Ok(0) };
    std::str::from_utf8(&value)
        .ok()
        .and_then(|value| value.parse().ok())
        .ok_or_else(|| format!("state of {carrier:?} is not a number"))
}

impl Guest for Alerts {
    fn describe() -> operator::Description {
        let flights = operator::Input { name: "flights".to_owned(), format: operator::InputFormat::Columns };
        let alerts = operator::Output { name: "alerts".to_owned(), format: operator::OutputFormat::Lines };
        operator::Description {
            name: "alerts".to_owned(),
            schema_version: 1,
            inputs: vec![flights],
            outputs: vec![alerts],
            namespaces: vec![],
            parameters: vec![],
        }
    }

    fn open(_context: operator::Context) -> Result<(), String> {
        Ok(())
    }

    fn begin(_input: u32, header: Vec<String>) -> Result<(), String> {
        HEADER.set(Some(Header::find(&header)?));
        Ok(())
    }

    fn process(_input: u32, batch: Batch) -> Result<(), operator::Failure> {
        Ok(work_in(&batch)?)
    }

    fn results(start: bool, _limit: u32) -> Result<Vec<String>, String> {
        // All carriers fit into one page.
        if !start {
            return Ok(Vec::new());
        }
        let page = state::iterate(DEFAULT, &[]).map_err(text)?.next(10_000).map_err(text)?;
        let mut keys = page.keys.as_slice();
        let mut lines = Vec::new();
        for length in page.key_lens {
            let (key, rest) =
                keys.split_at_checked(length as usize).ok_or("the page is shorter than its lengths say")?;
            keys = rest;
            let carrier = String::from_utf8_lossy(key);
            lines.push(serde_json::json!({ "key": carrier, "late": count(&carrier)? }).to_string());
        }
        Ok(lines)
    }
}

/// Counts and emits the late flights of a batch.
fn work_in(batch: &Batch) -> Result<(), Failure> {
    let Batch::Columns(batch) = batch else { return Err("the input has columns".into()) };
    let records = Records { count: batch.count, field_lens: &batch.field_lens, fields: &batch.fields };
    let late = HEADER
        .with_borrow(|header| crate::late(header.as_ref().ok_or("process was called before begin")?, &records))?;
    let mut counts = BTreeMap::new();
    for late in &late {
        if !counts.contains_key(&late.carrier) {
            counts.insert(late.carrier.clone(), count(&late.carrier)?);
        }
    }
    for line in crate::number(&late, &mut counts) {
        sink::emit(ALERTS, line.as_bytes())?;
    }
    for (carrier, count) in counts {
        state::put(DEFAULT, carrier.as_bytes(), count.to_string().as_bytes()).map_err(text)?;
    }
    Ok(())
}

/// Returns the error's text for the host's user. The engine's text says where the error is.
fn text(error: Error) -> String {
    format!("{error:?}")
}
