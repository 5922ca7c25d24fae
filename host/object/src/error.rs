//! Errors of a store, as errors of a directory.

use std::error::Error as _;

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind as Kind, Operation};
use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};

/// Returns the error of a directory for an error of its store.
pub(crate) fn directory_error(error: &Error, operation: Operation, name: &str) -> DirectoryError {
    let text = brief(&error.to_string());
    let is_missing = matches!(error, Error::NotFound { .. });
    // There is nothing else that a creation would not find. A listing has no error of its own for it.
    let is_bucket_missing =
        is_missing && operation != Operation::Read || NO_BUCKET.iter().any(|code| text.contains(code));
    let kind = match error {
        _ if is_bucket_missing => {
            let why = format!("the bucket or container does not exist: {text}");
            return DirectoryError::new(Kind::Io, operation, name).because(why);
        }
        Error::NotFound { .. } => return DirectoryError::new(Kind::NotFound, operation, name),
        Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotModified { .. } => {
            return DirectoryError::new(Kind::AlreadyExists, operation, name);
        }
        Error::NotSupported { .. } | Error::NotImplemented { .. } => Kind::Unsupported,
        Error::InvalidPath { .. } => Kind::Invalid,
        _ if is_full(&text) => Kind::NoSpace,
        _ => Kind::Io,
    };
    DirectoryError::new(kind, operation, name).because(text)
}

/// The codes of a bucket or container that does not exist.
const NO_BUCKET: &[&str] = &["NoSuchBucket", "ContainerNotFound"];

/// Returns a text with code and message in the place of an answer in XML.
fn brief(text: &str) -> String {
    let within = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        rest.split_once(&format!("</{tag}>")).map(|(found, _)| found)
    };
    let (Some(start), Some(code)) = (text.find('<'), within("Code")) else { return text.to_owned() };
    format!("{}{code}: {}", &text[..start], within("Message").unwrap_or_default())
}

/// Whether a creation failed because the name is taken.
pub(crate) fn is_taken(error: &Error) -> bool {
    matches!(error, Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotModified { .. })
}

/// Whether the outcome of a request is unknown: it may have reached the store, but no answer came.
///
/// The client repeats such a request only if it reads. A creation may be repeated because its object is marked.
pub(crate) fn is_outcome_unknown(error: &Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(http) = error.downcast_ref::<HttpError>() {
            // These were never sent, and the client has repeated them.
            return !matches!(http.kind(), HttpErrorKind::Connect | HttpErrorKind::Request);
        }
        source = error.source();
    }
    false
}

/// Whether the store says that it is full. S3 itself never is; servers with its interface have codes for it.
fn is_full(text: &str) -> bool {
    ["507 Insufficient Storage", "StorageFull", "QuotaExceeded"].iter().any(|code| text.contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_follow_what_the_caller_can_do() {
        let generic = |text: &str| Error::Generic { store: "S3", source: text.into() };
        let missing = || Error::NotFound { path: "a".into(), source: "404".into() };
        let check = |error: &Error, operation, expected| {
            assert_eq!(directory_error(error, operation, "a").kind(), expected, "{error}");
        };
        check(&missing(), Operation::Read, Kind::NotFound);
        check(&missing(), Operation::List, Kind::Io);
        check(&Error::Precondition { path: "a".into(), source: "412".into() }, Operation::Create, Kind::AlreadyExists);
        check(&generic("<Code>XMinioStorageFull</Code>"), Operation::Create, Kind::NoSpace);
        check(&generic("connection refused"), Operation::Create, Kind::Io);
        check(&generic("404: <Error><Code>NoSuchBucket</Code></Error>"), Operation::List, Kind::Io);
        let long = "GET failed: 403: <?xml?><Error><Code>AccessDenied</Code><Message>No.</Message><Id>1</Id></Error>";
        assert_eq!(brief(long), "GET failed: 403: AccessDenied: No.");
        assert!(directory_error(&generic("refused"), Operation::List, "").to_string().contains("refused"));
    }
}
