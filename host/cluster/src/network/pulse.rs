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

/// A process that was not heard of for so long is lost.
pub(super) const SILENCE: Duration = Duration::from_secs(10);
/// How often a process says that it is there.
const EVERY: Duration = Duration::from_secs(1);

/// The connections for signs of life. Dropping it ends them without a failure.
pub(crate) struct Pulses(Vec<TcpStream>);

impl Pulses {
    /// Sends and expects signs of life, from and to each other process.
    pub(crate) fn start(sockets: Vec<Option<TcpStream>>, failure: &Failure) -> Result<Self, ClusterError> {
        let network = |error: std::io::Error| ClusterError::Network(format!("signs of life: {error}"));
        let mut pulses = Self(Vec::new());
        for (process, socket) in sockets.into_iter().enumerate().filter_map(|(at, socket)| Some((at, socket?))) {
            socket.set_read_timeout(Some(SILENCE)).map_err(network)?;
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
        for socket in &self.0 {
            // One that is closed already needs no more.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

/// Says that this process is there until the connection ends.
fn beat(mut socket: TcpStream) {
    while socket.write_all(&[1]).is_ok() {
        std::thread::sleep(EVERY);
    }
}

/// Takes note of a process that falls silent. A connection that ends is no news: that of the records ends too.
fn listen(mut socket: TcpStream, process: usize, failure: &Failure) {
    let mut heard = [0; 16];
    loop {
        match socket.read(&mut heard) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                let what = format!("process {process} was not heard of for {} s", SILENCE.as_secs());
                return failure.set(ClusterError::Network(what));
            }
            Err(_) => return,
        }
    }
}
