//! The inputs of runs: what records are given to, and what happens to it.

mod files;
mod pipes;
mod sockets;
mod streams;

use std::ffi::OsString;
use std::path::Path;
use std::rc::Rc;

use fastrand::Rng;

use crate::Outcome;
use crate::cells::{Change, Source};
use crate::life::Life;
use crate::records::Record;
use crate::servers::Servers;

/// An input.
pub trait Input {
    /// Returns the address and the options of the command. A checkpoint has `consumed` records, if there is one.
    fn arguments(&self, consumed: Option<u64>) -> Vec<OsString>;

    /// Adds records behind those that there are.
    fn add(&mut self, records: &[Record]) -> Outcome;

    /// A process is about to start, whose checkpoint has `consumed` records.
    fn will_start(&mut self, _consumed: Option<u64>) -> Outcome {
        Ok(())
    }

    /// A process was started.
    fn started(&mut self, _life: &mut Life) -> Outcome {
        Ok(())
    }

    /// The process has ended.
    fn ended(&mut self) {}

    /// Lets something happen to it. What is `replaced` holds no more than these records.
    fn change(&mut self, change: Change, life: Option<&mut Life>, random: &mut Rng) -> Outcome;

    /// How often it was interrupted, as far as it can tell: connections that were there and were cut, servers that
    /// ran and were killed, files that were read and are others now.
    fn interruptions(&self) -> u64;

    /// Says that there will be no more records. Returns whether the command ends at the end then.
    fn finish(&mut self) -> Outcome<bool> {
        Ok(false)
    }
}

/// Returns a new input.
pub fn new(
    source: Source,
    change: Change,
    is_idle: bool,
    directory: &Path,
    servers: &Rc<Servers>,
    random: &mut Rng,
) -> Outcome<Box<dyn Input>> {
    let file = |form, follows| -> Box<dyn Input> { Box::new(files::FileInput::new(directory, form, follows)) };
    Ok(match source {
        Source::CsvFile => file(files::Form::Csv, false),
        Source::GzipFile => file(files::Form::Gzip, false),
        Source::ZstdFile => file(files::Form::Zstd, false),
        Source::NdjsonFile => file(files::Form::Ndjson, false),
        Source::CsvFollowed => file(files::Form::Csv, true),
        Source::NdjsonFollowed => file(files::Form::Ndjson, true),
        Source::StandardInput | Source::Fifo => {
            // To know other records, it must see those that it passes over.
            let skips = change == Change::Replaced || random.bool();
            Box::new(pipes::Pipe::new((source == Source::Fifo).then(|| directory.join("in.pipe")), skips)?)
        }
        Source::TcpConnect | Source::TcpListen | Source::UnixConnect | Source::UnixListen => {
            // What is on the way when a connection is lost is lost with a live peer.
            let may_be_live = change == Change::Nothing || (change != Change::Replaced && is_idle);
            let replays = !may_be_live || random.bool();
            match source {
                Source::TcpConnect => Box::new(sockets::Peer::listening(None, replays)?),
                Source::UnixConnect => Box::new(sockets::Peer::listening(Some(directory.join("in.sock")), replays)?),
                Source::TcpListen => Box::new(sockets::Peer::connecting(None, replays)),
                _ => Box::new(sockets::Peer::connecting(Some(directory.join("in.sock")), replays)),
            }
        }
        Source::JetStream => Box::new(streams::JetStream::new(servers)),
        Source::DurableStream => Box::new(streams::DurableStream::new(servers, random.bool())),
        Source::ServerSentEvents => Box::new(streams::ServerSentEvents::new(servers)),
    })
}
