//! The namespaces of the state. Core keeps namespace 0 only, so this is the one place that knows of others: when
//! core keeps them too, the calls are passed on to it from here.

use super::bindings::alluvium::checkpoint::types::{Error, NamespaceDeclaration, NamespaceKind};

/// A namespace that core keeps.
pub(super) struct Kept;

/// Checks that core keeps the namespace with this number.
pub(super) fn kept(namespace: u32) -> Result<Kept, Error> {
    match namespace {
        0 => Ok(Kept),
        _ => Err(Error::Unsupported(format!("namespace {namespace}: this engine keeps namespace 0 only"))),
    }
}

/// Declares a namespace and returns its number.
pub(super) fn declare(declaration: &NamespaceDeclaration) -> Result<u32, Error> {
    let kind = match declaration.kind {
        NamespaceKind::Hashed => "hashed",
        NamespaceKind::Ordered(_) => "ordered",
    };
    let text = format!("namespace {:?} ({kind}): this engine keeps namespace 0 only", declaration.name);
    Err(Error::Unsupported(text))
}

/// Returns the number of the namespace with this name.
pub(super) fn number(name: &str) -> Result<u32, Error> {
    Err(Error::NotFound(format!("namespace {name:?} was not declared")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_core_does_not_keep_is_refused_by_name() {
        assert!(kept(0).is_ok());
        assert!(matches!(kept(7), Err(Error::Unsupported(text)) if text.contains("namespace 7")));
        for (kind, word) in [(NamespaceKind::Hashed, "hashed"), (NamespaceKind::Ordered(8), "ordered")] {
            let declaration = NamespaceDeclaration { name: "windows".into(), kind, expires: None, merge: None };
            match declare(&declaration) {
                Err(Error::Unsupported(text)) => assert!(text.contains("\"windows\"") && text.contains(word), "{text}"),
                other => panic!("expected unsupported, found {other:?}"),
            }
        }
        assert!(matches!(number("windows"), Err(Error::NotFound(text)) if text.contains("\"windows\"")));
    }
}
