//! The keyed data of one declared namespace.

use crate::error::IncrementalCheckpointError as Error;
use crate::model::expiry::split_expiry;
use crate::model::hash::{key_hash, namespace_weight};
use crate::model::key_groups::{KEY_GROUPS, group_of};
use crate::model::namespace::{Namespace, NamespaceKind};
use crate::model::position::StreamPosition;
use crate::model::record::Record;
use crate::state::{State, Tail};

/// The keyed data of one declared namespace. Keys are looked up by the hash of the whole key, whatever part of
/// it decides where their records are.
#[derive(Debug)]
pub(crate) struct Space {
    pub(super) declaration: Namespace,
    pub(super) state: State,
    weight: u64,
    /// The payload bytes of each key group, if not the whole key decides where a record is.
    routed_bytes: Option<Box<[u64]>>,
}

/// What of the stored values a reader sees.
#[derive(Debug, Clone, Copy)]
pub(crate) enum View {
    /// All of them, as they are stored.
    All,
    /// Those that have not expired at this time, without their expiry times.
    Unexpired(Option<i64>),
}

impl View {
    /// Returns what is seen of a stored value.
    #[inline]
    pub(crate) fn see(self, stored: &[u8]) -> Option<&[u8]> {
        let Self::Unexpired(now) = self else { return Some(stored) };
        let (expiry_ms, value) = split_expiry(stored)?;
        now.is_none_or(|now| now < expiry_ms).then_some(value)
    }
}

impl Space {
    /// Returns an empty one. It is not kept in order before [`keep_in_order`](Self::keep_in_order).
    pub(super) fn new(declaration: Namespace) -> Self {
        let is_routed = declaration.kind != NamespaceKind::Hashed;
        Self {
            state: State::new(),
            weight: namespace_weight(declaration.id),
            routed_bytes: is_routed.then(|| vec![0; usize::from(KEY_GROUPS)].into_boxed_slice()),
            declaration,
        }
    }

    /// Declares the namespace differently. Its id and its kind stay.
    pub(super) fn declared_as(self, declaration: Namespace) -> Self {
        Self { declaration, ..self }
    }

    /// Keeps the entries in the orders that the declaration needs from now on. They are put in order once, so this
    /// comes after recovery.
    pub(super) fn keep_in_order(&mut self) {
        let is_ordered = self.declaration.kind != NamespaceKind::Hashed;
        self.state.keep_in_order(is_ordered, self.declaration.expires.is_some());
    }

    /// Returns what the namespace is declared as.
    pub(crate) fn declaration(&self) -> &Namespace {
        &self.declaration
    }

    /// Returns the entries, as they are stored.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Returns what of the values a reader sees at this position in the stream.
    pub(crate) fn view(&self, position: &StreamPosition) -> View {
        match self.declaration.expires {
            Some(domain) => View::Unexpired(position.time(domain)),
            None => View::All,
        }
    }

    /// Returns the value of a key as a reader sees it at this position in the stream.
    #[inline]
    pub(crate) fn get(&self, key: &[u8], position: &StreamPosition) -> Option<&[u8]> {
        self.state.get(key).and_then(|stored| self.view(position).see(stored))
    }

    /// Returns the share of the digest of the whole state.
    pub(crate) fn digest(&self) -> u64 {
        self.weight.wrapping_mul(self.state.digest())
    }

    /// Returns the payload bytes of each key group, by where the records are.
    pub(super) fn group_bytes(&self) -> &[u64] {
        self.routed_bytes.as_deref().unwrap_or_else(|| self.state.group_bytes())
    }

    /// Returns the hash by which the record of a mutation is placed. A mutation that the namespace cannot hold is
    /// [`InvalidInput`](Error::InvalidInput).
    #[inline]
    pub(crate) fn place(&self, key: &[u8], value: Option<&[u8]>) -> Result<u64, Error> {
        let place = self.declaration.place(key, value);
        place.map_err(|what| Error::InvalidInput(format!("namespace {}: {what}", self.declaration.id)))
    }

    /// Returns the hash by which a key is looked up, given the one by which its record is placed.
    #[inline]
    pub(crate) fn hash_of(&self, place: u64, key: &[u8]) -> u64 {
        if self.routed_bytes.is_none() { place } else { key_hash(key) }
    }

    /// Sets the value of a key, and shows the value that it replaces to `note`. The arena must have an address for
    /// the record.
    #[inline]
    pub(super) fn put(&mut self, place: u64, key: &[u8], value: &[u8], note: impl FnOnce(Option<&[u8]>)) {
        let hash = self.hash_of(place, key);
        let mut before = 0;
        self.state.put_noting(hash, key, value, |old| {
            before = old.map_or(0, |old| key.len() + old.len());
            note(old);
        });
        self.count(place, before, key.len() + value.len());
    }

    /// Deletes a key, and shows the value of a key that was there to `note`. Returns whether it was there.
    #[inline]
    pub(super) fn delete(&mut self, place: u64, key: &[u8], note: impl FnOnce(Option<&[u8]>)) -> bool {
        let hash = self.hash_of(place, key);
        let mut before = 0;
        let was_there = self.state.delete_noting(hash, key, |old| {
            before = old.map_or(0, |old| key.len() + old.len());
            note(old);
        });
        self.count(place, before, 0);
        was_there
    }

    /// Puts a record like [`put`](Self::put), and without a search if the records come in the order of their hashes.
    pub(super) fn append(&mut self, tail: &mut Tail, record: &Record<'_>, value: &[u8]) {
        if self.routed_bytes.is_some() {
            return self.put(record.hash, record.key, value, |_| {});
        }
        self.state.append_hashed(tail, record.hash, record.key, value);
    }

    /// Counts the payload bytes of a record that had `before` of them and has `after`.
    #[inline]
    fn count(&mut self, place: u64, before: usize, after: usize) {
        if let Some(bytes) = &mut self.routed_bytes {
            let bytes = &mut bytes[usize::from(group_of(place))];
            *bytes = *bytes - before as u64 + after as u64;
        }
    }

    /// Returns all entries as records, in no order that a file has.
    pub(super) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.state.iter_hash_order().map(|(key, value)| {
            let hash = self.declaration.route(key).map_or(0, key_hash);
            Record { hash, namespace: self.declaration.id, key, value: Some(value) }
        })
    }
}
