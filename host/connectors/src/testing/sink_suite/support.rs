//! What the checks of a sink have in common.

use super::SinkFixture;
use crate::batch::Batch;
use crate::opaque::Opaque;
use crate::sink::Sink;
use crate::testing::report::{Outcome, during, same};

/// The texts `<name>0` to `<name><count - 1>`.
pub(super) fn records(name: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{name}{number}")).collect()
}

/// Opens a sink and recovers it with the token of the checkpoint, if there is one.
pub(super) fn open(
    fixture: &mut dyn SinkFixture,
    target: &str,
    committed: Option<&Opaque>,
) -> Result<Box<dyn Sink>, String> {
    let mut sink = fixture.open(target);
    sink.recover(committed.map_or(&[], std::slice::from_ref)).map_err(during("recover"))?;
    Ok(sink)
}

pub(super) fn write(sink: &mut dyn Sink, records: &[String]) -> Outcome {
    sink.write(&Batch::of_raw(records.iter().map(String::as_bytes))).map_err(during("write"))
}

pub(super) fn prepare(sink: &mut dyn Sink) -> Result<Opaque, String> {
    sink.prepare().map_err(during("prepare"))
}

pub(super) fn publish(sink: &mut dyn Sink, token: &Opaque) -> Outcome {
    sink.publish(token).map_err(during("publish"))
}

/// Writes an epoch and prepares it.
pub(super) fn epoch(sink: &mut dyn Sink, records: &[String]) -> Result<Opaque, String> {
    write(sink, records)?;
    prepare(sink)
}

/// Exactly these records are visible.
pub(super) fn shows(fixture: &mut dyn SinkFixture, target: &str, when: &str, expected: &[&[String]]) -> Outcome {
    same(&format!("what is visible {when}"), fixture.visible(target), expected.concat())
}
