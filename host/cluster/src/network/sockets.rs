//! Connects the processes of a job, each with each.

use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use rustix::net::sockopt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ClusterError;
use crate::network::Processes;
use crate::network::handshake::{Hello, Purpose, greet, receive, send};
use crate::network::pulse::SILENCE;

/// How long a process waits for the others.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);
/// How long it waits between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(5);
/// How long it waits after the other process has refused it.
const PAUSE_REFUSED: Duration = Duration::from_millis(50);

/// Connections, by process. There is none to the process itself.
type Sockets = Vec<Option<TcpStream>>;

/// The connections of this process.
pub(crate) struct Connected<P> {
    /// Those for records and progress.
    pub(crate) sockets: Sockets,
    /// Those for signs of life.
    pub(crate) pulses: Sockets,
    /// What the first process of the job decided.
    pub(crate) plan: P,
}

/// Connects this process with all others. The first process decides on `plan`, once all others are there, and its
/// generation is that of the connections: a process of an earlier generation is not let in.
pub(crate) fn connect<P: Serialize + DeserializeOwned>(
    processes: &Processes,
    threads: usize,
    plan: impl FnOnce() -> Result<P, ClusterError>,
    generation: impl Fn(&P) -> u64,
) -> Result<Connected<P>, ClusterError> {
    let (own, count) = (processes.own, processes.count());
    if count == 1 {
        return Ok(Connected { sockets: vec![None], pulses: vec![None], plan: plan()? });
    }
    let until = Instant::now() + PATIENCE;
    let address = &processes.addresses[own];
    let listener = TcpListener::bind(address)
        .map_err(|error| ClusterError::Network(format!("{address}: this process cannot listen there: {error}")))?;
    let listening = listener.set_nonblocking(true);
    listening.map_err(|error| ClusterError::Network(format!("{address}: {error}")))?;
    let hello = |generation, purpose| Hello { process: own, processes: count, threads, generation, purpose };
    let none = || -> Sockets { (0..count).map(|_| None).collect() };
    let (mut sockets, mut pulses) = (none(), none());
    let dial = |other: usize, own| dial(&processes.addresses[other], other, own, &processes.key, until);
    let plan = if own == 0 {
        accept(&listener, [&mut sockets, &mut pulses], 1..count, hello(0, Purpose::Data), &processes.key, until)?;
        let plan = plan()?;
        for socket in sockets.iter_mut().flatten() {
            send(socket, &plan)?;
        }
        plan
    } else {
        let mut first = dial(0, hello(0, Purpose::Data))?;
        pulses[0] = Some(dial(0, hello(0, Purpose::Pulse))?);
        // The first process answers once all others are there, and it has claimed the job.
        first.set_read_timeout(Some(PATIENCE)).map_err(|error| ClusterError::Network(error.to_string()))?;
        let plan: P = receive(&mut first)?;
        sockets[0] = Some(first);
        let generation = generation(&plan);
        for other in 1..own {
            sockets[other] = Some(dial(other, hello(generation, Purpose::Data))?);
            pulses[other] = Some(dial(other, hello(generation, Purpose::Pulse))?);
        }
        let own_hello = hello(generation, Purpose::Data);
        accept(&listener, [&mut sockets, &mut pulses], own + 1..count, own_hello, &processes.key, until)?;
        plan
    };
    for socket in sockets.iter().chain(&pulses).flatten() {
        prepare(socket).map_err(|error| ClusterError::Network(format!("a connection: {error}")))?;
    }
    Ok(Connected { sockets, pulses, plan })
}

/// Takes the connections of other processes. One that does not belong to the job is left.
fn accept(
    listener: &TcpListener,
    [sockets, pulses]: [&mut Sockets; 2],
    from: std::ops::Range<usize>,
    own: Hello,
    key: &[u8],
    until: Instant,
) -> Result<(), ClusterError> {
    while let Some(missing) = from.clone().find(|other| sockets[*other].is_none() || pulses[*other].is_none()) {
        if Instant::now() > until {
            return Err(ClusterError::Network(format!("process {missing} did not connect within {PATIENCE:?}")));
        }
        let Ok((mut socket, peer)) = listener.accept() else {
            std::thread::sleep(PAUSE);
            continue;
        };
        let blocking = socket.set_nonblocking(false).map_err(|error| ClusterError::Network(error.to_string()));
        match blocking.and_then(|()| greet(&mut socket, own, key)) {
            Ok(hello) if from.contains(&hello.process) && hello.generation == own.generation => {
                // If a process was started again meanwhile, the later connection counts.
                let process = hello.process;
                match hello.purpose {
                    // It connects for signs of life after this, so those of an earlier start do not count either.
                    Purpose::Data => (sockets[process], pulses[process]) = (Some(socket), None),
                    Purpose::Pulse => pulses[process] = Some(socket),
                }
            }
            Ok(hello) => {
                let Hello { process, generation, .. } = hello;
                tracing::warn!("{peer}: process {process} of generation {generation} is not let in");
            }
            Err(error) => tracing::warn!("{peer}: {error}"),
        }
    }
    Ok(())
}

/// Connects to another process, as soon as it listens.
fn dial(address: &str, process: usize, own: Hello, key: &[u8], until: Instant) -> Result<TcpStream, ClusterError> {
    loop {
        let failed = match attempt(address, process, own, key) {
            Ok(socket) => return Ok(socket),
            Err(error) => error,
        };
        if Instant::now() > until {
            return Err(ClusterError::Network(format!("process {process} at {address}: {failed}")));
        }
        // One that does not listen yet is asked often; one that refuses this process would only be disturbed.
        let does_not_listen = matches!(&failed, Attempt::NotListening(_));
        std::thread::sleep(if does_not_listen { PAUSE } else { PAUSE_REFUSED });
    }
}

/// Why a connection was not made.
enum Attempt {
    NotListening(String),
    Refused(ClusterError),
}

impl std::fmt::Display for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotListening(why) => f.write_str(why),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

fn attempt(address: &str, process: usize, own: Hello, key: &[u8]) -> Result<TcpStream, Attempt> {
    let failed = |error: std::io::Error| Attempt::NotListening(error.to_string());
    let resolved = address.to_socket_addrs().map_err(failed)?.next();
    let resolved = resolved.ok_or_else(|| Attempt::NotListening("the name has no address".into()))?;
    let mut socket = TcpStream::connect_timeout(&resolved, SILENCE).map_err(failed)?;
    let hello = greet(&mut socket, own, key).map_err(Attempt::Refused)?;
    if hello.process != process || hello.generation != own.generation {
        let Hello { process, generation, .. } = hello;
        let what = format!("process {process} of generation {generation} answers there");
        return Err(Attempt::Refused(ClusterError::Network(what)));
    }
    Ok(socket)
}

/// Has a connection end within a bounded time if the other side falls silent.
fn prepare(socket: &TcpStream) -> std::io::Result<()> {
    socket.set_read_timeout(None)?;
    socket.set_write_timeout(None)?;
    socket.set_nodelay(true)?;
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, Duration::from_secs(3))?;
    sockopt::set_tcp_keepintvl(socket, Duration::from_secs(2))?;
    sockopt::set_tcp_keepcnt(socket, 3)?;
    let silence_ms = u32::try_from(SILENCE.as_millis()).unwrap_or(u32::MAX);
    sockopt::set_tcp_user_timeout(socket, silence_ms)?;
    Ok(())
}
