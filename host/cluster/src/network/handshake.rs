//! What two processes say to each other before they are connected: who they are, which generation they belong to, and
//! that they know the key.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use hmac::{Hmac, Mac};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::error::ClusterError;

/// What each message of the handshake begins with.
const MAGIC: &[u8; 8] = b"ALLUCLU1";
/// The longest message of the handshake, in bytes: a manifest with many parts.
const MESSAGE_BYTES_MAX: u32 = 64 << 20;
/// How long a process has for its next message.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    /// Its number.
    pub(super) process: usize,
    /// How many processes it knows.
    pub(super) processes: usize,
    /// How many workers each process has.
    pub(super) threads: usize,
    /// The generation, as far as it is known: 0 if it is not yet.
    pub(super) generation: u64,
    /// What the connection is for.
    pub(super) purpose: Purpose,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Purpose {
    /// Records and progress.
    Data,
    /// Signs of life, which come also while a worker is busy.
    Pulse,
}

/// A first message: who a process is, and a number that the other must answer with the key.
#[derive(Debug, Serialize, Deserialize)]
struct Opening {
    hello: Hello,
    challenge: [u8; 32],
}

/// Exchanges who the two processes are, and checks that the other one knows the key.
pub(super) fn greet(socket: &mut TcpStream, own: Hello, key: &[u8]) -> Result<Hello, ClusterError> {
    let set = socket.set_read_timeout(Some(PATIENCE)).and_then(|()| socket.set_write_timeout(Some(PATIENCE)));
    set.map_err(|error| lost(&error))?;
    let mut challenge = [0; 32];
    getrandom::fill(&mut challenge).map_err(|error| ClusterError::Network(format!("no randomness: {error}")))?;
    let opening = Opening { hello: own, challenge };
    send(socket, &opening)?;
    let theirs: Opening = receive(socket)?;
    send(socket, &proof(key, own, &theirs.challenge).finalize().into_bytes().to_vec())?;
    let answer: Vec<u8> = receive(socket)?;
    let expected = proof(key, theirs.hello, &challenge);
    expected.verify_slice(&answer).map_err(|_| ClusterError::Network("the other process has another key".into()))?;
    let Hello { processes, threads, .. } = theirs.hello;
    if (processes, threads) != (own.processes, own.threads) {
        let theirs = format!("{processes} processes of {threads} workers");
        let ours = format!("{} of {}", own.processes, own.threads);
        return Err(ClusterError::Network(format!("the other process was started for {theirs}, this one for {ours}")));
    }
    Ok(theirs.hello)
}

/// What proves that a process which says this of itself knows the key.
fn proof(key: &[u8], hello: Hello, challenge: &[u8; 32]) -> Hmac<Sha256> {
    let mut proof = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("a key of any length will do"));
    let Hello { process, processes, threads, generation, purpose } = hello;
    for number in [process as u64, processes as u64, threads as u64, generation, purpose as u64] {
        proof.update(&number.to_le_bytes());
    }
    proof.update(challenge);
    proof
}

/// Sends a message of the handshake.
pub(super) fn send<T: Serialize>(socket: &mut TcpStream, message: &T) -> Result<(), ClusterError> {
    let json = serde_json::to_vec(message).map_err(|error| ClusterError::Network(error.to_string()))?;
    let len = u32::try_from(json.len()).ok().filter(|len| *len <= MESSAGE_BYTES_MAX);
    let len = len.ok_or_else(|| ClusterError::Network(format!("a message of {} bytes is too long", json.len())))?;
    let written = socket.write_all(&[&MAGIC[..], &len.to_le_bytes(), &json].concat());
    written.map_err(|error| lost(&error))
}

/// Receives a message of the handshake.
pub(super) fn receive<T: DeserializeOwned>(socket: &mut TcpStream) -> Result<T, ClusterError> {
    let mut head = [0; 12];
    socket.read_exact(&mut head).map_err(|error| lost(&error))?;
    let stranger = || ClusterError::Network("a connection that is not of this job".into());
    let (magic, len) = head.split_at(8);
    let len = u32::from_le_bytes(len.try_into().map_err(|_| stranger())?);
    if magic != MAGIC || len > MESSAGE_BYTES_MAX {
        return Err(stranger());
    }
    let mut json = Vec::new();
    let read = socket.take(u64::from(len)).read_to_end(&mut json).map_err(|error| lost(&error))?;
    if read < len as usize {
        return Err(ClusterError::Network("the connection ended within a message".into()));
    }
    serde_json::from_slice(&json).map_err(|_| stranger())
}

fn lost(error: &std::io::Error) -> ClusterError {
    ClusterError::Network(format!("the connection to another process: {error}"))
}
