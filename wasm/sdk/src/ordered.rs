//! Keyed state in the order of its keys.

use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};

use crate::code::FixedKey;
use crate::codec::Codec;
use crate::context::Context;
use crate::description::{Domain, Kind, Namespace};
use crate::key::Key;
use crate::space::Space;

/// Values by an owner and a key, in the order of the keys, in a namespace of its own.
///
/// The entries of an owner stay together when the state is divided, so [`Operator::route`](crate::Operator::route)
/// returns the bytes of the owner. Ranges of an owner cost what they find, however large the state is. A range is read
/// from the host, so what waits in the cache is written before.
///
/// ```
/// use alluvium_plugin::{Code, Context, OrderedMap, Time};
///
/// struct Departures {
///     by_airport: OrderedMap<Code<3>, Time, String>,
/// }
///
/// impl Departures {
///     /// The last departures before a time, the last one first.
///     fn last(&self, airport: &Code<3>, before: Time, context: &mut Context<'_>) -> Result<Vec<(Time, String)>, String> {
///         self.by_airport.range_reversed(airport, ..before, 5, context)
///     }
/// }
/// let departures = Departures { by_airport: OrderedMap::new("departures") };
/// assert_eq!(departures.by_airport.namespace().name, "departures");
/// ```
#[derive(Debug)]
pub struct OrderedMap<O, K, V> {
    space: Space,
    types: Types<O, K, V>,
}

type Types<O, K, V> = PhantomData<fn() -> (O, K, V)>;

/// The bytes of keys from the first one, which belongs to a range, to the second, which does not.
type Bytes = (Vec<u8>, Option<Vec<u8>>);

impl<O: FixedKey, K: Key, V: Codec> OrderedMap<O, K, V> {
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
        self.space.declared(Kind::Ordered(O::BYTES))
    }

    /// Returns the value of a key.
    pub fn get(&self, owner: &O, key: &K, context: &mut Context<'_>) -> Result<Option<V>, String> {
        self.space.get(&bytes(owner, key), context, V::decode)
    }

    /// Sets the value of a key.
    pub fn set(&self, owner: &O, key: &K, value: &V, context: &mut Context<'_>) -> Result<(), String> {
        self.space.set(&bytes(owner, key), Some(value.encode()), context)
    }

    /// Deletes a key.
    pub fn delete(&self, owner: &O, key: &K, context: &mut Context<'_>) -> Result<(), String> {
        self.space.set(&bytes(owner, key), None, context)
    }

    /// Returns the first entries of a range of an owner, at most `limit`.
    pub fn range(
        &self,
        owner: &O,
        range: impl RangeBounds<K>,
        limit: usize,
        context: &mut Context<'_>,
    ) -> Result<Vec<(K, V)>, String> {
        self.scan(range_of(owner, &range), false, limit, context)
    }

    /// Returns the last entries of a range of an owner, at most `limit`. The last one comes first.
    pub fn range_reversed(
        &self,
        owner: &O,
        range: impl RangeBounds<K>,
        limit: usize,
        context: &mut Context<'_>,
    ) -> Result<Vec<(K, V)>, String> {
        self.scan(range_of(owner, &range), true, limit, context)
    }

    /// Deletes a range of an owner. Returns how many entries there were.
    pub fn delete_range(
        &self,
        owner: &O,
        range: impl RangeBounds<K>,
        context: &mut Context<'_>,
    ) -> Result<u64, String> {
        let namespace = self.space.number(context)?;
        context.flush_namespace(namespace)?;
        let (from, to) = range_of(owner, &range);
        if is_empty(&from, to.as_deref()) {
            return Ok(0);
        }
        context.host().delete_range(namespace, &from, to.as_deref())
    }

    fn scan(
        &self,
        (mut from, mut to): Bytes,
        reverse: bool,
        limit: usize,
        context: &mut Context<'_>,
    ) -> Result<Vec<(K, V)>, String> {
        let namespace = self.space.number(context)?;
        context.flush_namespace(namespace)?;
        let mut found = Vec::new();
        // The host may return fewer entries than it is asked for, so that an answer does not become too large.
        while found.len() < limit && !is_empty(&from, to.as_deref()) {
            let left = u32::try_from(limit - found.len()).unwrap_or(u32::MAX);
            let page = context.host().scan(namespace, &from, to.as_deref(), reverse, left)?;
            let Some((last, _)) = page.last() else { break };
            if reverse {
                to = Some(last.clone());
            } else {
                from = successor(last.clone());
            }
            for (key, value) in page {
                let mut rest = key.as_slice();
                let key = O::read(false, &mut rest).and_then(|_| K::of_bytes(rest));
                let key = key.ok_or_else(|| self.space.wrong("a key of another type"))?;
                found.push((key, V::decode(&value).map_err(|what| self.space.wrong(&what))?));
            }
        }
        Ok(found)
    }
}

fn bytes<O: FixedKey, K: Key>(owner: &O, key: &K) -> Vec<u8> {
    [owner.bytes(), key.bytes()].concat()
}

/// Returns the least key that is greater.
fn successor(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

/// Returns the least bytes that no key with this beginning reaches, if there are such bytes.
fn end_of(mut start: Vec<u8>) -> Option<Vec<u8>> {
    while let Some(last) = start.pop() {
        if let Some(more) = last.checked_add(1) {
            start.push(more);
            return Some(start);
        }
    }
    None
}

fn range_of<O: FixedKey, K: Key>(owner: &O, range: &impl RangeBounds<K>) -> Bytes {
    let from = match range.start_bound() {
        Bound::Included(key) => bytes(owner, key),
        Bound::Excluded(key) => successor(bytes(owner, key)),
        Bound::Unbounded => owner.bytes(),
    };
    let to = match range.end_bound() {
        Bound::Included(key) => Some(successor(bytes(owner, key))),
        Bound::Excluded(key) => Some(bytes(owner, key)),
        Bound::Unbounded => end_of(owner.bytes()),
    };
    (from, to)
}

fn is_empty(from: &[u8], to: Option<&[u8]>) -> bool {
    to.is_some_and(|to| to <= from)
}
