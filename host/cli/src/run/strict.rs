//! `--strict`: a run whose results are exact whatever happens, or none.

use alluvium_connectors::sink::{Guarantee, Sink};
use alluvium_connectors::source::Reader;

use crate::failure::Failure;

/// Refuses a source that cannot be read again from where the checkpoint is.
pub(super) fn check_reader(source_name: &str, reader: &dyn Reader) -> Result<(), Failure> {
    if reader.is_seekable() {
        return Ok(());
    }
    let what = "it cannot be read again after a crash, so records that were read and not checkpointed would be lost";
    Err(refused(source_name, what).hint("put the records into a file or a stream, and read that"))
}

/// Refuses a sink that may show a record twice, or not at all.
pub(super) fn check_sink(sink: &dyn Sink) -> Result<(), Failure> {
    let what = match sink.guarantee() {
        Guarantee::ExactlyOnce => return Ok(()),
        Guarantee::AtMostOnce => "after a crash records may be missing in it",
        _ => "after a crash records may be in it twice",
    };
    Err(refused(sink.name(), what).hint("name a file or a stream that takes records exactly once with --output"))
}

fn refused(place: &str, what: &str) -> Failure {
    Failure::at(place, format!("--strict refuses it: {what}"))
}
