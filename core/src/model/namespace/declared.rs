//! The namespaces that a checkpoint declares.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::IncrementalCheckpointError as Error;
use crate::model::namespace::declaration::Namespace;

/// The declared namespaces of a checkpoint, in order of their ids. Ids and names are unique. Clones share the
/// declarations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Namespace>", into = "Vec<Namespace>")]
pub struct Namespaces(Arc<[Namespace]>);

impl Namespaces {
    /// Checks declarations and sorts them by id. An id or a name that occurs twice, or a declaration that
    /// contradicts itself, is [`InvalidInput`](Error::InvalidInput).
    pub fn new(declared: impl IntoIterator<Item = Namespace>) -> Result<Self, Error> {
        let mut declared: Vec<Namespace> = declared.into_iter().collect();
        declared.sort_unstable_by_key(|namespace| namespace.id);
        check(&declared).map_err(Error::InvalidInput)?;
        Ok(Self(declared.into()))
    }

    /// Returns these declarations, and of `others` those with other ids. If the same name has two ids, it is
    /// [`InvalidInput`](Error::InvalidInput).
    pub(crate) fn and(&self, others: &Self) -> Result<Self, Error> {
        let is_other = |other: &&Namespace| self.get(other.id).is_none();
        match others.iter().filter(is_other).count() {
            0 => Ok(self.clone()),
            _ => Self::new(self.iter().chain(others.iter().filter(is_other)).cloned()),
        }
    }

    /// Returns a namespace by its name.
    pub fn named(&self, name: &str) -> Option<&Namespace> {
        self.0.iter().find(|namespace| namespace.name == name)
    }

    /// Returns a namespace by its id. The default namespace has no declaration.
    pub fn get(&self, id: u32) -> Option<&Namespace> {
        self.0.binary_search_by_key(&id, |namespace| namespace.id).ok().map(|at| &self.0[at])
    }

    /// Returns the declarations in order of their ids.
    pub fn iter(&self) -> std::slice::Iter<'_, Namespace> {
        self.0.iter()
    }

    /// Tells whether nothing but the default namespace is there.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a Namespaces {
    type Item = &'a Namespace;
    type IntoIter = std::slice::Iter<'a, Namespace>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl TryFrom<Vec<Namespace>> for Namespaces {
    type Error = String;

    fn try_from(declared: Vec<Namespace>) -> Result<Self, String> {
        check(&declared)?;
        Ok(Self(declared.into()))
    }
}

impl From<Namespaces> for Vec<Namespace> {
    fn from(namespaces: Namespaces) -> Self {
        namespaces.0.to_vec()
    }
}

fn check(declared: &[Namespace]) -> Result<(), String> {
    if !declared.is_sorted_by(|a, b| a.id < b.id) {
        return Err("namespaces are not in order of their ids, each once".into());
    }
    for (at, namespace) in declared.iter().enumerate() {
        namespace.check()?;
        if let Some(other) = declared[..at].iter().find(|other| other.name == namespace.name) {
            return Err(format!("namespaces {} and {} have the same name", other.id, namespace.id));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::namespace::declaration::{MergeOperator, NamespaceKind, TimeDomain};

    #[test]
    fn declarations_come_back() {
        let declared = [
            Namespace { schema: 3, ..Namespace::new(9, "timers", NamespaceKind::Timers(TimeDomain::Event)) },
            Namespace {
                expires: Some(TimeDomain::Processing),
                merge: Some(MergeOperator::AddU64),
                ..Namespace::new(1, "by time", NamespaceKind::Ordered { route_bytes: 8 })
            },
            Namespace::new(2, "windows", NamespaceKind::Hashed).expiring(TimeDomain::Event, 60_000),
        ];
        let declared = Namespaces::new(declared).unwrap();
        let json = serde_json::to_string(&declared).unwrap();
        let expected = r#"[{"id":1,"name":"by time","kind":"ordered","route_bytes":8,"expires":"processing","merge":"add-u64"},{"id":2,"name":"windows","kind":"hashed","expires":"event","expires_after_ms":60000},{"id":9,"name":"timers","kind":"event-timers","schema":3}]"#;
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<Namespaces>(&json).unwrap(), declared);
        assert_eq!(declared.get(9).map(|namespace| namespace.schema), Some(3));
        assert!(declared.get(3).is_none() && declared.get(0).is_none());
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for (wrong, expected) in [
            (r#"{"id":0,"name":"n","kind":"hashed"}"#, "default namespace"),
            (r#"{"id":1,"name":"","kind":"hashed"}"#, "1 to 255 bytes"),
            (r#"{"id":1,"name":"n","kind":"ordered"}"#, "route_bytes"),
            (r#"{"id":1,"name":"n","kind":"hashed","route_bytes":2}"#, "route_bytes"),
            (r#"{"id":1,"name":"n","kind":"ordered","route_bytes":0}"#, "at least one byte"),
            (r#"{"id":1,"name":"n","kind":"event-timers","expires":"event"}"#, "neither expire"),
            (r#"{"id":1,"name":"n","kind":"event-timers","merge":"append"}"#, "neither expire"),
            (r#"{"id":1,"name":"n","kind":"sorted"}"#, "sorted"),
            (r#"{"id":1,"name":"n","kind":"hashed","expires_after_ms":1}"#, "needs a clock"),
            (r#"{"id":1,"name":"n","kind":"hashed"},{"id":1,"name":"m","kind":"hashed"}"#, "order of their ids"),
            (r#"{"id":2,"name":"n","kind":"hashed"},{"id":1,"name":"m","kind":"hashed"}"#, "order of their ids"),
            (r#"{"id":1,"name":"n","kind":"hashed"},{"id":2,"name":"n","kind":"hashed"}"#, "the same name"),
        ] {
            let error = serde_json::from_str::<Namespaces>(&format!("[{wrong}]")).unwrap_err().to_string();
            assert!(error.contains(expected), "{wrong}: {error}");
        }
    }
}
