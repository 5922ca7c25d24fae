//! Imports from directories of LaminarDB, and exports to them.

use std::path::Path;

use alluvium_core::directory::{Directory, NewFile, block_on};
use alluvium_core::format::laminar_snapshot::{decode_state_snapshot, encode_state_snapshot};
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_core::{IncrementalCheckpointError, IncrementalCheckpointMetadata, tools::inspect};

use crate::durability::Durability;
use crate::failure::Failure;
use crate::open::{self, Manager};
use crate::storage::Storage;
use crate::transferred::Transferred;

/// Begins a directory with a checkpoint of LaminarDB. A `state.bin` that is LaminarDB's snapshot becomes
/// keyed state; any other is kept as it is.
pub(crate) fn import(from: &Path, id: Option<u64>, to: &Path, durability: Durability) -> Result<Transferred, Failure> {
    let source = open::to_inspect(from)?;
    let read = |id| Ok((block_on(inspect::load_metadata(&source, id))?, block_on(inspect::find_state(&source, id))?));
    let (id, (metadata, state)) = open::read(from, &source, id, read)?;
    if metadata.alluvium.is_some() {
        return Err(Failure::at(from.display(), format!("checkpoint {id} was not written by LaminarDB"))
            .hint("copy the directory, or use `alluvium export` and `alluvium import`"));
    }
    let snapshot = state.as_deref().and_then(|state| decode_state_snapshot(state).ok());
    let mut manager = open::to_begin(to, durability)?;
    let failed = |error: IncrementalCheckpointError| Failure::core(to, &error);
    for (key, value) in snapshot.iter().flat_map(|snapshot| &snapshot.entries) {
        manager.put(key, value).map_err(failed)?;
    }
    let opaque = if snapshot.is_none() { state } else { None };
    let imported = commit(&mut manager, &metadata, opaque).map_err(failed)?;
    Ok(Transferred { id: imported.id, keys: imported.key_count, bytes: imported.size_bytes })
}

/// Takes the checkpoint at the position in the stream that LaminarDB's checkpoint had.
fn commit(
    manager: &mut Manager,
    source: &IncrementalCheckpointMetadata,
    opaque: Option<Vec<u8>>,
) -> Result<IncrementalCheckpointMetadata, IncrementalCheckpointError> {
    manager.set_epoch(source.epoch)?;
    let offsets = source.source_offsets.clone();
    if let Some(state) = opaque {
        let (wal_position, watermark) = (source.wal_position, source.watermark);
        return block_on(manager.create_checkpoint_with_state(wal_position, offsets, watermark, &state));
    }
    for (source, offset) in offsets {
        manager.set_source_offset(source, offset)?;
    }
    if let Some(watermark_ms) = source.watermark {
        manager.set_watermark(watermark_ms);
    }
    block_on(manager.create_checkpoint(source.wal_position))
}

/// Writes a checkpoint as LaminarDB does: the whole state in one `state.bin`.
pub(crate) fn export(
    from: &Path,
    source: &Storage,
    id: Option<u64>,
    to: &Path,
    durability: Durability,
) -> Result<Transferred, Failure> {
    let failed = |error: IncrementalCheckpointError| Failure::core(from, &error);
    let read = |id| {
        let recovered = block_on(recover(source, &RecoverOptions::new().checkpoint(Some(id))))?;
        Ok((recovered, block_on(inspect::find_state(source, id))?))
    };
    let (id, (recovered, opaque)) = open::read(from, source, id, read)?;
    let Some(recovered) = recovered else {
        return Err(Failure::at(from.display(), format!("checkpoint {id} does not exist")));
    };
    if let Some((declared, _)) = recovered.namespaces().next() {
        let what = format!("checkpoint {id} has the namespace {:?}, and LaminarDB has none", declared.name);
        return Err(Failure::at(from.display(), what).hint("export it with --format alluvium"));
    }
    let metadata = recovered.metadata;
    if opaque.is_some() && !recovered.state.is_empty() {
        return Err(Failure::at(from.display(), format!("checkpoint {id} holds keyed state and an opaque one"))
            .hint("LaminarDB's form has room for one of them: export it with --format alluvium"));
    }
    let state = if let Some(opaque) = opaque {
        opaque
    } else {
        let timestamp_ms =
            metadata.alluvium.as_ref().map_or(metadata.timestamp.saturating_mul(1_000), |ours| ours.timestamp_ms);
        encode_state_snapshot(recovered.state.iter(), timestamp_ms.saturating_mul(1_000_000)).map_err(failed)?
    };
    let keys = recovered.state.len() as u64;
    let bytes = state.len() as u64;
    // LaminarDB counts no keys, and each of its states is whole.
    let metadata = IncrementalCheckpointMetadata {
        size_bytes: bytes,
        key_count: 0,
        is_incremental: false,
        parent_id: None,
        sst_files: Vec::new(),
        alluvium: None,
        ..metadata
    };
    let json = metadata.to_json().map_err(failed)?.into_bytes();
    let path = metadata.checkpoint_path();
    let file = |name: &str, content| NewFile { path: format!("{path}/{name}"), content };
    let target = open::to_fill(to, durability)?;
    block_on(target.create(vec![file("state.bin", state), file("metadata.json", json)]))
        .map_err(|error| Failure::directory(to, &error))?;
    Ok(Transferred { id, keys, bytes })
}
