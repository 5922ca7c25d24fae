//! Keyed state that the engine merges: a change does not read what is there.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use crate::context::Context;
use crate::description::{Domain, Kind, Merge, Namespace};
use crate::key::Key;
use crate::space::Space;

/// How values are merged, and what they are.
pub trait MergeOperator {
    /// The engine's operator.
    const MERGE: Merge;
    /// What is merged into a value.
    type Operand;
    /// The value.
    type Value;

    /// Returns the bytes of an operand.
    fn operand(operand: &Self::Operand) -> Vec<u8>;

    /// Reads a value. None: it is of another type.
    fn value(bytes: &[u8]) -> Option<Self::Value>;
}

/// Adds whole numbers. A sum that leaves the range of 64 bits wraps around.
#[derive(Debug, Clone, Copy)]
pub struct Add;

impl MergeOperator for Add {
    const MERGE: Merge = Merge::Add;
    type Operand = i64;
    type Value = i64;

    fn operand(operand: &i64) -> Vec<u8> {
        operand.to_le_bytes().to_vec()
    }

    fn value(bytes: &[u8]) -> Option<i64> {
        bytes.try_into().ok().map(i64::from_le_bytes)
    }
}

macro_rules! extremes {
    ($($(#[$doc:meta])* $name:ident: $merge:ident;)*) => {
        $($(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name<V>(PhantomData<fn() -> V>);

        impl<V: Key> MergeOperator for $name<V> {
            const MERGE: Merge = Merge::$merge;
            type Operand = V;
            type Value = V;

            fn operand(operand: &V) -> Vec<u8> {
                operand.bytes()
            }

            fn value(bytes: &[u8]) -> Option<V> {
                V::of_bytes(bytes)
            }
        })*
    };
}

extremes! {
    /// Keeps the least value.
    Least: Min;
    /// Keeps the greatest value.
    Greatest: Max;
}

/// Writes bytes behind those that are there. A value grows with each of them, so something must delete it.
#[derive(Debug, Clone, Copy)]
pub struct Append;

impl MergeOperator for Append {
    const MERGE: Merge = Merge::Append;
    type Operand = Vec<u8>;
    type Value = Vec<u8>;

    fn operand(operand: &Vec<u8>) -> Vec<u8> {
        operand.clone()
    }

    fn value(bytes: &[u8]) -> Option<Vec<u8>> {
        Some(bytes.to_vec())
    }
}

/// Adds an element to a set.
#[derive(Debug, Clone, Copy)]
pub struct Union<V>(PhantomData<fn() -> V>);

/// The bytes are the engine's: the elements in the order of their bytes, each behind its length as LEB128.
impl<V: Key + Ord> MergeOperator for Union<V> {
    const MERGE: Merge = Merge::SetUnion;
    type Operand = V;
    type Value = BTreeSet<V>;

    fn operand(operand: &V) -> Vec<u8> {
        let element = operand.bytes();
        let length = leb128fmt::encode_u64(element.len() as u64);
        let (length, used) = length.expect("ten bytes hold every number of 64 bits");
        [&length[..used], &element].concat()
    }

    fn value(bytes: &[u8]) -> Option<BTreeSet<V>> {
        let (mut at, mut set) = (0, BTreeSet::new());
        while at < bytes.len() {
            let length = leb128fmt::decode_uint_slice::<u64, 64>(bytes, &mut at).ok()?;
            let end = at.checked_add(usize::try_from(length).ok()?)?;
            set.insert(V::of_bytes(bytes.get(at..end)?)?);
            at = end;
        }
        Some(set)
    }
}

/// Values by key that the engine merges, in a namespace of its own: sums, extremes, sets.
///
/// A change does not read what is there, so a batch that only [merges](Self::merge) costs one write.
///
/// ```
/// use alluvium_plugin::merge::{Add, Union};
/// use alluvium_plugin::{Context, Merged};
///
/// struct Carriers {
///     miles: Merged<String, Add>,
///     airports: Merged<String, Union<String>>,
/// }
///
/// impl Carriers {
///     fn flew(&self, carrier: &String, miles: i64, to: String, context: &mut Context<'_>) -> Result<(), String> {
///         self.miles.merge(carrier, &miles, context)?;
///         self.airports.merge(carrier, &to, context)
///     }
/// }
/// let carriers = Carriers { miles: Merged::new("miles"), airports: Merged::new("airports") };
/// assert_eq!(carriers.miles.namespace().name, "miles");
/// ```
#[derive(Debug)]
pub struct Merged<K, O> {
    space: Space,
    types: PhantomData<fn() -> (K, O)>,
}

impl<K: Key, O: MergeOperator> Merged<K, O> {
    /// Returns the values in the namespace of this name.
    pub const fn new(name: &'static str) -> Self {
        Self { space: Space::new(name), types: PhantomData }
    }

    /// Has a value go away by itself, so many milliseconds after something was merged into it.
    #[must_use]
    pub const fn expires(self, clock: Domain, after_ms: u64) -> Self {
        Self { space: self.space.expires(clock, after_ms), ..self }
    }

    /// Returns its namespace, for the operator's [`Description`](crate::Description).
    pub fn namespace(&self) -> Namespace {
        Namespace { merge: Some(O::MERGE), ..self.space.declared(Kind::Hashed) }
    }

    /// Merges an operand into the value of a key.
    pub fn merge(&self, key: &K, operand: &O::Operand, context: &mut Context<'_>) -> Result<(), String> {
        let namespace = self.space.number(context)?;
        context.merge(namespace, &key.bytes(), O::operand(operand))
    }

    /// Returns the value of a key, if something was merged into it. What waits to be merged is merged before.
    pub fn get(&self, key: &K, context: &mut Context<'_>) -> Result<Option<O::Value>, String> {
        self.space.get(&key.bytes(), context, Self::value)
    }

    /// Returns a page of values in the order of their keys, for results: at most `limit`, and with `start` the first ones.
    /// An empty page is the end.
    pub fn page(&self, start: bool, limit: u32, context: &mut Context<'_>) -> Result<Vec<(K, O::Value)>, String> {
        self.space.page(start, limit, context, Self::value)
    }

    /// Deletes the value of a key.
    pub fn delete(&self, key: &K, context: &mut Context<'_>) -> Result<(), String> {
        self.space.set(&key.bytes(), None, context)
    }

    fn value(bytes: &[u8]) -> Result<O::Value, String> {
        O::value(bytes).ok_or_else(|| "a value of another type".to_owned())
    }
}
