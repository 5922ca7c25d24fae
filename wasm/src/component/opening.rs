//! How a manager opens its directory.

use std::sync::Arc;
use std::time::Duration;

use alluvium_core::{CheckpointConfig, OpenOptions};

use super::Storage;
use super::bindings::alluvium::checkpoint::types::Error;
use super::bindings::exports::alluvium::checkpoint::checkpoints as wit;
use super::clock::WasiClock;
use super::convert;

/// Opens the directory. With `strict`, it refuses a runtime that cannot keep every promise.
#[allow(clippy::arc_with_non_send_sync, reason = "core needs an Arc, and a component has one thread")]
pub(super) fn directory(options: &wit::OpenOptions) -> Result<Arc<Storage>, Error> {
    let directory = Storage::named(options.directory.as_deref()).map_err(convert::error)?;
    refuse_weaker(options.strict, &directory.weaker_promises())?;
    Ok(Arc::new(directory))
}

fn refuse_weaker(strict: bool, weaker: &[String]) -> Result<(), Error> {
    if strict && !weaker.is_empty() {
        return Err(Error::Unsupported(format!("strict mode refuses to open here: {}", weaker.join("; "))));
    }
    Ok(())
}

pub(super) fn config(options: &wit::OpenOptions) -> CheckpointConfig {
    CheckpointConfig::new()
        .with_max_retained(options.max_retained as usize)
        .with_interval(Duration::from_millis(options.interval_ms))
        .with_memory_limit_bytes(options.memory_limit_bytes)
        .with_max_rebase_bytes(options.max_compaction_bytes)
}

pub(super) fn how_to_open(options: &wit::OpenOptions) -> Result<OpenOptions, Error> {
    let how = OpenOptions::new(Arc::new(WasiClock))
        .create(options.create)
        .begin_beside_remains(options.begin_beside_remains)
        .writer(options.writer.unwrap_or(0))
        .allow_fallback(options.allow_fallback)
        .checkpoint(options.checkpoint);
    let Some(id) = &options.store_id else { return Ok(how) };
    let wrong = |_| Error::InvalidInput(format!("the store id has {} bytes, not 16", id.len()));
    Ok(how.store_id(<[u8; 16]>::try_from(id.as_slice()).map_err(wrong)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strictness_refuses_weaker_promises_and_names_them() {
        let weaker = ["no syncs".to_owned(), "no links".to_owned()];
        assert!(refuse_weaker(true, &[]).is_ok());
        assert!(refuse_weaker(false, &weaker).is_ok());
        match refuse_weaker(true, &weaker) {
            Err(Error::Unsupported(text)) => {
                assert_eq!(text, "strict mode refuses to open here: no syncs; no links");
            }
            other => panic!("expected unsupported, found {other:?}"),
        }
    }
}
