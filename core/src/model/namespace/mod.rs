//! Namespaces: parts of the keyed state that are kept apart, each with its own keys. The declaration of a
//! namespace says what its keys and values mean.

mod declaration;
mod declared;

pub use declaration::{
    DEFAULT_NAMESPACE, KEPT_ID_MAX, MergeOperator, NAME_BYTES_MAX, NAMESPACES_MAX, Namespace, NamespaceKind, TimeDomain,
};
pub use declared::Namespaces;
