//! What of WASI a component is granted: the engine its directory and the clocks, a plugin an empty
//! shell that its language's runtime can start in.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use alluvium_core::Clock;
use tokio::io::AsyncWrite;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::filesystem::{WasiFilesystemCtxView, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::sync::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, Host as _, HostDescriptor, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynPollable, FsResult};
use wasmtime_wasi::{Deterministic, FsPerms, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiView};

use super::RuntimeError;
use super::store_data::Guest;
use alluvium::NativeDirectory;

/// The guest's name of the one preopened directory.
pub(super) const DIRECTORY: &str = "checkpoints";

/// For the engine: the directory, the clocks, nothing else.
pub(super) fn of_engine(
    directory: &NativeDirectory,
    clock: &Arc<dyn Clock + Send + Sync>,
    stderr: Tail,
) -> Result<WasiCtx, RuntimeError> {
    let mut builder = without_chance();
    builder
        .stderr(stderr)
        .wall_clock(Passed(Arc::clone(clock)))
        .monotonic_clock(Passed(Arc::clone(clock)))
        // This thread waits for the disk anyway; to hand each write to another costs more.
        .allow_blocking_current_thread(true)
        .preopened_dir(directory.path(), DIRECTORY, FsPerms::ReadWrite)
        .map_err(|error| RuntimeError::Host(format!("{}: {error:#}", directory.path().display())))?;
    Ok(builder.build())
}

/// For a plugin: no files, no network, no environment, no chance, and a clock that stands still.
pub(super) fn of_plugin(stderr: Tail) -> WasiCtx {
    without_chance().stderr(stderr).wall_clock(Frozen).monotonic_clock(Frozen).build()
}

/// Nothing granted, and randomness replaced: equal input gives equal output.
fn without_chance() -> WasiCtxBuilder {
    let mut builder = WasiCtxBuilder::new();
    builder
        .secure_random(Deterministic::new(vec![0x5a]))
        .insecure_random(Deterministic::new(vec![0xa5]))
        .insecure_random_seed(0)
        .allow_ip_name_lookup(false)
        .allow_tcp(false)
        .allow_udp(false);
    builder
}

/// Takes timers away again: a plugin that sleeps would sleep in the host, where its time limit does
/// not reach.
pub(super) fn forbid_timers<T: WasiView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut clock = linker.instance("wasi:clocks/monotonic-clock@0.2.12")?;
    for name in ["subscribe-instant", "subscribe-duration"] {
        clock.func_wrap(name, |_, (_,): (u64,)| -> wasmtime::Result<(Resource<DynPollable>,)> {
            Err(wasmtime::Error::msg("it set a timer: a plugin has no clock to wait by"))
        })?;
    }
    linker.allow_shadowing(false);
    Ok(())
}

