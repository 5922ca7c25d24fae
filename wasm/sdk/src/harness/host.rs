//! What a host gives an operator, by core's manager.

use std::sync::Arc;

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::model::namespace::{MergeOperator, Namespace as Declared, NamespaceKind, TimeDomain};
use alluvium_core::{
    CheckpointConfig, Columns, IncrementalCheckpointError, IncrementalCheckpointManager, ManualClock, OpenOptions, Walk,
};

use crate::description::{Domain, Kind, Merge, Namespace};
use crate::host::{Entry, Host, Level, Packed};

/// The most bytes of keys and values in a page, after its first entry.
const PAGE_BYTES: usize = 1 << 20;

/// Core's manager, and what an operator has emitted and said.
pub(super) struct NativeHost {
    pub(super) manager: IncrementalCheckpointManager<MemoryDirectory>,
    /// The namespaces in the order of their declaration, by name and number.
    pub(super) namespaces: Vec<(Namespace, u32)>,
    pub(super) emitted: Vec<Vec<Vec<u8>>>,
    pub(super) messages: Vec<String>,
    walk: Option<Walk>,
}

pub(super) fn text(error: impl Into<IncrementalCheckpointError>) -> String {
    error.into().to_string()
}

impl NativeHost {
    /// Opens a directory, and declares the namespaces.
    pub(super) fn open(
        directory: &Arc<MemoryDirectory>,
        namespaces: Vec<Namespace>,
        outputs: usize,
    ) -> Result<Self, String> {
        let options = OpenOptions::new(Arc::new(ManualClock::new(0))).create(true);
        let opened = IncrementalCheckpointManager::open(directory.clone(), CheckpointConfig::default(), options);
        let mut manager = block_on(opened).map_err(text)?;
        let declare = |namespace: Namespace| {
            let number = manager.declare_namespace(&declared(&namespace)).map_err(text)?;
            Ok((namespace, number))
        };
        let namespaces = namespaces.into_iter().map(declare).collect::<Result<_, String>>()?;
        Ok(Self { manager, namespaces, emitted: vec![Vec::new(); outputs], messages: Vec::new(), walk: None })
    }

    /// Returns the namespaces that hold timers by a clock.
    pub(super) fn queues(&self, clock: Domain) -> Vec<(String, u32)> {
        let queues = self.namespaces.iter().filter(|(namespace, _)| namespace.kind == Kind::Timers(clock));
        queues.map(|(namespace, number)| (namespace.name.clone(), *number)).collect()
    }
}

impl Host for NativeHost {
    fn namespace(&mut self, name: &str) -> Result<u32, String> {
        let found = self.namespaces.iter().find(|(namespace, _)| namespace.name == name);
        found.map(|(_, number)| *number).ok_or_else(|| format!("the operator has not described a namespace {name:?}"))
    }

    fn get_many(&mut self, namespace: u32, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, String> {
        let value = |key: &&[u8]| Ok(self.manager.get_in(namespace, key).map_err(text)?.map(<[u8]>::to_vec));
        keys.iter().map(value).collect()
    }

    fn apply(&mut self, namespace: u32, changes: &[(&[u8], Option<&[u8]>)]) -> Result<(), String> {
        let ops: Vec<u8> = changes.iter().map(|(_, value)| u8::from(value.is_none())).collect();
        let changes: Vec<_> = changes.iter().map(|(key, value)| (*key, value.unwrap_or_default())).collect();
        self.apply_columns(namespace, &ops, &changes)
    }

    fn merge(&mut self, namespace: u32, changes: &[(&[u8], &[u8])]) -> Result<(), String> {
        self.apply_columns(namespace, &vec![2; changes.len()], changes)
    }

    fn scan(
        &mut self,
        namespace: u32,
        from: &[u8],
        to: Option<&[u8]>,
        reverse: bool,
        limit: u32,
    ) -> Result<Vec<Entry>, String> {
        let found = self.manager.scan(namespace, from, to, reverse, limit as usize, PAGE_BYTES).map_err(text)?;
        Ok(found.into_iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect())
    }

    fn delete_range(&mut self, namespace: u32, from: &[u8], to: Option<&[u8]>) -> Result<u64, String> {
        self.manager.delete_range(namespace, from, to).map_err(text)
    }

    fn page(&mut self, namespace: u32, start: bool, limit: u32) -> Result<Vec<Entry>, String> {
        if start {
            self.walk = Some(self.manager.walk_in(namespace, b"").map_err(text)?);
        }
        let walk = self.walk.as_mut().ok_or("the next page was asked for before the first")?;
        let page = self.manager.next_page(walk, limit as usize, PAGE_BYTES).map_err(text)?;
        Ok(page.into_iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect())
    }

    fn set_timer(&mut self, namespace: u32, at_ms: i64, key: &[u8]) -> Result<(), String> {
        self.manager.set_timer(namespace, at_ms, key).map_err(text)
    }

    fn delete_timer(&mut self, namespace: u32, at_ms: i64, key: &[u8]) -> Result<bool, String> {
        self.manager.delete_timer(namespace, at_ms, key).map_err(text)
    }

    fn watermark(&mut self) -> Option<i64> {
        self.manager.watermark()
    }

    fn processing_time(&mut self) -> Option<i64> {
        self.manager.position().processing_time_ms
    }

    fn emit(&mut self, output: u32, record: &[u8]) -> Result<(), String> {
        let outputs = self.emitted.len();
        let emitted = self.emitted.get_mut(output as usize);
        emitted
            .ok_or_else(|| format!("there is no output {output}: the operator describes {outputs}"))?
            .push(record.to_vec());
        Ok(())
    }

    fn log(&mut self, level: Level, message: &str) {
        self.messages.push(format!("{level:?}: {message}"));
    }
}

impl NativeHost {
    fn apply_columns(&mut self, namespace: u32, ops: &[u8], changes: &[(&[u8], &[u8])]) -> Result<(), String> {
        let Packed { key_lens, value_lens, keys, values } = Packed::of(changes);
        let columns = Columns { ops, key_lens: &key_lens, value_lens: &value_lens, keys: &keys, values: &values };
        self.manager.apply_in(namespace, &columns).map(drop).map_err(text)
    }
}

fn declared(namespace: &Namespace) -> Declared {
    let domain = |clock| match clock {
        Domain::Event => TimeDomain::Event,
        Domain::Processing => TimeDomain::Processing,
    };
    let kind = match namespace.kind {
        Kind::Hashed => NamespaceKind::Hashed,
        Kind::Ordered(bytes) => NamespaceKind::Ordered { route_bytes: u16::try_from(bytes).unwrap_or(u16::MAX) },
        Kind::Timers(clock) => NamespaceKind::Timers(domain(clock)),
    };
    let declared = Declared::new(0, namespace.name.as_str(), kind);
    let declared = match namespace.expires {
        Some((clock, after_ms)) => declared.expiring(domain(clock), after_ms),
        None => declared,
    };
    let merge = namespace.merge.map(|operator| match operator {
        Merge::Add => MergeOperator::AddI64,
        Merge::Min => MergeOperator::Min,
        Merge::Max => MergeOperator::Max,
        Merge::Append => MergeOperator::Append,
        Merge::SetUnion => MergeOperator::SetUnion,
    });
    match merge {
        Some(operator) => declared.merging(operator),
        None => declared,
    }
}
