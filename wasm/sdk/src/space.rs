//! The namespace of typed state, by its name: what all kinds of typed state do with it.

use crate::context::Context;
use crate::description::{Domain, Kind, Namespace};
use crate::host::Entry;
use crate::key::Key;

/// The namespace of one piece of typed state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Space {
    name: &'static str,
    expires: Option<(Domain, u64)>,
}

impl Space {
    /// Returns the namespace of this name. Its entries stay until they are deleted.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, expires: None }
    }

    /// Has entries go away by themselves, so many milliseconds after they were set.
    pub(crate) const fn expires(self, clock: Domain, after_ms: u64) -> Self {
        Self { expires: Some((clock, after_ms)), ..self }
    }

    /// Returns the namespace for the operator's description.
    pub(crate) fn declared(self, kind: Kind) -> Namespace {
        Namespace { expires: self.expires, ..Namespace::new(self.name, kind) }
    }

    /// Returns its number.
    pub(crate) fn number(self, context: &mut Context<'_>) -> Result<u32, String> {
        context.namespace(self.name)
    }

    /// Says what is wrong with an entry, and where.
    pub(crate) fn wrong(self, what: &str) -> String {
        format!("{}: {what}", self.name)
    }

    /// Returns the value of a key, which `decode` reads.
    pub(crate) fn get<V>(
        self,
        key: &[u8],
        context: &mut Context<'_>,
        decode: impl FnOnce(&[u8]) -> Result<V, String>,
    ) -> Result<Option<V>, String> {
        let namespace = self.number(context)?;
        let value = context.get(namespace, key)?;
        value.map(decode).transpose().map_err(|what| self.wrong(&what))
    }

    /// Sets a key to a value, or deletes it.
    pub(crate) fn set(self, key: &[u8], value: Option<Vec<u8>>, context: &mut Context<'_>) -> Result<(), String> {
        let namespace = self.number(context)?;
        context.set(namespace, key, value)
    }

    /// Returns a page of the entries, whose values `decode` reads.
    pub(crate) fn page<K: Key, V>(
        self,
        start: bool,
        limit: u32,
        context: &mut Context<'_>,
        decode: impl Fn(&[u8]) -> Result<V, String>,
    ) -> Result<Vec<(K, V)>, String> {
        let namespace = self.number(context)?;
        context.flush_namespace(namespace)?;
        let entry = |(key, value): Entry| {
            let key = K::of_bytes(&key).ok_or("a key of another type")?;
            Ok((key, decode(&value)?))
        };
        let entries = context.host().page(namespace, start, limit)?;
        entries.into_iter().map(entry).collect::<Result<_, String>>().map_err(|what| self.wrong(&what))
    }
}
