//! Every signature of LaminarDB's module, with its types written out. Where Alluvium refuses what
//! LaminarDB let pass, a call that returned nothing returns a `Result`.

use std::collections::HashMap;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alluvium::{
    CheckpointConfig, IncrementalCheckpointError, IncrementalCheckpointManager, IncrementalCheckpointMetadata,
    RecoveredState, RecoveryConfig, RecoveryManager, validate_checkpoint, wal_size,
};

use crate::support::scratch;

type Result<T> = std::result::Result<T, IncrementalCheckpointError>;

#[test]
fn config() {
    let scratch = scratch();
    let path: &Path = scratch.path();
    let config: CheckpointConfig = CheckpointConfig::new(path)
        .with_wal_path(Path::new("/data/wal"))
        .with_interval(Duration::from_secs(5))
        .with_max_retained(7_usize)
        .with_truncate_wal(false)
        .with_min_wal_size(1_024_u64)
        .with_incremental(false);
    let valid: Result<()> = config.validate();
    valid.unwrap();
    // A literal with LaminarDB's fields and no others.
    let CheckpointConfig {
        checkpoint_dir,
        wal_path,
        interval,
        max_retained,
        truncate_wal,
        min_wal_size_for_checkpoint,
        incremental,
    } = config.clone();
    let again = CheckpointConfig {
        checkpoint_dir,
        wal_path,
        interval,
        max_retained,
        truncate_wal,
        min_wal_size_for_checkpoint,
        incremental,
    };
    let directory: &PathBuf = &again.checkpoint_dir;
    let log: &Option<PathBuf> = &again.wal_path;
    assert_eq!((directory.as_path(), log.as_deref()), (path, Some(Path::new("/data/wal"))));
    assert_eq!((again.interval, again.max_retained), (Duration::from_secs(5), 7));
    assert_eq!((again.truncate_wal, again.min_wal_size_for_checkpoint, again.incremental), (false, 1_024, false));
    let shown: &dyn Debug = &again;
    assert!(format!("{shown:?}").contains("max_retained: 7"));
}

#[test]
fn metadata() {
    let metadata: IncrementalCheckpointMetadata = IncrementalCheckpointMetadata::new(3_u64, 30_u64);
    let IncrementalCheckpointMetadata {
        id,
        epoch,
        timestamp,
        wal_position,
        source_offsets,
        watermark,
        size_bytes,
        key_count,
        is_incremental,
        parent_id,
        sst_files,
    } = metadata.clone();
    let literal = IncrementalCheckpointMetadata {
        id,
        epoch,
        timestamp,
        wal_position,
        source_offsets: source_offsets.into_iter().chain([("b".to_owned(), 2), ("a".to_owned(), 1)]).collect(),
        watermark,
        size_bytes,
        key_count,
        is_incremental,
        parent_id,
        sst_files,
    };
    let _: (&HashMap<String, u64>, &Option<i64>, &Vec<String>) =
        (&literal.source_offsets, &literal.watermark, &literal.sst_files);
    assert!(literal.timestamp > 1_700_000_000, "the time of now");
    let path: PathBuf = literal.checkpoint_path(Path::new("/data"));
    assert_eq!(path, Path::new("/data/checkpoint_0000000000000003"));
    let json: Result<String> = literal.to_json();
    let json: String = json.unwrap();
    let read: Result<IncrementalCheckpointMetadata> = IncrementalCheckpointMetadata::from_json(&json);
    assert_eq!(read.unwrap(), literal);
    // The derives write and read the same fields, sorted.
    let derived = serde_json::to_string_pretty(&literal).unwrap();
    assert_eq!(derived, json);
    assert_eq!(serde_json::from_str::<IncrementalCheckpointMetadata>(&derived).unwrap(), literal);
}

