//! Declared namespaces: what they promise, and random operations on them against plain maps, through crashes,
//! restores and archives.

mod crashes;
mod declared;
mod divided;
mod expiring;
mod merging;
mod model;
mod ordered;
mod timers;

use std::sync::Arc;

use alluvium_core::directory::Directory;
use alluvium_core::model::namespace::{Namespace, NamespaceKind};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, OpenOptions};
use alluvium_test_harness::{open_with, options};

/// Declares a namespace of a kind that has nothing else to say. Returns its id.
fn declare<D: Directory>(manager: &mut IncrementalCheckpointManager<D>, name: &str, kind: NamespaceKind) -> u32 {
    manager.declare_namespace(&Namespace::new(0, name, kind)).expect("a sound declaration")
}

/// Opens a directory again.
fn reopen<D: Directory>(directory: &Arc<D>, config: &CheckpointConfig) -> IncrementalCheckpointManager<D> {
    open_with(directory, config.clone(), OpenOptions::create(options(), true)).expect("it opens")
}
