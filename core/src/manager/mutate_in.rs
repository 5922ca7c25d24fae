//! Changes the entries of declared namespaces, within their limits. A mutation that is refused changes nothing.

use std::borrow::Cow;

use crate::changelog::batch::{Columns, Operation};
use crate::error::IncrementalCheckpointError as Error;
use crate::manager::types::IncrementalCheckpointManager;
use crate::model::expiry::{EXPIRY_BYTES, expiry_time, with_expiry};
use crate::model::namespace::DEFAULT_NAMESPACE;
use crate::model::record::{Record, check_lengths};
use crate::model::stop::{BYTES, Steps};
use crate::state::{WARM_BLOCK, out_of_addresses};

/// So many expired entries are deleted with each mutation of a namespace whose entries expire, so that they cannot
/// become more and more.
const DELETED_WITH_EACH: usize = 2;

impl<D> IncrementalCheckpointManager<D> {
    /// Sets the value of a key of a namespace, as [`put`](Self::put) does in the default one. If its entries expire,
    /// this one begins to age again.
    ///
    /// A namespace that was not declared, and a value that the namespace [cannot
    /// merge](crate::model::namespace::MergeOperator), are [`InvalidInput`](Error::InvalidInput).
    pub fn put_in(&mut self, namespace: u32, key: &[u8], value: &[u8]) -> Result<(), Error> {
        if namespace == DEFAULT_NAMESPACE {
            return self.put(key, value);
        }
        self.check_value_in(namespace, value)?;
        let stored = self.to_be_stored(namespace, value)?;
        self.put_stored(namespace, key, &stored)?;
        self.delete_expired_with(namespace, 1);
        Ok(())
    }

    /// Sets a value as it is stored.
    pub(super) fn put_stored(&mut self, namespace: u32, key: &[u8], value: &[u8]) -> Result<(), Error> {
        if namespace == DEFAULT_NAMESPACE {
            return self.put(key, value);
        }
        check_lengths(key.len(), value.len())?;
        let space = self.live.spaces.get(namespace)?;
        let hash = space.place(key, Some(value))?;
        self.live.check_owned(hash, key)?;
        if let Some(limit) = self.config.memory_limit_bytes {
            let growth = space.state().growth_with_table(space.hash_of(hash, key), key, value);
            let growth = growth.ok_or_else(out_of_addresses)?;
            self.check_limit(limit, growth + self.live.changes.growth_for(key.len(), value.len()))?;
        }
        self.change_in(&Record { hash, namespace, key, value: Some(value) }).map(|_| ())
    }

    /// Deletes a key of a namespace, as [`delete`](Self::delete) does in the default one. Returns whether it existed.
    ///
    /// A namespace that was not declared is [`InvalidInput`](Error::InvalidInput).
    pub fn delete_in(&mut self, namespace: u32, key: &[u8]) -> Result<bool, Error> {
        if namespace == DEFAULT_NAMESPACE {
            return self.delete(key);
        }
        check_lengths(key.len(), 0)?;
        let space = self.live.spaces.get(namespace)?;
        let hash = space.place(key, None)?;
        self.live.check_owned(hash, key)?;
        let was_seen = space.get(key, &self.live.position).is_some();
        self.change_in(&Record { hash, namespace, key, value: None })?;
        Ok(was_seen)
    }

    /// Merges a value into that of a key, as the namespace declares. It saves reading the value first. The result is
    /// stored as by a put. A batch of [`apply_in`](Self::apply_in) may hold many merges.
    ///
    /// A namespace that declares no [operator](crate::model::namespace::MergeOperator), and a value that the operator
    /// does not take, are [`InvalidInput`](Error::InvalidInput).
    ///
    /// ```
    /// # use alluvium_core::directory::{block_on, MemoryDirectory};
    /// # use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
    /// # use std::sync::Arc;
    /// use alluvium_core::model::namespace::{MergeOperator, Namespace, NamespaceKind};
    ///
    /// # let options = OpenOptions::new(Arc::new(ManualClock::new(0))).create(true);
    /// # let open = IncrementalCheckpointManager::open(Arc::new(MemoryDirectory::new()), CheckpointConfig::default(), options);
    /// # let mut manager = block_on(open)?;
    /// let counts = Namespace::new(0, "counts", NamespaceKind::Hashed).merging(MergeOperator::AddU64);
    /// let counts = manager.declare_namespace(&counts)?;
    /// manager.merge_in(counts, b"JFK", &2_u64.to_le_bytes())?;
    /// manager.merge_in(counts, b"JFK", &3_u64.to_le_bytes())?;
    /// assert_eq!(manager.get_in(counts, b"JFK")?, Some(&5_u64.to_le_bytes()[..]));
    /// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
    /// ```
    pub fn merge_in(&mut self, namespace: u32, key: &[u8], value: &[u8]) -> Result<(), Error> {
        check_lengths(key.len(), value.len())?;
        if let Some(merged) = self.merged_alone(namespace, key, value) {
            let stored = self.to_be_stored(namespace, &merged)?;
            self.put_stored(namespace, key, &stored)?;
            self.delete_expired_with(namespace, 1);
            return Ok(());
        }
        // What cannot be merged is refused as in a batch.
        let (key_lens, value_lens) = ([key.len() as u32], [value.len() as u32]);
        let batch =
            Columns { ops: &[Columns::MERGE], key_lens: &key_lens, value_lens: &value_lens, keys: key, values: value };
        self.apply_in(namespace, &batch).map(drop)
    }