#[test]
fn manager() {
    let scratch = scratch();
    let opened: Result<IncrementalCheckpointManager> =
        IncrementalCheckpointManager::new(CheckpointConfig::new(scratch.path()).with_max_retained(10));
    let mut manager: IncrementalCheckpointManager = opened.unwrap();
    let config: &CheckpointConfig = manager.config();
    assert_eq!(config.max_retained, 10);
    manager.set_epoch(5_u64).unwrap();
    let epoch: u64 = manager.epoch();
    let put: Result<()> = manager.put(b"key", b"value");
    let deleted: Result<()> = manager.delete(b"other");
    put.and(deleted).unwrap();
    manager.set_source_offset(String::from("input"), 7_u64).unwrap();
    let offsets: &HashMap<String, u64> = manager.source_offsets();
    assert_eq!((epoch, offsets["input"]), (5, 7));
    manager.set_watermark(-1_i64);
    let watermark: Option<i64> = manager.watermark();
    let latest: Option<u64> = manager.latest_checkpoint_id();
    let due: bool = manager.should_checkpoint();
    assert_eq!((watermark, latest, due), (Some(-1), None, true));

    let first: Result<IncrementalCheckpointMetadata> = manager.create_checkpoint(100_u64);
    let first: IncrementalCheckpointMetadata = first.unwrap();
    let offsets: HashMap<String, u64> = HashMap::from([("input".to_owned(), 8)]);
    let state: &[u8] = b"opaque";
    let second: Result<IncrementalCheckpointMetadata> =
        manager.create_checkpoint_with_state(200, offsets, Some(0), state);
    let second: IncrementalCheckpointMetadata = second.unwrap();
    let found: Result<Option<IncrementalCheckpointMetadata>> = manager.find_latest_checkpoint();
    assert_eq!(found.unwrap().unwrap().id, second.id);
    let loaded: Result<Option<IncrementalCheckpointMetadata>> = manager.load_checkpoint_metadata(first.id);
    assert_eq!(loaded.unwrap().unwrap(), first);
    let loaded: Result<Vec<u8>> = manager.load_checkpoint_state(second.id);
    assert_eq!(loaded.unwrap(), state);
    let listed: Result<Vec<IncrementalCheckpointMetadata>> = manager.list_checkpoints();
    assert_eq!(listed.unwrap(), [second, first.clone()]);
    let cleaned: Result<()> = manager.cleanup_old_checkpoints();
    let kept: Result<()> = manager.cleanup_old_checkpoints_keep(2_usize);
    let deleted: Result<()> = manager.delete_checkpoint(first.id);
    cleaned.and(kept).and(deleted).unwrap();
    assert_eq!(manager.list_checkpoints().unwrap().len(), 1);
}

#[test]
fn errors() {
    use IncrementalCheckpointError as Error;
    fn io() -> Result<()> {
        Err(std::io::Error::from(std::io::ErrorKind::TimedOut))?;
        Ok(())
    }
    let describe = |error: &Error| match error {
        Error::Io(error) => {
            let error: &std::io::Error = error;
            format!("io {:?}", error.kind())
        }
        Error::Serialization(what) | Error::NotFound(what) | Error::Recovery(what) | Error::InvalidConfig(what) => {
            let what: &String = what;
            what.clone()
        }
        Error::Deserialization(what) | Error::Wal(what) | Error::Corruption(what) => {
            let what: &String = what;
            what.clone()
        }
        Error::BufferOverflow { epoch } => format!("overflow {epoch}"),
        Error::AlreadyExists(id) => format!("exists {id}"),
        Error::EpochMismatch { expected, found } => format!("epoch {expected} {found}"),
        Error::CrcMismatch { offset, expected, computed } => format!("crc {offset} {expected} {computed}"),
        other => other.to_string(),
    };
    let error = io().unwrap_err();
    assert_eq!((describe(&error).as_str(), error.is_transient(), error.is_corruption()), ("io TimedOut", true, false));
    let error = Error::Corruption("half".into());
    assert_eq!((describe(&error).as_str(), error.is_transient(), error.is_corruption()), ("half", false, true));
    let error = Error::BufferOverflow { epoch: 1 };
    assert_eq!((describe(&error).as_str(), error.is_transient()), ("overflow 1", true));
    let error = Error::CrcMismatch { offset: 1, expected: 2, computed: 3 };
    assert_eq!((describe(&error).as_str(), error.is_corruption()), ("crc 1 2 3", true));
    assert!(!Error::from(std::io::Error::from(std::io::ErrorKind::StorageFull)).is_transient());
}

#[test]
fn recovery() {
    let (scratch, log) = (scratch(), Path::new("/no/such/log"));
    let mut manager = IncrementalCheckpointManager::new(CheckpointConfig::new(scratch.path())).unwrap();
    manager.put(b"key", b"value").unwrap();
    let created = manager.create_checkpoint(0).unwrap();
    let config: RecoveryConfig = RecoveryConfig::new(scratch.path(), log)
        .with_repair_wal(true)
        .with_collect_state_changes(true)
        .with_max_wal_entries(0);
    let recovered: Result<RecoveredState> = RecoveryManager::new(config).recover();
    let simple: Result<RecoveredState> = RecoveryManager::recover_simple(scratch.path(), log);
    let changes: Result<RecoveredState> = RecoveryManager::recover_with_changes(scratch.path(), log);
    for recovered in [recovered, simple, changes] {
        let recovered = recovered.unwrap();
        assert_eq!((recovered.checkpoint_id, recovered.has_state()), (Some(created.id), true));
    }
    assert!(!RecoveredState::empty().has_state());
    let valid: Result<IncrementalCheckpointMetadata> = validate_checkpoint(&created.checkpoint_path(scratch.path()));
    assert_eq!(valid.unwrap(), created);
    let bytes: Result<u64> = wal_size(scratch.path());
    assert_eq!(bytes.unwrap(), 0);
}
