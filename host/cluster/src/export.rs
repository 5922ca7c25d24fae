//! The state of a job as one archive.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_core::archive;
use alluvium_core::directory::{AnyDirectory, MemoryDirectory, Stores, block_on};
use alluvium_core::job::{JobManifest, StoreId};
use alluvium_core::model::hash_range::HashRange;
use alluvium_core::recovery::Part;
use alluvium_core::{
    CheckpointConfig, IncrementalCheckpointError, IncrementalCheckpointManager, ManualClock, OpenOptions,
};

use crate::error::ClusterError;
use crate::storage::Storage;

/// The id of the directory in memory that the archive is made of. Neither it nor the time depends on the machine, so
/// that equal states give equal archives.
const STORE: [u8; 16] = *b"alluvium-cluster";

/// Returns the whole state of a job as an archive of one checkpoint: the newest committed epoch, or that of one
/// checkpoint of the log. `alluvium import` takes it. The state must fit into memory.
///
/// A job without a committed epoch is [`Options`](ClusterError::Options).
#[allow(clippy::arc_with_non_send_sync, reason = "the manager shares directories by Arc, here within one thread")]
pub fn export<S: Storage>(storage: &S, checkpoint: Option<u64>) -> Result<Vec<u8>, ClusterError> {
    let manifest = block_on(JobManifest::find(&storage.log_to_read()?, checkpoint))?;
    let nothing = || ClusterError::Options("the job has no committed epoch".into());
    let manifest = manifest.filter(|manifest| !manifest.parts.is_empty()).ok_or_else(nothing)?;
    let mut opened = BTreeMap::new();
    for id in manifest.needed() {
        opened.insert(id, Arc::new(storage.part_to_read(id)?));
    }
    let any: BTreeMap<StoreId, Arc<AnyDirectory<'_>>> =
        opened.iter().map(|(id, directory)| (*id, Arc::new(AnyDirectory::new(&**directory)))).collect();
    let sources = manifest.sources(HashRange::ALL).into_iter();
    let parts: Vec<Part<AnyDirectory<'_>>> =
        sources.map(|source| Part::new(Arc::clone(&any[&source.store]), source.checkpoint, source.range)).collect();
    let stores = any.iter().fold(Stores::new(), |stores, (id, directory)| stores.with(id.0, Arc::clone(directory)));
    let memory = Arc::new(AnyDirectory::new(MemoryDirectory::new()));
    let options = OpenOptions::new(Arc::new(ManualClock::new(0))).store_id(STORE);
    let config = CheckpointConfig::new().with_incremental(false);
    let exported = async {
        let opened =
            IncrementalCheckpointManager::open_parts(memory.clone(), &parts, stores, HashRange::ALL, config, options);
        let mut manager = opened.await?;
        for (input, partitions) in &manifest.position.positions {
            for (partition, position) in partitions {
                manager.set_position(input.clone(), partition.clone(), position.clone());
            }
        }
        manager.create_checkpoint(0).await?;
        let content = archive::export(&*memory, None).await?;
        Ok::<_, IncrementalCheckpointError>((manager.digest(), content))
    };
    let (digest, content) = block_on(exported)?;
    if digest != manifest.digest() {
        let what = format!("the parts have the digest {digest:016x} together");
        return Err(ClusterError::Damaged(format!("{what}, and {:016x} was committed", manifest.digest())));
    }
    Ok(content)
}
