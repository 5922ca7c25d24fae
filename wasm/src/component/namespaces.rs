//! Namespaces as a plugin declares them, and as core does.

use alluvium_core::model::namespace::{MergeOperator as Merge, Namespace, NamespaceKind as Kind, TimeDomain as Domain};

use super::bindings::alluvium::checkpoint::types::{
    Error, Expiry, MergeOperator, NamespaceDeclaration, NamespaceKind, TimeDomain,
};

/// Returns the declaration as core takes it. Core gives the number.
pub(super) fn declaration(declaration: NamespaceDeclaration) -> Result<Namespace, Error> {
    let NamespaceDeclaration { name, kind, expires, merge } = declaration;
    let kind = match kind {
        NamespaceKind::Hashed => Kind::Hashed,
        NamespaceKind::Ordered(bytes) => Kind::Ordered {
            route_bytes: u16::try_from(bytes).map_err(|_| {
                Error::InvalidInput(format!("namespace {name:?}: {bytes} bytes of a key cannot decide"))
            })?,
        },
        NamespaceKind::Timers(TimeDomain::Event) => Kind::Timers(Domain::Event),
        NamespaceKind::Timers(TimeDomain::Processing) => Kind::Timers(Domain::Processing),
    };
    let declared = Namespace::new(0, name, kind);
    let declared = match expires {
        Some(Expiry { domain: TimeDomain::Event, after_ms }) => declared.expiring(Domain::Event, after_ms),
        Some(Expiry { domain: TimeDomain::Processing, after_ms }) => declared.expiring(Domain::Processing, after_ms),
        None => declared,
    };
    Ok(match merge.map(operator) {
        Some(operator) => declared.merging(operator),
        None => declared,
    })
}

fn operator(operator: MergeOperator) -> Merge {
    match operator {
        MergeOperator::Add => Merge::AddI64,
        MergeOperator::Min => Merge::Min,
        MergeOperator::Max => Merge::Max,
        MergeOperator::Append => Merge::Append,
        MergeOperator::SetUnion => Merge::SetUnion,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(kind: NamespaceKind, merge: Option<MergeOperator>) -> Result<Namespace, Error> {
        let expires = Some(Expiry { domain: TimeDomain::Processing, after_ms: 7 });
        declaration(NamespaceDeclaration { name: "windows".into(), kind, expires, merge })
    }

    #[test]
    fn declarations_are_those_of_core() {
        let hashed = Namespace::new(0, "windows", Kind::Hashed).expiring(Domain::Processing, 7);
        assert!(matches!(declared(NamespaceKind::Hashed, None), Ok(found) if found == hashed));
        let merging = hashed.merging(Merge::AddI64);
        assert!(matches!(declared(NamespaceKind::Hashed, Some(MergeOperator::Add)), Ok(found) if found == merging));
        let ordered = declared(NamespaceKind::Ordered(8), None);
        assert!(matches!(ordered, Ok(Namespace { kind: Kind::Ordered { route_bytes: 8 }, .. })));
        let refused = declared(NamespaceKind::Ordered(70_000), None);
        assert!(matches!(refused, Err(Error::InvalidInput(text)) if text.contains("\"windows\"")));
    }
}
