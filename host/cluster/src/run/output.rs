//! Recovers the outputs. What is not published yet waits in the job, where each process that may be the first one finds it.

use std::sync::Arc;

use alluvium_connectors::sink::{SharedPlace, Sink, SinkError, SinkErrorKind, Superseded};
use alluvium_core::job::JobManifest;
use alluvium_core::model::hash::checksum;

use crate::committer::Outputs;
use crate::error::ClusterError;
use crate::storage::Storage;

/// The longest name that is that of a directory too.
const NAME_BYTES_MAX: usize = 64;

/// How often an output is recovered that a process of an earlier generation still publishes to.
const ATTEMPTS: u32 = 5;

/// Completes what was committed of each output, and drops the rest.
pub(super) fn recover<S: Storage>(
    storage: &S,
    outputs: &mut Outputs,
    manifest: &JobManifest,
) -> Result<(), ClusterError> {
    outputs.values_mut().try_for_each(|(name, sink)| recover_one(storage, name, &mut **sink, manifest))
}

fn recover_one<S: Storage>(
    storage: &S,
    name: &str,
    sink: &mut dyn Sink,
    manifest: &JobManifest,
) -> Result<(), ClusterError> {
    if sink.needs_place() {
        let folder = folder(name);
        let directory = Arc::new(storage.output(&folder)?);
        let place = format!("outputs/{folder} of the job");
        sink.wait_in(Box::new(SharedPlace::new(directory, place, manifest.generation)));
    }
    let token = manifest.position.sinks.get(name).map(std::slice::from_ref).unwrap_or_default();
    let mut attempt = 1;
    loop {
        match sink.recover(token) {
            // A process that stood still publishes what it had committed, and cannot commit anything more. Recovery
            // finds out how far it came. If this is that process, it must not disturb the later one again.
            Err(error) if error.kind() == SinkErrorKind::Fenced && attempt < ATTEMPTS && !is_superseded(&error) => {
                attempt += 1;
            }
            recovered => return Ok(recovered.map(drop)?),
        }
    }
}

fn is_superseded(error: &SinkError) -> bool {
    error.io_error().is_some_and(Superseded::is)
}

/// Returns the directory of an output, as [`Storage::output`] takes it. A name that is not plain has its checksum in the
/// place of it.
fn folder(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    if (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain) {
        name.to_owned()
    } else {
        format!("other.{:016x}", checksum(name.as_bytes(), 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_directory_of_its_own() {
        assert_eq!(folder("late-ones_2"), "late-ones_2");
        let long = "l".repeat(NAME_BYTES_MAX + 1);
        let others = ["", ".", "..", "../a", "Late", "é", "other.0000000000000000", long.as_str()].map(folder);
        assert!(others.iter().all(|folder| alluvium_core::directory::is_valid_path(folder)), "{others:?}");
        assert_eq!(others.iter().collect::<std::collections::BTreeSet<_>>().len(), others.len());
    }
}
