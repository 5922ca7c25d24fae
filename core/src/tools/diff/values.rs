//! What is known of the values of two checkpoints while they are compared.

use std::collections::BTreeMap;

use crate::model::record::Record;

/// Values by namespace and key. The value is `None` for a tombstone, and for a key that is not there.
#[derive(Default)]
pub(super) struct Values(BTreeMap<u32, BTreeMap<Vec<u8>, Option<Vec<u8>>>>);

impl Values {
    /// Notes the value of a record's key.
    pub(super) fn set(&mut self, record: &Record<'_>) {
        let values = self.0.entry(record.namespace).or_default();
        values.insert(record.key.to_vec(), record.value.map(<[u8]>::to_vec));
    }

    /// Returns the value of a key, or `None` if nothing is known of the key.
    pub(super) fn get(&self, namespace: u32, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        self.0.get(&namespace)?.get(key)
    }

    /// Returns what is known, in order of namespaces and keys.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &[u8], &Option<Vec<u8>>)> {
        let of_namespace = |(namespace, values): (&u32, _)| (*namespace, values);
        self.0.iter().map(of_namespace).flat_map(|(namespace, values): (u32, &BTreeMap<_, _>)| {
            values.iter().map(move |(key, value): (&Vec<u8>, _)| (namespace, key.as_slice(), value))
        })
    }
}
