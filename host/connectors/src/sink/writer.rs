//! A sink over anything that can be written to and cannot be taken back, as the standard output.

use std::io::{self, Write};

use super::{Guarantee, Publication, Sink, SinkError, SinkErrorKind as Kind};
use crate::batch::Batch;
use crate::opaque::{self, Opaque, Shown};

/// A sink that shows records as lines. It shows them before the commit of their checkpoint, because what
/// cannot be written then must not be checkpointed: after a restart it comes again. So does what was shown
/// before a checkpoint that failed: its guarantee is [`AtLeastOnce`](Guarantee::AtLeastOnce). Its tokens
/// are empty.
#[derive(Debug)]
pub struct WriterSink<W> {
    name: String,
    out: W,
    /// Bytes that were shown.
    shown: u64,
    /// Lines that wait.
    lines: Vec<u8>,
}

impl<W: Write + Send> WriterSink<W> {
    /// Returns the sink over `out`, which errors call `name`.
    pub fn new(name: impl Into<String>, out: W) -> Self {
        Self { name: name.into(), out, shown: 0, lines: Vec::new() }
    }

    fn check(&self, token: &Opaque) -> Result<(), SinkError> {
        if opaque::is_empty(token) {
            return Ok(());
        }
        let what = format!("{} is the token of another sink", Shown(token));
        Err(SinkError::new(Kind::Token, &self.name, what))
    }
}

impl<W: Write + Send> Sink for WriterSink<W> {
    fn name(&self) -> &str {
        &self.name
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::AtLeastOnce
    }

    fn recover(&mut self, committed: &[Opaque]) -> Result<Vec<Publication>, SinkError> {
        committed.iter().try_for_each(|token| self.check(token))?;
        self.abort()?;
        Ok(vec![Publication::Before; committed.len()])
    }

    fn write(&mut self, records: &Batch) -> Result<(), SinkError> {
        for record in records.records() {
            self.lines.extend_from_slice(record.bytes());
            self.lines.push(b'\n');
        }
        Ok(())
    }

    fn prepare(&mut self) -> Result<Opaque, SinkError> {
        let written = self.out.write_all(&self.lines).and_then(|()| self.out.flush());
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => SinkError::io(Kind::Io, &self.name, error)
                .says("its reader is gone; what it did not take is shown again after a restart"),
            _ => SinkError::io(Kind::Io, &self.name, error),
        })?;
        self.shown += self.lines.len() as u64;
        self.lines.clear();
        Ok(Opaque::default())
    }

    fn publish(&mut self, committed: &Opaque) -> Result<(), SinkError> {
        self.check(committed)
    }

    fn abort(&mut self) -> Result<(), SinkError> {
        self.lines.clear();
        Ok(())
    }

    fn published_bytes(&self) -> Option<u64> {
        Some(self.shown)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::testing::{SinkFixture, sink_suite};

    fn write(sink: &mut dyn Sink, record: &str) {
        sink.write(&Batch::of_raw([record.as_bytes()])).unwrap();
    }

    #[test]
    fn records_are_shown_once_before_the_commit() {
        let mut out = Vec::new();
        let mut sink = WriterSink::new("out", &mut out);
        assert_eq!(sink.recover(&[Opaque::default()]).unwrap(), [Publication::Before]);
        for record in ["a", "b"] {
            write(&mut sink, record);
            let token = sink.prepare().unwrap();
            assert_eq!(token, Opaque::default());
            sink.publish(&token).unwrap();
            sink.publish(&token).unwrap();
        }
        write(&mut sink, "dropped");
        sink.abort().unwrap();
        sink.prepare().unwrap();
        assert_eq!(sink.published_bytes(), Some(4));
        let error = sink.recover(&[Opaque::new("a file's").unwrap()]).unwrap_err();
        assert_eq!(error.kind(), Kind::Token);
        assert_eq!(out, b"a\nb\n");
    }

    /// Outputs that outlive their sinks.
    #[derive(Default)]
    struct Outputs(BTreeMap<String, Arc<Mutex<Vec<u8>>>>);

    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl SinkFixture for Outputs {
        fn open(&mut self, target: &str) -> Box<dyn Sink> {
            Box::new(WriterSink::new(target, Output(Arc::clone(self.0.entry(target.to_owned()).or_default()))))
        }
        fn visible(&mut self, target: &str) -> Vec<String> {
            let output = self.0[target].lock().unwrap();
            String::from_utf8_lossy(&output).lines().map(str::to_owned).collect()
        }
    }

    #[test]
    fn it_passes_the_suite_of_what_it_promises() {
        let report = sink_suite(&mut Outputs::default());
        assert_eq!(report.assert(), 3, "{report:?}");
    }

    #[test]
    fn what_a_closed_pipe_does_not_take_is_an_error_before_the_commit() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut sink = WriterSink::new("out", Closed);
        sink.recover(&[]).unwrap();
        sink.prepare().unwrap();
        write(&mut sink, "a");
        let error = sink.prepare().unwrap_err();
        assert!(error.to_string().starts_with("out: its reader is gone"), "{error}");
        assert_eq!(sink.published_bytes(), Some(0));
    }
}
