//! The component. It implements the plugin world's `operator` with the imported `state`.

use std::cell::RefCell;

use crate::route;
use flights::{Failure, Header, Records};

mod bindings {
    #![allow(missing_docs, clippy::all, clippy::pedantic, unused_qualifications, unreachable_pub)]

    wit_bindgen::generate!({ path: "../../wit", world: "keyed-plugin" });

    use super::Delays;
    export!(Delays);
}

use bindings::alluvium::checkpoint::state::{self, Cursor};
use bindings::alluvium::checkpoint::types::{Columns, Error, PackedKeys};
use bindings::exports::alluvium::checkpoint::keyed;
use bindings::exports::alluvium::checkpoint::operator::{self, Batch, Guest};

thread_local! {
    static HEADER: RefCell<Option<Header>> = const { RefCell::new(None) };
    /// The walk that `results` continues.
    static WALK: RefCell<Option<Cursor>> = const { RefCell::new(None) };
}

/// The namespace that every state has.
const DEFAULT: u32 = 0;

struct Delays;

impl From<Failure> for operator::Failure {
    fn from(Failure { record, text }: Failure) -> Self {
        Self { record, text }
    }
}

impl Guest for Delays {
    fn describe() -> operator::Description {
        let flights = operator::Input { name: "flights".to_owned(), format: operator::InputFormat::Columns };
        operator::Description {
            name: "delays".to_owned(),
            schema_version: 1,
            inputs: vec![flights],
            outputs: vec![],
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

    fn results(start: bool, limit: u32) -> Result<Vec<String>, String> {
        if start {
            WALK.set(Some(state::iterate(DEFAULT, &[]).map_err(text)?));
        }
        let page = WALK.with_borrow(|walk| {
            let walk = walk.as_ref().ok_or("results was called for the next page before the first page")?;
            walk.next(limit).map_err(text)
        })?;
        let (mut keys, mut values) = (page.keys.as_slice(), page.values.as_slice());
        page.key_lens
            .iter()
            .zip(&page.value_lens)
            .map(|(&key_len, &value_len)| route::line(take(&mut keys, key_len)?, take(&mut values, value_len)?))
            .collect()
    }
}

impl keyed::Guest for Delays {
    fn route(_input: u32, batch: Batch) -> Result<PackedKeys, operator::Failure> {
        let keys = with_records(&batch, route::keys)?;
        let lens = keys.iter().map(|key| len(key.as_bytes())).collect::<Result<_, String>>().map_err(Failure::from)?;
        Ok(PackedKeys { lens, bytes: keys.concat().into_bytes() })
    }
}

/// Reads the records of a batch.
fn with_records<T>(
    batch: &Batch,
    read: impl FnOnce(&Header, &Records<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let Batch::Columns(batch) = batch else { return Err("the input has columns".into()) };
    let records = Records { count: batch.count, field_lens: &batch.field_lens, fields: &batch.fields };
    HEADER.with_borrow(|header| read(header.as_ref().ok_or("process was called before begin")?, &records))
}

/// Adds a batch to the state.
fn work_in(batch: &Batch) -> Result<(), Failure> {
    let changes = with_records(batch, route::aggregate)?;

    // One call reads the old values for the whole batch, whatever its size.
    let lens: Vec<u32> = changes.keys().map(|key| len(key.as_bytes())).collect::<Result<_, _>>()?;
    let keys: Vec<u8> = changes.keys().flat_map(|key| key.bytes()).collect();
    let old = state::get_many(DEFAULT, &PackedKeys { lens: lens.clone(), bytes: keys.clone() }).map_err(text)?;

    let mut update = Columns { ops: vec![0; lens.len()], key_lens: lens, value_lens: vec![], keys, values: vec![] };
    let mut rest = old.bytes.as_slice();
    for (at, (key, change)) in changes.iter().enumerate() {
        let (value, after) = (old.lens.get(at).zip(old.present.get(at)))
            .and_then(|(&len, &present)| Some((present, rest.split_at_checked(len as usize)?)))
            .map(|(present, (value, after))| ((present == 1).then_some(value), after))
            .ok_or_else(|| format!("state of {key:?}: the state returned fewer values than keys"))?;
        rest = after;
        let value = route::merge(key, value, change)?;
        update.value_lens.push(len(&value)?);
        update.values.extend(value);
    }
    state::apply(DEFAULT, &update).map_err(text)?;
    Ok(())
}

fn take<'a>(bytes: &mut &'a [u8], len: u32) -> Result<&'a [u8], String> {
    let too_short = || "the page is shorter than its lengths say".to_owned();
    let (taken, rest) = bytes.split_at_checked(len as usize).ok_or_else(too_short)?;
    *bytes = rest;
    Ok(taken)
}

fn len(bytes: &[u8]) -> Result<u32, String> {
    u32::try_from(bytes.len()).map_err(|_| format!("{} bytes are too many for one key or value", bytes.len()))
}

/// Returns the error's text for the host's user. The engine's text says where the error is.
fn text(error: Error) -> String {
    match error {
        Error::NotFound(text)
        | Error::AlreadyExists(text)
        | Error::Corruption(text)
        | Error::Fenced(text)
        | Error::NoSpace(text)
        | Error::LimitExceeded(text)
        | Error::InvalidInput(text)
        | Error::Backpressure(text)
        | Error::Reopen(text)
        | Error::Unsupported(text)
        | Error::Io(text)
        | Error::Other(text) => text,
    }
}
