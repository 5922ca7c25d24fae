//! The `alluvium` command: runs a plugin over a stream with checkpoints, and looks after the
//! directories that hold them.
//!
//! One file for each group of commands, [`output`] for what they print and [`failure`] for how they
//! fail.
#![forbid(unsafe_code)]

mod answer;
mod backup;
mod config;
mod diff;
mod dump;
mod durability;
mod failure;
mod keep;
mod laminardb;
mod list;
mod log;
mod manage;
mod migrate;
mod new;
mod open;
mod output;
mod run;
mod shown;
mod storage;
mod stored;
mod top;
mod transfer;
mod transferred;
mod verify;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::answer::Answer;
use crate::failure::Failure;

/// Portable incremental checkpoints for stream processing.
///
/// Exit codes: 0 done, 1 a negative answer (damage was found, a run was interrupted), 2 an error.
#[derive(Parser)]
#[command(name = "alluvium", version, propagate_version = true, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(Box<run::Run>),
    #[cfg(feature = "cluster")]
    Cluster(Box<run::Cluster>),
    New(new::New),
    List(list::List),
    Show(list::Show),
    Dump(dump::Dump),
    Diff(diff::Diff),
    Top(top::Top),
    Watch(watch::Watch),
    Verify(verify::Verify),
    Restore(manage::Restore),
    Keep(keep::Keep),
    Release(keep::Release),
    Delete(manage::Delete),
    Gc(manage::Gc),
    Migrate(migrate::Migrate),
    Backup(backup::Backup),
    Export(transfer::Export),
    Import(transfer::Import),
    /// Compiles a plugin for the command that started this one
    #[command(hide = true)]
    Compile,
    /// Runs a plugin for the command that started this one
    #[command(hide = true)]
    Worker,
}

/// Compiles a plugin for the process that started this one, which limits what this may take.
fn compile() -> Result<Answer, Failure> {
    let asked = |error| Failure::at("compile", error).hint("only `alluvium run` starts it");
    alluvium_host::compile_for_host().map(|()| Answer::Yes).map_err(asked)
}

/// Runs a plugin for the process that started this one, locked in by the kernel.
fn worker() -> Result<Answer, Failure> {
    let asked = |error| Failure::at("worker", error).hint("only `alluvium run --isolate` starts it");
    alluvium_host::work_for_host().map(|()| Answer::Yes).map_err(asked)
}

/// Runs the command that the arguments ask for.
fn main() -> ExitCode {
    let given: Vec<OsString> = std::env::args_os().collect();
    // Also what is wrong with the arguments themselves is told in the form that was asked for.
    let is_json = given.iter().any(|argument| argument == "--json");
    match answer(given, is_json) {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Err(failure) => failure.report(is_json),
    }
}

fn answer(given: Vec<OsString>, is_json: bool) -> Result<Answer, Failure> {
    let given = config::expand(given)?;
    let arguments = match Arguments::try_parse_from(given) {
        Ok(arguments) => arguments,
        Err(error) if is_json && error.use_stderr() => return Err(Failure::usage(&error)),
        Err(error) => error.exit(),
    };
    match arguments.command {
        Command::Run(command) => command.run(),
        #[cfg(feature = "cluster")]
        Command::Cluster(command) => command.run(),
        Command::New(command) => command.run(),
        Command::List(command) => command.run(),
        Command::Show(command) => command.run(),
        Command::Dump(command) => command.run(),
        Command::Diff(command) => command.run(),
        Command::Top(command) => command.run(),
        Command::Watch(command) => command.run(),
        Command::Verify(command) => command.run(),
        Command::Restore(command) => command.run(),
        Command::Keep(command) => command.run(),
        Command::Release(command) => command.run(),
        Command::Delete(command) => command.run(),
        Command::Gc(command) => command.run(),
        Command::Migrate(command) => command.run(),
        Command::Backup(command) => command.run(),
        Command::Export(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::Compile => compile(),
        Command::Worker => worker(),
    }
}
