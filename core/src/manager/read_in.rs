//! Reads the entries of declared namespaces.

use crate::directory::Directory;
use crate::error::IncrementalCheckpointError as Error;
use crate::manager::types::IncrementalCheckpointManager;
use crate::model::namespace::DEFAULT_NAMESPACE;
use crate::namespaces::View;
use crate::state::{State, Walk};

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Returns the value of a key of a namespace, if the key exists.
    ///
    /// A namespace that was not declared, and a key that the directory [does not own](Self::owned_range), are
    /// [`InvalidInput`](Error::InvalidInput).
    pub fn get_in(&self, namespace: u32, key: &[u8]) -> Result<Option<&[u8]>, Error> {
        self.check_owns(namespace, key)?;
        Ok(match namespace {
            DEFAULT_NAMESPACE => self.get(key),
            id => self.live.spaces.get(id)?.get(key, &self.live.position),
        })
    }

    /// Returns the values of many keys of a namespace, as [`get_many`](Self::get_many) does in the default one.
    ///
    /// A namespace that was not declared is [`InvalidInput`](Error::InvalidInput).
    pub fn get_many_in(&self, namespace: u32, lens: &[u32], keys: &[u8]) -> Result<Vec<Option<&[u8]>>, Error> {
        if namespace == DEFAULT_NAMESPACE {
            return self.get_many(lens, keys);
        }
        let space = self.live.spaces.get(namespace)?;
        self.read_many(namespace, lens, keys, |key| space.get(key, &self.live.position))
    }

    /// Returns the number of keys of a namespace. An entry that has expired counts until it is deleted, and a timer
    /// counts as a key.
    ///
    /// A namespace that was not declared is [`InvalidInput`](Error::InvalidInput).
    pub fn len_in(&self, namespace: u32) -> Result<usize, Error> {
        Ok(match namespace {
            DEFAULT_NAMESPACE => self.len(),
            id => self.live.spaces.get(id)?.state().len(),
        })
    }

    /// Returns the keys of a namespace that start with `prefix`, and their values, in order of the keys' bytes.
    ///
    /// A namespace that was not declared is [`InvalidInput`](Error::InvalidInput).
    pub fn iter_in(&self, namespace: u32, prefix: &[u8]) -> Result<impl Iterator<Item = (&[u8], &[u8])>, Error> {
        let view = match namespace {
            DEFAULT_NAMESPACE => View::All,
            id => self.live.spaces.get(id)?.view(&self.live.position),
        };
        let entries = self.stored_in(namespace)?.iter_prefix(prefix);
        Ok(entries.filter_map(move |(key, stored)| Some((key, view.see(stored)?))))
    }

    /// Returns the entries of a namespace as they are stored: a timer's key
    /// [begins with its time](crate::model::timer), and the value of an entry that expires
    /// [with its expiry time](crate::model::expiry).
    ///
    /// A namespace that was not declared is [`InvalidInput`](Error::InvalidInput).
    pub fn stored_in(&self, namespace: u32) -> Result<&State, Error> {
        Ok(match namespace {
            DEFAULT_NAMESPACE => &self.live.state,
            id => self.live.spaces.get(id)?.state(),
        })
    }

    /// Begins a walk over the entries of a namespace, as [`walk`](Self::walk) does over the default one.
    /// [`next_page`](Self::next_page) reads its pages.
    ///
    /// A namespace that was not declared is [`InvalidInput`](Error::InvalidInput).
    pub fn walk_in(&mut self, namespace: u32, prefix: &[u8]) -> Result<Walk, Error> {
        if namespace == DEFAULT_NAMESPACE {
            return Ok(self.walk(prefix));
        }
        let own = self.live.spaces.get(namespace)?.state().walk_bytes();
        let others = (self.live.state.walk_bytes() + self.live.spaces.walk_bytes() - own) as u64;
        let limit = self.config.memory_limit_bytes.map_or(u64::MAX, |limit| limit.saturating_sub(others));
        self.live.spaces.with_state(namespace, |state| {
            state.limit_walks(limit);
            state.walk(prefix).of_namespace(namespace)
        })
    }
}
