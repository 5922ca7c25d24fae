//! Signs of life between processes.
//!
//! A connection whose other end falls silent stays open: a machine without power, a network that drops what it gets, or
//! a process that was stopped sends no end. The system notices some of these and not others, so each process says once
//! a second that it is there, on connections and threads that no work of the job holds up.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::error::ClusterError;
use crate::failure::Failure;
use crate::network::sockets::PATIENCE;

/// A process that was not heard of for so long is lost.
pub(super) const SILENCE: Duration = Duration::from_secs(10);
/// How often a process says that it is there.
const EVERY: Duration = Duration::from_secs(1);
/// A sign of life.
const BEAT: u8 = 1;
/// The last sign: the process ends.
const END: u8 = 0;

/// The connections for signs of life. Dropping it ends them without a failure.
pub(crate) struct Pulses(Vec<TcpStream>);

impl Pulses {
    /// Sends and expects signs of life, from and to each other process.
    pub(crate) fn start(sockets: Vec<Option<TcpStream>>, failure: &Failure) -> Result<Self, ClusterError> {
        let network = |error: std::io::Error| ClusterError::Network(format!("signs of life: {error}"));
        let mut pulses = Self(Vec::new());
        for (process, socket) in sockets.into_iter().enumerate().filter_map(|(at, socket)| Some((at, socket?))) {
            socket.set_read_timeout(Some(PATIENCE)).map_err(network)?;
            socket.set_write_timeout(Some(SILENCE)).map_err(network)?;
            let (ours, theirs) = (socket.try_clone().map_err(network)?, socket.try_clone().map_err(network)?);
            pulses.0.push(socket);
            let failure = failure.clone();
            spawn("pulse", move || beat(ours)).map_err(network)?;
            spawn("listen", move || listen(theirs, process, &failure)).map_err(network)?;
        }
        Ok(pulses)
    }
}

impl Drop for Pulses {
    fn drop(&mut self) {
        for socket in &mut self.0 {
            // One that is closed already needs no more.
            let _ = socket.write_all(&[END]).and_then(|()| socket.shutdown(Shutdown::Both));
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

/// Says that this process is there until the connection ends.
fn beat(mut socket: TcpStream) {
    while socket.write_all(&[BEAT]).is_ok() {
        std::thread::sleep(EVERY);
    }
}

/// Takes note of a process that falls silent, or whose signs of life end without a word. The first sign comes when the
/// other process has connected with all others, for which it has as long as this one.
fn listen(mut socket: TcpStream, process: usize, failure: &Failure) {
    let mut heard = [0; 16];
    let mut waited = PATIENCE;
    loop {
        let what = match socket.read(&mut heard) {
            Ok(count) if heard[..count].contains(&END) => return,
            Ok(count) if count > 0 => {
                waited = SILENCE;
                // If it cannot be set, the longer time holds.
                let _ = socket.set_read_timeout(Some(SILENCE));
                continue;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                format!("process {process} was not heard of for {} s", waited.as_secs())
            }
            Ok(_) | Err(_) => format!("the connection to another process of the job was lost: process {process}"),
        };
        return failure.set(ClusterError::Network(what));
    }
}
