//! The native directory as a storage whose power can fail, for the certificate that core exports.

use std::path::Path;
use std::sync::Arc;

use alluvium::NativeDirectory;
use alluvium_core::directory::testing::crash_certificate::Storage;
use alluvium_core::directory::{DirectoryError, Node, Nodes};

use super::{Fail, FileSystem, Recorder};
use crate::scratch;

/// At most so many states of one failure are written out and opened.
const STATES_MAX: usize = 12;

/// A directory of its own, with what is durable in it when it begins.
#[derive(Debug)]
pub struct NativeStorage {
    scratch: tempfile::TempDir,
    durable: Nodes,
    recorder: Arc<Recorder>,
}

impl NativeStorage {
    /// An empty one.
    pub fn new() -> std::io::Result<Self> {
        Self::holding(Nodes::new())
    }

    fn holding(durable: Nodes) -> std::io::Result<Self> {
        let scratch = scratch()?;
        write(scratch.path(), &durable)?;
        Ok(Self { scratch, durable, recorder: Arc::default() })
    }
}

fn write(root: &Path, nodes: &Nodes) -> std::io::Result<()> {
    for (path, node) in nodes {
        let path = root.join(path);
        match node {
            Node::EmptyDirectory => std::fs::create_dir_all(path)?,
            Node::File(content) | Node::Temporary(content) => {
                std::fs::create_dir_all(path.parent().unwrap_or(root))?;
                std::fs::write(path, content)?;
            }
            Node::Other => {}
        }
    }
    Ok(())
}

impl Storage for NativeStorage {
    type Handle<'a> = NativeDirectory;

    async fn open(&self) -> Result<NativeDirectory, DirectoryError> {
        NativeDirectory::open_exclusive_watched(self.scratch.path(), self.recorder.clone())
    }

    fn fail_after(&self, steps: u64) {
        let call = self.recorder.asked() + usize::try_from(steps).unwrap_or(usize::MAX / 2);
        self.recorder.fail(Fail::kill(call));
    }

    fn has_failed(&self) -> bool {
        self.recorder.is_killed()
    }

    fn after_failure(&self, seed: u64) -> Vec<Self> {
        let mut files = FileSystem::holding(&self.durable);
        for call in self.recorder.calls() {
            files.apply(&call);
        }
        let states = files.crash_states(seed);
        let step = states.len().div_ceil(STATES_MAX).max(1);
        let first = usize::try_from(seed).unwrap_or_default() % step;
        // One that cannot be written out is a machine without room, and no matter of the directory's.
        let open = |nodes| Self::holding(nodes).expect("room for a few small files");
        states.into_iter().skip(first).step_by(step).map(open).collect()
    }
}
