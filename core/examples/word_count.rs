//! Counts words, stops in the middle of its input as a crash would, and continues from its last checkpoint.
//!
//! The counts and the offset of the input are in the same checkpoint. So no word is counted twice, and no word
//! is lost. Run it with `cargo run -p alluvium-core --example word_count`.

use std::error::Error;
use std::sync::Arc;

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};

const WORDS: [&str; 8] = ["sand", "silt", "sand", "clay", "silt", "sand", "gravel", "sand"];

/// The words after which the process takes a checkpoint.
const CHECKPOINT_AFTER: [usize; 2] = [3, 5];

type Manager = IncrementalCheckpointManager<MemoryDirectory>;

/// Opens the directory. Everything that the manager knows comes from there.
fn open(directory: &Arc<MemoryDirectory>) -> Result<Manager, Box<dyn Error>> {
    let options = OpenOptions::new(Arc::new(ManualClock::new(0))).store_id(*b"a-random-16-byte").create(true);
    Ok(block_on(Manager::open(directory.clone(), CheckpointConfig::new(), options))?)
}

/// Counts the words from the manager's offset up to `end`.
fn count(manager: &mut Manager, end: usize) -> Result<(), Box<dyn Error>> {
    let start = usize::try_from(manager.source_offsets().get("words").copied().unwrap_or(0))?;
    for (at, word) in WORDS.iter().enumerate().take(end).skip(start) {
        let before = manager.get(word.as_bytes()).map(<[u8; 8]>::try_from).transpose()?.map_or(0, u64::from_le_bytes);
        manager.put(word.as_bytes(), &(before + 1).to_le_bytes())?;
        manager.set_source_offset("words", at as u64 + 1)?;
        if CHECKPOINT_AFTER.contains(&(at + 1)) {
            // These are the three steps of a checkpoint. More words could be counted between them.
            let prepared = manager.prepare_checkpoint(0)?;
            let written = block_on(prepared.write())?;
            let finished = manager.finish_checkpoint(written)?;
            println!(
                "checkpoint {} after {} words: {} keys changed, {} bytes written",
                finished.metadata.id,
                at + 1,
                finished.statistics.keys_changed,
                finished.statistics.bytes_written
            );
            let report = block_on(finished.maintenance.run());
            assert!(report.errors.is_empty(), "{report:?}");
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = Arc::new(MemoryDirectory::new());

    let mut manager = open(&directory)?;
    count(&mut manager, 7)?;
    // Dropping the manager loses what no checkpoint holds, as a crash does: the last two words.
    drop(manager);

    let mut manager = open(&directory)?;
    println!("recovered at offset {}", manager.source_offsets()["words"]);
    assert_eq!(manager.source_offsets()["words"], 5);
    count(&mut manager, WORDS.len())?;

    let counts: Vec<(&[u8], &[u8])> = manager.iter().collect();
    let expected = [("clay", 1u64), ("gravel", 1), ("sand", 4), ("silt", 2)];
    for ((word, count), (expected_word, expected_count)) in counts.iter().zip(expected) {
        println!("{expected_count} {}", String::from_utf8_lossy(word));
        assert_eq!((*word, *count), (expected_word.as_bytes(), &expected_count.to_le_bytes()[..]));
    }
    assert_eq!(counts.len(), expected.len());
    Ok(())
}

#[test]
fn the_example_runs() {
    main().unwrap();
}
