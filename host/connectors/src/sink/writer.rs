//! A sink over anything that can be written to and cannot be taken back, as the standard output.

use std::io::{self, Write};

use super::{Guarantee, Publication, Sink, SinkError, SinkErrorKind as Kind};
use crate::batch::Batch;
use crate::opaque::{self, Opaque, Shown};

/// A sink that shows records as lines, after the commit of their checkpoint. A crash between the commit
/// and the showing loses them, because they wait in memory: its guarantee is
/// [`AtMostOnce`](Guarantee::AtMostOnce). Its tokens are empty.
///
/// A pipe that nothing reads any more is no error; nothing is written to it then.
#[derive(Debug)]
pub struct WriterSink<W> {
    name: String,
    out: W,
    /// Bytes that were shown.
    shown: u64,
    /// Lines that wait.
    lines: Vec<u8>,
    is_closed: bool,
}

impl<W: Write + Send> WriterSink<W> {
    /// Returns the sink over `out`, which errors call `name`.
    pub fn new(name: impl Into<String>, out: W) -> Self {
        Self { name: name.into(), out, shown: 0, lines: Vec::new(), is_closed: false }
    }

    /// How many of the bytes that wait are to be shown.
    fn count_of(&self, token: &Opaque) -> Result<usize, SinkError> {
        let end: Option<u64> = opaque::as_text(token).and_then(|text| text.parse().ok());
        let count = end.and_then(|end| usize::try_from(end.saturating_sub(self.shown)).ok());
        count.filter(|count| *count <= self.lines.len()).ok_or_else(|| self.foreign(token))
    }

    fn foreign(&self, token: &Opaque) -> SinkError {
        SinkError::new(
            Kind::Token,
            &self.name,
            format!("{} is the token of another sink, or of an earlier run", Shown(token)),
        )
    }
}

impl<W: Write + Send> Sink for WriterSink<W> {
    fn name(&self) -> &str {
        &self.name
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::AtMostOnce
    }

    fn recover(&mut self, committed: &[Opaque]) -> Result<Vec<Publication>, SinkError> {
        committed.first().map_or(Ok(()), |token| Err(self.foreign(token)))?;
        self.abort()?;
        Ok(Vec::new())
    }

    fn write(&mut self, records: &Batch) -> Result<(), SinkError> {
        for record in records.records() {
            self.lines.extend_from_slice(record.bytes());
            self.lines.push(b'\n');
        }
        Ok(())
    }

    fn prepare(&mut self) -> Result<Opaque, SinkError> {
        Ok(opaque::of_numbers((self.shown + self.lines.len() as u64).to_string()))
    }

    fn publish(&mut self, committed: &Opaque) -> Result<(), SinkError> {
        let count = self.count_of(committed)?;
        if !self.is_closed && count > 0 {
            match self.out.write_all(&self.lines[..count]).and_then(|()| self.out.flush()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.is_closed = true,
                result => result.map_err(|error| SinkError::io(Kind::Io, &self.name, error))?,
            }
        }
        self.lines.drain(..count);
        self.shown += count as u64;
        Ok(())
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

    /// What was written to it stays when the writer is gone.
    #[derive(Clone, Default)]
    struct Out(Arc<Mutex<Vec<u8>>>);

    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[derive(Default)]
    struct Outs(BTreeMap<String, Out>);

    impl SinkFixture for Outs {
        fn open(&mut self, target: &str) -> Box<dyn Sink> {
            Box::new(WriterSink::new("out", self.0.entry(target.to_owned()).or_default().clone()))
        }
        fn visible(&mut self, target: &str) -> Vec<String> {
            String::from_utf8(self.0[target].0.lock().unwrap().clone())
                .unwrap()
                .lines()
                .map(ToOwned::to_owned)
                .collect()
        }
    }

    #[test]
    fn a_sink_that_cannot_recover_passes_what_needs_no_recovery() {
        let report = sink_suite(&mut Outs::default());
        assert_eq!(report.assert(), 10, "{report:?}");
        assert_eq!(report.left_out.len(), 12);
    }

    #[test]
    fn a_closed_pipe_is_no_error() {
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
        for _ in 0..2 {
            sink.write(&Batch::of_raw([&b"a"[..]])).unwrap();
            let token = sink.prepare().unwrap();
            sink.publish(&token).unwrap();
        }
        assert_eq!(sink.published_bytes(), Some(4));
    }
}
