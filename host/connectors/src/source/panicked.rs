//! What a thread that reads for a source says when it panics.

use super::{SourceError, SourceErrorKind as Kind};

/// Tells the reader of a source that the thread which reads for it has panicked. Without that, the source would be silent.
pub(super) struct IfPanicked<F: FnMut(SourceError)> {
    source_name: String,
    fail: F,
}

impl<F: FnMut(SourceError)> IfPanicked<F> {
    /// Calls `fail` if it is dropped by a panic.
    pub(super) fn tell(source_name: impl Into<String>, fail: F) -> Self {
        Self { source_name: source_name.into(), fail }
    }
}

impl<F: FnMut(SourceError)> Drop for IfPanicked<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let what = "the thread that reads it has panicked, and its message says why";
            (self.fail)(SourceError::new(Kind::Io, self.source_name.clone(), what));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_panic_is_an_error_of_the_source() {
        for panics in [false, true] {
            let (told, heard) = channel();
            let reading = std::thread::spawn(move || {
                let _told = IfPanicked::tell("orders", |error| told.send(error).unwrap());
                assert!(!panics, "as a fault of a library");
            });
            assert_eq!(reading.join().is_err(), panics);
            let error = heard.try_recv().ok();
            assert_eq!(error.as_ref().map(SourceError::source_name), panics.then_some("orders"));
            assert!(!error.is_some_and(|error| error.is_transient()));
        }
    }
}
