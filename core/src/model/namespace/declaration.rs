//! The declaration of one namespace, and its JSON.

use serde::{Deserialize, Serialize};

use crate::model::expiry::EXPIRY_BYTES;
use crate::model::hash::key_hash;
use crate::model::timer::TIME_BYTES;

/// The namespace that is always there. It is hashed, and it needs no declaration.
pub const DEFAULT_NAMESPACE: u32 = 0;

/// The most bytes that the name of a namespace may have.
pub const NAME_BYTES_MAX: usize = 255;

/// The largest id that a namespace may have to be kept in memory.
pub const KEPT_ID_MAX: u32 = 65_535;

/// The most namespaces that a state may declare.
pub const NAMESPACES_MAX: usize = 1_024;

/// Which clock times belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeDomain {
    /// The watermark.
    Event,
    /// The time at which records are processed.
    Processing,
}

/// How a namespace combines a value with one that is merged into it. If there is no value yet, the merged one becomes
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MergeOperator {
    /// The sum of two unsigned numbers of 64 bits, little-endian. It wraps around.
    AddU64,
    /// The sum of two signed numbers of 64 bits, little-endian. It wraps around.
    AddI64,
    /// The smaller of two values in the order of their bytes, which is that of unsigned big-endian numbers.
    Min,
    /// The larger of two values in the order of their bytes.
    Max,
    /// The two values, one after the other.
    Append,
    /// The union of two [sets](crate::model::set).
    SetUnion,
}

/// What the keys of a namespace are, and how they are placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NamespaceKind {
    /// Keys are looked up. The whole key decides where a record is.
    Hashed,
    /// Keys are scanned in their order. Their first bytes decide where a record is.
    Ordered {
        /// How many bytes of the key decide. A shorter key decides whole.
        route_bytes: u16,
    },
    /// Keys are [timers](crate::model::timer). The user's part of the key decides where a record is.
    Timers(TimeDomain),
}

/// The declaration of a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Line", into = "Line")]
pub struct Namespace {
    /// The id by which records name it. It is at least 1, or 0 until the namespace is
    /// [declared](crate::IncrementalCheckpointManager::declare_namespace).
    pub id: u32,
    /// The name by which the operator knows it.
    pub name: String,
    /// What its keys are.
    pub kind: NamespaceKind,
    /// The clock by which its entries expire. If there is one, each value begins with an expiry time.
    pub expires: Option<TimeDomain>,
    /// How many milliseconds after its last write an entry expires, if entries expire.
    pub expires_after_ms: u64,
    /// How values are merged.
    pub merge: Option<MergeOperator>,
    /// The version of what the operator stores in it. The default is 0.
    pub schema: u32,
}

impl Namespace {
    /// Returns the declaration of a namespace whose entries neither expire nor merge.
    pub fn new(id: u32, name: impl Into<String>, kind: NamespaceKind) -> Self {
        Self { id, name: name.into(), kind, expires: None, expires_after_ms: 0, merge: None, schema: 0 }
    }

    /// Returns the declaration of the same namespace whose entries expire so many milliseconds after their last
    /// write, by this clock.
    #[must_use]
    pub fn expiring(self, domain: TimeDomain, after_ms: u64) -> Self {
        Self { expires: Some(domain), expires_after_ms: after_ms, ..self }
    }

    /// Returns the declaration of the same namespace whose values are merged in this way.
    #[must_use]
    pub fn merging(self, operator: MergeOperator) -> Self {
        Self { merge: Some(operator), ..self }
    }

