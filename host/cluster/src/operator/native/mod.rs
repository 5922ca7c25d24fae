//! Operators in Rust.

mod worker;

use std::sync::Arc;

use alluvium::SystemClock;
use alluvium::background::BackgroundWriter;
use alluvium_core::directory::{Directory, block_on};
use alluvium_core::model::hash::key_hash;
use alluvium_core::model::namespace::{Namespace, NamespaceKind, TimeDomain};
use alluvium_core::model::timer::Timer;
use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, OpenOptions};

use self::worker::NativeWorker;
use crate::error::ClusterError;
use crate::left_out::Refusal;
use crate::message::{Emitted, Order, Piece};
use crate::operator::{Build, Opening, Router, Worker, divide_fields};

/// What a record of a stream is turned into: an operator in Rust, over keyed state.
///
/// An operator may touch only keys that belong to the key of the record, or of the timer, that it works on. Another
/// key is refused by the state, because another worker may own it.
pub trait Operator: Send + Sync + 'static {
    /// Returns the operator's name. The state of a job belongs to the operator of this name.
    fn name(&self) -> &str;

    /// Returns the namespaces of the state, beside the default one. They get the numbers 1, 2, … in this order.
    fn namespaces(&self) -> Vec<Namespace> {
        Vec::new()
    }

    /// Returns the names of the inputs.
    fn inputs(&self) -> Vec<String> {
        vec!["records".into()]
    }

    /// Returns the names of the outputs.
    fn outputs(&self) -> Vec<String> {
        Vec::new()
    }

    /// Puts the key of a record into `key`, which is empty. `columns` are the names of its fields, if it has any.
    fn key(&self, input: u32, columns: &[String], record: &[&[u8]], key: &mut Vec<u8>) -> Result<(), String>;

    /// Works a record into the state.
    fn process<D: Directory>(
        &self,
        context: &mut Context<'_, D>,
        input: u32,
        columns: &[String],
        record: &[&[u8]],
    ) -> Result<(), String>;

    /// Does the work of a timer of event time.
    fn on_timer<D: Directory>(
        &self,
        context: &mut Context<'_, D>,
        namespace: u32,
        timer: &Timer,
    ) -> Result<(), String> {
        let _ = (context, namespace, timer);
        Ok(())
    }
}

/// What an operator works with: the state of its worker, and its outputs.
pub struct Context<'a, D> {
    state: &'a mut IncrementalCheckpointManager<D>,
    emitted: &'a mut Vec<Emitted>,
    order: Order,
}

impl<D: Directory> Context<'_, D> {
    /// Returns the state. Only its mutations and reads are meant for operators.
    pub fn state(&mut self) -> &mut IncrementalCheckpointManager<D> {
        self.state
    }

    /// Emits a record to an output, given by its number.
    pub fn emit(&mut self, output: u32, record: &[u8]) {
        self.emitted.push(Emitted { output, order: self.order, bytes: record.to_vec() });
        if let Order::Record(_, _, _, count) = &mut self.order {
            *count += 1;
        }
    }
}

/// An [`Operator`] as what workers start with.
#[derive(Debug, Clone)]
pub struct NativeOperator<O>(Arc<O>);

impl<O> NativeOperator<O> {
    /// Wraps an operator.
    pub fn new(operator: O) -> Self {
        Self(Arc::new(operator))
    }
}

impl<D: Directory + Send + Sync + 'static, O: Operator> Build<D> for NativeOperator<O> {
    fn name(&self) -> String {
        self.0.name().to_owned()
    }

    fn inputs(&self) -> Vec<String> {
        self.0.inputs()
    }

    fn outputs(&self) -> Vec<String> {
        self.0.outputs()
    }

    fn open(&self, opening: Opening<D>) -> Result<Box<dyn Worker>, ClusterError> {
        let mut writer = [0; 8];
        getrandom::fill(&mut writer).map_err(|error| ClusterError::Options(format!("no randomness: {error}")))?;
        let options = OpenOptions::new(Arc::new(SystemClock::new())).store_id(opening.store.0);
        let options = options.writer(u64::from_le_bytes(writer)).named_elsewhere(true);
        let config = CheckpointConfig::new().with_max_retained(opening.max_retained as usize);
        let Opening { directory, parts, stores, range, .. } = opening;
        let opened = IncrementalCheckpointManager::open_parts(directory, &parts, stores, range, config, options);
        let mut state = block_on(opened)?;
        let mut queues = Vec::new();
        for declaration in self.0.namespaces() {
            let id = state.declare_namespace(&declaration)?;
            match declaration.kind {
                NamespaceKind::Timers(TimeDomain::Event) => queues.push(id),
                NamespaceKind::Timers(TimeDomain::Processing) => {
                    let what = "an operator of a job cannot have timers of processing time yet";
                    return Err(ClusterError::Options(format!("{}: {what}", declaration.name)));
                }
                NamespaceKind::Hashed | NamespaceKind::Ordered { .. } => {}
            }
        }
        Ok(Box::new(NativeWorker { operator: self.0.clone(), state, queues, writer: BackgroundWriter::start() }))
    }

    fn router(&self) -> Result<Box<dyn Router>, ClusterError> {
        Ok(Box::new(NativeRouter { operator: self.0.clone(), key: Vec::new() }))
    }
}

struct NativeRouter<O> {
    operator: Arc<O>,
    key: Vec<u8>,
}

impl<O: Operator> Router for NativeRouter<O> {
    fn route(&mut self, piece: &Piece) -> Result<Vec<u64>, Refusal> {
        let columns = piece.header.as_deref().unwrap_or_default();
        let mut hashes = Vec::with_capacity(piece.count());
        let mut fields = Vec::new();
        for (number, lens, bytes) in piece.records() {
            self.key.clear();
            divide_fields(&mut fields, lens, bytes);
            let key = self.operator.key(piece.input, columns, &fields, &mut self.key);
            key.map_err(|what| Refusal::Record { number: Some(number), what })?;
            hashes.push(key_hash(&self.key));
        }
        Ok(hashes)
    }
}
