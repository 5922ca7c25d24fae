//! The other side of [`process`](crate::compiler::process): what a compiling process does.

use std::io::{self, Read, Write};

use hmac::Mac;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::compiler::precompiled::{Compiled, NotCompiled};
use crate::compiler::process::{CODE, Key, PROOF_BYTES, REFUSED, Request, UNABLE};

/// What is said about a component that does not compile has at most so many characters.
const TEXT_CHARS_MAX: usize = 2_000;

/// What a host says about a component before the component itself has at most so many bytes.
const REQUEST_BYTES_MAX: usize = 64 << 10;

/// Compiles one component for the host that started this process, which is asked and answers over standard input
/// and output.
///
/// A program that names itself in [`CompilerProcess`](crate::CompilerProcess) calls this first, and then ends. The
/// process limits itself to the memory and the time that the host names, before it looks at the component.
///
/// Fails if the input is not what a host writes, or if the answer cannot be written.
pub fn compile_for_host() -> io::Result<()> {
    let mut answer = io::stdout().lock();
    serve(&mut io::stdin().lock(), &mut answer, true)?;
    answer.flush()
}

fn serve(question: &mut impl Read, answer: &mut impl Write, limits_itself: bool) -> io::Result<()> {
    let mut length = [0; 4];
    question.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > REQUEST_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no host asks like this"));
    }
    let mut request = vec![0; length];
    question.read_exact(&mut request)?;
    let request: Request = serde_json::from_slice(&request)?;
    if limits_itself {
        limit(Resource::Data, request.memory_bytes)?;
        limit(Resource::Cpu, request.seconds.saturating_mul(u64::from(cores())))?;
        limit(Resource::Core, 0)?;
        limit(Resource::Fsize, 0)?;
    }
    let mut key = [0; PROOF_BYTES];
    question.read_exact(&mut key)?;
    let key = Key::of(key);
    let mut component = Vec::new();
    question.take(request.component_bytes).read_to_end(&mut component)?;
    let compiler = request.settings.compiler(|_| {}).map_err(|error| NotCompiled::Unable(error.to_string()));
    match compiler.and_then(|compiler| Compiled::here(&compiler, &component)) {
        Ok(code) => {
            answer.write_all(&[CODE])?;
            answer.write_all(code.bytes())?;
            answer.write_all(&key.prover(&component, code.bytes()).finalize().into_bytes())
        }
        Err(why) => {
            let (kind, text) = match why {
                NotCompiled::Invalid(text) => (REFUSED, text),
                NotCompiled::Unable(text) => (UNABLE, text),
            };
            let text: String = text.chars().take(TEXT_CHARS_MAX).collect();
            answer.write_all(&[kind])?;
            answer.write_all(text.as_bytes())
        }
    }
}

/// Lowers a limit of this process; one that is lower already stays.
fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let before = getrlimit(resource);
    let lower = |limit: Option<u64>| Some(limit.map_or(most, |limit| limit.min(most)));
    Ok(setrlimit(resource, Rlimit { current: lower(before.current), maximum: lower(before.maximum) })?)
}

/// Compiling uses all cores, and each counts.
fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX))
}
