//! Compiling in a process of its own, which can be stopped.
//!
//! The host writes settings, a key and the component to the process's standard input, and reads one answer from its
//! standard output: the code, with a proof that it was made by one who has the key. The key is made for each host and
//! is in no file, argument or variable. Without the proof, nothing is taken for machine code.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::compiler::features::CompilerSettings;
use crate::compiler::precompiled::Compiled;
use crate::random::random;
use crate::threads::cannot_start;

/// The length of a key and of a proof.
pub(super) const PROOF_BYTES: usize = 32;

/// What an answer begins with.
pub(super) const CODE: u8 = 1;
pub(super) const REFUSED: u8 = 2;
pub(super) const UNABLE: u8 = 3;

/// An answer is not longer: machine code of the largest component takes a multiple of its file.
const ANSWER_BYTES_MAX: u64 = 1 << 30;

/// A process that compiles plugins: a program that calls [`compile_for_host`](crate::compile_for_host).
#[derive(Debug, Clone)]
pub struct CompilerProcess {
    /// The program. It gets no environment.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// How long it may take for one plugin.
    pub time: Duration,
    /// How much memory it may take.
    pub memory_bytes: u64,
}

impl CompilerProcess {
    /// This program with `arguments`, for two minutes at most and with at most 2 GiB.
    pub fn this_program(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            arguments: arguments.into_iter().map(Into::into).collect(),
            time: Duration::from_mins(2),
            memory_bytes: 2 << 30,
        })
    }
}

/// What the process is told first.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Request {
    pub(super) settings: CompilerSettings,
    pub(super) seconds: u64,
    pub(super) memory_bytes: u64,
    pub(super) component_bytes: u64,
}

/// The key by which a host knows what its own processes made.
#[derive(Clone)]
pub(crate) struct Key([u8; PROOF_BYTES]);

impl Key {
    pub(crate) fn random() -> io::Result<Self> {
        random().map(Self)
    }

    pub(super) fn of(bytes: [u8; PROOF_BYTES]) -> Self {
        Self(bytes)
    }

    /// Proves that `code` was made of `component` by one who has the key.
    pub(super) fn prover(&self, component: &[u8], code: &[u8]) -> Hmac<Sha256> {
        let prover = <Hmac<Sha256> as Mac>::new_from_slice(&self.0);
        let mut prover = prover.unwrap_or_else(|_| unreachable!("a key of any length will do"));
        prover.update(&Sha256::digest(component));
        prover.update(code);
        prover
    }
}

/// Compiles a component in a process of its own. The error says why there is no code.
pub(super) fn compile(
    how: &CompilerProcess,
    key: &Key,
    settings: &CompilerSettings,
    component: &[u8],
) -> Result<Compiled, String> {
    let request = Request {
        settings: *settings,
        seconds: how.time.as_secs().saturating_add(1),
        memory_bytes: how.memory_bytes,
        component_bytes: component.len() as u64,
    };
    let request = serde_json::to_vec(&request).map_err(|error| error.to_string())?;
    let length = u32::try_from(request.len()).map_err(|error| error.to_string())?;
    let question = [&length.to_le_bytes()[..], &request, &key.0, component].concat();
    let (answer, status) = ask(how, question)?;
    match answer.split_first() {
        Some((&CODE, rest)) if rest.len() >= PROOF_BYTES => {
            let (code, proof) = rest.split_at(rest.len() - PROOF_BYTES);
            let proved = key.prover(component, code).verify_slice(proof);
            proved.map_err(|_| "the compiler's answer is not proved to be its own".to_owned())?;
            Ok(Compiled::proved(code.to_vec()))
        }
        Some((&REFUSED, text)) => Err(format!("is no valid component: {}", String::from_utf8_lossy(text))),
        Some((&UNABLE, text)) => Err(format!("was not compiled: {}", String::from_utf8_lossy(text))),
        _ => Err(format!(
            "was not compiled: the compiler ended without an answer ({status}); it may take {} MiB of memory and {} s",
            how.memory_bytes >> 20,
            how.time.as_secs()
        )),
    }
}

/// Starts the process, writes the question and reads the answer, within its time.
fn ask(how: &CompilerProcess, question: Vec<u8>) -> Result<(Vec<u8>, ExitStatus), String> {
    let mut command = Command::new(&how.program);
    command.args(&how.arguments).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let program = how.program.display();
    let mut child = command.spawn().map_err(|error| format!("was not compiled: {}", cannot_start(&program, &error)))?;
    let answer = converse(how, &mut child, question);
    // One that has answered ends by itself, and one that has not is not waited for.
    let _ = child.kill();
    let status = child.wait().map_err(|error| format!("{program}: {error}"))?;
    Ok((answer?, status))
}

fn converse(how: &CompilerProcess, child: &mut Child, question: Vec<u8>) -> Result<Vec<u8>, String> {
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("the compiler has no pipes".to_owned());
    };
    let (done, answered) = channel();
    let exchange = move || {
        // A process that ends early reads no more: its answer, or the lack of one, says why.
        let _ = stdin.write_all(&question);
        drop((stdin, question));
        let mut answer = Vec::new();
        let read = stdout.take(ANSWER_BYTES_MAX).read_to_end(&mut answer);
        let _ = done.send(read.map(|_| answer));
    };
    let thread = std::thread::Builder::new().name("compiler pipes".to_owned()).spawn(exchange);
    thread.map_err(|error| format!("was not compiled: {}", cannot_start("a thread", &error)))?;
    match answered.recv_timeout(how.time) {
        Ok(answer) => answer.map_err(|error| format!("the compiler's answer cannot be read: {error}")),
        Err(RecvTimeoutError::Timeout) => Err(format!(
            "was not compiled: it took the compiler more than the {} ms that it may take",
            how.time.as_millis()
        )),
        Err(RecvTimeoutError::Disconnected) => Err("the compiler's answer cannot be read".to_owned()),
    }
}
