//! What the system refused: its error behind one of wasmtime.

use std::io::{Error, ErrorKind};
use std::path::Path;

use rustix::io::Errno;
use wasmtime::component::Component;

use crate::error::RuntimeError;

/// How often work is tried that the system refuses because something is busy. For a memory image, which the kernel
/// refuses to seal while its pages are on their way to it, each time takes the kernel a sixth of a second.
const TRIES: usize = 10;

/// Returns the error of the system behind an error, if there is one.
fn behind(error: &wasmtime::Error) -> Option<Error> {
    error.chain().find_map(|cause| {
        let errno = cause.downcast_ref::<Errno>().map(|errno| Error::from(*errno));
        errno.or_else(|| cause.downcast_ref::<Error>()?.raw_os_error().map(Error::from_raw_os_error))
    })
}

/// Whether the system refused memory. Where wasmtime maps memory of its own, the error has a type; that of a memory
/// which the host makes is text.
pub(crate) fn is_out_of_memory(error: &wasmtime::Error) -> bool {
    let refused = Error::from(Errno::NOMEM);
    behind(error).is_some_and(|error| error.kind() == refused.kind())
        || error.chain().any(|cause| cause.to_string().ends_with(&refused.to_string()))
}

/// Says that the system refused what a component needs to start, if that is what an error is.
pub(crate) fn refused(file: &Path, error: &wasmtime::Error) -> Option<RuntimeError> {
    let cause = behind(error)?;
    Some(RuntimeError::Host(format!(
        "{} cannot start, because the system refused: {error:#} ({cause})",
        file.display()
    )))
}

/// Makes the images from which the memories of a component's instances begin, unless they are there. An instance would
/// make them otherwise while it starts, where an error of the system could not be told from others.
pub(crate) fn make_images(component: &Component) -> wasmtime::Result<()> {
    while_busy(|| component.initialize_copy_on_write_image())
}

/// Does work, and again if the system refuses it because something is busy.
fn while_busy<T>(mut work: impl FnMut() -> wasmtime::Result<T>) -> wasmtime::Result<T> {
    let is_busy = |error: &wasmtime::Error| {
        let passing = [ErrorKind::ResourceBusy, ErrorKind::WouldBlock, ErrorKind::Interrupted];
        behind(error).is_some_and(|error| passing.contains(&error.kind()))
    };
    for _ in 1..TRIES {
        match work() {
            Err(error) if is_busy(&error) => {}
            done => return done,
        }
    }
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(errno: Errno) -> wasmtime::Error {
        wasmtime::Error::from(Error::from(errno)).context("cannot add seals to the memfd")
    }

    #[test]
    fn what_is_busy_is_tried_again_and_not_for_ever() {
        let mut left = 3;
        let done = while_busy(|| {
            left -= 1;
            if left > 0 { Err(failing(Errno::BUSY)) } else { Ok(7) }
        });
        assert_eq!((done.ok(), left), (Some(7), 0));
        let mut tries = 0;
        let never: wasmtime::Result<()> = while_busy(|| {
            tries += 1;
            Err(failing(Errno::BUSY))
        });
        assert!(never.is_err());
        assert_eq!(tries, TRIES);
    }

    #[test]
    fn any_other_error_is_not_tried_again() {
        for error in [failing(Errno::MFILE), wasmtime::Error::msg("of another world")] {
            let mut errors = vec![error];
            let refused: wasmtime::Result<()> = while_busy(|| Err(errors.pop().expect("it is asked once")));
            assert!(refused.is_err());
        }
    }

    #[test]
    fn an_error_of_the_system_is_told_as_one_and_others_are_not() {
        let file = Path::new("plugin.wasm");
        let said = refused(file, &failing(Errno::MFILE)).expect("the system's").to_string();
        assert!(said.starts_with("plugin.wasm cannot start, because the system refused: cannot add seals"), "{said}");
        assert!(said.contains("Too many open files"), "{said}");
        assert!(refused(file, &wasmtime::Error::msg("no export `operator`")).is_none());
        assert!(is_out_of_memory(&failing(Errno::NOMEM)) && !is_out_of_memory(&failing(Errno::MFILE)));
    }
}
