//! Verification of checkpoints that share files.

use std::sync::Arc;

use alluvium_core::directory::{Node, Operation, SimulatedDirectory, block_on};
use alluvium_core::tools::verify::{Severity, verify};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};

/// Writes checkpoints of which each names the files of those before it.
fn sharing(checkpoints: u8) -> Arc<SimulatedDirectory> {
    let directory = Arc::new(SimulatedDirectory::new(1));
    let options = OpenOptions::new(Arc::new(ManualClock::new(0))).store_id([7; 16]).create(true);
    let config = CheckpointConfig::new().with_max_retained(usize::from(checkpoints));
    let manager = IncrementalCheckpointManager::open(directory.clone(), config, options);
    let mut manager = block_on(manager).unwrap();
    for n in 0..checkpoints {
        manager.put(&[n], &vec![n; 100_000]).unwrap();
        block_on(manager.create_checkpoint(0)).unwrap();
    }
    directory
}

#[test]
fn each_file_is_read_once_however_many_checkpoints_share_it() {
    let directory = sharing(6);
    let files = directory.to_nodes().len();
    let before = directory.calls().len();
    let report = block_on(verify(&*directory)).unwrap();
    let calls = directory.calls();
    let reads = calls[before..].iter().filter(|call| **call == Operation::Read).count();
    assert_eq!((reads, report.checkpoints, report.files), (files, 6, files as u64));
}

#[test]
fn a_damaged_file_leaves_out_every_checkpoint_that_shares_it() {
    let mut nodes = sharing(4).to_nodes();
    let (_, node) = nodes.iter_mut().find(|(path, _)| path.starts_with("segments/")).unwrap();
    let Node::File(content) = node else { panic!("a file") };
    content[1_000] ^= 1;
    let report = block_on(verify(&SimulatedDirectory::from_nodes(1, nodes))).unwrap();
    let damage = report.findings.iter().filter(|finding| finding.severity == Severity::Damage);
    assert_eq!((report.checkpoints, damage.count()), (0, 1), "{report:?}");
}
