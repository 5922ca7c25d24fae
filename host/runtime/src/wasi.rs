//! What of WASI a component is granted: the engine its directory and the clocks, a plugin an empty
//! shell that its language's runtime can start in.

use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use alluvium_core::Clock;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::clocks::WasiClocksView;
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock::Host as _;
use wasmtime_wasi::{Deterministic, FsPerms, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiView};

use crate::error::RuntimeError;
use crate::stderr_tail::Tail;
use crate::store_data::StoreData;
use alluvium::NativeDirectory;

/// The guest's name of the one preopened directory.
pub(crate) const DIRECTORY: &str = "checkpoints";

/// What stands in the place of random bytes.
const SECURE: u8 = 0x5a;
const INSECURE: u8 = 0xa5;

/// A plugin draws at most so many random bytes at a time.
const CHANCE_BYTES_MAX: u64 = 64 << 10;

/// For the engine: the directory, the clocks, nothing else.
pub(crate) fn of_engine(
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
        .preopened_dir(place(directory), DIRECTORY, FsPerms::ReadWrite)
        .map_err(|error| RuntimeError::Host(format!("{}: {error:#}", directory.path().display())))?;
    Ok(builder.build())
}

/// The directory that is open, under whatever name: another may stand at its path by now.
pub(crate) fn place(directory: &NativeDirectory) -> PathBuf {
    let by_descriptor = format!("/proc/self/fd/{}", directory.as_fd().as_raw_fd());
    if cfg!(target_os = "linux") { by_descriptor.into() } else { directory.path().to_owned() }
}

/// For a plugin: no files, no network, no environment, no chance, and a clock that stands still.
pub(crate) fn of_plugin(stderr: Tail) -> WasiCtx {
    without_chance().stderr(stderr).wall_clock(Frozen).monotonic_clock(Frozen).build()
}

/// Nothing granted, and randomness replaced: equal input gives equal output.
fn without_chance() -> WasiCtxBuilder {
    let mut builder = WasiCtxBuilder::new();
    builder
        .secure_random(Deterministic::new(vec![SECURE]))
        .insecure_random(Deterministic::new(vec![INSECURE]))
        .insecure_random_seed(0)
        .allow_ip_name_lookup(false)
        .allow_tcp(false)
        .allow_udp(false);
    builder
}

/// Takes timers away again: a plugin that sleeps would sleep in the host, where its time limit does
/// not reach.
pub(crate) fn forbid_timers<T: WasiView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
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

/// Ends the engine at the deadline of the plugin's call that it works for. During long work it asks for the time
/// every few thousand keys: its code is compiled without looks at a deadline, which would cost a quarter of its speed.
pub(crate) fn end_at_deadline(linker: &mut Linker<StoreData>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut clock = linker.instance("wasi:clocks/monotonic-clock@0.2.12")?;
    clock.func_wrap("now", |mut store, (): ()| -> wasmtime::Result<(u64,)> {
        let guest: &mut StoreData = store.data_mut();
        guest.check_time().map_err(wasmtime::Error::new)?;
        Ok((guest.clocks().now()?,))
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Bounds what a plugin draws of the randomness that is none: it is made byte by byte, where no limit of time reaches.
pub(crate) fn bound_chance<T: WasiView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    for (interface, name) in [("random", "get-random-bytes"), ("insecure", "get-insecure-random-bytes")] {
        let byte = if interface == "random" { SECURE } else { INSECURE };
        let mut instance = linker.instance(&format!("wasi:random/{interface}@0.2.12"))?;
        instance.func_wrap(name, move |_, (count,): (u64,)| -> wasmtime::Result<(Vec<u8>,)> {
            if count > CHANCE_BYTES_MAX {
                return Err(wasmtime::Error::msg(format!(
                    "it drew {count} bytes: at most {CHANCE_BYTES_MAX} at a time"
                )));
            }
            Ok((vec![byte; usize::try_from(count)?],))
        })?;
    }
    linker.allow_shadowing(false);
    Ok(())
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