    /// Returns the part of a key that decides where its record is. A timer that is too short for its time
    /// has none.
    ///
    /// ```
    /// use alluvium_core::model::namespace::{Namespace, NamespaceKind};
    ///
    /// let ordered = Namespace::new(1, "by time", NamespaceKind::Ordered { route_bytes: 3 });
    /// assert_eq!(ordered.route(b"JFK2013-01-01"), Some(&b"JFK"[..]));
    /// assert_eq!(ordered.route(b"JF"), Some(&b"JF"[..]));
    /// ```
    pub fn route<'k>(&self, key: &'k [u8]) -> Option<&'k [u8]> {
        match self.kind {
            NamespaceKind::Hashed => Some(key),
            NamespaceKind::Ordered { route_bytes } => Some(&key[..key.len().min(usize::from(route_bytes))]),
            NamespaceKind::Timers(_) => key.get(TIME_BYTES..),
        }
    }

    /// Returns the hash by which a record with this key is placed, or says what is wrong with the record.
    pub(crate) fn place(&self, key: &[u8], value: Option<&[u8]>) -> Result<u64, &'static str> {
        let route = self.route(key).ok_or("timer without a time")?;
        match value {
            Some(value) if matches!(self.kind, NamespaceKind::Timers(_)) && !value.is_empty() => {
                Err("timer with a value")
            }
            Some(value) if self.expires.is_some() && value.len() < EXPIRY_BYTES => Err("value without an expiry time"),
            _ => Ok(key_hash(route)),
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let of = |what: &str| Err(format!("namespace {}: {what}", self.id));
        if self.id == DEFAULT_NAMESPACE {
            return of("the default namespace is not declared");
        }
        if self.name.is_empty() || self.name.len() > NAME_BYTES_MAX {
            return of("its name must have 1 to 255 bytes");
        }
        if matches!(self.kind, NamespaceKind::Ordered { route_bytes: 0 }) {
            return of("at least one byte of the key must decide");
        }
        if matches!(self.kind, NamespaceKind::Timers(_)) && (self.expires.is_some() || self.merge.is_some()) {
            return of("timers neither expire nor merge");
        }
        if self.expires.is_none() && self.expires_after_ms > 0 {
            return of("a time after which entries expire needs a clock by which they do");
        }
        Ok(())
    }
}

/// A declaration as JSON holds it. What is absent or 0 is not written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: u32,
    name: String,
    kind: KindName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    route_bytes: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<TimeDomain>,
    #[serde(default, skip_serializing_if = "is_none")]
    expires_after_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    merge: Option<MergeOperator>,
    #[serde(default, skip_serializing_if = "is_zero")]
    schema: u32,
}

#[derive(Serialize, Deserialize, PartialEq, Eq, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum KindName {
    Hashed,
    Ordered,
    EventTimers,
    ProcessingTimers,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_none(milliseconds: &u64) -> bool {
    *milliseconds == 0
}

impl TryFrom<Line> for Namespace {
    type Error = String;

    fn try_from(line: Line) -> Result<Self, String> {
        let kind = match (line.kind, line.route_bytes) {
            (KindName::Hashed, None) => NamespaceKind::Hashed,
            (KindName::Ordered, Some(route_bytes)) => NamespaceKind::Ordered { route_bytes },
            (KindName::EventTimers, None) => NamespaceKind::Timers(TimeDomain::Event),
            (KindName::ProcessingTimers, None) => NamespaceKind::Timers(TimeDomain::Processing),
            _ => return Err(format!("namespace {}: route_bytes belongs to kind ordered, and only there", line.id)),
        };
        let Line { id, name, expires, expires_after_ms, merge, schema, .. } = line;
        Ok(Self { id, name, kind, expires, expires_after_ms, merge, schema })
    }
}

impl From<Namespace> for Line {
    fn from(namespace: Namespace) -> Self {
        let (kind, route_bytes) = match namespace.kind {
            NamespaceKind::Hashed => (KindName::Hashed, None),
            NamespaceKind::Ordered { route_bytes } => (KindName::Ordered, Some(route_bytes)),
            NamespaceKind::Timers(TimeDomain::Event) => (KindName::EventTimers, None),
            NamespaceKind::Timers(TimeDomain::Processing) => (KindName::ProcessingTimers, None),
        };
        let Namespace { id, name, expires, expires_after_ms, merge, schema, .. } = namespace;
        Self { id, name, kind, route_bytes, expires, expires_after_ms, merge, schema }
    }
}
