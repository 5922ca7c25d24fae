//! Other directories, by the id of their store: where the segments are that a checkpoint names in another
//! directory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Directories by the id that their files are bound to. Clones share them.
///
/// ```
/// use std::sync::Arc;
/// use alluvium_core::directory::{MemoryDirectory, Stores};
///
/// let stores = Stores::new().with([7; 16], Arc::new(MemoryDirectory::new()));
/// assert!(stores.get([7; 16]).is_some() && stores.get([8; 16]).is_none());
/// ```
pub struct Stores<D>(Arc<BTreeMap<[u8; 16], Arc<D>>>);

impl<D> Stores<D> {
    /// Returns no directories.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a directory. It takes the place of one with the same id.
    #[must_use]
    pub fn with(self, store_id: [u8; 16], directory: Arc<D>) -> Self {
        let mut stores = BTreeMap::clone(&self.0);
        stores.insert(store_id, directory);
        Self(Arc::new(stores))
    }

    /// Returns the directory with this id.
    pub fn get(&self, store_id: [u8; 16]) -> Option<&Arc<D>> {
        self.0.get(&store_id)
    }

    /// Returns the directories, each as what `wrap` makes of it.
    pub fn map<'s, E>(&'s self, wrap: impl Fn(&'s Arc<D>) -> E) -> Stores<E> {
        Stores(Arc::new(self.0.iter().map(|(id, directory)| (*id, Arc::new(wrap(directory)))).collect()))
    }
}

impl<D> Default for Stores<D> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<D> Clone for Stores<D> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<D> fmt::Debug for Stores<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = |id: &[u8; 16]| format!("{:032x}", u128::from_be_bytes(*id));
        f.debug_tuple("Stores").field(&self.0.keys().map(digits).collect::<Vec<_>>()).finish()
    }
}
