//! The component. It implements the plugin world's `operator` with the imported `state` and `sink`.

use std::cell::RefCell;
use std::collections::BTreeMap;

use flights::{Header, Records};

mod bindings {
    #![allow(missing_docs, clippy::all, clippy::pedantic, unused_qualifications, unreachable_pub)]

    wit_bindgen::generate!({ path: "../../wit", world: "plugin" });

    use super::Alerts;
    export!(Alerts);
}

use bindings::alluvium::checkpoint::types::Error;
use bindings::alluvium::checkpoint::{sink, state};
use bindings::exports::alluvium::checkpoint::operator::{self, Guest};

thread_local! {
    static HEADER: RefCell<Option<Header>> = const { RefCell::new(None) };
}

struct Alerts;

/// Reads the count of a carrier. There are only a few dozen carriers, so single calls are fast enough.
fn count(carrier: &str) -> Result<u64, String> {
    let Some(value) = state::get(carrier.as_bytes()).map_err(text)? else { return Ok(0) };
    std::str::from_utf8(&value)
        .ok()
        .and_then(|value| value.parse().ok())
        .ok_or_else(|| format!("state of {carrier:?} is not a number"))
}

impl Guest for Alerts {
    fn describe() -> operator::Description {
        operator::Description { name: "alerts".to_owned(), schema_version: 1 }
    }

    fn open(header: Vec<String>) -> Result<(), String> {
        HEADER.set(Some(Header::find(&header)?));
        Ok(())
    }

    fn process(batch: operator::Records) -> Result<(), String> {
        let records = Records {
            first_record: batch.first_record,
            count: batch.count,
            field_lens: &batch.field_lens,
            fields: &batch.fields,
        };
        let late = HEADER
            .with_borrow(|header| crate::late(header.as_ref().ok_or("process was called before open")?, &records))?;
        let mut counts = BTreeMap::new();
        for late in &late {
            if !counts.contains_key(&late.carrier) {
                counts.insert(late.carrier.clone(), count(&late.carrier)?);
            }
        }
        for line in crate::number(&late, &mut counts) {
            sink::emit(line.as_bytes())?;
        }
        for (carrier, count) in counts {
            state::put(carrier.as_bytes(), count.to_string().as_bytes()).map_err(text)?;
        }
        Ok(())
    }

    fn results(start: bool, _limit: u32) -> Result<Vec<String>, String> {
        // All carriers fit into one page.
        if !start {
            return Ok(Vec::new());
        }
        let page = state::iterate(&[]).map_err(text)?.next(10_000).map_err(text)?;
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

/// Returns the error's text for the host's user. The engine's text says where the error is.
fn text(error: Error) -> String {
    format!("{error:?}")
}
