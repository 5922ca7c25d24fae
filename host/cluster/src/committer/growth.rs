//! Partitions that come while a job runs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::error::ClusterError;
use crate::inputs::Input;

/// How often it is looked for new partitions at most. Each time that there are some, a new generation begins.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Looking takes at most one part in so many of the time.
const SHARE: u32 = 20;

/// An input that grows, with the names of the partitions that the generation began with.
type Growing = (Input, BTreeSet<String>);

/// Looks for new partitions while the generation runs, on a thread of its own: a server that does not answer holds up no
/// commit. Dropping it ends that.
pub(crate) struct Growth {
    has_grown: Arc<AtomicBool>,
    /// It is dropped with the rest, and nothing is ever sent.
    _running: Sender<()>,
}

impl Growth {
    /// The generation reads these partitions.
    pub(crate) fn watch(inputs: &[Input], partitions: &[Vec<String>]) -> Result<Self, ClusterError> {
        let growing = inputs.iter().zip(partitions).filter(|(input, _)| input.is_growing());
        let growing: Vec<Growing> =
            growing.map(|(input, names)| (input.clone(), names.iter().cloned().collect())).collect();
        let has_grown = Arc::<AtomicBool>::default();
        let (running, ended) = channel();
        if !growing.is_empty() {
            let found = Arc::clone(&has_grown);
            let looking = std::thread::Builder::new().name("growth".to_owned());
            let looking = looking.spawn(move || look(&growing, &ended, &found));
            looking.map_err(|error| ClusterError::Options(format!("no thread that looks can be started: {error}")))?;
        }
        Ok(Self { has_grown, _running: running })
    }

    /// Returns the flag that says whether there are partitions that the generation does not read.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.has_grown)
    }
}

/// Looks until there are new partitions, or the generation has ended.
fn look(growing: &[Growing], ended: &Receiver<()>, has_grown: &AtomicBool) {
    let mut pause = LOOK_EVERY;
    while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        let begun = Instant::now();
        for (input, known) in growing {
            match input.listed() {
                Ok(found) if found.iter().all(|name| known.contains(name)) => {}
                Ok(_) => return has_grown.store(true, Ordering::Relaxed),
                Err(error) => tracing::warn!("{}: {error}; it is looked for new partitions again", input.name()),
            }
        }
        pause = LOOK_EVERY.max(begun.elapsed() * SHARE);
    }
}