    /// Applies a batch to a namespace, as [`apply`](Self::apply) does to the default one.
    ///
    /// A namespace that was not declared, and a value that the namespace [cannot
    /// merge](crate::model::namespace::MergeOperator), are [`InvalidInput`](Error::InvalidInput). A merge whose result
    /// might be too long is [`LimitExceeded`](Error::LimitExceeded). Nothing is applied then.
    pub fn apply_in(&mut self, namespace: u32, batch: &Columns<'_>) -> Result<u64, Error> {
        if namespace == DEFAULT_NAMESPACE {
            return self.apply(batch);
        }
        self.check_batch_in(namespace, batch)?;
        let stop = self.live.state.stop().cloned();
        let mut steps = Steps::new(stop.as_ref());
        let mut operations = batch.operations()?;
        let mut block = Vec::with_capacity(WARM_BLOCK);
        loop {
            block.clear();
            let space = self.live.spaces.get(namespace)?;
            for (operation, key, value) in operations.by_ref().take(WARM_BLOCK) {
                block.push((operation, space.place(key, None)?, key, value));
            }
            if block.is_empty() {
                break;
            }
            let bytes: usize = block.iter().map(|(_, _, key, value)| key.len() + value.len()).sum();
            steps.take(block.len() + bytes / BYTES)?;
            space.state().warm(block.iter().map(|(_, hash, key, _)| space.hash_of(*hash, key)));
            for &(operation, hash, key, value) in &block {
                let value = match operation {
                    Operation::Delete => None,
                    Operation::Put => Some(self.to_be_stored(namespace, value)?),
                    Operation::Merge => {
                        let merged = self.merged(namespace, key, value)?;
                        Some(Cow::Owned(self.to_be_stored(namespace, &merged)?.into_owned()))
                    }
                };
                self.change_in(&Record { hash, namespace, key, value: value.as_deref() })?;
            }
        }
        self.delete_expired_with(namespace, batch.ops.len());
        Ok(batch.ops.len() as u64)
    }

    /// Applies a mutation of a declared namespace whose record was checked.
    pub(super) fn change_in(&mut self, record: &Record<'_>) -> Result<bool, Error> {
        let had_effect = self.live.apply_in(record)?;
        self.tend_changes();
        Ok(had_effect)
    }

    /// Returns a value as the namespace stores it: with an expiry time in front of it, if its entries expire.
    fn to_be_stored<'v>(&self, namespace: u32, value: &'v [u8]) -> Result<Cow<'v, [u8]>, Error> {
        let declaration = self.live.spaces.get(namespace)?.declaration();
        Ok(match declaration.expires {
            Some(domain) => {
                let now = self.live.position.time(domain);
                Cow::Owned(with_expiry(expiry_time(now, declaration.expires_after_ms), value))
            }
            None => Cow::Borrowed(value),
        })
    }

    /// Returns what comes of merging a value into that of a key.
    fn merged<'v>(&self, namespace: u32, key: &[u8], value: &'v [u8]) -> Result<Cow<'v, [u8]>, Error> {
        let space = self.live.spaces.get(namespace)?;
        let before = space.get(key, &self.live.position);
        Ok(match before.zip(space.declaration().merge) {
            Some((before, operator)) => Cow::Owned(operator.merge(before, value)),
            None => Cow::Borrowed(value),
        })
    }

    /// Returns what comes of merging one value into that of a key, or `None` if it cannot be merged. A batch looks up
    /// each key twice, because it is checked before any part of it is applied.
    fn merged_alone(&self, namespace: u32, key: &[u8], value: &[u8]) -> Option<Vec<u8>> {
        let space = self.live.spaces.get(namespace).ok()?;
        let operator = space.declaration().merge?;
        operator.check(value).ok()?;
        let Some(before) = space.get(key, &self.live.position) else { return Some(value.to_vec()) };
        operator.check(before).ok()?;
        Some(operator.merge(before, value))
    }

    /// Checks that a namespace can hold a value.
    fn check_value_in(&self, namespace: u32, value: &[u8]) -> Result<(), Error> {
        let declaration = self.live.spaces.get(namespace)?.declaration();
        let checked = declaration.merge.map_or(Ok(()), |operator| operator.check(value));
        checked.map_err(|what| Error::InvalidInput(format!("namespace {namespace}: {what}")))?;
        check_lengths(0, value.len() + if declaration.expires.is_some() { EXPIRY_BYTES } else { 0 })
    }

    /// Deletes some of what has expired with a number of mutations.
    fn delete_expired_with(&mut self, namespace: u32, mutations: usize) {
        // The mutations themselves have been applied. What cannot be deleted now is tried again with the next ones.
        let _ = self.delete_expired_in(namespace, DELETED_WITH_EACH.saturating_mul(mutations));
    }
}
