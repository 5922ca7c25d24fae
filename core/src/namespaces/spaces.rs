//! All declared namespaces of a state.

use crate::error::IncrementalCheckpointError as Error;
use crate::model::namespace::Namespaces;
use crate::model::record::Record;
use crate::model::stop::Stop;
use crate::namespaces::space::Space;
use crate::state::{State, Tail, out_of_addresses};

/// The declared namespaces of a state, in order of their ids. The default one is a [`State`] beside them.
#[derive(Debug, Default)]
pub(crate) struct Spaces {
    declared: Namespaces,
    /// In order of their ids.
    all: Vec<Space>,
    /// The bytes that all of them hold from the allocator.
    allocated: u64,
}

/// The ends of the namespaces while records are appended in the order of a file.
#[derive(Debug, Default)]
pub(crate) struct Tails(Vec<Tail>);

impl Spaces {
    /// Returns empty namespaces.
    pub(crate) fn new(declared: Namespaces) -> Self {
        let all: Vec<Space> = declared.iter().cloned().map(Space::new).collect();
        let allocated = all.iter().map(|space| space.state.allocated_bytes()).sum();
        Self { declared, all, allocated }
    }

    /// Returns what is declared.
    pub(crate) fn declared(&self) -> &Namespaces {
        &self.declared
    }

    /// Replaces what is declared. The namespaces that were there keep their ids, kinds and entries, and new ones
    /// come after them or between them.
    pub(crate) fn declare(&mut self, declared: Namespaces, stop: Option<&Stop>) {
        let mut before = std::mem::take(&mut self.all).into_iter().peekable();
        self.all = declared
            .iter()
            .cloned()
            .map(|declaration| {
                let is_same = |space: &Space| space.declaration.id == declaration.id;
                let mut space = if let Some(space) = before.next_if(is_same) {
                    space.declared_as(declaration)
                } else {
                    let mut space = Space::new(declaration);
                    space.keep_in_order();
                    space
                };
                space.state.stop_when(stop.cloned());
                space
            })
            .collect();
        self.declared = declared;
        self.allocated = self.all.iter().map(|space| space.state.allocated_bytes()).sum();
    }

    /// Keeps the entries in the orders that their namespaces need from now on. This comes after recovery.
    pub(crate) fn keep_in_order(&mut self) {
        self.all.iter_mut().for_each(Space::keep_in_order);
        self.allocated = self.all.iter().map(|space| space.state.allocated_bytes()).sum();
    }

    /// Returns the namespaces in order of their ids.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Space> {
        self.all.iter()
    }

    #[inline]
    fn index(&self, id: u32) -> Option<usize> {
        // Ids are most often given without a gap.
        let guess = (id as usize).wrapping_sub(1);
        match self.all.get(guess) {
            Some(space) if space.declaration.id == id => Some(guess),
            _ => self.all.binary_search_by_key(&id, |space| space.declaration.id).ok(),
        }
    }

    /// Returns a namespace by its id.
    #[inline]
    pub(crate) fn find(&self, id: u32) -> Option<&Space> {
        self.index(id).map(|at| &self.all[at])
    }

    /// Returns a namespace by its id. One that was not declared is [`InvalidInput`](Error::InvalidInput).
    #[inline]
    pub(crate) fn get(&self, id: u32) -> Result<&Space, Error> {
        self.find(id).ok_or_else(|| not_declared(id))
    }

    /// Changes a namespace.
    #[inline]
    fn change<T>(&mut self, id: u32, change: impl FnOnce(&mut Space) -> T) -> Result<T, Error> {
        let at = self.index(id).ok_or_else(|| not_declared(id))?;
        let space = &mut self.all[at];
        self.allocated -= space.state.allocated_bytes();
        let changed = change(space);
        self.allocated += space.state.allocated_bytes();
        Ok(changed)
    }

    /// Changes the entries of a namespace, without mutating any of them.
    pub(crate) fn with_state<T>(&mut self, id: u32, change: impl FnOnce(&mut State) -> T) -> Result<T, Error> {
        self.change(id, |space| change(&mut space.state))
    }

    /// Applies a mutation whose record was checked, and shows the value that it replaces to `note`. A deletion of
    /// a key that is not there shows nothing. Returns whether there was an effect.
    ///
    /// If no address is left for a record, it is [`LimitExceeded`](Error::LimitExceeded).
    #[inline]
    pub(crate) fn apply(&mut self, record: &Record<'_>, note: impl FnOnce(Option<&[u8]>)) -> Result<bool, Error> {
        self.change(record.namespace, |space| match record.value {
            Some(value) => {
                space.state.growth_for(record.key, value).ok_or_else(out_of_addresses)?;
                space.put(record.hash, record.key, value, note);
                Ok(true)
            }
            None => Ok(space.delete(record.hash, record.key, note)),
        })?
    }

    /// Applies a record of a base like [`apply`](Self::apply), and without a search if its namespace is hashed and
    /// its records come in order.
    pub(crate) fn append(&mut self, tails: &mut Tails, record: &Record<'_>) -> Result<(), Error> {
        let at = self.index(record.namespace).ok_or_else(|| not_declared(record.namespace))?;
        tails.0.resize_with(self.all.len(), Tail::default);
        let tail = &mut tails.0[at];
        self.change(record.namespace, |space| {
            let Some(value) = record.value else {
                space.delete(record.hash, record.key, |_| {});
                return Ok(());
            };
            space.state.growth_for(record.key, value).ok_or_else(out_of_addresses)?;
            space.append(tail, record, value);
            Ok(())
        })?
    }

    /// Ends appending in all namespaces.
    pub(crate) fn end_appends(&mut self, tails: &mut Tails) {
        for (space, tail) in self.all.iter_mut().zip(&mut tails.0) {
            self.allocated -= space.state.allocated_bytes();
            space.state.end_append(tail);
            self.allocated += space.state.allocated_bytes();
        }
    }

    /// Returns the bytes held from the allocator.
    #[inline]
    pub(crate) fn allocated_bytes(&self) -> u64 {
        self.allocated
    }

    /// Adds the payload bytes of each key group to `group_bytes`.
    pub(crate) fn add_group_bytes(&self, group_bytes: &mut [u64]) {
        for space in &self.all {
            group_bytes.iter_mut().zip(space.group_bytes()).for_each(|(sum, bytes)| *sum += bytes);
        }
    }

    /// Returns all entries as records, in no order that a file has.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.all.iter().flat_map(Space::records)
    }

    /// Stops long work from now on when its caller says so.
    pub(crate) fn stop_when(&mut self, stop: Option<&Stop>) {
        self.all.iter_mut().for_each(|space| space.state.stop_when(stop.cloned()));
    }

    /// Makes all walks do without the records that they refer to.
    pub(crate) fn release_walks(&mut self) {
        for space in &mut self.all {
            self.allocated -= space.state.allocated_bytes();
            space.state.release_walks(true);
            self.allocated += space.state.allocated_bytes();
        }
    }

    /// Returns the bytes that walks hold from the allocator.
    pub(crate) fn walk_bytes(&self) -> usize {
        self.all.iter().map(|space| space.state.walk_bytes()).sum()
    }
}

fn not_declared(id: u32) -> Error {
    Error::InvalidInput(format!("namespace {id} was not declared"))
}
