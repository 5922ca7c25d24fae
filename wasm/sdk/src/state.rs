//! Typed state of operators: maps, single values, lists and counters, each in a namespace of its own.

use std::marker::PhantomData;

use crate::codec::Codec;
use crate::context::Context;
use crate::description::{Domain, Kind, Namespace};
use crate::key::Key;
use crate::space::Space;

/// Values by key, in a namespace of its own.
///
/// Its entries belong to their keys when the state is divided. Reads and writes go through the cache of the
/// [`Context`]: name the keys of a batch with [`prefetch`](Self::prefetch), and the batch costs one read and one write.
///
/// ```
/// use alluvium_plugin::{Context, Map};
///
/// struct Visits {
///     by_page: Map<String, u64>,
/// }
///
/// impl Visits {
///     fn count(&self, page: &String, context: &mut Context<'_>) -> Result<u64, String> {
///         let visits = self.by_page.get(page, context)?.unwrap_or(0) + 1;
///         self.by_page.set(page, &visits, context)?;
///         Ok(visits)
///     }
/// }
/// let visits = Visits { by_page: Map::new("visits") };
/// assert_eq!(visits.by_page.namespace().name, "visits");
/// ```
#[derive(Debug)]
pub struct Map<K, V> {
    space: Space,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K: Key, V: Codec> Map<K, V> {
    /// Returns the map in the namespace of this name.
    pub const fn new(name: &'static str) -> Self {
        Self { space: Space::new(name), types: PhantomData }
    }

    /// Has entries go away by themselves, so many milliseconds after they were set.
    #[must_use]
    pub const fn expires(self, clock: Domain, after_ms: u64) -> Self {
        Self { space: self.space.expires(clock, after_ms), ..self }
    }

    /// Returns its namespace, for the operator's [`Description`](crate::Description).
    pub fn namespace(&self) -> Namespace {
        self.space.declared(Kind::Hashed)
    }

    /// Reads the values of keys that will be needed, in one call to the host.
    pub fn prefetch<'k>(&self, keys: impl IntoIterator<Item = &'k K>, context: &mut Context<'_>) -> Result<(), String>
    where
        K: 'k,
    {
        let keys: Vec<Vec<u8>> = keys.into_iter().map(Key::bytes).collect();
        let namespace = self.space.number(context)?;
        context.prefetch(namespace, keys.iter().map(Vec::as_slice))
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &K, context: &mut Context<'_>) -> Result<Option<V>, String> {
        self.space.get(&key.bytes(), context, V::decode)
    }

    /// Returns a page of entries in the order of their keys, for results: at most `limit`, and with `start` the first
    /// ones. An empty page is the end.
    pub fn page(&self, start: bool, limit: u32, context: &mut Context<'_>) -> Result<Vec<(K, V)>, String> {
        self.space.page(start, limit, context, V::decode)
    }

    /// Returns all entries, in the order of their keys, for a migration. All of them are in memory then.
    pub fn entries(&self, context: &mut Context<'_>) -> Result<Vec<(K, V)>, String> {
        const PAGE: u32 = 1_000;
        let mut entries = self.page(true, PAGE, context)?;
        while let page = self.page(false, PAGE, context)?
            && !page.is_empty()
        {
            entries.extend(page);
        }
        Ok(entries)
    }

    /// Sets the value of a key.
    pub fn set(&self, key: &K, value: &V, context: &mut Context<'_>) -> Result<(), String> {
        self.space.set(&key.bytes(), Some(value.encode()), context)
    }

    /// Deletes a key.
    pub fn delete(&self, key: &K, context: &mut Context<'_>) -> Result<(), String> {
        self.space.set(&key.bytes(), None, context)
    }
}

/// One value of the whole operator. An operator with such a value cannot be divided by key.
#[derive(Debug)]
pub struct Value<V>(Map<String, V>);

impl<V: Codec> Value<V> {
    /// Returns the value in the namespace of this name.
    pub const fn new(name: &'static str) -> Self {
        Self(Map::new(name))
    }

