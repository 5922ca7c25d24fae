//! Runs a command built for `wasm32-wasip2` under wasmtime, with an empty scratch directory.
//!
//! Cargo calls it in place of the test program itself:
//!
//! ```sh
//! cargo build --release -p alluvium-wasi-runner
//! export CARGO_TARGET_WASM32_WASIP2_RUNNER=target/release/alluvium-wasi-runner
//! cargo test --target wasm32-wasip2 -p alluvium-core --lib
//! ```
//!
//! The program sees its arguments, the three standard streams, and a scratch directory as its only
//! one, which is deleted afterwards. It has no network and no environment. If it imports the interface
//! `directory`, it gets directories in memory.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use alluvium_core::directory::MemoryDirectory;
use alluvium_wasi_runner::directory::{self, Open, Opened, View};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::p2::bindings::sync::Command;
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtx, WasiCtxView, WasiView};

struct Wasi {
    context: WasiCtx,
    table: ResourceTable,
    open: Open,
}

impl WasiView for Wasi {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.context, table: &mut self.table }
    }
}

/// Returns directories in memory: one for each name except `missing`, and a default.
fn in_memory() -> Open {
    let directories = Mutex::new(BTreeMap::<Option<String>, Arc<MemoryDirectory>>::new());
    Arc::new(move |name| {
        let mut directories = directories.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = Arc::clone(directories.entry(name.map(str::to_owned)).or_default());
        (name != Some("missing")).then(|| Opened::new(directory, vec!["it is in memory".to_owned()]))
    })
}

/// Runs the program and returns its exit code.
fn run(program: &str, arguments: &[String]) -> wasmtime::Result<u8> {
    let engine = Engine::default();
    let component = Component::from_file(&engine, program)?;
    let mut linker = Linker::<Wasi>::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    directory::add_to_linker(&mut linker, |wasi| View { table: &mut wasi.table, open: &wasi.open })?;

    let scratch = tempfile::tempdir()?;
    let context = WasiCtx::builder()
        .inherit_stdio()
        .arg(program)
        .args(arguments)
        .preopened_dir(scratch.path(), "scratch", FsPerms::ReadWrite)?
        // One program, one thread: the host's calls need not leave it.
        .allow_blocking_current_thread(true)
        .build();
    let mut store = Store::new(&engine, Wasi { context, table: ResourceTable::new(), open: in_memory() });
    let command = Command::instantiate(&mut store, &component, &linker)?;
    match command.wasi_cli_run().call_run(&mut store) {
        Ok(result) => Ok(u8::from(result.is_err())),
        // How a program exits with a code of its own; anything else is a trap.
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(exit) => Ok(u8::try_from(exit.0).unwrap_or(1)),
            None => Err(error),
        },
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((program, arguments)) = arguments.split_first() else {
        eprintln!("alluvium-wasi-runner: give the program to run: alluvium-wasi-runner PROGRAM.wasm [ARGUMENT]…");
        return ExitCode::from(2);
    };
    match run(program, arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("alluvium-wasi-runner: {program}: {error:?}");
            ExitCode::from(2)
        }
    }
}
