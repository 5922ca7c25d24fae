//! A prefix of a store: names of files as names of objects, and the marks of this writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Operation};
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{Attribute, AttributeValue, Attributes, GetOptions, ObjectStore};

use crate::error::directory_error;
use crate::options::ObjectOptions;

/// The key of the mark in the metadata of an object. Azure allows letters and digits only.
const MARK: &str = "alluviummark";

/// A store that takes files in parts, and one client of it that completes them exclusively.
#[derive(Clone)]
pub(crate) struct InParts {
    /// Begins, fills and aborts uploads.
    pub(crate) parts: Arc<dyn MultipartStore>,
    /// Completes them, if the name is free.
    pub(crate) completing: Arc<dyn MultipartStore>,
}

/// Everything that a task needs to work on a prefix of a store.
pub(crate) struct Store {
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) in_parts: Option<InParts>,
    prefix: Path,
    pub(crate) options: ObjectOptions,
    /// A random number of this writer, and how many marks it has given.
    writer: u64,
    given: AtomicU64,
}

impl Store {
    pub(crate) fn new(
        objects: Arc<dyn ObjectStore>,
        in_parts: Option<InParts>,
        prefix: Path,
        options: ObjectOptions,
    ) -> Result<Self, DirectoryError> {
        let writer = getrandom::u64().map_err(|error| {
            let why = format!("the system gives no randomness: {error}");
            DirectoryError::new(DirectoryErrorKind::Io, Operation::Open, "").because(why)
        })?;
        Ok(Self { objects, in_parts, prefix, options, writer, given: AtomicU64::new(0) })
    }

    /// Returns the same store at a prefix below this one.
    pub(crate) fn below(&self, name: &str) -> Result<Self, DirectoryError> {
        let prefix = self.path(name, Operation::Open)?;
        Self::new(Arc::clone(&self.objects), self.in_parts.clone(), prefix, self.options.clone())
    }

    /// Returns the name of the object that holds a file.
    pub(crate) fn path(&self, name: &str, operation: Operation) -> Result<Path, DirectoryError> {
        let invalid = |error| DirectoryError::new(DirectoryErrorKind::Invalid, operation, name).because(error);
        let below = Path::parse(name).map_err(invalid)?;
        // Another spelling would be another file of the same object.
        if below.as_ref() != name || name.is_empty() {
            return Err(DirectoryError::new(DirectoryErrorKind::Invalid, operation, name));
        }
        Ok(self.prefix.parts().chain(below.parts()).collect())
    }

    /// Returns the prefix of a listing. `None` stands for the whole store.
    pub(crate) fn prefix(&self) -> Option<&Path> {
        (!self.prefix.as_ref().is_empty()).then_some(&self.prefix)
    }

    /// Returns the name of the file that an object holds. It is `None` for the prefix itself, which some tools create as
    /// an empty object.
    pub(crate) fn name(&self, object: &Path) -> Option<String> {
        let mut below = object.as_ref();
        if let Some(prefix) = self.prefix() {
            below = below.strip_prefix(prefix.as_ref())?.strip_prefix('/')?;
        }
        (!below.is_empty()).then(|| below.to_owned())
    }

    /// Returns a mark that no other creation has, of this writer or of another.
    pub(crate) fn new_mark(&self) -> String {
        format!("{:016x}-{}", self.writer, self.given.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns the attributes of an object with a mark.
    pub(crate) fn marked(&self, mark: &str) -> Attributes {
        let mut attributes = Attributes::new();
        if self.options.marks_objects {
            attributes.insert(Attribute::Metadata(MARK.into()), AttributeValue::from(mark.to_owned()));
        }
        attributes
    }

    /// Returns whose an object is.
    pub(crate) async fn owner(&self, path: &Path, mark: &str, name: &str) -> Result<Owner, DirectoryError> {
        if !self.options.marks_objects {
            return Ok(Owner::Other);
        }
        let head = GetOptions { head: true, ..GetOptions::default() };
        match self.objects.get_opts(path, head).await {
            Ok(found) => {
                let found = found.attributes.get(&Attribute::Metadata(MARK.into())).map(AsRef::as_ref);
                Ok(if found == Some(mark) { Owner::ThisCreation } else { Owner::Other })
            }
            Err(object_store::Error::NotFound { .. }) => Ok(Owner::None),
            Err(error) => Err(directory_error(&error, Operation::Create, name)),
        }
    }
}

/// Whose an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The creation that asks has made it, although it was told otherwise.
    ThisCreation,
    /// Another creation has made it.
    Other,
    /// There is no such object.
    None,
}