    /// Returns its namespace, for the operator's [`Description`](crate::Description).
    pub fn namespace(&self) -> Namespace {
        self.0.namespace()
    }

    /// Returns the value, if it was set.
    pub fn get(&self, context: &mut Context<'_>) -> Result<Option<V>, String> {
        self.0.get(&String::new(), context)
    }

    /// Sets the value.
    pub fn set(&self, value: &V, context: &mut Context<'_>) -> Result<(), String> {
        self.0.set(&String::new(), value, context)
    }
}

/// A list for each key: what was pushed last is at its end.
///
/// A list is one value of the state, which a push reads and writes as a whole. So it is for some hundreds of items. For
/// more, keep a [`Map`] whose keys have a number as their last part.
///
/// ```
/// use alluvium_plugin::{Context, List};
///
/// struct Recent {
///     pages: List<u64, String>,
/// }
///
/// impl Recent {
///     fn visited(&self, user: u64, page: String, context: &mut Context<'_>) -> Result<Vec<String>, String> {
///         if self.pages.push(&user, page, context)? == 3 {
///             return self.pages.take(&user, context);
///         }
///         Ok(Vec::new())
///     }
/// }
/// let recent = Recent { pages: List::new("pages") };
/// assert_eq!(recent.pages.namespace().name, "pages");
/// ```
#[derive(Debug)]
pub struct List<K, V>(Map<K, Vec<V>>);

impl<K: Key, V> List<K, V>
where
    Vec<V>: Codec,
{
    /// Returns the lists in the namespace of this name.
    pub const fn new(name: &'static str) -> Self {
        Self(Map::new(name))
    }

    /// Has a list go away by itself, so many milliseconds after something was pushed to it.
    #[must_use]
    pub const fn expires(self, clock: Domain, after_ms: u64) -> Self {
        let Map { space, types } = self.0;
        Self(Map { space: space.expires(clock, after_ms), types })
    }

    /// Returns its namespace, for the operator's [`Description`](crate::Description).
    pub fn namespace(&self) -> Namespace {
        self.0.namespace()
    }

    /// Reads the lists of keys that will be needed, in one call to the host.
    pub fn prefetch<'k>(&self, keys: impl IntoIterator<Item = &'k K>, context: &mut Context<'_>) -> Result<(), String>
    where
        K: 'k,
    {
        self.0.prefetch(keys, context)
    }

    /// Adds an item to the list of a key, and returns how many it has then.
    pub fn push(&self, key: &K, item: V, context: &mut Context<'_>) -> Result<usize, String> {
        let mut items = self.get(key, context)?;
        items.push(item);
        self.0.set(key, &items, context)?;
        Ok(items.len())
    }

    /// Returns the list of a key, which is empty if nothing was pushed.
    pub fn get(&self, key: &K, context: &mut Context<'_>) -> Result<Vec<V>, String> {
        Ok(self.0.get(key, context)?.unwrap_or_default())
    }

    /// Returns the list of a key, and leaves none.
    pub fn take(&self, key: &K, context: &mut Context<'_>) -> Result<Vec<V>, String> {
        let items = self.get(key, context)?;
        self.0.delete(key, context)?;
        Ok(items)
    }
}

/// A count for each key.
#[derive(Debug)]
pub struct Counter<K>(Map<K, u64>);

impl<K: Key> Counter<K> {
    /// Returns the counter in the namespace of this name.
    pub const fn new(name: &'static str) -> Self {
        Self(Map::new(name))
    }

    /// Returns its namespace, for the operator's [`Description`](crate::Description).
    pub fn namespace(&self) -> Namespace {
        self.0.namespace()
    }

    /// Adds to the count of a key, and returns what it is then.
    pub fn add(&self, key: &K, count: u64, context: &mut Context<'_>) -> Result<u64, String> {
        let count = self.0.get(key, context)?.unwrap_or(0).saturating_add(count);
        self.0.set(key, &count, context)?;
        Ok(count)
    }

    /// Returns the count of a key.
    pub fn get(&self, key: &K, context: &mut Context<'_>) -> Result<u64, String> {
        Ok(self.0.get(key, context)?.unwrap_or(0))
    }
}
