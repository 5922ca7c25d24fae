//! Partitions that come while a job runs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::inputs::Input;

/// How often it is looked for new partitions at most. Each time that there are some, a new generation begins.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Looking takes at most one part in so many of the time.
const SHARE: u32 = 20;

/// What is known of the partitions of a job.
pub(crate) struct Growth {
    /// The inputs that grow, with the names of the partitions that the generation began with.
    inputs: Vec<(Input, BTreeSet<String>)>,
    /// When it is looked for new partitions next.
    due: Instant,
    has_grown: Arc<AtomicBool>,
}

impl Growth {
    /// The generation reads these partitions.
    pub(crate) fn new(inputs: &[Input], partitions: &[Vec<String>]) -> Self {
        let growing = inputs.iter().zip(partitions).filter(|(input, _)| input.is_growing());
        Self {
            inputs: growing.map(|(input, names)| (input.clone(), names.iter().cloned().collect())).collect(),
            due: Instant::now() + LOOK_EVERY,
            has_grown: Arc::default(),
        }
    }

    /// Returns the flag that says whether there are partitions that the generation does not read.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.has_grown)
    }

    /// Looks for new partitions, if it is time to.
    pub(crate) fn look_if_due(&mut self) {
        let begun = Instant::now();
        if self.inputs.is_empty() || self.due > begun || self.has_grown.load(Ordering::Relaxed) {
            return;
        }
        for (input, known) in &self.inputs {
            match input.listed() {
                Ok(found) if found.iter().all(|name| known.contains(name)) => {}
                Ok(_) => self.has_grown.store(true, Ordering::Relaxed),
                Err(error) => tracing::warn!("{}: {error}; it is looked for new files again", input.name()),
            }
        }
        self.due = Instant::now() + LOOK_EVERY.max(begun.elapsed() * SHARE);
    }
}