/// Holds what an engine writes to the budget of its store, before it reaches the disk. The engine is
/// told what a full disk tells it, and leaves nothing behind; the host knows better.
///
/// It creates files with `open-at` and fills them with `write`, and nothing else.
pub(super) fn count_writes(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut files = linker.instance("wasi:filesystem/types@0.2.12")?;
    files.func_wrap(
        "[method]descriptor.write",
        |mut store, (file, bytes, offset): (Resource<Descriptor>, Vec<u8>, u64)| {
            let guest: &mut Guest = store.data_mut();
            if !guest.disk.take_bytes(bytes.len() as u64) {
                return Ok((Err(ErrorCode::Quota),));
            }
            let mut view = guest.filesystem();
            let written = view.write(file, bytes, offset);
            answered(&mut view, written)
        },
    )?;
    files.func_wrap(
        "[method]descriptor.open-at",
        |mut store,
         (directory, follow, path, how, flags): (
            Resource<Descriptor>,
            PathFlags,
            String,
            OpenFlags,
            DescriptorFlags,
        )| {
            let guest: &mut Guest = store.data_mut();
            let creates = how.contains(OpenFlags::CREATE);
            if creates && !guest.disk.has_file() {
                return Ok((Err(ErrorCode::Quota),));
            }
            let mut view = guest.filesystem();
            let opened = view.open_at(directory, follow, path, how, flags);
            let opened = answered(&mut view, opened)?;
            if creates && opened.0.is_ok() {
                guest.disk.take_file();
            }
            Ok(opened)
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

type Answered<T> = (Result<T, ErrorCode>,);

fn answered<T>(view: &mut WasiFilesystemCtxView<'_>, result: FsResult<T>) -> wasmtime::Result<Answered<T>> {
    match result {
        Ok(value) => Ok((Ok(value),)),
        Err(error) => Ok((Err(view.convert_error_code(error)?),)),
    }
}

/// A clock that stands still.
struct Frozen;

impl HostWallClock for Frozen {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }
    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Frozen {
    fn resolution(&self) -> u64 {
        1
    }
    fn now(&self) -> u64 {
        0
    }
}

/// The caller's clock.
struct Passed(Arc<dyn Clock + Send + Sync>);

impl HostWallClock for Passed {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.unix_ms())
    }
}

impl HostMonotonicClock for Passed {
    fn resolution(&self) -> u64 {
        1_000
    }
    fn now(&self) -> u64 {
        self.0.monotonic_us().saturating_mul(1_000)
    }
}

/// A component's words, fit for a terminal and a log: what would move the cursor, turn the direction
/// of writing or begin another line is shown by its code.
pub(super) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    shown
}

/// A line of JSON, fit to be shown to people and parsed by programs: one cannot pass for two, nor
/// speak to a terminal. What JSON itself forbids is refused, with the line's beginning; the control
/// characters that it allows within strings are written by their codes, which mean the same.
pub(super) fn json_line(line: String) -> Result<String, String> {
    if !line.chars().any(char::is_control) {
        return Ok(line);
    }
    let mut shown = String::with_capacity(line.len());
    for c in line.chars() {
        match u32::from(c) {
            ..0x20 => return Err(line.chars().take(100).collect()),
            code if c.is_control() => shown.extend(format!("\\u{code:04x}").chars()),
            _ => shown.push(c),
        }
    }
    Ok(shown)
}

/// How much of a component's standard error is kept.
const TAIL_BYTES: usize = 4_096;

/// The end of what a component wrote to its standard error: where its panic message is.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail(Arc<Mutex<Vec<u8>>>);

impl Tail {
    /// The last lines, without the backtrace's advice.
    pub(super) fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("note: run with"));
        lines.map(escaped).collect::<Vec<_>>().join("; ")
    }
}

impl AsyncWrite for Tail {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let mut tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]);
        let surplus = tail.len().saturating_sub(TAIL_BYTES);
        tail.drain(..surplus);
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl IsTerminal for Tail {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Tail {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cannot_forge_lines_or_move_the_cursor() {
        let check = |text: &str, expected: &str| assert_eq!(escaped(text), expected);
        check("a \"word\", Zürich 'ok'", "a \"word\", Zürich 'ok'");
        check("\x1b[2Jgone\r\nerror: forged", "\\u{1b}[2Jgone\\r\\nerror: forged");
        check("abc\u{202e}cba\u{0}", "abc\\u{202e}cba\\0");
    }

    #[test]
    fn a_result_is_one_line_that_cannot_speak_to_a_terminal() {
        let check = |line: &str, expected: Result<&str, &str>| {
            assert_eq!(json_line(line.to_owned()), expected.map(str::to_owned).map_err(str::to_owned));
        };
        check("{\"key\":\"é\\n\"}", Ok("{\"key\":\"é\\n\"}"));
        check("{\"key\":\"\u{7f}\u{9b}2J\"}", Ok("{\"key\":\"\\u007f\\u009b2J\"}"));
        check("{\"key\":1}\n{\"key\":2}", Err("{\"key\":1}\n{\"key\":2}"));
    }
}
