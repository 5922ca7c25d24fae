//! The work of an operator in Rust, on one worker.

use std::sync::Arc;

use alluvium::background::BackgroundWriter;
use alluvium_core::IncrementalCheckpointManager;
use alluvium_core::directory::Directory;
use alluvium_core::job::JobPart;
use alluvium_core::model::namespace::TimeDomain;

use super::{Context, Operator};
use crate::error::ClusterError;
use crate::left_out::{Refusal, around};
use crate::message::{Emitted, Order, Piece};
use crate::operator::{Cut, Work, Worker, divide_fields};

/// So many timers are worked through at once.
const TIMERS_AT_ONCE: usize = 4_096;

/// The operator over the state of one worker.
pub(super) struct NativeWorker<O, D> {
    pub(super) operator: Arc<O>,
    pub(super) state: IncrementalCheckpointManager<D>,
    /// The namespaces that hold timers.
    pub(super) queues: Vec<u32>,
    pub(super) writer: BackgroundWriter<D>,
}

impl<O: Operator, D: Directory> NativeWorker<O, D> {
    /// Whether entries expire by the time of the machine.
    fn needs_processing_time(&self) -> bool {
        self.state.namespaces().iter().any(|namespace| namespace.expires == Some(TimeDomain::Processing))
    }

    /// Does the work of the timers up to a time, those of one time and namespace after the other.
    fn fire(&mut self, up_to_ms: i64, emitted: &mut Vec<Emitted>) -> Result<(), ClusterError> {
        loop {
            let mut first: Option<(i64, u32)> = None;
            for &namespace in &self.queues {
                let at_ms = self.state.first_timer(namespace)?;
                first = [first, at_ms.map(|at_ms| (at_ms, namespace))].into_iter().flatten().min_by_key(|(at, _)| *at);
            }
            let Some((at_ms, namespace)) = first.filter(|(at_ms, _)| *at_ms <= up_to_ms) else { return Ok(()) };
            for timer in self.state.take_first_timers(namespace, at_ms, TIMERS_AT_ONCE)? {
                let order = Order::Timer(at_ms, namespace);
                let mut context = Context { state: &mut self.state, emitted, order };
                let done = self.operator.on_timer(&mut context, namespace, &timer);
                done.map_err(|what| {
                    ClusterError::Operator(format!("the operator refuses the timer {timer:?}: {what}"))
                })?;
            }
        }
    }
}

impl<O: Operator, D: Directory + Send + Sync + 'static> Worker for NativeWorker<O, D> {
    fn process(&mut self, piece: Piece, work: &mut Work) -> Result<(), ClusterError> {
        let Work { emitted, left_out } = work;
        // After an error nothing of the epoch counts. Only what continues is undone.
        let undoes = left_out.is_some();
        around(piece, left_out, |piece| {
            let columns = piece.header.as_deref().unwrap_or_default();
            let before = emitted.len();
            if undoes {
                self.state.begin_batch();
            }
            let mut fields = Vec::new();
            for (number, lens, bytes) in piece.records() {
                divide_fields(&mut fields, lens, bytes);
                let order = Order::Record(piece.input, piece.partition, number, 0);
                let mut context = Context { state: &mut self.state, emitted, order };
                let done = self.operator.process(&mut context, piece.input, columns, &fields);
                if let Err(what) = done {
                    if undoes {
                        self.state.rollback_batch()?;
                        emitted.truncate(before);
                    }
                    return Err(Refusal::Record { number: Some(number), what });
                }
            }
            if undoes {
                self.state.commit_batch();
            }
            Ok(())
        })
    }

    fn end_epoch(&mut self, end: &Cut, emitted: &mut Vec<Emitted>) -> Result<(), ClusterError> {
        self.state.set_epoch(end.epoch)?;
        if let Some(watermark) = end.watermark {
            self.state.set_watermark(watermark);
        }
        // Where nothing needs the time of the machine, it is not stored: equal streams have equal states.
        if let Some(now_ms) = end.now_ms.filter(|_| self.needs_processing_time()) {
            self.state.set_processing_time(now_ms);
        }
        match (end.is_last, self.state.watermark()) {
            (true, _) => self.fire(i64::MAX, emitted),
            (false, Some(watermark)) => self.fire(watermark, emitted),
            (false, None) => Ok(()),
        }
    }

    fn digest(&mut self) -> Result<u64, ClusterError> {
        Ok(self.state.digest())
    }

    fn begin_part(&mut self) -> Result<(), ClusterError> {
        self.writer.checkpoint(&mut self.state, 0)?;
        Ok(())
    }

    fn durable_parts(&mut self) -> Result<Vec<JobPart>, ClusterError> {
        let durable = self.writer.poll(&mut self.state)?;
        while let Some(report) = self.writer.next_report() {
            for error in report.errors {
                tracing::warn!("maintenance: {error}; it is tried again after the next epoch");
            }
        }
        let owned = self.state.owned_range();
        Ok(durable.iter().map(|durable| JobPart::of(&durable.metadata, owned)).collect::<Result<_, _>>()?)
    }
}
